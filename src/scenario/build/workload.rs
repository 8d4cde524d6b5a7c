//! Workloads: their entries and their arrivals.

use super::names::Names;
use super::steps::REPEATS_MAX;
use super::zone::zone;
use super::{Atlas, WorkloadPlaces};
use crate::base::time::{Span, Time};
use crate::base::units::{Rate, Share};
use crate::model::{
    Arrivals, ClientId, EndpointId, Ids, Modulation, OnFailure, Process, Profile, RatePoint, Reload, Session,
    SessionStep, Workload, WorkloadId,
};
use crate::scenario::decode::{
    ArrivalsForm, Count, Cx, Entries, Field, NotZero, Or, ProcessForm, ProfileForm, SessionForm, SessionStepForm, Word,
};
use crate::scenario::language::{ReloadKeys, ScenarioKeys, WorkloadKeys};
use crate::scenario::say::{Place, catalogue};

/// Straight pieces of one day: their largest distance from the sine is 0.2% of its height.
const DIURNAL_PIECES: u64 = 48;
/// Pieces of all days of a run.
const PIECES_MAX: u64 = 100_000;
/// Phases of a modulated rate in one run.
const PHASES_MAX: f64 = 10e6;
/// Shares are written with a few decimals: sums of thirds must do.
const SUM_TOLERANCE: f64 = 1e-6;

pub(super) fn workloads(
    keys: &ScenarioKeys,
    names: &Names<'_>,
    duration: Span,
    atlas: &mut Atlas,
    cx: &mut Cx<'_>,
) -> Ids<WorkloadId, Workload> {
    let mut workloads = Ids::default();
    for item in keys.workload.value().iter().flat_map(|workloads| &workloads.items) {
        let mut workload = Workload {
            name: item.name.clone(),
            session: Session::one(Vec::new()),
            arrivals: Arrivals::even(Profile::constant(Rate::default())),
            key: None,
            deadline: None,
            priority: Workload::PRIORITY,
            reload: None,
            client: ClientId(0),
            zone: None,
        };
        if let Some(keys) = &item.value {
            workload.session = session(keys, names, cx);
            workload.key = keys.key.given().cloned();
            workload.deadline = keys.deadline.or_default().0.map(|NotZero(span)| span);
            if let Some(Count(priority)) = keys.priority.value() {
                workload.priority = u8::try_from(*priority).expect("it was checked to be at most 9");
            }
            workload.reload = keys.reload.value().and_then(|Or(reload)| self::reload(reload.as_ref()?));
            if let Some(arrivals) = arrivals(&keys.arrivals, duration, atlas, cx) {
                workload.arrivals = arrivals;
            }
            let client = keys.client.value().and_then(|client| names.client(client, cx));
            workload.client = client.unwrap_or(ClientId(0));
            workload.zone = keys.zone.given().and_then(|name| zone(name, names, cx));
        }
        workloads.push(workload);
        atlas.workloads.push(WorkloadPlaces {
            name: item.place,
            key: item.value.as_ref().map_or(Place::NOWHERE, |keys| keys.key.key_place()),
            priority: item.value.as_ref().map_or(Place::NOWHERE, |keys| keys.priority.key_place()),
            reload: item.value.as_ref().map_or(Place::NOWHERE, |keys| keys.reload.key_place()),
            entry: item.value.as_ref().map_or(Place::NOWHERE, |keys| match keys.entry.given() {
                Some(_) => keys.entry.place(),
                None => keys.session.place(),
            }),
        });
    }
    workloads
}

fn reload(keys: &ReloadKeys) -> Option<Reload> {
    let after = keys.after.value()?.clone();
    let attempts = keys.attempts.value()?.0;
    Some(Reload { after, attempts })
}

