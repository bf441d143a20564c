//! The jobs of a run: what each reads, and how it is judged.

use super::request::{Run, millis};
use super::state::{self, Managed};
use super::{own, targets};
use crate::clock::{self, Timestamp};
use crate::config::Config;
use crate::db::Access;
use crate::failure::Failure;
use crate::health::{self, Asked, Check, CheckName, Load, Seen, Tasks};
use crate::host::in_time::{self, Pending};
use crate::host::self_child::OURSELVES;
use crate::model::health::Level;
use crate::model::service::{Manager, Role, Service};
use crate::model::{Reading, Selector};
use crate::node::endpoint::{self, EndpointRequest};
use crate::node::log::{Life, LifeEnd};
use crate::node::model_file::{self, ModelFileRequest};
use crate::node::process::Parents;
use crate::node::{Fact, Place, gpu, machine, process, reach, systemd};
use crate::ops::Session;
use crate::ops::node::{Collectors, Discovered, MainLogs, SupervisordRead, Where, database, discover, programs, queue};
use crate::ops::resolve_model::resolve;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Seconds between the two reads of the size of a model file.
const PAUSE_S: f64 = 0.3;
/// Seconds between two samples of a server.
const SAMPLE_S: f64 = 2.0;

/// Limit for the size of a model file, which only says how long a load may take.
const SIZE_LIMIT: Duration = Duration::from_millis(200);
/// The time in which starts are counted.
const LATELY: Duration = Duration::from_secs(600);

/// A part of a run that reads something by itself.
pub struct Job {
    /// What it checks, in case that it is not done in time.
    pub targets: Vec<(CheckName, String)>,
    pub run: Box<dyn FnOnce() -> Vec<Check> + Send>,
}

impl Job {
    fn new(name: CheckName, target: &str, run: impl FnOnce() -> Vec<Check> + Send + 'static) -> Job {
        Job { targets: vec![(name, target.to_owned())], run: Box::new(run) }
    }
}

/// Finds the services, and returns the jobs that check them and the machine.
///
/// # Errors
/// `CannotMeet`: nothing to check, or a target that does not exist.
pub fn jobs(config: &Config, run: &Run) -> Result<Vec<Job>, Failure> {
    let (seen, unread) = services(config, run)?;
    let run = Arc::new(run.clone());
    // Why the database cannot even be looked at: a thread that waits for its file system would outlive this program.
    let database = match run.request.level > Level::Alive || run.has(CheckName::Database) {
        true => reach::answers(&config.database, run.limit_of_child() / 4).err(),
        false => None,
    };
    let mut jobs: Vec<Job> = Vec::new();
    if run.has(CheckName::Services) {
        let checks: Vec<Check> = seen.iter().filter_map(health::service).chain(unread).collect();
        if !checks.is_empty() {
            jobs.push(Job { targets: Vec::new(), run: Box::new(move || checks) });
        }
    }
    jobs.extend(endpoints(&run, &seen));
    if run.has(CheckName::Models) {
        jobs.extend(seen.iter().filter_map(|seen| model(config, &run, seen, database.clone())));
    }
    if run.has(CheckName::Queue) {
        jobs.extend(seen.iter().filter_map(|seen| of_queue(config, &run, seen)));
    }
    if run.has(CheckName::Gpu) || run.request.level > Level::Alive {
        let must = seen.iter().filter_map(|seen| Some((seen.service.gpu?, seen)));
        let checks: Vec<Check> = must
            .map(|(must, seen)| {
                let has = seen.running.known().and_then(|running| running.has_gpu);
                health::service_gpu(&seen.service.name, must, has)
            })
            .collect();
        if !checks.is_empty() && (run.request.checks.is_empty() || run.has(CheckName::Gpu)) {
            jobs.push(Job { targets: Vec::new(), run: Box::new(move || checks) });
        }
    }
    if run.has(CheckName::Database) && (database.is_some() || config.database.exists()) {
        jobs.push(of_database(config, &run));
    }
    // The machine alone is nothing that is served; asked for by name, it is.
    if jobs.is_empty() && run.request.checks.is_empty() && !run.request.needs_gpu {
        return Ok(jobs);
    }
    if run.has(CheckName::Disk) {
        jobs.push(disks(config, &run, &seen));
    }
    if run.has(CheckName::Memory) {
        let limits = run.request.limits.clone();
        let job = move || vec![health::memory(&machine::memory(&Place::default()), &limits)];
        jobs.push(Job::new(CheckName::Memory, "node", job));
    }
    if run.has(CheckName::Gpu) {
        let is_required = run.request.needs_gpu || seen.iter().any(|seen| seen.service.gpu == Some(true));
        let of_gpus = Arc::clone(&run);
        jobs.push(Job::new(CheckName::Gpu, "node", move || {
            let gpus = gpu::read(&Place::default(), Path::new(OURSELVES), of_gpus.limit_of_child(), of_gpus.now);
            health::gpus(&gpus, is_required, &of_gpus.request.limits)
        }));
    }
    if run.has(CheckName::Clock) {
        let now = run.now;
        jobs.push(Job::new(CheckName::Clock, "node", move || {
            vec![health::clock(&machine::clock_state(&Place::default(), now))]
        }));
    }
    Ok(jobs)
}

