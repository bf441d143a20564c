//! modelctl: find, check, clean up, run and serve the GGUF models on a machine.
//!
//! The code map. Dependencies point down only:
//!
//! ```text
//! main → cli → serve → ops → inventory prune queue lifecycle health triage → node → worker engine → openai ollama db host → supervise → http gguf model clock
//! ```
//!
//! | room | owns | must not be found in it |
//! |---|---|---|
//! | [`cli`] | one file or folder per subcommand: its arguments, its request to a recipe, its view | SQL, byte reading, recipes |
//! | [`serve`] | the daemon: when the queue is looked at, and one of it at a time | SQL, printing |
//! | [`ops`] | the recipes that command line and daemon share, over a session; their events and reports | printing, command lines |
//! | [`ui`] | streams, tables, progress, JSON, the whole terminal | decisions |
//! | [`display`] | sizes, ages and foreign names in a sentence | printing |
//! | [`config`] | defaults < file < environment < flags; the only reader of the environment | printing |
//! | [`failure`] | kinds of failure, hints, exit codes | |
//! | [`inventory`] | stores, walking, grouping, the diff of a scan | SQL, printing, model loading |
//! | [`prune`] | what may go and why (pure), the trash, who has a file open | SQL, printing |
//! | [`queue`] | which model answers a task; who works on the durable queue, by its port [`model::task::Queue`] | SQL, llama.cpp |
//! | [`lifecycle`] | which servers run, who waits for them and which gives way (pure) | I/O, clocks, processes |
//! | [`health`] | checks of what a node serves: levels, merging, thresholds, the formats of monitoring systems (pure) | I/O, printing |
//! | [`triage`] | facts of a node and the rules that judge them (pure), redaction, bundles | printing |
//! | [`node`] | what an LLM node runs, read as facts: services, processes, logs, model files, endpoints, GPUs | judgement |
//! | [`engine`] | llama.cpp, in the worker process alone; a stub without the `llama` feature | HTTP, SQL |
//! | [`worker`] | the process that hosts the engine and serves it by HTTP, and the handle everyone uses | llama.cpp types |
//! | [`openai`] | the dialect: requests, answers, streams, embeddings, errors | who answers, sockets |
//! | [`ollama`] | Ollama's dialect: requests, answers, lists, and its way to OpenAI's and back | who answers, sockets |
//! | [`supervise`] | child processes: start, readiness, logs, stop, why they ended | what the children do |
//! | [`http`] | one client for Unix sockets and TCP: whole answers, streams, bytes passed through | what is asked |
//! | [`host`] | what the machine has: memory, GPUs; bounded reads in a child; file locks and leases | models |
//! | [`db`] | all SQL, the schema and its migrations | decisions about models |
//! | [`gguf`] | bounded, panic-free header reading, tensor types, names, memory estimate | llama.cpp, SQL |
//! | [`model`] | plain data with the words of the house; what may happen to a task, and the port of a queue | I/O |
//! | [`clock`] | the only caller of the clocks | |
//!
//! `supervise` stands under `host`: a read that can hang is a child process of its own.
//! `tests/it/house/` holds the arrows and the absences to account.
//!
//! # Glossary
//!
//! One word for one thing, in code, messages and documentation.
//!
//! | word | is |
//! |---|---|
//! | alias | a name that a person gave a model |
//! | artifact | one file of a model: a shard, a projector |
//! | attempt | one time that a task was claimed and worked on |
//! | baseline | the facts of a node while it worked, with which later ones are compared |
//! | batch | the tasks of one OpenAI Batch file, or tokens that are decoded together |
//! | bundle | an archive with the facts and the report of one triage, from which the report can be made again |
//! | capability | what a model can do for a client: completion, tools, vision, embedding, rerank, audio, thinking, infill |
//! | candidate | a model, or bytes without one, that a prune could remove |
//! | check | of health: the status of one target, its value and the reason |
//! | claim | taking a task from the queue, for the time of a lease |
//! | class | what a file is to its store: referenced, superseded, orphan, partial, side cache, trash, snapshot |
//! | collector | of a scan: receives what the readers of the stores find; of triage: one bounded read of the node |
//! | constraint | what an answer must fit: a JSON schema or a grammar |
//! | content | the identity of a model by its bytes, wherever its files are |
//! | crash class | why a child ended: wanted, oom, refused, crash, disappeared |
//! | damaged | cannot be whole, by its structure or by a hash; never what is only unknown |
//! | decision | what the lifecycle has done or refused, with its reason and numbers |
//! | device | what a model is loaded on, and the lock on it |
//! | evidence | what in a file speaks for its kind |
//! | executor | what claims tasks and has a worker answer them |
//! | fact | what a read of the node gave: a value, or why there is none, with its source and time |
//! | fence | owner and token that a write of a claim must show |
//! | finding | what `verify` found wrong with a file, as long as the file has not changed; of triage: a cause, with proof, step and undo |
//! | gate | a time limit of a launcher, within which a service must have started |
//! | headroom | memory that is kept free for another program |
//! | hint | a pattern of models to keep; of an error: what to do about it; of a server: what an earlier daemon knew |
//! | holding | what a store keeps at one path, with its class and the reason |
//! | hook | a program of the operator that gets every event of the daemon |
//! | item | what one removal put into a trash |
//! | journal | the record that makes an interrupted removal recoverable |
//! | kind | what a model is for: generative, embedding, reranker, speech, projector and so on; or that of an error |
//! | knob | a setting that `tune` suggests or records |
//! | known place | a folder where a tool keeps models by default or by its variables |
//! | layer | the place of a cause in the causal order: host, driver, storage, memory, limits, network, service, app |
//! | lease | how long a claim, or a hold of the device, lasts without being renewed |
//! | level | how thoroughly health checks a service: alive, ready, serving, deep |
//! | life | one run of the process of a service, from its start to its end |
//! | manager | what starts a service and restarts it: supervisord, systemd, a pid file, none |
//! | model | what one name of a store leads to: its artifacts, facts and settings |
//! | named root | a root that a person or a known place named; others were found inside of one |
//! | owner | who holds a claim: host, process, start and a random number; of a store: the tool that writes it |
//! | playbook | the services of one kind with their rules: api, llama, worker, whisper, or the node |
//! | plan | the rows of a prune, each with a verdict and its reason, before anything is done |
//! | pressure | too little of VRAM, memory, cores or disk, by a threshold; it ends below where it began |
//! | popularity | how much a model was used of late, 0 to 1 against the most used one |
//! | quarantine | tasks that may have crashed a worker: each runs alone |
//! | reading | a value that could be had, or the reason why it could not |
//! | recipe | a function of `ops`: request in, events on the way, report out |
//! | recovery | finishing or undoing what an interrupted run left |
//! | repository | a folder of a store with the files of one publisher's model |
//! | root | a folder that is scanned; rules of prune act inside of roots only |
//! | row | a model as `list` shows it, or a candidate as a plan shows it |
//! | rule | of triage: a pure predicate over facts that recognizes one cause |
//! | rung | one way to load a model; the rungs of a model are its ladder, the full one first |
//! | service | a program that a node runs for others: its role, manager, endpoint, model and logs |
//! | session | what a recipe works with: config, time, actor, database, queue |
//! | shard | one part of a model that is split over several files |
//! | slot | room for one sequence in the context of an engine |
//! | stamp | how the folders and files of a repository looked when it was last read whole |
//! | state | of a model: ready, incomplete, damaged, unsupported, unavailable and so on; of a task: queued, running, done and so on |
//! | status | of a check: ok, warning, critical, unknown |
//! | step | one entry that a removal moves or deletes |
//! | stop signal | a request to end, made once, which wakes whoever waits for it |
//! | store | the files of one tool: Ollama, the Hugging Face cache, LM Studio, a plain folder |
//! | swap | two servers changing places in memory |
//! | target | what a check is about: a service, a disk, a GPU, the node |
//! | task | one prompt in the queue |
//! | tier | fast, balanced or powerful, by parameters |
//! | trash | where prune moves what it removes, on the same file system |
//! | verdict | what a rule of prune says of a candidate: remove or keep, and why |
//! | worker | the child process that has a model loaded and answers over HTTP |

pub mod cli;
pub mod clock;
pub mod config;
pub mod db;
pub mod display;
pub mod engine;
pub mod failure;
pub mod gguf;
pub mod health;
pub mod host;
pub mod http;
pub mod inventory;
pub mod lifecycle;
pub mod model;
pub mod node;
pub mod ollama;
pub mod openai;
pub mod ops;
pub mod prune;
pub mod queue;
pub mod serve;
pub mod supervise;
#[cfg(test)]
mod testing;
pub mod triage;
pub mod ui;
pub mod worker;
