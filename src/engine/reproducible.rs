//! Makes an answer independent of concurrent requests on the CPU (`--reproducible`).
//!
//! Sums of floats depend on their order, and at temperature 0 the last bit of a sum decides which of two nearly equal
//! tokens is chosen; from there on the texts differ. llama.cpp's CPU kernels choose the order by four things that
//! depend on concurrent requests:
//! - the number of tokens that are decoded together: attention works in tiles from 64 on, and in one part for each
//!   thread when it is one token alone; some matrix products have another kernel for one column. So a batch has 2 to
//!   [`BATCH`] tokens here, padded with a token of a dummy sequence, and requests at least 2 vectors of logits.
//! - the position of a token in the batch, with weights that were repacked for speed: they are not repacked here.
//! - the order of a sequence's cells in the cache: a free cell is taken wherever it is, and attention adds up in the
//!   order of the cells. So no cell is freed here while any request runs: removed cells move to a discard sequence
//!   ([`Extra::discard_seq`]), new cells always come after all others, and when they are used up, requests wait until
//!   all others have ended and everything is cleared.
//! - with a sliding window, cells that left it are reused: here the cache is as long as the context.
//!
//! Not covered: recurrent layers, devices other than the CPU, and weights in F32, F16, BF16, Q4_0, Q5_0, Q8_0 and
//! IQ4_NL, for which llama.cpp has tiled products that depend on the width of the batch and cannot be disabled at run
//! time (llamafile's kernels). Measured: SmolLM2 in Q4_1 always gives the same answer; Gemma 3 270M, in which most
//! weights are Q5_0 and Q8_0, does not always.

/// The largest number of tokens decoded together; attention works in tiles from 64 on.
pub const BATCH: u32 = 48;

/// Sequences that belong to no request, numbered after those of the slots.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extra {
    /// The sequence that pads a batch that is too narrow; its one cell is removed after each decode.
    pub filler: i32,
    /// The sequence that holds the retired cells.
    pub discard_seq: i32,
}

impl Extra {
    /// The number of extra sequences.
    pub const COUNT: u32 = 2;

    pub fn behind(slots: u32) -> Extra {
        let first = i32::try_from(slots).unwrap_or(i32::MAX - 1);
        Extra { filler: first, discard_seq: first.saturating_add(1) }
    }
}
