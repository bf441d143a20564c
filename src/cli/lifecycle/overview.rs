//! What there is on this machine, above what the daemon says.

use crate::clock::Timestamp;
use crate::ops::overview::Overview;
use crate::ui::{Section, Tone, units};
use std::collections::BTreeMap;

/// Returns the figures of the database as labeled lines.
pub fn section(overview: &Overview, (scanned, now): (Option<Timestamp>, Timestamp)) -> Section {
    let mut section = Section::new("Inventory");
    section.add("models", models(overview));
    let mut by_kind: BTreeMap<&str, u64> = BTreeMap::new();
    for store in &overview.stores {
        let sum = by_kind.entry(store.store).or_default();
        *sum = sum.saturating_add(store.allocated_bytes);
    }
    let each: Vec<String> = by_kind.iter().map(|(kind, bytes)| format!("{kind} {}", units::bytes(*bytes))).collect();
    let count = units::plural(overview.stores.len() as u64, "folder");
    let sum = units::bytes(overview.allocated_bytes);
    section.add(
        "disk",
        match each.len() {
            0 | 1 => format!("{sum} in {count}"),
            _ => format!("{sum} in {count}: {}", each.join(", ")),
        },
    );
    let mut label = "reclaimable";
    for class in &overview.reclaimable {
        let (bytes, files) = (units::bytes(class.allocated_bytes), units::plural(class.files, "file"));
        section.add(label, format!("{} {bytes} in {files}: {}", class.class, class.command));
        label = "";
    }
    if overview.trash.items > 0 {
        let (items, bytes) = (units::plural(overview.trash.items, "item"), units::bytes(overview.trash.freed_bytes));
        section.add("trash", format!("{items}, {bytes}: modelctl trash empty"));
    }
    let (queue, tone) = queue(overview);
    section.toned("queue", queue, tone);
    let mut label = "loaded";
    for loaded in &overview.loaded {
        section.add(label, format!("{}, {} reserved by {}", loaded.name, units::bytes(loaded.memory_bytes), loaded.by));
        label = "";
    }
    match scanned {
        Some(at) => section.add("last scan", format!("{} ago", units::ago(at.age(now)))),
        None => section.toned("last scan", "never: modelctl scan", Tone::Warn),
    }
    for store in &overview.stores {
        if let Some(why) = &store.unavailable {
            section.toned("not available", format!("{}: {why}", store.root), Tone::Warn);
        }
    }
    section.add("database", &overview.database);
    section.add("config", overview.config.as_deref().unwrap_or("none"));
    section
}

fn models(overview: &Overview) -> String {
    let all = overview.models.values().fold(0u64, |sum, count| sum.saturating_add(*count));
    let mut parts: Vec<String> = overview.models.iter().map(|(state, count)| format!("{count} {state}")).collect();
    let marked = [(overview.disabled, "disabled"), (overview.pinned, "pinned")];
    parts.extend(marked.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}")));
    match parts.is_empty() {
        true => "none".to_owned(),
        false => format!("{all}: {}", parts.join(", ")),
    }
}

fn queue(overview: &Overview) -> (String, Tone) {
    let tasks: Vec<String> = overview.queue.tasks.iter().map(|(state, count)| format!("{count} {state}")).collect();
    let tasks = if tasks.is_empty() { "empty".to_owned() } else { tasks.join(", ") };
    match overview.queue.inference {
        "off" => (format!("{tasks}; paused: modelctl inference on"), Tone::Warn),
        _ => (tasks, Tone::Plain),
    }
}
