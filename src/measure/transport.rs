//! What messages and connections cost: counted by the time of the event, from the end of the warm-up on. Models without
//! transports have none of it.

use crate::base::time::{Span, Time};
use crate::base::units::Size;
use crate::mechanism::acceptor::Acceptance;
use crate::model::{Edge, EdgeId, Ids, Model};

use super::Detail;
use super::latency::Mark;
use super::level::Level;
use super::paths::Paths;
use super::results::{ConnectionResult, ConnectionSeries, EdgeMessages, ServiceMessages, TransportResults};
use super::spread::{self, SpreadMeter};
use super::stream::StreamMeter;
use super::sums::Sums;

/// See the module.
pub(super) struct TransportMeters {
    /// Start of the time that totals count.
    from: Time,
    detail: Detail,
    /// Where the time of requests goes, where all is measured.
    pub(super) paths: Option<Paths>,
    /// By service.
    spread: Vec<Option<SpreadMeter>>,
    /// By edge; those without a transport stay empty.
    edges: Vec<EdgeMessages>,
    services: Vec<ServiceMessages>,
    /// What they had counted up to the last point of the series, parallel to both; none of edges without a transport.
    last_edges: Vec<Option<LastMessages>>,
    last_services: Vec<[u128; 2]>,
    /// By channel.
    channels: Vec<ConnectionMeter>,
    /// By edge; those whose calls do not stream have none.
    streams: Vec<Option<Box<StreamMeter>>>,
}

#[derive(Clone, Copy, Default)]
struct LastMessages {
    messages: u64,
    bytes: u128,
    bytes_across: u128,
    network_nanos: u128,
    waits: Mark,
}

#[derive(Default)]
struct ConnectionMeter {
    /// Whether its client needs connections at all.
    is_used: bool,
    level: Level,
    opened: u64,
    peak: u32,
    before: u128,
    last: u128,
    /// Opened since the last point of the series.
    opened_since: u64,
    series: ConnectionSeries,
}

impl TransportMeters {
    /// `None` where no client has a transport.
    pub(super) fn new(model: &Model, edges: &Ids<EdgeId, Edge>, detail: Detail) -> Option<Box<TransportMeters>> {
        if !edges.iter().any(|edge| model.clients[edge.client].transport.is_some()) {
            return None;
        }
        let last_messages = |edge: &Edge| model.clients[edge.client].transport.is_some().then(LastMessages::default);
        let channels = model.channels(edges).list.into_iter().map(|channel| {
            let transport = model.clients[channel.client].transport.as_ref();
            ConnectionMeter { is_used: transport.is_some_and(|it| it.connects()), ..ConnectionMeter::default() }
        });
        let streams = edges.iter().map(|edge| {
            let is_read = model.clients[edge.client].transport.as_ref().is_some_and(|it| it.streams());
            (is_read && model.endpoints[edge.to].stream.is_some()).then(Box::default)
        });
        Some(Box::new(TransportMeters {
            streams: streams.collect(),
            from: Time::ZERO + model.warmup,
            detail,
            spread: spread::meters(model, edges),
            paths: (detail != Detail::Expectations).then(|| Paths::new(model.workloads.len())),
            edges: vec![EdgeMessages::default(); edges.len()],
            services: vec![ServiceMessages::default(); model.services.len()],
            last_edges: edges.iter().map(last_messages).collect(),
            last_services: vec![[0; 2]; model.services.len()],
            channels: channels.collect(),
        }))
    }

    /// What has been counted so far is left out of the totals.
    pub(super) fn start_totals(&mut self, now: Time) {
        for channel in &mut self.channels {
            channel.before = channel.level.integral(now);
            channel.opened = 0;
            channel.peak = channel.level.value();
        }
        self.streams.iter_mut().flatten().for_each(|stream| stream.start_totals(now));
    }

    /// What streams along an edge.
    pub(super) fn stream(&mut self, edge: u32) -> Option<&mut StreamMeter> {
        self.streams[edge as usize].as_deref_mut()
    }

    /// Ends a point of the series.
    pub(super) fn add_point(&mut self, now: Time, length: Span) {
        for channel in self.channels.iter_mut().filter(|channel| channel.is_used) {
            let reading = channel.level.integral(now);
            channel.series.open.push((reading - channel.last) as f64 / length.as_nanos() as f64);
            channel.series.opened.push(std::mem::take(&mut channel.opened_since));
            channel.last = reading;
        }
        self.spread.iter_mut().flatten().for_each(SpreadMeter::add_point);
    }

    /// Adds what tells how sure means are.
    pub(super) fn add_sums(&mut self, now: Time, sums: &mut Sums) {
        let secs = |now: u128, last: u128| (now - last) as f64 / 1e9;
        for ((it, last), sums) in self.edges.iter().zip(&mut self.last_edges).zip(&mut sums.messages) {
            let Some(last) = last else { continue };
            sums.bytes.push((it.bytes - last.bytes) as f64);
            sums.bytes_across.push((it.bytes_across - last.bytes_across) as f64);
            sums.network.secs.push(secs(it.network_nanos, last.network_nanos));
            sums.network.count.push(it.messages - last.messages);
            it.waits.add_point(0, &mut last.waits, &mut sums.waits);
            (last.messages, last.network_nanos) = (it.messages, it.network_nanos);
            (last.bytes, last.bytes_across) = (it.bytes, it.bytes_across);
        }
        if let Some(paths) = &mut self.paths {
            paths.add_sums(&mut sums.paths);
        }
        for (stream, sums) in self.streams.iter_mut().zip(&mut sums.messages) {
            if let Some(stream) = stream {
                stream.add_sums(now, sums.stream.get_or_insert_default());
            }
        }
        for ((it, last), sums) in self.services.iter().zip(&mut self.last_services).zip(&mut sums.message_cpu) {
            sums.encoding.push(secs(it.encoding_nanos, last[0]));
            sums.handshakes.push(secs(it.handshake_nanos, last[1]));
            *last = [it.encoding_nanos, it.handshake_nanos];
        }
    }

