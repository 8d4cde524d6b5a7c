//! The language at one sight: every table, every key, its type, its default and what it means. This is the
//! only place where a key is declared; decoder, hints, schema and reference all read it here.

mod limits;
mod messaging;
mod policies;
mod prices;
mod resources;
mod steps;
mod sweep;
mod traces;
mod transport;
mod verdict;

pub(crate) use limits::{BulkheadKeys, HealthKeys, LimitKeys, RateLimitKeys, SlowStartKeys};
pub(crate) use messaging::{BrokerKeys, ConsumerKeys, LagScalingKeys, ProducerKeys, PublishKeys, QueueKeys, TopicKeys};
pub(crate) use policies::{
    BreakerKeys, BudgetKeys, HedgeKeys, OutlierKeys, QuotaKeys, RetryKeys, RetryThrottleKeys, ThrottleKeys,
};
pub(crate) use prices::PricesKeys;
pub(crate) use resources::{CacheKeys, PoolKeys};
pub(crate) use steps::{
    ArmKeys, BranchKeys, CachedKeys, CallKeys, ChooseKeys, FailKeys, ForwardKeys, HoldKeys, LastGoodKeys, ParallelKeys,
    RepeatKeys, ReplyKeys, SleepKeys, WorkKeys,
};
pub(crate) use sweep::SweepKeys;
pub(crate) use traces::TracesKeys;
pub(crate) use transport::{
    AcceptKeys, ConnectionsKeys, EncodingKeys, LinkKeys, MeshKeys, ReconnectKeys, StreamKeys, TransportKeys,
};
pub(crate) use verdict::VerdictKeys;

use super::declare::{Keys, Kind, Section, keys};
use super::decode::{
    ArrivalsForm, Auto, CacheName, ClientName, Condition, Count, DisciplineForm, Entries, LimitFrom, Named, NotZero,
    Or, OrderForm, PositiveNumber, ProfileForm, PushbackForm, QueueTimeoutForm, RangeForm, Scalar, Seed, ServiceName,
    SessionForm, Steps, StruckReplicas, True, Word, WorkloadName,
};
use super::decode::{
    BrokerName, CallerName, ConsumerName, DestinationName, List, Overlays, QueueName, Scales, Settings, TransportName,
    ZoneName,
};
use crate::base::distribution::{Distribution, SizeDistribution};
use crate::base::keys::KeyDistribution;
use crate::base::time::{Span, Time};
use crate::base::units::{Bandwidth, Share, Size};
use crate::model::{Cancel, Deadlines, Handlers, OnFailure, Overflow, ZoneAware};
use crate::policy::balance::Balance;

keys! {
    /// A whole scenario: one file.
    ScenarioKeys is "a scenario" at "" {
        /// What pictures and tables are called; the name of the file if absent.
        title: String;
        /// Names every random draw: the same seed gives the same run.
        seed: Seed = "1";
        /// How long the run lasts, in simulated time.
        duration: NotZero<Span> = "60s";
        /// The part at the start that is plotted but left out of all totals.
        warmup: Span = "0s";
        /// Width of one point of the time series; about a two-hundredth of the duration if absent.
        interval: NotZero<Span>;
        /// Where requests come from.
        workload: Named<WorkloadKeys>;
        /// What handles them.
        service: Named<ServiceKeys>;
        /// How calls are made: configured client libraries.
        client: Named<ClientKeys>;
        /// How messages travel: their encoding, their headers, their connections.
        transport: Named<TransportKeys>;
        /// What the network is like between two zones, or within one.
        link: Named<LinkKeys>;
        /// What is held across steps: connections, locks, semaphores.
        pool: Named<PoolKeys>;
        /// What is remembered, so that it need not be fetched again.
        cache: Named<CacheKeys>;
        /// Who keeps messages.
        broker: Named<BrokerKeys>;
        /// Where messages are published to that several groups of consumers read, each all of them.
        topic: Named<TopicKeys>;
        /// Where messages are published to that one consumer each handles.
        queue: Named<QueueKeys>;
        /// Who handles messages.
        consumer: Named<ConsumerKeys>;
        /// Named knobs: `"$NAME"` stands for the value of one anywhere in the file.
        param: Named<ParameterKeys>;
        /// What goes wrong, and when.
        fault: Named<FaultKeys>;
        /// What somebody does to the running system, and when.
        change: Named<ChangeKeys>;
        /// What must hold: the gate of a continuous build.
        expect: Named<ExpectKeys>;
        /// When a run counts as unharmed, recovered or metastable.
        verdict: VerdictKeys;
        /// Which requests are traced; `"none"` records no request.
        traces: Or<TracesKeys>;
        /// What computing costs.
        prices: PricesKeys;
        /// What `brownout sweep` varies.
        sweep: SweepKeys;
        /// Overlays: the same file with another architecture or another cure.
        variant: Overlays;
        /// Another scenario, which this one is laid over as a variant is laid over its file. The path is relative to
        /// this file.
        extends: String;
    }
    later {
        "lock" "region" "autoscale"
    }
}