/// What a user does: one request, or a list of steps.
fn session(keys: &WorkloadKeys, names: &Names<'_>, cx: &mut Cx<'_>) -> Session {
    let on_failure = keys.on_failure.value().map_or(OnFailure::Leave, |Word(word)| *word);
    match (&keys.entry, &keys.session) {
        (Field::Given { key: first, .. }, Field::Given { key: second, .. }) => {
            let (first, second) = (first.min(second), first.max(second));
            cx.say(&catalogue::EXCLUDE, *second, "`entry` and `session` exclude each other")
                .also(*first, "the other one")
                .help("`entry` is a single request, `session` a list of several: keep one of them");
        }
        (Field::Absent, Field::Absent) if !cx.has_gaps => {
            cx.say(&catalogue::MISSING_KEY, keys.place, "a workload needs `entry`")
                .help("add for example `entry = \"orders.create\"`, or a `session` of several requests");
        }
        _ => {}
    }
    if let (Field::Given { key, .. }, Field::Absent) = (&keys.on_failure, &keys.session) {
        cx.say(&catalogue::PARTNER, *key, "`on_failure` goes with `session`")
            .help("a user with a single request has nothing to go on with: remove it");
    }
    let Some(SessionForm(steps)) = keys.session.value() else {
        let entries = keys.entry.value();
        return Session::one(entries.map_or_else(Vec::new, |it| entry(it, ("entry", keys.entry.place()), names, cx)));
    };
    if keys.session.value().is_some_and(SessionForm::is_idle) {
        cx.say(&catalogue::NO_ITEMS, keys.session.place(), "the session asks for nothing")
            .help("add for example `{ ask = \"api.home\" }`");
    }
    Session { steps: session_steps(steps, 1, names, cx), on_failure }
}

/// `outer` is how often these steps run at most, from all repeats around them.
fn session_steps(steps: &[SessionStepForm], outer: u64, names: &Names<'_>, cx: &mut Cx<'_>) -> Vec<SessionStep> {
    let mut built = Vec::with_capacity(steps.len());
    for step in steps {
        built.push(match step {
            SessionStepForm::Ask(entries, place) => SessionStep::Ask(entry(entries, ("ask", *place), names, cx)),
            SessionStepForm::Think(length) => SessionStep::Think(length.clone()),
            SessionStepForm::Repeat { times, place, steps: SessionForm(steps) } => {
                let repeats = outer.saturating_mul((*times).into());
                if repeats >= REPEATS_MAX && outer < REPEATS_MAX {
                    cx.say(
                        &catalogue::TOO_OFTEN,
                        *place,
                        format!("these steps would run {repeats} times in each session"),
                    )
                    .note("repeats inside repeats multiply")
                    .help("the product must be below 2147483648");
                }
                SessionStep::Repeat { times: *times, steps: session_steps(steps, repeats, names, cx) }
            }
            SessionStepForm::Bad => continue,
        });
    }
    built
}

fn entry(entries: &Entries, at: (&str, Place), names: &Names<'_>, cx: &mut Cx<'_>) -> Vec<(Share, EndpointId)> {
    let (key, place) = at;
    let sum: f64 = entries.shares.iter().map(|(share, _)| share.as_f64()).sum();
    if !entries.is_partial && (sum - 1.0).abs() > SUM_TOLERANCE {
        cx.say(&catalogue::SHARES, place, format!("the shares sum to {}, not to 100%", percent(sum)))
            .help(format!("make the shares of `{key}` sum to 100%"));
    }
    let resolve = |(share, name): &(Share, _)| names.endpoint(name, cx).map(|id| (*share, id));
    entries.shares.iter().filter_map(resolve).collect()
}

/// A sum of shares, which may be above one.
pub(super) fn percent(sum: f64) -> String {
    let text = format!("{:.4}", sum * 100.0);
    format!("{}%", text.trim_end_matches('0').trim_end_matches('.'))
}

/// Whether shares sum to one.
pub(super) fn is_whole(sum: f64) -> bool {
    (sum - 1.0).abs() <= SUM_TOLERANCE
}

