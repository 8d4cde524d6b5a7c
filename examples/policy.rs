//! A policy of one's own: a breaker that opens for two seconds on the third failure in a row. It runs wherever a built-in
//! one does, and `compare` holds it against none, run by run with the same random numbers.

use std::ops::ControlFlow;

use brownout::base::time::{Span, Time};
use brownout::experiment::{Arm, Plan, Wanted, compare};
use brownout::policy::Outcomes;
use brownout::policy::breaker::{Breaker, BreakerRules, BreakerSettings, BreakerState, Maker, Sees, Verdict};
use brownout::scenario::{LoadOptions, load};

const OPEN_FOR: Span = Span::from_secs(2);

/// Three failures in a row are enough.
#[derive(Default)]
struct ThreeInARow {
    failures: u32,
    open_until: Option<Time>,
}

impl Breaker for ThreeInARow {
    fn permit(&mut self, now: Time) -> bool {
        self.open_until.is_none_or(|until| now >= until)
    }

    fn record(&mut self, now: Time, verdict: Verdict, _duration: Span) {
        self.failures = if verdict == Verdict::Failure { self.failures + 1 } else { 0 };
        self.open_until = (self.failures >= 3).then(|| now + OPEN_FOR);
    }

    fn state(&self) -> BreakerState {
        if self.open_until.is_some() { BreakerState::Open } else { BreakerState::Closed }
    }
}

pub(crate) fn comparison() -> String {
    const SCENARIO: &str = "duration = \"60s\"\n\
        [workload.users]\nentry = \"web.page\"\narrivals = \"poisson(50/s)\"\ndeadline = \"1s\"\n\
        [client.internal]\ntimeout = \"500ms\"\n\
        [service.web]\nthreads = 16\nqueue = 100\n\
        [service.web.endpoint.page]\n\
        steps = [ { work = \"1ms\" }, { call = \"ads.pick\", client = \"internal\", optional = true } ]\n\
        [service.ads]\nthreads = 8\n[service.ads.endpoint.pick]\nsteps = [ { work = \"2ms\" } ]\n\
        [fault.stop]\nat = \"20s\"\nfor = \"20s\"\nservice = \"ads\"\npause = true\n";
    let model = load("own.toml", SCENARIO.as_bytes(), &LoadOptions::default()).model.expect("the scenario is right");
    let mut own = model.clone();
    let internal = own.clients.enumerate().find(|(_, client)| client.name == "internal").map(|(id, _)| id);
    let rules = BreakerRules::Custom(Maker(|| Box::<ThreeInARow>::default()));
    own.clients[internal.expect("it is in the file")].breaker =
        Some(BreakerSettings { rules, ignore: Outcomes::NONE, sees: Sees::Attempts });
    let arms = [("none", model), ("three in a row", own)].map(|(name, model)| Arm { name: name.to_owned(), model });
    let plan = Plan { replications: 5, precision: None, wanted: Wanted::FIGURES };
    let compared = compare(&arms, 1, plan, &|_| ControlFlow::Continue(())).expect("nobody ends it");
    let goodput = |arm: usize| {
        let runs = &compared.arms[arm].runs;
        let place = runs.place("goodput(users)").expect("there are users");
        runs.averaged(place).all.expect("there are answers").mean
    };
    format!("goodput without a breaker {:.1}%, with one of one's own {:.1}%\n", goodput(0) * 100.0, goodput(1) * 100.0)
}

fn main() {
    print!("{}", comparison());
}
