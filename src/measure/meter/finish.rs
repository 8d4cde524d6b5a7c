//! The end of a run: what the meter has counted becomes its results.

use super::*;

impl Meter {
    pub(super) fn results(mut self, end: End) -> Results {
        let started = self.tick - self.interval;
        if end.at > started {
            self.add_point(end.at, end.at.since(started));
        }
        if end.at < self.from {
            self.start_totals(end.at);
        }
        self.pass_windows(end.at);
        let messaging = self.messaging.as_deref_mut();
        let causes = self.causes.take().map(|it| Box::new(it.finish(end.at, &self.services, &self.edges, messaging)));
        let measured = self
            .windows
            .iter()
            .map(|window| if end.interrupted && window.until > end.at { None } else { window.value() })
            .collect();
        let (workloads, edges, services) = (self.workloads.len(), self.edges.len(), self.services.len());
        let mut latencies = self.recorder.into_latencies().into_iter();
        let mut take = |count: usize| -> Vec<Latency> { latencies.by_ref().take(count).collect() };
        let (pools, caches, pool_series, cache_series) = self.resources.finish(end.at);
        let (of_workloads, of_edges, waits, sojourns) = (take(workloads), take(edges), take(services), take(services));
        let medians: Vec<Option<Span>> = of_workloads.iter().map(|it| it.quantile(0.5)).collect();
        Results {
            ended: end.at,
            interrupted: end.interrupted,
            events: end.events,
            workloads: self
                .workloads
                .into_iter()
                .zip(of_workloads)
                .map(|(meter, latency)| WorkloadResult { latency, ..meter.result })
                .collect(),
            services: self
                .services
                .into_iter()
                .zip(waits)
                .zip(sojourns)
                .map(|((meter, wait), sojourn)| meter.result(end.at, wait, sojourn))
                .collect(),
            edges: self.edges.into_iter().zip(of_edges).map(|(meter, latency)| meter.result(end.at, latency)).collect(),
            pools,
            caches,
            transport: self.transport.map(|transport| transport.finish(end.at)),
            resilience: self.resilience.map(|resilience| Box::new(resilience.finish(end.at))),
            messaging: self.messaging.map(|messaging| messaging.finish(end.at)),
            measured_half_widths: self.windows.iter().map(Window::half_width).collect(),
            measured,
            sums: self.sums,
            causes,
            traces: self.traces.map(|it| Box::new(it.finish(end.at, &medians))),
            series: Series { pools: pool_series, caches: cache_series, ..self.series },
        }
    }
}
