//! In which order the policies of a client stand around a call, from outside in. What stands outside of the retries (or of
//! the hedges) acts once for each call, with all its attempts; what stands inside acts on every attempt. No library puts
//! them all in order; each has its own for those that it has, and what it does not have stands where resilience4j's would.

use super::breaker::Sees;

/// A policy around a call, or around each of its attempts.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Layer {
    /// Retries, or hedges: what stands inside them acts on every attempt.
    Retry,
    /// Client-side throttling.
    Throttle,
    /// The circuit breaker.
    Breaker,
    /// The rate limit.
    RateLimit,
    /// The time limiter: from here on the caller's patience counts.
    Timeout,
    /// The bulkhead.
    Bulkhead,
    /// The limit that learns.
    Limit,
}

use Layer::{Breaker, Bulkhead, Limit, RateLimit, Retry, Throttle, Timeout};

impl Layer {
    /// All of them, with the key of a client that sets each.
    pub const NAMES: [(&'static str, Layer); 8] = [
        ("retry", Retry),
        ("hedge", Retry),
        ("throttle", Throttle),
        ("breaker", Breaker),
        ("rate_limit", RateLimit),
        ("timeout", Timeout),
        ("bulkhead", Bulkhead),
        ("limit", Limit),
    ];

    /// The key of a client that sets it.
    pub fn name(self) -> &'static str {
        Layer::NAMES.iter().find(|(_, layer)| *layer == self).map_or("", |(name, _)| name)
    }
}

/// All layers, outermost first.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Order {
    layers: [Layer; 7],
}

impl Order {
    /// resilience4j's `Retry(CircuitBreaker(RateLimiter(TimeLimiter(Bulkhead))))`: the orders of its aspects for Spring.
    /// Failsafe recommends the same of what it has: `Failsafe.with(fallback, retryPolicy, circuitBreaker, timeout)`.
    pub const RESILIENCE4J: Order = Order { layers: [Retry, Throttle, Breaker, RateLimit, Timeout, Bulkhead, Limit] };
    /// A command of Hystrix asks its breaker, starts its timeout, takes its thread or permit, and repeats what fails, if at
    /// all, in `run()`: `applyHystrixSemantics` asks `circuitBreaker.allowRequest()`, `executeCommandAndObserve` lifts the
    /// timeout around `executeCommandWithSpecifiedIsolation`, which takes the thread (Netflix/Hystrix, AbstractCommand.java).
    pub const HYSTRIX: Order = Order { layers: [Breaker, Timeout, Bulkhead, Retry, Throttle, RateLimit, Limit] };
    /// The standard pipeline of `Microsoft.Extensions.Http.Resilience`, which is built of Polly: rate limiter (of which a
    /// limit of concurrency is one), total timeout (a client's `overall_timeout`), retry, circuit breaker, attempt timeout
    /// (learn.microsoft.com, `HttpStandardResilienceOptions`, remarks).
    pub const POLLY: Order = Order { layers: [RateLimit, Bulkhead, Retry, Throttle, Breaker, Timeout, Limit] };
    /// Envoy's filters stand in front of its router, which retries; the time for one try starts when the connection pool
    /// has let it go (`UpstreamRequest::onPoolReady`).
    pub const ENVOY: Order = Order { layers: [RateLimit, Throttle, Limit, Retry, Breaker, Bulkhead, Timeout] };

    /// Of the library that a preset is of; `None` for one that has no order of its own.
    pub fn of_library(name: &str) -> Option<Order> {
        match name {
            "resilience4j" | "failsafe" => Some(Order::RESILIENCE4J),
            "hystrix" => Some(Order::HYSTRIX),
            "polly" => Some(Order::POLLY),
            "envoy" | "istio" => Some(Order::ENVOY),
            _ => None,
        }
    }

