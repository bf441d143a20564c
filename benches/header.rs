//! Reading the header of a real model, page cache warm: our reader and ggml's own, in this process.
//! The ratio of the two stands in the table of `ratios`, which reads what criterion leaves behind.
#![allow(clippy::disallowed_methods, reason = "benchmarks stand outside the house")]

#[path = "ratios/header_readers.rs"]
mod header_readers;
#[path = "ratios/real_models.rs"]
mod real_models;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use std::hint::black_box;
use std::time::Duration;

fn header(c: &mut Criterion) {
    let mut group = c.benchmark_group("header");
    group.warm_up_time(Duration::from_secs(1)).measurement_time(Duration::from_secs(4));
    for model in real_models::ALL {
        let path = model.path();
        group.bench_with_input(BenchmarkId::new("ours", model.short), &path, |b, path| {
            b.iter(|| header_readers::ours(black_box(path)));
        });
        #[cfg(feature = "llama")]
        group.bench_with_input(BenchmarkId::new("ggml", model.short), &path, |b, path| {
            b.iter(|| header_readers::ggml(black_box(path)));
        });
    }
    group.finish();
}

criterion_group!(benches, header);
criterion_main!(benches);
