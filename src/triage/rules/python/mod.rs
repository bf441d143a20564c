//! Python services: uvicorn, gunicorn and their applications.

mod exception;
mod loops;
mod start;
#[cfg(test)]
mod tests;

use super::Rule;

pub const RULES: &[Rule] =
    &[start::PY_01, start::PY_02, start::PY_03, start::PY_04, start::PY_05, loops::PY_06, loops::PY_07];
