//! The producer itself: who is told what, and what follows from it.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use super::super::log::{Append, Log};
use super::super::transaction::TransactionId;
use super::super::{Node, Partition, ProducerId};
use super::batches::{Batches, Key};
use super::{
    Answer, Batch, Fate, Lane, Lot, NOTHING, Offer, Place, ProducerSettings, Readiness, Record, Request, RequestId,
    Stamp, Waiter, retry_backoff,
};
use crate::base::time::{Span, Time};

/// A producer of Kafka, as the client library is. Times never go back from one call to the next, and [`Producer::advance`] is called when
/// [`Producer::wake_at`] says.
#[derive(Clone, Debug)]
pub struct Producer<M> {
    id: ProducerId,
    settings: ProducerSettings,
    batches: Batches<M>,
    /// By partition.
    places: Vec<Place>,
    /// Of partitions for which there is something; the others are free.
    lots: Vec<Lot>,
    free_lots: Vec<u32>,
    lanes: Vec<Lane>,
    requests: Vec<Request>,
    free_requests: Vec<u32>,
    /// Memory that is left.
    memory: u64,
    blocked: VecDeque<Waiter<M>>,
    /// Batches that wait for more records, and until when; the oldest first. Some have gone since.
    lingering: VecDeque<(Time, Key)>,
    /// Partitions that wait before they send again, the first first. Some wait for longer by now.
    backing_off: BinaryHeap<Reverse<(Time, Partition)>>,
}

impl<M: Copy> Producer<M> {
    /// The producer of one client for `partitions`, led by some of `nodes`. At first nobody leads any.
    pub fn new(id: ProducerId, settings: ProducerSettings, partitions: u32, nodes: u32) -> Producer<M> {
        debug_assert!(settings.max_in_flight > 0, "somebody must be on his way");
        Producer {
            id,
            settings,
            batches: Batches::new(),
            places: vec![Place { lot: NOTHING, leader: None, next_sequence: 0 }; partitions as usize],
            lots: Vec::new(),
            free_lots: Vec::new(),
            lanes: vec![Lane::default(); nodes as usize],
            requests: Vec::new(),
            free_requests: Vec::new(),
            memory: settings.buffer_memory.as_bytes(),
            blocked: VecDeque::new(),
            lingering: VecDeque::new(),
            backing_off: BinaryHeap::new(),
        }
    }

    /// Who leads a partition from now on; `None` while nobody does, and nothing is sent there.
    pub fn set_leader(&mut self, now: Time, partition: Partition, leader: Option<Node>) {
        let old = self.leader(partition);
        if old == leader {
            return;
        }
        let number = |node: Node| u16::try_from(node.0).expect("fewer than 2^16 nodes lead partitions");
        self.places[partition.index()].leader = leader.map(number);
        let Some(lot) = self.lots.get_mut(self.places[partition.index()].lot as usize) else { return };
        if let Some(old) = old {
            let lane = &mut self.lanes[old.index()];
            lane.ready -= u32::from(lot.readiness == Readiness::Ready);
            if lot.is_listed {
                lane.sendable.retain(|other| *other != partition);
            }
        }
        (lot.readiness, lot.is_listed) = (Readiness::No, false);
        self.look_at(now, partition);
    }

    fn leader(&self, partition: Partition) -> Option<Node> {
        self.places[partition.index()].leader.map(|node| Node(node.into()))
    }

    /// What it has for a partition, if anything.
    #[inline]
    fn lot(&self, partition: Partition) -> Option<&Lot> {
        self.lots.get(self.places[partition.index()].lot as usize)
    }

    /// What it has for a partition for which there is something, or is about to be.
    #[inline]
    fn lot_mut(&mut self, partition: Partition) -> &mut Lot {
        let place = &mut self.places[partition.index()].lot;
        if *place == NOTHING {
            *place = self.free_lots.pop().unwrap_or_else(|| {
                self.lots.push(Lot::default());
                self.lots.len() as u32 - 1
            });
        }
        &mut self.lots[*place as usize]
    }