keys! {
    /// A source of requests: open (arrivals come, whatever happens) or closed (users wait for their answers).
    WorkloadKeys is "a workload" at "workload.NAME" {
        /// Which endpoint is asked for, or a table of several with their shares. A workload has this or `session`.
        entry: Entries;
        /// What each user does before he leaves, if that is more than one request: a list of
        /// `{ ask = "api.home" }`, `{ think = "exp(3s)" }` and `{ repeat = 3, steps = [..] }`. The arrivals are sessions
        /// then; each `ask` is a request of its own, with its own key, deadline and latency.
        session: SessionForm;
        /// With `session`: what follows a request that has failed for good. The user leaves, and the rest of his session
        /// is lost ("leave", also if absent), or he goes on with the next step.
        on_failure: Word<OnFailure>;
        /// When requests come: `even(500/s)`, `poisson(500/s)`, `burst(1000, at=10s, every=60s)`,
        /// `users(50, think=exp(1s))` who each wait for the answer, think and ask again, or `users(50, every=1s)` who mean
        /// to ask once a second, but wait for the answer to the last request first (latency counts from the intended
        /// start); at a rate that is now low, now high: `mmpp(100/s, 1000/s, low_for=exp(8s),
        /// high_for=exp(2s))` (with a low rate of `0/s` it goes on and off; it starts low); as recorded, from a CSV file: `trace('requests.csv', per=5m)` has a row for the
        /// requests of every five minutes (Poisson arrivals at their rate), `trace('times.csv')` a row for each
        /// request; or a profile, such as `{ poisson = [["0s", "500/s"], ["60s", "2000/s"]] }`;
        /// points marked as `["60s", "2000/s", "trigger"]` are part of what goes wrong, and the run is compared with its twin,
        /// which does without them.
        /// With `batch=10`, `even`, `poisson` and `mmpp` bring ten at once at each arrival: the rate counts the batches.
        /// In a trace, `speed=60` plays an hour in a minute, with all its requests; `scale=0.1` keeps a tenth of the counts; `at`
        /// starts it later; `gaps=hold` keeps the rate where rows are missing (else nothing arrives); `unit=1s` is
        /// what plain numbers count; `time=` and `column=` name the columns.
        arrivals: ArrivalsForm, required;
        /// What a request is about, of many things of the same kind: `zipf(1.0, 20000)` has an exponent and a number of
        /// keys, of which the first is the hottest; `uniform(20000)` makes them equal. A request and all that it causes
        /// have one key, by which `balance = "ring-hash"` picks the replica.
        key: KeyDistribution;
        /// An answer later than this is throughput, not goodput.
        deadline: Or<NotZero<Span>> = "none";
        /// How important its requests are: 9 goes first, 0 last; what a request causes inherits it. Only services with a
        /// discipline that looks at it care.
        priority: Count<0, 9> = "4";
        /// Whether users whose request has failed ask again.
        reload: Or<ReloadKeys> = "none";
        /// How the users' own client behaves; "direct" is a call without network, timeout, retries or breaker.
        client: ClientName = "direct";
        /// In which zone they are; nowhere in particular if absent. See `link`.
        zone: ZoneName;
    }
    later { "trace" }
}

keys! {
    /// A step of a session: it asks, thinks or repeats.
    SessionKeys is "a step of a session" at "step.session" {
        /// Asks for an endpoint, or for one of several with their shares, and waits for the answer.
        ask: Entries;
        /// Waits so long.
        think: Distribution;
        /// Does `steps` so many times, one after the other.
        repeat: Count<1>;
        /// What is repeated.
        steps: SessionForm;
    }
    later { }
}

