//! An observer of one's own: it is told what happens while it happens, and costs nothing where it does not listen.

use std::ops::ControlFlow;

use brownout::base::time::Time;
use brownout::kernel::wheel::Wheel;
use brownout::kernel::{Engine, Observer};
use brownout::scenario::{LoadOptions, load};

/// The longest time between two requests of users.
#[derive(Default)]
struct LongestGap {
    last: Time,
    seconds: f64,
    requests: u32,
}

impl Observer for LongestGap {
    fn offered(&mut self, _workload: u32, now: Time, _arrived: Time) {
        self.seconds = self.seconds.max(now.since(self.last).as_secs_f64());
        self.last = now;
        self.requests += 1;
    }
}

pub(crate) fn gap() -> String {
    const SCENARIO: &str = "duration = \"60s\"\n\
        [workload.users]\nentry = \"api.page\"\narrivals = \"poisson(10/s)\"\n\
        [service.api.endpoint.page]\nsteps = [ { work = \"1ms\" } ]\n";
    let model = load("gap.toml", SCENARIO.as_bytes(), &LoadOptions::default()).model.expect("the scenario is right");
    let mut engine = Engine::<Wheel, LongestGap>::new(&model, LongestGap::default());
    engine.run(&mut |_| ControlFlow::Continue(()));
    let LongestGap { seconds, requests, .. } = engine.into_observer();
    format!("{requests} requests, and {seconds:.3} s between two of them at most\n")
}

fn main() {
    print!("{}", gap());
}