    /// A record is to be sent to `partition`. Afterwards [`Producer::take_request`] may have something for the
    /// partition's leader.
    #[inline]
    pub fn offer(&mut self, now: Time, partition: Partition, payload: M, bytes: u32) -> Offer {
        let record = Record { payload, bytes };
        if let Some(is_full) = self.add(now, partition, record) {
            return Offer::Buffered { is_full };
        }
        let size = self.size_of(record);
        if u64::from(size) > self.settings.max_request.as_bytes().min(self.settings.buffer_memory.as_bytes()) {
            return Offer::TooLarge;
        }
        let memory = self.memory_for(record);
        if self.blocked.is_empty() && memory <= self.memory {
            return Offer::Buffered { is_full: self.begin(now, partition, record) };
        }
        self.blocked.push_back(Waiter { partition, record, due: now + self.settings.max_block });
        Offer::Blocked
    }

    /// Sends a request to `node`, if there is something to send and not too much on its way. Ask again until it is `None`.
    /// See [`Producer::batches`] for what is in it.
    pub fn take_request(&mut self, now: Time, node: Node) -> Option<RequestId> {
        let lane = &self.lanes[node.index()];
        if lane.in_flight.len() >= self.settings.max_in_flight as usize || !self.is_time(node) {
            return None;
        }
        let id = self.open_request(now, node);
        let most = self.settings.max_request.as_bytes();
        let mut sum = 0;
        let mut batches = std::mem::take(&mut self.requests[id.place as usize].batches);
        // Each partition once: those that have more join the end of the line.
        for _ in 0..self.lanes[node.index()].sendable.len() {
            let lane = &mut self.lanes[node.index()];
            let Some(partition) = lane.sendable.front().copied() else { break };
            let of_partition = &mut self.places[partition.index()];
            let Some(lot) = self.lots.get_mut(of_partition.lot as usize) else { break };
            let Some(place) = lot.waiting.front().copied() else { break };
            let entry = self.batches.get_mut(place);
            let bytes = u64::from(entry.bytes);
            if sum > 0 && sum + bytes > most {
                break;
            }
            sum += bytes;
            lane.sendable.pop_front();
            lot.waiting.pop_front();
            lot.is_listed = false;
            entry.depart();
            if self.settings.is_idempotent && entry.sequence().is_none() {
                entry.set_sequence(of_partition.next_sequence);
                of_partition.next_sequence += 1;
                lot.numbered.push_back(place);
            }
            batches.push(self.batches.key(place));
            self.look_at(now, partition);
        }
        self.requests[id.place as usize].batches = batches;
        self.lanes[node.index()].in_flight.push_back(id);
        self.stop_lingering();
        Some(id)
    }

