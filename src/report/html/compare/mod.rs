//! `report.html` of a comparison: one page with all scenarios side by side, which needs nothing but itself. How runs ended
//! comes first, then the figures that people decide by, what each looks like (`graph`), their courses over each other, and
//! every difference with its interval in a table that sorts.

mod graph;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::experiment::{Against, Call, Difference};
use crate::insight::MeasureOf;
use crate::model::{Model, Verdict};
use crate::report::experiment::comparison::{self, Input};
use crate::report::experiment::{ending_name, text_of};
use crate::report::figure::Figure;
use crate::report::html::{SORTS, STYLE};
use crate::report::number;
use graph::Means;

const OWN_STYLE: &str = include_str!("compare.css");
/// The figures that people decide by, in their order.
const HEADLINES: [&str; 12] = [
    "goodput",
    "p50",
    "p99",
    "mean",
    "attempts",
    "consumed",
    "age_peak",
    "lag_peak",
    "time_to_recover",
    "core_hours_per_million",
    "replica_hours_per_million",
    "cost_per_million",
];
/// More headlines than this are no headlines.
const HEADLINES_MAX: usize = 24;
/// What is wider than this, in pixels, is not drawn beside another one.
const BROAD: i32 = 800;
/// Rows of the table of differences, which keep the page below 2 MB; the rest is in comparison.csv.
const ROWS_MAX: usize = 1500;

/// The document `report.html`. `models` are parallel to the scenarios; `overlay` is their courses over each other, and
/// `command` repeats the comparison.
pub fn comparison_report(input: &Input, models: &[&Model], overlay: Option<&Figure>, command: &str) -> String {
    let arms = &input.comparison.arms;
    let title = comparison::title(input.comparison);
    let means: Vec<Means> = arms.iter().map(|arm| Means::new(&arm.runs)).collect();
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="generator" content={ "brownout " (input.version) };
                title { (title) " – brownout" }
                style { (PreEscaped(STYLE)) (PreEscaped(OWN_STYLE)) }
            }
            body {
                a .skip href="#beside" { "Skip to the figures" }
                (marks())
                header {
                    h1 { (models.first().map_or("", |model| model.title.as_str())) }
                    p { (arms.len()) " scenarios, " (arms.first().map_or(0, |arm| arm.runs.runs.len())) " runs of each. Run number k of each has the same arrivals and the same work, so that what differs is the scenario." }
                }
                main {
                    (endings(input))
                    (beside(input, &means))
                    (graphs(input, models, &means))
                    @if let Some(overlay) = overlay { (courses(overlay)) }
                    (differences(input))
                    (reproduce(input, command))
                }
                footer { p { "Simulated by brownout " (input.version) ". A model is a drawing, not a photograph." } }
                script { (PreEscaped(SORTS)) }
            }
        }
    }
    .into_string()
}

/// The head of an arrow and the hatching, which all graphs share.
fn marks() -> Markup {
    html! {
        svg .marks width="0" height="0" aria-hidden="true" {
            defs {
                marker #head viewBox="0 0 10 10" refX="9" refY="5" markerWidth="11" markerHeight="11"
                    markerUnits="userSpaceOnUse" orient="auto-start-reverse" { path d="M0 1 L10 5 L0 9 z" {} }
                pattern #hatch width="4" height="4" patternUnits="userSpaceOnUse" patternTransform="rotate(45)" {
                    rect width="4" height="4" fill="#ddd" {} rect width="2" height="4" fill="#222" {}
                }
            }
        }
    }
}

fn tone(verdict: Option<Verdict>) -> &'static str {
    match verdict {
        Some(Verdict::Stable | Verdict::Unharmed | Verdict::Recovered) => "good",
        Some(Verdict::Recovering | Verdict::Degraded) | None => "mixed",
        Some(Verdict::Overloaded | Verdict::Metastable) => "bad",
    }
}

/// How the runs of each ended, and how many pairs changed.
fn endings(input: &Input) -> Markup {
    let it = input.comparison;
    html! {
        section #endings aria-labelledby="endings-title" {
            h2 #endings-title { "How they end" }
            p { "In brackets: where the true share of runs that end so lies, with 95% confidence (Wilson)." }
            div .verdicts {
                @for (n, arm) in it.arms.iter().enumerate() {
                    @let endings = arm.runs.endings();
                    @let most = endings.iter().max_by_key(|ending| ending.share.count);
                    div .verdict .(tone(most.and_then(|ending| ending.verdict))) {
                        h3 { (arm.name) }
                        @for ending in &endings {
                            p { strong { (ending_name(ending.verdict).to_uppercase()) } " " (ending.share.count) " of " (ending.share.of) span .range { " (" (number::share(Some(ending.share.low))) " to " (number::share(Some(ending.share.high))) ")" } }
                        }
                        @if let Some(against) = it.against.iter().find(|against| against.arm == n) {
                            (flips(against))
                            @let alone = comparison::alone(it, against);
                            @if !alone.is_empty() { p .note { (alone) } }
                        }
                    }
                }
            }
        }
    }
}

