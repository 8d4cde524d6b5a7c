//! The recording: whether a request is recorded is decided when it starts, by its number; from then on everything that is
//! done for it is. What frames do that belong to no such request is not even told, or ends at a comparison.

use std::collections::VecDeque;

use crate::base::time::{Span, Time};
use crate::kernel::{Deed, Spent};
use crate::model::{Edge, EdgeId, Ids, Model};
use crate::policy::Outcome;

use super::keep::Keeper;
use super::published::Published;
use super::wanted::{Ending, Wanted};
use super::{Kept, Moment, Phase, SpanKind, SpanLink, SpanOutcome, Trace, TraceEvent, TraceSpan, Traces};

/// No frame, trace or span.
const NONE: u32 = u32::MAX;
/// Of each workload so many requests are recorded before it gets fewer, by powers of two, where what is kept of them is not
/// a sample only.
const ALL_OF_FIRST: u64 = 256;
/// At least every so many-th is recorded there.
const STRIDE_MAX: u64 = 256;
/// So many traces are recorded at a time; requests that start meanwhile are not.
const OPEN_MAX: usize = 1024;
/// So many at most where wanted ones are among them: of all that start in the same moment as a wanted one nobody knows which
/// it is.
const OPEN_MAX_OF_WANTED: usize = 16 * OPEN_MAX;
/// So many traces that are over wait for their messages to be handled.
const LINGERING_MAX: usize = 256;
/// Spans of one trace.
const SPANS_MAX: usize = 2000;
/// Phases, events and links of one span, each.
const PHASES_MAX: usize = 200;

/// What is known of a frame that belongs to a trace.
#[derive(Clone, Copy, Debug)]
struct Slot {
    trace: u32,
    /// The span that it is, or works for.
    span: u32,
    /// The attempt that it has begun last, while it lasts.
    attempt: u32,
    /// What it does, and since when.
    on: Spent,
    since: Time,
    /// One attempt of another frame's call: the span is that frame's.
    is_hedge: bool,
}

const EMPTY: Slot =
    Slot { trace: NONE, span: NONE, attempt: NONE, on: Spent::Answers, since: Time::ZERO, is_hedge: false };

/// A trace that is being recorded.
#[derive(Debug)]
struct Open {
    trace: Trace,
    /// Whether its number is among those that are recorded of every run.
    is_of_sample: bool,
    /// Frames that belong to it.
    frames: u32,
    /// Messages that it has published, by their keys.
    messages: Vec<u64>,
    lingers: bool,
}

/// See the module.
#[derive(Debug)]
pub(in crate::measure) struct Tracer {
    /// Requests that were meant to start earlier are not recorded.
    from: Time,
    /// Service and endpoint that each edge leads to, and who calls along it.
    edges: Vec<(u32, u32)>,
    /// The first replica of each service, across services.
    first_replicas: Vec<u32>,
    /// The service of each consumer.
    consumers: Vec<u32>,
    /// Of each workload so many requests are recorded before it gets fewer, and at least every so many-th.
    all_of_first: u64,
    stride_max: u64,
    /// Requests so far, the next one to be recorded, and those that were too early, by workload.
    offered: Vec<(u64, u64, u64)>,
    /// A bit for each frame: whether it belongs to a recorded request. If frames are told that do not (their times are
    /// wanted), nearly all ends at this question, and the bits of all frames stay in the cache.
    watched: Vec<u64>,
    /// By frame.
    slots: Vec<Slot>,
    /// By place; places are used again.
    open: Vec<Option<Open>>,
    free: Vec<u32>,
    /// Who has published it, by the key of a message: trace and span.
    messages: Published,
    lingering: VecDeque<u32>,
    keeper: Keeper,
    wanted: Wanted,
    /// By workload: requests with these starts are recorded whatever their numbers. Empty in a run that nobody has seen yet.
    also: Vec<Vec<Time>>,
}

