//! When requests come: recorded times as they are, and rates that change very often.

use std::ops::ControlFlow;

use brownout::base::time::{Span, Time};
use brownout::base::units::Rate;
use brownout::kernel::wheel::Wheel;
use brownout::kernel::{Engine, Observer};
use brownout::measure::simulate;
use brownout::model::{Arrivals, Model, Profile, RatePoint, WorkloadId};
use brownout::scenario::{LoadOptions, load};

/// When requests were offered.
#[derive(Default)]
struct Offered(Vec<Time>);

impl Observer for Offered {
    fn offered(&mut self, _workload: u32, now: Time) {
        self.0.push(now);
    }
}

/// A service that takes a millisecond, and `arrivals` for `secs` seconds.
fn model(arrivals: Arrivals, secs: u64) -> Model {
    let text = r#"
        [workload.users]
        entry = "front.page"
        arrivals = "even(1/s)"
        [service.front.endpoint.page]
        steps = [{ work = "1ms" }]
    "#;
    let loaded = load("arrivals.toml", text.as_bytes(), &LoadOptions::default());
    let mut model = loaded.model.unwrap_or_else(|| panic!("{}", loaded.diagnostics.render(false)));
    model.workloads[WorkloadId(0)].arrivals = arrivals;
    model.duration = Span::from_secs(secs);
    model
}

fn offered(model: &Model) -> Vec<Time> {
    let mut engine = Engine::<Wheel, Offered>::new(model, Offered::default());
    engine.run(&mut |_| ControlFlow::Continue(()));
    engine.into_observer().0
}

#[test]
fn recorded_times_are_played_as_they_are() {
    // Odd gaps, several at once, at the start, at the last moment, and after the end.
    let nanos = [0, 0, 1, 7, 7, 7, 1_000_003, 999_999_999, 1_500_000_000, 1_500_000_000, 1_999_999_999];
    let late = [2_000_000_000, 5_000_000_000];
    let times: Vec<Time> = nanos.iter().chain(&late).map(|nanos| Time::from_nanos(*nanos)).collect();
    let model = model(Arrivals::Times(times.as_slice().into()), 2);
    assert_eq!(offered(&model), times[..nanos.len()]);
    let results = simulate(&model, &mut |_| ControlFlow::Continue(()));
    assert_eq!(results.workloads[0].offered, nanos.len() as u64);
}

#[test]
fn a_recording_that_ends_early_leaves_the_rest_quiet() {
    let model = model(Arrivals::Times([Time::from_nanos(5)].into()), 10);
    assert_eq!(offered(&model), [Time::from_nanos(5)]);
}

/// A trace of a hundred thousand rates, each for 10 ms: work that grows with the square of that would not end.
#[test]
fn a_long_row_of_rates_is_followed_step_by_step() {
    const STEPS: u64 = 100_000;
    let step = Span::from_millis(10);
    let at = |n: u64| Time::from_nanos(step.as_nanos() * n);
    let per_step = |n: u64| n * n % 7;
    let rate = |n: u64| Rate::per_sec(per_step(n) as f64 * 100.0).expect("a rate");
    let points: Vec<RatePoint> = (0..STEPS)
        .flat_map(|n| [RatePoint { at: at(n), rate: rate(n) }, RatePoint { at: at(n + 1), rate: rate(n) }])
        .collect();
    let arrivals = Arrivals::Even(Profile { points });
    let found = offered(&model(arrivals.clone(), 1000));
    // All are there, and each within its own step: the first of a step comes when the last step's are complete.
    assert_eq!(found.len() as u64, (0..STEPS).map(per_step).sum::<u64>());
    let expected = (0..STEPS).flat_map(|n| (0..per_step(n)).map(move |k| (n, k)));
    for (found, (n, k)) in found.iter().zip(expected) {
        let expected = at(n) + Span::from_nanos(step.as_nanos() * k / per_step(n));
        assert!(found.as_nanos().abs_diff(expected.as_nanos()) < 100, "{found:?} instead of {expected:?}");
    }
    let Arrivals::Even(profile) = arrivals else { unreachable!() };
    let by_chance = offered(&model(Arrivals::Poisson(profile), 1000)).len() as f64;
    let mean = found.len() as f64;
    // Five standard deviations of a Poisson number.
    assert!((by_chance - mean).abs() < 5.0 * mean.sqrt(), "{by_chance} of {mean}");
}