/// Returns the services to check, with their states, and a check for each supervisord whose programs are not even known.
fn services(config: &Config, run: &Run) -> Result<(Vec<Seen>, Vec<Check>), Failure> {
    let place = Place::default();
    let is_deep = run.request.level > Level::Alive;
    let names = &run.request.targets;
    let find_none = !names.is_empty() && names.iter().all(|target| targets::stands_for_itself(target));
    if find_none {
        let chosen = targets::chosen(Vec::new(), names)?;
        let none = |service: &Service| state::seen(service, Managed::Nothing(""), &place, None, 0, run.now);
        return Ok((chosen.iter().map(none).collect(), Vec::new()));
    }
    // What is managed by supervisord, or is not named at all, has to be looked for.
    let by_supervisor = |service: &Service| matches!(service.manager, Manager::Supervisor(_));
    let own = own::services(config, names, run.limit() / 4);
    let with_own = |mut all: Vec<Service>| {
        all.retain(|service| !own.iter().any(|ours| ours.name == service.name));
        all.extend(own.iter().cloned());
        all
    };
    let named = config.services.as_ref().map(|all| targets::chosen(with_own(all.clone()), names)).transpose()?;
    let found = match &named {
        Some(chosen) if !chosen.iter().any(by_supervisor) => None,
        _ => {
            // What is found has to be asked in the rest of the time.
            let limit = run.limit();
            let supervisord = limit / 4 * 3;
            // Where the services are named, that they live is known by their managers and endpoints.
            let processes = is_deep || named.is_none();
            let logs = is_deep;
            let at = Where { limit: limit / 2, supervisord, is_brief: true, processes, logs, ..Where::default() };
            Some(discover(config, &at, &Collectors::default()))
        }
    };
    let parents = is_deep.then(|| Parents::read(&place));
    let chosen = match (named, &found) {
        (Some(chosen), _) => chosen,
        (None, Some(found)) => targets::chosen(with_own(found.services.clone()), names)?,
        (None, None) => Vec::new(),
    };
    let logs = found.as_ref().map(MainLogs::of);
    let seen = |service: &Service| {
        let managed = managed(service, found.as_ref(), &place, run);
        let ended = logs.as_ref().map_or(0, |logs| ended(service, logs, run.now));
        state::seen(service, managed, &place, parents.as_ref(), ended, run.now)
    };
    // A search that could not look everywhere has not found everything.
    let is_search = config.services.is_none() && names.is_empty();
    let unread = found.as_ref().filter(|_| is_search).map(unread).unwrap_or_default();
    Ok((chosen.iter().map(seen).collect(), unread))
}

