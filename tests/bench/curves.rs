//! How costs grow with size: criterion's curves, one point a number of pods.
//!
//! `cargo bench --bench curves`. Seen together the slopes say more than single figures; gates are elsewhere.

#[allow(
    dead_code,
    reason = "shared with other programs, which use other parts"
)]
mod ask;
mod edits;
#[allow(
    dead_code,
    reason = "shared with other programs, which use other parts"
)]
#[path = "../support/generate.rs"]
mod generate;
#[allow(
    dead_code,
    reason = "shared with other programs, which use other parts"
)]
mod work;

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use criterion::{
    AxisScale, BatchSize, BenchmarkId, Criterion, PlotConfiguration, Throughput, criterion_group,
    criterion_main,
};
use netseg::model::Protocol;

use ask::Live;
use generate::{Generated, Plan, Size};
use work::{Changes, HOT, PORT, Subject};

/// Four points between S and a third of L, ten pods a workload and five a policy.
const PODS: [usize; 4] = [1_000, 3_000, 10_000, 30_000];

fn made(pods: usize) -> Generated {
    let size = Size::new("curve", pods, pods / 10, pods / 50, pods / 5);
    generate::generate(&Plan::new(size, 1))
}

fn curves(criterion: &mut Criterion) {
    for pods in PODS {
        let subject = Subject::new(Arc::new(made(pods).cluster));
        let id = |name: &str| BenchmarkId::new(name, pods);
        let mut group = criterion.benchmark_group("engine");
        group
            .sample_size(10)
            .measurement_time(Duration::from_secs(3))
            .plot_config(PlotConfiguration::default().summary_scale(AxisScale::Logarithmic))
            .throughput(Throughput::Elements(pods as u64));
        group.bench_function(id("compile"), |bencher| {
            bencher.iter(|| ask::compile(black_box(&subject.cluster)));
        });
        group.throughput(Throughput::Elements(HOT as u64));
        group.bench_function(id("probe"), |bencher| {
            bencher.iter(|| subject.allowed(black_box(&subject.pairs[..HOT])));
        });
        group.bench_function(id("matrix"), |bencher| {
            bencher.iter(|| ask::matrix(&subject.engine, Protocol::Tcp, PORT).allowed);
        });
        group.bench_function(id("matrix of all ports"), |bencher| {
            bencher.iter(|| ask::matrix_of_all_ports(&subject.engine).allowed);
        });
        group.throughput(Throughput::Elements(1));
        let mut changes = Changes::new(made(pods));
        let mut live = Live::new(changes.cluster());
        group.bench_function(id("policy change"), |bencher| {
            bencher.iter_batched(
                || changes.policy(),
                |cluster| live.apply(&cluster),
                BatchSize::PerIteration,
            );
        });
        black_box(live.engine());
        group.finish();
    }
}

criterion_group!(benches, curves);
criterion_main!(benches);
