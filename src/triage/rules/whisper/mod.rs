//! Whisper: the libraries of CUDA that it loads late, the device it falls back to, the hub it asks.

mod device;
mod hub;
mod libraries;
#[cfg(test)]
mod tests;

use super::Rule;

pub const RULES: &[Rule] =
    &[libraries::WHS_01, device::WHS_02, libraries::WHS_03, device::WHS_04, libraries::WHS_05, hub::WHS_06];
