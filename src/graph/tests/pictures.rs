//! Pictures, read by eye against graph.md section 2.

use crate::graph::samples::{Sample, shop, stalker};
use crate::graph::{Class, End, Options, State, Step, layout};

fn with_api(width: u16, height: u16) -> Options {
    let mut options = Options::new(width, height);
    options.classes.insert(Class::ControlPlane);
    options
}

#[test]
fn show() {
    let only = std::env::var("STEP").ok();
    for (name, sample) in [("stalker", stalker()), ("mixed", mixed()), ("shop", shop())] {
        for step in Step::ALL {
            if only.as_ref().is_some_and(|o| !format!("{name}-{step:?}").contains(o)) { continue; }
            let mut options = with_api(130, 60);
            options.step = Some(step);
            if step == Step::Mini { options.width = 79; }
            let start = std::time::Instant::now();
            let scene = layout(&sample.graph(), &options, None);
            let took = start.elapsed();
            let again = layout(&sample.graph(), &options, Some(scene.sticky()));
            println!("{name} {step:?} {}x{} {took:?} same={} repair={:?}", scene.width(), scene.height(), again.text(false) == scene.text(false), scene.sticky.settled.as_ref().unwrap().repair);
            println!("{}", scene.text(false));
        }
    }
}

fn mixed() -> Sample {
    let mut s = stalker();
    s.edge("stalker/ui", "stalker/flow-manager", "3000", State::HalfOpen(End::To));
    s.edge("stalker/orchestrator", "stalker/mongo", "27017", State::HalfOpen(End::From));
    s.edge("stalker/jobs-x", "stalker/kafka", "5135", State::Unexpected);
    s.edge("stalker/flow-manager", "stalker/orchestrator", "5135", State::Missing);
    s.edge("stalker/cron-service", "stalker/kafka", "9092", State::Missing);
    s.edge("stalker/ui", "stalker/mongo", "27017", State::Unknown);
    s.edge("stalker/orchestrator", "dns", "53/UDP", State::HalfOpen(End::From));
    s.badge("stalker/ui", "open out");
    s
}
