//! Workers of a queue: whether they poll it, which one, and with what device.

mod device;
mod polling;
#[cfg(test)]
mod tests;

use super::Rule;

pub const RULES: &[Rule] = &[polling::WRK_01, polling::WRK_02, device::WRK_03, device::WRK_04, device::WRK_05];
