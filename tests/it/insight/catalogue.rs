//! The stories of all scenarios of the catalogue: whoever changes the model so that a story changes sees it here.

use brownout::scenario::{LESSONS, LoadOptions};
use rayon::prelude::*;

use crate::reference::Told;

#[test]
fn the_catalogue_tells_its_stories() {
    let of = |lesson: &brownout::scenario::Lesson| {
        let told = Told::of(lesson.name, lesson.text, &LoadOptions::default());
        format!("{}\n{}", lesson.name, told.text(false))
    };
    let stories: Vec<String> = LESSONS.par_iter().map(of).collect();
    insta::assert_snapshot!(stories.join("\n"));
}

/// Every file of the folder is a lesson, so that none has a story that nobody looks at.
#[test]
fn every_scenario_of_the_folder_is_a_lesson() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios");
    let names = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.filter_map(|name| Some(name.strip_suffix(".toml")?.to_owned())).collect();
    names.sort();
    assert_eq!(names, LESSONS.iter().map(|lesson| lesson.name).collect::<Vec<_>>());
}

/// The verdict of every variant of the lessons that have messages, and what it goes back to.
#[test]
fn variants_of_messaging_end_as_they_do() {
    let lessons =
        LESSONS.iter().filter(|lesson| lesson.text.contains("[consumer.") || lesson.text.contains("consumer."));
    let cases: Vec<(&brownout::scenario::Lesson, String)> = lessons
        .flat_map(|lesson| {
            let names = lesson
                .text
                .lines()
                .filter_map(|line| Some(line.strip_prefix("[variant.")?.split(['.', ']']).next()?.to_owned()));
            let names: std::collections::BTreeSet<String> = names.collect();
            names.into_iter().map(move |name| (lesson, name))
        })
        .collect();
    let ends: Vec<String> = cases
        .par_iter()
        .map(|(lesson, variant)| {
            let options = LoadOptions { variants: vec![variant.clone()], ..LoadOptions::default() };
            let text = Told::of(lesson.name, lesson.text, &options).text(false);
            // The headline: what stands before the events.
            let head: Vec<&str> = text.lines().take_while(|line| !line.contains(" s  ")).collect();
            format!("{} {variant}\n{}", lesson.name, head.join("\n"))
        })
        .collect();
    insta::assert_snapshot!(ends.join("\n"));
}

#[test]
fn a_story_is_read_again_as_it_was() {
    let lesson = brownout::scenario::lesson("death-spiral").unwrap();
    let told = Told::of(lesson.name, lesson.text, &LoadOptions::default());
    let story = told.story();
    let again = brownout::report::story::Story::from_json(&story.to_json()).unwrap();
    // Numbers may differ in their last digit.
    assert_eq!(brownout::report::story::story(&again, true, false, 100), told.text(true));
    assert_eq!(again.insight.events.len(), story.insight.events.len());
    let timeline = brownout::insight::timeline(&told.model, &told.results, told.twin.as_ref()).unwrap();
    let text = brownout::report::story::timeline_json(&timeline);
    assert_eq!(brownout::report::story::timeline_from_json(&text).unwrap(), timeline);
    let at = |secs: u64| {
        let time = brownout::base::time::Time::from_nanos(secs * 1_000_000_000);
        brownout::report::story::at(&story, &timeline, time, false, 100)
    };
    let api = brownout::report::story::service(&story, &timeline, "api", false, 100).unwrap();
    assert!(brownout::report::story::service(&story, &timeline, "nobody", false, 100).is_none());
    insta::assert_snapshot!([told.text(true), at(1), at(31), api].join("\n---\n"));
}
