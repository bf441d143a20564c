use crate::node::endpoint::{Answer, Counters, Owner, Sample, Slot};
use crate::node::log::LifeEnd;
use crate::node::{Fact, Outcome};
use crate::triage::counters;
use crate::triage::facts::{Change, Changes as Since, Facts, ServiceFacts};
use crate::triage::finding::{Changes, Confidence, Severity};
use crate::triage::rules::samples::*;
use crate::triage::testing::*;

const END: LifeEnd = LifeEnd::Exited { code: 1, expected: false };

fn failing(lines: &[&str], change: impl FnOnce(&mut ServiceFacts)) -> Facts {
    node(|service| {
        fails(service, END, lines);
        change(service);
    })
}

#[track_caller]
fn none(ids: &[&str], facts: &Facts) {
    for id in ids {
        assert_eq!(hits(id, facts), [], "{id}");
    }
}

fn ids() -> Vec<&'static str> {
    super::RULES.iter().map(|rule| rule.id).collect()
}

fn loading(service: &mut ServiceFacts, age: i64) {
    let body = r#"{"error":{"message":"Loading model","type":"unavailable_error","code":503}}"#.to_owned();
    with_endpoint(service, |endpoint| endpoint.health = Answer::Http { code: 503, body, seconds: 0.001 });
    with_process(service, |process| process.started = Some(ago(age)));
}

fn sample(at_s: f64, slots: &[Option<u64>], counters: Counters) -> Sample {
    let slots = slots.iter().enumerate().map(|(id, decoded)| Slot {
        id: id as i64,
        is_processing: decoded.is_some(),
        decoded: *decoded,
        context: Some(4096),
    });
    Sample { time: NOW, at_s, slots: known("/slots", slots.collect()), metrics: known("/metrics", counters) }
}

fn samples(first: &[Option<u64>], last: &[Option<u64>], before: Counters, after: Counters) -> Vec<Sample> {
    vec![sample(0.0, first, before), sample(2.0, last, after)]
}

fn with_samples(samples: Vec<Sample>) -> impl FnOnce(&mut ServiceFacts) {
    |service| with_endpoint(service, |endpoint| endpoint.samples = samples)
}

#[test]
fn a_healthy_server_is_no_finding_whatever_its_log_quotes() {
    // A node that serves must not be called sick for the words of its users, or for what it got over.
    let facts = node(|service| {
        with_words(service, &["-np", "4"]);
        says(
            service,
            &[
                "error: invalid argument: --no-mmap",
                "couldn't bind HTTP server socket, hostname: 10.99.99.99, port: 8081",
                "ggml.c:1644: GGML_ASSERT(x) failed",
                "cudaMalloc failed: out of memory",
                "prompt: please consider disabling jinja via --no-jinja",
                "user: Context size has been exceeded, what now?",
            ],
        );
    });
    none(&ids(), &facts);
}

#[test]
fn a_removed_argument_is_named_with_what_takes_its_place() {
    let facts = failing(&["error: invalid argument: --no-mmap"], |service| {
        with_settings(service, |settings| settings.command.push_str(" --no-mmap"));
    });
    let found = hit("LLM-01", &facts);
    says_all(&found, &["does not accept", "--no-mmap", "--load-mode none", "/etc/supervisor/conf.d/llama.conf:1"]);
    assert_eq!(found.confidence, Confidence::Proven);
    assert_eq!(found.changes, Changes::File("/etc/supervisor/conf.d/llama.conf".into()));
    let facts = failing(&["error: unknown value for --flash-attn: '-c'"], |service| {
        with_settings(service, |settings| settings.command.push_str(" -fa -c 4096"));
    });
    says_all(&hit("LLM-01", &facts), &["needs a value", "-fa on"]);
    none(&["LLM-01"], &failing(&["E failed to load model"], |_| {}));
}

