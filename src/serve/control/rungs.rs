//! The ways to load a model: a ladder, of which each further step needs less of what ran out. Pure.

use crate::host::budget::MAIN_MEMORY;
use crate::model::DeviceBytes;
use crate::model::ledger::DeviceBudget;
use crate::model::lifecycle::{Degrade, Mode, Rung};
use crate::model::server::ServerSettings;

/// The least context that a model is loaded with to save memory.
pub(super) const LEAST_CONTEXT: u32 = 4_096;

/// What is known of a model that is to be loaded in full.
pub(super) struct Full<'a> {
    pub settings: &'a ServerSettings,
    /// Bytes that its server takes, per device.
    pub needs: &'a [DeviceBytes],
    /// The number of its layers, where its header tells it.
    pub layers: Option<u32>,
    /// What the devices have.
    pub budgets: &'a [DeviceBudget],
}

/// Returns the ladder of a model, the full way first. `total` estimates all bytes at a context of this many tokens.
pub(super) fn rungs(full: &Full<'_>, total: impl Fn(u32) -> Option<u64>) -> Vec<Rung> {
    let Full { settings, needs, layers, .. } = full;
    let is_on_gpu = needs.iter().any(|need| need.device != MAIN_MEMORY && need.bytes > 0);
    let is_part = settings.gpu_layers.zip(*layers).is_some_and(|(given, all)| given < all);
    let mode = match (is_on_gpu, is_part) {
        (false, _) => Mode::CpuOnly,
        (true, true) => Mode::CpuOffload,
        (true, false) => Mode::Gpu,
    };
    let first = Rung { mode, context: settings.context, gpu_layers: settings.gpu_layers, needs: needs.to_vec() };
    let mut ladder = vec![first.clone()];
    for step in settings.degrade() {
        let Some(last) = ladder.last().cloned() else { break };
        match step {
            Degrade::Layers => ladder.extend(fewer_layers(full, &last)),
            Degrade::Context => ladder.extend(smaller_contexts(&last, &total)),
        }
    }
    // Where requests have used more than the smaller contexts, fewer layers are the way that is left.
    if let [Degrade::Context, .., Degrade::Layers] = settings.degrade().as_slice()
        && ladder.iter().any(|rung| rung.context < first.context)
    {
        ladder.extend(fewer_layers(full, &first));
    }
    ladder
}

/// Returns the settings with which a rung is loaded.
pub fn settings_of(settings: &ServerSettings, rung: &Rung) -> ServerSettings {
    ServerSettings { context: rung.context, gpu_layers: rung.gpu_layers, ..settings.clone() }
}

/// Returns the ways with fewer layers on the GPU: as many as fit, then none.
fn fewer_layers(full: &Full<'_>, last: &Rung) -> Vec<Rung> {
    if last.mode == Mode::CpuOnly {
        return Vec::new();
    }
    let on_gpu = full.layers.map(|all| (all, last.gpu_layers.unwrap_or(all).min(all)));
    let part = on_gpu.filter(|_| last.mode == Mode::Gpu).and_then(|(_, given)| {
        let count = fitting(&last.needs, given, full.budgets);
        let needs = moved(&last.needs, given, count);
        (count > 0).then_some(Rung { mode: Mode::CpuOffload, gpu_layers: Some(count), needs, ..*last })
    });
    let all = last.needs.iter().map(|need| need.bytes).fold(0, u64::saturating_add);
    let needs = vec![DeviceBytes { device: MAIN_MEMORY.to_owned(), bytes: all }];
    let none = Rung { mode: Mode::CpuOnly, context: last.context, gpu_layers: Some(0), needs };
    part.into_iter().chain([none]).collect()
}

/// Returns how many of the layers that a GPU was given fit into what it has now: at most three quarters, since with all of
/// them its memory ran out.
fn fitting(needs: &[DeviceBytes], given: u32, budgets: &[DeviceBudget]) -> u32 {
    let most = given.saturating_mul(3) / 4;
    let of_device = |need: &DeviceBytes| {
        let budget = budgets.iter().find(|budget| budget.device == need.device)?;
        let free = budget.available.map_or(budget.budget, |available| available.min(budget.budget));
        let share = u128::from(free).saturating_mul(u128::from(given)).checked_div(u128::from(need.bytes))?;
        u32::try_from(share).ok() // more than there are
    };
    let gpus = needs.iter().filter(|need| need.device != MAIN_MEMORY && need.bytes > 0);
    gpus.filter_map(of_device).min().map_or(most, |fit| fit.min(most))
}

