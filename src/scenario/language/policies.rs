//! The client's policies: retries, hedges, breakers, outlier detection, throttles.

use crate::base::time::Span;
use crate::base::units::Share;
use crate::policy::breaker::Sees;
use crate::policy::retry::PushbackRule;
use crate::scenario::declare::keys;
use crate::scenario::decode::{
    BackoffForm, BreakerPreset, Count, HedgeAfter, HedgePreset, JitterForm, NotZero, Or, OutlierPreset, PositiveNumber,
    RetryOn, RetryPreset, SpanOrShare, ThrottlePreset, WindowForm, Word,
};

keys! {
    /// How failed attempts are repeated: all that fail, be it an error, a timeout, a full queue, an open
    /// breaker or a throttle, unless `on` says which.
    RetryKeys is "a retry policy" at "client.NAME.retry" {
        /// Start from the defaults of a library; the other keys change them.
        preset: RetryPreset;
        /// Attempts in all, the first included.
        attempts: Count<1> = "3";
        /// Which failures are repeated; all others are final. Without it and without a preset all are; "grpc" and "istio"
        /// repeat what the server has not taken on: `["rejected", "refused"]`.
        on: RetryOn;
        /// The delay before the next attempt: a length of time, or `exponential(100ms, factor=2, cap=10s)`.
        backoff: BackoffForm = "0s";
        /// The delay after an attempt that was turned away, if that is another.
        rejected_backoff: BackoffForm;
        /// How the delay is spread: not at all, between nothing and all of it ("full"), between half and all of it
        /// ("equal"), by the delay before ("decorrelated"); or by a share both ways, such as "20%"; `randomized(50%)` is the
        /// same in whole milliseconds, `longer(50%)` only adds.
        jitter: JitterForm = "none";
        /// How many retries there may be for every call.
        budget: Or<BudgetKeys> = "none";
        /// How failures stop all retries, as in gRPC; a policy has a budget, a throttle or a quota, not several.
        throttle: Or<RetryThrottleKeys> = "none";
        /// A store that retries empty, as in the SDKs of AWS.
        quota: Or<QuotaKeys> = "none";
        /// Whether the client finds out how fast it may send once it was turned away, and waits before it sends (the
        /// adaptive mode of the SDKs of AWS).
        adaptive: bool = "false";
        /// What becomes of a server's wish to be asked again after some time, or not at all (the `pushback` of its service):
        /// nothing ("ignore"); it is waited for to the letter, and delays count anew from there ("obey", gRPC); or it makes
        /// the own delay longer, by five seconds at most ("clamp", the SDKs of AWS).
        pushback: Word<PushbackRule> = "ignore";
        /// Whether an attempt that came to a process that was not there any more goes again at once, once for each call,
        /// and counts neither as an attempt nor against budgets (gRPC's transparent retries).
        transparent: bool = "false";
    }
    later { "per_try_timeout" }
}

keys! {
    /// Hedged calls, as in gRPC: while an attempt has no answer, another one is sent, to a replica that is picked anew, and
    /// the first good answer wins. The others are given up: they end `cancelled`, and their callees hear of it as the
    /// client's `cancel` says. An attempt that fails sends the next one at once; the call fails when all have failed, or
    /// when its `timeout` is over, which holds for all of them together.
    HedgeKeys is "a hedge" at "client.NAME.hedge" {
        /// Start from the defaults of a library; the other keys change them.
        [since "0.2"] preset: HedgePreset;
        /// Needed without a preset. How long the latest attempt goes without an answer before the next one is sent: a length
        /// of time, or a percentile such as `p95`, of the last 1000 calls that were answered well, worked out after every hundredth;
        /// before the first hundred there are no hedges. Each replica of a caller sees its own calls to a service; the
        /// users of a workload see those of all.
        after: HedgeAfter;
        /// Attempts at most, the first included.
        attempts: Count<2, 5> = "2";
        /// Failures that another attempt may heal: it is sent at once. Any other failure ends the call. All may be healed if
        /// absent.
        on: RetryOn;
        /// How failures stop all hedges, as they stop retries: every attempt that fails in a way that another one may heal
        /// takes a token, every call that is answered well brings a part of one, and while at most half are left a call
        /// sends its first attempt only.
        [since "0.2"] throttle: Or<RetryThrottleKeys> = "none";
    }
    later { "budget" }
}

