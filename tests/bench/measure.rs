//! The measures of one cluster.

use std::hint::black_box;
use std::sync::Arc;

use netseg::engine::{Engine, Verdict};
use netseg::model::{Cluster, Protocol};

use crate::ask::{self, Live, Matrix};
use crate::clock::{Clock, Times, as_f64};
use crate::generate::{self, Generated, Plan};
use crate::naive::Naive;
use crate::table::{self, Bound, Row};
use crate::work::{COLD, Changes, HOT, PORT, Subject, templates};

use Bound::{AtLeast, AtMost};

type Change = fn(&mut Changes) -> Arc<Cluster>;

const NAIVE: usize = 20_000;

/// What one cluster cost.
pub(crate) struct Outcome {
    /// Every gate is kept.
    pub(crate) good: bool,
    pub(crate) objects: usize,
    /// Nanoseconds.
    pub(crate) compile: f64,
}

/// Measures one cluster and prints its table.
pub(crate) fn cluster(clock: &mut Clock, title: &str, cluster: Cluster) -> Outcome {
    let subject = Subject::new(Arc::new(cluster));
    let mut sheet = Sheet::new(clock, &subject, title);
    sheet.agreement();
    sheet.compile();
    sheet.probes();
    sheet.matrices();
    sheet.outcome()
}

/// The same for a plan, with changes.
pub(crate) fn plan(clock: &mut Clock, title: &str, plan: &Plan) -> Outcome {
    let made = generate::generate(plan);
    let subject = Subject::new(Arc::new(made.cluster.clone()));
    let mut sheet = Sheet::new(clock, &subject, title);
    sheet.agreement();
    sheet.compile();
    sheet.probes();
    sheet.matrices();
    sheet.changes(made, plan);
    sheet.outcome()
}

/// One table while it is filled.
struct Sheet<'a> {
    clock: &'a mut Clock,
    subject: &'a Subject,
    good: bool,
    /// Nanoseconds of the naive evaluator for one pair and one port.
    naive: f64,
    compile: Times,
}

impl<'a> Sheet<'a> {
    fn new(clock: &'a mut Clock, subject: &'a Subject, title: &str) -> Self {
        let policies = subject.cluster.policies().count();
        let pods = subject.pods.len();
        table::heading(&format!("{title}: {pods} pods, {policies} policies"));
        let naive = Naive::new(&subject.cluster);
        let times = clock
            .rounds(|| {
                let all = subject.pairs[..NAIVE].iter();
                all.filter(|(from, to)| naive.allows(*from, *to, Protocol::Tcp, PORT))
                    .count()
            })
            .each(NAIVE);
        table::print(&Row::time("naive, one pair one port", &times));
        Self {
            clock,
            subject,
            good: true,
            naive: times.min(),
            compile: Times::default(),
        }
    }

    fn print(&mut self, row: &Row) {
        self.good &= table::print(row);
    }

    fn outcome(&self) -> Outcome {
        Outcome {
            good: self.good,
            objects: self.subject.objects(),
            compile: self.compile.min(),
        }
    }

    /// A fast answer that is wrong is worth nothing.
    fn agreement(&mut self) {
        let naive = Naive::new(&self.subject.cluster);
        let pairs = &self.subject.pairs[..NAIVE];
        let differ = pairs
            .iter()
            .filter(|(from, to)| {
                let expected = naive.allows(*from, *to, Protocol::Tcp, PORT);
                expected != (self.subject.probe((*from, *to)) == Verdict::Allow)
            })
            .count();
        let allowed = self.subject.allowed(pairs);
        let row = Row::value(
            "answers that differ from naive",
            format!("{differ} of {NAIVE} ({allowed} allowed)"),
        );
        self.print(&row.against(as_f64(differ), "", AtMost(0.0), AtMost(0.0)));
    }

    fn compile(&mut self) {
        let cluster = &self.subject.cluster;
        let times = self.clock.rounds(|| ask::compile(cluster));
        let pairs = times.min() / as_f64(self.subject.objects()) / self.naive;
        let row = Row::time("compile", &times);
        self.print(&row.against(pairs, "naive pairs an object", AtMost(3.0), AtMost(1.0)));
        self.compile = times;
    }

    fn probes(&mut self) {
        let subject = self.subject;
        let cold = self
            .clock
            .rounds(|| subject.allowed(black_box(&subject.pairs)))
            .each(COLD);
        let hot = self
            .clock
            .rounds(|| {
                let repeats = (0..100).map(|_| subject.allowed(black_box(&subject.pairs[..HOT])));
                repeats.sum::<usize>()
            })
            .each(100 * HOT);
        let naive = self.naive;
        for (name, times, gate, aim) in [
            ("probe by id, cold", cold, 12.0, 20.0),
            ("probe by id, hot", hot, 30.0, 45.0),
        ] {
            let row = Row::time(name, &times);
            let ratio = naive / times.min();
            self.print(&row.against(ratio, "x naive", AtLeast(gate), AtLeast(aim)));
        }
    }

