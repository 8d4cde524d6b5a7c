//! Steps, compiled: every handler and every workload becomes a run of flat operations, so that a frame's
//! place in its program is one number.

use crate::base::distribution::Distribution;
use crate::base::keys::KeyDistribution;
use crate::base::random::salt;
use crate::base::time::Span;
use crate::base::units::{Share, Size};
use crate::model::{
    Caller, ClientId, Edge, EdgeId, EndpointId, Fallback, GarbageCollection, GcTrigger, Id, Ids, Model, Need,
    OnFailure, Publish, ServerStream, ServiceId, SessionStep, Step, WorkloadId,
};

use super::frame::BESIDE;
use super::messages::{CalleeCosts, Row, request_encode, response_decode};

/// One operation.
#[derive(Clone, Debug)]
pub(super) enum Op {
    /// Use the CPU.
    Work { demand: Distribution, salt: u64 },
    /// Use the CPU, the longer the more requests are in progress; what is said in the list of such work.
    ContendedWork(u32),
    /// Wait.
    Sleep { length: Distribution, salt: u64 },
    /// Call along an edge; on failure fail, or go on, or go on at `fallback` unless that is [`NO_FALLBACK`].
    Call { edge: u32, salt: u64, optional: bool, fallback: u32 },
    /// Hand over along an edge and end.
    Forward { edge: u32, salt: u64 },
    /// Start branches `first .. first + count` and wait until `needed` have succeeded; go on at `after`.
    Parallel { first: u32, count: u32, needed: u32, after: u32 },
    /// Go on at one of the arms `first .. first + count`.
    Choose { first: u32, count: u32, salt: u64 },
    /// Go back to `start` until it was done `times` times. The frame's iteration counts in mixed radix.
    Again { start: u32, times: u32, stride: u32 },
    /// Go on elsewhere.
    Jump(u32),
    /// Leave so many bytes behind.
    Allocate(u64),
    /// Take a permit of a pool.
    Acquire(u32),
    /// Give the last permit back.
    Release,
    /// Look something up, as the list of lookups says.
    Lookup(u32),
    /// What was looked up has been fetched.
    Fill(u32),
    /// A good answer has come, which is kept as the list of lookups says.
    Keep(u32),
    /// The last good answer stands in for one that did not come, as the list of lookups says.
    Recall(u32),
    /// Something has stood in for the answer along an edge.
    FellBack(u32),
    /// Work on messages with the work and the other messages behind it: one piece of work. Those operations stand behind
    /// this, too, for whoever comes there from elsewhere.
    Together(Box<Row>),
    /// Write the body of the request that the call behind this sends; `cpu` is what that always costs.
    Encode { edge: u32, salt: u64, cpu: Option<Span> },
    /// Read the body of the answer to the call before this.
    Decode { edge: u32, salt: u64, cpu: Option<Span> },
    /// Read the request.
    Receive(Option<Span>),
    /// Write the answer.
    Respond(Option<Span>),
    /// Write a message of the stream that is the answer.
    Produce,
    /// Send it.
    Send,
    /// Read the messages of a stream.
    Read,
    /// The end of the handshake of a connection.
    HandsShaken,
    /// Publish a message, as the list of such steps says.
    Publish(u32),
    /// Something was done to the world outside, as the endpoint with this number says.
    Effect(u32),
    /// Answer now.
    Reply,
    /// End with an error.
    Fail,
    /// End well.
    End,
}

impl Op {
    /// Whether this is work on a message.
    fn is_on_message(&self) -> bool {
        matches!(self, Op::Encode { .. } | Op::Decode { .. } | Op::Receive(_) | Op::Respond(_))
    }

    /// Whether this begins with the reading of an answer.
    pub(super) fn reads_answer(&self) -> bool {
        match self {
            Op::Decode { .. } => true,
            Op::Together(row) => row.reads_answer,
            _ => false,
        }
    }
}

/// Work that takes longer the more requests are in progress.
#[derive(Clone, Debug)]
pub(super) struct ContendedWork {
    pub(super) work: Distribution,
    pub(super) each: Span,
    pub(super) salt: u64,
}

/// A lookup in a cache.
#[derive(Clone, Debug)]
pub(super) struct Lookup {
    pub(super) cache: u32,
    pub(super) key: Option<KeyDistribution>,
    pub(super) salt: u64,
    /// Where it is fetched.
    pub(super) miss: u32,
    /// Where those go on who have it.
    pub(super) after: u32,
}

/// A step that publishes.
#[derive(Clone, Debug)]
pub(super) struct PublishOp {
    pub(super) publish: Publish,
    /// Whose step it is.
    pub(super) service: ServiceId,
    pub(super) salt: u64,
}

