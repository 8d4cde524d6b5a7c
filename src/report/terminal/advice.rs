//! Advice for people: what helps where it hurts, what everybody believes in and does not, and what to paste.

use crate::experiment::{Advice, Effect, Figure, Figures, Tried};
use crate::insight::statistics::ShareEstimate;
use crate::model::Verdict;
use crate::report::number;

use super::grid::Grid;
use super::{DIM, HEAD, Look};

/// More cures than this are left to the JSON, unless everybody believes in them.
const ROWS_MAX: usize = 16;

/// The advice about a scenario, for a terminal of `width` columns.
/// `run` is the command that runs it with what it advises.
pub fn advice(advice: &Advice, run: &str, color: bool, width: usize) -> String {
    let look = Look { color, width: width.max(20) };
    let mut page = Page { look, text: String::new() };
    page.head(&advice.model.title);
    page.say("", &where_it_hurts(advice));
    page.blank();
    let (helping, rest): (Vec<&Tried>, Vec<&Tried>) = advice.tried.iter().partition(|it| it.effect > Effect::Nothing);
    let believed: Vec<&Tried> = advice.believed_in_vain().collect();
    // A pair that does no more than one of its halves is a second change for nothing.
    let is_winner = |it: &Tried| advice.winner.is_some_and(|place| std::ptr::eq(it, &raw const advice.tried[place]));
    let (in_vain, helping): (Vec<&Tried>, Vec<&Tried>) =
        helping.into_iter().partition(|it| it.is_pair && !is_winner(it));
    let shown = &helping[..helping.len().min(ROWS_MAX)];
    if !shown.is_empty() {
        page.head("What helps, the best first");
        page.add(&table(advice, shown, true, look));
        if helping.len() > shown.len() {
            page.dim(&format!("{} more help; `--format json` has them all.", helping.len() - shown.len()));
        }
        if !in_vain.is_empty() {
            let names: Vec<&str> = in_vain.iter().map(|it| it.cure.kind.as_str()).collect();
            page.say("In pairs, and worth no second change: ", &names.join(", "));
        }
        page.blank();
    }
    if !believed.is_empty() {
        page.head("What everybody believes in, and what does not help here");
        page.add(&table(advice, &believed, shown.is_empty(), look));
        let mut kinds: Vec<&str> = Vec::new();
        for it in &believed {
            if !kinds.contains(&it.cure.kind.as_str()) {
                kinds.push(&it.cure.kind);
                page.say(&format!("  {}: ", it.cure.kind), it.cure.belief.unwrap_or_default());
            }
        }
        page.blank();
    }
    let others: Vec<&Tried> = rest.into_iter().filter(|it| it.cure.belief.is_none() && !it.is_pair).collect();
    if !others.is_empty() {
        let names: Vec<String> = others.iter().map(|it| named(it)).collect();
        page.say("Tried, and no help either: ", &names.join(", "));
        page.blank();
    }
    conclusion(advice, run, &mut page);
    if advice.tried.is_empty() {
        page.dim(&format!("{}. Shares have 95% Wilson intervals.", runs(advice.runs)));
        return page.text;
    }
    page.dim(&format!(
        "{} runs. Runs with the same number have the same random numbers in all of them. Shares have 95% Wilson intervals; ± \
         is 95% for all {} cures together (Bonferroni), and missing where runs ended differently: there the pairs of each \
         ending are held against each other. What shows nothing is run \
         no more after {}; what everybody believes in gets twice as many.",
        advice.runs,
        advice.tried.len(),
        first_runs(advice.tried.iter().map(|it| it.figures.ended_well.of).min().unwrap_or(0)),
    ));
    page.text
}

fn runs(count: u32) -> String {
    if count == 1 { "1 run".to_owned() } else { format!("{count} runs") }
}

fn first_runs(count: u32) -> String {
    if count == 1 { "its first run".to_owned() } else { format!("its first {count} runs") }
}

fn where_it_hurts(advice: &Advice) -> String {
    let base = &advice.base;
    let ends = format!("{} runs end well", of(&base.ended_well));
    if !advice.hurts {
        return format!(
            "Nothing hurts: {ends}, and every expectation holds. What would make it faster is ranked all the same."
        );
    }
    let worst = base.worst.map_or("", Verdict::name);
    let root = &advice.insight.root;
    let root = match (root.target.as_str(), root.what.as_str()) {
        (_, "") => String::new(),
        ("", what) => format!(" It goes back to this: {what}."),
        (target, what) => format!(" It goes back to {target}: {what}."),
    };
    let kept = advice
        .insight
        .sustained_by
        .as_ref()
        .map_or(String::new(), |it| format!(" {}.", it.sentence.trim_end_matches('.')));
    let places = match advice.places.as_slice() {
        [] => "There is no place where a cure could be tried.".to_owned(),
        places => format!("Cures are tried at {}.", places.join(", ")),
    };
    format!("As it stands {ends} (worst: {worst}).{root}{kept} {places}")
}