keys! {
    /// The reload button: a user whose request has failed, all attempts of his client included, waits and asks again.
    /// It stays one request: offered once, with its latency from the first start to the last answer. A user who loses
    /// patience is a `timeout` of the workload's client. Where that client propagates deadlines, each time he asks has
    /// a whole `deadline` of its own.
    ReloadKeys is "a reload" at "workload.NAME.reload" {
        /// How long he waits before he asks again.
        after: Distribution, required;
        /// How often he asks in all, the first time included.
        attempts: LimitFrom<1> = "unlimited";
    }
    later { }
}

keys! {
    /// A rate over time.
    ProfileKeys is "a profile" at "workload.NAME.arrivals" {
        /// Arrivals by chance, at a rate that is linear between points, `[["0s", "500/s"], ["60s", "2000/s"]]` (two at
        /// the same time are a step), that follows the day, `"diurnal(low=100/s, high=1000/s, period=24h)"`, or that
        /// was recorded, `"trace('requests.csv', per=5m)"`.
        poisson: ProfileForm;
        /// The same with evenly spaced arrivals.
        even: ProfileForm;
        /// How many requests come at each arrival: the rate counts the batches.
        batch: Count<1, 10_000_000> = "1";
    }
    later { }
}

keys! {
    /// A group of equal replicas that run the same endpoints.
    ServiceKeys is "a service" at "service.NAME" {
        /// Processes.
        replicas: Count<1, 100_000> = "1";
        /// Worker threads of one replica.
        threads: LimitFrom<1> = "unlimited";
        /// Waiting places in front of one replica's threads.
        queue: LimitFrom<0> = "unlimited";
        /// Who is turned away when every waiting place is taken: who comes, or who has waited longest.
        overflow: Word<Overflow> = "reject-newest";
        /// How long a request waits in the queue before it is turned away: a length of time or a distribution, or
        /// `adaptive(5ms, standing=100ms)`: 5 ms in a queue that has not been empty for 100 ms, else 100 ms.
        queue_timeout: Or<QueueTimeoutForm> = "none";
        /// Who is next when a thread becomes free: `fifo`, `lifo`, `random`; `priority` (the most important one) or
        /// `preemptive` (and work is interrupted for it); `codel(target=5ms, interval=100ms)`, which turns away who has
        /// waited for twice the target while everybody waits longer than it; `adaptive-lifo(standing=100ms)`, which
        /// serves the last one first while the queue has not been empty for so long.
        discipline: DisciplineForm = "fifo";
        /// CPU cores of one replica, shared fairly by all that works; "unlimited" gives every thread its own.
        cores: LimitFrom<1> = "unlimited";
        /// What it costs that more threads work than there are cores.
        context_switch: Or<ContextSwitchKeys> = "none";
        /// Whether a handler keeps its thread while it sleeps or waits for a call.
        handlers: Word<Handlers> = "blocking";
        /// Time from a restart until the replica serves.
        startup: Span = "0s";
        /// What one replica takes on: beyond that, requests are turned away as they arrive, before the queue.
        limit: Or<LimitKeys> = "none";
        /// What it has those know whom its queue or its limit turns away: to ask again after so long (`"500ms"`), or not at
        /// all ("do-not-retry"). Clients hear it whose retries have a `pushback`, such as gRPC's.
        pushback: PushbackForm;
        /// What connections one replica takes on, from clients with a `transport`; "none" takes on all.
        connections: Or<AcceptKeys> = "none";
        /// What part of the requests each replica is meant for: `[5, 1, 1]` gives the first one five times as many, and
        /// begins anew with the fourth. Balancers that look at it: "round-robin" (as nginx does), "random",
        /// "least-request" (as Envoy does) and "maglev". All the same if absent.
        [since "0.2"] weights: List<Count<1, 10_000>>;
        /// How a replica that has just come up gets its weight.
        [since "0.2"] slow_start: Or<SlowStartKeys> = "none";
        /// Pauses of each replica in which its memory is tidied up.
        gc: Or<GcKeys> = "none";
        /// Somebody on the same machine who takes CPU time away now and then, from each replica at other times.
        neighbour: Or<NeighbourKeys> = "none";
        /// In which zones its replicas stand: the first one in the first, the second one in the second, and again from the
        /// first when there are no more. Nowhere in particular if absent. See `link`.
        zones: List<ZoneName>;
        /// What it answers.
        endpoint: Named<EndpointKeys>, required;
    }
    later { "autoscale" "probes" "region" "bulkhead" "shed" }
}