/// The place of a fallback where there is none: a program never begins with one.
pub(super) const NO_FALLBACK: u32 = 0;

/// In [`Program::priorities`]: as important as the caller's own.
pub(super) const INHERIT: u8 = u8::MAX;

/// A branch of a parallel operation.
#[derive(Clone, Copy, Debug)]
pub(super) struct BranchEntry {
    pub(super) start: u32,
    pub(super) optional: bool,
    pub(super) salt: u64,
}

/// An arm of a choice: taken when the draw is below `below` and not below the arm before.
#[derive(Clone, Copy, Debug)]
pub(super) struct Arm {
    pub(super) below: f64,
    pub(super) start: u32,
}

/// What a user does who arrives.
#[derive(Clone, Copy, Debug)]
pub(super) enum Visit {
    /// One request, which starts there.
    Request(u32),
    /// Several: the number of the session.
    Session(u32),
}

/// What a user does who makes several requests.
#[derive(Debug)]
pub(super) struct SessionProgram {
    pub(super) ops: Vec<SessionOp>,
    pub(super) on_failure: OnFailure,
}

/// One operation of a session.
#[derive(Clone, Debug)]
pub(super) enum SessionOp {
    /// A request, which starts there.
    Ask(u32),
    /// Wait.
    Think(Distribution),
    /// Go back to `start` until it was done `times` times, counted as by [`Op::Again`].
    Again { start: u32, times: u32, stride: u32 },
}

/// Everything compiled.
#[derive(Debug, Default)]
pub(super) struct Program {
    pub(super) ops: Vec<Op>,
    pub(super) branches: Vec<BranchEntry>,
    pub(super) arms: Vec<Arm>,
    pub(super) contended: Vec<ContendedWork>,
    pub(super) lookups: Vec<Lookup>,
    pub(super) publishes: Vec<PublishOp>,
    /// How important what an operation sends is, by operation; empty where everything is as important as its caller.
    pub(super) priorities: Vec<u8>,
    /// Where each endpoint's handler starts, by endpoint.
    pub(super) endpoints: Vec<u32>,
    /// What who arrives does, by workload.
    pub(super) workloads: Vec<Visit>,
    pub(super) sessions: Vec<SessionProgram>,
    /// Where the frames start that bring messages to their handlers, by consumer.
    pub(super) consumers: Vec<u32>,
    /// Where a handler stands that fails at once.
    pub(super) failing: u32,
    /// Where the frame goes on that works on a handshake.
    pub(super) hands_shaken: u32,
    /// Where the frame stands that reads the messages of a stream.
    pub(super) reader: u32,
    /// What callers spend on each message, by the places of the calls; those that spend nothing are left out.
    pub(super) reads: Vec<(u32, Distribution)>,
}

impl Program {
    /// Compiles all of `model`; `edges` are the model's.
    pub(super) fn compile(model: &Model, edges: &Ids<EdgeId, Edge>) -> Program {
        let mut program = Program::default();
        let index = EdgeIndex::new(edges);
        for (id, workload) in model.workloads.enumerate() {
            let from = Compiler { model, edges: &index, from: Caller::Workload(id), respond: Some(Span::ZERO) };
            let visit = match workload.session.single() {
                Some(entry) => Visit::Request(from.request(&mut program, entry, workload.client)),
                None => {
                    let mut ops = Vec::new();
                    from.session(&mut program, &mut ops, &workload.session.steps, workload.client, 1);
                    program.sessions.push(SessionProgram { ops, on_failure: workload.session.on_failure });
                    Visit::Session(program.sessions.len() as u32 - 1)
                }
            };
            program.workloads.push(visit);
        }
        let costs = CalleeCosts::new(model, edges);
        for (id, endpoint) in model.endpoints.enumerate() {
            program.endpoints.push(program.here());
            let (receive, respond) = (costs.receive[id.index()], costs.respond[id.index()]);
            let from = Compiler { model, edges: &index, from: Caller::Service(endpoint.service), respond };
            program.ops.extend(costly(receive).map(Op::Receive));
            let counts = matches!(
                &model.services[endpoint.service].gc,
                Some(GarbageCollection { trigger: GcTrigger::Allocated(_), .. })
            );
            if counts && endpoint.allocates > Size::ZERO {
                program.ops.push(Op::Allocate(endpoint.allocates.as_bytes()));
            }
            from.steps(&mut program, &endpoint.steps, "", 1);
            match &endpoint.stream {
                Some(stream) => program.add_stream(stream),
                None => program.ops.extend(costly(respond).map(Op::Respond)),
            }
            if endpoint.effect.is_some() {
                program.ops.push(Op::Effect(id.0));
            }
            program.ops.push(Op::End);
        }
        for (id, consumer) in model.consumers.enumerate() {
            let from = Compiler { model, edges: &index, from: Caller::Consumer(id), respond: Some(Span::ZERO) };
            let start = from.request(&mut program, &[(Share::ONE, consumer.handler)], consumer.client);
            program.consumers.push(start);
        }
        program.failing = program.here();
        program.ops.push(Op::Fail);
        program.reader = program.here();
        program.ops.push(Op::Read);
        program.hands_shaken = program.here();
        program.ops.push(Op::HandsShaken);
        program.join_work_on_messages();
        program
    }

