//! Reports of messages: two topics and two queues behind a slow mailer, as they would look; and small runs.

use brownout::base::time::{Span, Time};
use brownout::kernel::Fate;
use brownout::measure::*;
use brownout::model::Model;
use brownout::policy::Outcome;
use brownout::report::{self, figure};

use super::{degenerate, figures, input, synthetic};
use crate::reference::Run;

const SECONDS: usize = 180;
const WARMUP: usize = 20;

/// Mails that become dead letters, events that two groups read, and orders that nobody does.
const SCENARIO: &str = r#"
    title = "Mails pile up behind a slow mailer"
    duration = "180s"
    warmup = "20s"
    [workload.users]
    entry = "shop.buy"
    arrivals = "poisson(40/s)"
    [service.shop.endpoint.buy]
    steps = [{ publish = "mails" }, { publish = "events" }, { publish = "orders" }]
    [service.mailer.endpoint.send]
    steps = [{ work = "10ms" }]
    effect = "mail"
    [service.stats.endpoint.count]
    steps = [{ work = "10ms" }]
    effect = "entry"
    effect_once = true
    [service.search.endpoint.index]
    steps = [{ work = "10ms" }]
    [queue.mails]
    broker = "rabbitmq"
    alert = 300
    [queue.dead-mails]
    broker = "rabbitmq"
    [topic.events]
    broker = "kafka"
    partitions = 2
    [topic.orders]
    [consumer.mailer]
    queue = "mails"
    handler = "mailer.send"
    concurrency = 2
    dead_letter = "dead-mails"
    [consumer.stats]
    topic = "events"
    handler = "stats.count"
    group = "stats"
    concurrency = 4
    [consumer.search]
    topic = "events"
    handler = "search.index"
    group = "search"
    [fault.slow-mailer]
    at = "60s"
    for = "20s"
    service = "mailer"
    slow = 4
"#;

fn model() -> Model {
    Run::model(SCENARIO)
}

/// Nothing was ever published.
fn silence(model: &Model, points: usize) -> Results {
    let zeros = vec![0; points];
    let topic = TopicResult {
        series: TopicSeries { published: zeros.clone(), failed: zeros.clone(), disk: vec![0.0; points] },
        ..TopicResult::default()
    };
    let group = GroupResult {
        series: GroupSeries {
            kept: zeros.clone(),
            consumed: zeros.clone(),
            redelivered: zeros.clone(),
            dead: zeros.clone(),
            expired: zeros.clone(),
            lost: zeros,
            lag: vec![0.0; points],
            age: vec![Span::ZERO; points],
            latency_nanos: vec![0; points],
        },
        ..GroupResult::default()
    };
    let consumer = ConsumerResult { there: vec![0.0; points], busy: vec![0.0; points], ..ConsumerResult::default() };
    let with_effect = model.endpoints.enumerate().filter(|(_, it)| it.effect.is_some());
    let messaging = MessagingResults {
        topics: vec![topic; model.topics.len()],
        groups: vec![group; model.groups().len()],
        consumers: vec![consumer; model.consumers.len()],
        effects: with_effect.map(|(endpoint, _)| EffectResult { endpoint, done: 0, again: 0 }).collect(),
    };
    Results { messaging: Some(messaging), ..synthetic::nothing(model, points) }
}

fn position(model: &Model, name: &str) -> usize {
    model.groups().iter().position(|group| model.group_name(group) == name).unwrap()
}

