//! The words that users read: help, messages and guides are in US English and in the words of the field.

use super::{rust_files, sources};
use proc_macro2::{TokenStream, TokenTree};
use std::fs;
use std::path::Path;
use syn::visit::{self, Visit};

/// Phrases of a literal translation, and what to write instead.
const BANNED: &[(&str, &str)] = &[
    ("is no", "is not a"),
    ("are no", "are not"),
    ("was no", "was not a"),
    ("goes", "is removed, belongs, runs"),
    ("lies", "is"),
    ("stands", "is"),
    ("told", "reported, shown"),
    ("mend", "fix"),
    ("mended", "fixed"),
    ("so long", "this long"),
    ("so much", "this much"),
    ("so many", "this many"),
    ("take away", "remove"),
    ("takes away", "removes"),
    ("taken away", "removed"),
    ("took away", "removed"),
    ("at hand", "available"),
    ("beside", "next to"),
    ("besides", "in addition to"),
    ("comes free", "is freed"),
    ("come free", "are freed"),
    ("nobody", "no process, no user"),
    ("somebody", "another process, another user"),
    ("any more", "no longer"),
    ("times less", "x faster, x smaller"),
    ("means it", "matches"),
    ("half done", "incomplete"),
    ("has gone", "is gone, no longer exists"),
    ("have gone", "are gone, no longer exist"),
    ("looked into", "inspected"),
    ("leads nowhere", "is a dangling link"),
    ("to be had", "available"),
    ("without a word", "silently"),
    ("by their doing", "because of them"),
];

/// Beginnings of words in British spelling.
const BRITISH: &[&str] = &[
    "analyse",
    "artefact",
    "behaviour",
    "cancelled",
    "cancelling",
    "catalogue",
    "centre",
    "colour",
    "customis",
    "favour",
    "finalis",
    "grey",
    "honour",
    "initialis",
    "judgement",
    "labell",
    "learnt",
    "licence",
    "maximis",
    "minimis",
    "modell",
    "neighbour",
    "normalis",
    "optimis",
    "organis",
    "prioritis",
    "programme",
    "quantis",
    "realis",
    "recognis",
    "serialis",
    "specialis",
    "spelt",
    "summaris",
    "synchronis",
    "unauthoris",
    "utilis",
    "virtualis",
    "whilst",
];

/// Words that begin like a British one.
const AMERICAN: &[&str] =
    &["programmed", "programmer", "optimistic", "realistic", "catalogued", "specialist", "organism"];

/// The state of a task and the code of an error, spelled as in OpenAI's API.
const OPENAI: &str = "cancelled";

fn is_part(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '\'')
}

/// Returns what a text has that users should not read.
fn faults(text: &str) -> Vec<String> {
    // In SQL.
    let text = text.replace("'cancelled'", "");
    let mut plain = String::new();
    let mut depth = 0;
    for c in text.chars() {
        match c {
            '{' => depth += 1,
            '}' if depth > 0 => {
                depth -= 1;
                plain.push('_');
            }
            _ if depth > 0 => {}
            _ => plain.extend(c.to_lowercase()),
        }
    }
    // A mark between two words keeps them apart: "is, no" is not "is no".
    let words: Vec<&str> = plain
        .split(' ')
        .flat_map(|part| part.split_inclusive(|c: char| !is_part(c)))
        .map(|word| word.trim_end_matches('`'))
        .filter(|word| !word.is_empty())
        .collect();
    let mut found = Vec::new();
    for (phrase, instead) in BANNED {
        let banned: Vec<&str> = phrase.split(' ').collect();
        for (at, window) in words.windows(banned.len()).enumerate() {
            let bare = |word: &str| word.trim_matches(|c: char| !is_part(c)).to_owned();
            let (last, first) = (window.len() - 1, &window[..window.len() - 1]);
            let is_same = first == &banned[..last] && bare(window[last]) == banned[last];
            let before = at.checked_sub(1).and_then(|at| words.get(at)).copied().unwrap_or_default();
            let after = words.get(at + banned.len()).copied().unwrap_or_default();
            let is_fine = phrase.ends_with(" no") && (before == "there" || bare(after) == "longer");
            if is_same && !is_fine {
                found.push(format!("\"{phrase}\" (write: {instead})"));
            }
        }
    }
    for word in plain.split(|c: char| !c.is_alphabetic()) {
        let is_british = BRITISH.iter().any(|beginning| word.starts_with(beginning));
        if is_british
            && !AMERICAN.iter().any(|fine| word.starts_with(fine))
            && (text.contains(' ') || !text.ends_with(OPENAI))
        {
            found.push(format!("\"{word}\" (British)"));
        }
    }
    found
}