/// Returns a check for what may have services that nobody could see.
fn unread(found: &Discovered) -> Vec<Check> {
    const WHAT: &str = "its programs are unknown";
    let of = |read: &&SupervisordRead| read.answer.is_unknown() && programs(read).is_empty();
    let silent = found.supervisords.iter().filter(of);
    let silent = silent.map(|read| Check::of_unknown(CheckName::Services, "supervisord", WHAT, &read.answer));
    let failed = found.no_supervisords.iter();
    silent.chain(failed.map(|why| Check::unknown(CheckName::Services, "supervisord", WHAT, why.as_str()))).collect()
}

/// Returns how often a program of supervisord ended lately although nobody wanted that.
fn ended(service: &Service, logs: &MainLogs<'_>, now: Timestamp) -> usize {
    let (lives, _) = logs.lives(service, now);
    let is_recent = |life: &&Life| life.began.is_some_and(|began| began.age(now) < LATELY);
    let is_unwanted = |life: &&Life| !matches!(life.end, LifeEnd::Stopped | LifeEnd::Running);
    lives.iter().filter(is_recent).filter(is_unwanted).count()
}

fn managed(service: &Service, found: Option<&Discovered>, place: &Place, run: &Run) -> Managed {
    match &service.manager {
        Manager::Supervisor(name) => by_log(service, found, run).unwrap_or_else(|| {
            let absent = || Fact::absent("supervisord", run.now, "supervisord was not queried");
            Managed::Program(Box::new(found.map_or_else(absent, |found| found.program_fact(service, name, run.now))))
        }),
        Manager::Systemd(name) => {
            let unit = |found: &Discovered| found.unit_fact(place, name, run.limit(), run.now);
            Managed::Unit(Box::new(found.map_or_else(|| systemd::unit(place, name, run.limit(), run.now), unit)))
        }
        Manager::Pid(file) => Managed::Process(process::read_pid_file(place, file, run.limit() / 2, run.now)),
        Manager::Process(pid) => Managed::Process(Fact::ok(format!("/proc/{pid}"), run.now, *pid)),
        Manager::None => match found.and_then(|found| found.main_process(service, None, None)) {
            Some(pid) => Managed::Process(Fact::ok(format!("/proc/{pid}"), run.now, pid)),
            None => Managed::Nothing("it has no manager"),
        },
    }
}

/// Returns what the log of a supervisord without an answer says of a program that still runs.
fn by_log(service: &Service, found: Option<&Discovered>, run: &Run) -> Option<Managed> {
    let (read, program) = found?.program(service)?;
    if !read.answer.is_unknown() || program.pid.is_none() {
        return None;
    }
    let why = read.answer.why().unwrap_or("did not respond").to_owned();
    Some(Managed::ProgramByLog(Box::new(Fact::ok("the log of supervisord", run.now, program.clone())), why))
}

/// Asks all endpoints at once.
fn endpoints(run: &Arc<Run>, seen: &[Seen]) -> Option<Job> {
    let wants_clock = run.has(CheckName::Clock);
    if !run.has(CheckName::Endpoints) {
        return None;
    }
    let asked: Vec<Seen> = seen.iter().filter(|seen| seen.service.endpoint.is_some()).cloned().collect();
    if asked.is_empty() {
        return None;
    }
    let level = run.request.level;
    let targets = asked.iter().map(|seen| (CheckName::Endpoints, seen.service.name.clone())).collect();
    let run = Arc::clone(run);
    let job = move || {
        let limit = run.limit();
        let requests: Vec<EndpointRequest> = asked.iter().map(|seen| request(seen, level, limit)).collect();
        // The sizes of models meanwhile: they only say how long a load may take, and a mount may hang.
        let sizes: Vec<_> = asked.iter().map(|seen| size(&seen.service, limit)).collect();
        let answers = endpoint::ask_all(&requests, limit);
        let sizes = sizes.into_iter().map(|size| size.and_then(|size| known(size.wait())));
        let all = asked.iter().zip(&answers).zip(sizes);
        all.flat_map(|((seen, answer), size)| judged(seen, answer, size, &run, wants_clock)).collect()
    };
    Some(Job { targets, run: Box::new(job) })
}