keys! {
    /// The cost of switching a core from one thread to another: while more threads work than there are cores, a part of
    /// the cores' time is lost.
    ContextSwitchKeys is "a context switch" at "service.NAME.context_switch" {
        /// Time lost with each switch.
        cost: Span, required;
        /// How long a thread runs before another one has its turn.
        slice: NotZero<Span> = "3ms";
    }
    later { }
}

keys! {
    /// A garbage collector that stops the process: nothing works meanwhile, and what comes waits outside.
    GcKeys is "a garbage collector" at "service.NAME.gc" {
        /// How long a pause lasts.
        pause: Distribution, required;
        /// How long after the last pause the next one starts. Either this or `heap`.
        every: Distribution;
        /// After how much memory that handlers have left behind (see `allocates`) the next one starts.
        heap: Size;
    }
    later { "concurrent" }
}

keys! {
    /// A noisy neighbour.
    NeighbourKeys is "a noisy neighbour" at "service.NAME.neighbour" {
        /// How long he is quiet.
        every: Distribution, required;
        /// How long he is noisy.
        r#for: Distribution, required;
        /// Work takes this many times as long meanwhile.
        slow: PositiveNumber = "2";
    }
    later { }
}

keys! {
    /// A handler of a service.
    EndpointKeys is "an endpoint" at "service.NAME.endpoint.NAME" {
        /// What it does, in order. A handler that reaches the end answers well.
        steps: Steps, required;
        /// How important requests for it are, unless the call says so: 9 goes first, 0 last. As important as the
        /// caller's own if absent. Only services with the discipline `priority` or `preemptive` care.
        priority: Count<0, 9>;
        /// Memory that one request leaves behind, for services with `gc = { heap = .. }`.
        allocates: Size = "0B";
        /// Whether asking twice is as good as asking once. If not, clients repeat only what has not been processed
        /// (rejected, refused, or never sent), whatever `on` says, and do not hedge.
        idempotent: bool = "true";
        /// How large the body of a request is, as JSON; only clients with a `transport` care.
        request: SizeDistribution = "0B";
        /// How large the body of an answer is, as JSON. Errors have none.
        response: SizeDistribution = "0B";
        /// An answer of many messages instead of one `response`: server streaming.
        stream: Or<StreamKeys> = "none";
        /// What it does to the world outside when it ends well, such as "order": it is counted how often that was done again
        /// for the same request or message, because of a retry or because a message came again.
        effect: String;
        /// Whether doing that again does no harm, because of an upsert or an idempotency key. How often it happened is told all
        /// the same, as harmless (`"idempotent": true`), and nothing is said against it.
        effect_once: bool = "false";
    }
    later { "request_size" "response_size" "key" }
}

