use super::super::log::LogLine;
use serde::{Deserialize, Serialize};

/// What the kernel log says that concerns an LLM node.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct KernelLog {
    pub ooms: Vec<OomKill>,
    pub xids: Vec<Xid>,
    /// Other lines that rules know: NVRM, nfs, remounts, hung tasks, I/O errors.
    pub lines: Vec<LogLine>,
}

/// One kill by the kernel for lack of memory.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OomKill {
    pub line: LogLine,
    /// `CONSTRAINT_MEMCG`, `CONSTRAINT_NONE`, …
    pub constraint: String,
    /// The control group whose limit was hit, and that of the process.
    pub oom_memcg: Option<String>,
    pub task_memcg: Option<String>,
    /// Cut at 15 bytes.
    pub task: String,
    pub pid: u32,
    pub uid: Option<u32>,
    /// Anonymous memory of the killed process, in bytes.
    pub anon_rss: Option<u64>,
}

/// A fault that the NVIDIA driver reported.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Xid {
    pub line: LogLine,
    pub number: u32,
    pub device: String,
    pub pid: Option<u32>,
    pub process: Option<String>,
    /// `caused by previous Xid N`
    pub caused_by: Option<u32>,
}

impl KernelLog {
    /// Returns the last line about every file server that did not answer and has not answered since.
    pub fn silent_servers(&self) -> Vec<(&str, &LogLine)> {
        let mut silent: Vec<(&str, &LogLine)> = Vec::new();
        for line in &self.lines {
            let Some((_, rest)) =
                line.text.split_once("nfs: server ").or_else(|| line.text.split_once("nfs4: server "))
            else {
                continue;
            };
            let Some((server, said)) = rest.split_once(' ') else { continue };
            silent.retain(|(known, _)| *known != server);
            if said.starts_with("not responding") {
                silent.push((server, line));
            }
        }
        silent
    }
}
