//! Laws that hold for every model, at every moment and in total.

use std::fmt::Debug;
use std::ops::ControlFlow;

use brownout::base::distribution::Distribution;
use brownout::base::time::{Span, Time};
use brownout::base::units::Share;
use brownout::kernel::wheel::Wheel;
use brownout::measure::{Results, simulate};
use brownout::model::{
    Action, Change, Discipline, Effect, Fault, FaultTarget, Id, Limit, Model, Scope, Setting, Subset,
};
use brownout::policy::Outcome;
use brownout::policy::retry::{Quota, RetrySettings};
use proptest::prelude::*;

use super::ledger::{Ledger, audit, ever, most_of};
use super::recipe::{Lengths, config, draining_models, models, with_warmup};

/// Runs `model` unless it explodes: a run that handles more than a million events stops there.
pub(super) fn run(model: &Model) -> Results {
    let (mut last, mut questions) = (Time::MAX, 0);
    simulate(model, &mut |time| {
        // Asked twice at one time, or between the points of the series: because of the number of events.
        let point = time != last && time.as_nanos().is_multiple_of(model.interval.as_nanos());
        last = time;
        questions += u32::from(!point);
        if questions > 1 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })
}

fn outcomes_sent(outcomes: &[u64]) -> u64 {
    Outcome::ALL.iter().filter(|outcome| outcome.is_sent()).map(|outcome| outcomes[*outcome as usize]).sum()
}

/// Where two things that were measured begin to differ.
fn difference<T: Debug>(one: &T, other: &T) -> Option<String> {
    let (one, other) = (format!("{one:?}"), format!("{other:?}"));
    let same = one.bytes().zip(other.bytes()).take_while(|(one, other)| one == other).count();
    let part = |text: &str| text.chars().skip(same.saturating_sub(200)).take(300).collect::<String>();
    (one != other).then(|| format!("\n{}\n{}", part(&one), part(&other)))
}

/// What holds of the totals of any run.
fn check_totals(model: &Model, results: &Results) -> Result<(), TestCaseError> {
    let length = u128::from(results.ended.since(Time::ZERO + model.warmup).as_nanos());
    for (n, it) in results.workloads.iter().enumerate() {
        let ended: u64 = it.outcomes.iter().sum();
        prop_assert_eq!(it.offered, ended + it.in_flight, "workload {}: {:?}", n, it.outcomes);
        prop_assert!(it.good <= it.outcomes[Outcome::Ok as usize], "workload {}", n);
        prop_assert_eq!(it.latency.count(), it.outcomes[Outcome::Ok as usize], "workload {}", n);
        if let Some(path) = results.transport.as_ref().map(|it| &it.paths[n]) {
            let parts: u128 = path.nanos.iter().sum();
            prop_assert_eq!((path.requests, parts), (it.latency.count(), it.latency.sum_nanos()), "workload {}", n);
        }
    }
    let most = |limit: Limit| match limit {
        Limit::Unlimited => None,
        Limit::AtMost(n) => Some(n),
    };
    for ((n, it), id) in results.services.iter().enumerate().zip(model.services.ids()) {
        let replicas = u128::from(model.replicas_most(id));
        let gone = it.completed + it.failed + it.rejected + it.shed + it.refused + it.dropped;
        prop_assert_eq!(it.arrivals, gone + it.in_flight, "service {}", n);
        prop_assert_eq!(it.in_system_nanos, it.sojourn_clipped_nanos, "Little's law of service {}", n);
        prop_assert!(it.wasted_nanos <= it.busy_nanos, "service {}", n);
        if let Some(threads) = most_of(model, id, |it| most(it.threads)) {
            prop_assert!(it.busy_nanos <= u128::from(threads) * replicas * length, "service {}", n);
        }
        if let Some(cores) = most_of(model, id, |it| it.cores) {
            prop_assert!(it.work_nanos <= u128::from(cores) * replicas * length, "service {}", n);
        }
        if let Some(places) = most_of(model, id, |it| most(it.queue)) {
            prop_assert!(it.peak_queue <= places, "service {}", n);
            prop_assert!(it.queue_nanos <= u128::from(places) * replicas * length);
        }
        prop_assert!(it.waited <= it.arrivals, "service {}", n);
        let may_reject = ever(model, id, |it| it.queue != Limit::Unlimited || it.limit.is_some());
        prop_assert!(it.rejected == 0 || may_reject, "service {}", n);
        let sheds = ever(model, id, |it| it.queue_timeout.is_some() || matches!(it.discipline, Discipline::Codel(_)));
        prop_assert!(it.shed == 0 || sheds, "service {}", n);
    }
    for ((it, pool), id) in results.pools.iter().zip(model.pools.iter()).zip(model.pools.ids()) {
        let sizes = model.changes.iter().flat_map(|it| it.action.settings()).filter_map(|setting| match setting {
            Setting::Permits(it, size) if *it == id => Some(*size),
            _ => None,
        });
        let size = sizes.fold(pool.size, u32::max);
        prop_assert_eq!(it.wait.count(), it.acquired, "{}", pool.name);
        prop_assert!(it.timed_out == 0 || pool.acquire_timeout.is_some(), "{}", pool.name);
        prop_assert!(it.rejected == 0 || pool.queue != Limit::Unlimited, "{}", pool.name);
        if pool.scope == Scope::Shared {
            prop_assert!(it.used_nanos <= u128::from(size) * length, "{}", pool.name);
            if let Limit::AtMost(places) = pool.queue {
                prop_assert!(it.peak_waiting <= places, "{}", pool.name);
            }
        }
    }
    for (it, cache) in results.caches.iter().zip(model.caches.iter()) {
        let found = it.hits + it.stale + it.early + it.misses + it.coalesced;
        prop_assert_eq!(it.lookups, found, "{}", cache.name);
    }
    for (n, it) in results.edges.iter().enumerate() {
        prop_assert_eq!(it.attempts, outcomes_sent(&it.outcomes) + it.in_flight, "edge {}: {:?}", n, it.outcomes);
        prop_assert_eq!(it.latency.count(), it.outcomes[Outcome::Ok as usize], "edge {}", n);
    }
    Ok(())
}

