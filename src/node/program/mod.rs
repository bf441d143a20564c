//! The program of a service: its launcher, the libraries that it needs, its Python, the limits on its start, and the
//! model that it asks a hub for.

pub mod command;
mod elf;
pub mod gates;
pub mod hub;
pub mod launcher;
pub mod libraries;
pub mod python;
pub mod torch;
mod types;

pub use types::*;