keys! {
    /// A configured client library: every call that names it behaves so. Each replica of a caller has its own.
    ///
    /// Around a call, from outside in: its `fallback`; `overall_timeout`; `retry`, or `hedge` with the `timeout` of the whole
    /// call; and for each attempt `throttle`, `breaker`, `rate_limit`, `timeout`, `bulkhead`, `limit`; then `balance` and
    /// `outlier` choose the replica. That is resilience4j's `Retry(CircuitBreaker(RateLimiter(TimeLimiter(Bulkhead))))`.
    /// `order` changes what stands between `overall_timeout` and `balance`; other libraries have other defaults.
    ClientKeys is "a client" at "client.NAME" {
        /// How its messages travel: the name of a transport, or one of its presets ("rest", "rest-h2", "grpc",
        /// "grpc-stream", "in-process"). Without one, messages have no size and need no connection.
        transport: TransportName;
        /// Network time one way.
        latency: Distribution = "0s";
        /// How fast the network takes bytes; only with a `transport`.
        bandwidth: Or<Bandwidth> = "none";
        /// Chance that a message gets lost and is sent again after the `retransmit` of the `transport`; what is sent after
        /// it on the same connection waits for it.
        loss: Share = "0%";
        /// How long one attempt is waited for; with `hedge`, the whole call from its first attempt on.
        timeout: Or<NotZero<Span>> = "none";
        /// How long a call is waited for with all its attempts and the delays between them; then it has failed with a
        /// timeout, which nothing repeats. Envoy's route timeout, a gRPC client's deadline.
        overall_timeout: Or<NotZero<Span>> = "none";
        /// How its policies stand around a call, outermost first. What stands before `retry` (or `hedge`) acts once for each
        /// call with all its attempts: a breaker there sees one outcome, a bulkhead keeps its place during the delays between
        /// attempts, a `timeout` is that of the whole call. What stands behind acts on every attempt. A breaker inside of
        /// `timeout` does not count what the timeout cuts off. Every policy that the client has must be there; others may.
        ///
        /// If absent it follows the library of the `breaker`, else of the `bulkhead` or the `retry`. resilience4j, failsafe and all that is not
        /// named here: "retry", "throttle", "breaker", "rate_limit", "timeout", "bulkhead", "limit". hystrix: "breaker",
        /// "timeout", "bulkhead", "retry", "throttle", "rate_limit", "limit". polly (the standard pipeline of
        /// Microsoft.Extensions.Http.Resilience): "rate_limit", "bulkhead", "retry", "throttle", "breaker", "timeout", "limit".
        /// envoy and istio, without a breaker: "rate_limit", "throttle", "limit", "retry", "breaker", "bulkhead", "timeout".
        [since "0.2"] order: OrderForm;
        /// Which replica gets an attempt: each in turn, any, the one of two with fewer calls of this client outstanding
        /// ("least-request" draws as Envoy does, "p2c" two different ones), the one with the fewest requests in it
        /// ("join-shortest"), the one of two with the smaller product of calls and peak latency ("peak-ewma", as finagle
        /// and linkerd), or the one that owns the request's key, on a ring of hashes ("ring-hash") or in a table ("maglev").
        balance: Word<Balance> = "round-robin";
        /// What zones mean for that: nothing ("off"), the caller's own while somebody is up there ("prefer"), or the caller's
        /// own as far as its share of the replicas goes, as in Envoy ("envoy"; only from six replicas on).
        [since "0.2"] zone_aware: Word<ZoneAware> = "off";
        /// How many replicas of a service each replica of the caller knows: deterministic subsetting as in Google's SRE book.
        /// All if absent.
        [since "0.2"] subset: Count<1, 100_000>;
        /// When replicas are left out that have failed.
        [since "0.2"] health: Or<HealthKeys> = "none";
        /// When calls may go.
        [since "0.2"] rate_limit: Or<RateLimitKeys> = "none";
        /// How many calls may be under way.
        [since "0.2"] bulkhead: Or<BulkheadKeys> = "none";
        /// How many calls may be under way by a limit that learns, as in `service.NAME.limit`. A wait in front of it there is
        /// none: what is beyond ends `limited`.
        [since "0.2"] limit: Or<LimitKeys> = "none";
        /// Whether failed attempts are repeated.
        retry: Or<RetryKeys> = "none";
        /// Whether another attempt is sent while the first has no answer yet; not together with `retry`.
        hedge: Or<HedgeKeys> = "none";
        /// When calls are refused without being sent.
        breaker: Or<BreakerKeys> = "none";
        /// How many fallbacks of its calls may be under way at a time, for each replica of the caller and each endpoint that
        /// it calls; one more is turned away at once, and the call has failed. 10 for a client of Hystrix (its
        /// `fallback.isolation.semaphore`), without end for all others if absent. What stands in at once, a constant or a
        /// cached answer, needs no place.
        [since "0.2"] fallback_limit: Or<Count<1, 1_000_000>>;
        /// Which replicas it does not see for a while, because they answered it badly.
        outlier: Or<OutlierKeys> = "none";
        /// Which requests are held back because too many before were turned away.
        throttle: Or<ThrottleKeys> = "none";
        /// What happens at the callee when the caller gives up: nothing, it leaves the queue, it stops before its
        /// next step, or at once. "auto" is as the `transport` says: "between-steps" for gRPC, else "off".
        cancel: Auto<Cancel> = "auto";
        /// Whether the callee learns until when the answer is wanted: until the attempt times out, or the request's own
        /// deadline, whichever comes first. With "propagate" it neither starts nor calls on after that, and passes it on.
        /// "auto" is as the `transport` says: "propagate" for gRPC, else "local".
        deadlines: Auto<Deadlines> = "auto";
    }
    later { "connections" "pool" "request_size" "response_size" }
}