fn conclusion(advice: &Advice, run: &str, page: &mut Page) {
    let Some(winner) = advice.winner else {
        page.head("Nothing helps");
        if advice.why_nothing.is_empty() {
            page.say("", "None of these makes a difference that is beyond chance.");
        }
        for why in &advice.why_nothing {
            page.say("  - ", why);
        }
        return;
    };
    let it = &advice.tried[winner];
    page.head(&format!("Advice: {}", it.cure.what));
    if let Some((before, after)) = &advice.confirmed {
        let gain = after.goodput.as_ref().map_or(String::new(), |it| format!("; {}: {}", it.name, change(it)));
        page.say(
            "  ",
            &format!(
                "With seeds that had no part in choosing it: {} runs end well, {} as it stands{gain}.",
                of(&after.ended_well),
                of(&before.ended_well)
            ),
        );
    }
    if !it.cure.proviso.is_empty() {
        page.say("  ", &format!("Only if: {}.", it.cure.proviso));
    }
    page.say("", &format!("Paste this below the file, then `{run}`:"));
    page.blank();
    page.add(&it.cure.overlay(&advice.variant));
    page.blank();
}

/// What is said so far.
struct Page {
    look: Look,
    text: String,
}

impl Page {
    fn head(&mut self, title: &str) {
        self.text += &(self.look.paint(HEAD, self.look.wrap("", title).trim_end()) + "\n");
    }

    fn say(&mut self, first: &str, text: &str) {
        self.text += &self.look.wrap(first, text);
    }

    fn dim(&mut self, text: &str) {
        self.text += &(self.look.paint(DIM, self.look.wrap("", text).trim_end()) + "\n");
    }

    fn add(&mut self, text: &str) {
        self.text += text;
    }

    fn blank(&mut self) {
        self.text.push('\n');
    }
}

fn named(it: &Tried) -> String {
    let worse = if it.effect == Effect::Worse { " (worse)" } else { "" };
    format!("{} at {}{worse}", it.cure.kind, it.cure.place)
}

/// `9 of 10 (60–98%)`.
fn of(it: &ShareEstimate) -> String {
    format!("{} of {} ({:.0}–{:.0}%)", it.count, it.of, it.low * 100.0, it.high * 100.0)
}

fn change(it: &Figure) -> String {
    let sign = if it.difference < 0.0 { "−" } else { "+" };
    let points = format!("{sign}{:.1}", it.difference.abs() * 100.0);
    match it.half_width {
        Some(width) => format!("{points} ± {:.1} points", width * 100.0),
        None => format!("{points} points"),
    }
}

fn table(advice: &Advice, rows: &[&Tried], with_base: bool, look: Look) -> String {
    let base = [("as it stands".to_owned(), String::new(), &advice.base)].into_iter().filter(|_| with_base);
    let of_rows = rows.iter().map(|it| (it.cure.kind.clone(), it.cure.place.clone(), &it.figures));
    let all: Vec<(String, String, &Figures)> = base.chain(of_rows).collect();
    let column = |cell: &dyn Fn(&Figures) -> String| all.iter().map(|it| cell(it.2)).collect::<Vec<String>>();
    let title = |figure: Option<&Figure>, other: &str| figure.map_or(other.to_owned(), |it| it.name.clone());
    let names =
        all.iter().map(|(kind, place, _)| if place.is_empty() { kind.clone() } else { format!("{kind}\nat {place}") });
    let mut grid = Grid::new("cure", names.collect()).whole_in("`--format json`");
    grid.column("runs that\nend well", 0, column(&|it| of(&it.ended_well)));
    let is_base = |it: &Figures| std::ptr::eq(it, &raw const advice.base);
    let goodput = |it: &Figures| match &it.goodput {
        Some(figure) if !is_base(it) => format!("{}\n{}", number::share(Some(figure.mean)), change(figure)),
        other => number::share(other.as_ref().map(|it| it.mean)),
    };
    grid.column(&title(advice.base.goodput.as_ref(), "goodput"), 1, column(&goodput));
    let latency = |it: &Figures| {
        let Some(figure) = &it.latency else { return number::secs(None) };
        let mean = number::secs(Some(figure.mean));
        let sign = if figure.difference < 0.0 { "−" } else { "+" };
        let by = number::secs(Some(figure.difference.abs()));
        match figure.half_width {
            _ if is_base(it) => mean,
            Some(width) => format!("{mean}\n{sign}{by} ± {}", number::secs(Some(width))),
            None => format!("{mean}\n{sign}{by}"),
        }
    };
    grid.column(&title(advice.base.latency.as_ref(), "p99"), 2, column(&latency));
    let cost = title(advice.base.cost.as_ref(), "cost").replace("_per_million", "\nper million").replace('_', "-");
    grid.column(&cost, 4, column(&|it| number::plain(it.cost.as_ref().map(|it| it.mean))));
    grid.column("capacity", 3, column(&|it| number::factor(Some(it.capacity))));
    grid.render(look)
}
