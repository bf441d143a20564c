use super::*;
use crate::model::task::order::Claimed;
use std::time::Duration;

/// Prints how many tasks a second go in and through. Run it by name in a release build with `--ignored --nocapture`.
#[test]
#[ignore = "a tool, not a test"]
fn print_the_rates() {
    let dir = tempfile::tempdir_in(".").unwrap();
    let text = "x".repeat(2000);
    let timed = |what: &str, number: u64, work: &mut dyn FnMut()| {
        let started = crate::clock::instant();
        work();
        let took = started.elapsed().max(Duration::from_nanos(1));
        println!("{what:45} {number:7} in {took:>9.2?}: {:>9.0}/s", number as f64 / took.as_secs_f64());
    };
    for (name, size) in [("empty body", 0), ("200 bytes", 200), ("2000 bytes", 2000)] {
        let mut db = open(&dir.path().join(name));
        let body = request(&text[..size]);
        let tasks = |key: &'static str| {
            let body = body.clone();
            (0..50_000u64).map(move |i| {
                let key = (!key.is_empty()).then(|| format!("{key}-{i}"));
                Ok(NewTask { batch: "b".into(), key, ..NewTask::new(body.clone()) })
            })
        };
        for key in ["", "request"] {
            timed(&format!("enqueue, {name}, key `{key}`"), 50_000, &mut || {
                db.enqueue(&mut tasks(key), OnFinished::Keep, at(0)).unwrap();
            });
        }
        timed(&format!("enqueue again, {name}, all existing"), 50_000, &mut || {
            db.enqueue(&mut tasks("request"), OnFinished::Keep, at(0)).unwrap();
        });
        for limit in [1usize, 16, 64] {
            let rounds = (2000 / limit).min(500);
            let mut ends = Vec::new();
            timed(&format!("exchange, {name}, {limit} a time"), (rounds * limit) as u64, &mut || {
                for _ in 0..rounds {
                    let (_, next) = db.exchange(std::mem::take(&mut ends), &ask(1, limit), at(1)).unwrap();
                    let Claimed::Tasks(tasks) = next else { panic!() };
                    ends = tasks.iter().map(|t| (Hold::from(&t.ticket), done(&text[..200]))).collect();
                }
            });
            let mut through = |ends: fn(&str) -> End| {
                for _ in 0..rounds {
                    let Claimed::Tasks(tasks) = db.claim(&ask(1, limit), at(1)).unwrap() else { panic!() };
                    let ends = tasks.iter().map(|t| (Hold::from(&t.ticket), ends(&text[..200]))).collect();
                    db.finish(ends, at(2)).unwrap();
                }
            };
            timed(&format!("claim and complete, {name}, {limit} a time"), (rounds * limit) as u64, &mut || {
                through(done)
            });
        }
    }
}