/// Returns the needs when of `given` layers only `kept` stay on the GPUs; their cache goes with them.
fn moved(needs: &[DeviceBytes], given: u32, kept: u32) -> Vec<DeviceBytes> {
    let mut to_main = 0u64;
    let mut all: Vec<DeviceBytes> = Vec::new();
    for need in needs.iter().filter(|need| need.device != MAIN_MEMORY) {
        let share = u128::from(need.bytes).saturating_mul(u128::from(kept)).div_ceil(u128::from(given.max(1)));
        let bytes = u64::try_from(share).unwrap_or(u64::MAX).min(need.bytes);
        to_main = to_main.saturating_add(need.bytes.saturating_sub(bytes));
        all.push(DeviceBytes { device: need.device.clone(), bytes });
    }
    let main = needs
        .iter()
        .filter(|need| need.device == MAIN_MEMORY)
        .map(|need| need.bytes)
        .fold(to_main, u64::saturating_add);
    all.insert(0, DeviceBytes { device: MAIN_MEMORY.to_owned(), bytes: main });
    all
}

/// Returns the ways with half of the context, and half of that, as long as it is enough for requests.
fn smaller_contexts(last: &Rung, total: impl Fn(u32) -> Option<u64>) -> Vec<Rung> {
    let halves = std::iter::successors(Some(last.context / 2), |context| Some(context / 2));
    let smaller = |context: u32| {
        let saved = total(last.context).zip(total(context)).map(|(before, after)| before.saturating_sub(after));
        Rung { context, needs: less(&last.needs, saved.unwrap_or(0)), ..last.clone() }
    };
    halves.take_while(|context| *context >= LEAST_CONTEXT).map(smaller).collect()
}

