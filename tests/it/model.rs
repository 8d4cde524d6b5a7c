//! The model of a service: who waits where, who is turned away, what is held and what is remembered. Each test is a
//! small scenario without chance, in which the rule shows to the millisecond.

mod brokers;
mod caches;
mod change;
mod cost;
mod cpu;
mod doors;
mod limits;
mod message_keys;
mod messaging;
mod order;
mod paths;
mod pools;
mod producers;
mod queues;
mod stream;
mod transactions;
mod transport;
mod zone;

use brownout::base::time::Span;
use brownout::measure::{CacheResult, PoolResult, WorkloadResult};

use crate::reference::Run;

/// The workload called `name`.
fn workload<'r>(run: &'r Run, name: &str) -> &'r WorkloadResult {
    let index = run.model.workloads.iter().position(|workload| workload.name == name);
    &run.results.workloads[index.unwrap()]
}

fn pool<'r>(run: &'r Run, name: &str) -> &'r PoolResult {
    let index = run.model.pools.iter().position(|pool| pool.name == name);
    &run.results.pools[index.unwrap()]
}

fn cache<'r>(run: &'r Run, name: &str) -> &'r CacheResult {
    let index = run.model.caches.iter().position(|cache| cache.name == name);
    &run.results.caches[index.unwrap()]
}

/// The longest latency of good answers in milliseconds.
fn longest(it: &WorkloadResult) -> f64 {
    millis(it.latency.max())
}

/// Their mean in milliseconds.
fn mean(it: &WorkloadResult) -> f64 {
    millis(it.latency.mean())
}

/// To the nearest microsecond: shares of a core's speed are rounded.
fn millis(span: Option<Span>) -> f64 {
    (span.unwrap().as_nanos() as f64 / 1e3).round() / 1e3
}