    /// That of `written`, in which no layer stands twice; those that it lacks act on attempts, behind whatever stands before
    /// them in [`Order::RESILIENCE4J`].
    pub fn from_written(written: &[Layer]) -> Order {
        let mut found = written.to_vec();
        for (n, layer) in Order::RESILIENCE4J.layers.iter().enumerate().filter(|(_, it)| !written.contains(it)) {
            let place_of = |layer: &Layer| found.iter().position(|it| it == layer);
            let retry = place_of(&Retry);
            let mut before = Order::RESILIENCE4J.layers[..n].iter().rev().filter_map(place_of);
            let place = before.find(|place| Some(*place) >= retry).map_or(0, |place| place + 1);
            found.insert(place, *layer);
        }
        let mut layers = Order::RESILIENCE4J.layers;
        layers.copy_from_slice(&found);
        Order { layers }
    }

    /// The same with a breaker that sees this: outermost, or before each attempt.
    #[must_use]
    pub fn with_breaker(self, sees: Sees) -> Order {
        if self.sees() == sees {
            return self;
        }
        let mut rest: Vec<Layer> = self.layers.into_iter().filter(|layer| *layer != Breaker).collect();
        let place = match sees {
            Sees::Calls => 0,
            Sees::Attempts => {
                let retry = rest.iter().position(|layer| *layer == Retry).unwrap_or(0);
                retry + 1 + usize::from(rest.get(retry + 1) == Some(&Throttle))
            }
        };
        rest.insert(place, Breaker);
        Order::from_written(&rest)
    }

    /// The same for a client that hedges: its timeout is that of the call, just outside of the hedges.
    #[must_use]
    pub fn with_hedges(self) -> Order {
        if self.around_calls().contains(&Timeout) {
            return self;
        }
        let rest = self.layers.into_iter().filter(|layer| *layer != Timeout);
        let both = rest.flat_map(|layer| if layer == Retry { vec![Timeout, Retry] } else { vec![layer] });
        Order::from_written(&both.collect::<Vec<_>>())
    }

    /// All, outermost first.
    pub const fn layers(&self) -> &[Layer; 7] {
        &self.layers
    }

    fn retry(&self) -> usize {
        self.layers.iter().position(|layer| *layer == Retry).unwrap_or(0)
    }

    /// What acts once for each call, outermost first.
    pub fn around_calls(&self) -> &[Layer] {
        &self.layers[..self.retry()]
    }

    /// What acts on every attempt, outermost first.
    pub fn around_attempts(&self) -> &[Layer] {
        &self.layers[self.retry() + 1..]
    }

    /// What a breaker sees there.
    pub fn sees(&self) -> Sees {
        if self.around_calls().contains(&Breaker) { Sees::Calls } else { Sees::Attempts }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_written_stands_where_resilience4j_has_it() {
        let turned = Order::from_written(&[Breaker, Retry, Timeout]);
        assert_eq!(turned.layers, [Breaker, Retry, Throttle, RateLimit, Timeout, Bulkhead, Limit]);
        assert_eq!(Order::from_written(&[]), Order::RESILIENCE4J);
        let every = [Limit, Bulkhead, Timeout, RateLimit, Breaker, Throttle, Retry];
        assert_eq!(Order::from_written(&every).layers, every);
    }

    #[test]
    fn a_breaker_moves_alone() {
        let turned = Order::RESILIENCE4J.with_breaker(Sees::Calls);
        assert_eq!(turned.layers, [Breaker, Retry, Throttle, RateLimit, Timeout, Bulkhead, Limit]);
        assert_eq!(turned.with_breaker(Sees::Attempts), Order::RESILIENCE4J);
        let of_hystrix = Order::HYSTRIX.with_breaker(Sees::Attempts);
        assert_eq!(of_hystrix.layers, [Timeout, Bulkhead, Retry, Throttle, Breaker, RateLimit, Limit]);
    }

    #[test]
    fn hedges_have_the_timeout_around_them() {
        let hedged = Order::RESILIENCE4J.with_hedges();
        assert_eq!(hedged.layers, [Timeout, Retry, Throttle, Breaker, RateLimit, Bulkhead, Limit]);
        assert_eq!(hedged.with_hedges(), hedged);
    }
}
