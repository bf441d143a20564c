use crate::model::server::Class;

/// Who sends a request, as the listener found out; an extension of the request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Caller {
    /// The name of the key, else the address.
    pub name: String,
    /// The class of the key.
    pub class: Option<Class>,
    /// Whether the request came over a Unix socket that only this user can open.
    pub is_local_socket: bool,
}

/// Marks an answer whose handler has logged its request.
#[derive(Debug, Clone, Copy)]
pub struct Logged;

/// Marks an answer that a server of somebody else gave: it is passed on as it is.
#[derive(Debug, Clone, Copy)]
pub struct Passed;
