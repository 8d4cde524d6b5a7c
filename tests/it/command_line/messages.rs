//! Expectations of messages in a gate: they pass, they fail with exit code 99, and what is said of it.

use super::{Place, err, exits, out};

/// Ten messages a second to a worker who handles twenty, or five.
const LAG: &str = r#"
duration = "40s"
[workload.users]
entry    = "shop.buy"
arrivals = "even(10/s)"
[service.shop.endpoint.buy]
steps = [ { publish = "orders" } ]
[topic.orders]
broker = "kafka"
partitions = 1
[service.store.endpoint.pack]
steps = [ { work = "50ms" } ]
[consumer.packer]
topic   = "orders"
handler = "store.pack"
[expect.soon]
that = "lag(orders) < 10s"
[expect.few]
that = "lag(packer) < 100"
[variant.slow.service.store.endpoint.pack]
steps = [ { work = "200ms" } ]
"#;

#[test]
fn how_far_a_topic_is_behind_is_a_gate() {
    let place = Place::new();
    place.write("lag.toml", LAG);
    let good = place.run(&["run", "--no-figures", "lag.toml"]);
    exits(&good, 0);
    // 400 messages come in 40 s, of which 200 are handled: the last of these was published after 20 s.
    let bad = place.run(&["run", "--no-figures", "--variant", "slow", "lag.toml"]);
    exits(&bad, 99);
    let said = out(&bad) + &err(&bad);
    assert!(said.contains("lag(orders) < 10s") && said.contains("lag(packer) < 100"), "{said}");
    let summary = place.files("output/lag-slow").remove("summary.json").expect("a summary");
    let summary: serde_json::Value = serde_json::from_slice(&summary).unwrap();
    let text = summary["expectations"].to_string();
    assert!(text.contains("lag(orders) < 10s"), "{text}");
}