fn request(seen: &Seen, level: Level, limit: Duration) -> EndpointRequest {
    let service = &seen.service;
    EndpointRequest {
        key_file: service.key_file.clone(),
        service: seen.running.known().map(|running| running.pids.clone()).unwrap_or_default(),
        owner: level > Level::Alive,
        models: level > Level::Alive && service.model_id.is_some(),
        sample_s: (level >= Level::Serving).then_some(SAMPLE_S),
        token: level == Level::Deep && service.completes_prompts(),
        model: service.model_id.clone(),
        ..EndpointRequest::new(service.endpoint.clone().unwrap_or_default(), limit.as_secs_f64())
    }
}

fn judged(
    seen: &Seen,
    answer: &Fact<endpoint::Endpoint>,
    size: Option<u64>,
    run: &Run,
    wants_clock: bool,
) -> Vec<Check> {
    let (service, limits) = (&seen.service, &run.request.limits);
    let running = seen.running.known();
    let known = answer.known();
    let is_up = matches!(known.map(|known| &known.health), Some(endpoint::Answer::Http { code: 200, .. }));
    let load = match running {
        // Only what is not ready may be loading.
        _ if is_up => Load::default(),
        Some(running) => Load { size, read: running.read_bytes, since: running.since },
        None => known.map_or_else(Load::default, |known| load_of_owner(service, known, size)),
    };
    let asked = Asked {
        service,
        endpoint: answer,
        level: run.request.level,
        knows_processes: running.is_some_and(|running| !running.pids.is_empty()) && service.manager != Manager::None,
        load,
        now: clock::now(),
    };
    let mut check = health::endpoint(&asked, limits);
    if let Some(endpoint::Answer::Http { seconds, .. }) = known.map(|endpoint| &endpoint.health) {
        check.ms = millis(Duration::try_from_secs_f64(*seconds).unwrap_or_default()).max(1);
    }
    let is_ready = check.status == health::Status::Ok;
    let mut checks = vec![check];
    let Some(known) = known else { return checks };
    if run.request.level >= Level::Serving && is_ready {
        checks.extend(health::progress(service, known));
    }
    if let (Level::Deep, true, Some(token)) = (run.request.level, is_ready, &known.token_s) {
        checks.push(health::token(service, token, limits));
    }
    if let (true, Some(skew)) = (wants_clock, known.date_skew_s) {
        checks.push(health::skew(&service.name, skew, limits));
    }
    checks
}

/// Returns what the process that owns the socket of a model server says, where nothing else says since when it runs.
fn load_of_owner(service: &Service, endpoint: &endpoint::Endpoint, size: Option<u64>) -> Load {
    let owner = endpoint.owner.known().and_then(Option::as_ref);
    let owner = owner.filter(|_| matches!(service.role, Role::Llama | Role::Whisper));
    let process = owner.map(|owner| process::read(&Place::default(), owner.pid, clock::now()));
    match process.as_ref().and_then(Fact::known) {
        Some(process) => Load { size, read: process.read_bytes, since: process.started },
        None => Load::default(),
    }
}

/// Reads the bytes of the model of a service; None where it has none.
fn size(service: &Service, limit: Duration) -> Option<Pending<Option<u64>>> {
    let path = model_path(service)?;
    Some(in_time::start(limit, "the size", move |_| Ok(reach::size(&path, SIZE_LIMIT))))
}

/// None: unknown, or not in time.
fn known(size: Reading<Option<u64>>) -> Option<u64> {
    match size {
        Reading::Known(size) => size,
        Reading::Unavailable(_) => None,
    }
}