impl Tracer {
    /// `None` for a model of which nothing is to be recorded; `also` are the starts of requests that are recorded whatever
    /// their numbers, by workload.
    pub(in crate::measure) fn new(
        model: &Model,
        edges: &Ids<EdgeId, Edge>,
        also: Vec<Vec<Time>>,
    ) -> Option<Box<Tracer>> {
        if model.traces.is_none() {
            return None;
        }
        let mut replicas = 0;
        let first_replicas = model.services.iter().map(|service| {
            replicas += service.replicas;
            replicas - service.replicas
        });
        Some(Box::new(Tracer {
            from: Time::ZERO + model.warmup,
            edges: edges.iter().map(|edge| (model.endpoints[edge.to].service.0, edge.to.0)).collect(),
            first_replicas: first_replicas.collect(),
            consumers: model.consumers.iter().map(|it| model.endpoints[it.handler].service.0).collect(),
            // A second run finds the others: see [`super::record_missing`].
            all_of_first: if model.traces.exact { u64::from(model.traces.sample).max(1) } else { ALL_OF_FIRST },
            stride_max: if model.traces.exact { u64::MAX } else { STRIDE_MAX },
            offered: vec![(0, 0, 0); model.workloads.len()],
            watched: Vec::new(),
            slots: Vec::new(),
            open: Vec::new(),
            free: Vec::new(),
            messages: Published::default(),
            lingering: VecDeque::new(),
            keeper: Keeper::new(model.traces, model.workloads.len()),
            wanted: Wanted::new(model.traces, model.workloads.len()),
            also,
        }))
    }

    /// Whether what a frame does is recorded that nobody has caused.
    #[inline(always)]
    pub(in crate::measure) fn watches(&mut self, frame: u32, now: Time, deed: Deed) -> bool {
        let Deed::Request { workload, key, meant } = deed else {
            // Whose a message is, says its key.
            let is_known = match deed {
                Deed::Delivers { key, .. } => self.messages.may_know(key.to_bits()),
                _ => !self.messages.is_empty(),
            };
            if is_known {
                self.tell(frame, now, deed);
            }
            return self.is_watched(frame);
        };
        let (offered, next, _) = &mut self.offered[workload as usize];
        *offered += 1;
        (*offered > *next || !self.also.is_empty()) && self.request(frame, workload, key.to_bits(), meant)
    }

    #[inline]
    pub(in crate::measure) fn deed(&mut self, frame: u32, now: Time, deed: Deed) {
        let about = match deed {
            Deed::Visits { caller, .. } => caller,
            Deed::TakesOver { from, .. } => from,
            Deed::Branches { parent } | Deed::Fetches { parent } => parent,
            Deed::Hedges { call } => call,
            _ => frame,
        };
        if self.is_watched(about) {
            self.tell(frame, now, deed);
        }
    }

    #[inline(always)]
    fn is_watched(&self, frame: u32) -> bool {
        self.watched.get(frame as usize / 64).is_some_and(|bits| bits >> (frame % 64) & 1 != 0)
    }

    /// What a frame does from now on.
    #[inline(always)]
    pub(in crate::measure) fn spends(&mut self, frame: u32, now: Time, on: Spent) {
        if self.is_watched(frame) {
            self.turns_to(frame, now, on);
        }
    }

    #[inline(never)]
    fn turns_to(&mut self, frame: u32, now: Time, on: Spent) {
        let Some(slot) = self.slots.get_mut(frame as usize).filter(|slot| slot.trace != NONE) else { return };
        let phase = Phase { on: slot.on, start: slot.since, end: now };
        let (trace, span) = (slot.trace, slot.span);
        (slot.on, slot.since) = (on, now);
        if phase.on == Spent::Answers || phase.start == phase.end {
            return;
        }
        let trace = &mut self.open[trace as usize].as_mut().expect("a frame keeps its trace open").trace;
        let phases = &mut trace.spans[span as usize].phases;
        let is_full = phases.len() >= PHASES_MAX;
        match phases.last_mut() {
            Some(last) if last.on == phase.on && last.end == phase.start => last.end = now,
            _ if is_full => trace.left_out += 1,
            _ => phases.push(phase),
        }
    }

    /// A request begins that is perhaps recorded; `false` when it is not, or is too early, or too many are already.
    #[cold]
    fn request(&mut self, frame: u32, workload: u32, key: u64, meant: Time) -> bool {
        let (offered, next, early) = &mut self.offered[workload as usize];
        let number = *offered - 1;
        let is_of_sample = number >= *next;
        if meant < self.from {
            (*next, *early) = (*offered, *offered);
        } else if is_of_sample {
            let stride = stride(*offered - *early, self.all_of_first, self.stride_max);
            *next = offered.next_multiple_of(stride);
        }
        let open = self.open.len() - self.free.len();
        let is_wanted = self.also.get(workload as usize).is_some_and(|starts| starts.binary_search(&meant).is_ok());
        if meant < self.from || !(is_of_sample && open < OPEN_MAX || is_wanted && open < OPEN_MAX_OF_WANTED) {
            return false;
        }
        let root = TraceSpan { start: meant, end: meant, ..span(0, None, SpanKind::Request) };
        let trace = Trace { workload, number, key, kept: Kept::default(), spans: vec![root], left_out: 0 };
        let open = Open { trace, is_of_sample, frames: 0, messages: Vec::new(), lingers: false };
        let place = match self.free.pop() {
            Some(place) => {
                self.open[place as usize] = Some(open);
                place
            }
            None => {
                self.open.push(Some(open));
                self.open.len() as u32 - 1
            }
        };
        self.join(frame, Slot { trace: place, span: 0, on: Spent::Start, since: meant, ..EMPTY });
        true
    }

