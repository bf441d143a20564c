//! Python services: uvicorn, gunicorn and their applications.

use super::Rule;

pub const RULES: &[Rule] = &[];
