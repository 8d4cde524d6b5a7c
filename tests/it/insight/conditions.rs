//! Conditions that take the comparison with the twin.

use brownout::model::Verdict;
use brownout::report::{Input, csv, json, verdicts};
use brownout::scenario::LoadOptions;

use crate::reference::{Run, Told};

/// A standstill of two seconds, which it recovers from; load that is marked; a change that is not.
const SCENARIO: &str = r#"
duration = "60s"
[workload.users]
entry = "api.get"
arrivals = { even = [["0s", "100/s"], ["40s", "100/s"], ["41s", "150/s", "trigger"], ["42s", "100/s"]] }
deadline = "500ms"
client = "app"
[client.app]
timeout = "500ms"
retry = { attempts = 2, backoff = "100ms" }
[service.api]
threads = 2
[service.api.endpoint.get]
steps = [{ work = "5ms" }]
[fault.stop]
at = "20s"
for = "2s"
service = "api"
pause = true
[change.later]
at = "50s"
set = { "service.api.threads" = 3 }
[expect.recovered]
that = "verdict == recovered"
[expect.or-better]
that = "verdict <= recovered"
[expect.not-metastable]
that = "verdict != metastable"
[expect.stable]
that = "verdict == stable"
[expect.soon]
that = "time_to_recover < 5s"
[expect.amplified]
that = "amplification(api) > 1.5"
after = "20s"
until = "22s"
[expect.calm]
that = "amplification(users) < 1.01"
after = "25s"
until = "39s"
"#;

#[test]
fn they_are_answered_once_there_is_a_twin() {
    let told = Told::of("case", SCENARIO, &LoadOptions::default());
    assert_eq!(told.verdict(), Verdict::Recovered);
    let (twin, insight) = (told.twin.as_ref(), Some(&told.insight));
    let input = Input { model: &told.model, results: &told.results, hash: "", version: "", twin, insight };
    let passed: Vec<(&str, Option<bool>)> =
        verdicts(&input).iter().map(|it| (it.expectation.name.as_str(), it.pass)).collect();
    let expected = [
        ("recovered", true),
        ("or-better", true),
        ("not-metastable", true),
        ("stable", false),
        ("soon", true),
        ("amplified", true),
        ("calm", true),
    ];
    assert_eq!(passed, expected.map(|(name, pass)| (name, Some(pass))));
    assert!(json::summary(&input).contains("\"verdict\": \"recovered\""));
    assert!(csv::summary(&input).contains("verdict,recovered,time_to_recover_s,"));
    assert!(csv::summary(&input).contains("service,api,amplification,"));
}

#[test]
fn alone_they_have_no_sample() {
    let run = Run::of(SCENARIO);
    assert_eq!(run.results.measured[..5], [None; 5]);
}

#[test]
fn the_twin_has_neither_faults_nor_what_is_marked() {
    let model = Run::of(SCENARIO).model;
    let twin = brownout::insight::twin(&model).unwrap();
    assert!(twin.faults.is_empty() && twin.changes == model.changes);
    assert!(twin.triggers().is_empty() && brownout::insight::twin(&twin).is_none());
    let times: Vec<(f64, Option<f64>)> = model
        .triggers()
        .iter()
        .map(|trigger| (trigger.from.as_secs_f64(), trigger.until.map(|until| until.as_secs_f64())))
        .collect();
    assert_eq!(times, [(20.0, Some(22.0)), (40.0, Some(42.0))]);
}
