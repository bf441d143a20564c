//! Budgets of memory for models: `[memory]`, `MODELCTL_RAM_BUDGET`, `MODELCTL_VRAM_BUDGET`.

use super::Env;
use super::read::typed;
use crate::failure::Failure;
use crate::model::ledger::BudgetLimits;
use crate::model::size;
use serde::{Deserialize, Deserializer, de};

/// `[memory]` of the config file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Memory {
    #[serde(deserialize_with = "budget")]
    pub ram_budget: Option<u64>,
    #[serde(deserialize_with = "budget")]
    pub vram_budget: Option<u64>,
}

fn budget<'de, D: Deserializer<'de>>(d: D) -> Result<Option<u64>, D::Error> {
    parse(&typed(d)?).map(Some).map_err(de::Error::custom)
}

/// Loads the budgets: those of the environment, then those of the file.
///
/// # Errors
/// `CannotMeet` for a size of the environment that is invalid. Those of the file are parsed with the file.
pub(super) fn load(env: &Env, file: &Memory) -> anyhow::Result<BudgetLimits> {
    Ok(BudgetLimits {
        ram: of(env, "MODELCTL_RAM_BUDGET")?.or(file.ram_budget),
        vram: of(env, "MODELCTL_VRAM_BUDGET")?.or(file.vram_budget),
    })
}

fn of(env: &Env, key: &str) -> anyhow::Result<Option<u64>> {
    let Some(text) = env.text(key) else { return Ok(None) };
    match parse(&text) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(why) => Err(Failure::cannot_meet(format!("{key}: {why}")).into()),
    }
}

/// Parses a budget: a size above 0.
///
/// # Errors
/// A sentence without a full stop.
fn parse(text: &str) -> Result<u64, String> {
    match size(text.trim()) {
        Ok(0) => Err("a budget of 0 allows no model; to pause tasks, use `modelctl inference off`".to_owned()),
        Ok(bytes) => Ok(bytes),
        Err(why) => Err(why.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Config, Flags};
    use super::*;

    fn load(env: &[(&str, &str)], toml: Option<&str>) -> anyhow::Result<Config> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config.toml");
        std::fs::write(&path, toml.unwrap_or_default()).unwrap();
        Config::load(&Flags { config: Some(path), ..Flags::default() }, &Env::from_pairs(env))
    }

    fn refusal(toml: &str) -> String {
        format!("{:#}", load(&[], Some(toml)).unwrap_err())
    }

    #[test]
    fn budgets_of_memory_are_sizes_and_nonsense_is_refused_by_its_name() {
        let toml = Some("[memory]\nram_budget = \"8GiB\"\nvram_budget = \"1GiB\"\n");
        let gib = |n: u64| Some(n << 30);
        assert_eq!(load(&[], None).unwrap().memory, BudgetLimits::default());
        assert_eq!(load(&[], toml).unwrap().memory, BudgetLimits { ram: gib(8), vram: gib(1) });
        let env = [("MODELCTL_RAM_BUDGET", "2GiB")];
        assert_eq!(load(&env, toml).unwrap().memory, BudgetLimits { ram: gib(2), vram: gib(1) });
        for (toml, key) in [
            ("[memory]\nram_budget = 8\n", "`memory.ram_budget`"),
            ("[memory]\nram_budget = \"0B\"\n", "`memory.ram_budget`: a budget of 0 allows no model"),
            ("[memory]\nvram_budget = \"lots\"\n", "`memory.vram_budget`"),
            ("[memory]\nram = \"8GiB\"\n", "`memory.ram`"),
        ] {
            let text = refusal(toml);
            assert!(text.contains("config.toml:2: ") && text.contains(key), "{text}");
        }
        for name in ["MODELCTL_RAM_BUDGET", "MODELCTL_VRAM_BUDGET"] {
            for odd in ["8", "-1GiB", "0B", "much"] {
                let error = format!("{:#}", load(&[(name, odd)], None).unwrap_err());
                assert!(error.contains(name), "{error}");
            }
        }
    }
}
