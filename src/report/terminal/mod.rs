//! The summary that a run prints: expectations first, then one table for the workloads, one for the
//! services and one for the edges, then what to do next. Text only; whether colour is wanted and how
//! wide the terminal is, the caller knows.

mod advice;
mod cost;
mod experiment;
mod grid;
mod messaging;
mod next;
mod resources;
mod sweep;
mod tables;
mod tip;
mod transport;

pub use advice::advice;
pub use experiment::{comparison, difference_in_words, endings_in_words, replications};
pub use sweep::{Swept, averaged, ended_well, sweep, text_of_figure};
pub use tip::{answer, tip};

use anstyle::{AnsiColor, Style};

use crate::model::{self, Bound};

use super::experiment::gate::Case;
use super::facts::{Facts, Verdict};
use super::{Input, number, story, verdicts};

pub(super) const GOOD: Style = AnsiColor::Green.on_default().bold();
pub(super) const BAD: Style = AnsiColor::Red.on_default().bold();
pub(super) const HEAD: Style = Style::new().bold();
pub(super) const DIM: Style = Style::new().dimmed();

/// How the summary is to look.
#[derive(Clone, Copy)]
pub(super) struct Look {
    pub(super) color: bool,
    pub(super) width: usize,
}

impl Look {
    pub(super) fn paint(self, style: Style, text: &str) -> String {
        if self.color { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }

    /// `text` in lines that fit, the first after `first`, the others indented as far.
    pub(super) fn wrap(self, first: &str, text: &str) -> String {
        let indent = first.chars().count();
        let room = self.width.saturating_sub(indent).max(1);
        let mut lines: Vec<Vec<char>> = vec![Vec::new()];
        for word in text.split(' ') {
            let letters: Vec<char> = word.chars().collect();
            // A word that no line holds is cut.
            for (place, piece) in letters.chunks(room).enumerate() {
                let line = lines.last_mut().expect("there is a first line");
                if place > 0 || (!line.is_empty() && line.len() + 1 + piece.len() > room) {
                    lines.push(piece.to_vec());
                    continue;
                }
                if !line.is_empty() {
                    line.push(' ');
                }
                line.extend(piece);
            }
        }
        let lines = lines.into_iter().map(String::from_iter).collect::<Vec<String>>();
        format!("{first}{}\n", lines.join(&format!("\n{}", " ".repeat(indent))))
    }
}

/// The summary of a run for a terminal of `width` columns, with ANSI colours if `color`.
pub fn summary(input: &Input, color: bool, width: usize) -> String {
    let look = Look { color, width: width.max(20) };
    let facts = Facts::new(input);
    let sections = [
        look.paint(HEAD, look.wrap("", &input.model.title).trim_end()) + "\n",
        story::Story::of(input).map(|it| story::story(&it, false, color, width)).unwrap_or_default(),
        expectations(input, &facts, look),
        tables::workloads(&facts, look),
        tables::services(&facts, look),
        tables::edges(&facts, look),
        resources::pools(&facts, look).unwrap_or_default(),
        resources::caches(&facts, look).unwrap_or_default(),
        transport::tables(&facts, look).unwrap_or_default(),
        messaging::tables(&facts, look).unwrap_or_default(),
        cost::table(&facts, look).unwrap_or_default(),
        tables::confidence(&facts, look),
        next::steps(&facts, look),
        repeat(input, &facts, look),
    ];
    sections.into_iter().filter(|section| !section.is_empty()).collect::<Vec<_>>().join("\n")
}

fn expectations(input: &Input, facts: &Facts, look: Look) -> String {
    let verdicts = verdicts(input);
    let mut text = String::new();
    for verdict in &verdicts {
        let it = verdict.expectation;
        let (style, mark) = match verdict.pass {
            Some(true) => (GOOD, "✓"),
            Some(false) => (BAD, "✗"),
            None => (DIM, "?"),
        };
        let until = number::secs(Some(it.until.min(facts.results.ended).as_secs_f64()));
        let from = number::secs(Some(it.from.as_secs_f64()));
        let line = format!("{}: {} — {} from {from} to {until}", it.name, it.text, measured(verdict));
        // The mark is painted after the wrapping, which counts characters.
        let line = look.wrap("  ", &line);
        text += &format!("{}{}", look.paint(style, mark), &line[1..]);
    }
    let failed = verdicts.iter().filter(|verdict| verdict.pass == Some(false)).count();
    if failed > 0 {
        let of = format!("{failed} of {} expectations failed", verdicts.len());
        text += &(look.paint(BAD, &of) + "\n");
    }
    text
}

/// The expectations of a run as checks of a continuous build; those of one that was interrupted were not judged.
pub fn cases(input: &Input) -> Vec<Case> {
    let case = |verdict: &Verdict| {
        let it = verdict.expectation;
        let found = format!("{}: {}", it.text, measured(verdict)).replace('\u{a0}', " ");
        Some(Case { name: it.name.clone(), found, pass: verdict.pass? })
    };
    verdicts(input).iter().filter_map(case).collect()
}

fn measured(verdict: &Verdict) -> String {
    if verdict.value.is_none() {
        return "no sample".to_owned();
    }
    let text: fn(Option<f64>) -> String = match verdict.expectation.bound {
        Bound::Share(_) => number::share,
        Bound::Rate(_) => number::rate,
        Bound::Span(_) => number::secs,
        Bound::Number(_) => number::plain,
        Bound::Verdict(_) => |rank| rank.and_then(model::Verdict::of_rank).map_or("", model::Verdict::name).to_owned(),
    };
    format!("measured {}", number::in_words(verdict.value, verdict.half_width, text))
}

/// What it takes to repeat the run, and what the totals cover.
fn repeat(input: &Input, facts: &Facts, look: Look) -> String {
    let (from, until) = facts.window();
    let (from, until) = (number::secs(Some(from.as_secs_f64())), number::secs(Some(until.as_secs_f64())));
    let line = format!(
        "brownout {} · scenario {} · seed {} · {} events · totals: arrivals from {from} to {until}",
        input.version,
        input.short_hash(),
        input.model.seed,
        number::count(input.results.events),
    );
    let line = look.wrap("", &line);
    look.paint(DIM, line.trim_end()) + "\n"
}

/// Whether a share is worth a word.
fn matters(share: Option<f64>, from: f64) -> bool {
    share.is_some_and(|share| share >= from)
}