keys! {
    /// A named knob. `"$NAME"` stands for its value wherever a value can stand, alone or in a text such as
    /// `"poisson($NAME)"`; `--set NAME=VALUE` turns it. `$$` is a dollar sign.
    ParameterKeys is "a parameter" at "param.NAME" {
        /// What `"$NAME"` stands for: a text, a number, `true` or `false`.
        value: Scalar, required;
        /// Between which bounds it makes sense, such as `"100/s .. 3000/s"`, or a list of the values that do.
        range: RangeForm;
        /// What turning it means.
        doc: String;
    }
    later { }
}

keys! {
    /// Something that goes wrong for a time: one target, one effect.
    FaultKeys is "a fault" at "fault.NAME" {
        /// When it starts.
        at: Time, required;
        /// How long it lasts; to the end of the run if absent.
        r#for: NotZero<Span>;
        /// Target: replicas of this service.
        service: ServiceName;
        /// How many of them: a number or a share; all if absent.
        replicas: StruckReplicas;
        /// Target: calls from this service or workload, to the one that `to` names.
        from: CallerName;
        /// Target: calls to this service, from the caller that `from` names.
        to: ServiceName;
        /// Target: this workload.
        workload: WorkloadName;
        /// Target: this cache.
        cache: CacheName;
        /// Target: this broker.
        broker: BrokerName;
        /// How many of its nodes: a number or a share; all if absent.
        nodes: StruckReplicas;
        /// Target: this topic or queue.
        topic: DestinationName;
        /// Effect on a service: every handler first sleeps as long, holding its thread. On calls: network delay,
        /// each way.
        add_latency: Distribution;
        /// Effect on a service: work takes this many times as long.
        slow: PositiveNumber;
        /// Effect on a service or on calls: this share fails at once.
        error_rate: Share;
        /// Effect on a service: work freezes, and goes on afterwards.
        pause: True;
        /// Effect on a service: the process dies with all it holds, and comes back at the end.
        crash: True;
        /// With `crash`: how long balancers go on sending to it.
        detect: Span;
        /// Effect on calls: requests and answers are lost.
        cut: True;
        /// Effect on a workload: arrivals come at this many times their rate.
        traffic: f64;
        /// Effect on a cache: it forgets everything, at once.
        flush: True;
        /// Effect on a topic or a queue: this share of the messages that are published meanwhile is poisoned: their
        /// handler fails, however often they are delivered.
        poison: Share;
    }
    later { "key" "every" "cores" "disk" }
}

keys! {
    /// The operator's hand: one thing that somebody does to the system while it runs. Of changes of the same thing the
    /// latest one holds.
    ChangeKeys is "a change" at "change.NAME" {
        /// When.
        at: Time, required;
        /// Action: keys have other values from then on. They are named by their path, in quotes:
        /// `{ "service.orders.threads" = 64, "client.internal.timeout" = "300ms" }`. Of a service `threads`, `queue`,
        /// `overflow`, `queue_timeout`, `cores` and `limit` can change while it runs; of a client `latency`, `timeout`,
        /// `retry`, `breaker`, `throttle`, `cancel` and `deadlines`; of a pool its `size`. More threads serve who waits at
        /// once, fewer ones come about as requests end; nobody who waits is turned away because the queue is shorter; a
        /// timeout holds for attempts that are sent from then on, and a policy that changes starts afresh.
        set: Settings;
        /// Action: services have so many replicas from then on, such as `{ orders = 60 }`. New ones serve after the
        /// service's `startup`. Those with the highest numbers go first: they get no more requests, finish what they
        /// have, and go down.
        scale: Scales;
        /// Action: the processes of this service die with all they hold, which balancers know at once, and serve again
        /// after its `startup`.
        restart: ServiceName;
        /// Action: balancers send nothing more to the processes of this service; these finish what they have, and stay.
        drain: ServiceName;
        /// Action: all that is in this queue as dead letters goes back to where it came from.
        redrive: QueueName;
        /// Action: the group of this consumer reads again, `from` a moment or an `offset` on. Only Kafka.
        replay: ConsumerName;
        /// With `replay`: what was published since then is read again.
        from: Time;
        /// With `replay`, instead of `from`: each partition is read again from the record with this number on, the first of all
        /// being 0, or from the oldest that is kept.
        offset: Count<0>;
        /// With `restart` or `drain`: how many of them, a number or a share; all if absent.
        replicas: StruckReplicas;
        /// With `restart`: one after another, each so long after the last; all at once if absent.
        every: NotZero<Span>;
        /// With `drain`: how long until they get requests again; never if absent.
        r#for: NotZero<Span>;
        /// Whether it is part of what goes wrong, as faults always are: the run is compared with its twin, which does
        /// without.
        trigger: True;
    }
    later { }
}