    /// A frame belongs to a trace from now on.
    fn join(&mut self, frame: u32, slot: Slot) {
        let place = frame as usize;
        if place >= self.slots.len() {
            self.slots.resize(place + 1, EMPTY);
            self.watched.resize(place / 64 + 1, 0);
        }
        debug_assert_eq!(self.slots[place].trace, NONE, "its last tenant is gone");
        self.slots[place] = slot;
        self.watched[place / 64] |= 1 << (place % 64);
        self.trace(slot.trace).frames += 1;
    }

    fn trace(&mut self, place: u32) -> &mut Open {
        self.open[place as usize].as_mut().expect("who belongs to a trace keeps it open")
    }

    fn span(&mut self, trace: u32, span: u32) -> &mut TraceSpan {
        &mut self.trace(trace).trace.spans[span as usize]
    }

    /// Adds a span that begins, below `parent`; `None` when there are too many.
    fn begin(&mut self, trace: u32, parent: u32, now: Time, kind: SpanKind) -> Option<u32> {
        let trace = &mut self.trace(trace).trace;
        if trace.spans.len() >= SPANS_MAX {
            trace.left_out += 1;
            return None;
        }
        let id = trace.spans.len() as u32;
        trace.spans.push(TraceSpan { start: now, end: now, ..span(id, Some(parent), kind) });
        Some(id)
    }

    /// A frame that is, or works for, a new span below `parent`, in the same place as its parent.
    fn child(&mut self, frame: u32, parent: Slot, under: u32, now: Time, kind: SpanKind, on: Spent) -> Option<u32> {
        let (service, replica, endpoint) = {
            let it = self.span(parent.trace, parent.span);
            (it.service, it.replica, it.endpoint)
        };
        let id = self.begin(parent.trace, under, now, kind);
        let slot =
            Slot { trace: parent.trace, span: id.unwrap_or(under), on, since: now, is_hedge: id.is_none(), ..EMPTY };
        self.join(frame, slot);
        let it = self.span(parent.trace, id?);
        (it.service, it.replica, it.endpoint) = (service, replica, endpoint);
        id
    }

    fn slot(&self, frame: u32) -> Option<Slot> {
        self.slots.get(frame as usize).copied().filter(|slot| slot.trace != NONE)
    }

    /// Something that a frame does, recorded if it belongs to a trace.
    #[inline(never)]
    fn tell(&mut self, frame: u32, now: Time, deed: Deed) {
        match deed {
            Deed::Request { .. } => {}
            Deed::Visits { caller, edge, replica } => {
                self.turns_to(caller, now, Spent::Answers);
                let Some(caller) = self.slot(caller) else { return };
                let under = if caller.attempt == NONE { caller.span } else { caller.attempt };
                self.comes(frame, caller, under, now, SpanKind::Handler, edge, replica);
            }
            Deed::TakesOver { from, edge, replica } => {
                let Some(from) = self.slot(from) else { return };
                self.comes(frame, from, from.span, now, SpanKind::Forward, edge, replica);
            }
            Deed::Branches { parent } => {
                let Some(parent) = self.slot(parent) else { return };
                self.child(frame, parent, parent.span, now, SpanKind::Branch, Spent::Answers);
            }
            Deed::Fetches { parent } => {
                let Some(parent) = self.slot(parent) else { return };
                self.child(frame, parent, parent.span, now, SpanKind::Fetch, Spent::Answers);
            }
            Deed::Hedges { call } => {
                let Some(call) = self.slot(call) else { return };
                self.join(frame, Slot { attempt: NONE, on: Spent::Answers, since: now, is_hedge: true, ..call });
            }
            Deed::Delivers { consumer, key, published, time } => {
                self.delivers(frame, now, consumer, key.to_bits(), published, time);
            }
            _ => {
                let Some(slot) = self.slot(frame) else { return };
                self.tell_recorded(frame, slot, now, deed);
            }
        }
    }

