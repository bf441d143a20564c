//! The view of `show` for a person: sections of labelled values.

use super::super::list::{tone_of, tone_of_class};
use super::super::set::server_words;
use crate::clock::Timestamp;
use crate::model::{
    Artifact, DeviceMemory, Facts, Integrity, Model, Nature, QuantSource, Reading, Role, Tier, TierLimits,
};
use crate::ops::memory_fit::{Difference, FORMULA, LLAMA, Machine, Need, fits};
use crate::ops::show::Shown;
use crate::ui::{Section, Tone, text, units};
use std::path::Path;

/// How a model is shown.
pub struct Style<'a> {
    pub limits: &'a TierLimits,
    /// Whether also what only a bug report needs: inodes, content ids, the types of all tensors.
    pub is_verbose: bool,
    pub path: &'a dyn Fn(&Path) -> String,
}

/// Returns the sections from top to bottom: what it is, whether it can be run, who used it, and then what it consists of.
pub fn sections(shown: &Shown, style: &Style<'_>) -> Vec<Section> {
    let mut sections = vec![identity(shown, style), memory(&shown.need, &shown.machine)];
    sections.extend(shown.exact.as_ref().map(|exact| exactly(exact, &shown.need)));
    if shown.is_recorded {
        sections.push(usage(shown));
    }
    sections.push(files(shown, style));
    sections.extend(shown.model.facts().map(|facts| metadata(&shown.model, facts, style)));
    sections
}

fn identity(shown: &Shown, style: &Style<'_>) -> Section {
    let (model, row) = (&shown.model, &shown.row);
    let mut section = Section::new(&model.name);
    if shown.is_recorded {
        section.add("id", model.id.as_str());
    }
    section.some("alias", model.settings.alias.as_ref());
    section.toned("state", model.state.because(model.reason.as_deref()), tone_of(model.state));
    section.add("kind", model.kind.name());
    section.some("pairing", shown.pairing.as_ref());
    let set = if model.settings.tier.is_some() { " (set by hand)" } else { "" };
    section.some("tier", row.tier(style.limits).map(|tier: Tier| format!("{tier}{set}")));
    match shown.is_recorded {
        true => section.add("store", format!("{}, {}", model.store.name(), (style.path)(&model.root))),
        false => section.toned("store", "none: the file was read now; `modelctl scan` records it", Tone::Dim),
    }
    section.some("also in", also_in(shown, style));
    section.some("repository", model.repo.as_ref());
    if !model.settings.enabled {
        section.toned("enabled", "no: never started or chosen", Tone::Warn);
    }
    if model.settings.pinned {
        section.add("pinned", "yes: never evicted or pruned");
    }
    section.some("note", model.settings.note.as_ref());
    let server = server_words(&model.settings.server);
    section.some("server", (!server.is_empty()).then(|| server.join(", ")));
    if shown.is_recorded {
        section.add("first seen", when(model.first_seen, shown.now));
    }
    section
}

/// Returns the stores that have the same content: `ollama, dir`.
fn also_in(shown: &Shown, style: &Style<'_>) -> Option<String> {
    let mut stores: Vec<String> = match style.is_verbose {
        false => shown.also_in.iter().map(|row| row.store.name().to_owned()).collect(),
        true => shown.also_in.iter().map(|row| format!("{} ({})", row.store.name(), row.id)).collect(),
    };
    stores.sort();
    stores.dedup();
    (!stores.is_empty()).then(|| stores.join(", "))
}

fn when(at: Timestamp, now: Timestamp) -> String {
    format!("{} ago ({})", units::ago(at.age(now)), at.rfc3339())
}

fn files(shown: &Shown, style: &Style<'_>) -> Section {
    let model = &shown.model;
    let count = model.artifacts.len() as u64;
    let mut section = Section::new(format!(
        "Files: {}, {}, {} on disk",
        units::plural(count, "file"),
        units::bytes(model.size()),
        units::bytes(model.allocated())
    ));
    for artifact in &model.artifacts {
        let label = match (artifact.role, artifact.shard_no) {
            (Role::Shard, Some(no)) => format!("part {no} of {}", model.shards_expected),
            (role, _) => role.name().to_owned(),
        };
        section.add(&label, (style.path)(&artifact.path));
        section.some("  bytes in", artifact.target.as_deref().map(style.path));
        for path in &artifact.also {
            section.add("  also", (style.path)(path));
        }
        if count > 1 || style.is_verbose {
            section.add("  size", sizes(artifact, style));
        }
        if let Some(stored) = shown.stored_of(artifact) {
            let (class, why) = (stored.holding.class, &stored.holding.why);
            section.toned("  class", format!("{}: {why}", class.name()), tone_of_class(class));
        }
        let identity = artifact.identity;
        let modified = Timestamp(identity.mtime_ns.div_euclid(1_000_000)).rfc3339();
        if style.is_verbose {
            section.add("  inode", format!("{} on device {}", identity.ino, identity.dev));
        }
        section.add("  modified", modified);
        section.some("  sha256", artifact.expected_sha256.as_ref().map(|sum| format!("{sum} (declared by the store)")));
        match &artifact.header {
            Err(fault) => {
                let tone = if fault.nature == Nature::Damaged { Tone::Bad } else { Tone::Warn };
                section.toned("  header", &fault.why, tone);
            }
            Ok(facts) => {
                if let Some((words, tone)) = integrity(&facts.integrity) {
                    section.toned("  content", words, tone);
                }
            }
        }
    }
    section
}

