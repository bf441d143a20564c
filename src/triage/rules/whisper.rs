//! Whisper: CTranslate2, its libraries and its model.

use super::Rule;

pub const RULES: &[Rule] = &[];
