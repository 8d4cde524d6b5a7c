//! A run and its twin side by side: what stands where in both, and sums over stretches of bins.

use crate::base::time::{Span, Time};
use crate::measure::{Causes, ConsumerBin, EdgeBin, GroupBin, OUTCOMES, Results, ServiceBin, TopicBin, WorkloadBin};
use crate::model::{
    Arrivals, Caller, Edge, EdgeId, Group, Id, Ids, Limit, Model, ServiceId, TopicId, Trigger, WorkloadId,
};

/// See the module.
pub(super) struct Runs<'a> {
    pub(super) model: &'a Model,
    pub(super) results: &'a Results,
    pub(super) main: &'a Causes,
    /// Of the twin; `None` for a run in which nothing goes wrong.
    pub(super) twin: Option<(&'a Results, &'a Causes)>,
    pub(super) edges: Ids<EdgeId, Edge>,
    pub(super) edge_names: Vec<String>,
    pub(super) triggers: Vec<Trigger>,
    /// Groups of consumers.
    pub(super) groups: Vec<Group>,
    /// Bins of both runs.
    pub(super) bins: usize,
    /// The first bin behind the warm-up.
    pub(super) warm: usize,
    /// Failures along an edge, by edge: the places in `main.failures`.
    failures: Vec<Vec<usize>>,
    twin_failures: Vec<Vec<usize>>,
}

/// What of failures is asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Failing {
    /// Attempts that ended so.
    Ended,
    /// Those after which there was another one.
    Retried,
    /// Calls that ended their caller.
    Fatal,
}

/// Which of the two runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Which {
    Main,
    Twin,
}

impl<'a> Runs<'a> {
    pub(super) fn new(model: &'a Model, results: &'a Results, twin: Option<&'a Results>) -> Option<Runs<'a>> {
        let triggers = model.triggers();
        let main = results.causes.as_deref()?;
        let twin = twin.filter(|_| !triggers.is_empty()).and_then(|twin| Some((twin, twin.causes.as_deref()?)));
        let is_whole = !results.interrupted && twin.is_none_or(|(twin, _)| !twin.interrupted);
        if !is_whole || main.bins == 0 || (twin.is_none() && !triggers.is_empty()) {
            return None;
        }
        let edges = model.edges();
        let by_edge = |causes: &Causes| {
            let mut places = vec![Vec::new(); edges.len()];
            causes.failures.iter().enumerate().for_each(|(n, failures)| places[failures.edge as usize].push(n));
            places
        };
        let bins = twin.map_or(main.bins, |(_, twin)| twin.bins.min(main.bins));
        Some(Runs {
            failures: by_edge(main),
            twin_failures: twin.map_or_else(|| vec![Vec::new(); edges.len()], |(_, twin)| by_edge(twin)),
            edge_names: edges.iter().map(|edge| edge_name(model, edge)).collect(),
            warm: if model.warmup.is_zero() { 0 } else { main.bin_of(Time::ZERO + model.warmup) },
            model,
            results,
            main,
            twin,
            edges,
            groups: if main.messages.is_empty() { Vec::new() } else { model.groups() },
            triggers,
            bins,
        })
    }

    /// The twin, as a run of its own in which nothing goes wrong.
    pub(super) fn of_twin(&self) -> Option<Runs<'a>> {
        let (results, main) = self.twin?;
        Some(Runs {
            model: self.model,
            results,
            main,
            twin: None,
            edges: self.edges.clone(),
            edge_names: self.edge_names.clone(),
            triggers: Vec::new(),
            groups: self.groups.clone(),
            bins: self.bins,
            warm: self.warm,
            failures: self.twin_failures.clone(),
            twin_failures: vec![Vec::new(); self.edges.len()],
        })
    }