#[test]
fn a_taken_port_names_who_holds_it() {
    let line = "E start: couldn't bind HTTP server socket, hostname: 127.0.0.1, port: 8081";
    let mut facts = failing(&[line], |_| {});
    facts.machine.listeners = known("/proc/net/tcp", vec![listener(8081, Some(77), "python3")]);
    let found = hit("LLM-02", &facts);
    says_all(&found, &["port 8081 is in use by python3 (pid 77)", "kill"]);
    none(&["LLM-03"], &facts);
    facts.machine.listeners = known("/proc/net/tcp", vec![listener(8081, Some(77), "llama-server")]);
    says_all(&hit("LLM-02", &facts), &["an older instance"]);
    // Nobody holds it now: only a start is missing.
    facts.machine.listeners = known("/proc/net/tcp", Vec::new());
    let found = hit("LLM-02", &facts);
    says_all(&found, &["is free now", "restart"]);
    assert_eq!(found.confidence, Confidence::Possible);
}

#[test]
fn a_foreign_address_shows_those_of_this_machine() {
    let line = "E start: couldn't bind HTTP server socket, hostname: 10.99.99.99, port: 8081";
    let facts = failing(&[line], |_| {});
    says_all(&hit("LLM-03", &facts), &["10.99.99.99", "10.0.0.5", "--host"]);
    none(&["LLM-02"], &facts);
    let line = "E start: couldn't bind HTTP server socket, hostname: 10.0.0.5, port: 8081";
    none(&["LLM-03"], &failing(&[line], |_| {}));
}

#[test]
fn a_server_without_the_expected_model_is_not_green() {
    let empty = |service: &mut ServiceFacts| {
        with_endpoint(service, |endpoint| endpoint.models = known("/v1/models", Vec::new()));
    };
    let facts = node(|service| {
        service.service.model_id = Some("x".into());
        empty(service);
    });
    says_all(&hit("LLM-04", &facts), &["no model at all", "`x`", "-m /srv/models/a.gguf"]);
    let facts = node(|service| service.service.model_id = Some("x".into()));
    says_all(&hit("LLM-04", &facts), &["serves a instead of `x`"]);
    none(&["LLM-04"], &node(|service| service.service.model_id = Some("a".into())));
    // Without -m, and without a word that a router is meant.
    let bare = |words: &[&str]| {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        node(|service| {
            empty(service);
            with_process(service, |process| process.argv = words);
        })
    };
    says_all(&hit("LLM-04", &bare(&["/opt/llama/llama-server"])), &["router"]);
    none(&["LLM-04"], &bare(&["/opt/llama/llama-server", "--models-dir", "/srv/models"]));
}

#[test]
fn another_port_than_told_is_seen_on_the_socket() {
    let mut facts = node(|service| {
        with_process(service, |process| {
            process.argv = ["/opt/llama/llama-server", "--port", "99999"].map(str::to_owned).into();
        })
    });
    facts.machine.listeners = known("/proc/net/tcp", vec![listener(34463, Some(100), "llama-server")]);
    says_all(&hit("LLM-05", &facts), &["listens on port 34463 instead of 99999", "65535"]);
    let mut facts = node(|service| {
        with_endpoint(service, |endpoint| (endpoint.port, endpoint.health) = (Some(8080), Answer::Refused));
    });
    facts.machine.listeners = known("/proc/net/tcp", vec![listener(8081, Some(100), "llama-server")]);
    says_all(&hit("LLM-05", &facts), &["its endpoint is configured as port 8080"]);
    with_endpoint(&mut facts.services[0], |endpoint| endpoint.port = Some(8081));
    none(&["LLM-05"], &facts);
}

#[test]
fn loading_is_no_fault_within_three_times_its_time() {
    let of = |age| {
        node(|service| {
            service.expected_load_s = Some(20.0);
            loading(service, age);
        })
    };
    let found = hit("LLM-06", &of(50));
    says_all(&found, &["still normal", "50 s", "93.8 MiB"]);
    assert_eq!(rule("LLM-06").severity, Severity::Info);
    none(&["LLM-07"], &of(50));
    none(&["LLM-06"], &of(90));
    says_all(&hit("LLM-07", &of(90)), &["90 s", "expected: 20 s", "/proc/100/io"]);
    none(&["LLM-06", "LLM-07"], &node(|_| {}));
}

