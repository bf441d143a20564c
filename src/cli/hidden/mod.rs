//! Commands that other commands start and people do not see. Work that may end or hang its process runs in a process of
//! its own.

pub(super) mod complete;
pub(super) mod grammars;
pub(super) mod launch;
pub(super) mod measure;
pub(super) mod probe;
pub(super) mod render;
pub(super) mod worker;