fn sizes(artifact: &Artifact, style: &Style<'_>) -> String {
    let (size, bytes, disk) =
        (units::bytes(artifact.identity.size), artifact.identity.size, units::bytes(artifact.allocated));
    if style.is_verbose { format!("{size} ({bytes} bytes), {disk} on disk") } else { format!("{size}, {disk} on disk") }
}

/// Describes what is wrong with the length of a file; None when it matches its header.
fn integrity(integrity: &Integrity) -> Option<(String, Tone)> {
    Some(match integrity {
        Integrity::Complete => return None,
        Integrity::Truncated { need, have, first_missing } => (
            format!("truncated: {have} of {need} bytes; first missing tensor `{}`", text::clean(first_missing)),
            Tone::Bad,
        ),
        Integrity::Sparse { allocated } => {
            let words = "fewer blocks than bytes: compressed, shared or with holes";
            (format!("{words} ({} in use); check it with `modelctl verify`", units::bytes(*allocated)), Tone::Plain)
        }
        Integrity::Trailing { extra } => {
            (format!("{extra} bytes more than its tensors need (trailing data)"), Tone::Plain)
        }
        Integrity::Unknown { why } => (format!("its length cannot be checked: {why}"), Tone::Warn),
    })
}

fn metadata(model: &Model, facts: &Facts, style: &Style<'_>) -> Section {
    let mut section = Section::new("Metadata");
    let number = |n: Option<u64>| n.map(|n| n.to_string());
    section.some("architecture", facts.architecture.as_ref());
    section.some("family", facts.family.as_ref());
    section.some("name", facts.name.as_ref());
    section.some("size label", facts.size_label.as_ref());
    section.some("fine-tune", facts.finetune.as_ref());
    section.some("organization", facts.organization.as_ref());
    section.some("license", facts.license.as_ref());
    section.some("base model", facts.base_model.as_ref());
    section.some(
        "parameters",
        model.parameters().map(|n| match style.is_verbose {
            true => format!("{} ({n})", units::count(n)),
            false => units::count(n),
        }),
    );
    quantization(&mut section, facts, style);
    section.some("context", facts.context_length.map(|n| format!("{n} tokens")));
    section.some("layers", number(facts.layers));
    section.some("embedding", number(facts.embedding_length));
    section.some("feed forward", number(facts.feed_forward_length));
    section.some("heads", heads(facts));
    section.some("window", window(facts));
    section.some(
        "experts",
        facts.experts.map(|n| match facts.experts_used {
            Some(used) => format!("{n}, {used} used per token"),
            None => n.to_string(),
        }),
    );
    section.some("recurrent", facts.recurrent.as_ref().map(|_| "yes: layers with a state instead of a cache"));
    section.some("vocabulary", facts.vocab_size.map(|n| format!("{n} tokens")));
    section.add("chat template", template(facts));
    section.some("side file", facts.side_type.as_ref());
    section.some("projects to", number(facts.projection_dim));
    section.add("tensors", facts.n_tensors.to_string());
    let endian = if facts.big_endian { ", big-endian" } else { "" };
    section
        .add("format", format!("GGUF {}{endian}, header of {}", facts.gguf_version, units::bytes(facts.data_offset)));
    section.some("content id", model.content.as_ref().filter(|_| style.is_verbose));
    section
}