/// What the meter counted against what the ledger counted, over the whole run.
fn check_books(model: &Model, results: &Results, ledger: &Ledger) -> Result<(), TestCaseError> {
    for (it, book) in results.workloads.iter().zip(&ledger.workloads) {
        prop_assert_eq!(it.offered, book.offered.len() as u64);
        prop_assert_eq!(it.in_flight, book.remaining);
        for outcome in Outcome::ALL {
            let count = book.finished.iter().filter(|(.., how)| *how == outcome).count();
            prop_assert_eq!(it.outcomes[outcome as usize], count as u64, "{:?}", outcome);
        }
    }
    for (it, book) in results.services.iter().zip(&ledger.services) {
        prop_assert_eq!((it.arrivals, it.in_flight), (book.arrivals, book.remaining));
        prop_assert_eq!(book.arrivals, book.departures() + book.remaining);
        prop_assert_eq!(book.in_system, book.remaining as i64);
        prop_assert_eq!(it.peak_queue, book.peak);
        let integrals = [it.busy_nanos, it.wasted_nanos, it.queue_nanos, it.in_system_nanos];
        prop_assert_eq!(integrals, book.integrals, "busy, wasted, waiting, in the system");
        prop_assert_eq!((it.wait.count(), it.sojourn.count() <= book.started), (book.started, true));
    }
    for (it, book) in results.edges.iter().zip(&ledger.edges) {
        prop_assert_eq!((it.calls, it.attempts), (book.calls, book.sent));
        prop_assert_eq!(it.outcomes[Outcome::ShortCircuited as usize], book.short_circuited);
        prop_assert_eq!(it.outcomes[Outcome::Throttled as usize], book.throttled);
        prop_assert_eq!(it.in_flight, book.sent - book.answered);
    }
    let of_edges = results.transport.iter().flat_map(|it| &it.edges).zip(&ledger.edges);
    for (it, book) in of_edges.filter_map(|(it, book)| Some((it.stream.as_ref()?, book))) {
        prop_assert_eq!(it.read, book.read);
        prop_assert!(i64::try_from(it.unread_peak).is_ok_and(|peak| peak >= book.unread));
    }
    check_retries(model, results)
}