keys! {
    /// A condition on what the run measures; the exit code tells when one fails.
    ExpectKeys is "an expectation" at "expect.NAME" {
        /// The condition: a metric at a workload or service, and a bound.
        that: Condition, required;
        /// Start of the time in which it is measured; the end of the warm-up if absent.
        after: Time;
        /// End of the time in which it is measured; the end of the run if absent.
        until: Time;
    }
    later { "for" "replications" }
}

/// Every section, each once, in the order in which the language is explained.
pub(crate) fn sections() -> Vec<&'static Section> {
    let mut sections = Vec::new();
    add_sections(ScenarioKeys::section(), &mut sections);
    sections
}

fn add_sections(section: &'static Section, sections: &mut Vec<&'static Section>) {
    if sections.iter().any(|known| std::ptr::eq(*known, section)) {
        return;
    }
    sections.push(section);
    for key in section.keys {
        add_sections_of((key.kind)(), sections);
    }
}

fn add_sections_of(kind: Kind, sections: &mut Vec<&'static Section>) {
    match kind {
        Kind::Table(section) | Kind::Named(section) => add_sections(section(), sections),
        Kind::Steps => super::decode::VERBS.iter().for_each(|(_, section, _)| add_sections(section(), sections)),
        Kind::Or(_, inner) | Kind::List(inner) | Kind::Map(_, inner) => add_sections_of(*inner, sections),
        Kind::Either(kinds) => kinds.into_iter().for_each(|kind| add_sections_of(kind, sections)),
        _ => {}
    }
}

/// The section to which a key belongs, if it belongs to one alone; companions of verbs only when they belong to no other
/// table.
pub(crate) fn section_of(key: &str) -> Option<&'static Section> {
    // A verb is a step, unless it is a section of the whole file, too.
    let verb = super::decode::VERBS.iter().find(|(verb, _, _)| *verb == key);
    if let Some((_, section, _)) = verb.filter(|_| !ScenarioKeys::section().keys.iter().any(|known| known.name == key))
    {
        return Some(section());
    }
    let has_key = |section: &&'static Section| section.keys.iter().any(|known| known.name == key);
    let (steps, tables): (Vec<_>, Vec<_>) =
        sections().into_iter().filter(has_key).partition(|section| section.path.starts_with("step"));
    match (tables.as_slice(), steps.as_slice()) {
        ([only], _) | ([], [only]) => Some(only),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Keys are read by the same declaration that names them; what is left to see is that one file shows them all.
    #[test]
    fn every_key_stands_in_the_file_with_everything() {
        let file = include_str!("../../tests/data/good/everything.toml");
        let has = |key: &str| {
            let is_key = |at: usize| {
                let before = file[..at].chars().next_back().unwrap_or('\n');
                let after = file[at + key.len()..].trim_start_matches(' ');
                " \n.[{".contains(before) && after.starts_with(['=', '.', ']'])
            };
            file.match_indices(key).any(|(at, _)| is_key(at))
        };
        for section in sections() {
            // A file that stands alone extends none.
            for key in section.keys.iter().filter(|key| key.name != "extends") {
                assert!(has(key.name), "{} of {}", key.name, section.noun);
            }
        }
    }

    #[test]
    fn declarations_are_whole() {
        let sections = sections();
        assert_eq!(sections.len(), 65);
        for section in sections {
            assert!(section.noun.starts_with("a ") || section.noun.starts_with("an "), "{}", section.noun);
            for key in section.keys {
                let doc = key.doc.join(" ");
                assert!(doc.trim().ends_with('.'), "the doc of `{}` is a sentence", key.name);
                assert!(!section.later.contains(&key.name), "`{}` is both there and not there yet", key.name);
            }
            let mut names: Vec<_> =
                section.keys.iter().map(|key| key.name).chain(section.later.iter().copied()).collect();
            let all = names.len();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), all, "{} declares a key twice", section.noun);
        }
    }
}
