//! Facts of this node: which services it has, and everything that health and triage judge. What can hang is read by a
//! child with a limit.

mod parallel;
mod queue;
