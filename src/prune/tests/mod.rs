//! What an operator would lose if a rule, a plan or a step were wrong.

mod anything;
mod decide;
mod df;
mod disk;
mod kills;
mod nights;
mod run;
pub mod samples;
mod worlds;