keys! {
    /// A token bucket that every call fills and every retry empties. Each replica of a caller has one for each service
    /// that it calls; the users of a workload share one.
    BudgetKeys is "a retry budget" at "client.NAME.retry.budget" {
        /// Retries that each call earns; with `min_retries`, the part of all attempts under way that may be retries.
        ratio: Share, required;
        /// The most retries that can be saved, and what the client starts with; 10 if absent.
        burst: Count<0>;
        /// As in Finagle and Linkerd: retries that are there in any case, per second. Calls and retries are forgotten after
        /// the `ttl` then, and there is no `burst`.
        min_per_second: Count<0>;
        /// With `min_per_second`: for how long a call counts; 10 s if absent.
        ttl: NotZero<Span>;
        /// With `min_per_second`: the part of what is left when a call starts that its own retries may take; all of it if
        /// absent.
        [since "0.2"] per_call: Share;
        /// As in Envoy: retries at a time that are there in any case; there is no `burst` then.
        min_retries: Count<0>;
    }
    later { }
}

keys! {
    /// gRPC's retry throttling: a store of tokens from which every attempt that fails takes one, and to which every one
    /// that is answered well adds a part. While it is at most half full, nothing is retried. It starts full; each
    /// replica of a caller has one for each service that it calls, and the users of a workload share one.
    RetryThrottleKeys is "a retry throttle" at "client.NAME.retry.throttle" {
        /// The most tokens that can be saved.
        max_tokens: Count<1, 1000> = "10";
        /// The part of a token that a success brings; decimal places beyond the third are ignored. Once a larger share
        /// than `ratio / (1 + ratio)` of all attempts fails for long, retries stop: 9.1% for a ratio of 0.1.
        token_ratio: PositiveNumber = "0.1";
    }
    later { }
}

keys! {
    /// The retry quota of the SDKs of AWS: a store that retries empty. A call that succeeds after retries gives back what
    /// its last one cost; one that needs none brings the `reward`.
    QuotaKeys is "a retry quota" at "client.NAME.retry.quota" {
        /// What it holds at most, and at the start.
        capacity: Count<1> = "500";
        /// What a retry costs.
        cost: Count<0> = "5";
        /// What it costs after a timeout.
        timeout_cost: Count<0> = "10";
        /// What it costs after an attempt that was turned away.
        rejected_cost: Count<0> = "5";
        /// What a call brings that succeeds at once.
        reward: Count<0> = "1";
    }
    later { }
}

keys! {
    /// A circuit breaker with the rules of a library; which keys it has, and their defaults, stands under `Presets`. Each
    /// replica of a caller has one for each service that it calls; the users of a workload share one.
    BreakerKeys is "a breaker" at "client.NAME.breaker" {
        /// Whose rules and defaults it follows; resilience4j's if absent. The other keys change them.
        preset: BreakerPreset;
        /// The results that are judged: so many of the last ones (`100`), or those of so long (`"60s"`).
        window: WindowForm = "100";
        /// Results needed before they are judged; of a window of calls never more than it holds.
        minimum_calls: Count<0> = "100";
        /// Share of failures at which it opens.
        failure_rate: Share = "50%";
        /// Failures in the window at which it opens (failsafe).
        failures: Count<1>;
        /// Successes of its probes at which it closes (failsafe).
        successes: Count<1>;
        /// A call longer than this is slow.
        slow_call_duration: Span = "60s";
        /// Share of slow calls at which it opens.
        slow_call_rate: Share = "100%";
        /// How long it stays open before it lets probes through; one that grows (`exponential(5s, factor=1.5)`) does so with
        /// every time it opens again without having been closed.
        open_for: BackoffForm = "60s";
        /// Whether it becomes half open by itself, and not with the first call after that time.
        automatic: bool = "false";
        /// Probes that it lets through when half open.
        half_open_calls: Count<1, 1_000_000> = "10";
        /// How long it waits for the results of its probes, before it opens again.
        half_open_for: Or<NotZero<Span>> = "none";
        /// Whether it closes after that time instead.
        half_open_closes: bool = "false";
        /// How often the counts are looked at (hystrix).
        snapshot: NotZero<Span>;
        /// Failures that count as nothing.
        ignore: RetryOn;
        /// What it permits and counts where calls are repeated: each of the "attempts", or "calls" with all their attempts.
        /// As the library does it if absent.
        sees: Word<Sees>;
    }
    later { }
}

