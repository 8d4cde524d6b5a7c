//! The language at one sight: every table, every key, its type, its default and what it means. This is the
//! only place where a key is declared; decoder, hints, schema and reference all read it here.

use super::declare::{Keys, Kind, Section, keys};
use super::decode::{Arms, Branches, CallerName, EndpointName, Overlays};
use super::decode::{
    ArrivalsForm, BackoffForm, BreakerPreset, ClientName, Condition, Count, Entries, LimitFrom, Named, NeedForm,
    NotZero, Or, PositiveNumber, ProfileForm, RangeForm, RetryPreset, Scalar, Seed, ServiceName, SessionForm, Steps,
    StruckReplicas, True, Word, WorkloadName,
};
use crate::base::distribution::Distribution;
use crate::base::keys::KeyDistribution;
use crate::base::time::{Span, Time};
use crate::base::units::Share;
use crate::model::{Cancel, Deadlines, Discipline, Handlers, OnFailure};
use crate::policy::balance::Balance;
use crate::policy::retry::Jitter;

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
        /// Named knobs: `"$NAME"` stands for the value of one anywhere in the file.
        param: Named<ParameterKeys>;
        /// What goes wrong, and when.
        fault: Named<FaultKeys>;
        /// What must hold: the gate of a continuous build.
        expect: Named<ExpectKeys>;
        /// Overlays: the same file with another architecture or another cure.
        variant: Overlays;
        /// Another scenario, which this one is laid over as a variant is laid over its file. The path is relative to
        /// this file.
        extends: String;
    }
    later {
        "topic" "cache" "pool" "consumer" "change" "prices" "verdict" "sweep" "broker" "lock"
        "region" "autoscale"
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
        /// request; or a profile, such as `{ poisson = [["0s", "500/s"], ["60s", "2000/s"]] }`.
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
    }
    later { "request" "response" "transport" "trace" }
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
        /// CPU cores of one replica, shared fairly by all that works; "unlimited" gives every thread its own.
        cores: LimitFrom<1> = "unlimited";
        /// Who is next when a thread becomes free.
        discipline: Word<Discipline> = "fifo";
        /// Whether a handler keeps its thread while it sleeps or waits for a call.
        handlers: Word<Handlers> = "blocking";
        /// Time from a restart until the replica serves.
        startup: Span = "0s";
        /// What it answers.
        endpoint: Named<EndpointKeys>, required;
    }
    later { "limit" "autoscale" "probes" "gc" "region" "zone" "bulkhead" "shed" "transport" "slow_start" "accept_queue" }
}

keys! {
    /// A handler of a service.
    EndpointKeys is "an endpoint" at "service.NAME.endpoint.NAME" {
        /// What it does, in order. A handler that reaches the end answers well.
        steps: Steps, required;
    }
    later { "idempotent" "priority" "request" "response" "request_size" "response_size" "key" }
}

keys! {
    /// Uses the CPU.
    WorkKeys is "a `work` step" at "step" {
        /// For how long.
        work: Distribution, required;
    }
    later { }
}

keys! {
    /// Waits without using the CPU.
    SleepKeys is "a `sleep` step" at "step" {
        /// For how long.
        sleep: Distribution, required;
    }
    later { }
}

keys! {
    /// Calls an endpoint and waits for its answer; if it fails, the handler fails.
    CallKeys is "a `call` step" at "step" {
        /// Which endpoint, as `service.endpoint`.
        call: EndpointName, required;
        /// How.
        client: ClientName = "direct";
        /// Whether the handler goes on when the call fails.
        optional: bool = "false";
    }
    later { "priority" "key" "request" "response" "request_size" "response_size" }
}

keys! {
    /// Hands the request over to another endpoint, which answers the caller; ends the handler.
    ForwardKeys is "a `forward` step" at "step" {
        /// To which endpoint, as `service.endpoint`.
        forward: EndpointName, required;
        /// How; only its latency and its balancing matter.
        client: ClientName = "direct";
    }
    later { "priority" "key" "request_size" }
}

keys! {
    /// Runs branches at the same time.
    ParallelKeys is "a `parallel` step" at "step" {
        /// Each a step, a list of steps, or a table of `steps` and `optional`.
        parallel: Branches, required;
        /// How many must succeed: "all", "any" or a number. The step ends as soon as this is reached or out of reach.
        need: NeedForm = "all";
    }
    later { "limit" }
}

keys! {
    /// A branch of several steps with options of its own.
    BranchKeys is "a branch" at "step.parallel" {
        /// What it does.
        steps: Steps, required;
        /// Whether its failure counts as a success; only with `need = "all"`.
        optional: bool = "false";
    }
    later { }
}

