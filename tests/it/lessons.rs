//! The scenarios that come with the program: all of them are in it, templates run well as they are.

use std::collections::BTreeSet;
use std::fs;
use std::ops::ControlFlow;
use std::path::Path;

use brownout::measure::simulate;
use brownout::report::{Input, verdicts};
use brownout::scenario::{LESSONS, LoadOptions, Loaded, TEMPLATES, file, lesson, load};

/// Longer ones are no place to start from.
const TEMPLATE_LINES_MAX: usize = 46;

/// A template is over before anybody waits for it: a million events take about a tenth of a second.
const TEMPLATE_EVENTS_MAX: u64 = 1_000_000;

#[test]
fn every_file_of_the_catalogue_is_in_the_program() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let mut lessons = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let extension = path.extension().unwrap_or_default();
        if extension != "toml" && extension != "csv" {
            continue;
        }
        let name = path.file_name().unwrap().to_str().unwrap();
        let embedded = file(name).unwrap_or_else(|| panic!("add {name} to the lists in src/scenario/lessons.rs"));
        assert_eq!(embedded, fs::read(&path).unwrap(), "{name}");
        lessons += usize::from(extension == "toml");
    }
    assert_eq!(lessons, LESSONS.len());
    assert!(file("schema.json").is_none() && file("retry-storm").is_none() && file("").is_none());
}

#[test]
fn names_are_sorted_and_mean_one_scenario() {
    let names: Vec<&str> = LESSONS.iter().map(|lesson| lesson.name).collect();
    assert!(names.is_sorted(), "{names:?}");
    let all: BTreeSet<&str> = LESSONS.iter().chain(TEMPLATES).map(|lesson| lesson.name).collect();
    assert_eq!(all.len(), LESSONS.len() + TEMPLATES.len());
    assert!(TEMPLATES.iter().all(|template| lesson(template.name).is_none()));
}

#[test]
fn each_says_in_a_sentence_what_it_teaches() {
    for lesson in LESSONS.iter().chain(TEMPLATES) {
        let about = lesson.about();
        assert!(about.ends_with('.') && (20..160).contains(&about.chars().count()), "{}: {about}", lesson.name);
        assert_ne!(lesson.title(), lesson.name, "{} has no title", lesson.name);
    }
    let meltdown = lesson("forty-node-meltdown").unwrap();
    assert_eq!(meltdown.about(), "Forty gateway nodes melt because one dependency is slow for twenty seconds.");
    assert_eq!(meltdown.title(), "Forty nodes melt because one dependency slowed by 200 ms");
    assert_eq!(meltdown.variants(), ["breaker", "jitter-and-budget", "short-timeout", "deadline-propagation"]);
}

fn loaded(name: &str, text: &str, variants: Vec<String>) -> Loaded {
    load(name, text.as_bytes(), &LoadOptions { variants, ..LoadOptions::default() })
}

#[test]
fn templates_run_as_they_are_and_hold_what_they_expect() {
    for template in TEMPLATES {
        let name = template.name;
        let found = loaded(name, template.text, Vec::new());
        assert!(found.diagnostics.is_empty(), "{}", found.diagnostics.render(false));
        let model = found.model.unwrap();
        let results = simulate(&model, &mut |_| ControlFlow::Continue(()));
        assert!(results.events <= TEMPLATE_EVENTS_MAX, "{name} has {} events", results.events);
        let verdicts =
            verdicts(&Input { model: &model, results: &results, hash: "", version: "", twin: None, insight: None });
        let held: Vec<Option<bool>> = verdicts.iter().map(|verdict| verdict.pass).collect();
        assert_eq!(held, [Some(true)], "{name} has one expectation, and it holds");
        let [variant] = template.variants().try_into().expect("a template has one variant");
        let found = loaded(name, template.text, vec![variant]);
        assert!(found.diagnostics.is_empty(), "{}", found.diagnostics.render(false));
    }
}

#[test]
fn templates_teach_in_few_lines() {
    for template in TEMPLATES {
        let lines = template.text.lines().count();
        assert!(lines <= TEMPLATE_LINES_MAX, "{} has {lines} lines", template.name);
        for word in ["\n# Watch: ", "\n# Change: ", "[expect", "[variant."] {
            assert!(template.text.contains(word), "{} has no `{}`", template.name, word.trim());
        }
    }
}
