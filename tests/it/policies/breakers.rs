//! The circuit breaker's laws, whatever is thrown at it.

use brownout::base::time::{Span, Time};
use brownout::base::units::Share;
use brownout::policy::breaker::{
    AnyBreaker, Breaker, BreakerRules, BreakerSettings, BreakerState, Resilience4jSettings, ResultWindow, Verdict,
    Window,
};
use brownout::policy::retry::Backoff;
use proptest::prelude::*;

/// With the rules of resilience4j, else as it comes.
fn with(rules: Resilience4jSettings) -> BreakerSettings {
    let settings = BreakerSettings::preset("resilience4j").expect("its preset");
    BreakerSettings { rules: BreakerRules::Resilience4j(rules), ..settings }
}

fn settings() -> impl Strategy<Value = Resilience4jSettings> {
    (1u32..150, 1u32..150, 1u32..=100, 1u32..=100, 0u64..50, 1u32..20).prop_map(
        |(window, minimum_calls, failures, slow, open_for, half_open_calls)| Resilience4jSettings {
            window: Window::Calls(window),
            minimum_calls,
            failure_rate: Share::new(f64::from(failures) / 100.0).expect("a share"),
            slow_call_duration: Span::from_nanos(10),
            slow_call_rate: Share::new(f64::from(slow) / 100.0).expect("a share"),
            open_for: Backoff::Fixed(Span::from_nanos(open_for)),
            half_open_calls,
            ..Resilience4jSettings::default()
        },
    )
}

/// What happens next: time passes, a call asks, or a running call (chosen by the number) ends.
#[derive(Clone, Debug)]
enum Step {
    Wait(u64),
    Ask,
    End(usize, Verdict, u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let verdict = prop_oneof![Just(Verdict::Success), Just(Verdict::Failure), Just(Verdict::Ignored)];
    let step = prop_oneof![
        (0u64..20).prop_map(Step::Wait),
        Just(Step::Ask),
        Just(Step::Ask),
        (any::<usize>(), verdict, 0u64..20).prop_map(|(call, verdict, duration)| Step::End(call, verdict, duration)),
    ];
    proptest::collection::vec(step, 0..400)
}

/// The rules once more, slowly: the window is a list, its rates are counted anew for every result.
struct Plain {
    settings: Resilience4jSettings,
    state: BreakerState,
    opened: u64,
    permits: u32,
    results: Vec<(bool, bool)>,
}

impl Plain {
    fn new(settings: Resilience4jSettings) -> Plain {
        Plain { settings, state: BreakerState::Closed, opened: 0, permits: 0, results: Vec::new() }
    }

    fn permit(&mut self, now: u64) -> bool {
        if self.state == BreakerState::Open && now > self.opened + self.settings.open_for.delay(1).as_nanos() {
            (self.state, self.permits) = (BreakerState::HalfOpen, self.settings.half_open_calls);
            self.results.clear();
        }
        match self.state {
            BreakerState::Closed => true,
            BreakerState::Open => false,
            BreakerState::HalfOpen => {
                let granted = self.permits > 0;
                self.permits -= u32::from(granted);
                granted
            }
        }
    }