fn arrivals(field: &Field<ArrivalsForm>, duration: Span, atlas: &mut Atlas, cx: &mut Cx<'_>) -> Option<Arrivals> {
    let fit = match field.value()? {
        ArrivalsForm::Times(_, fit)
        | ArrivalsForm::Rated {
            process: ProcessForm::Even(ProfileForm::Trace(_, fit)) | ProcessForm::Poisson(ProfileForm::Trace(_, fit)),
            ..
        } => Some(fit.clone()),
        _ => None,
    };
    atlas.traces.extend(fit);
    Some(match field.value()? {
        ArrivalsForm::Times(times, _) => Arrivals::Times(times.as_slice().into()),
        ArrivalsForm::Rated { process, batch } => {
            let process = match process {
                ProcessForm::Even(form) => Process::Even(profile(form, field, duration, cx)?),
                ProcessForm::Poisson(form) => Process::Poisson(profile(form, field, duration, cx)?),
                ProcessForm::Modulated(modulation) => Process::Modulated(modulated(modulation, field, duration, cx)?),
            };
            Arrivals::Rated { process, batch: *batch }
        }
        ArrivalsForm::Burst { size, first, every } => Arrivals::Burst { size: *size, first: *first, every: *every },
        ArrivalsForm::Users { count, pace } => Arrivals::Users { count: *count, pace: pace.clone() },
    })
}

fn modulated(
    modulation: &Modulation,
    field: &Field<ArrivalsForm>,
    duration: Span,
    cx: &mut Cx<'_>,
) -> Option<Modulation> {
    let cycle_nanos = modulation.low_for.mean_nanos() + modulation.high_for.mean_nanos();
    if duration.as_nanos() as f64 / cycle_nanos > PHASES_MAX / 2.0 {
        cx.say(&catalogue::OUT_OF_RANGE, field.place(), "the phases are far too short for this run")
            .help("write longer ones, or a single `poisson` rate between the two: nobody can tell the difference");
        return None;
    }
    Some(modulation.clone())
}

fn profile(form: &ProfileForm, field: &Field<ArrivalsForm>, duration: Span, cx: &mut Cx<'_>) -> Option<Profile> {
    match form {
        ProfileForm::Points(points) | ProfileForm::Trace(points, _) => Some(Profile { points: points.clone() }),
        ProfileForm::Diurnal { low, high, period, peak } => {
            let pieces =
                (u128::from(duration.as_nanos()) * u128::from(DIURNAL_PIECES)).div_ceil(u128::from(period.as_nanos()));
            if pieces > u128::from(PIECES_MAX) {
                cx.say(&catalogue::OUT_OF_RANGE, field.place(), "the period is far too short for this run").help(
                    format!(
                        "write at least `period={}`",
                        Span::from_nanos(duration.as_nanos() / (PIECES_MAX / DIURNAL_PIECES))
                    ),
                );
                return None;
            }
            Some(diurnal(*low, *high, *period, *peak, pieces as u64))
        }
    }
}

/// `mid + amplitude × cos(2π (t − peak) ÷ period)`, in straight pieces.
fn diurnal(low: Rate, high: Rate, period: Span, peak: Time, pieces: u64) -> Profile {
    let (low, high) = (low.as_per_sec(), high.as_per_sec());
    let (middle, amplitude) = ((low + high) / 2.0, (high - low) / 2.0);
    let point = |piece: u64| {
        let at = u128::from(period.as_nanos()) * u128::from(piece) / u128::from(DIURNAL_PIECES);
        let at = u64::try_from(at).unwrap_or(u64::MAX);
        let turns = (at as f64 - peak.as_nanos() as f64) / period.as_nanos() as f64;
        let rate = middle + amplitude * libm::cos(2.0 * std::f64::consts::PI * turns);
        let rate = Rate::per_sec(rate.clamp(low, high)).expect("it lies between two rates");
        RatePoint::new(Time::from_nanos(at), rate)
    };
    Profile { points: (0..=pieces).map(point).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_starts_low_peaks_at_noon_and_keeps_its_mean() {
        let rate = |rate| Rate::per_sec(rate).unwrap();
        let day = Span::from_secs(86_400);
        let noon = Time::from_nanos(day.as_nanos() / 2);
        let profile = diurnal(rate(100.0), rate(1000.0), day, noon, DIURNAL_PIECES);
        assert_eq!(profile.points.len(), 49);
        assert!((profile.points[0].rate.as_per_sec() - 100.0).abs() < 1e-9);
        assert!((profile.points[24].rate.as_per_sec() - 1000.0).abs() < 1e-9);
        assert_eq!(profile.points[48].at, Time::ZERO + day);
        let mean: f64 = profile.points[..48].iter().map(|point| point.rate.as_per_sec()).sum::<f64>() / 48.0;
        assert!((mean - 550.0).abs() < 1e-6, "{mean}");
    }
}
