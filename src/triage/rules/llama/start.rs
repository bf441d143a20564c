//! A server that ends at its start, or by an assertion: arguments, templates, bugs.

use crate::node::Fact;
use crate::triage::facts::{Facts, ServiceFacts};
use crate::triage::finding::{Changes, Confidence, Evidence, Hit, Layer, Playbook, Severity};
use crate::triage::rules::step::{Step, hit, proven_if};
use crate::triage::rules::text::{between, word_after};
use crate::triage::rules::{Check, Need, Rule};

const INVALID_ARGUMENT: &str = "error: invalid argument: ";
const BAD_VALUE: &str = "error while handling argument ";
const FLASH_ATTENTION: &str = "unknown value for --flash-attn: ";

const ASSERT: &str = "GGML_ASSERT(";
const NO_MEMORY: &[&str] = &["insufficient memory", "failed to allocate buffer of size"];
const CUDA_ERROR: &str = "CUDA error: ";
/// CUDA errors that other rules explain.
const OTHER_CUDA_ERRORS: &[&str] = &["out of memory", "no kernel image"];
const IN_FUNCTION: &str = "in function ";
const BUILD: &str = "build: ";

const DISABLE_JINJA: &[&str] = &["please consider disabling jinja", "custom chat template via --chat-template"];
const TEMPLATE_ERROR: &[&str] = &["> Error: ", "chat template parsing error", "Failed to parse template"];

/// Arguments that llama-server no longer knows, and what takes their place.
const REPLACED: &[(&str, &str)] = &[
    ("--no-mmap", "--load-mode none"),
    ("--mlock", "--load-mode mmap+mlock"),
    ("--mmap", "--load-mode mmap"),
    ("-fa", "-fa on"),
    ("--flash-attn", "--flash-attn on"),
];

pub(super) const LLM_01: Rule = Rule {
    id: "LLM-01",
    version: 1,
    playbook: Playbook::Llama,
    layer: Layer::Service,
    severity: Severity::Critical,
    title: "llama-server rejects an argument",
    why: "llama-server exits before it reads the model when an argument was removed, was renamed or now needs a value, \
          usually after an update. The log line has no timestamp. It says nothing about the model or the GPU.",
    explains: &["SUP-10", "SUP-17", "SYS-03", "LLM-04", "TOOL-02"],
    needs: &[Need::Logs],
    signs: &[INVALID_ARGUMENT, BAD_VALUE, FLASH_ATTENTION, "expected value for argument"],
    check: Check::Service(has_bad_argument),
};

pub(super) const LLM_12: Rule = Rule {
    id: "LLM-12",
    version: 1,
    playbook: Playbook::Llama,
    layer: Layer::Service,
    severity: Severity::Critical,
    title: "llama.cpp aborted: an assertion or a CUDA error",
    why: "ggml calls abort() when an assertion or a CUDA call fails: exit 134, SIGABRT. The expression points to a bug \
          or a limit. After `insufficient memory` it is a memory limit, not a bug; `no kernel image` (CUD-05) and `out \
          of memory` (LLM-13) have other causes.",
    explains: &["SUP-10", "SUP-15", "SUP-17", "SYS-03", "LLM-04", "TOOL-02"],
    needs: &[Need::Logs],
    signs: &[ASSERT, CUDA_ERROR, IN_FUNCTION, BUILD, "insufficient memory", "failed to allocate buffer of size"],
    check: Check::Service(has_aborted),
};

pub(super) const LLM_19: Rule = Rule {
    id: "LLM-19",
    version: 1,
    playbook: Playbook::Llama,
    layer: Layer::Service,
    severity: Severity::Critical,
    title: "the chat template of the model does not compile",
    why: "llama-server compiles the chat template in the model and exits if that fails, with the same last line as for \
          a damaged file: `exiting due to model loading error`. The file is intact; only its template is rejected, \
          usually since an update made Jinja the default.",
    explains: &["MDL-08", "SUP-10", "SUP-17", "SYS-03", "LLM-04", "TOOL-02"],
    needs: &[Need::Logs],
    signs: &[DISABLE_JINJA[0], DISABLE_JINJA[1], TEMPLATE_ERROR[0], TEMPLATE_ERROR[1], TEMPLATE_ERROR[2]],
    check: Check::Service(has_bad_template),
};

