//! The measures of one cluster.

use std::hint::black_box;
use std::sync::Arc;

use netseg::engine::{Engine, PodId, Verdict};
use netseg::model::{Cluster, Protocol};

use crate::ask::{self, Live};
use crate::clock::{Clock, Times, as_f64};
use crate::edits;
use crate::generate::random::Random;
use crate::generate::{self, Maker, Plan};
use crate::naive::Naive;
use crate::table::{self, Bound, Row};

/// Pairs that are asked: more than caches hold.
const COLD: usize = 200_000;
const HOT: usize = 256;
const NAIVE: usize = 20_000;
const PORT: u16 = 8080;

struct Subject {
    cluster: Arc<Cluster>,
    engine: Engine,
    pods: Vec<PodId>,
    pairs: Vec<(usize, usize)>,
}

impl Subject {
    fn new(cluster: Arc<Cluster>) -> Self {
        let engine = ask::compile(&cluster);
        let pods: Vec<PodId> = engine.pods().collect();
        let mut random = Random::new(7);
        let pairs = (0..COLD).map(|_| (random.below(pods.len()), random.below(pods.len())));
        Self {
            pairs: pairs.collect(),
            cluster,
            engine,
            pods,
        }
    }

    fn probe(&self, (from, to): (usize, usize)) -> bool {
        let (from, to) = (self.pods[from], self.pods[to]);
        ask::probe(&self.engine, from, to, Protocol::Tcp, PORT) == Verdict::Allow
    }

    fn objects(&self) -> usize {
        self.pods.len() + self.cluster.policies().count()
    }
}

/// Prints the table of one plan. Returns whether every gate is kept.
pub(crate) fn plan(clock: &mut Clock, plan: &Plan) -> bool {
    let made = generate::generate(plan);
    let subject = Subject::new(Arc::new(made.cluster));
    table::heading(&format!(
        "{}: {} pods, {} policies, seed {}",
        plan.size.name,
        subject.pods.len(),
        subject.cluster.policies().count(),
        plan.seed
    ));
    let naive = naive_pair(clock, &subject);
    let mut good = agreement(&subject);
    let (row, compile) = compile(clock, &subject, &naive);
    good &= table::print(&row);
    for row in probes(clock, &subject, &naive) {
        good &= table::print(&row);
    }
    for row in policy_changes(clock, &subject, made.maker, &compile) {
        good &= table::print(&row);
    }
    good
}

fn naive_pair(clock: &mut Clock, subject: &Subject) -> Times {
    let naive = Naive::new(&subject.cluster);
    let pairs = &subject.pairs[..NAIVE];
    let times = clock
        .rounds(|| {
            let all = pairs.iter();
            all.filter(|(from, to)| naive.allows(*from, *to, Protocol::Tcp, PORT))
                .count()
        })
        .each(NAIVE);
    table::print(&Row::time("naive, one pair one port", &times));
    times
}

/// A fast answer that is wrong is worth nothing.
fn agreement(subject: &Subject) -> bool {
    let naive = Naive::new(&subject.cluster);
    let pairs = &subject.pairs[..NAIVE];
    let differ = pairs
        .iter()
        .filter(|(from, to)| {
            naive.allows(*from, *to, Protocol::Tcp, PORT) != subject.probe((*from, *to))
        })
        .count();
    let allowed = pairs.iter().filter(|pair| subject.probe(**pair)).count();
    let row = Row::value(
        "answers that differ from naive",
        format!("{differ} of {NAIVE} ({allowed} allowed)"),
    );
    table::print(&row.against(
        as_f64(differ),
        "",
        Bound::AtMost(0.0),
        Bound::AtMost(0.0),
    ))
}

fn compile(clock: &mut Clock, subject: &Subject, naive: &Times) -> (Row, Times) {
    let times = clock.rounds(|| ask::compile(&subject.cluster));
    let pairs = times.min() / as_f64(subject.objects()) / naive.min();
    let row = Row::time("compile", &times).against(
        pairs,
        "naive pairs an object",
        Bound::AtMost(3.0),
        Bound::AtMost(1.0),
    );
    (row, times)
}

fn probes(clock: &mut Clock, subject: &Subject, naive: &Times) -> [Row; 2] {
    let count = |pairs: &[(usize, usize)]| {
        let all = black_box(pairs).iter();
        all.filter(|pair| subject.probe(**pair)).count()
    };
    let cold = clock.rounds(|| count(&subject.pairs)).each(COLD);
    let hot = clock
        .rounds(|| {
            let repeats = (0..100).map(|_| count(&subject.pairs[..HOT]));
            repeats.sum::<usize>()
        })
        .each(100 * HOT);
    [
        Row::time("probe by id, cold", &cold).against(
            naive.min() / cold.min(),
            "x naive",
            Bound::AtLeast(12.0),
            Bound::AtLeast(20.0),
        ),
        Row::time("probe by id, hot", &hot).against(
            naive.min() / hot.min(),
            "x naive",
            Bound::AtLeast(30.0),
            Bound::AtLeast(45.0),
        ),
    ]
}

fn policy_changes(
    clock: &mut Clock,
    subject: &Subject,
    mut maker: Maker,
    compile: &Times,
) -> [Row; 2] {
    let mut live = Live::new(&subject.cluster);
    let mut cluster = Arc::clone(&subject.cluster);
    let mut random = Random::new(11);
    // No block takes seconds, even if every change were a whole compile.
    let count = ((1e9 / compile.median()) as usize).clamp(1, 50);
    let times = clock.blocks(10, |clock| {
        let samples = (0..count).map(|_| {
            let (_, mut policy) = maker.app_policy("added");
            let held = &cluster.namespaces[policy.namespace.as_ref()].policies;
            if !held.is_empty() {
                policy.name.clone_from(&random.pick(held).name);
            }
            cluster = edits::with_policy(&cluster, policy);
            clock.nanos(|| live.apply(&cluster)).0
        });
        samples.collect()
    });
    black_box(live.engine());
    let p99 = times.percentile(99);
    [
        Row::time("policy change", &times).against(
            compile.min() / times.median(),
            "changes a compile",
            Bound::AtLeast(5_000.0),
            Bound::AtLeast(30_000.0),
        ),
        Row::value("policy change, p99", table::duration(p99)).against(
            p99 / 1e6,
            "ms",
            Bound::AtMost(1.0),
            Bound::AtMost(0.2),
        ),
    ]
}
