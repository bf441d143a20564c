//! The services that are checked: those that the config names or that are found, or what the command line names.

use crate::failure::Failure;
use crate::model::service::{FoundBy, Manager, Role, Service};

/// Returns the services that the targets mean, each once; all where there are no targets.
///
/// # Errors
/// `CannotMeet` for a target that is no service, no URL and no path.
pub fn chosen(all: Vec<Service>, targets: &[String]) -> Result<Vec<Service>, Failure> {
    if targets.is_empty() {
        return Ok(all);
    }
    let mut chosen: Vec<Service> = Vec::new();
    for target in targets {
        let service = match all.iter().find(|service| service.name == *target) {
            Some(service) => service.clone(),
            None => of_text(target).ok_or_else(|| unknown(target, &all))?,
        };
        if !chosen.iter().any(|known| known.name == service.name) {
            chosen.push(service);
        }
    }
    Ok(chosen)
}

/// Returns whether a target stands for itself, so that no services have to be found for it.
pub fn stands_for_itself(target: &str) -> bool {
    of_text(target).is_some()
}

/// Returns the service that a URL or a path stands for.
fn of_text(text: &str) -> Option<Service> {
    let service = || Service::new(text, Role::Other, Manager::None, FoundBy::Config);
    if text.starts_with("http://") || text.starts_with("https://") {
        return Some(Service { endpoint: Some(text.to_owned()), ..service() });
    }
    text.contains('/').then(|| Service { model: Some(text.to_owned()), role: Role::Llama, ..service() })
}

fn unknown(target: &str, all: &[Service]) -> Failure {
    let names: Vec<&str> = all.iter().map(|service| service.name.as_str()).take(20).collect();
    let hint = match names.is_empty() {
        true => "no services were found on this node; list them as `[[services]]` in the config".to_owned(),
        false => {
            format!("services of this node: {}; a TARGET can also be an http:// URL or a file path", names.join(", "))
        }
    };
    Failure::cannot_meet(format!("no service is named `{}`", target.escape_debug())).hint(hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A probe with a misspelt target must fail rather than check nothing.
    #[test]
    fn a_target_is_a_service_a_url_or_a_path() {
        let all = || vec![Service::new("llama", Role::Llama, Manager::None, FoundBy::Config)];
        let names = |targets: &[&str]| {
            let targets: Vec<String> = targets.iter().map(|target| (*target).to_owned()).collect();
            chosen(all(), &targets).map(|chosen| chosen.into_iter().map(|service| service.name).collect::<Vec<_>>())
        };
        assert_eq!(names(&[]).unwrap(), ["llama"]);
        assert_eq!(names(&["llama", "llama"]).unwrap(), ["llama"]);
        let url = "http://127.0.0.1:1/health";
        assert_eq!(names(&[url, "/m/x.gguf"]).unwrap(), [url, "/m/x.gguf"]);
        let failure = names(&["lama"]).unwrap_err();
        assert!(failure.message.contains("`lama`") && failure.hint.unwrap().contains("llama"));
    }
}