    #[inline]
    pub(super) fn lands(&mut self, service: u32, replica: u32, now: Time) {
        if let Some(Some(spread)) = self.spread.get_mut(service as usize) {
            spread.lands(replica, now, self.from);
        }
    }

    #[inline]
    pub(super) fn connected(&mut self, edge: u32, now: Time, waited: Span) {
        if now >= self.from && self.detail != Detail::Expectations {
            self.edges[edge as usize].waits.record(waited);
        }
    }

    #[inline]
    pub(super) fn travelled(&mut self, edge: u32, now: Time, span: Span, bytes: Size, is_across: bool) {
        if now >= self.from {
            let it = &mut self.edges[edge as usize];
            it.messages += 1;
            it.bytes += u128::from(bytes.as_bytes());
            it.bytes_across += if is_across { u128::from(bytes.as_bytes()) } else { 0 };
            it.network_nanos += u128::from(span.as_nanos());
        }
    }

    /// Both at once, within one zone.
    #[inline]
    pub(super) fn set_off(&mut self, edge: u32, now: Time, waited: Span, span: Span, bytes: Size) {
        if now >= self.from {
            let it = &mut self.edges[edge as usize];
            if self.detail != Detail::Expectations {
                it.waits.record(waited);
            }
            it.messages += 1;
            it.bytes += u128::from(bytes.as_bytes());
            it.network_nanos += u128::from(span.as_nanos());
        }
    }

    pub(super) fn connections(&mut self, channel: u32, now: Time, change: i32, opened: u32) {
        let channel = &mut self.channels[channel as usize];
        channel.level.add(now, change);
        channel.opened += u64::from(opened);
        channel.opened_since += u64::from(opened);
        channel.peak = channel.peak.max(channel.level.value());
    }

    pub(super) fn encodes(&mut self, service: u32, frame: u32, now: Time, cpu: Span) {
        if let Some(paths) = &mut self.paths {
            paths.encodes(frame, now, cpu);
        }
        if now >= self.from {
            self.services[service as usize].encoding_nanos += u128::from(cpu.as_nanos());
        }
    }

    pub(super) fn comes_in(&mut self, service: u32, now: Time, how: Acceptance) {
        if now >= self.from {
            let it = &mut self.services[service as usize];
            it.connections_waited += u64::from(how == Acceptance::Waits);
            it.connections_ignored += u64::from(how == Acceptance::Ignored);
        }
    }

    pub(super) fn shook_hands(&mut self, service: u32, now: Time, cpu: Span) {
        if now >= self.from {
            let it = &mut self.services[service as usize];
            it.handshakes += 1;
            it.handshake_nanos += u128::from(cpu.as_nanos());
        }
    }

    /// Totals and series at the end of the run.
    pub(super) fn finish(self, end: Time) -> TransportResults {
        let channels = self.channels.into_iter().map(|channel| {
            let open_nanos = channel.level.integral(end) - channel.before;
            let (opened, peak) = (channel.opened, channel.peak);
            channel.is_used.then_some(ConnectionResult { open_nanos, opened, peak, series: channel.series })
        });
        let mut edges = self.edges;
        for (edge, stream) in edges.iter_mut().zip(self.streams) {
            edge.stream = stream.map(|stream| Box::new(stream.finish(end)));
        }
        let paths = self.paths.map_or_else(Vec::new, Paths::finish);
        let spread = self.spread.into_iter().map(|it| it.map(SpreadMeter::finish)).collect();
        TransportResults { edges, services: self.services, channels: channels.collect(), paths, spread }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_are_integrated_and_counted_as_they_open() {
        let at = |secs| Time::ZERO + Span::from_secs(secs);
        let mut meters = TransportMeters {
            from: at(10),
            detail: Detail::All,
            paths: None,
            spread: vec![],
            edges: vec![EdgeMessages::default()],
            services: vec![ServiceMessages::default()],
            last_edges: vec![Some(LastMessages::default())],
            last_services: vec![[0; 2]],
            channels: vec![ConnectionMeter { is_used: true, ..ConnectionMeter::default() }],
            streams: vec![None],
        };
        meters.connections(0, at(0), 4, 4);
        meters.start_totals(at(10));
        meters.connections(0, at(12), -1, 1);
        meters.connections(0, at(16), 2, 2);
        meters.encodes(0, 0, at(5), Span::from_secs(1));
        meters.encodes(0, 0, at(15), Span::from_secs(2));
        meters.travelled(0, at(15), Span::from_millis(3), Size::from_bytes(100), true);
        let mut sums =
            Sums { messages: vec![Default::default()], message_cpu: vec![Default::default()], ..Sums::default() };
        meters.add_sums(at(16), &mut sums);
        let results = meters.finish(at(20));
        assert_eq!((&sums.message_cpu[0].encoding, &sums.messages[0].network.secs), (&vec![2.0], &vec![0.003]));
        let connections = results.channels[0].as_ref().unwrap();
        assert_eq!((connections.opened, connections.peak), (3, 5));
        // 4 for 2 s, 3 for 4 s, 5 for 4 s.
        assert_eq!(connections.open_nanos, 40_000_000_000);
        assert_eq!(results.services[0].encoding_nanos, 2_000_000_000);
        assert_eq!((results.edges[0].messages, results.edges[0].bytes), (1, 100));
    }
}