    /// The batches of a request that is on its way; those that have failed meanwhile are missing, and all are when it is
    /// not waited for any more: who stores it later still must have taken a copy.
    pub fn batches(&self, request: RequestId) -> impl Iterator<Item = Batch<'_, M>> {
        self.entries(request).map(|place| self.batch(place))
    }

    /// Stores one of these batches in the log of its partition; see [`Log::append`].
    #[inline]
    pub fn store(
        &self,
        now: Time,
        batch: &Batch<'_, M>,
        transaction: Option<TransactionId>,
        log: &mut Log<M>,
    ) -> Append {
        let appended = log.append(now, batch.stamp, transaction, batch.bytes, batch.records);
        match batch.stamp {
            // All before it are acknowledged or given up: what is missing will never come.
            Some(stamp) if appended == Append::OutOfOrder && self.is_first(batch.partition, stamp) => {
                log.skip_to(stamp);
                log.append(now, batch.stamp, transaction, batch.bytes, batch.records)
            }
            _ => appended,
        }
    }

    /// Whether nothing before a numbered batch is unsettled.
    fn is_first(&self, partition: Partition, stamp: Stamp) -> bool {
        let first = self.lot(partition).and_then(|lot| lot.numbered.front());
        first.and_then(|first| self.batches.get(*first).sequence()) == Some(stamp.sequence)
    }

    /// The places of those batches.
    fn entries(&self, request: RequestId) -> impl Iterator<Item = u32> {
        let open = self.requests.get(request.place as usize).filter(|it| it.is_open && it.number == request.number);
        let keys = open.map_or(&[][..], |open| &open.batches);
        keys.iter().filter_map(|key| self.batches.find(*key))
    }

    /// Bytes and number of the records in the batches of a request that is on its way, and the first of them.
    pub fn load(&self, request: RequestId) -> Option<(u64, u32, &M)> {
        let mut entries = self.entries(request).map(|place| self.batches.get(place));
        let first = entries.next()?;
        let (mut bytes, mut records) = (u64::from(first.bytes), first.records.len());
        for entry in entries {
            bytes += u64::from(entry.bytes);
            records += entry.records.len();
        }
        Some((bytes, u32::try_from(records).expect("a request is not so large"), &first.records.first()?.payload))
    }

    /// What is on its way to a node, the oldest first.
    pub fn in_flight(&self, node: Node) -> impl Iterator<Item = RequestId> {
        self.lanes[node.index()].in_flight.iter().copied()
    }

    /// The broker answers a request: `answer` says what became of each partition's batch. `draw` gives numbers that are
    /// uniform in (0, 1), one for each batch that is sent again. `tell` hears of every record that is settled, and of those
    /// who waited for memory. `false` when it was not waited for any more. Afterwards [`Producer::take_request`] may have
    /// something for any node.
    pub fn answer(
        &mut self,
        now: Time,
        request: RequestId,
        mut answer: impl FnMut(Partition) -> Answer,
        mut draw: impl FnMut() -> f64,
        mut tell: impl FnMut(M, Fate),
    ) -> bool {
        let Some(node) = self.node_of(request) else { return false };
        take_out(&mut self.lanes[node.index()].in_flight, request);
        self.close_request(now, request, &mut answer, &mut draw, &mut tell);
        self.admit(now, &mut tell);
        true
    }

    /// The connection to a node is gone, and all that was on its way there: it is sent again.
    pub fn disconnected(
        &mut self,
        now: Time,
        node: Node,
        mut draw: impl FnMut() -> f64,
        mut tell: impl FnMut(M, Fate),
    ) {
        self.disconnect(now, node, &mut draw, &mut tell);
        self.admit(now, &mut tell);
    }

    /// Its process dies, and with it all that it has: `is_stored` says of each batch on its way whether a node has it
    /// already. `tell` hears of every record; nothing is sent of them any more.
    pub fn dies(&mut self, now: Time, is_stored: impl Fn(RequestId, Partition) -> bool, mut tell: impl FnMut(M, Fate)) {
        for node in 0..self.lanes.len() {
            while let Some(id) = self.lanes[node].in_flight.pop_front() {
                let answer = |partition| if is_stored(id, partition) { Answer::Stored } else { Answer::Refused };
                self.close_request(now, id, &mut { answer }, &mut || 0.0, &mut tell);
            }
        }
        while let Some(place) = self.batches.oldest() {
            self.settle(now, place, Fate::Failed, &mut tell);
        }
        self.blocked.drain(..).for_each(|waiter| tell(waiter.record.payload, Fate::Refused));
        self.lingering.clear();
    }

    /// Time has passed: what waits too long fails or is sent again. Arguments as in [`Producer::answer`]. Afterwards
    /// [`Producer::take_request`] may have something for any node.
    pub fn advance(&mut self, now: Time, mut draw: impl FnMut() -> f64, mut tell: impl FnMut(M, Fate)) {
        while self.blocked.front().is_some_and(|waiter| waiter.due <= now) {
            if let Some(waiter) = self.blocked.pop_front() {
                tell(waiter.record.payload, Fate::Refused);
            }
        }
        let timeout = self.settings.delivery_timeout;
        while let Some(place) = self.batches.oldest().filter(|place| self.batches.get(*place).begun + timeout <= now) {
            self.settle(now, place, Fate::Failed, &mut tell);
        }
        for node in 0..self.lanes.len() as u32 {
            let oldest = self.lanes[node as usize].in_flight.front();
            if oldest.is_some_and(|id| self.requests[id.place as usize].due <= now) {
                self.disconnect(now, Node(node), &mut draw, &mut tell);
            }
        }
        while let Some((_, key)) = self.lingering.front().copied().filter(|(due, _)| *due <= now) {
            self.lingering.pop_front();
            if let Some(place) = self.batches.find(key) {
                self.batches.get_mut(place).has_lingered = true;
                let partition = self.batches.get(place).partition;
                self.look_at(now, partition);
            }
        }
        while let Some(Reverse((_, partition))) =
            self.backing_off.peek().copied().filter(|Reverse((due, _))| *due <= now)
        {
            self.backing_off.pop();
            self.look_at(now, partition);
        }
        self.admit(now, &mut tell);
    }

    /// When [`Producer::advance`] has something to do next; it may turn out to be nothing.
    pub fn wake_at(&self) -> Option<Time> {
        let timeout = self.settings.delivery_timeout;
        let blocked = self.blocked.front().map(|waiter| waiter.due);
        let delivery = self.batches.oldest().map(|place| self.batches.get(place).begun + timeout);
        let lingering = self.lingering.front().map(|(due, _)| *due);
        let backing_off = self.backing_off.peek().map(|Reverse((due, _))| *due);
        let oldest = self.lanes.iter().filter_map(|lane| lane.in_flight.front());
        let request = oldest.map(|id| self.requests[id.place as usize].due).min();
        [blocked, delivery, lingering, backing_off, request].into_iter().flatten().min()
    }

    /// After [`Producer::offer`] and [`Producer::take_request`], [`Producer::wake_at`] is no earlier than it was, or than so
    /// long after now.
    pub fn patience(&self) -> Span {
        let it = &self.settings;
        let linger = if it.linger.is_zero() { Span::MAX } else { it.linger };
        linger.min(it.max_block).min(it.delivery_timeout).min(it.request_timeout)
    }

    /// Memory in use, in bytes.
    pub fn buffered(&self) -> u64 {
        self.settings.buffer_memory.as_bytes() - self.memory
    }

    /// Records whose callers wait for memory.
    pub fn blocked(&self) -> usize {
        self.blocked.len()
    }

    /// Batches that are neither acknowledged nor have failed.
    pub fn pending(&self) -> usize {
        self.batches.len()
    }

    /// How many batches wait to be sent to each partition, in order: what an adaptive
    /// [`Partitioner`](super::super::Partitioner) weighs.
    pub fn queues(&self) -> impl Iterator<Item = u32> {
        self.places.iter().map(|place| self.lots.get(place.lot as usize).map_or(0, |lot| lot.waiting.len() as u32))
    }

    #[inline(always)]
    fn batch(&self, place: u32) -> Batch<'_, M> {
        let entry = self.batches.get(place);
        let stamp = entry.sequence().map(|sequence| Stamp { producer: self.id, sequence });
        Batch { partition: entry.partition, stamp, bytes: entry.bytes.into(), records: &entry.records }
    }

    /// The bytes of a record on the way.
    fn size_of(&self, record: Record<M>) -> u32 {
        let share = self.settings.compression.as_f64();
        if share == 1.0 { record.bytes } else { (f64::from(record.bytes) * share + 0.5) as u32 }
    }

    /// The memory that a batch takes whose first record this is.
    fn memory_for(&self, record: Record<M>) -> u64 {
        u64::from(self.size_of(record)).max(self.settings.batch_size.as_bytes())
    }

    /// A batch that is not smaller is full; more than 4 GiB are never gathered.
    fn limit(&self) -> u32 {
        u32::try_from(self.settings.batch_size.as_bytes()).unwrap_or(u32::MAX)
    }

    /// Puts a record into the open batch of its partition, if there is one with room: whether that is full now.
    fn add(&mut self, now: Time, partition: Partition, record: Record<M>) -> Option<bool> {
        let size = self.size_of(record);
        let place = *self.lot(partition)?.waiting.back()?;
        let limit = self.limit();
        let entry = self.batches.get_mut(place);
        if entry.is_closed {
            return None;
        }
        if u64::from(entry.bytes) + u64::from(size) > limit.into() {
            entry.is_closed = true;
            self.look_at(now, partition);
            return None;
        }
        entry.records.push(record);
        entry.bytes += size;
        if entry.bytes >= limit {
            entry.is_closed = true;
            self.look_at(now, partition);
            return Some(true);
        }
        Some(false)
    }

    /// Begins a batch with a record, for which there is memory: whether it is full already.
    fn begin(&mut self, now: Time, partition: Partition, record: Record<M>) -> bool {
        let (size, limit) = (self.size_of(record), self.limit());
        self.memory -= self.memory_for(record);
        let key = self.batches.begin(now, partition);
        let entry = self.batches.get_mut(key.place);
        entry.records.push(record);
        entry.bytes = size;
        entry.is_closed = size >= limit;
        entry.has_lingered = self.settings.linger.is_zero();
        let is_full = entry.is_closed;
        if !is_full && !entry.has_lingered {
            self.lingering.push_back((now + self.settings.linger, key));
        }
        self.lot_mut(partition).waiting.push_back(key.place);
        self.look_at(now, partition);
        is_full
    }

    /// Forgets batches that have gone before their time.
    fn stop_lingering(&mut self) {
        let waits = |key: Key| self.batches.find(key).is_some_and(|place| !self.batches.get(place).is_closed);
        while self.lingering.front().is_some_and(|(_, key)| !waits(*key)) {
            self.lingering.pop_front();
        }
    }

    /// Lets those go on for whom there is memory.
    fn admit(&mut self, now: Time, tell: &mut impl FnMut(M, Fate)) {
        while let Some(Waiter { partition, record, .. }) = self.blocked.front().copied() {
            if self.add(now, partition, record).is_none() {
                if self.memory_for(record) > self.memory {
                    return;
                }
                self.begin(now, partition, record);
            }
            self.blocked.pop_front();
            tell(record.payload, Fate::Admitted);
        }
    }

    /// Whether a request should go to a node: memory that somebody waits for does not wait for more records.
    fn is_time(&self, node: Node) -> bool {
        let lane = &self.lanes[node.index()];
        lane.ready > 0 || (!self.blocked.is_empty() && !lane.sendable.is_empty())
    }

    /// Finds out anew whether the oldest batch of a partition may be sent.
    fn look_at(&mut self, now: Time, partition: Partition) {
        let Place { lot: at, leader, .. } = self.places[partition.index()];
        let Some(lot) = self.lots.get_mut(at as usize) else { return };
        let oldest = lot.waiting.front().copied();
        if let Some(leader) = leader {
            let readiness = oldest.map_or(Readiness::No, |oldest| readiness(now, lot, oldest, &self.batches));
            list(lot, partition, readiness, &mut self.lanes[usize::from(leader)]);
        }
        if oldest.is_none() && lot.numbered.is_empty() && lot.backs_off_until <= now {
            debug_assert!(!lot.is_listed && lot.readiness == Readiness::No, "there is nothing to send");
            lot.backs_off_until = Time::ZERO;
            self.places[partition.index()].lot = NOTHING;
            self.free_lots.push(at);
        }
    }

    /// A batch is settled, wherever it was.
    fn settle(&mut self, now: Time, place: u32, fate: Fate, tell: &mut impl FnMut(M, Fate)) {
        let entry = self.batches.get(place);
        let (partition, is_in_flight, is_numbered) = (entry.partition, entry.is_in_flight, entry.sequence().is_some());
        // It was taken for the first.
        self.memory += entry.records.first().map_or(0, |record| self.memory_for(*record));
        let lot = self.lot_mut(partition);
        if !is_in_flight {
            lot.waiting.take_out(&place);
        }
        if is_numbered {
            lot.numbered.take_out(&place);
        }
        self.batches.settle(place, |record| tell(record.payload, fate));
        self.look_at(now, partition);
    }

    /// A batch that was on its way waits again, before those that were never sent.
    fn come_back(&mut self, now: Time, place: u32, draw: &mut impl FnMut() -> f64) {
        let entry = self.batches.get_mut(place);
        entry.is_in_flight = false;
        let (partition, failures, sequence) = (entry.partition, entry.attempts - 1, entry.sequence());
        let until = now + retry_backoff(self.settings.retry_backoff, self.settings.retry_backoff_max, failures, draw());
        self.lot_mut(partition);
        let lot = &mut self.lots[self.places[partition.index()].lot as usize];
        let batches = &self.batches;
        // With numbers in their order, without them simply before all others.
        let is_before = |other: &u32| batches.get(*other).sequence().is_some_and(|other| Some(other) < sequence);
        let spot = lot.waiting.iter().take_while(|other| is_before(other)).count();
        lot.waiting.insert(spot, place);
        lot.backs_off_until = lot.backs_off_until.max(until);
        self.backing_off.push(Reverse((lot.backs_off_until, partition)));
        self.look_at(now, partition);
    }

    fn open_request(&mut self, now: Time, node: Node) -> RequestId {
        let due = now + self.settings.request_timeout;
        let place = self.free_requests.pop().unwrap_or_else(|| {
            self.requests.push(Request { number: 0, node, due, batches: Vec::new(), is_open: true });
            (self.requests.len() - 1) as u32
        });
        let request = &mut self.requests[place as usize];
        (request.node, request.due, request.is_open) = (node, due, true);
        RequestId { place, number: request.number }
    }

    fn node_of(&self, id: RequestId) -> Option<Node> {
        let request = self.requests.get(id.place as usize)?;
        (request.is_open && request.number == id.number).then_some(request.node)
    }

    fn close_request(
        &mut self,
        now: Time,
        id: RequestId,
        answer: &mut impl FnMut(Partition) -> Answer,
        draw: &mut impl FnMut() -> f64,
        tell: &mut impl FnMut(M, Fate),
    ) {
        let request = &mut self.requests[id.place as usize];
        request.is_open = false;
        request.number = request.number.wrapping_add(1);
        let mut batches = std::mem::take(&mut request.batches);
        for key in batches.drain(..) {
            let Some(place) = self.batches.find(key) else { continue };
            let (partition, attempts) = (self.batches.get(place).partition, self.batches.get(place).attempts);
            match answer(partition) {
                Answer::Stored => self.settle(now, place, Fate::Acknowledged, tell),
                Answer::Again if attempts <= self.settings.retries => self.come_back(now, place, draw),
                Answer::Again | Answer::Refused => self.settle(now, place, Fate::Failed, tell),
            }
        }
        self.requests[id.place as usize].batches = batches;
        self.free_requests.push(id.place);
    }

    fn disconnect(&mut self, now: Time, node: Node, draw: &mut impl FnMut() -> f64, tell: &mut impl FnMut(M, Fate)) {
        // The last first: without numbers each goes before all others, and so they stand in order again.
        while let Some(id) = self.lanes[node.index()].in_flight.pop_back() {
            self.close_request(now, id, &mut |_| Answer::Again, draw, tell);
        }
    }
}

