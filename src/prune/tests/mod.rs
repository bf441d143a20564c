//! What an operator would lose if a rule, a plan or a step were wrong.

mod decide;
mod samples;
