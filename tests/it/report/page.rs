//! The report: every part is there, nothing in it is taken for markup, it needs nothing but itself, it is small,
//! and the same run gives the same bytes. That it works in a browser is tried in `.ci/report`.

use brownout::report::html::{self, Origin};
use brownout::report::{Input, figure};
use brownout::scenario::LoadOptions;

use super::{HASH, figures, input, synthetic};
use crate::reference::Told;

const ORIGIN: Origin =
    Origin { scenario: "# one\n[workload.shoppers]\n", command: "brownout run --seed 1 forty-node-meltdown" };

/// What stands between the script element of the data and its end.
fn data(page: &str) -> serde_json::Value {
    let (_, rest) = page.split_once("<script id=\"data\" type=\"application/json\">").unwrap();
    serde_json::from_str(rest.split_once("</script>").unwrap().0).unwrap()
}

fn count(page: &str, what: &str) -> usize {
    page.matches(what).count()
}

/// A meltdown, simulated, with its story.
fn melted() -> String {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios/death-spiral.toml")).unwrap();
    let told = Told::of("death-spiral.toml", &text, &LoadOptions::default());
    let input = Input {
        model: &told.model,
        results: &told.results,
        hash: HASH,
        version: "0.1.0",
        twin: told.twin.as_ref(),
        insight: Some(&told.insight),
    };
    html::report(&input, &ORIGIN)
}

#[test]
fn every_part_is_there() {
    let page = melted();
    for id in
        ["playback", "story", "heat", "charts", "requests", "services", "edges", "scenario", "reproduce", "controls"]
    {
        assert_eq!(count(&page, &format!(" id=\"{id}\"")), 1, "{id}");
    }
    for id in ["chart-load", "chart-latency", "chart-threads", "chart-queues", "chart-failures"] {
        assert_eq!(count(&page, &format!(" id=\"{id}\"")), 1, "{id}");
    }
    assert!(page.starts_with("<!DOCTYPE html><html lang=\"en\">"));
    assert!(page.contains("class=\"verdict bad\"") && page.contains("Root cause"));
    for wanted in
        [HASH, "brownout 0.1.0", ORIGIN.command, "[workload.shoppers]", "prefers-color-scheme", "@media print"]
    {
        assert!(page.contains(wanted), "{wanted}");
    }
    // Landmarks, and a name for every picture.
    for wanted in ["<main>", "<header>", "<nav ", "<footer>"] {
        assert_eq!(count(&page, wanted), 1, "{wanted}");
    }
    assert_eq!(
        count(&page, "<figure class=\"chart\""),
        count(&page, "role=\"img\" aria-label=\"") - 1,
        "and the heat map"
    );
    let data = data(&page);
    let moments = data["times"].as_array().unwrap().len() - 1;
    assert!((100..=330).contains(&moments), "{moments}");
    for node in data["nodes"].as_array().unwrap() {
        assert_eq!(node["rate"].as_array().unwrap().len(), moments, "{node}");
    }
    for row in data["heat"]["rows"].as_array().unwrap() {
        assert_eq!(row["busy"].as_str().unwrap().chars().count(), moments);
    }
    assert_eq!(data["nodes"].as_array().unwrap().len(), count(&page, "<g class=\"node "));
    assert!(data["events"].as_array().unwrap().len() >= 3);
    assert!(data["root"].is_u64());
    let (start, len) = (data["start"].as_u64().unwrap(), moments as u64);
    assert!(start > 0 && start < len, "it opens where it happens");
}

#[test]
fn it_needs_nothing_but_itself() {
    let page = melted();
    for sign in ["src=", "@import", "url(http", "<link", "href=\"http", "fetch(", "XMLHttpRequest"] {
        assert!(!page.contains(sign), "{sign}");
    }
}

#[test]
fn nothing_in_a_scenario_is_markup() {
    const EVIL: &str = "</title></script><script>alert('\"&')</script><!--";
    let mut model = synthetic::model(true);
    model.title = EVIL.to_owned();
    for service in model.services.ids().collect::<Vec<_>>() {
        model.services[service].name += "<i>\"'&";
    }
    let results = synthetic::results(&model);
    let page = html::report(&input(&model, &results), &Origin { scenario: EVIL, command: EVIL });
    assert_eq!(count(&page, "<script"), 3, "the data, what sorts tables, and the program");
    assert_eq!(count(&page, "</script"), 3);
    assert!(!page.contains("<i>") && !page.contains("<!--"));
    assert!(page.contains("&lt;script&gt;alert("));
    assert!(data(&page)["nodes"][1]["name"].as_str().unwrap().ends_with("<i>\"'&"));
}

/// The tables of single requests.
fn waterfalls(page: &str) -> Vec<&str> {
    page.split("<table class=\"waterfall\"").skip(1).map(|rest| rest.split_once("</table>").unwrap().0).collect()
}