keys! {
    /// Outlier detection: replicas that answered badly are hidden from this client's balancer for a while; which keys it
    /// has, and their defaults, stands under `Presets`. Each replica of a caller has its own view of each service that it
    /// calls; the users of a workload share one.
    OutlierKeys is "an outlier detection" at "client.NAME.outlier" {
        /// Whose rules and defaults it follows; Envoy's if absent. The other keys change them.
        preset: OutlierPreset;
        /// Failures in a row that eject a replica.
        consecutive: Or<Count<1>> = "5";
        /// Failures of the way there in a row (refused, rejected, timeout) that eject it.
        consecutive_gateway: Or<Count<1>> = "5";
        /// The chance that those do.
        consecutive_gateway_enforced: Share = "0%";
        /// How often rates are compared and replicas let back in.
        interval: NotZero<Span> = "10s";
        /// How long a replica is out the first time; longer every time.
        base_ejection_time: NotZero<Span> = "30s";
        /// The longest that it is out.
        max_ejection_time: NotZero<Span> = "300s";
        /// By up to how much each time is longer, by chance: a length of time, or a share of it.
        ejection_jitter: SpanOrShare = "0s";
        /// The most replicas that may be out.
        max_ejection: Share = "10%";
        /// Whether one may be out whatever part of all it is.
        always_eject_one: bool = "false";
        /// A success rate below this ejects (finagle).
        success_rate: Share;
        /// Over which time that is counted (finagle).
        window: NotZero<Span>;
        /// Replicas with enough requests before success rates are compared.
        success_rate_hosts: Count<1> = "5";
        /// Requests that make a replica's success rate count.
        success_rate_requests: Count<1> = "100";
        /// A success rate so many standard deviations below the mean ejects.
        success_rate_deviations: PositiveNumber = "1.9";
        /// The chance that it does.
        success_rate_enforced: Share = "100%";
        /// Replicas with enough requests before failure percentages are looked at.
        failure_rate_hosts: Count<1> = "5";
        /// Requests that make a replica's failure percentage count.
        failure_rate_requests: Count<1> = "50";
        /// A percentage of failures that ejects.
        failure_rate: Share = "85%";
        /// The chance that it does.
        failure_rate_enforced: Share = "0%";
        /// When fewer than these are left, health is ignored.
        panic: Share = "50%";
    }
    later { }
}

keys! {
    /// A throttle as in Google's SRE book: an attempt is held back with the probability
    /// `(requests - multiplier * accepts) / (requests + 1)`, or never where that is below zero. `requests` are all that
    /// should have gone, those held back too; `accepts` are those that were answered, well or with an error, and those
    /// that the caller withdrew. What is rejected, refused or times out is not accepted, nor is what an open breaker
    /// stops: it stands behind the throttle. Each replica of a caller has one for each service that it calls; the users
    /// of a workload share one.
    ThrottleKeys is "a throttle" at "client.NAME.throttle" {
        /// Start from the defaults of a library; the other keys change them.
        preset: ThrottlePreset;
        /// Requests that may go for each one that is accepted: 2 sends up to twice as many as are accepted.
        multiplier: PositiveNumber = "2";
        /// Over which time both are counted, in 120 parts: it forgets a part at a time.
        window: NotZero<Span> = "120s";
    }
    later { }
}