    fn matrices(&mut self) {
        let engine = &self.subject.engine;
        let (times, found) = self.matrix(engine, |engine| ask::matrix(engine, Protocol::Tcp, PORT));
        let classes = as_f64(found.classes);
        let bytes = classes * classes / 8.0;
        let percent = bytes / times.min() / self.clock.memcpy() * 100.0;
        let row = Row::time("class matrix, one port", &times);
        self.print(&row.against(percent, "% of memcpy", AtLeast(5.0), AtLeast(20.0)));
        let ratio = self.naive * classes * classes / times.min();
        let row = Row::value("class matrix, one port, against naive", String::new());
        self.print(&row.against(ratio, "x naive", AtLeast(3_000.0), AtLeast(10_000.0)));

        let (times, all) = self.matrix(engine, ask::matrix_of_all_ports);
        let row = Row::time("class matrix, all ports", &times);
        let each = times.min() / (classes * classes);
        self.print(&row.against(each, "ns a class pair", AtMost(12.0), AtMost(4.0)));

        let templates = templates(&self.subject.cluster);
        let allowed = f64::from(u32::try_from(found.allowed / 1_000).unwrap_or(u32::MAX)) * 1e3;
        let percent = allowed / (classes * classes) * 100.0;
        let row = Row::value(
            "verdict classes",
            format!(
                "{} of {templates} templates; {percent:.1}% of pairs allowed on the port; {} groups of ports",
                found.classes, all.groups
            ),
        );
        let ratio = classes / as_f64(templates);
        self.print(&row.against(ratio, "x templates", AtMost(1.5), AtMost(1.1)));
    }

    fn matrix(&mut self, engine: &Engine, run: impl Fn(&Engine) -> Matrix) -> (Times, Matrix) {
        let found = run(engine);
        (self.clock.rounds(|| run(engine)), found)
    }

    fn changes(&mut self, made: Generated, plan: &Plan) {
        let mut changes = Changes::new(made);
        let mut live = Live::new(changes.cluster());
        let compile = self.compile.clone();
        let naive = self.naive;

        let times = self.each(&mut changes, &mut live, Changes::policy);
        let row = Row::time("policy change", &times);
        let ratio = compile.median() / times.median();
        self.print(&row.against(
            ratio,
            "changes a compile",
            AtLeast(5_000.0),
            AtLeast(30_000.0),
        ));
        let p99 = times.percentile(99);
        let row = Row::value("policy change, p99", table::duration(p99));
        self.print(&row.against(p99 / 1e6, "ms", AtMost(1.0), AtMost(0.2)));

        let times = self.each(&mut changes, &mut live, Changes::replica);
        let row = Row::time("pod add, known class", &times);
        let pairs = times.median() / naive;
        self.print(&row.against(pairs, "naive pairs", AtMost(3.0), AtMost(1.0)));

        let times = self.each(&mut changes, &mut live, Changes::unlike);
        let row = Row::time("pod add, new class", &times);
        let pairs = times.median() / naive;
        self.print(&row.against(pairs, "naive pairs", AtMost(500.0), AtMost(50.0)));
        self.follows(&changes, &live);

        let unseen: [(&'static str, Change); 3] = [
            ("policy with an unseen label key", Changes::unseen_key),
            ("policy with an unseen address block", Changes::unseen_block),
            ("policy with an unseen port name", Changes::unseen_port),
        ];
        for (name, change) in unseen {
            let times = self.clock.blocks(9, |clock| {
                // A program that has never seen it.
                let mut changes = Changes::new(generate::generate(plan));
                let mut live = Live::new(changes.cluster());
                let cluster = change(&mut changes);
                vec![clock.nanos(|| live.apply(&cluster)).0]
            });
            let percent = times.median() / compile.median() * 100.0;
            let row = Row::time(name, &times);
            self.print(&row.against(percent, "% of a compile", AtMost(100.0), AtMost(3.0)));
        }
    }

    /// Applies one change after the other, each measured by itself.
    fn each(
        &mut self,
        changes: &mut Changes,
        live: &mut Live,
        change: fn(&mut Changes) -> Arc<Cluster>,
    ) -> Times {
        // No block takes seconds, even if every change were a whole compile.
        let fits = (1e9 / self.compile.median()).clamp(1.0, 50.0);
        self.clock.blocks(10, |clock| {
            let mut samples = Vec::new();
            while as_f64(samples.len()) < fits {
                let cluster = change(changes);
                samples.push(clock.nanos(|| live.apply(&cluster)).0);
            }
            samples
        })
    }

    /// After all changes the engine has to say what a fresh one says.
    fn follows(&mut self, changes: &Changes, live: &Live) {
        let fresh = Subject::new(Arc::clone(changes.cluster()));
        // Both list their pods by namespace and name, whatever numbers they have.
        let followed: Vec<_> = live.engine().pods().collect();
        let pairs = fresh.pairs.iter();
        let differ = pairs
            .filter(|(from, to)| {
                let (a, b) = (followed[*from], followed[*to]);
                let told = ask::probe(live.engine(), a, b, Protocol::Tcp, PORT);
                told != fresh.probe((*from, *to))
            })
            .count();
        let row = Row::value(
            "answers after changes that differ from a compile",
            format!("{differ} of {COLD}"),
        );
        self.print(&row.against(as_f64(differ), "", AtMost(0.0), AtMost(0.0)));
    }
}
