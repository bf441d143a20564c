use super::config::Config;
use super::types::SupervisordSearch;
use crate::http::Authorization;
use crate::node::Place;
use std::fmt;

/// The user and password that a supervisord asks for. They are in no fact and are not shown by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    user: String,
    password: String,
}

impl Credentials {
    pub fn new(user: impl Into<String>, password: impl Into<String>) -> Credentials {
        Credentials { user: user.into(), password: password.into() }
    }

    /// Returns the password, which must not be shown wherever it occurs.
    pub fn into_password(self) -> String {
        self.password
    }

    pub(super) fn authorization(&self) -> Option<Authorization> {
        Authorization::basic(&self.user, &self.password)
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials")
    }
}

/// Returns the user and password that the config file of a supervisord names: those of the server, or, where only a
/// hash of the password stands there, those of `[supervisorctl]`.
pub fn credentials(place: &Place, search: &SupervisordSearch) -> Option<Credentials> {
    let config = Config::of_search(place, search)?;
    let server = if search.socket.is_some() { "unix_http_server" } else { "inet_http_server" };
    [server, "inet_http_server", "supervisorctl"].iter().find_map(|section| {
        let (user, password) = (config.value(section, "username")?, config.value(section, "password")?);
        let is_hash = password.starts_with("{SHA}");
        (!is_hash).then(|| Credentials::new(user, password))
    })
}
