//! The writer of test files, with the part of the library that it needs beside it.

pub use modelctl::gguf::tensor_type;

#[path = "../../fixtures/gguf/mod.rs"]
pub mod fixture;