#[test]
fn busy_slots_that_make_progress_are_not_sick() {
    let busy = samples(&[Some(5), Some(9)], &[Some(15), Some(19)], Counters::default(), Counters::default());
    let facts = node(with_samples(busy));
    says_all(&hit("LLM-08", &facts), &["busy, not broken", "2 slots"]);
    assert_eq!(rule("LLM-08").severity, Severity::Info);
    none(&["LLM-09", "LLM-10"], &facts);
    let idle = samples(&[None, None], &[None, None], Counters::default(), Counters::default());
    none(&["LLM-08", "LLM-09", "LLM-10"], &node(with_samples(idle)));
}

#[test]
fn requests_that_pile_up_are_saturation() {
    let deferred = |deferred| Counters { deferred: Some(deferred), decoded: Some(deferred), ..Counters::default() };
    let facts = node(with_samples(samples(&[Some(1)], &[Some(9)], deferred(2.0), deferred(5.0))));
    says_all(&hit("LLM-09", &facts), &["5 requests are waiting", "1 slot"]);
    none(&["LLM-09"], &node(with_samples(samples(&[Some(1)], &[Some(9)], deferred(2.0), deferred(2.0)))));
}

#[test]
fn a_server_without_progress_is_wedged_and_a_long_prompt_is_not() {
    let counted = |decoded, speed| Counters { decoded: Some(decoded), tokens_per_second: speed, ..Counters::default() };
    let flat = |decoded, speed| samples(&[Some(decoded)], &[Some(decoded)], counted(7.0, speed), counted(7.0, speed));
    let facts = node(with_samples(flat(5, Some(20.0))));
    let found = hit("LLM-10", &facts);
    says_all(&found, &["it is stuck", "pid 100", "restart"]);
    assert_eq!(found.confidence, Confidence::Proven);
    // A token takes longer than the samples are apart.
    none(&["LLM-10"], &node(with_samples(flat(5, Some(0.5)))));
    // The prompt makes no tokens.
    none(&["LLM-10"], &node(with_samples(flat(0, Some(20.0)))));
    // It computes, slowly.
    let facts = node(|service| {
        with_samples(flat(5, None))(service);
        with_process(service, |process| process.state = 'R');
    });
    none(&["LLM-10"], &facts);
    // /health is 200 and /slots does not answer.
    let silent = Fact::new("/slots", NOW, Outcome::TimedOut { why: "no answer within 2 s".into() });
    let sample = Sample { time: NOW, at_s: 0.0, slots: silent, metrics: absent("/metrics") };
    let facts = node(with_samples(vec![sample.clone(), Sample { at_s: 2.0, ..sample }]));
    says_all(&hit("LLM-10", &facts), &["/slots does not answer"]);
}

#[test]
fn a_stopped_process_is_let_run_on() {
    let facts = node(|service| {
        with_endpoint(service, |endpoint| endpoint.health = Answer::Silent { seconds: 5.0 });
        with_process(service, |process| process.state = 'T');
    });
    let found = hit("LLM-11", &facts);
    says_all(&found, &["state T", "kill -STOP 100"]);
    assert_eq!(found.command, Some(vec!["kill".into(), "-CONT".into(), "100".into()]));
    let silent = |state| {
        node(move |service| {
            with_endpoint(service, |endpoint| endpoint.health = Answer::Silent { seconds: 5.0 });
            with_process(service, |process| (process.state, process.wchan) = (state, Some("nfs_wait".into())));
        })
    };
    says_all(&hit("LLM-11", &silent('D')), &["state D", "nfs_wait", "/proc/100/stack"]);
    assert_eq!(hit("LLM-11", &silent('S')).confidence, Confidence::Likely);
    none(&["LLM-11"], &node(|_| {}));
}

