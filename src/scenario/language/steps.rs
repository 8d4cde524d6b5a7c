//! The keys of steps, by their verbs.

use crate::base::distribution::Distribution;
use crate::base::keys::KeyDistribution;
use crate::base::time::Span;
use crate::base::units::Share;
use crate::scenario::declare::keys;
use crate::scenario::decode::{
    Arms, Branches, CacheName, ClientName, Count, EndpointName, FallbackForm, NeedForm, PoolName, Steps, True,
};

keys! {
    /// Uses the CPU.
    WorkKeys is "a `work` step" at "step" {
        /// For how long.
        work: Distribution, required;
        /// How much longer for each request that the replica has in progress when the step starts, its own included:
        /// contention for whatever they share.
        contention: Span = "0s";
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
        /// How important it is: 9 goes first, 0 last. As important as the endpoint says if absent, or else as the request
        /// for which it is made.
        priority: Count<0, 9>;
        /// Of an endpoint that streams: work for each message, on the caller's thread and cores, besides that of decoding
        /// it. A message is read before the next one is looked at.
        read: Distribution;
        /// What stands in for the answer when the call has failed with all its attempts, outside of the client's retries,
        /// breaker and bulkhead: "constant", an answer that is always the same; `{ last_good = "CACHE" }`, the last good
        /// answer; or steps, such as `{ call = "backup.quote" }`, with which the handler fails if they do. The handler goes
        /// on as if the call had been answered: for users that is goodput. How often that was so is counted: `fallbacks` of
        /// the edge, and `degraded`, the users' requests that were answered well with the help of one.
        fallback: FallbackForm;
    }
    later { "key" "request" "response" "request_size" "response_size" }
}

keys! {
    /// A fallback to the last good answer.
    LastGoodKeys is "a fallback to the last good answer" at "step.fallback" {
        /// The cache that keeps the good answers of this call, one for each key of the requests, for as long as its `ttl`
        /// says. Where it has none, the call has failed.
        last_good: CacheName, required;
    }
    later { }
}

keys! {
    /// Hands the request over to another endpoint, which answers the caller; ends the handler.
    ForwardKeys is "a `forward` step" at "step" {
        /// To which endpoint, as `service.endpoint`.
        forward: EndpointName, required;
        /// How; only its latency, its balancing and its `transport` matter. Over a transport the request is written, sent
        /// and read like any other, on a connection that is taken to be open; the answer goes straight to whoever has
        /// called, over his transport, and is as large as the endpoint says that he has called.
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
    /// Takes a permit of a pool, does something, and gives the permit back. The handler fails when it gets none.
    HoldKeys is "a `hold` step" at "step" {
        /// Of which pool.
        hold: PoolName, required;
        /// What is done with it; calls too.
        steps: Steps, required;
    }
    later { "timeout" }
}

keys! {
    /// Looks something up in a cache; fetches it when it is not there.
    CachedKeys is "a `cache` step" at "step" {
        /// In which cache.
        cache: CacheName, required;
        /// What is looked up, drawn each time: `zipf(1.0, 20000)`, `uniform(20000)`. What the request is about (the
        /// `key` of its workload) if absent.
        key: KeyDistribution;
        /// How it is fetched. When this fails, the handler fails.
        miss: Steps, required;
    }
    later { "hit" }
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
