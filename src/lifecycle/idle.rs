//! How long a server is kept that has nothing to do, where nobody has set a time.

use std::time::Duration;

/// What a model is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum IdleKind {
    Generating,
    Embedding,
    Rerank,
    Vision,
    SpeechToText,
    TextToSpeech,
    /// Images and videos.
    Image,
}

/// The number of its load times that a model is kept at least.
const LOADS: u32 = 20;
/// The longest time that follows from a load time.
const MOST: Duration = Duration::from_secs(1_800);

impl IdleKind {
    /// Returns the time for which a model of this kind is kept, by the time that its last load took.
    pub fn timeout(self, load: Option<Duration>) -> Duration {
        let seconds = match self {
            IdleKind::Generating | IdleKind::SpeechToText => 300,
            IdleKind::Embedding | IdleKind::Rerank => 180,
            IdleKind::Vision => 900,
            IdleKind::TextToSpeech | IdleKind::Image => 600,
        };
        let by_load = load.map_or(Duration::ZERO, |load| load.saturating_mul(LOADS));
        Duration::from_secs(seconds).max(by_load).min(MOST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A model that takes a minute to load and is used every ten minutes would be loaded again for each request.
    #[test]
    fn what_loads_slowly_is_kept_longer_and_nothing_for_more_than_half_an_hour() {
        let seconds = |kind: IdleKind, load: u64| kind.timeout(Some(Duration::from_secs(load))).as_secs();
        assert_eq!(IdleKind::Generating.timeout(None), Duration::from_secs(300));
        assert_eq!(
            [1, 15, 30, 90, 9_000].map(|load| seconds(IdleKind::Generating, load)),
            [300, 300, 600, 1_800, 1_800]
        );
        assert_eq!([IdleKind::Embedding, IdleKind::Rerank].map(|kind| seconds(kind, 2)), [180, 180]);
        assert_eq!([IdleKind::Vision, IdleKind::TextToSpeech, IdleKind::Image].map(|k| seconds(k, 2)), [900, 600, 600]);
        assert_eq!(seconds(IdleKind::SpeechToText, 2), 300);
    }
}
