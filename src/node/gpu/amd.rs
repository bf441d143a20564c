//! AMD cards, by the files of amdgpu. Some of them ask the card, which may hang: the child reads them.

use super::Amd;
use super::files::{entries, text};
use crate::node::Place;
use std::path::PathBuf;

/// The file that only amdgpu has.
const TOTAL: &str = "device/mem_info_vram_total";

/// Returns whether there is a card of amdgpu. Does not ask the card.
pub fn is_there(place: &Place) -> bool {
    cards(place).iter().any(|card| place.at(card.join(TOTAL)).exists())
}

/// Reads the cards in this process. May never return.
pub fn amd_here(place: &Place) -> Vec<Amd> {
    let read = |card: PathBuf| {
        let number = |file: &str| text(&place.at(card.join(file)))?.trim().parse::<u64>().ok(); // no number: unknown
        let memory_total = Some(number(TOTAL)?);
        Some(Amd {
            card: card.file_name()?.to_string_lossy().into_owned(),
            memory_total,
            memory_used: number("device/mem_info_vram_used"),
            busy_percent: number("device/gpu_busy_percent").and_then(|busy| u32::try_from(busy).ok()), // as above
        })
    };
    cards(place).into_iter().filter_map(read).collect()
}

/// Returns the folders of cards, without those of their connectors (`card0-DP-1`).
fn cards(place: &Place) -> Vec<PathBuf> {
    let is_card = |name: &str| name.strip_prefix("card").is_some_and(|number| number.parse::<u32>().is_ok());
    entries(place, "/sys/class/drm", is_card)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_memory_of_a_card_is_read_and_a_connector_is_none() {
        let dir = tempfile::tempdir().unwrap();
        let place = Place::new(dir.path());
        assert!(!is_there(&place) && amd_here(&place).is_empty());
        for (path, value) in [
            ("card0/device/mem_info_vram_total", "17163091968\n"),
            ("card0/device/mem_info_vram_used", "27111424\n"),
            ("card0/device/gpu_busy_percent", "3\n"),
            ("card0-DP-1/device/mem_info_vram_total", "1\n"),
            ("card1/device/vendor", "0x8086\n"),
        ] {
            let path = place.at(format!("/sys/class/drm/{path}"));
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, value).unwrap();
        }
        let card = Amd {
            card: "card0".into(),
            memory_total: Some(17_163_091_968),
            memory_used: Some(27_111_424),
            busy_percent: Some(3),
        };
        assert!(is_there(&place));
        assert_eq!(amd_here(&place), [card]);
    }
}