/// No client sends more than its attempts and its budget allow.
fn check_retries(model: &Model, results: &Results) -> Result<(), TestCaseError> {
    let edges = model.edges();
    let channels = model.channels(&edges);
    for (place, channel) in channels.list.iter().enumerate() {
        let client = &model.clients[channel.client];
        let retry = &client.retry;
        let of_channel = results.edges.iter().zip(&channels.of).filter(|(_, of)| **of == place as u32);
        let (mut calls, mut tries) = (0, 0);
        for (it, _) in of_channel {
            calls += it.calls;
            tries += it.attempts;
            tries += it.outcomes[Outcome::ShortCircuited as usize] + it.outcomes[Outcome::Throttled as usize];
        }
        let hedged = client.hedge.map_or(1, |hedge| u64::from(hedge.attempts));
        let later = model.changes.iter().flat_map(|it| it.action.settings()).filter_map(|setting| match setting {
            Setting::Retry(id, retry) if *id == channel.client => Some(retry),
            _ => None,
        });
        let later: Vec<_> = later.collect();
        let of_retry = |retry: &Option<RetrySettings>| retry.as_ref().map_or(1, |retry| u64::from(retry.attempts));
        let most = later.iter().map(|it| of_retry(it)).fold(hedged.max(of_retry(retry)), u64::max);
        prop_assert!(tries <= calls * most, "{} tries of {} calls, {} each at most", tries, calls, most);
        // A crash renews a process's clients, and with them what they have saved.
        let crashes = model.faults.iter().any(|fault| matches!(fault.effect, Effect::Crash { .. }))
            || model.changes.iter().any(|it| matches!(it.action, Action::Restart { .. } | Action::Scale(_)))
            || !later.is_empty();
        let quota = retry.as_ref().and_then(|retry| retry.quota).filter(|_| !crashes);
        if let Some(Quota::Budget(budget)) = quota {
            let instances = f64::from(model.caller_replicas(channel.from));
            let granted = f64::from(budget.burst) * instances + budget.ratio.as_f64() * calls as f64;
            // A ratio is kept to nine decimal places.
            prop_assert!(tries.saturating_sub(calls) as f64 <= granted + 1e-6 * calls as f64);
        }
    }
    Ok(())
}

/// The points of the series add up to the totals of the whole run.
fn check_series(results: &Results) -> Result<(), TestCaseError> {
    let sum = |counts: &[u64]| counts.iter().sum::<u64>();
    for (it, series) in results.workloads.iter().zip(&results.series.workloads) {
        let ok = it.outcomes[Outcome::Ok as usize];
        prop_assert_eq!(sum(&series.offered), it.offered);
        prop_assert_eq!(sum(&series.answered), ok);
        prop_assert_eq!(sum(&series.good), it.good);
        prop_assert_eq!(sum(&series.failed), it.outcomes.iter().sum::<u64>() - ok);
        prop_assert_eq!(sum(&series.attempts), it.attempts);
    }
    for (it, series) in results.services.iter().zip(&results.series.services) {
        prop_assert_eq!(sum(&series.arrivals), it.arrivals);
        prop_assert_eq!(sum(&series.completed), it.completed);
        prop_assert_eq!(sum(&series.failed), it.failed);
        prop_assert_eq!(sum(&series.rejected), it.rejected);
        prop_assert_eq!(sum(&series.shed), it.shed);
    }
    for (it, series) in results.caches.iter().zip(&results.series.caches) {
        prop_assert_eq!(sum(&series.lookups), it.lookups);
        prop_assert_eq!(sum(&series.hits), it.hits + it.stale);
    }
    for (it, series) in results.pools.iter().zip(&results.series.pools) {
        prop_assert_eq!(sum(&series.failed), it.timed_out + it.rejected + it.conflicts);
    }
    for (it, series) in results.edges.iter().zip(&results.series.edges) {
        let ok = it.outcomes[Outcome::Ok as usize];
        prop_assert_eq!(sum(&series.calls), it.calls);
        prop_assert_eq!(sum(&series.attempts), it.attempts);
        prop_assert_eq!(sum(&series.ok), ok);
        prop_assert_eq!(sum(&series.failed), outcomes_sent(&it.outcomes) - ok);
        prop_assert_eq!(sum(&series.timeouts), it.outcomes[Outcome::Timeout as usize]);
        prop_assert_eq!(sum(&series.short_circuited), it.outcomes[Outcome::ShortCircuited as usize]);
        prop_assert_eq!(sum(&series.throttled), it.outcomes[Outcome::Throttled as usize]);
    }
    Ok(())
}

