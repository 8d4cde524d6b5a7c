//! A tipping point for people: the answer in a sentence, how wide the change is, and every point that ran; or the phase
//! diagram in letters.

use crate::base::between::Lattice;
use crate::experiment::{Boundary, Direction, Phase, PhaseDiagram, Point};
use crate::report::experiment::tip::{EITHER, Found, Input};
use crate::report::number;

use super::grid::Grid;
use super::{BAD, DIM, GOOD, HEAD, Look};

/// The diagram in letters is no larger than this.
const COLUMNS_MAX: u32 = 65;
const LINES_MAX: u32 = 25;

/// What was found, for a terminal of `width` columns.
pub fn tip(input: &Input, color: bool, width: usize) -> String {
    let look = Look { color, width: width.max(20) };
    let mut text = look.paint(HEAD, look.wrap("", input.title).trim_end()) + "\n\n";
    match input.found {
        Found::Boundary(it) => {
            text += &boundary(input, it, look);
            text += "\n";
            text += &table(input, look);
        }
        Found::Phases(it) => text += &phases(input, it, look),
    }
    text += &(look.paint(DIM, look.wrap("", &note(input)).trim_end()) + "\n");
    text
}

/// The answer in sentences, the most important first.
pub fn answer(input: &Input, it: &Boundary) -> Vec<String> {
    let lattice = &input.lattices[0];
    let path = lattice.path();
    let value = |place: u32| lattice.value(place);
    let (low, high) = (value(0), value(lattice.steps()));
    let runs = |place: u32| it.point(place).map(in_runs).unwrap_or_default();
    let (share, sure) = (percent(input.plan.share), percent(input.plan.confidence));
    let mut said = Vec::new();
    let Some(direction) = it.direction else {
        let all = it.points.first().map_or(EITHER, |(_, outcome)| outcome.name());
        said.push(match all {
            EITHER => format!("No boundary: with {path} at {low} and at {high} luck decides how it ends."),
            "ends well" => format!("No boundary: with {path} it ends well both at {low} and at {high}."),
            _ => format!("No boundary: with {path} it ends well neither at {low} nor at {high}."),
        });
        said.push(format!("At {low} {}, at {high} {}: move an end until they differ.", runs(0), runs(lattice.steps())));
        return said;
    };
    let (is_well, not) = match direction {
        Direction::Highest => ("up to", "from"),
        Direction::Lowest => ("from", "up to"),
    };
    let on = |word: &str| if word == "from" { " on" } else { "" };
    said.push(match (it.well, it.ill) {
        (Some(well), Some(ill)) => format!(
            "With {path} it ends well {is_well} {}{}, and does not {not} {}{}.",
            value(well),
            on(is_well),
            value(ill),
            on(not)
        ),
        (Some(well), None) => {
            format!("With {path} it ends well {is_well} {}{}; beyond, luck decides.", value(well), on(is_well))
        }
        (None, Some(ill)) => {
            format!("With {path} it does not end well {not} {}{}; before, luck decides.", value(ill), on(not))
        }
        (None, None) => format!("With {path} luck decides how it ends, wherever it ran."),
    });
    if let (Some(well), Some(ill)) = (it.well, it.ill) {
        let is_exact = [well, ill].iter().all(|place| it.point(*place).is_some_and(|point| point.is_exact));
        said.push(match is_exact {
            true => format!(
                "At {} every run ends {}, at {} none does: the seed changes nothing.",
                value(well),
                input.criterion,
                value(ill)
            ),
            false => format!(
                "More than {share} of the runs end {} at {} ({}), fewer do at {} ({}): {sure} sure of both.",
                input.criterion,
                value(well),
                runs(well),
                value(ill),
                runs(ill)
            ),
        });
    }
    if let Some(spread) = it.spread {
        let end = |place: Option<u32>, at_end: u32| place.unwrap_or(at_end);
        let (first, last) = match direction {
            Direction::Highest => (0, lattice.steps()),
            Direction::Lowest => (lattice.steps(), 0),
        };
        let (all, none) = (end(spread.nearly_all, first), end(spread.nearly_none, last));
        said.push(format!(
            "The change is slow: between {} and {} luck decides. At {} {}, at {} {}.",
            value(all.min(none)),
            value(all.max(none)),
            value(all),
            runs(all),
            value(none),
            runs(none)
        ));
    }
    if it.is_crossed {
        said.push(
            "Some values beyond the boundary end as those before it do: there is more than one. `brownout sweep` shows \
             the whole course."
                .to_owned(),
        );
    }
    said
}

/// `95%`, `99.5%`.
fn percent(share: f64) -> String {
    number::share(Some(share)).replace(".0%", "%")
}

