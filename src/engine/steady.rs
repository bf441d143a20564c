//! What makes an answer independent of its neighbours on the CPU (`--reproducible`).
//!
//! Sums of floats depend on their order, and at temperature 0 the last bit of a sum decides which of two nearly equal
//! tokens is said; from there on the texts differ. llama.cpp's CPU kernels choose the order by four things that are the
//! neighbours' doing:
//! - how many tokens are decoded together: attention goes in tiles from 64 on, and in one part for each thread when it
//!   is one token alone; some products of matrices have another kernel for one column. So a batch has 2 to
//!   [`BATCH`] tokens here, if need be with a token of nobody's, and asks for 2 vectors of logits at least.
//! - where a token stands in the batch, with weights that were laid out anew for speed: they are left as they are.
//! - the order of a sequence's cells in the cache: a free cell is taken wherever it is, and attention adds up in the
//!   order of the cells. So no cell is given back here until nobody runs: what is removed goes to a sequence of nobody's
//!   ([`Extra::graveyard`]), new cells always come behind all others, and when they are used up, those that wait do so
//!   until the others have ended and everything is cleared.
//! - with a sliding window, cells that fell out of it are used again: the cache is as long as the context here.
//!
//! Not covered: recurrent layers, devices other than the CPU, and weights in F32, F16, BF16, Q4_0, Q5_0, Q8_0 and IQ4_NL, for
//! which llama.cpp has products in tiles that depend on the width of the batch and cannot be switched off when it runs
//! (llamafile's kernels). Measured: SmolLM2 in Q4_1 says the same in any company; Gemma 3 270M, in which most weights are
//! Q5_0 and Q8_0, does not always.

/// Tokens decoded together at most; attention goes in tiles from 64 on.
pub const BATCH: u32 = 48;

/// Sequences of nobody's, behind those of the slots.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extra {
    /// Fills up a batch that is too narrow; its one cell is let go of after each decode.
    pub filler: i32,
    /// Holds the cells that nobody needs any more.
    pub graveyard: i32,
}

impl Extra {
    /// Their number.
    pub const COUNT: u32 = 2;

    pub fn behind(slots: u32) -> Extra {
        let first = i32::try_from(slots).unwrap_or(i32::MAX - 1);
        Extra { filler: first, graveyard: first.saturating_add(1) }
    }
}