fn check(model: &Model) -> Result<(), TestCaseError> {
    let results = run(model);
    check_totals(model, &results)?;
    check_series(&results)?;
    let (ledger, end) = audit::<Wheel>(model);
    if !results.interrupted && !end.interrupted {
        check_books(model, &results, &ledger)?;
    }
    let warmup = Span::from_nanos(model.duration.as_nanos() / 3 + 1);
    let warm = run(&with_warmup(model, warmup));
    check_totals(model, &warm)?;
    if !results.interrupted && !end.interrupted && !warm.interrupted {
        for (it, book) in warm.workloads.iter().zip(&ledger.workloads) {
            let cohort = |arrived: Time| arrived >= Time::ZERO + warmup;
            prop_assert_eq!(it.offered, book.offered.iter().filter(|at| cohort(**at)).count() as u64);
            let ended = book.finished.iter().filter(|(arrived, ..)| cohort(*arrived)).count();
            prop_assert_eq!(it.outcomes.iter().sum::<u64>(), ended as u64);
        }
        prop_assert_eq!(difference(&warm.series, &results.series), None, "a warm-up changes no series");
        let again = run(model);
        prop_assert_eq!(difference(&results, &again), None, "the same run twice");
    }
    Ok(())
}

/// Everything that was started has ended, and everything that was taken is given back.
fn check_drained(model: &Model) -> Result<(), TestCaseError> {
    let (ledger, end) = audit::<Wheel>(model);
    if end.interrupted {
        return Ok(());
    }
    for (n, book) in ledger.workloads.iter().enumerate() {
        prop_assert_eq!((book.offered.len(), book.remaining), (book.finished.len(), 0), "workload {}", n);
    }
    for (n, book) in ledger.services.iter().enumerate() {
        prop_assert_eq!(
            (book.busy, book.waiting, book.in_system, book.cores, book.wasted),
            (0, 0, 0, 0, 0),
            "service {}",
            n
        );
    }
    for (n, book) in ledger.edges.iter().enumerate() {
        prop_assert_eq!(book.sent, book.answered, "edge {}", n);
        prop_assert_eq!((book.unread, book.blocked), (0, 0), "streams of edge {}", n);
    }
    for (n, book) in ledger.pools.iter().enumerate() {
        prop_assert_eq!(book, &[0, 0], "pool {}", n);
    }
    prop_assert_eq!(end.in_flight, 0, "frames are left over");
    check_attempts_arrive(model, &ledger)
}

/// Without faults that keep attempts away, all that are sent arrive, unless they never get a connection.
fn check_attempts_arrive(model: &Model, ledger: &Ledger) -> Result<(), TestCaseError> {
    let away = |effect: &Effect| matches!(effect, Effect::Crash { .. } | Effect::Cut | Effect::ErrorRate(_));
    let keeps_away = |action: &Action| matches!(action, Action::Restart { .. } | Action::Drain { .. });
    let changed = model.changes.iter().any(|change| keeps_away(&change.action));
    if changed || model.faults.iter().any(|fault| away(&fault.effect)) {
        return Ok(());
    }
    let edges = model.edges();
    for (id, _) in model.services.enumerate() {
        let into = edges.enumerate().filter(|(_, edge)| model.endpoints[edge.to].service == id);
        let (mut fewest, mut most) = (0, 0);
        for (id, edge) in into {
            let book = &ledger.edges[id.index()];
            let client = &model.clients[edge.client];
            let needs_connection = client.transport.as_ref().is_some_and(|it| it.connects());
            // What is handed over needs none. Where everybody is hidden or left out, nobody gets it.
            fewest += match (needs_connection, client.outlier.is_some() || client.health.is_some()) {
                (_, true) => 0,
                (true, false) => book.connected,
                (false, false) => book.sent,
            };
            most += book.sent;
        }
        let arrivals = ledger.services[id.index()].arrivals;
        prop_assert!((fewest..=most).contains(&arrivals), "service {}: {arrivals} of {fewest} to {most}", id.index());
    }
    Ok(())
}

/// What was measured, without what tells how sure it is: a fault leaves no intervals, and work counts up to the end that
/// the file gives.
fn without_sums(results: Results) -> Results {
    Results { sums: None, measured_half_widths: Vec::new(), ..results }
}