/// Whether the oldest batch of a partition that has a leader may be sent.
#[inline]
fn readiness<M>(now: Time, lot: &Lot, oldest: u32, batches: &Batches<M>) -> Readiness {
    let entry = batches.get(oldest);
    let is_out_of_turn = entry.sequence().is_some() && lot.numbered.front() != Some(&oldest);
    if lot.backs_off_until > now || is_out_of_turn {
        return Readiness::No;
    }
    if entry.is_closed || entry.has_lingered || entry.attempts > 0 || lot.waiting.len() > 1 {
        Readiness::Ready
    } else {
        Readiness::Sendable
    }
}

/// Enters a partition among those of which its leader may be sent something, or takes it out.
#[inline]
fn list(lot: &mut Lot, partition: Partition, readiness: Readiness, lane: &mut Lane) {
    lane.ready += u32::from(readiness == Readiness::Ready);
    lane.ready -= u32::from(lot.readiness == Readiness::Ready);
    lot.readiness = readiness;
    match (readiness, lot.is_listed) {
        (Readiness::No, true) => lane.sendable.retain(|other| *other != partition),
        (Readiness::Sendable | Readiness::Ready, false) => lane.sendable.push_back(partition),
        _ => return,
    }
    lot.is_listed = !lot.is_listed;
}

/// Takes one out, which is mostly the first.
#[inline]
fn take_out<T: Copy + PartialEq>(line: &mut VecDeque<T>, one: T) {
    if line.front() == Some(&one) {
        line.pop_front();
    } else {
        line.retain(|other| *other != one);
    }
}