    /// One event for work that follows work on a message at once, or goes before it, and not one for each.
    fn join_work_on_messages(&mut self) {
        let mut pc = 0;
        while pc < self.ops.len() {
            let row =
                self.ops[pc..].iter().take_while(|op| matches!(op, Op::Work { .. }) || op.is_on_message()).count();
            let joined = &self.ops[pc..pc + row];
            if row > 1 && joined.iter().any(Op::is_on_message) {
                self.ops[pc] = Op::Together(Box::new(Row::of(joined)));
            }
            pc += row.max(1);
        }
    }

    /// Whether any work takes longer the more requests are in progress.
    #[inline]
    pub(super) fn has_contention(&self) -> bool {
        !self.contended.is_empty()
    }

    /// The rank of what a frame of rank `own` sends that stands behind operation `pc`.
    #[inline]
    pub(super) fn rank(&self, pc: u32, own: u8) -> u8 {
        match self.priorities.get(pc as usize) {
            Some(&priority) if priority != INHERIT => priority | own & BESIDE,
            _ => own,
        }
    }

    /// The next operation sends what is as important as this.
    fn set_priority(&mut self, priority: Option<u8>) {
        if let Some(priority) = priority {
            self.priorities.resize(self.ops.len(), INHERIT);
            self.priorities.push(priority);
        }
    }

    /// Appends the messages of a stream. It follows all steps: the frame's iteration counts them.
    fn add_stream(&mut self, stream: &ServerStream) {
        let start = self.here();
        if stream.sleep.constant() != Some(Span::ZERO) {
            self.ops.push(Op::Sleep { length: stream.sleep.clone(), salt: salt("/stream/sleep") });
        }
        if stream.work.constant() != Some(Span::ZERO) {
            self.ops.push(Op::Work { demand: stream.work.clone(), salt: salt("/stream/work") });
        }
        self.ops.extend([Op::Produce, Op::Send, Op::Again { start, times: stream.messages, stride: 1 }]);
    }

    /// What the caller who stands behind operation `pc` spends on each message, by its place in the list.
    pub(super) fn read_at(&self, pc: u32) -> Option<u32> {
        self.reads.binary_search_by_key(&pc, |(at, _)| *at).ok().map(|place| place as u32)
    }

    fn here(&self) -> u32 {
        u32::try_from(self.ops.len()).expect("a scenario file is too small for 2^32 operations")
    }
}

/// What a message costs, unless it is nothing for sure.
fn costly(cpu: Option<Span>) -> Option<Option<Span>> {
    Some(cpu).filter(|cpu| *cpu != Some(Span::ZERO))
}

struct EdgeIndex(std::collections::BTreeMap<(u8, u32, u32, u32), u32>);

impl EdgeIndex {
    fn new(edges: &Ids<EdgeId, Edge>) -> EdgeIndex {
        EdgeIndex(edges.enumerate().map(|(id, edge)| (EdgeIndex::key(edge), id.0)).collect())
    }

    fn key(edge: &Edge) -> (u8, u32, u32, u32) {
        match edge.from {
            Caller::Workload(WorkloadId(id)) => (0, id, edge.to.0, edge.client.0),
            Caller::Service(id) => (1, id.0, edge.to.0, edge.client.0),
            Caller::Consumer(id) => (2, id.0, edge.to.0, edge.client.0),
        }
    }

    fn find(&self, edge: &Edge) -> u32 {
        *self.0.get(&EdgeIndex::key(edge)).expect("the model's edges come from the same steps")
    }
}

struct Compiler<'a> {
    model: &'a Model,
    edges: &'a EdgeIndex,
    from: Caller,
    /// What the answer of what is compiled always costs.
    respond: Option<Span>,
}