fn has_bad_argument(_: &Facts, service: &ServiceFacts) -> Option<Hit> {
    let line = service.sign_of_trouble(&[INVALID_ARGUMENT, BAD_VALUE, FLASH_ATTENTION])?;
    let text = line.text.as_str();
    let (name, what) = if let Some(word) = word_after(text, INVALID_ARGUMENT) {
        (word, "does not accept")
    } else if text.contains(FLASH_ATTENTION) {
        ("--flash-attn", "needs a value (on, off, auto) for")
    } else {
        let named = between(text, "\"", "\"").or_else(|| word_after(text, BAD_VALUE))?;
        (named.trim_end_matches(':'), "rejects the value of")
    };
    let argv = service.argv();
    // `-fa` is the short name of --flash-attn.
    let is_same = |word: &str| word == name || (name == "--flash-attn" && word == "-fa");
    let own = argv.iter().map(|word| word.split_once('=').map_or(word.as_str(), |(name, _)| name));
    let given = own.clone().find(|word| is_same(word));
    let given_name = given.unwrap_or(name);
    let (place, changes) = service.place_of(given_name);
    let program = argv.first().map_or("llama-server", String::as_str);
    let cause = format!("{program} {what} the argument {given_name}");
    let text = match REPLACED.iter().find(|(old, _)| *old == given_name) {
        Some((_, new)) => format!("replace {given_name} with {new} in {place}"),
        None if what == "does not accept" => {
            format!("remove {given_name} from {place}, or use its new name from `{program} --help`")
        }
        None => format!("correct the value of {given_name} in {place}; see `{program} --help`"),
    };
    let step = Step::change(changes, text, format!("put {given_name} back in {place}"));
    let second = match given {
        Some(_) => Evidence::of_command(service),
        None => None,
    };
    let evidence = vec![Evidence::of_line(line), second.unwrap_or_else(|| Evidence::of_state(service))];
    let is_given = given.is_some() || service.launcher.as_ref().is_some_and(|launcher| launcher.interpreter.is_some());
    Some(hit(Some(service), cause, evidence, step).confidence(proven_if(is_given)))
}