/// 40 messages come each second and as many are consumed, but for the mails: from 60 s to 80 s a fourth of them, then 70/s
/// until the rest is done.
fn results(model: &Model) -> Results {
    let mut results = silence(model, SECONDS);
    let it = results.messaging.as_mut().unwrap();
    for topic in &mut it.topics {
        topic.series.published = vec![40; SECONDS];
        topic.published = 40 * (SECONDS - WARMUP) as u64;
        topic.tried = topic.published;
        topic.bytes = u128::from(topic.published) * 1124;
        (topic.disk_peak, topic.disk_end) = (7_600_000, 7_500_000);
        topic.disk_nanos = 4_000_000 * 160_000_000_000;
        topic.series.disk = (0..SECONDS).map(|second| 41_666.0 * second as f64).collect();
    }
    let mails = model.topics.iter().position(|topic| topic.name == "mails").unwrap();
    (it.topics[mails].failed[Outcome::Timeout as usize], it.topics[mails].tried) = (12, 6_412);
    it.topics[mails].deduplicated = 3;
    for (place, group) in it.groups.iter_mut().enumerate() {
        let is_read = !model.groups()[place].consumers.is_empty();
        for second in 0..SECONDS {
            group.series.kept[second] = 40;
            group.series.lag[second] = if is_read { 2.0 } else { 40.0 * second as f64 };
            group.series.consumed[second] = if is_read { 40 } else { 0 };
            group.series.latency_nanos[second] = if is_read { 40 * 50_000_000 } else { 0 };
            group.series.age[second] = Span::from_millis(if is_read { 50 } else { 1000 * second as u64 });
        }
        group.kept = 40 * (SECONDS - WARMUP) as u64;
        group.kept_in_all = 40 * SECONDS as u64;
        group.pending = if is_read { 2 } else { group.kept_in_all };
        let settled = if is_read { group.kept } else { 0 };
        group.settled[Fate::Consumed as usize] = settled;
        group.settled_in_all[Fate::Consumed as usize] = group.kept_in_all - group.pending;
        (group.delivered, group.handled_well) = (settled, settled);
        (group.lag_nanos, group.lag_peak, group.age_peak) = (320_000_000_000, 4, Span::from_millis(90));
        group.lag_peak_at = Time::from_nanos(33_000_000_000);
        for _ in 0..settled / 10 {
            group.latency.record(Span::from_millis(50));
        }
    }
    let group = &mut it.groups[position(model, "mails")];
    for second in 60..SECONDS {
        let middle = second as f64 + 0.5;
        let behind = if second < 80 { 30.0 * (middle - 60.0) } else { (600.0 - 30.0 * (middle - 80.0)).max(1.0) };
        group.series.lag[second] = behind;
        group.series.consumed[second] = if second < 80 {
            10
        } else if behind > 1.0 {
            70
        } else {
            40
        };
        group.series.age[second] = Span::from_secs_f64(behind / 40.0);
        group.series.latency_nanos[second] = (f64::from(40) * behind / 40.0 * 1e9) as u128;
    }
    group.series.redelivered[70..75].fill(9);
    group.series.dead[71..75].fill(6);
    (group.redelivered, group.handled_badly, group.duplicates, group.reordered) = (45, 69, 24, 7);
    group.settled[Fate::Dead as usize] = 24;
    group.settled[Fate::Consumed as usize] -= 24;
    group.settled_in_all[Fate::Dead as usize] = 24;
    group.settled_in_all[Fate::Consumed as usize] -= 24;
    (group.lag_nanos, group.lag_peak, group.age_peak) = (12_000_000_000_000, 601, Span::from_secs(15));
    group.alerted = Some(Time::from_nanos(70_100_000_000));
    for consumer in &mut it.consumers {
        (consumer.there, consumer.busy) = (vec![2.0; SECONDS], vec![0.8; SECONDS]);
        (consumer.there_nanos, consumer.busy_nanos) = (320_000_000_000, 128_000_000_000);
    }
    for effect in &mut it.effects {
        (effect.done, effect.again) = (6_376, 24);
    }
    results
}

fn terminal(model: &Model, results: &Results, width: usize) -> String {
    report::terminal::summary(&input(model, results), false, width)
}

/// What is said of messages and what is to be done.
fn said(text: &str) -> &str {
    &text[text.find("Topics and queues").unwrap()..]
}

#[test]
fn the_terminal_says_what_became_of_messages() {
    let model = model();
    insta::assert_snapshot!(said(&terminal(&model, &results(&model), 100)));
}

#[test]
fn narrow_or_wide_it_fits() {
    let model = model();
    let results = results(&model);
    for width in [40, 60, 80, 100, 160] {
        let text = terminal(&model, &results, width);
        assert!(text.lines().all(|line| line.chars().count() <= width), "{text}");
    }
}

#[test]
fn data_files_hold_what_became_of_messages() {
    let model = model();
    let results = results(&model);
    let input = input(&model, &results);
    let json: serde_json::Value = serde_json::from_str(&report::json::summary(&input)).unwrap();
    insta::assert_snapshot!("messages_json", serde_json::to_string_pretty(&json["messaging"]).unwrap());
    let is_of_messages = |line: &&str, place: usize| {
        let kind = line.split(',').nth(place).unwrap();
        ["topic", "group", "consumer", "effect"].contains(&kind)
    };
    let totals = report::csv::summary(&input);
    let totals: Vec<&str> = totals.lines().filter(|line| is_of_messages(line, 0)).collect();
    insta::assert_snapshot!("messages_totals", totals.join("\n"));
    let series = report::csv::timeseries(&input, false);
    let at_72: Vec<&str> = series.lines().filter(|line| line.starts_with("72,") && is_of_messages(line, 1)).collect();
    insta::assert_snapshot!("messages_timeseries", at_72.join("\n"));
}