fn model_path(service: &Service) -> Option<PathBuf> {
    service.model.as_deref().filter(|model| model.contains('/')).map(PathBuf::from)
}

fn model(config: &Config, run: &Arc<Run>, seen: &Seen, no_database: Option<String>) -> Option<Job> {
    let model = seen.service.model.clone()?;
    let (name, role) = (seen.service.name.clone(), seen.service.role);
    let pid = seen.running.known().and_then(|running| running.pids.first().copied());
    let (run, config, target) = (Arc::clone(run), config.clone(), name.clone());
    Some(Job::new(CheckName::Models, &target, move || {
        let unknown = |reason| vec![Check::unknown(CheckName::Models, &name, format!("model `{model}`"), reason)];
        let path = match (model.contains('/'), no_database) {
            (true, _) => PathBuf::from(&model),
            (false, Some(why)) => return unknown(format!("the database is on {why}")),
            (false, None) => {
                let mut session = Session::new(config, run.now);
                // A probe changes nothing, not even the mode of the database.
                let opened = session.db(Access::Observe).map(|_| ());
                match opened.and_then(|()| resolve(&mut session, &Selector(model.clone()))) {
                    Ok(row) => row.path,
                    Err(error) => return unknown(format!("{error:#}")),
                }
            }
        };
        // A run that has little time reads the size only once.
        let pause_s = PAUSE_S.min(run.limit().as_secs_f64() / 2.0);
        let request = ModelFileRequest { pid, ..ModelFileRequest::new(path, pause_s) };
        let file = model_file::read_in_child(Path::new(OURSELVES), &request, run.limit_of_child(), run.now);
        vec![health::model(&name, role, &file)]
    }))
}

fn of_queue(config: &Config, run: &Arc<Run>, seen: &Seen) -> Option<Job> {
    let check = seen.service.queue.clone()?;
    let (name, source, run) = (seen.service.name.clone(), config.source.clone(), Arc::clone(run));
    let target = name.clone();
    Some(Job::new(CheckName::Queue, &target, move || {
        let uid = rustix::process::geteuid().as_raw();
        let answer = queue::ask(&check, source.as_deref(), uid, run.limit(), run.now);
        health::queue(&name, &check, &answer, &run.request.limits)
    }))
}

fn of_database(config: &Config, run: &Arc<Run>) -> Job {
    let (config, run) = (config.clone(), Arc::clone(run));
    Job::new(CheckName::Database, "node", move || {
        let since = run.now.millis().saturating_sub(i64::try_from(config.triage.since.as_millis()).unwrap_or(i64::MAX));
        let mut session = Session::new(config, run.now);
        let facts = database::read(&mut session, Timestamp(since), run.limit_of_child());
        let tasks = facts.map(|facts| Tasks {
            due: facts.due_tasks,
            failed: facts.failed_tasks,
            orphaned: facts.orphaned_tasks,
        });
        health::database("node", &tasks, &run.request.limits)
    })
}

fn disks(config: &Config, run: &Arc<Run>, seen: &[Seen]) -> Job {
    let mut wanted: Vec<(PathBuf, String)> = Vec::new();
    wanted.extend(config.roots.paths.iter().map(|root| (root.path.clone(), "models".to_owned())));
    wanted.extend(config.database.parent().map(|folder| (folder.to_owned(), "database".to_owned())));
    for Seen { service, .. } in seen {
        wanted.extend(model_path(service).map(|path| (path, "models".to_owned())));
        wanted.extend(service.logs.iter().map(|log| (log.clone(), format!("logs of {}", service.name))));
    }
    let run = Arc::clone(run);
    Job::new(CheckName::Disk, "node", move || {
        let disks = machine::disks::ask(Path::new(OURSELVES), &Place::default(), &wanted, false, run.limit_of_child());
        disks.iter().flat_map(|disk| health::disk(disk, &run.request.limits)).collect()
    })
}