    fn record(&mut self, now: u64, verdict: Verdict, duration: u64) {
        match (self.state, verdict) {
            (BreakerState::Open, _) | (BreakerState::Closed, Verdict::Ignored) => return,
            (BreakerState::HalfOpen, Verdict::Ignored) => {
                self.permits += 1;
                return;
            }
            _ => {}
        }
        let Window::Calls(calls) = self.settings.window else { unreachable!("these windows are of calls") };
        let window = if self.state == BreakerState::Closed { calls } else { self.settings.half_open_calls };
        self.results.push((verdict == Verdict::Failure, duration > self.settings.slow_call_duration.as_nanos()));
        let recent = &self.results[self.results.len().saturating_sub(window as usize)..];
        if recent.len() < self.settings.minimum_calls.min(window) as usize {
            return;
        }
        let percent = |bad: usize| bad as f32 * 100.0 / recent.len() as f32;
        let reached = |bad: usize, limit: Share| percent(bad) >= (limit.as_f64() * 100.0) as f32;
        let failed = recent.iter().filter(|(failed, _)| *failed).count();
        let slow = recent.iter().filter(|(_, slow)| *slow).count();
        if reached(failed, self.settings.failure_rate) || reached(slow, self.settings.slow_call_rate) {
            (self.state, self.opened) = (BreakerState::Open, now);
        } else if self.state == BreakerState::HalfOpen {
            self.state = BreakerState::Closed;
            self.results.clear();
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Also says that late and ignored results count in whatever state they find.
    #[test]
    fn the_ring_answers_as_the_list_does(settings in settings(), steps in steps()) {
        let (mut breaker, mut plain) = (AnyBreaker::from_settings(&with(settings)), Plain::new(settings));
        let mut now = 0;
        for step in steps {
            match step {
                Step::Wait(nanos) => now += nanos,
                Step::Ask => prop_assert_eq!(breaker.permit(Time::from_nanos(now)), plain.permit(now)),
                Step::End(_, verdict, duration) => {
                    breaker.record(Time::from_nanos(now), verdict, Span::from_nanos(duration));
                    plain.record(now, verdict, duration);
                }
            }
            prop_assert_eq!(breaker.state(), plain.state);
        }
    }

    /// As long as a late call counts as something, its end gives no permit back that it never took.
    #[test]
    fn half_open_never_lets_more_probes_run_than_set(settings in settings(), steps in steps()) {
        let mut breaker = AnyBreaker::from_settings(&with(settings));
        let mut now = Time::ZERO;
        // Running calls by the spell of being half open in which they were let through, if any.
        let mut running: Vec<Option<u32>> = Vec::new();
        let mut spell = 0;
        for step in steps {
            match step {
                Step::Wait(nanos) => now = now + Span::from_nanos(nanos),
                Step::Ask => {
                    let before = breaker.state();
                    let granted = breaker.permit(now);
                    spell += u32::from(before == BreakerState::Open && breaker.state() == BreakerState::HalfOpen);
                    if granted {
                        running.push((breaker.state() == BreakerState::HalfOpen).then_some(spell));
                    }
                }
                Step::End(..) if running.is_empty() => {}
                Step::End(call, verdict, duration) => {
                    let started = running.swap_remove(call % running.len());
                    let late = started != Some(spell);
                    let verdict = if late && verdict == Verdict::Ignored { Verdict::Success } else { verdict };
                    breaker.record(now, verdict, Span::from_nanos(duration));
                }
            }
            let probes = running.iter().filter(|started| **started == Some(spell)).count();
            if breaker.state() == BreakerState::HalfOpen {
                prop_assert!(probes <= settings.half_open_calls as usize, "{} probes at once", probes);
            }
        }
    }

    #[test]
    fn the_window_counts_its_last_results(size in 1u32..200, again in 1u32..200, results in proptest::collection::vec(any::<(bool, bool)>(), 0..500)) {
        let mut window = ResultWindow::new(size);
        for size in [size, again] {
            window.reset(size);
            for (n, (failed, slow)) in results.iter().enumerate() {
                window.record(*failed, *slow);
                let recent = &results[(n + 1).saturating_sub(size as usize)..=n];
                let failures = recent.iter().filter(|(failed, _)| *failed).count();
                let slow = recent.iter().filter(|(_, slow)| *slow).count();
                let rate = |count: usize| count as f32 * 100.0 / recent.len() as f32;
                prop_assert_eq!((window.calls() as usize, window.failed() as usize), (recent.len(), failures));
                prop_assert_eq!(window.rates(1), Some((rate(failures), rate(slow))));
            }
        }
    }
}

#[test]
fn the_wait_of_an_open_breaker_is_strict() {
    let settings = Resilience4jSettings {
        window: Window::Calls(1),
        minimum_calls: 1,
        failure_rate: Share::ONE,
        slow_call_duration: Span::MAX,
        slow_call_rate: Share::ONE,
        open_for: Backoff::Fixed(Span::from_nanos(10)),
        half_open_calls: 1,
        ..Resilience4jSettings::default()
    };
    let mut breaker = AnyBreaker::from_settings(&with(settings));
    assert!(breaker.permit(Time::ZERO));
    breaker.record(Time::from_nanos(5), Verdict::Failure, Span::ZERO);
    assert!(!breaker.permit(Time::from_nanos(15)), "exactly after the wait it is still open");
    assert_eq!(breaker.state(), BreakerState::Open);
    assert!(breaker.permit(Time::from_nanos(16)));
    assert_eq!(breaker.state(), BreakerState::HalfOpen);
}

/// 29 of 58 is 50%, and so is the threshold, in 32-bit floats; a share is the decimal percentage it was written as.
#[test]
fn a_rate_that_equals_the_threshold_opens() {
    for percent in 1..=100u32 {
        let settings = Resilience4jSettings {
            window: Window::Calls(100),
            minimum_calls: 100,
            failure_rate: format!("{percent}%").parse().expect("a share"),
            slow_call_duration: Span::MAX,
            slow_call_rate: Share::ONE,
            open_for: Backoff::Fixed(Span::from_secs(1)),
            half_open_calls: 1,
            ..Resilience4jSettings::default()
        };
        let mut breaker = AnyBreaker::from_settings(&with(settings));
        for n in 0..100 {
            assert_eq!(breaker.state(), BreakerState::Closed, "{percent}% after {n}");
            let verdict = if n < percent { Verdict::Failure } else { Verdict::Success };
            breaker.record(Time::ZERO, verdict, Span::ZERO);
        }
        assert_eq!(breaker.state(), BreakerState::Open, "{percent}%");
    }
}