#[test]
fn models_without_messages_have_none_of_it() {
    let model = synthetic::model(false);
    let results = synthetic::results(&model);
    let input = input(&model, &results);
    assert!(!report::json::summary(&input).contains("messaging"));
    assert!(!terminal(&model, &results, 100).contains("Topics and queues"));
    assert!(figure::all(&input).iter().all(|figure| figure.name != "lag"));
}

/// 600 messages behind, 70/s settled, 40/s that come: back at 2 after (600 − 2) ÷ 30 s. A point is a second wide, and the
/// one at which the lag reaches the ground is no line: half a point is what interpolation may be off there.
#[test]
fn the_time_to_drain_is_the_backlog_by_what_is_settled_more_than_comes() {
    let model = model();
    let results = results(&model);
    let json: serde_json::Value = serde_json::from_str(&report::json::summary(&input(&model, &results))).unwrap();
    let groups = json["messaging"]["groups"].as_array().unwrap();
    let of = |name: &str| &groups.iter().find(|group| group["name"] == name).unwrap()["drain"];
    let took = of("mails")["drain_s"].as_f64().unwrap();
    assert!((took - 598.0 / 30.0).abs() <= 0.5, "{took}");
    assert_eq!(of("mails")["after"], "slow-mailer");
    assert_eq!(of("events -> stats")["drain_s"], 0.0, "it was never behind");
    assert!(of("orders").is_null(), "nobody reads them");
}

#[test]
fn a_lag_that_stays_does_not_drain() {
    let model = model();
    let mut results = results(&model);
    let group = &mut results.messaging.as_mut().unwrap().groups[position(&model, "mails")];
    group.series.lag[80..].fill(600.0);
    let text = terminal(&model, &results, 200);
    assert!(text.contains("mails did not drain after slow-mailer (80\u{a0}s)"), "{text}");
    let csv = report::csv::summary(&input(&model, &results));
    assert!(csv.lines().any(|line| line == "group,mails,drain_s,,"), "{csv}");
}

#[test]
fn a_message_that_is_missing_is_a_bug_and_said_to_be_one() {
    let model = model();
    let mut results = results(&model);
    results.messaging.as_mut().unwrap().groups[0].pending += 3;
    let text = terminal(&model, &results, 200);
    assert!(text.contains("A bug in brownout"), "{text}");
    assert!(!terminal(&model, &self::results(&model), 200).contains("A bug in brownout"));
}

#[test]
fn what_stands_out_is_said() {
    let model = model();
    let step = |change: &dyn Fn(&mut MessagingResults)| {
        let mut results = results(&model);
        let it = results.messaging.as_mut().unwrap();
        it.effects.iter_mut().for_each(|effect| effect.again = 0);
        it.groups.iter_mut().for_each(|group| group.pending = 0);
        change(it);
        let text = terminal(&model, &results, 10_000);
        text[text.find("What to do next").unwrap()..].to_owned()
    };
    let calm = step(&|_| ());
    assert!(calm.contains("2 of the 4 workers of events → stats have nothing to read"), "{calm}");
    for silent in ["falls behind", "lost", "nobody reads", "done again", "anew"] {
        assert!(!calm.contains(silent), "{calm}");
    }
    let (dead, mails) = (position(&model, "dead-mails"), position(&model, "mails"));
    let stats = position(&model, "events -> stats");
    let unread = step(&|it| it.groups[dead].pending = 24);
    assert!(unread.contains("24 dead letters lie in dead-mails, and nobody reads them"), "{unread}");
    let again = step(&|it| it.effects.iter_mut().for_each(|effect| effect.again = 5));
    assert!(again.contains("mail was done again 5 times") && !again.contains("entry was"), "{again}");
    assert!(again.contains("service.mailer.endpoint.send.effect_once = true"), "only that ends it: {again}");
    let once = step(&|it| {
        it.effects.iter_mut().for_each(|effect| effect.again = 1);
        it.groups[dead].pending = 1;
    });
    assert!(once.contains("mail was done again 1 time for the same thing"), "{once}");
    assert!(once.contains("1 dead letter lies in dead-mails"), "{once}");
    let lost = step(&|it| it.groups[mails].settled[Fate::Lost as usize] = 9);
    assert!(lost.contains("mails lost 9 messages"), "{lost}");
    let anew = step(&|it| it.groups[stats].rebalances = 8);
    assert!(anew.contains("shared its partitions anew 8 times"), "{anew}");
    let growing = step(&|it| {
        let group = &mut it.groups[mails];
        group.series.consumed[140..].fill(30);
        group.series.lag.iter_mut().enumerate().skip(140).for_each(|(second, lag)| *lag = 10.0 * (second - 140) as f64);
        group.series.lag[..140].fill(2.0);
    });
    assert!(growing.contains("mails still falls behind at the end, 40/s come, 30/s are settled"), "{growing}");
}

