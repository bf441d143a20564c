//! What an operator would lose if a rule, a plan or a step were wrong.

mod anything;
mod decide;
mod df;
mod disk;
mod kills;
mod run;
mod samples;
mod worlds;
