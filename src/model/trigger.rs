//! Triggers: what goes wrong, and what of it the file marks. The twin of a run is the same scenario without them, with
//! the same draws.

use crate::base::time::{Span, Time};

use super::change::{Action, Change};
use super::id::WorkloadId;
use super::workload::{Arrivals, Process, Profile};
use super::{Model, ServiceId};

/// Something that goes wrong, and when.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Trigger {
    /// What.
    pub kind: TriggerKind,
    /// When it begins.
    pub from: Time,
    /// When it is over; the same as `from` for what happens at once, `None` for what lasts to the end of the run.
    pub until: Option<Time>,
}

/// What goes wrong.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TriggerKind {
    /// A fault, by its place in `model.faults`.
    Fault(usize),
    /// A change that is marked, by its place in `model.changes`.
    Change(usize),
    /// Points of the profile of a workload that are marked.
    Load(WorkloadId),
}

impl Model {
    /// Everything that goes wrong within the run, in the order of time; then faults before changes before load.
    pub fn triggers(&self) -> Vec<Trigger> {
        let end = self.end();
        let mut triggers = Vec::new();
        for (n, fault) in self.faults.iter().enumerate() {
            let until = match fault.effect {
                super::Effect::Flush => Some(fault.at),
                _ => fault.lasts.map(|lasts| fault.at + lasts),
            };
            triggers.push(Trigger { kind: TriggerKind::Fault(n), from: fault.at, until });
        }
        let twin = self.without_triggers();
        for (n, change) in self.changes.iter().enumerate().filter(|(_, change)| change.is_trigger) {
            triggers.push(Trigger { kind: TriggerKind::Change(n), from: change.at, until: self.end_of(change, &twin) });
        }
        for (id, workload) in self.workloads.enumerate() {
            let steps = workload.arrivals.profile().map(marked_stretches).unwrap_or_default();
            triggers.extend(steps.into_iter().map(|(from, until)| Trigger {
                kind: TriggerKind::Load(id),
                from,
                until,
            }));
        }
        triggers.retain(|trigger| trigger.from < end);
        for trigger in &mut triggers {
            trigger.until = trigger.until.filter(|until| *until < end);
        }
        triggers.sort_by_key(|trigger| trigger.from);
        triggers
    }

    /// The same without any trigger.
    pub fn without_triggers(&self) -> Model {
        let mut twin = self.clone();
        twin.faults.clear();
        twin.changes.retain(|change| !change.is_trigger);
        let ids: Vec<WorkloadId> = twin.workloads.ids().collect();
        for id in ids {
            if let Some(profile) = twin.workloads[id].arrivals.profile_mut() {
                let first = profile.points[0];
                profile.points.retain(|point| !point.is_trigger);
                // A profile begins at the start.
                if profile.points.first().is_none_or(|point| point.at > first.at) {
                    let rate = profile.points.first().map_or(first.rate, |point| point.rate);
                    profile.points.insert(0, super::RatePoint::new(first.at, rate));
                }
            }
        }
        twin
    }

    /// When a marked change is over: what it did itself, and the difference that it made to settings.
    fn end_of(&self, change: &Change, twin: &Model) -> Option<Time> {
        let replicas = |service: &ServiceId| self.service_at(*service, change.at).replicas;
        match &change.action {
            Action::Restart { service, subset, every } => {
                let turns = subset.of(replicas(service)).saturating_sub(1);
                let rolling = every.map_or(0, |every| every.as_nanos().saturating_mul(u64::from(turns)));
                Some(change.at + Span::from_nanos(rolling) + self.services[*service].startup)
            }
            Action::Drain { lasts, .. } => lasts.map(|lasts| change.at + lasts),
            Action::Set(_) | Action::Scale(_) => {
                let mut later: Vec<Time> = self.changes.iter().map(|it| it.at).filter(|at| *at > change.at).collect();
                later.sort_unstable();
                later.into_iter().find(|at| self.is_as_in(twin, *at))
            }
        }
    }

    /// Whether all settings are those of the twin at `time`, changes of that time included.
    fn is_as_in(&self, twin: &Model, time: Time) -> bool {
        self.services.ids().all(|id| self.service_at(id, time) == twin.service_at(id, time))
            && self.clients.ids().all(|id| self.client_at(id, time) == twin.client_at(id, time))
            && self.pools.ids().all(|id| self.permits_at(id, time) == twin.permits_at(id, time))
    }
}

impl Arrivals {
    fn profile(&self) -> Option<&Profile> {
        match self {
            Arrivals::Rated { process: Process::Even(profile) | Process::Poisson(profile), .. } => Some(profile),
            _ => None,
        }
    }

    fn profile_mut(&mut self) -> Option<&mut Profile> {
        match self {
            Arrivals::Rated { process: Process::Even(profile) | Process::Poisson(profile), .. } => Some(profile),
            _ => None,
        }
    }
}

/// From the last ordinary point before marked ones to the first one behind them.
fn marked_stretches(profile: &Profile) -> Vec<(Time, Option<Time>)> {
    let mut stretches = Vec::new();
    let mut open: Option<Time> = None;
    for (n, point) in profile.points.iter().enumerate() {
        match (point.is_trigger, open) {
            (true, None) => open = Some(profile.points[n.saturating_sub(1)].at),
            (false, Some(from)) => {
                stretches.push((from, Some(point.at)));
                open = None;
            }
            _ => {}
        }
    }
    stretches.extend(open.map(|from| (from, None)));
    stretches
}
