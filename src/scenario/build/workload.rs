//! Workloads: their entries and their arrivals.

use super::names::Names;
use super::{Atlas, WorkloadPlaces};
use crate::base::time::{Span, Time};
use crate::base::units::{Rate, Share};
use crate::model::{
    Arrivals, ClientId, EndpointId, Ids, Modulation, Process, Profile, RatePoint, Reload, Workload, WorkloadId,
};
use crate::scenario::decode::{ArrivalsForm, Count, Cx, Entries, Field, NotZero, Or, ProcessForm, ProfileForm};
use crate::scenario::language::{ReloadKeys, ScenarioKeys};
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
            entry: Vec::new(),
            arrivals: Arrivals::even(Profile::constant(Rate::default())),
            key: None,
            deadline: None,
            priority: Workload::PRIORITY,
            reload: None,
            client: ClientId(0),
        };
        if let Some(keys) = &item.value {
            workload.entry = entry(&keys.entry, names, cx);
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
        }
        workloads.push(workload);
        atlas.workloads.push(WorkloadPlaces {
            name: item.place,
            key: item.value.as_ref().map_or(Place::NOWHERE, |keys| keys.key.key_place()),
        });
    }
    workloads
}

fn reload(keys: &ReloadKeys) -> Option<Reload> {
    let after = keys.after.value()?.clone();
    let attempts = keys.attempts.value()?.0;
    Some(Reload { after, attempts })
}

fn entry(field: &Field<Entries>, names: &Names<'_>, cx: &mut Cx<'_>) -> Vec<(Share, EndpointId)> {
    let Some(entries) = field.value() else { return Vec::new() };
    let sum: f64 = entries.shares.iter().map(|(share, _)| share.as_f64()).sum();
    if !entries.is_partial && (sum - 1.0).abs() > SUM_TOLERANCE {
        cx.say(&catalogue::SHARES, field.place(), format!("the shares sum to {}, not to 100%", percent(sum)))
            .help("make the shares of `entry` sum to 100%");
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
        ArrivalsForm::Times(_, fit) => Some(fit.clone()),
        ArrivalsForm::Rated { process, .. } => match process {
            ProcessForm::Even(ProfileForm::Trace(_, fit)) | ProcessForm::Poisson(ProfileForm::Trace(_, fit)) => {
                Some(fit.clone())
            }
            _ => None,
        },
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
        RatePoint { at: Time::from_nanos(at), rate }
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
