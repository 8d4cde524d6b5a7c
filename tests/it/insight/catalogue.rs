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
