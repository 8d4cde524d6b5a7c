//! What happens when a point of the series ends, and when the totals begin.

use super::*;

impl Meter {
    /// What has been counted so far is left out of the totals.
    pub(super) fn start_totals(&mut self, now: Time) {
        for service in &mut self.services {
            service.rare.before = service.read(now);
        }
        for edge in &mut self.edges {
            edge.rare.before = edge.read(now);
        }
        self.resources.start_totals(now);
        if let Some(transport) = &mut self.transport {
            transport.start_totals(now);
        }
        if let Some(messaging) = &mut self.messaging {
            messaging.start_totals(now);
        }
        if let Some(resilience) = &mut self.resilience {
            resilience.start_totals(now);
        }
    }

    /// Ends a point of the series at `now`.
    pub(super) fn add_point(&mut self, now: Time, length: Span) {
        self.add_sums(now);
        self.series.points += 1;
        for (meter, series) in self.workloads.iter_mut().zip(&mut self.series.workloads) {
            meter.add_point(series);
        }
        for (meter, series) in self.services.iter_mut().zip(&mut self.series.services) {
            meter.add_point(series, now, length);
        }
        self.resources.add_point(now, length);
        if let Some(transport) = &mut self.transport {
            transport.add_point(now, length);
        }
        if let Some(messaging) = &mut self.messaging {
            messaging.add_point(now, length);
        }
        if let Some(resilience) = &mut self.resilience {
            resilience.add_point(now, length);
        }
        let shares: Vec<_> = self.channels.iter_mut().map(|channel| channel.shares(now, length)).collect();
        for (meter, series) in self.edges.iter_mut().zip(&mut self.series.edges) {
            meter.add_point(series, shares[meter.rare.channel as usize], now, length);
        }
    }
}
