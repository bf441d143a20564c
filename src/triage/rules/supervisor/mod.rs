//! supervisord and its programs.

mod daemon;
mod libraries;
mod lives;
mod settings;
mod signals;
mod silent;
mod spawn;
#[cfg(test)]
mod tests;

use super::Rule;

pub const RULES: &[Rule] = &[
    daemon::SUP_01,
    daemon::SUP_02,
    daemon::SUP_03,
    spawn::SUP_04,
    spawn::SUP_05,
    libraries::SUP_06,
    spawn::SUP_07,
    spawn::SUP_08,
    libraries::SUP_09,
    lives::SUP_10,
    lives::SUP_11,
    lives::SUP_12,
    signals::SUP_13,
    signals::SUP_14,
    signals::SUP_15,
    settings::SUP_16,
    lives::SUP_17,
    settings::SUP_18,
    daemon::SUP_19,
    settings::SUP_20,
    daemon::SUP_21,
    silent::SUP_22,
];
