//! The schema for editors, as it is kept beside the scenarios. That a checker of TOML files accepts with it what the
//! loader accepts, and refuses what is wrong in structure, is tried by `.ci/schema`.

use std::path::Path;

use brownout::scenario::{explain, schema};

#[test]
fn the_schema_beside_the_scenarios_is_that_of_the_program() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/schema.json");
    let kept = std::fs::read_to_string(path).unwrap_or_default();
    assert!(kept == schema(), "refresh it: cargo run -- schema > scenarios/schema.json");
}

#[test]
fn every_key_is_described_and_every_reference_leads_somewhere() {
    let schema: serde_json::Value = serde_json::from_str(&schema()).unwrap();
    let definitions = schema["definitions"].as_object().unwrap();
    let mut to_visit = vec![&schema];
    let mut seen = 0;
    while let Some(value) = to_visit.pop() {
        if let Some(reference) = value.get("$ref").and_then(|reference| reference.as_str()) {
            assert!(definitions.contains_key(reference.trim_start_matches("#/definitions/")), "{reference}");
        }
        for (name, key) in value.get("properties").and_then(|keys| keys.as_object()).into_iter().flatten() {
            assert!(key["description"].as_str().is_some_and(|text| text.ends_with('.')), "{name}: {key}");
            assert!(explain(name).is_ok(), "`{name}` has no page");
            seen += 1;
        }
        match value {
            serde_json::Value::Object(object) => to_visit.extend(object.values()),
            serde_json::Value::Array(items) => to_visit.extend(items),
            _ => {}
        }
    }
    assert!(seen > 100, "only {seen} keys were seen");
}