#[test]
fn an_assertion_is_a_bug_unless_memory_ran_out() {
    let aborted = LifeEnd::Killed { signal: "SIGABRT".into() };
    let of = |lines: &[&str]| node(|service| fails(service, aborted.clone(), lines));
    let assert = "/src/ggml.c:1644: GGML_ASSERT(ctx->mem_buffer != NULL) failed";
    let found = hit("LLM-12", &of(&["build: 6700 (abc)", assert]));
    says_all(&found, &["`ctx->mem_buffer != NULL`", "/src/ggml.c:1644", "build 6700", "go back"]);
    says_all(
        &hit("LLM-12", &of(&["ggml_aligned_malloc: insufficient memory", assert])),
        &["an allocation failed within", "limit"],
    );
    says_all(
        &hit("LLM-12", &of(&["CUDA error: an illegal memory access was encountered"])),
        &["illegal memory access"],
    );
    none(&["LLM-12"], &of(&["CUDA error: no kernel image is available for execution on the device"]));
    none(&["LLM-12"], &of(&["CUDA error: out of memory"]));
}

#[test]
fn no_room_on_the_gpu_names_the_holder_first() {
    let lines = [
        "E allocating 12000.00 MiB on device 0: cudaMalloc failed: out of memory",
        "E unable to allocate CUDA0 buffer",
    ];
    let mut facts = failing(&lines, |_| {});
    with_gpu(&mut facts, |gpus| with_device(gpus, |device| device.processes = vec![(99, Some(20 << 30))]));
    says_all(
        &hit("LLM-13", &facts),
        &["GPU 0 does not have enough free memory for 12000 MiB", "pid 99 uses 20.0 GiB", "kill"],
    );
    // Nobody else: a smaller context.
    let mut facts = failing(&lines, |service| {
        with_settings(service, |settings| settings.command.push_str(" -c 32768"));
    });
    with_gpu(&mut facts, |_| {});
    says_all(&hit("LLM-13", &facts), &["lower `-c` from 32768 to 16384"]);
    none(&["LLM-13"], &failing(&["E failed to load model"], |_| {}));
}

#[test]
fn a_silent_run_on_the_cpu_is_seen_by_its_maps() {
    let on_cpu = |service: &mut ServiceFacts| {
        with_words(service, &["-ngl", "99"]);
        says(service, &["warning: no usable GPU found, --gpu-layers option will be ignored"]);
    };
    let mut facts = node(on_cpu);
    let found = hit("LLM-14", &facts);
    says_all(&found, &["99 layers", "no GPU responds"]);
    assert_eq!(found.confidence, Confidence::Proven);
    with_gpu(&mut facts, |_| {});
    says_all(&hit("LLM-14", &facts), &["the GPU responds", "--list-devices", "leave -ngl"]);
    // The library of the driver is mapped: it has its GPU.
    let facts = node(|service| {
        on_cpu(service);
        with_process(service, |process| process.libraries = known("maps", vec!["/usr/lib/libcuda.so.570.10".into()]));
    });
    none(&["LLM-14"], &facts);
    // Nobody asks for a GPU.
    none(&["LLM-14"], &node(|service| with_words(service, &["-ngl", "0"])));
    none(&["LLM-14"], &node(|service| with_words(service, &["-ngl", "auto"])));
}

#[test]
fn fewer_layers_than_asked_for_or_than_before() {
    let of = |layers: &'static str| {
        node(move |service| {
            with_words(service, &["-ngl", layers]);
            says(service, &["I load_tensors: offloaded 20/33 layers to GPU"]);
        })
    };
    says_all(&hit("LLM-15", &of("99")), &["20 of 33", "33 requested"]);
    none(&["LLM-15"], &of("20"));
    let mut facts = of("20");
    let counters = [(counters::offloaded_layers("llama"), 33.0)].into();
    facts.changes = Some(Since { counters, ..Since::default() });
    says_all(&hit("LLM-15", &facts), &["33 in the baseline"]);
}

#[test]
fn a_context_beyond_the_training_is_information() {
    let of = |line: &'static str| node(move |service| says(service, &[line]));
    let facts = of("W llama_context: n_ctx_seq (262144) > n_ctx_train (8192) -- possible training context overflow");
    says_all(&hit("LLM-16", &facts), &["262,144", "8,192", "-c 8192"]);
    assert_eq!(rule("LLM-16").severity, Severity::Info);
    let facts = of("W llama_context: n_ctx_seq (4096) < n_ctx_train (8192) -- the full capacity will not be utilized");
    none(&["LLM-16"], &facts);
}

