//! The model file of a service: whether it is there, whole and still, in the mount namespace of the service and in ours.

mod types;

pub use types::*;