/// Takes bytes off the devices, in proportion to what each has.
fn less(needs: &[DeviceBytes], saved: u64) -> Vec<DeviceBytes> {
    let all = needs.iter().map(|need| u128::from(need.bytes)).sum::<u128>().max(1);
    let of = |need: &DeviceBytes| {
        let part = u128::from(saved).saturating_mul(u128::from(need.bytes)) / all;
        let part = u64::try_from(part).unwrap_or(u64::MAX);
        DeviceBytes { device: need.device.clone(), bytes: need.bytes.saturating_sub(part) }
    };
    needs.iter().map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::server::{Choices, Defaults};
    use proptest::prelude::*;

    const GIB: u64 = 1 << 30;

    fn settings(choices: &Choices) -> ServerSettings {
        ServerSettings::of(&Defaults::default(), [choices], Some(131_072))
    }

    fn needs(all: &[(&str, u64)]) -> Vec<DeviceBytes> {
        all.iter().map(|(device, bytes)| DeviceBytes { device: (*device).into(), bytes: *bytes }).collect()
    }

    fn gpu(available: u64) -> Vec<DeviceBudget> {
        vec![DeviceBudget { device: "CUDA0".into(), budget: 24 * GIB, available: Some(available) }]
    }

    /// A model of 1 GiB and 1 MiB for every 16 tokens.
    fn total(context: u32) -> Option<u64> {
        Some(GIB + u64::from(context) * (1 << 16))
    }

    fn short(ladder: &[Rung]) -> Vec<(Mode, u32, Option<u32>)> {
        ladder.iter().map(|rung| (rung.mode, rung.context, rung.gpu_layers)).collect()
    }

    /// A model whose memory runs out would not come back at all, although less of it would have fitted.
    #[test]
    fn the_ladder_goes_from_the_gpu_to_the_cpu_and_then_to_smaller_contexts() {
        use Mode::{CpuOffload, CpuOnly, Gpu};
        let (settings, needs) = (settings(&Choices::default()), needs(&[("CPU", GIB), ("CUDA0", 8 * GIB)]));
        let ladder = |available| {
            let full = Full { settings: &settings, needs: &needs, layers: Some(32), budgets: &gpu(available) };
            rungs(&full, total)
        };
        let all = ladder(4 * GIB);
        assert_eq!(
            short(&all),
            [
                (Gpu, 32_768, None),
                (CpuOffload, 32_768, Some(16)),
                (CpuOnly, 32_768, Some(0)),
                (CpuOnly, 16_384, Some(0)),
                (CpuOnly, 8_192, Some(0)),
                (CpuOnly, 4_096, Some(0)),
            ]
        );
        assert_eq!(all[1].needs, super::tests::needs(&[("CPU", 5 * GIB), ("CUDA0", 4 * GIB)]));
        assert_eq!(all[2].needs, super::tests::needs(&[("CPU", 9 * GIB)]));
        assert_eq!(all[3].needs, super::tests::needs(&[("CPU", 8 * GIB)]));
        assert_eq!(short(&ladder(24 * GIB))[1], (CpuOffload, 32_768, Some(24)), "one step is a step");
        assert_eq!(short(&ladder(0))[1], (CpuOnly, 32_768, Some(0)), "no layer fits");
        let of = settings_of(&settings, &all[3]);
        assert_eq!((of.context, of.gpu_layers, of.parallel), (16_384, Some(0), settings.parallel));
    }

    #[test]
    fn without_a_gpu_only_the_context_becomes_smaller() {
        let needs = needs(&[("CPU", 3 * GIB)]);
        let ladder = |choices: &Choices| {
            let settings = settings(choices);
            short(&rungs(&Full { settings: &settings, needs: &needs, layers: Some(32), budgets: &[] }, total))
        };
        let contexts = |choices: &Choices| -> Vec<u32> {
            ladder(choices).iter().filter(|rung| rung.0 == Mode::CpuOnly).map(|rung| rung.1).collect()
        };
        assert_eq!(contexts(&Choices::default()), [32_768, 16_384, 8_192, 4_096]);
        let chosen = Choices { context: Some(16_384), ..Choices::default() };
        assert_eq!(contexts(&chosen), [16_384], "a person chose it");
        let allowed = Choices { degrade: Some(vec![Degrade::Context]), ..chosen };
        assert_eq!(contexts(&allowed), [16_384, 8_192, 4_096], "and allowed less");
        let by_hand = contexts(&Choices { no_degrade: Some(true), ..Choices::default() });
        assert_eq!(by_hand, [32_768, 16_384, 8_192, 4_096], "a person may take a step all the same");
        assert_eq!(contexts(&Choices { degrade: Some(vec![Degrade::Layers]), ..Choices::default() }), [32_768]);
    }

    /// A model whose requests use most of its context would have no way but to fail.
    #[test]
    fn where_contexts_come_first_fewer_layers_are_left_for_the_whole_context() {
        use Mode::{CpuOffload, CpuOnly, Gpu};
        let choices = Choices { degrade: Some(vec![Degrade::Context, Degrade::Layers]), ..Choices::default() };
        let (settings, needs) = (settings(&choices), needs(&[("CPU", GIB), ("CUDA0", 8 * GIB)]));
        let budgets = gpu(4 * GIB);
        let full = Full { settings: &settings, needs: &needs, layers: Some(32), budgets: &budgets };
        let all = short(&rungs(&full, total));
        let modes: Vec<(Mode, u32)> = all.iter().map(|rung| (rung.0, rung.1)).collect();
        assert_eq!(
            modes,
            [
                (Gpu, 32_768),
                (Gpu, 16_384),
                (Gpu, 8_192),
                (Gpu, 4_096),
                (CpuOffload, 4_096),
                (CpuOnly, 4_096),
                (CpuOffload, 32_768),
                (CpuOnly, 32_768),
            ]
        );
    }

    proptest! {
        /// A step down that needs more than the one before it would be no way out.
        #[test]
        fn no_step_down_needs_more_of_a_gpu_or_more_altogether(
            (main, on_gpu) in (0..64 * GIB, 0..64 * GIB), layers in 0u32..200, available in 0..80 * GIB,
            given in proptest::option::of(0u32..200),
        ) {
            let settings = settings(&Choices { gpu_layers: given, ..Choices::default() });
            let needs = needs(&[("CPU", main), ("CUDA0", on_gpu)]);
            let full = Full { settings: &settings, needs: &needs, layers: Some(layers), budgets: &gpu(available) };
            let ladder = rungs(&full, total);
            let on = |rung: &Rung, device: &str| -> u64 {
                rung.needs.iter().filter(|need| need.device == device).map(|need| need.bytes).sum()
            };
            let sum = |rung: &Rung| -> u64 { rung.needs.iter().map(|need| need.bytes).sum() };
            // The ways of the default order; what another order adds at its end is compared when it is taken.
            for pair in ladder.windows(2) {
                prop_assert!(on(&pair[1], "CUDA0") <= on(&pair[0], "CUDA0"));
                prop_assert!(sum(&pair[1]) <= sum(&pair[0]) + 1);
                prop_assert!(pair[1].context >= LEAST_CONTEXT || pair[1].context == pair[0].context);
            }
        }
    }
}