#[test]
fn half_the_speed_of_a_good_day_is_a_warning() {
    let speed = |speed| Counters { tokens_per_second: Some(speed), ..Counters::default() };
    let of = |now: f64| {
        let mut facts = node(with_samples(samples(&[None], &[None], speed(now), speed(now))));
        let changes = vec![Change { service: None, what: "driver".into(), was: None, is: None, undo: None }];
        let counters = [(counters::tokens_per_second("llama"), 40.0)].into();
        facts.changes = Some(Since { counters, changes, ..Since::default() });
        facts
    };
    says_all(&hit("LLM-17", &of(10.0)), &["10.0 tokens/s", "40.0", "driver"]);
    none(&["LLM-17"], &of(30.0));
    let mut facts = of(10.0);
    facts.changes = None;
    none(&["LLM-17"], &facts);
}

#[test]
fn a_server_that_wants_a_key_lives() {
    let of = |key: Option<&str>| {
        node(|service| {
            service.service.key_file = key.map(Into::into);
            with_endpoint(service, |endpoint| {
                endpoint.health = Answer::Http { code: 401, body: "Invalid API Key".into(), seconds: 0.001 };
            });
        })
    };
    says_all(&hit("LLM-18", &of(None)), &["requires a key", "key_file"]);
    says_all(&hit("LLM-18", &of(Some("/run/secrets/llama"))), &["/run/secrets/llama is rejected"]);
    assert_eq!(rule("LLM-18").severity, Severity::Unknown);
    none(&["LLM-18"], &node(|_| {}));
}

#[test]
fn a_refused_template_is_no_damaged_file() {
    let lines = [
        "> Error: Expected iterable or object type in for loop: got String",
        "srv init: please consider disabling jinja via --no-jinja, or use a custom chat template via --chat-template",
        "main: exiting due to model loading error",
    ];
    let found = hit("LLM-19", &failing(&lines, |_| {}));
    says_all(&found, &["chat template", "Expected iterable", "the file is intact", "--no-jinja"]);
    assert!(rule("LLM-19").explains.contains(&"SUP-17"));
    none(&["LLM-19"], &failing(&["main: exiting due to model loading error"], |_| {}));
}

#[test]
fn slots_that_share_a_context_overrun_it_together() {
    let lines = ["slot init: new slot, n_ctx = 1024", "srv update_slots: error: Context size has been exceeded."];
    let found = hit("LLM-20", &node(|service| says(service, &lines)));
    says_all(&found, &["1,024", "-np"]);
    assert_eq!(found.severity, None);
    // Slots of their own.
    none(
        &["LLM-20"],
        &node(|service| {
            with_words(service, &["-np", "4"]);
            says(service, &lines);
        }),
    );
}

#[test]
fn somebody_else_on_the_port_is_named() {
    let owned = |name: &str| {
        let owner = Owner { pid: 77, name: name.into(), argv: vec![name.into(), "serve".into()], is_service: false };
        node(|service| {
            with_endpoint(service, |endpoint| {
                endpoint.owner = known("/proc/net/tcp", Some(owner));
                endpoint.models = known("/v1/models", Vec::new());
            })
        })
    };
    let found = hit("LLM-21", &owned("open-webui"));
    says_all(&found, &["port 8081 belongs to open-webui (pid 77), not to llama"]);
    assert_eq!(found.severity, None);
    assert!(rule("LLM-21").explains.contains(&"LLM-04"));
    none(&["LLM-21"], &owned("docker-proxy"));
    none(&["LLM-21"], &node(|_| {}));
    // A proxy that has the model is only mentioned.
    let mut facts = owned("nginx");
    facts.services[0].service.model_id = Some("a".into());
    with_endpoint(&mut facts.services[0], |endpoint| {
        endpoint.models = known("/v1/models", vec![("a".into(), Some("llamacpp".into()))]);
    });
    assert_eq!(hit("LLM-21", &facts).severity, Some(Severity::Info));
}

#[test]
fn every_rule_of_this_part_is_there_once() {
    let mut ids = ids();
    assert_eq!(ids.len(), 21);
    ids.dedup();
    assert_eq!(ids.len(), 21);
}