    fn tell_recorded(&mut self, frame: u32, slot: Slot, now: Time, deed: Deed) {
        match deed {
            Deed::Tries { edge, attempt } => {
                self.turns_to(frame, now, Spent::Answers);
                let endpoint = self.edges[edge as usize].1;
                self.tries(frame, slot, now, attempt, SpanKind::Attempt { edge }, Some(endpoint));
            }
            Deed::Publishes { topic, key, attempt } => {
                self.published(frame, slot, now, Outcome::Cancelled);
                let slot = Slot { attempt: NONE, ..slot };
                let Some(id) = self.tries(frame, slot, now, attempt, SpanKind::Publish { topic }, None) else { return };
                let before = self.messages.insert(key.to_bits(), (slot.trace, id));
                if before.is_none() {
                    self.trace(slot.trace).messages.push(key.to_bits());
                }
            }
            Deed::Tried(outcome) | Deed::Published(outcome) => self.published(frame, slot, now, outcome),
            Deed::Arrives => self.moment(slot, now, Moment::Arrived),
            Deed::Starts => {
                self.turns_to(frame, now, Spent::Answers);
                let arrived = |it: &&TraceEvent| it.what == Moment::Arrived;
                let it = self.span(slot.trace, slot.span);
                it.wait = it.events.iter().rev().find(arrived).map_or(Span::ZERO, |it| now.since(it.at));
                self.moment(slot, now, Moment::Started);
            }
            Deed::Works => self.turns_to(frame, now, Spent::Work),
            Deed::Replies => self.moment(slot, now, Moment::Replied),
            Deed::Abandoned if !slot.is_hedge => {
                self.span(slot.trace, slot.span).abandoned = Some(now);
                self.moment(slot, now, Moment::Abandoned);
            }
            Deed::Abandoned => {}
            Deed::Leaves(how) => self.ends(frame, slot, now, SpanOutcome::Left(how)),
            Deed::Ends(outcome) if !slot.is_hedge => self.ends(frame, slot, now, SpanOutcome::Ended(outcome)),
            Deed::Gone => self.gone(frame, slot, now),
            _ => {}
        }
    }

    /// A request is on its way to a replica.
    #[allow(clippy::too_many_arguments, reason = "who, where, when and what it is")]
    fn comes(&mut self, frame: u32, caller: Slot, under: u32, now: Time, kind: SpanKind, edge: u32, replica: u32) {
        let (service, endpoint) = self.edges[edge as usize];
        let place = replica - self.first_replicas[service as usize];
        let Some(id) = self.child(frame, caller, under, now, kind, Spent::Network) else { return };
        let it = self.span(caller.trace, id);
        (it.service, it.replica, it.endpoint) = (Some(service), Some(place), Some(endpoint));
    }

    /// A frame begins an attempt of something.
    fn tries(
        &mut self,
        frame: u32,
        slot: Slot,
        now: Time,
        attempt: u32,
        kind: SpanKind,
        endpoint: Option<u32>,
    ) -> Option<u32> {
        let (service, replica) = {
            let it = self.span(slot.trace, slot.span);
            (it.service, it.replica)
        };
        let id = self.begin(slot.trace, slot.span, now, kind);
        self.slots[frame as usize].attempt = id.unwrap_or(NONE);
        let it = self.span(slot.trace, id?);
        (it.service, it.replica, it.endpoint, it.attempt) = (service, replica, endpoint, attempt);
        id
    }

    /// The attempt that a frame has begun last is over, if there is one.
    fn published(&mut self, frame: u32, slot: Slot, now: Time, outcome: Outcome) {
        if slot.attempt == NONE {
            return;
        }
        self.slots[frame as usize].attempt = NONE;
        let it = self.span(slot.trace, slot.attempt);
        (it.end, it.outcome) = (now, SpanOutcome::Ended(outcome));
    }

    fn moment(&mut self, slot: Slot, now: Time, what: Moment) {
        let trace = &mut self.trace(slot.trace).trace;
        let events = &mut trace.spans[slot.span as usize].events;
        if !slot.is_hedge && events.len() < PHASES_MAX {
            events.push(TraceEvent { at: now, what });
        }
    }

    fn ends(&mut self, frame: u32, slot: Slot, now: Time, outcome: SpanOutcome) {
        self.turns_to(frame, now, Spent::Answers);
        self.published(frame, slot, now, Outcome::Cancelled);
        if !slot.is_hedge {
            let it = self.span(slot.trace, slot.span);
            (it.end, it.outcome) = (now, outcome);
        }
    }