impl Compiler<'_> {
    /// Appends a user's request for one of the endpoints of `entry`; returns where it starts.
    fn request(&self, program: &mut Program, entry: &[(Share, EndpointId)], client: ClientId) -> u32 {
        let start = program.here();
        let call = |endpoint: EndpointId| {
            vec![Step::Call { endpoint, client, optional: false, priority: None, read: None, fallback: None }]
        };
        match entry {
            [(_, only)] => self.steps(program, &call(*only), "", 1),
            many => {
                let arms = many.iter().map(|(share, endpoint)| (*share, call(*endpoint))).collect();
                self.steps(program, &[Step::Choose(arms)], "", 1);
            }
        }
        program.ops.push(Op::End);
        start
    }

    /// Appends the steps of a session to `ops`, and its requests to the program.
    fn session(
        &self,
        program: &mut Program,
        ops: &mut Vec<SessionOp>,
        steps: &[SessionStep],
        client: ClientId,
        stride: u32,
    ) {
        for step in steps {
            match step {
                SessionStep::Ask(entry) => ops.push(SessionOp::Ask(self.request(program, entry, client))),
                SessionStep::Think(length) => ops.push(SessionOp::Think(length.clone())),
                SessionStep::Repeat { times, steps } => {
                    let start = ops.len() as u32;
                    self.session(program, ops, steps, client, stride * times);
                    ops.push(SessionOp::Again { start, times: *times, stride });
                }
            }
        }
    }

    /// Appends `steps`. `path` names the place in the endpoint, so that draws keep their names when the file
    /// changes elsewhere; `stride` is the weight of the next inner repeat in the frame's iteration.
    fn steps(&self, program: &mut Program, steps: &[Step], path: &str, stride: u32) {
        for (place, step) in steps.iter().enumerate() {
            self.step(program, step, &format!("{path}/{place}"), stride);
        }
    }

    fn step(&self, program: &mut Program, step: &Step, path: &str, stride: u32) {
        match step {
            Step::Work(demand) => {
                program.ops.push(Op::Work { demand: demand.clone(), salt: salt(&format!("{path}/work")) });
            }
            Step::Sleep(length) => {
                program.ops.push(Op::Sleep { length: length.clone(), salt: salt(&format!("{path}/sleep")) });
            }
            Step::ContendedWork { work, each } => {
                program.ops.push(Op::ContendedWork(program.contended.len() as u32));
                let salt = salt(&format!("{path}/work"));
                program.contended.push(ContendedWork { work: work.clone(), each: *each, salt });
            }
            Step::Call { endpoint, client, optional, priority, read, fallback } => {
                let along = Edge { from: self.from, to: *endpoint, client: *client };
                let edge = self.edges.find(&along);
                let salt = self.call_salt(path, *endpoint);
                // What users' machines do is nobody's business.
                let is_service = matches!(self.from, Caller::Service(_));
                let cpu = |cpu: Option<Span>| costly(cpu).filter(|_| is_service);
                let encode = cpu(request_encode(self.model, &along));
                program.ops.extend(encode.map(|cpu| Op::Encode { edge, salt, cpu }));
                program.set_priority(priority.or(self.model.endpoints[*endpoint].priority));
                program.reads.extend(read.as_ref().map(|read| (program.ops.len() as u32, read.clone())));
                let call = program.ops.len();
                program.ops.push(Op::Call { edge, salt, optional: *optional, fallback: NO_FALLBACK });
                // Messages of a stream are read as they come.
                if self.model.endpoints[*endpoint].stream.is_none() {
                    let decode = cpu(response_decode(self.model, &along));
                    program.ops.extend(decode.map(|cpu| Op::Decode { edge, salt, cpu }));
                }
                if let Some(standby) = fallback {
                    self.fallback(program, standby, call, edge, path, stride);
                }
            }
            Step::Forward { endpoint, client } => {
                let along = Edge { from: self.from, to: *endpoint, client: *client };
                let edge = self.edges.find(&along);
                let salt = self.call_salt(path, *endpoint);
                let encode = costly(request_encode(self.model, &along));
                program.ops.extend(encode.map(|cpu| Op::Encode { edge, salt, cpu }));
                program.set_priority(self.model.endpoints[*endpoint].priority);
                program.ops.push(Op::Forward { edge, salt });
            }
            Step::Parallel { branches, need } => self.parallel(program, branches, *need, path, stride),
            Step::Choose(arms) => self.choose(program, arms, path, stride),
            Step::Repeat { times, steps } => {
                let start = program.here();
                // Inner repeats count in the digits below, so that the iterations of nested ones differ.
                self.steps(program, steps, path, stride * times);
                program.ops.push(Op::Again { start, times: *times, stride });
            }
            Step::Hold { pool, steps } => {
                program.ops.push(Op::Acquire(pool.0));
                self.steps(program, steps, &format!("{path}/held"), stride);
                program.ops.push(Op::Release);
            }
            Step::Cached { cache, key, miss } => {
                let n = program.lookups.len() as u32;
                program.ops.push(Op::Lookup(n));
                let salt = salt(&format!("{path}/cache"));
                let place = program.here();
                program.lookups.push(Lookup { cache: cache.0, key: key.clone(), salt, miss: place, after: place });
                self.steps(program, miss, &format!("{path}/miss"), stride);
                program.ops.push(Op::Fill(n));
                program.lookups[n as usize].after = program.here();
            }
            Step::Publish(publish) => {
                let Caller::Service(service) = self.from else { unreachable!("only handlers publish") };
                program.ops.push(Op::Publish(program.publishes.len() as u32));
                let name = &self.model.topics[publish.topic].name;
                let salt = salt(&format!("{path}/publish/{name}"));
                program.publishes.push(PublishOp { publish: (**publish).clone(), service, salt });
            }
            Step::Reply => {
                program.ops.extend(costly(self.respond).map(Op::Respond));
                program.ops.push(Op::Reply);
            }
            Step::Fail => program.ops.push(Op::Fail),
        }
    }

    fn parallel(&self, program: &mut Program, branches: &[crate::model::Branch], need: Need, path: &str, stride: u32) {
        let op = program.ops.len();
        let count = u32::try_from(branches.len()).expect("a scenario file is too small for 2^32 branches");
        let needed = match need {
            Need::All => count,
            Need::Any => 1,
            Need::AtLeast(n) => n,
        };
        let first = program.branches.len() as u32;
        program.ops.push(Op::Parallel { first, count, needed, after: 0 });
        let entries = branches.iter().enumerate().map(|(n, branch)| BranchEntry {
            start: 0,
            optional: branch.optional,
            salt: salt(&format!("{path}/branch{n}")),
        });
        program.branches.extend(entries);
        for (n, branch) in branches.iter().enumerate() {
            program.branches[first as usize + n].start = program.here();
            self.steps(program, &branch.steps, &format!("{path}/branch{n}"), stride);
            program.ops.push(Op::End);
        }
        program.ops[op] = Op::Parallel { first, count, needed, after: program.here() };
    }

    /// Appends what stands in for the answer to the operation `call`, and the way around it.
    fn fallback(&self, program: &mut Program, standby: &Fallback, call: usize, along: u32, path: &str, stride: u32) {
        let n = program.lookups.len() as u32;
        if let Fallback::LastGood(cache) = standby {
            let salt = salt(&format!("{path}/fallback/cache"));
            program.lookups.push(Lookup { cache: cache.0, key: None, salt, miss: 0, after: 0 });
            program.ops.push(Op::Keep(n));
        }
        let way_around = program.ops.len();
        program.ops.push(Op::Jump(0));
        let here = program.here();
        if let Op::Call { fallback, .. } = &mut program.ops[call] {
            *fallback = here;
        }
        match standby {
            Fallback::Steps(steps) => self.steps(program, steps, &format!("{path}/fallback"), stride),
            Fallback::LastGood(_) => program.ops.push(Op::Recall(n)),
        }
        program.ops.push(Op::FellBack(along));
        program.ops[way_around] = Op::Jump(program.here());
    }

    fn choose(&self, program: &mut Program, arms: &[(Share, Vec<Step>)], path: &str, stride: u32) {
        let first = program.arms.len() as u32;
        let count = u32::try_from(arms.len()).expect("a scenario file is too small for 2^32 arms");
        let mut below = 0.0;
        for (share, _) in arms {
            below += share.as_f64();
            program.arms.push(Arm { below, start: 0 });
        }
        // Shares sum to one but for rounding: the last arm takes what is left.
        program.arms.last_mut().expect("a choice has arms").below = 1.0;
        program.ops.push(Op::Choose { first, count, salt: salt(&format!("{path}/choose")) });
        let mut exits = Vec::new();
        for (n, (_, steps)) in arms.iter().enumerate() {
            program.arms[first as usize + n].start = program.here();
            self.steps(program, steps, &format!("{path}/arm{n}"), stride);
            exits.push(program.ops.len());
            program.ops.push(Op::Jump(0));
        }
        let after = program.here();
        for exit in exits {
            program.ops[exit] = Op::Jump(after);
        }
    }

    fn call_salt(&self, path: &str, endpoint: EndpointId) -> u64 {
        debug_assert!(endpoint.index() < self.model.endpoints.len(), "a checked model has no dangling ids");
        salt(&format!("{path}/call/{}", self.model.endpoint_name(endpoint)))
    }
}
