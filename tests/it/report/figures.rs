//! What a picture must have whatever it shows: all its labels, none over another, and the same bytes again.

use brownout::report::figure::{self, Figure};
use resvg::usvg;

use super::{input, synthetic};
use crate::reference::Run;

/// Every text of a picture with the box around it.
fn texts(figure: &Figure) -> Vec<(String, usvg::Rect)> {
    let mut fonts = usvg::fontdb::Database::new();
    for font in [dejavu::sans::regular(), dejavu::sans::bold()] {
        fonts.load_font_source(usvg::fontdb::Source::Binary(std::sync::Arc::new(font)));
    }
    let options = usvg::Options { fontdb: std::sync::Arc::new(fonts), ..usvg::Options::default() };
    let tree = usvg::Tree::from_str(&figure.svg, &options).unwrap();
    let mut found = Vec::new();
    collect(tree.root(), &mut found);
    found
}

fn collect(group: &usvg::Group, found: &mut Vec<(String, usvg::Rect)>) {
    for node in group.children() {
        match node {
            usvg::Node::Group(group) => collect(group, found),
            usvg::Node::Text(text) => {
                let words: String = text.chunks().iter().map(|chunk| chunk.text()).collect();
                found.push((words, text.abs_bounding_box()));
            }
            _ => {}
        }
    }
}

/// Width, height and pixels (three bytes each).
pub(super) fn decode(png: &[u8]) -> (u32, u32, Vec<u8>) {
    let mut reader = png::Decoder::new(std::io::Cursor::new(png)).read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut pixels).unwrap();
    assert_eq!((info.color_type, info.bit_depth), (png::ColorType::Rgb, png::BitDepth::Eight));
    (info.width, info.height, pixels)
}

/// Checks what holds for every picture.
pub(super) fn check(figures: &[Figure]) {
    for figure in figures {
        let name = &figure.name;
        let (width, height, _) = decode(&figure.png);
        assert_eq!(width, 1600, "{name}");
        let texts = texts(figure);
        assert!(!texts.is_empty(), "{name} has no text");
        for (index, (text, here)) in texts.iter().enumerate() {
            assert!(here.left() >= 0.0 && here.right() <= 1600.0, "{name}: {text:?} sticks out: {here:?}");
            assert!(here.top() >= 0.0 && here.bottom() <= height as f32, "{name}: {text:?} sticks out: {here:?}");
            assert!(!text.contains("NaN") && !text.contains("inf"), "{name}: {text:?}");
            for (other, there) in &texts[index + 1..] {
                let apart = here.right() <= there.left()
                    || there.right() <= here.left()
                    || here.bottom() <= there.top()
                    || there.bottom() <= here.top();
                assert!(apart, "{name}: {text:?} {here:?} over {other:?} {there:?}");
            }
        }
    }
}

fn names(figures: &[Figure]) -> Vec<&str> {
    figures.iter().map(|figure| figure.name.as_str()).collect()
}

#[test]
fn the_overview_shows_it_all() {
    let model = synthetic::model(true);
    let results = synthetic::results(&model);
    let figures = figure::all(&input(&model, &results));
    assert_eq!(names(&figures), ["overview", "load", "latency", "threads", "queues", "failures", "breakers"]);
    check(&figures);
    let seen: Vec<String> = texts(&figures[0]).into_iter().map(|(text, _)| text.replace('\u{a0}', " ")).collect();
    for wanted in [
        "Forty nodes melt because one dependency slowed by 200 ms",
        "slow-inventory: inventory +200 ms",
        "warm-up",
        "goodput",
        "attempts",
        "99th percentile",
        "deadline 2 s",
        "inventory",
        "inventory.reserve",
        "called by orders",
        "60 s",
        "1 000/s",
        "simulated time",
        "seed 1 · scenario 3f2a91c07be4 · brownout 0.1.0",
    ] {
        assert!(seen.iter().any(|text| text == wanted), "{wanted:?} is not in {seen:?}");
    }
}

#[test]
fn the_bitmap_is_drawn() {
    let model = synthetic::model(false);
    let results = synthetic::results(&model);
    let figures = figure::all(&input(&model, &results));
    assert_eq!(names(&figures), ["overview", "load", "latency", "threads", "queues", "failures"]);
    let (_, _, pixels) = decode(&figures[0].png);
    let count = |color: [u8; 3]| pixels.chunks_exact(3).filter(|pixel| *pixel == color).count();
    let total = pixels.len() / 3;
    // White paper, the tint of the fault, thread time for callers who had given up.
    assert!(count([255, 255, 255]) > total / 2);
    assert!(count([0xFF, 0xF1, 0xC4]) > total / 100);
    assert!(count([0xD5, 0x5E, 0x00]) > total / 100);
}

/// Two replicas with a pool of two permits each and one cache; more of them from 20 s on.
const POOLS_AND_CACHES: &str = r#"
    duration = "40s"
    [workload.users]
    entry = "app.page"
    arrivals = "poisson(40/s)"
    [service.app]
    replicas = 2
    threads = 20
    [service.app.endpoint.page]
    steps = [
      { cache = "things", miss = [{ hold = "db", steps = [{ sleep = "10ms" }] }] },
      { hold = "version", steps = [{ sleep = "1ms" }] },
    ]
    [cache.things]
    hit_ratio = "50%"
    [pool.db]
    size = 2
    [pool.version]
    optimistic = true
    [change.more]
    at = "20s"
    scale = { app = 3 }
"#;

#[test]
fn pools_and_caches_have_panels_and_a_scaled_service_all_its_counts() {
    let run = Run::of(POOLS_AND_CACHES);
    let figures = figure::all(&input(&run.model, &run.results));
    assert_eq!(names(&figures), ["overview", "load", "latency", "threads", "queues", "pools", "caches", "failures"]);
    check(&figures);
    let seen: Vec<String> = texts(&figures[0]).into_iter().map(|(text, _)| text.replace('\u{a0}', " ")).collect();
    for wanted in ["Pools", "db", "4 → 6 permits", "Caches", "things", "50.0% set", "2 → 3 × 20 threads"] {
        assert!(seen.iter().any(|text| text == wanted), "{wanted:?} is not in {seen:?}");
    }
    assert!(!seen.iter().any(|text| text == "version"), "nobody has a permit of a pool that gives none");
}

#[test]
fn equal_results_give_equal_pictures() {
    let model = synthetic::model(true);
    let results = synthetic::results(&model);
    let (one, other) = (figure::all(&input(&model, &results)), figure::all(&input(&model, &results)));
    for (one, other) in one.iter().zip(&other) {
        assert!(one.svg == other.svg && one.png == other.png, "{} differs", one.name);
    }
}