fn flips(against: &Against) -> Markup {
    html! {
        @for flip in against.flips.iter().filter(|flip| flip.from != flip.to) {
            p .note { (flip.pairs) @if flip.pairs == 1 { " pair: " } @else { " pairs: " } (ending_name(flip.from)) " becomes " (ending_name(flip.to)) }
        }
        @if against.is_mixed {
            p .note { "Runs end differently: shares of endings come first (p = " (number::plain(Some(against.flips_p))) " that the changes are chance, McNemar), and figures are compared between runs that ended alike." }
        }
    }
}

/// The figures that people decide by: a column for each scenario.
fn beside(input: &Input, means: &[Means]) -> Markup {
    let it = input.comparison;
    let Some(first) = it.arms.first() else { return html! {} };
    let rank = |metric: &str| HEADLINES.iter().position(|head| *head == metric);
    let mut measures: Vec<_> = first
        .runs
        .measures
        .iter()
        .filter(|it| matches!(it.of, MeasureOf::Run | MeasureOf::Workload | MeasureOf::Group))
        .filter_map(|it| Some((rank(it.metric())?, it)))
        .filter(|(_, it)| means.iter().any(|means| means.of(&it.name).is_some()))
        .collect();
    measures.sort_by_key(|(rank, _)| *rank);
    measures.truncate(HEADLINES_MAX);
    html! {
        section #beside aria-labelledby="beside-title" {
            h2 #beside-title { "Side by side" }
            p { "Means over the runs that ended as most did. Below each: its difference from " (first.name) ", with a 95% interval for all scenarios together; none where runs of the pair end in several ways." }
            div .scroll tabindex="0" role="region" aria-labelledby="beside-title" {
                table .sorts .still {
                    thead { tr { th scope="col" { "Figure" } @for arm in &it.arms { th scope="col" .number { (arm.name) } } } }
                    tbody {
                        @for (_, measure) in &measures {
                            tr {
                                th scope="row" { code { (measure.name) } }
                                @for (n, means) in means.iter().enumerate() {
                                    @let against = it.against.iter().find(|against| against.arm == n);
                                    @let difference = against.and_then(|it| it.differences.iter().find(|it| it.within.is_none() && it.measure.name == measure.name));
                                    td .number {
                                        (text_of(measure)(means.of(&measure.name)))
                                        @if let Some(it) = difference { span .by .(call_class(it.call)) { (comparison::difference(it)) " " (it.call.name()) } }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn call_class(call: Call) -> &'static str {
    match call {
        Call::Better => "better",
        Call::Worse => "worse",
        Call::Differs | Call::NoClearDifference | Call::TooFew => "unclear",
    }
}

/// What each looks like.
fn graphs(input: &Input, models: &[&Model], means: &[Means]) -> Markup {
    let arms = &input.comparison.arms;
    let graphs: Vec<(&str, Option<(Markup, i32)>)> = arms
        .iter()
        .zip(models)
        .zip(means)
        .map(|((arm, model), means)| {
            let what = format!("Call graph of {}, from the users on the left", arm.name);
            (arm.name.as_str(), graph::svg(model, means, &what))
        })
        .collect();
    html! {
        section #graphs aria-labelledby="graphs-title" {
            h2 #graphs-title { "Who calls whom" }
            p { "Means over the whole of the runs after the warm-up: how busy services are, and what share of calls fails." }
            ul .legend aria-label="What colours and lines mean" {
                li .idle { "idle" } li .calm { "calm" } li .busy { "busy" } li .full { "all threads taken" }
                li .failing { "5% or more fail or are turned away" } li .vain { "half or more of the work in vain" }
                li .line.sync { "calls" } li .line.async { "messages" } li .line.broken { "calls of which 5% or more fail" }
                li .meter { "bar: busy threads, hatched for callers who have left" }
            }
            div .architectures {
                @for (name, graph) in graphs {
                    figure .broad[graph.as_ref().is_some_and(|(_, width)| *width > BROAD)] {
                        figcaption { (name) }
                        @match graph {
                            Some((graph, _)) => div .wide { (graph) },
                            None => p .note { "It has more than " (graph::NODES_MAX) " nodes, which nobody could read here; " code { "brownout run" } " draws those that matter." },
                        }
                    }
                }
            }
        }
    }
}

fn courses(overlay: &Figure) -> Markup {
    html! {
        section #courses aria-labelledby="courses-title" {
            h2 #courses-title { "Over time" }
            p { "Thick lines are the runs in the middle, thin ones the 10th and the 90th percentile." }
            figure .chart { div .wide role="img" aria-label="Goodput, latency and attempts of all scenarios over time" { (PreEscaped(&overlay.svg)) } }
        }
    }
}

/// Every difference; the surest first where there are too many.
fn differences(input: &Input) -> Markup {
    let it = input.comparison;
    let mut rows: Vec<(&str, &Difference)> = it
        .against
        .iter()
        .flat_map(|against| {
            against.differences.iter().map(|difference| (it.arms[against.arm].name.as_str(), difference))
        })
        .filter(|(_, it)| it.means.0 != 0.0 || it.means.1 != 0.0)
        .collect();
    let all = rows.len();
    if all > ROWS_MAX {
        let p = |it: &Difference| it.p_holm.unwrap_or(1.0);
        rows.sort_by(|a, b| p(a.1).total_cmp(&p(b.1)));
        rows.truncate(ROWS_MAX);
    }
    let heads = [
        ("Scenario", "compared with the first"),
        ("Figure", ""),
        ("Runs that ended", "only pairs of runs that both ended so"),
        ("Call", ""),
        ("First", "mean of the first scenario"),
        ("This", "mean of this one"),
        ("Difference", "pair by pair"),
        ("±", "half the width of its 95% interval, for all scenarios together (Bonferroni)"),
        ("p", "how likely so large a difference is by chance, corrected for all figures (Holm)"),
        ("Pairing", "by so much more runs would be needed without pairs"),
    ];
    const NAMES: usize = 4;
    html! {
        section #differences aria-labelledby="differences-title" {
            h2 #differences-title { "All differences" }
            p { (comparison::method(it)) " A head sorts by its column; once more turns the order round." }
            @if all > ROWS_MAX { p { "The surest " (ROWS_MAX) " of " (all) "; comparison.csv has all." } }
            div .scroll tabindex="0" role="region" aria-labelledby="differences-title" {
                table .sorts {
                    thead { tr {
                        @for (n, (head, what)) in heads.iter().enumerate() {
                            th scope="col" .number[n >= NAMES] aria-sort="none" {
                                button type="button" title=[(!what.is_empty()).then_some(what)] { (head) span .arrow aria-hidden="true" {} }
                            }
                        }
                    } }
                    tbody { @for (name, it) in rows { (row(name, it)) } }
                }
            }
        }
    }
}

fn row(name: &str, it: &Difference) -> Markup {
    let text = text_of(&it.measure);
    let cells = [
        (Some(it.means.0), text(Some(it.means.0))),
        (Some(it.means.1), text(Some(it.means.1))),
        (Some(it.paired.difference.mean), comparison::signed(it)),
        (it.half_width, text(it.half_width)),
        (it.p_holm, number::plain(it.p_holm)),
        (it.paired.gain, number::factor(it.paired.gain)),
    ];
    html! {
        tr {
            th scope="row" { (name) } td { (it.measure.name) } td { (it.within.map_or("", Verdict::name)) }
            td .(call_class(it.call)) { (it.call.name()) }
            @for (value, text) in cells {
                td .number data-v=[value.filter(|value| value.is_finite()).map(|value| format!("{value:.4e}"))] { (text) }
            }
        }
    }
}

fn reproduce(input: &Input, command: &str) -> Markup {
    html! {
        section #reproduce aria-labelledby="reproduce-title" {
            h2 #reproduce-title { "How to reproduce this" }
            p { "The same files, seed and version give the same bytes on every machine." }
            pre tabindex="0" { code { (command) } }
            dl {
                dt { "Seed" } dd { (input.seed) }
                dt { "Version" } dd { "brownout " (input.version) }
                @for (arm, hash) in input.comparison.arms.iter().zip(input.hashes) { dt { (arm.name) } dd { code .hash { (hash) } } }
            }
        }
    }
}