/// A run that is interrupted at a point of the series is the run of a scenario that ends there.
fn check_interruption(model: &Model) -> Result<(), TestCaseError> {
    let at = Time::ZERO + model.interval;
    if model.end() <= at {
        return Ok(());
    }
    let short = Model { duration: model.interval, ..model.clone() };
    let mut questions = 0;
    let cut_off = simulate(model, &mut |time| {
        questions += 1;
        // One question comes at the start; others before the point come because of the number of events.
        if time >= at || questions > 2 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    let whole = run(&short);
    if cut_off.ended != at || whole.interrupted {
        // It exploded before, or nothing happens as late as that.
        return Ok(());
    }
    check_totals(model, &cut_off)?;
    let whole = Results { interrupted: true, ..whole };
    prop_assert_eq!(difference(&without_sums(cut_off), &without_sums(whole)), None);
    Ok(())
}

/// Faults that strike without effect leave everything as it is, though they take the path of trouble.
fn check_harmless_faults(model: &Model) -> Result<(), TestCaseError> {
    let mut troubled = model.clone();
    let effects = [Effect::Slow(1.0), Effect::ErrorRate(Share::ZERO), Effect::AddLatency(Distribution::ZERO)];
    for (id, _) in model.services.enumerate() {
        for (n, effect) in effects.iter().enumerate() {
            troubled.faults.push(Fault {
                name: format!("harmless{n}"),
                at: Time::ZERO + Span::from_millis(10 * (1 + n as u64)),
                lasts: Some(Span::from_millis(150)),
                target: FaultTarget::Service(id, Subset::All),
                effect: effect.clone(),
            });
        }
    }
    let (sound, troubled) = (run(model), run(&troubled));
    if !sound.interrupted && !troubled.interrupted {
        let events = sound.events;
        let troubled = Results { events, ..troubled };
        prop_assert_eq!(difference(&without_sums(sound), &without_sums(troubled)), None);
    }
    Ok(())
}

/// Changes to what is there already leave everything as it is, and so do replicas that never come.
fn check_harmless_changes(model: &Model) -> Result<(), TestCaseError> {
    let mut changed = Model { changes: Vec::new(), ..model.clone() };
    let sound = run(&changed);
    for (id, service) in model.services.enumerate() {
        let settings = vec![
            Setting::Threads(id, service.threads),
            Setting::Queue(id, service.queue),
            Setting::Overflow(id, service.overflow),
        ];
        let actions = [
            (20, Action::Set(settings)),
            (30, Action::Scale(vec![(id, service.replicas)])),
            (1_000_000, Action::Scale(vec![(id, service.replicas + 3)])),
        ];
        for (at, action) in actions {
            let at = Time::ZERO + Span::from_millis(at);
            changed.changes.push(Change { name: format!("harmless{at}"), at, action, is_trigger: false });
        }
    }
    let changed = run(&changed);
    if !sound.interrupted && !changed.interrupted {
        prop_assert_eq!(difference(&sound.workloads, &changed.workloads), None);
        prop_assert_eq!(difference(&sound.services, &changed.services), None);
        prop_assert_eq!(difference(&sound.caches, &changed.caches), None);
        prop_assert_eq!(difference(&sound.pools, &changed.pools), None);
        prop_assert_eq!(difference(&sound.series.services, &changed.series.services), None);
    }
    Ok(())
}

proptest! {
    #![proptest_config(config(300))]

    #[test]
    fn changes_without_effect_change_nothing(model in models(Lengths::Any)) {
        check_harmless_changes(&model)?;
    }

    #[test]
    fn an_interrupted_run_is_the_run_of_a_shorter_scenario(model in models(Lengths::Any)) {
        check_interruption(&model)?;
    }

    #[test]
    fn faults_without_effect_change_nothing(model in models(Lengths::Any)) {
        check_harmless_faults(&model)?;
    }

    #[test]
    fn the_laws_hold_where_everything_ties(model in models(Lengths::Even)) {
        check(&model)?;
    }

    #[test]
    fn the_laws_hold_for_every_model(model in models(Lengths::Any)) {
        check(&model)?;
    }

    #[test]
    fn what_is_finite_drains(model in draining_models(Lengths::Any)) {
        check_drained(&model)?;
    }

    #[test]
    fn what_is_finite_drains_where_everything_ties(model in draining_models(Lengths::Even)) {
        check_drained(&model)?;
    }
}
