//! Whether requests for a model may be sent to a server of somebody else. Pure.

use crate::model::ModelId;
use crate::serve::external::Serves;

/// What is known of a server that the config wants to be attached.
#[derive(Debug)]
pub(super) struct Case<'a> {
    /// The model that the config names.
    pub named: Option<&'a ModelId>,
    /// The name of the main file of that.
    pub file_name: Option<&'a str>,
    /// The model whose file it says that it has loaded.
    pub by_path: Option<&'a ModelId>,
    pub serves: &'a Serves,
    /// What it said that it serves when it was attached first.
    pub remembered: Option<&'a str>,
}

/// Returns the model for which it answers, or why it is not used. `is_same` tells whether two models have one content.
pub(super) fn verdict(case: &Case<'_>, is_same: impl Fn(&ModelId, &ModelId) -> bool) -> Result<ModelId, String> {
    let Case { named, file_name, by_path, serves, remembered } = case;
    if serves.is_modelctl {
        return Err("it is a server of modelctl".to_owned());
    }
    let identity = serves.identity();
    match (named, by_path) {
        (Some(named), Some(found)) if *named == *found || is_same(named, found) => Ok((*named).clone()),
        (Some(named), Some(found)) => Err(format!("it serves {found}, not {named}")),
        (None, Some(found)) => Ok((*found).clone()),
        (Some(named), None) => {
            let served = serves.path.as_deref().and_then(|path| path.file_name()).and_then(|name| name.to_str());
            let is_same_file = file_name.is_some() && served == *file_name;
            // Of a server elsewhere the path says nothing: the config is believed, until it serves something else.
            match is_same_file || remembered.is_none_or(|before| before == identity) {
                true => Ok((*named).clone()),
                false => Err(format!("it serves {identity} now, not {}", remembered.unwrap_or_default())),
            }
        }
        (None, None) => Err("it is not known which model of the database it serves: name it with `model`".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn serves(path: &str) -> Serves {
        let (required_name, name) = (None, None);
        Serves { path: Some(path.into()), required_name, name, context: 1, slots: 1, is_modelctl: false }
    }

    /// Answers of one model would be given out as those of another.
    #[test]
    fn a_server_is_used_only_for_the_model_that_it_serves() {
        let id = |text: &str| ModelId(text.into());
        let (a, b, copy) = (id("a"), id("b"), id("copy"));
        let is_same = |one: &ModelId, other: &ModelId| one.0 == "a" && other.0 == "copy";
        let of = |named: Option<&ModelId>, by_path: Option<&ModelId>, path: &str, remembered: Option<&str>| {
            let serves = serves(path);
            let case = Case { named, file_name: Some("a.gguf"), by_path, serves: &serves, remembered };
            verdict(&case, is_same)
        };
        assert_eq!(of(Some(&a), Some(&a), "/m/a.gguf", None), Ok(a.clone()));
        assert_eq!(of(Some(&a), Some(&copy), "/n/a.gguf", None), Ok(a.clone()), "the same content in another store");
        assert!(of(Some(&a), Some(&b), "/m/b.gguf", None).unwrap_err().contains("it serves b, not a"));
        assert_eq!(of(None, Some(&b), "/m/b.gguf", None), Ok(b));
        assert!(of(None, None, "/x/b.gguf", None).unwrap_err().contains("name it with `model`"));
        assert_eq!(of(Some(&a), None, "/x/b.gguf", None), Ok(a.clone()), "of another machine the config is believed");
        assert_eq!(of(Some(&a), None, "/x/b.gguf", Some("/x/b.gguf")), Ok(a.clone()));
        assert!(of(Some(&a), None, "/x/c.gguf", Some("/x/b.gguf")).unwrap_err().contains("it serves /x/c.gguf now"));
        assert_eq!(of(Some(&a), None, "/y/a.gguf", Some("/x/b.gguf")), Ok(a.clone()));
        let ours = Serves { is_modelctl: true, ..serves("/m/a.gguf") };
        let case = Case { named: Some(&a), file_name: None, by_path: Some(&a), serves: &ours, remembered: None };
        assert!(verdict(&case, is_same).is_err(), "two daemons would send one request to and fro");
    }
}