keys! {
    /// Runs one of several lists, by chance.
    ChooseKeys is "a `choose` step" at "step" {
        /// The lists; their shares sum to 100%.
        choose: Arms, required;
    }
    later { }
}

keys! {
    /// One of several lists.
    ArmKeys is "an arm of `choose`" at "step.choose" {
        /// How likely it is.
        share: Share, required;
        /// What it does; may be empty.
        steps: Steps, required;
    }
    later { }
}

keys! {
    /// Runs a list several times, one after the other.
    RepeatKeys is "a `repeat` step" at "step" {
        /// How often.
        repeat: Count<1>, required;
        /// What.
        steps: Steps, required;
    }
    later { }
}

keys! {
    /// Answers now; the handler goes on without anybody waiting.
    ReplyKeys is "a `reply` step" at "step" {
        /// Always `true`.
        reply: True, required;
    }
    later { }
}

keys! {
    /// Ends the handler with an error.
    FailKeys is "a `fail` step" at "step" {
        /// Always `true`.
        fail: True, required;
    }
    later { }
}

keys! {
    /// A configured client library: every call that names it behaves so. Each replica of a caller has its own.
    ClientKeys is "a client" at "client.NAME" {
        /// Network time one way.
        latency: Distribution = "0s";
        /// How long one attempt is waited for.
        timeout: Or<NotZero<Span>> = "none";
        /// Which replica gets an attempt: each in turn, any, the one of two with fewer calls of this client outstanding,
        /// the one with the fewest requests in it, or the one that owns the request's key (on a ring of hashes).
        balance: Word<Balance> = "round-robin";
        /// Whether failed attempts are repeated.
        retry: Or<RetryKeys> = "none";
        /// When calls are refused without being sent.
        breaker: Or<BreakerKeys> = "none";
        /// What happens at the callee when the caller gives up: nothing, it leaves the queue, it stops before its
        /// next step, or at once.
        cancel: Word<Cancel> = "off";
        /// Whether the callee learns until when the answer is wanted: until the attempt times out, or the request's own
        /// deadline, whichever comes first. With "propagate" it neither starts nor calls on after that, and passes it on.
        deadlines: Word<Deadlines> = "local";
    }
    later { "transport" "hedge" "limit" "bulkhead" "outlier" "connections" "pool" "throttle" "rate_limit" "request_size" "response_size" }
}

keys! {
    /// How failed attempts are repeated: all that fail, be it an error, a timeout, a full queue or an open breaker.
    RetryKeys is "a retry policy" at "client.NAME.retry" {
        /// Start from the defaults of a library; the other keys change them.
        preset: RetryPreset;
        /// Attempts in all, the first included.
        attempts: Count<1> = "3";
        /// The delay before the next attempt: a length of time, or `exponential(100ms, factor=2, cap=10s)`.
        backoff: BackoffForm = "0s";
        /// How the delay is spread.
        jitter: Word<Jitter> = "none";
        /// How many retries there may be for every call.
        budget: Or<BudgetKeys> = "none";
    }
    later { "on" "per_try_timeout" }
}

keys! {
    /// A token bucket that every call fills and every retry empties. Each replica of a caller has one for each service
    /// that it calls; the users of a workload share one.
    BudgetKeys is "a retry budget" at "client.NAME.retry.budget" {
        /// Retries that each call earns.
        ratio: Share, required;
        /// The most retries that can be saved, and what the client starts with.
        burst: Count<0> = "10";
    }
    later { "ttl" "min_per_second" }
}

keys! {
    /// A circuit breaker over a window of the last calls, with the rules of resilience4j. Each replica of a caller has
    /// one for each service that it calls; the users of a workload share one.
    BreakerKeys is "a breaker" at "client.NAME.breaker" {
        /// Start from the defaults of a library; the other keys change them.
        preset: BreakerPreset;
        /// Results that the window holds.
        window: Count<1, 1_000_000> = "100";
        /// Results needed before the window is judged; never more than the window holds.
        minimum_calls: Count<1> = "100";
        /// Share of failures at which it opens.
        failure_rate: Share = "50%";
        /// A call longer than this is slow.
        slow_call_duration: Span = "60s";
        /// Share of slow calls at which it opens.
        slow_call_rate: Share = "100%";
        /// How long it stays open before it lets probes through.
        open_for: Span = "60s";
        /// Probes that it lets through when half open.
        half_open_calls: Count<1, 1_000_000> = "10";
    }
    later { "window_time" }
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
    }
    later { "flush" "key" "topic" "broker" "every" "cores" "disk" }
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

/// The section to which a key belongs, if it belongs to one alone; steps only when it belongs to no other table.
pub(crate) fn section_of(key: &str) -> Option<&'static Section> {
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
        assert_eq!(sections.len(), 25);
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