/// Collects the string literals of code.
fn literals(tokens: TokenStream, found: &mut Vec<String>) {
    let mut is_reason = false;
    for tree in tokens {
        match tree {
            TokenTree::Group(group) => literals(group.stream(), found),
            TokenTree::Literal(literal) => {
                let text = literal.to_string();
                // The reason of an attribute is for maintainers.
                if let Ok(text) = syn::parse_str::<syn::LitStr>(&text).map(|text| text.value())
                    && !is_reason
                {
                    found.push(text);
                }
                is_reason = false;
            }
            TokenTree::Ident(name) => is_reason = name == "reason",
            TokenTree::Punct(_) => {}
        }
    }
}

/// The descriptions that clap prints: those of arguments, commands and values.
#[derive(Default)]
struct Descriptions(Vec<String>);

impl Descriptions {
    fn add(&mut self, attributes: &[syn::Attribute]) {
        let docs = attributes.iter().filter(|attribute| attribute.path().is_ident("doc")).filter_map(|attribute| {
            match &attribute.meta.require_name_value().ok()?.value {
                syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. }) => Some(text.value()),
                _ => None,
            }
        });
        self.0.push(docs.collect::<Vec<_>>().join(" "));
    }
}

fn is_for_clap(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().filter(|attribute| attribute.path().is_ident("derive")).any(|attribute| {
        let syn::Meta::List(list) = &attribute.meta else { return false };
        let names = list.tokens.to_string();
        ["Args", "Subcommand", "Parser", "ValueEnum"].iter().any(|name| names.split([',', ' ']).any(|one| one == *name))
    })
}

impl<'ast> Visit<'ast> for Descriptions {
    fn visit_item_struct(&mut self, item: &'ast syn::ItemStruct) {
        if is_for_clap(&item.attrs) {
            self.add(&item.attrs);
            item.fields.iter().for_each(|field| self.add(&field.attrs));
        }
        visit::visit_item_struct(self, item);
    }

    fn visit_item_enum(&mut self, item: &'ast syn::ItemEnum) {
        if is_for_clap(&item.attrs) {
            self.add(&item.attrs);
            item.variants.iter().for_each(|variant| self.add(&variant.attrs));
        }
        visit::visit_item_enum(self, item);
    }
}

/// An operator at 3 a.m. must not have to guess what a sentence means.
#[test]
fn what_users_read_is_in_the_words_of_the_field() {
    let mut found = Vec::new();
    for (name, code) in sources() {
        let mut texts = Vec::new();
        literals(code.parse::<TokenStream>().unwrap_or_else(|error| panic!("{name}: {error}")), &mut texts);
        for text in texts {
            found.extend(faults(&text).into_iter().map(|fault| format!("src/{name}: {fault} in {text:?}")));
        }
    }
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    for file in rust_files(&top.join("src/cli")) {
        let mut all = Descriptions::default();
        all.visit_file(&syn::parse_file(&fs::read_to_string(&file).unwrap()).unwrap());
        let name = file.strip_prefix(top).unwrap().display();
        for text in all.0 {
            found.extend(faults(&text).into_iter().map(|fault| format!("{name}: {fault} in {text:?}")));
        }
    }
    assert!(found.is_empty(), "{} findings:\n{}", found.len(), found.join("\n"));
}

#[test]
fn the_guides_are_in_the_words_of_the_field() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let guides = fs::read_dir(top.join("docs")).unwrap().map(|entry| entry.unwrap().path());
    let guides = guides.filter(|path| path.extension().is_some_and(|extension| extension == "md"));
    let pages = ["README.md", "CONTRIBUTING.md", "BENCHMARKS.md", "packaging/config.toml"].map(|name| top.join(name));
    let mut found = Vec::new();
    for page in pages.into_iter().chain(guides) {
        let text = fs::read_to_string(&page).unwrap();
        let name = page.strip_prefix(top).unwrap().display();
        for line in text.lines() {
            found.extend(faults(line).into_iter().map(|fault| format!("{name}: {fault} in {line:?}")));
        }
    }
    assert!(found.is_empty(), "{} findings:\n{}", found.len(), found.join("\n"));
}

#[test]
fn the_rules_find_what_they_name() {
    assert_eq!(faults("`{}` is no plan").len(), 1);
    assert_eq!(faults("there is no plan, and it is no longer there"), Vec::<String>::new());
    assert_eq!(faults("the colour lies beside it").len(), 3);
    assert_eq!(faults("{told} goes, any more.").len(), 2);
    assert_eq!(faults("cancelled"), Vec::<String>::new());
    assert_eq!(faults("it was cancelled").len(), 1);
}