#[test]
fn messages_have_pictures() {
    let model = model();
    let results = results(&model);
    let all = figure::all(&input(&model, &results));
    figures::check(&all);
    let names: Vec<&str> = all.iter().map(|figure| figure.name.as_str()).collect();
    assert_eq!(names[names.len() - 6..], ["lag", "age", "mishaps", "messages", "delivery", "disk"]);
    assert!(names.iter().all(|name| figure::NAMES.contains(name)));
    let find = |name: &str| &all.iter().find(|figure| figure.name == name).unwrap().svg;
    assert!(find("overview").contains("events → stats"), "the overview shows how far groups are behind");
    assert!(find("messages").contains("by mailer") && !find("messages").contains("by orders"));
    assert!(find("mishaps").contains("redelivered") && !find("mishaps").contains("events"));
    assert!(find("disk").contains("MB"));
}

#[test]
fn no_message_was_ever_published() {
    let model = model();
    for points in [0, 1, SECONDS] {
        degenerate::report(&model, &silence(&model, points));
    }
    let names: Vec<String> =
        figure::all(&input(&model, &silence(&model, SECONDS))).into_iter().map(|figure| figure.name).collect();
    assert!(names.contains(&"lag".to_owned()) && !names.contains(&"mishaps".to_owned()), "{names:?}");
    let text = terminal(&model, &silence(&model, SECONDS), 100);
    assert!(!text.contains("dead\n") && !text.contains("redelivered"), "{text}");
}

#[test]
fn there_are_many_groups_and_levels_are_not_numbers() {
    let mut text = SCENARIO.to_owned();
    for n in 0..30 {
        text += &format!("[consumer.reader-{n}]\ntopic = \"events\"\nhandler = \"search.index\"\ngroup = \"g{n}\"\n");
    }
    let model = Run::model(&text);
    let mut results = results(&model);
    for group in &mut results.messaging.as_mut().unwrap().groups {
        (group.series.lag[70], group.series.lag[71]) = (f64::NAN, f64::INFINITY);
    }
    let said = terminal(&model, &results, 100);
    assert!(said.contains("The busiest 20 groups are shown"), "{said}");
    figures::check(&figure::all(&input(&model, &results)));
}

/// One worker who is busy for 80 ms of every 100 ms, whose queue never holds more than one message.
#[test]
fn a_run_says_what_it_measured() {
    let run = Run::of(
        r#"
        duration = "120s"
        warmup = "20s"
        [workload.users]
        entry = "shop.buy"
        arrivals = "even(10/s)"
        [service.shop.endpoint.buy]
        steps = [{ publish = "mails" }]
        [service.mailer.endpoint.send]
        steps = [{ work = "80ms" }]
        [queue.mails]
        [consumer.mailer]
        queue = "mails"
        handler = "mailer.send"
    "#,
    );
    insta::assert_snapshot!(said(&terminal(&run.model, &run.results, 100)));
    degenerate::report(&run.model, &run.results);
    let json: serde_json::Value =
        serde_json::from_str(&report::json::summary(&input(&run.model, &run.results))).unwrap();
    let group = &json["messaging"]["groups"][0];
    assert_eq!(group["conservation"]["difference"], 0);
    for mean in ["lag_mean", "consumed_per_s", "latency_mean_s"] {
        assert!(group["half_widths"][mean].as_f64().unwrap() < 0.05, "all is even: {group}");
    }
}
