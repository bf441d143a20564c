//! Formats of texts: those that the token grammar enforces, those that only the check knows, and those that say nothing
//! about the text.

/// The treatment of a format.
#[derive(Debug, PartialEq, Eq)]
pub enum Format {
    /// llguidance knows it by this name.
    Known(&'static str),
    /// A pattern replaces the format; it is narrower where days and seconds depend on one another.
    Pattern(&'static str),
    /// Only the check of complete values knows it.
    Checked,
    /// A hint for people, for input fields or for other types than texts; every text has it.
    Annotation,
}

// Never the 29th of February: in most years it does not exist.
const DATE: &str = "^[0-9]{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|02-(?:0[1-9]|1[0-9]|2[0-8]))$";
// Never a leap second: it exists at one minute of the day.
const TIME: &str =
    r"^(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,9})?(?:Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])$";
const DATE_TIME: &str = r"^[0-9]{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|02-(?:0[1-9]|1[0-9]|2[0-8]))T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,9})?(?:Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])$";
// Labels by RFC 1123, none that begins like an encoded one (`xn--`), and no more than fit into 253 bytes.
const HOSTNAME: &str =
    "^[a-zA-Z0-9](?:[a-zA-Z0-9]{0,61}[a-zA-Z0-9])?(?:\\.[a-zA-Z0-9](?:[a-zA-Z0-9]{0,61}[a-zA-Z0-9])?){0,2}$";
// RFC 6901.
const JSON_POINTER: &str = "^(?:/(?:[^~/]|~[01])*)*$";
const RELATIVE_JSON_POINTER: &str = "^(?:0|[1-9][0-9]{0,8})(?:#|(?:/(?:[^~/]|~[01])*)*)$";

/// Looks a format up by its name; `None` for an unknown format.
pub fn lookup(name: &str) -> Option<Format> {
    Some(match name {
        "date" => Format::Pattern(DATE),
        "time" => Format::Pattern(TIME),
        "date-time" => Format::Pattern(DATE_TIME),
        "hostname" => Format::Pattern(HOSTNAME),
        "json-pointer" => Format::Pattern(JSON_POINTER),
        "relative-json-pointer" => Format::Pattern(RELATIVE_JSON_POINTER),
        "duration" => Format::Known("duration"),
        "email" => Format::Known("email"),
        "ipv4" => Format::Known("ipv4"),
        "ipv6" => Format::Known("ipv6"),
        "uuid" => Format::Known("uuid"),
        "uri" => Format::Known("uri"),
        "idn-email" | "idn-hostname" | "iri" | "iri-reference" | "uri-reference" | "uri-template" | "regex" => {
            Format::Checked
        }
        // OpenAPI's registry of formats, and those that pydantic, schemars and .NET write in addition.
        "int8" | "int16" | "int32" | "int64" | "int128" | "uint" | "int" | "uint8" | "uint16" | "uint32" | "uint64"
        | "uint128" | "float" | "double" | "decimal" | "half" | "single" | "password" | "binary" | "byte"
        | "base64" | "base64url" | "path" | "file-path" | "directory-path" | "json-string" | "markdown" | "html"
        | "text" | "textarea" | "string" | "char" | "commonmark" | "color" | "phone" | "partial-date-time" => {
            Format::Annotation
        }
        _ => return None,
    })
}