fn quantization(section: &mut Section, facts: &Facts, style: &Style<'_>) {
    let quant = &facts.quant;
    let bits = quant.bits_per_weight.map_or_else(String::new, |b| format!(", {b:.2} bits per weight"));
    let source = match quant.source {
        QuantSource::FileType => "",
        QuantSource::Tensors => " (from its tensors)",
        QuantSource::Name => " (from the file name)",
    };
    section.add("quantization", format!("{}{bits}{source}", quant.label));
    if let Some(claimed) = &quant.claimed {
        section.toned("  claims", format!("{claimed}, which its tensors contradict"), Tone::Warn);
    }
    if !style.is_verbose {
        return;
    }
    let all = quant.histogram.iter().fold(0u64, |sum, (_, n)| sum.saturating_add(*n));
    let share = |n: u64| if all == 0 { 0.0 } else { n as f64 * 100.0 / all as f64 };
    let parts: Vec<String> = quant.histogram.iter().map(|(name, n)| format!("{name} {:.1}%", share(*n))).collect();
    section.some("  weights", (!parts.is_empty()).then(|| parts.join(", ")));
}

fn heads(facts: &Facts) -> Option<String> {
    let heads = facts.attention.heads?;
    let kv = &facts.attention.kv_heads;
    Some(match (kv.iter().min(), kv.iter().max()) {
        (Some(least), Some(most)) if least == most => format!("{heads}, {most} for keys and values"),
        (Some(least), Some(most)) => format!("{heads}, {least} to {most} for keys and values by layer"),
        _ => heads.to_string(),
    })
}

fn window(facts: &Facts) -> Option<String> {
    let window = facts.attention.sliding_window?;
    let layers = &facts.attention.sliding_layers;
    let sliding = layers.iter().filter(|s| **s).count();
    (sliding > 0).then(|| format!("{window} tokens in {sliding} of {} layers", layers.len()))
}

fn template(facts: &Facts) -> String {
    let extra = if facts.extra_templates.is_empty() {
        String::new()
    } else {
        format!(", also: {}", facts.extra_templates.join(", "))
    };
    format!("{}{extra}", if facts.chat_template { "yes" } else { "no" })
}

fn memory(need: &Reading<Need>, machine: &Machine) -> Section {
    let need = match need {
        Reading::Known(need) => need,
        Reading::Unavailable(why) => {
            let mut section = Section::new("Memory");
            section.add("needs", format!("unknown: {why}"));
            return section;
        }
    };
    let sequences = if need.parallel == 1 { String::new() } else { format!(" shared by {} sequences", need.parallel) };
    let mut section = Section::new(format!("Memory for a context of {} tokens{sequences}", need.context));
    section.add("source", FORMULA);
    let projector = match need.projector {
        0 => String::new(),
        bytes => format!(", {} of them the projector's", units::bytes(bytes)),
    };
    section.add("weights", format!("{}{projector}", units::bytes(need.weights)));
    section.add("KV cache", units::bytes(need.kv_cache));
    section.add("compute", units::bytes(need.compute));
    section.add("overhead", units::bytes(need.overhead));
    section.add("total", units::bytes(need.total));
    for fit in fits(need.total, machine) {
        let tone = match fit.fits {
            Some(true) | None => Tone::Plain,
            Some(false) => Tone::Warn,
        };
        section.toned(&fit.place, &fit.words, tone);
    }
    section
}

fn exactly(exact: &Reading<Vec<DeviceMemory>>, need: &Reading<Need>) -> Section {
    let mut section = Section::new(format!("The same by {LLAMA}"));
    let devices = match exact {
        Reading::Known(devices) => devices,
        Reading::Unavailable(why) => {
            section.add("needs", format!("unknown: {why}"));
            return section;
        }
    };
    for d in devices {
        let (weights, kv, compute) = (units::bytes(d.weights), units::bytes(d.kv_cache), units::bytes(d.compute));
        section.add(&text::clean(&d.device), format!("weights {weights}, KV cache {kv}, compute {compute}"));
    }
    if let Reading::Known(need) = need {
        let Difference { weights, kv_cache, compute } = Difference::of(devices, need);
        let than = format!("weights {}, KV cache {}, compute {}", signed(weights), signed(kv_cache), signed(compute));
        let without = if need.projector > 0 { ", without the projector" } else { "" };
        section.add("difference", format!("{than} against the {FORMULA}{without}"));
    }
    section
}

fn signed(bytes: i64) -> String {
    let size = units::bytes(bytes.unsigned_abs());
    match bytes {
        0 => "none".into(),
        1.. => format!("+{size}"),
        _ => format!("-{size}"),
    }
}

fn usage(shown: &Shown) -> Section {
    let usage = &shown.model.usage;
    let mut section = Section::new("Use");
    match usage.last_used {
        None => section.add("last used", "never through modelctl"),
        Some(at) => {
            let by = usage.last_source.as_ref().map_or_else(String::new, |s| format!(" by {s}"));
            section.add("last used", format!("{}{by}", when(at, shown.now)));
            section.add("count", usage.use_count.to_string());
        }
    }
    for event in &shown.events {
        section.add(&event.at.rfc3339(), &event.source);
    }
    section
}