fn has_aborted(_: &Facts, service: &ServiceFacts) -> Option<Hit> {
    let lines = service.lines_of_trouble();
    let is_abort = |text: &str| {
        text.contains(ASSERT)
            || (text.contains(CUDA_ERROR) && !OTHER_CUDA_ERRORS.iter().any(|other| text.contains(other)))
    };
    let at = lines.iter().rposition(|line| is_abort(&line.text))?;
    let line = lines.get(at)?;
    let build = service.line_of_trouble(&[BUILD]).and_then(|line| word_after(&line.text, BUILD));
    let build = build.map_or_else(String::new, |build| format!(" of build {build}"));
    let program = service.argv().first().cloned().unwrap_or_else(|| "llama.cpp".to_owned());
    let start = at.saturating_sub(20);
    let before = lines.get(start..at).unwrap_or_default();
    let same_life = |other: &&&crate::node::log::LogLine| other.life == line.life;
    let memory =
        before.iter().rev().filter(same_life).find(|line| NO_MEMORY.iter().any(|sign| line.text.contains(sign)));
    if let Some(memory) = memory {
        let limit = service.cgroups.iter().filter_map(Fact::known).find_map(|cgroup| cgroup.memory_limit);
        let limited = limit.map_or_else(
            || "an address space limit (RLIMIT_AS, `ulimit -v`) or the memory of the machine".to_owned(),
            |limit| format!("its limit, {}", crate::display::units::bytes(limit)),
        );
        let cause = format!("an allocation failed within {limited}");
        let step = match service.server() {
            Some(process) => Step::inspect("raise the limit, or lower `-c`").command(&[
                "prlimit",
                "--as",
                "--pid",
                &process.pid.to_string(),
            ]),
            None => Step::inspect("raise the limit that the launcher sets (`ulimit -v`), or lower `-c`"),
        };
        let evidence = vec![Evidence::of_line(memory), Evidence::of_line(line)];
        return Some(hit(Some(service), cause, evidence, step));
    }
    let what = match line.text.split_once(ASSERT) {
        Some((place, expression)) => {
            let place = place.split_whitespace().last().unwrap_or_default().trim_end_matches(':');
            let expression = expression.rsplit_once(") failed").map_or(expression, |(inside, _)| inside);
            format!("the assertion `{expression}` failed at {place}")
        }
        None => {
            let error = line.text.split_once(CUDA_ERROR).map_or(line.text.as_str(), |(_, error)| error);
            format!("a CUDA call failed: {}", error.trim())
        }
    };
    let step = Step::change(
        Changes::Service(service.name().to_owned()),
        format!("go back to the llama.cpp version that worked before, and report this line{build}"),
        format!("reinstall {program}{build}"),
    );
    let function = line.text.contains(CUDA_ERROR).then(|| service.line_of_trouble(&[IN_FUNCTION])).flatten();
    let mut evidence = vec![Evidence::of_line(line)];
    evidence.extend(function.map(Evidence::of_line));
    evidence.push(Evidence::of_state(service));
    Some(hit(Some(service), format!("{program}{build} aborted: {what}"), evidence, step))
}

fn has_bad_template(_: &Facts, service: &ServiceFacts) -> Option<Hit> {
    let line = service.sign_of_trouble(DISABLE_JINJA).or_else(|| service.sign_of_trouble(&TEMPLATE_ERROR[1..]))?;
    let error = service
        .lines_of_trouble()
        .into_iter()
        .rev()
        .find(|other| other.life == line.life && TEMPLATE_ERROR.iter().any(|sign| other.text.contains(sign)));
    let content = service.model.as_ref().and_then(Fact::known).and_then(|model| Some((model, model.content.known()?)));
    let is_whole = content.is_some_and(|(model, content)| {
        let size = model.service.known().or(model.ours.known()).map(|file| file.size);
        content.damage.is_none() && content.needed.zip(size).is_none_or(|(needed, size)| needed <= size)
    });
    let words = error.and_then(|line| line.text.split_once("rror: ")).map(|(_, words)| words.trim());
    let whole = if is_whole { "; the file is intact" } else { "" };
    let cause = match words {
        Some(words) => format!("the chat template of the model does not compile ({words}){whole}"),
        None => format!("the chat template of the model does not compile{whole}"),
    };
    let (place, changes) = service.place_of("--jinja");
    let step = Step::change(
        changes,
        format!("add `--no-jinja` (or `--chat-template NAME`) in {place}"),
        format!("remove `--no-jinja` from {place}"),
    );
    let mut evidence = vec![Evidence::of_line(error.unwrap_or(line))];
    if error.is_some() {
        evidence.push(Evidence::of_line(line));
    }
    match content.filter(|_| is_whole) {
        Some((model, content)) => {
            let needed = content
                .needed
                .map_or_else(|| "file bounds and magic are fine".to_owned(), |n| format!("needs {n} bytes"));
            evidence.push(Evidence::of_fact(
                &model.content,
                format!("{}: {}, {needed}", model.path.display(), content.format),
            ));
        }
        None => evidence.push(Evidence::of_state(service)),
    }
    let confidence = if is_whole || error.is_some() { Confidence::Proven } else { Confidence::Likely };
    Some(hit(Some(service), cause, evidence, step).confidence(confidence))
}
