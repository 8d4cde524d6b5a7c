//! The steps of a policy's trace, looked at before they are done: policies take what they know and leave the rest, but
//! whoever writes a step by hand means each word of it. What a step can say is what the example of its kind says.

use serde_json::Value;

use crate::base::suggest::did_you_mean;

/// Numbers that count something.
const COUNTS: [&str; 8] = ["times", "host", "hosts", "requests", "accepts", "inflight", "code", "key"];

/// What is wrong with the first step that cannot be meant so, and its number; `example` is what steps look like.
pub(super) fn first_fault(steps: &[Value], example: &str) -> Option<(usize, String)> {
    let words = words(example);
    let mut now = 0.0;
    let mut fault = |step: &Value| fault_of(step, &words, &mut now);
    steps.iter().enumerate().find_map(|(n, step)| fault(step).map(|fault| (n + 1, fault)))
}

/// What stands between quotes or backticks.
fn words(example: &str) -> Vec<&str> {
    let is_word = |text: &&str| {
        !text.is_empty() && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-')
    };
    let mut words: Vec<&str> = ['"', '`'].iter().flat_map(|quote| example.split(*quote)).filter(is_word).collect();
    words.sort_unstable();
    words.dedup();
    words
}

fn fault_of(step: &Value, words: &[&str], now: &mut f64) -> Option<String> {
    let Some(table) = step.as_object() else { return Some("it is no table".to_owned()) };
    for (key, value) in table {
        if !words.contains(&key.as_str()) {
            let near = did_you_mean(key, words.iter().copied());
            let hint = near.map_or_else(String::new, |near| format!(", did you mean \"{near}\"?"));
            return Some(format!("nothing is called \"{key}\" here{hint}"));
        }
        if key == "op" && value.as_str().is_none_or(|op| !words.contains(&op)) {
            return Some(format!("{value} is no `op` here"));
        }
        let may_be_negative = key == "pushback_ms";
        let is_time = key.ends_with("_ms");
        let is_count = COUNTS.contains(&key.as_str());
        if (is_time || is_count || key == "u") && value.as_f64().is_none_or(|it| it < 0.0 && !may_be_negative) {
            return Some(format!("`{key}` is a number, zero or more, not {value}"));
        }
        if is_count && value.as_u64().is_none_or(|count| u32::try_from(count).is_err()) {
            return Some(format!("`{key}` is a whole number, not {value}"));
        }
        if key == "u" && value.as_f64().is_some_and(|u| u > 1.0) {
            return Some(format!("`u` is between 0 and 1, not {value}"));
        }
    }
    let time = table.get("t_ms").and_then(Value::as_f64).unwrap_or(*now);
    if time < *now {
        return Some(format!("{time} ms is before the step before it, at {now} ms"));
    }
    *now = time;
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::registry;

    fn fault(steps: &str) -> Option<(usize, String)> {
        let example = registry::all().find(|preset| preset.name == "envoy" && preset.kind.name() == "outlier");
        let steps: Vec<Value> = serde_json::from_str(steps).expect("JSON");
        first_fault(&steps, example.expect("it is in the registry").trace_input)
    }

    #[test]
    fn what_nobody_would_look_at_is_refused() {
        let says = |steps: &str, text: &str| {
            let found = fault(steps).unwrap_or_else(|| panic!("{steps} is taken"));
            assert!(found.1.contains(text), "{found:?}");
        };
        says(r#"[3]"#, "no table");
        says(r#"[{ "t_ms": 1, "time": 5 }]"#, "did you mean \"times\"?");
        says(r#"[{ "t_ms": 1, "times": "5" }]"#, "is a number");
        says(r#"[{ "t_ms": 1, "times": 1.5 }]"#, "whole number");
        says(r#"[{ "t_ms": -1 }]"#, "zero or more");
        says(r#"[{ "op": "observ" }]"#, "no `op` here");
        says(r#"[{ "t_ms": 5 }, { "t_ms": 4 }]"#, "before the step before it");
    }

    #[test]
    fn every_example_is_fine() {
        for preset in registry::all() {
            let end = preset.trace_input.find("\n]").map_or(preset.trace_input.len(), |end| end + 2);
            let steps: Vec<Value> = serde_json::from_str(&preset.trace_input[..end]).expect("an example is JSON");
            assert_eq!(first_fault(&steps, preset.trace_input), None, "{}", preset.name);
        }
    }
}
