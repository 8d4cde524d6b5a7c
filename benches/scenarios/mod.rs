//! Scenarios that several benchmarks measure.

/// Three tiers with network, timeouts, retries and breakers: 1 000 000 requests.
pub(crate) const CHAIN: &str = r#"
duration = "667s"
interval = "1s"
[workload.users]
entry = "front.get"
arrivals = "poisson(1500/s)"
[client.rest]
latency = "250us"
timeout = "200ms"
retry = { attempts = 4, backoff = "0s" }
breaker = { window = 100, minimum_calls = 100, failure_rate = "50%", open_for = "5s", half_open_calls = 10 }
[service.front]
threads = 64
[service.front.endpoint.get]
steps = [ { work = "exp(5ms)" }, { call = "middle.get", client = "rest" } ]
[service.middle]
threads = 64
[service.middle.endpoint.get]
steps = [ { work = "exp(5ms)" }, { call = "store.get", client = "rest" } ]
[service.store]
threads = 32
[service.store.endpoint.get]
steps = [ { work = "exp(8ms)" } ]
"#;

/// 1000 services in 25 trees of 40, three calls each: 119 events a request.
pub(crate) fn mesh() -> String {
    let mut text = "duration = \"20s\"\ninterval = \"1s\"\n[client.rest]\nlatency = \"250us\"\n".to_owned();
    let entries: Vec<String> = (0..25).map(|tree| format!("\"t{tree}n0.get\" = \"4%\"")).collect();
    text += &format!("[workload.users]\narrivals = \"poisson(2000/s)\"\nentry = {{ {} }}\n", entries.join(", "));
    for tree in 0..25 {
        for node in 0..40 {
            let calls: Vec<String> = (3 * node + 1..=3 * node + 3)
                .filter(|child| *child < 40)
                .map(|child| format!(", {{ call = \"t{tree}n{child}.get\", client = \"rest\" }}"))
                .collect();
            text += &format!("[service.t{tree}n{node}]\nthreads = 64\n[service.t{tree}n{node}.endpoint.get]\n");
            text += &format!("steps = [ {{ work = \"exp(1ms)\" }}{} ]\n", calls.concat());
        }
    }
    text
}