#[test]
fn single_requests_are_drawn_span_by_span() {
    let page = melted();
    let tables = waterfalls(&page);
    assert!((2..=4).contains(&tables.len()), "{}", tables.len());
    for title in ["fastest", "median", "slowest", "first failed"] {
        assert!(page.matches("<summary>").count() > tables.len() && page.contains(title), "{title}");
    }
    for table in &tables {
        let rows = count(table, "<tr") - 1;
        assert!((2..=40).contains(&rows), "{rows}");
        assert_eq!(count(table, "class=\"rest\""), rows, "every span has a bar");
        assert!(count(table, "class=\"tick\"") >= 2 && table.contains("→ "), "{table}");
        assert!(table.contains(" attempt 1"), "attempts have numbers");
        assert!(table.contains("class=\"work\""));
    }
    let all = tables.concat();
    assert!(all.contains("✗ </span>timeout"), "a failure has a sign and a word");
    assert!(all.contains("class=\"wait\"") && all.contains("class=\"vain\"") && all.contains(" of it in vain"));
}

#[test]
fn names_in_a_waterfall_are_no_markup_and_what_is_too_long_is_left_out() {
    let calls = vec!["{ call = \"b.x\" }"; 60].join(", ");
    let text = format!(
        "duration = \"2s\"\n[workload.users]\nentry = \"a.x\"\narrivals = \"poisson(5/s)\"\n[service.a]\n[service.a.endpoint.x]\n\
         steps = [{calls}]\n[service.b]\n[service.b.endpoint.x]\nsteps = [{{ work = \"1ms\" }}]\n"
    );
    let mut told = Told::of("wide.toml", &text, &LoadOptions::default());
    for service in told.model.services.ids().collect::<Vec<_>>() {
        told.model.services[service].name += "<i>\"'&";
    }
    let input = Input {
        model: &told.model,
        results: &told.results,
        hash: HASH,
        version: "0.1.0",
        twin: told.twin.as_ref(),
        insight: Some(&told.insight),
    };
    let page = html::report(&input, &ORIGIN);
    let tables = waterfalls(&page);
    assert!(!tables.is_empty() && !page.contains("<i>"));
    for table in tables {
        assert_eq!(count(table, "<tr") - 1, 40);
        assert!(table.contains("a&lt;i&gt;&quot;"), "{table}");
    }
    assert!(page.contains(" more spans are left out"));
}

#[test]
fn without_a_story_it_says_so() {
    let model = synthetic::model(false);
    let results = synthetic::results(&model);
    let page = html::report(&input(&model, &results), &ORIGIN);
    assert!(page.contains("there is no verdict") && !page.contains("id=\"story\""));
    assert_eq!(page, html::report(&input(&model, &results), &ORIGIN), "the same bytes again");
}

#[test]
fn the_same_run_gives_the_same_page() {
    assert_eq!(melted(), melted());
}

#[test]
fn a_run_of_a_thousand_services_is_small() {
    let (model, results) = synthetic::mesh(1000);
    let page = html::report(&input(&model, &results), &ORIGIN);
    assert!(page.len() < 10_000_000, "{}", page.len());
    assert!(count(&page, "<g class=\"node ") <= 30);
    assert_eq!(data(&page)["heat"]["rows"].as_array().unwrap().len(), 1000);
    let services = page.split_once(" id=\"edges\"").unwrap().0;
    assert_eq!(count(services, "<th scope=\"row\">mesh-"), 1000, "the table of services has all");
}

#[test]
fn a_run_that_is_over_before_it_begins_has_a_report() {
    let model = synthetic::model(true);
    let mut results = synthetic::results(&model);
    results.interrupted = true;
    let page = html::report(&input(&model, &results), &ORIGIN);
    assert!(page.contains("INTERRUPTED"));
}

#[test]
fn a_contact_sheet_has_every_picture() {
    let model = synthetic::model(true);
    let results = synthetic::results(&model);
    let input = input(&model, &results);
    let all = figure::all(&input);
    let sheet = figure::contact_sheet(&all);
    assert_eq!(sheet.name, "contact-sheet");
    // The sheet itself, and all but the overview.
    assert_eq!(count(&sheet.svg, "<svg "), all.len());
    let (width, height, pixels) = figures::decode(&sheet.png);
    assert!(width > 1600 && height > 500, "{width} × {height}");
    let white = pixels.chunks_exact(3).filter(|pixel| *pixel == [255, 255, 255]).count();
    assert!(white > pixels.len() / 3 / 2, "the pictures are drawn");
    assert_eq!(figure::one(&input, "contact-sheet").unwrap().svg, sheet.svg);
    for figure in &all {
        assert_eq!(figure::one(&input, &figure.name).unwrap().svg, figure.svg, "{}", figure.name);
    }
    assert!(figure::one(&input, "disk").is_none());
}