/// `28 of 40 end well`.
fn in_runs(point: &Point) -> String {
    let well = point.well();
    format!("{} of {} end well", well.count, well.of)
}

fn boundary(input: &Input, it: &Boundary, look: Look) -> String {
    let said = answer(input, it);
    let mut text = String::new();
    for (place, sentence) in said.iter().enumerate() {
        let line = look.wrap("", sentence);
        let style = if it.direction.is_some() { GOOD } else { BAD };
        text += &if place == 0 { look.paint(style, line.trim_end()) + "\n" } else { line };
    }
    text
}

fn table(input: &Input, look: Look) -> String {
    let points = input.points();
    let lattice = &input.lattices[0];
    let mut grid = Grid::new(lattice.path(), points.iter().map(|(point, _)| input.values(point).concat()).collect());
    let cells = |cell: &dyn Fn(&Point) -> String| points.iter().map(|(point, _)| cell(point)).collect::<Vec<String>>();
    grid.column("runs", 2, cells(&|point| point.runs().to_string()));
    let well = |point: &Point| {
        let well = point.well();
        match (point.is_exact, well.count) {
            (true, 0) => "none".to_owned(),
            (true, _) => "all".to_owned(),
            _ => format!("{} ({} to {})", well.count, percent(well.low), percent(well.high)),
        }
    };
    grid.column("end well (95%)", 0, cells(&well));
    for (place, phase) in Phase::ALL.into_iter().enumerate().skip(1) {
        if points.iter().any(|(point, _)| point.phases[place] > 0) {
            grid.column(phase.name(), 1, cells(&|point| point.phases[place].to_string()));
        }
    }
    grid.column("", 0, points.iter().map(|(_, outcome)| (*outcome).to_owned()).collect());
    grid.render(look)
}

fn note(input: &Input) -> String {
    let runs: u32 = input.points().iter().map(|(point, _)| point.runs()).sum();
    let points = input.points().len();
    format!(
        "{runs} runs at {points} points. A run ends well when it ends {}, and its twin without what goes wrong is not \
         overloaded.",
        input.criterion
    )
}

/// The letter of a phase.
fn letter(phase: Option<Phase>) -> char {
    match phase {
        Some(Phase::Stable) => '·',
        Some(Phase::Vulnerable) => '▒',
        Some(Phase::Overloaded) => '█',
        None => '?',
    }
}

fn phases(input: &Input, it: &PhaseDiagram, look: Look) -> String {
    let [across, up] = [&input.lattices[0], &input.lattices[1]];
    let sampled = |lattice: &Lattice, most: u32| -> Vec<u32> {
        let (steps, count) = (lattice.steps(), (lattice.steps() + 1).min(most));
        (0..count).map(|n| n * steps / (count - 1).max(1)).collect()
    };
    let (columns, lines) = (sampled(across, COLUMNS_MAX), sampled(up, LINES_MAX));
    let (low, high) = (up.value(0), up.value(up.steps()));
    let margin = low.chars().count().max(high.chars().count());
    let mut text = format!("{} upwards, {} to the right\n", up.path(), across.path());
    for (n, y) in lines.iter().enumerate().rev() {
        let label = match n {
            0 => low.as_str(),
            n if n + 1 == lines.len() => high.as_str(),
            _ => "",
        };
        let letters: String = columns.iter().map(|x| letter(it.map.at([*x, *y]))).collect();
        text += &format!("{label:>margin$} {}\n", letters.trim_end());
    }
    let (first, last) = (across.value(0), across.value(across.steps()));
    let room = columns.len().saturating_sub(first.chars().count());
    text += &format!("{:margin$} {first}{last:>room$}\n\n", "");
    let count = |phase: Option<Phase>| it.points.iter().filter(|(_, other)| *other == phase).count();
    let share = percent(input.plan.share);
    let better = input.criterion;
    for (phase, means) in [
        (Some(Phase::Stable), format!("more than {share} of the runs end {better}")),
        (Some(Phase::Vulnerable), "fine until something goes wrong, and does not end well then".to_owned()),
        (Some(Phase::Overloaded), "does not cope even without what goes wrong".to_owned()),
        (None, "luck decides".to_owned()),
    ] {
        let name = phase.map_or(EITHER, Phase::name);
        let points = count(phase);
        if points > 0 {
            let s = if points == 1 { "" } else { "s" };
            text += &look.wrap(&format!("  {} {name:<10} ", letter(phase)), &format!("{means} ({points} point{s})"));
        }
    }
    if !input.is_found() {
        text += &(look.paint(BAD, "No boundary: all points are in the same phase.") + "\n");
    }
    text + "\n"
}