    /// A frame belongs to its trace no longer.
    fn gone(&mut self, frame: u32, slot: Slot, now: Time) {
        if !slot.is_hedge && self.span(slot.trace, slot.span).outcome == SpanOutcome::UnderWay {
            let is_inner = matches!(self.span(slot.trace, slot.span).kind, SpanKind::Branch | SpanKind::Fetch);
            let outcome = if is_inner { SpanOutcome::Ended(Outcome::Cancelled) } else { SpanOutcome::Lost };
            self.ends(frame, slot, now, outcome);
        }
        self.slots[frame as usize] = EMPTY;
        self.watched[frame as usize / 64] &= !(1 << (frame % 64));
        let open = self.trace(slot.trace);
        open.frames -= 1;
        if open.frames > 0 || open.lingers {
            return;
        }
        if open.messages.is_empty() {
            self.close(slot.trace);
            return;
        }
        open.lingers = true;
        self.lingering.push_back(slot.trace);
        if self.lingering.len() > LINGERING_MAX
            && let Some(oldest) = self.lingering.pop_front()
        {
            self.trace(oldest).lingers = false;
            if self.trace(oldest).frames == 0 {
                self.close(oldest);
            }
        }
    }

    /// A message comes to its handler. If several come together, the first one that is known decides whose the rest is.
    fn delivers(&mut self, frame: u32, now: Time, consumer: u32, key: u64, published: Time, time: u32) {
        let Some((trace, publish)) = self.messages.get(key) else { return };
        let link = SpanLink { trace: self.trace(trace).trace.key, span: publish };
        if let Some(slot) = self.slot(frame) {
            let it = self.span(slot.trace, slot.span);
            if it.links.len() < PHASES_MAX {
                it.links.push(link);
            }
            return;
        }
        let from = Slot { trace, span: publish, ..EMPTY };
        let Some(id) = self.child(frame, from, publish, now, SpanKind::Delivery { consumer }, Spent::Answers) else {
            return;
        };
        let service = self.consumers[consumer as usize];
        let it = self.span(trace, id);
        (it.service, it.replica, it.endpoint) = (Some(service), None, None);
        (it.wait, it.attempt) = (now.since(published), time);
    }

    /// Nothing more is recorded of a trace.
    fn close(&mut self, place: u32) {
        let Some(open) = self.open[place as usize].take() else { return };
        self.free.push(place);
        for key in open.messages {
            self.messages.remove(key);
        }
        self.keeper.take(open.trace, open.is_of_sample);
    }

    /// The run is over at `end`: what is still under way is so. `medians` are those of the workloads' latencies.
    pub(in crate::measure) fn finish(mut self, end: Time, medians: &[Option<Span>]) -> Traces {
        for frame in 0..self.slots.len() as u32 {
            if let Some(slot) = self.slot(frame) {
                self.turns_to(frame, end, Spent::Answers);
                let spans = [slot.span, slot.attempt];
                for span in spans.into_iter().filter(|span| *span != NONE) {
                    let it = self.span(slot.trace, span);
                    if it.outcome == SpanOutcome::UnderWay {
                        it.end = end;
                    }
                }
            }
        }
        for place in 0..self.open.len() as u32 {
            self.close(place);
        }
        let traces = self.keeper.finish(medians);
        Traces { missing: self.wanted.missing(&traces.traces), ..traces }
    }

    /// A user's request has ended, or lasts still at the end of the run.
    #[inline(always)]
    pub(in crate::measure) fn user_ended(&mut self, workload: u32, now: Time, meant: Time, ending: Ending) {
        if meant >= self.from {
            self.wanted.ended(workload, meant, now.since(meant), ending);
        }
    }
}

/// The multiples of which number are recorded of the requests from the `nth` after the warm-up on: it depends on nothing else,
/// so that the same requests are recorded in every variant. All of the first, then ever fewer, by powers of two: as the sample
/// becomes thinner, see [`Keeper`].
fn stride(nth: u64, all_of_first: u64, stride_max: u64) -> u64 {
    if nth < all_of_first { 1 } else { (2 << (nth / all_of_first).ilog2()).min(stride_max) }
}

fn span(id: u32, parent: Option<u32>, kind: SpanKind) -> TraceSpan {
    TraceSpan {
        id,
        parent,
        kind,
        service: None,
        replica: None,
        endpoint: None,
        start: Time::ZERO,
        end: Time::ZERO,
        wait: Span::ZERO,
        outcome: SpanOutcome::UnderWay,
        attempt: 0,
        abandoned: None,
        phases: Vec::new(),
        events: Vec::new(),
        links: Vec::new(),
    }
}