    pub(super) fn causes(&self, which: Which) -> Option<&'a Causes> {
        match which {
            Which::Main => Some(self.main),
            Which::Twin => self.twin.map(|(_, causes)| causes),
        }
    }

    pub(super) fn bin_secs(&self) -> f64 {
        self.main.bin.as_secs_f64()
    }

    pub(super) fn start(&self, bin: usize) -> Time {
        self.main.start(bin).min(self.results.ended)
    }

    /// So many bins as `span` takes; at least one.
    pub(super) fn bins_of(&self, span: Span) -> usize {
        usize::try_from(span.as_nanos().div_ceil(self.main.bin.as_nanos())).unwrap_or(usize::MAX).max(1)
    }

    pub(super) fn callee(&self, edge: usize) -> usize {
        self.model.endpoints[self.edge(edge).to].service.index()
    }

    pub(super) fn edge(&self, edge: usize) -> &Edge {
        &self.edges[EdgeId::new(edge)]
    }

    pub(super) fn service_name(&self, id: usize) -> &'a str {
        &self.model.services[ServiceId::new(id)].name
    }

    pub(super) fn workload_name(&self, id: usize) -> &'a str {
        &self.model.workloads[WorkloadId::new(id)].name
    }

    /// Edges along which a service calls.
    pub(super) fn out_of(&self, service: usize) -> impl Iterator<Item = usize> + '_ {
        let caller = Caller::Service(ServiceId::new(service));
        (0..self.edges.len()).filter(move |edge| self.edge(*edge).from == caller)
    }

    /// Edges along which a service is called.
    pub(super) fn into(&self, service: usize) -> impl Iterator<Item = usize> + '_ {
        (0..self.edges.len()).filter(move |edge| self.callee(*edge) == service)
    }

    /// Edges along which a workload's users call.
    pub(super) fn entries(&self, workload: usize) -> impl Iterator<Item = usize> + '_ {
        let caller = Caller::Workload(WorkloadId::new(workload));
        (0..self.edges.len()).filter(move |edge| self.edge(*edge).from == caller)
    }

    /// Whether what users ask for depends on what they get.
    pub(super) fn is_closed(&self, workload: usize) -> bool {
        let workload = &self.model.workloads[WorkloadId::new(workload)];
        matches!(workload.arrivals, Arrivals::Users { .. }) || workload.session.single().is_none()
    }

    /// Threads of all replicas at the start of a bin, where they are limited.
    pub(super) fn threads(&self, service: usize, bin: usize) -> Option<f64> {
        let service = self.model.service_at(ServiceId::new(service), self.start(bin));
        service.threads_in_all().map(|threads| threads as f64)
    }

    /// Waiting places of all replicas at the start of a bin, where they are limited.
    pub(super) fn places(&self, service: usize, bin: usize) -> Option<f64> {
        let service = self.model.service_at(ServiceId::new(service), self.start(bin));
        match service.queue {
            Limit::Unlimited => None,
            Limit::AtMost(places) => Some(f64::from(places) * f64::from(service.replicas)),
        }
    }

    pub(super) fn service_sum(&self, which: Which, id: usize, bins: (usize, usize), of: fn(&ServiceBin) -> f64) -> f64 {
        let Some(causes) = self.causes(which) else { return 0.0 };
        (bins.0..bins.1.min(self.bins)).map(|bin| of(causes.service(bin, id))).sum()
    }

    pub(super) fn edge_sum(&self, which: Which, id: usize, bins: (usize, usize), of: fn(&EdgeBin) -> f64) -> f64 {
        let Some(causes) = self.causes(which) else { return 0.0 };
        (bins.0..bins.1.min(self.bins)).map(|bin| of(causes.edge(bin, id))).sum()
    }

    pub(super) fn workload_sum(
        &self,
        which: Which,
        id: usize,
        bins: (usize, usize),
        of: fn(&WorkloadBin) -> f64,
    ) -> f64 {
        let Some(causes) = self.causes(which) else { return 0.0 };
        (bins.0..bins.1.min(self.bins)).map(|bin| of(causes.workload(bin, id))).sum()
    }

    pub(super) fn group_sum(&self, which: Which, id: usize, bins: (usize, usize), of: fn(&GroupBin) -> f64) -> f64 {
        let Some(causes) = self.causes(which) else { return 0.0 };
        (bins.0..bins.1.min(self.bins)).map(|bin| of(causes.messages.group(bin, id))).sum()
    }

    pub(super) fn topic_sum(&self, which: Which, id: usize, bins: (usize, usize), of: fn(&TopicBin) -> f64) -> f64 {
        let Some(causes) = self.causes(which) else { return 0.0 };
        (bins.0..bins.1.min(self.bins)).map(|bin| of(causes.messages.topic(bin, id))).sum()
    }

    /// Summed up over the consumers of a group, too.
    pub(super) fn workers_sum(
        &self,
        which: Which,
        group: usize,
        bins: (usize, usize),
        of: fn(&ConsumerBin) -> f64,
    ) -> f64 {
        let Some(causes) = self.causes(which) else { return 0.0 };
        let of_bin = |bin: usize| -> f64 {
            self.groups[group].consumers.iter().map(|id| of(causes.messages.consumer(bin, id.index()))).sum()
        };
        (bins.0..bins.1.min(self.bins)).map(of_bin).sum()
    }

    /// Mean over bins of something at a group, less that of the twin.
    pub(super) fn group_excess(&self, id: usize, bins: (usize, usize), of: fn(&GroupBin) -> f64) -> f64 {
        let sum = |which| self.group_sum(which, id, bins, of);
        (sum(Which::Main) - sum(Which::Twin)) / (bins.1.min(self.bins).saturating_sub(bins.0).max(1)) as f64
    }

    /// What a group is called.
    pub(super) fn group_name(&self, id: usize) -> String {
        self.model.group_name(&self.groups[id])
    }

    /// Whose messages a group reads.
    pub(super) fn topic_of(&self, group: usize) -> usize {
        self.groups[group].topic.index()
    }

    pub(super) fn topic_name(&self, id: usize) -> &'a str {
        &self.model.topics[TopicId::new(id)].name
    }

    /// Whether an edge leads from a consumer of a group to its handler.
    pub(super) fn is_of_group(&self, edge: usize, group: usize) -> bool {
        matches!(self.edge(edge).from, Caller::Consumer(id) if self.groups[group].consumers.contains(&id))
    }

    /// Services that publish to a topic.
    pub(super) fn publishers(&self, topic: usize) -> Vec<usize> {
        (0..self.model.services.len()).filter(|id| super::blame::publishes_to(self, *id, &[topic])).collect()
    }

    /// Services that handle the messages of a group.
    pub(super) fn handlers(&self, group: usize) -> Vec<usize> {
        let handler = |id| self.model.endpoints[self.model.consumers[id].handler].service.index();
        let mut services: Vec<usize> = self.groups[group].consumers.iter().map(|id| handler(*id)).collect();
        services.dedup();
        services
    }

    /// Mean over bins of a level at a service, less that of the twin.
    pub(super) fn service_excess(&self, id: usize, bins: (usize, usize), of: fn(&ServiceBin) -> f64) -> f64 {
        let sum = |which| self.service_sum(which, id, bins, of);
        (sum(Which::Main) - sum(Which::Twin)) / (bins.1.min(self.bins).saturating_sub(bins.0).max(1)) as f64
    }

    /// Mean over bins of something at an edge, less that of the twin.
    pub(super) fn edge_excess(&self, id: usize, bins: (usize, usize), of: fn(&EdgeBin) -> f64) -> f64 {
        let sum = |which| self.edge_sum(which, id, bins, of);
        (sum(Which::Main) - sum(Which::Twin)) / (bins.1.min(self.bins).saturating_sub(bins.0).max(1)) as f64
    }

    /// Failures along an edge, bin by bin: pairs of a bin and counts by outcome.
    pub(super) fn failures(&self, which: Which, edge: usize, what: Failing) -> Vec<(usize, [u32; OUTCOMES])> {
        let (Some(causes), places) = (
            self.causes(which),
            match which {
                Which::Main => &self.failures[edge],
                Which::Twin => &self.twin_failures[edge],
            },
        ) else {
            return Vec::new();
        };
        let of = |place: &usize| {
            let failures = &causes.failures[*place];
            let counts = match what {
                Failing::Ended => failures.ended,
                Failing::Retried => failures.retried,
                Failing::Fatal => failures.fatal,
            };
            (failures.bin as usize, counts)
        };
        places.iter().map(of).collect()
    }

    /// The same summed up over bins.
    pub(super) fn failed(&self, which: Which, edge: usize, bins: (usize, usize), what: Failing) -> [u64; OUTCOMES] {
        let mut sums = [0; OUTCOMES];
        for (_, counts) in self.failures(which, edge, what).iter().filter(|(bin, _)| (bins.0..bins.1).contains(bin)) {
            sums.iter_mut().zip(counts).for_each(|(sum, count)| *sum += u64::from(*count));
        }
        sums
    }

    /// Last bins of the run: what it looks like at its end.
    pub(super) fn tail(&self, after: usize) -> (usize, usize) {
        let left = self.bins.saturating_sub(after);
        let fifth = (left / 5).max(self.bins_of(Span::from_secs(1)).min(left));
        (self.bins - fifth.min(self.bins), self.bins)
    }
}

/// `caller -> service`, as stories show it.
fn edge_name(model: &Model, edge: &Edge) -> String {
    let from = match edge.from {
        Caller::Workload(id) => &model.workloads[id].name,
        Caller::Service(id) => &model.services[id].name,
        Caller::Consumer(id) => &model.consumers[id].name,
    };
    format!("{from} -> {}", model.services[model.endpoints[edge.to].service].name)
}
