//! When requests come: recorded times as they are, and rates that change very often.

use std::ops::ControlFlow;

use brownout::base::distribution::Distribution;
use brownout::base::time::{Span, Time};
use brownout::base::units::Rate;
use brownout::kernel::wheel::Wheel;
use brownout::kernel::{Engine, Observer};
use brownout::measure::simulate;
use brownout::model::{
    Arrivals, Effect, Fault, FaultTarget, Model, Modulation, Pace, Process, Profile, RatePoint, ServiceId, Subset,
    WorkloadId,
};
use brownout::scenario::{LoadOptions, load};

use crate::reference::Run;

/// When requests were offered.
#[derive(Default)]
struct Offered(Vec<Time>);

impl Observer for Offered {
    fn offered(&mut self, _workload: u32, now: Time, _arrived: Time) {
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
    let points: Vec<RatePoint> =
        (0..STEPS).flat_map(|n| [RatePoint::new(at(n), rate(n)), RatePoint::new(at(n + 1), rate(n))]).collect();
    let arrivals = Arrivals::even(Profile { points });
    let found = offered(&model(arrivals.clone(), 1000));
    // All are there, and each within its own step: the first of a step comes when the last step's are complete.
    assert_eq!(found.len() as u64, (0..STEPS).map(per_step).sum::<u64>());
    let expected = (0..STEPS).flat_map(|n| (0..per_step(n)).map(move |k| (n, k)));
    for (found, (n, k)) in found.iter().zip(expected) {
        let expected = at(n) + Span::from_nanos(step.as_nanos() * k / per_step(n));
        assert!(found.as_nanos().abs_diff(expected.as_nanos()) < 100, "{found:?} instead of {expected:?}");
    }
    let Arrivals::Rated { process: Process::Even(profile), .. } = arrivals else { unreachable!() };
    let by_chance = offered(&model(Arrivals::poisson(profile), 1000)).len() as f64;
    let mean = found.len() as f64;
    // Five standard deviations of a Poisson number.
    assert!((by_chance - mean).abs() < 5.0 * mean.sqrt(), "{by_chance} of {mean}");
}

fn batches_of(batch: u32, process: &Process) -> Vec<Time> {
    offered(&model(Arrivals::Rated { process: process.clone(), batch }, 60))
}

#[test]
fn a_batch_comes_where_one_would_have_come() {
    for process in [Process::Even(profile(10.0)), Process::Poisson(profile(10.0)), Process::Modulated(gusts(100.0))] {
        let single = batches_of(1, &process);
        let expected: Vec<Time> = single.iter().flat_map(|time| [*time; 3]).collect();
        assert!(single.len() > 100, "{process:?}");
        assert_eq!(batches_of(3, &process), expected, "{process:?}");
    }
}

fn profile(rate: f64) -> Profile {
    Profile::constant(Rate::per_sec(rate).expect("a rate"))
}

/// Nothing for 800 ms, then `high` for 200 ms, on average.
fn gusts(high: f64) -> Modulation {
    Modulation {
        low: Rate::default(),
        high: Rate::per_sec(high).expect("a rate"),
        low_for: Distribution::exponential(Span::from_millis(800)),
        high_for: Distribution::exponential(Span::from_millis(200)),
    }
}

#[test]
fn phases_of_constant_length_alternate_from_the_low_one_on() {
    let modulation = Modulation {
        low_for: Distribution::Constant(Span::from_secs(8)),
        high_for: Distribution::Constant(Span::from_secs(2)),
        ..gusts(100.0)
    };
    let arrivals = Arrivals::Rated { process: Process::Modulated(modulation), batch: 1 };
    let times = offered(&model(arrivals, 60));
    let second = |time: &Time| time.as_nanos() / 1_000_000_000;
    assert!(times.iter().all(|time| second(time) % 10 >= 8), "{times:?}");
    // Five standard deviations of a Poisson number of mean 1200.
    assert!((times.len() as f64 - 1200.0).abs() < 173.0, "{}", times.len());
}

#[test]
fn other_rates_stretch_the_same_arrivals_over_the_same_phases() {
    let (slow, fast) =
        (batches_of(1, &Process::Modulated(gusts(100.0))), batches_of(1, &Process::Modulated(gusts(200.0))));
    // The second arrival of the faster one comes when half of the first one's rate has passed: phases are the same.
    let mut steps = 0;
    for (number, time) in slow.iter().enumerate() {
        let before = fast.partition_point(|other| other < time);
        steps = steps.max(before.abs_diff(2 * number));
    }
    // Unit-rate points up to n lie around n, whatever the rate; the phases alone would move them by hundreds.
    assert!(steps < 120, "{steps} of {}", fast.len());
}

#[test]
fn a_traffic_fault_multiplies_the_rate_of_every_phase() {
    let mut model = model(Arrivals::Rated { process: Process::Modulated(gusts(100.0)), batch: 1 }, 60);
    let traffic = |at, factor| Fault {
        name: "traffic".to_owned(),
        at: Time::ZERO + Span::from_secs(at),
        lasts: Some(Span::from_secs(20)),
        target: FaultTarget::Workload(WorkloadId(0)),
        effect: Effect::Traffic(factor),
    };
    let between = |times: &[Time], from, until| {
        times.iter().filter(|time| (from..until).contains(&(time.as_nanos() / 1_000_000_000))).count()
    };
    let plain = offered(&model);
    model.faults = vec![traffic(20, 0.0), traffic(40, 4.0)];
    let struck = offered(&model);
    assert_eq!(between(&struck, 0, 20), between(&plain, 0, 20));
    assert_eq!(between(&struck, 20, 40), 0);
    let (few, many) = (between(&plain, 40, 60) as f64, between(&struck, 40, 60) as f64);
    assert!((many / few - 4.0).abs() < 1.0, "{many} instead of {few}");
}

/// Index of dispersion of counts: variance ÷ mean of the number of arrivals in a window of length t. For a
/// Markov-modulated Poisson process of two states that switches from low to high at rate a and back at rate b,
/// with c = a + b and p = a ÷ c, it is 1 + 2 p (1 − p) (h − l)² ÷ (c m) × (1 − (1 − e^(−c t)) ÷ (c t)), where
/// m = p h + (1 − p) l is the mean rate: the integral of the covariance of the rate, p (1 − p) (h − l)² e^(−c u).
#[test]
fn modulated_arrivals_have_the_index_of_dispersion_of_theory() {
    const SECS: u64 = 100_000;
    let (low, high) = (5.0, 50.0);
    let modulation = Modulation { low: Rate::per_sec(low).expect("a rate"), ..gusts(high) };
    let times = offered(&model(Arrivals::Rated { process: Process::Modulated(modulation), batch: 1 }, SECS));
    let (a, b) = (1.0 / 0.8, 1.0 / 0.2);
    let (c, p) = (a + b, a / (a + b));
    let mean = p * high + (1.0 - p) * low;
    assert!((times.len() as f64 / SECS as f64 / mean - 1.0).abs() < 0.01, "{} in {SECS} s", times.len());
    for window_ms in [100u64, 1_000, 10_000] {
        let mut counts = vec![0.0; (SECS * 1_000 / window_ms) as usize];
        for time in &times {
            counts[(time.as_nanos() / (window_ms * 1_000_000)) as usize] += 1.0;
        }
        let mean_count = counts.iter().sum::<f64>() / counts.len() as f64;
        let variance = counts.iter().map(|count| (count - mean_count) * (count - mean_count)).sum::<f64>();
        let found = variance / counts.len() as f64 / mean_count;
        let t = window_ms as f64 / 1e3;
        let tail = 1.0 - (1.0 - libm::exp(-c * t)) / (c * t);
        let expected = 1.0 + 2.0 * p * (1.0 - p) * (high - low) * (high - low) / (c * mean) * tail;
        assert!((found / expected - 1.0).abs() < 0.05, "window of {t} s: {found} instead of {expected}");
    }
}

/// Two users with a beat of one second, and a service that stands still from 10 s to 13.5 s.
#[test]
fn a_user_with_a_pace_who_was_held_up_catches_up_and_counts_from_the_intended_start() {
    #[derive(Default)]
    struct Starts(Vec<(Time, Time)>);
    impl Observer for Starts {
        fn offered(&mut self, _workload: u32, now: Time, arrived: Time) {
            self.0.push((now, arrived));
        }
    }
    let every = Span::from_secs(1);
    let mut model = model(Arrivals::Users { count: 2, pace: Pace::Every(every) }, 20);
    model.faults.push(Fault {
        name: "pause".to_owned(),
        at: Time::ZERO + Span::from_secs(10),
        lasts: Some(Span::from_millis(3_500)),
        target: FaultTarget::Service(ServiceId(0), Subset::All),
        effect: Effect::Pause,
    });
    let mut engine = Engine::<Wheel, Starts>::new(&model, Starts::default());
    engine.run(&mut |_| ControlFlow::Continue(()));
    let mut starts = engine.into_observer().0;
    let millis = |time: Time| time.as_nanos() / 1_000_000;
    let late: Vec<(u64, u64)> =
        starts.iter().filter(|(now, meant)| now != meant).map(|(now, meant)| (millis(*now), millis(*meant))).collect();
    // Both are held up from their first request behind 10 s on, and take a millisecond for each that they missed.
    let expected =
        [(13_501, 11_000), (13_501, 11_500), (13_502, 12_000), (13_502, 12_500), (13_503, 13_000), (13_503, 13_500)];
    assert_eq!(late, expected);
    // All of them are made, as if nothing had happened: two a second.
    starts.sort_by_key(|(_, meant)| *meant);
    let meant: Vec<u64> = starts.iter().map(|(_, meant)| millis(*meant)).collect();
    assert_eq!(meant, (0..40).map(|n| n * 500).collect::<Vec<u64>>());
    let users = &simulate(&model, &mut |_| ControlFlow::Continue(())).workloads[0];
    assert_eq!((users.offered, users.latency.max()), (40, Some(Span::from_millis(3_501))));
}

/// The mean number of requests in an MMPP/M/1 queue: a quasi-birth-death process with the phases low and high, which
/// switches up at rate `a` and down at rate `b`, solved by the matrix-geometric method (Neuts). Its rate matrix R is the
/// smallest solution of A0 + R A1 + R² A2 = 0; the mean is π₀ R (I − R)⁻² 1.
fn mean_in_system(rates: [f64; 2], [a, b]: [f64; 2], service: f64) -> f64 {
    type Matrix = [[f64; 2]; 2];
    let times = |x: Matrix, y: Matrix| -> Matrix {
        std::array::from_fn(|i| std::array::from_fn(|j| x[i][0] * y[0][j] + x[i][1] * y[1][j]))
    };
    let plus = |x: Matrix, y: Matrix| -> Matrix { std::array::from_fn(|i| std::array::from_fn(|j| x[i][j] + y[i][j])) };
    let inverse = |x: Matrix| -> Matrix {
        let det = x[0][0] * x[1][1] - x[0][1] * x[1][0];
        [[x[1][1] / det, -x[0][1] / det], [-x[1][0] / det, x[0][0] / det]]
    };
    let scaled = |x: Matrix, factor: f64| x.map(|row| row.map(|entry| entry * factor));
    let one = [[1.0, 0.0], [0.0, 1.0]];
    let up = [[rates[0], 0.0], [0.0, rates[1]]];
    let down = scaled(one, service);
    let empty = [[-a - rates[0], a], [b, -b - rates[1]]];
    let step = inverse(scaled(plus(empty, scaled(down, -1.0)), -1.0));
    let mut rate = [[0.0; 2]; 2];
    for _ in 0..100_000 {
        rate = times(plus(up, times(times(rate, rate), down)), step);
    }
    // π₀ (B + R A2) = 0, and π₀ (I − R)⁻¹ 1 = 1.
    let balance = plus(empty, times(rate, down));
    let start = [-balance[1][0], balance[0][0]].map(f64::abs);
    let rest = inverse(plus(one, scaled(rate, -1.0)));
    let sum = |x: Matrix| start[0] * (x[0][0] + x[0][1]) + start[1] * (x[1][0] + x[1][1]);
    sum(times(times(rate, rest), rest)) / sum(rest)
}

#[test]
fn gusts_make_the_queue_that_the_matrix_geometric_method_says() {
    // Without gusts it is an M/M/1 queue: rho ÷ (1 − rho).
    assert!((mean_in_system([34.0, 34.0], [0.125, 0.5], 60.0) - 34.0 / 26.0).abs() < 1e-9);
    // What the comment of `scenarios/proof/modulated.toml` says.
    assert!((mean_in_system([20.0, 90.0], [0.125, 0.5], 60.0) / 34.0 - 0.815_39).abs() < 5e-6);
    let run = Run::of(
        r#"
        duration = "40000s"
        warmup = "100s"
        [workload.users]
        entry = "server.serve"
        arrivals = "mmpp(2/s, 9/s, low_for=exp(8s), high_for=exp(2s))"
        [service.server]
        threads = 1
        [service.server.endpoint.serve]
        steps = [{ work = "exp(166.667ms)" }]
        "#,
    );
    let found = run.service("server").in_system_nanos as f64 / (run.secs() * 1e9);
    let expected = mean_in_system([2.0, 9.0], [0.125, 0.5], 6.0);
    assert!((found / expected - 1.0).abs() < 0.08, "{found} instead of {expected}");
}
