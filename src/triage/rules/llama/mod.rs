//! llama-server and its relatives.

mod device;
mod endpoint;
mod limits;
mod load;
mod network;
mod slots;
mod start;
#[cfg(test)]
mod tests;

use super::Rule;

pub const RULES: &[Rule] = &[
    start::LLM_01,
    network::LLM_02,
    network::LLM_03,
    endpoint::LLM_04,
    network::LLM_05,
    load::LLM_06,
    load::LLM_07,
    slots::LLM_08,
    slots::LLM_09,
    slots::LLM_10,
    endpoint::LLM_11,
    start::LLM_12,
    device::LLM_13,
    device::LLM_14,
    device::LLM_15,
    limits::LLM_16,
    limits::LLM_17,
    endpoint::LLM_18,
    start::LLM_19,
    limits::LLM_20,
    network::LLM_21,
];
