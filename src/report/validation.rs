//! What came out of the validation, beside what theory says: a table for the terminal, a document for programs, and the
//! page `VALIDATION.md`.

use serde::Serialize;

use crate::experiment::{ProofRun, Row, Tolerance, Unit, Validated, ValidatedRow};

use super::json::document;
use super::terminal::{BAD, DIM, GOOD, HEAD, Look};

/// The opening of `VALIDATION.md`.
const OPENING: &str = "\
# What brownout is held against

Systems whose exact results are known, simulated, and what came out. `brownout validate` makes this page on your machine;
`brownout validate Q01` only one case of it. Every case is an ordinary scenario of [`scenarios/proof`](scenarios/proof)
with the settings that [its index](scenarios/proof/index.toml) names. A result holds when the mean over the replications,
each with a seed of its own, is off by no more than the tolerance, which is at least three standard errors of that mean;
± is its 95% confidence interval. What is exact has no chance in it, or leaves none. Metrics are those of expectations
in [`SCENARIOS.md`](SCENARIOS.md).
";

/// A table for a terminal of `width` columns, with ANSI colours if `color`.
pub fn text(validated: &Validated, version: &str, color: bool, width: usize) -> String {
    let look = Look { color, width };
    let lines: Vec<Line> = lines(&validated.rows);
    let column = |cell: fn(&Line) -> &str| lines.iter().map(|line| cell(line).chars().count()).max().unwrap_or(0);
    let (label, expected, got, tolerance) = (
        column(|line| &line.label),
        column(|line| &line.expected).max("expected".len()),
        column(|line| &line.got).max("got ± 95%".chars().count()),
        column(|line| &line.tolerance).max("tolerance".len()),
    );
    // What is left belongs to the metric.
    let others = 2 + label + 2 + 2 + expected + 2 + got + 2 + tolerance;
    let metric = column(|line| &line.metric).min(width.saturating_sub(others).max("metric".len()));
    let put = |mark: &str, line: &Line| {
        let text = format!(
            " {:label$}  {:metric$}  {:>expected$}  {:>got$}  {:>tolerance$}",
            line.label,
            cut(&line.metric, metric),
            line.expected,
            line.got,
            line.tolerance,
        );
        format!("{mark}{}\n", text.trim_end())
    };
    let header = Line {
        label: String::new(),
        metric: "metric".to_owned(),
        expected: "expected".to_owned(),
        got: "got ± 95%".to_owned(),
        tolerance: "tolerance".to_owned(),
    };
    let mut text = look.paint(HEAD, put(" ", &header).trim_end()) + "\n";
    let mut case = "";
    for (row, line) in validated.rows.iter().zip(&lines) {
        if row.case != case {
            case = &row.case;
            text += &format!("{} {}\n", look.paint(HEAD, case), look.paint(DIM, &row.shows));
        }
        let mark = if row.holds { look.paint(GOOD, "✓") } else { look.paint(BAD, "✗") };
        text += &put(&mark, line);
    }
    let failed = validated.rows.iter().filter(|row| !row.holds).count();
    let verdict = match failed {
        0 => look.paint(GOOD, &format!("All {} results hold", validated.rows.len())),
        failed => look.paint(BAD, &format!("{failed} of {} results do not hold", validated.rows.len())),
    };
    text + &format!("\n{verdict} · brownout {version} · seed {}\n", validated.seed)
}

/// The cells of a row.
struct Line {
    label: String,
    metric: String,
    expected: String,
    got: String,
    tolerance: String,
}

/// A label stands only in the first row that it is about.
fn lines(rows: &[ValidatedRow]) -> Vec<Line> {
    let mut before = ("", "");
    let line = |it| {
        let ValidatedRow { case, run, row, estimate, .. }: &ValidatedRow = it;
        let is_first = before != (case.as_str(), run.label.as_str());
        before = (case, &run.label);
        Line {
            label: if is_first { run.label.clone() } else { String::new() },
            metric: metric(row),
            expected: expected(row),
            got: estimate.map_or_else(|| "no sample".to_owned(), |it| got(row, it.mean, it.half_width)),
            tolerance: tolerance(row),
        }
    };
    rows.iter().map(line).collect()
}

fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let kept: String = text.chars().take(width.saturating_sub(1)).collect();
    format!("{}…", kept.trim_end())
}

/// What is measured, and when.
fn metric(row: &Row) -> String {
    let time = |word: &str, time: &Option<String>| time.as_ref().map(|it| format!(" {word} {it}")).unwrap_or_default();
    format!("{}{}{}", row.metric.text(), time("after", &row.after), time("until", &row.until))
}

fn expected(row: &Row) -> String {
    in_unit(row, row.expected, decimals(row))
}

fn got(row: &Row, mean: f64, half_width: Option<f64>) -> String {
    let decimals = decimals(row);
    let mean = in_unit(row, mean, decimals);
    match half_width.filter(|width| *width > 0.0) {
        Some(width) => format!("{mean} ± {}", in_unit(row, width, decimals)),
        None => mean,
    }
}

fn tolerance(row: &Row) -> String {
    match row.tolerance {
        Tolerance::Exact => "exact".to_owned(),
        Tolerance::Relative(share) => format!("{}%", share * 100.0),
        Tolerance::Absolute(width) => in_unit(row, width, None),
    }
}

/// So many that the tolerance has three digits; all there are where nothing is tolerated.
fn decimals(row: &Row) -> Option<usize> {
    let around = row.tolerance.around(row.expected) * scale(row.unit);
    (around > 0.0).then(|| (2.0 - libm::floor(libm::log10(around))).clamp(0.0, 9.0) as usize)
}

fn scale(unit: Unit) -> f64 {
    if unit == Unit::Share { 100.0 } else { 1.0 }
}

fn in_unit(row: &Row, value: f64, decimals: Option<usize>) -> String {
    let value = value * scale(row.unit);
    let number = match decimals {
        Some(decimals) => format!("{value:.decimals$}"),
        None => format!("{value}"),
    };
    match row.unit {
        Unit::Seconds => format!("{number}\u{a0}s"),
        Unit::PerSecond => format!("{number}/s"),
        Unit::Share => format!("{number}%"),
        Unit::Number => number,
    }
}

/// The page `VALIDATION.md`.
pub fn markdown(validated: &Validated, version: &str) -> String {
    let failed = validated.rows.iter().filter(|row| !row.holds).count();
    let verdict = match failed {
        0 => format!("All {} results hold", validated.rows.len()),
        failed => format!("{failed} of {} results do not hold", validated.rows.len()),
    };
    let mut text = format!("{OPENING}\n{verdict}: brownout {version}, seeds from {} on.\n", validated.seed);
    let mut case = "";
    for row in &validated.rows {
        if row.case != case {
            case = &row.case;
            text += &format!("\n## {case}: {}\n\n{HEADER}", row.shows);
        }
        let got = row.estimate.map_or_else(|| "no sample".to_owned(), |it| got(&row.row, it.mean, it.half_width));
        let got = if row.holds { got } else { format!("**{got}**") };
        text += &format!("{} {got} |\n", stated(&row.run, &row.row));
    }
    text
}

const HEADER: &str = "\
| what | metric | expected | tolerance | source | measured |
|---|---|---|---|---|---|
";

/// All of a row in the page but what was measured: what the index states.
pub fn stated(run: &ProofRun, row: &Row) -> String {
    let plain = |text: &str| text.replace('|', "\\|");
    format!(
        "| {} | `{}` | {} | {} | {} |",
        plain(&run.label),
        metric(row),
        expected(row),
        tolerance(row),
        plain(&row.source)
    )
}

#[derive(Serialize)]
struct Document<'a> {
    brownout_version: &'a str,
    seed: u64,
    holds: bool,
    results: Vec<ResultRow<'a>>,
}

#[derive(Serialize)]
struct ResultRow<'a> {
    case: &'a str,
    shows: &'a str,
    file: String,
    set: &'a [String],
    variants: &'a [String],
    replications: u32,
    name: &'a str,
    metric: &'a str,
    after: Option<&'a str>,
    until: Option<&'a str>,
    unit: &'static str,
    expected: f64,
    tolerance: f64,
    mean: Option<f64>,
    /// Half the width of the 95% confidence interval.
    half_width: Option<f64>,
    standard_error: Option<f64>,
    holds: bool,
    source: &'a str,
}

/// Every row, with what it takes to run it again.
pub fn json(validated: &Validated, version: &str) -> String {
    document(&Document {
        brownout_version: version,
        seed: validated.seed,
        holds: validated.holds(),
        results: validated.rows.iter().map(result_row).collect(),
    })
}

fn result_row(it: &ValidatedRow) -> ResultRow<'_> {
    let ValidatedRow { case, shows, run, row, estimate, holds } = it;
    ResultRow {
        case,
        shows,
        file: format!("scenarios/proof/{}.toml", run.file),
        set: &run.set,
        variants: &run.variants,
        replications: run.replications,
        name: &row.name,
        metric: row.metric.text(),
        after: row.after.as_deref(),
        until: row.until.as_deref(),
        unit: match row.unit {
            Unit::Seconds => "s",
            Unit::PerSecond => "per_s",
            Unit::Share => "share",
            Unit::Number => "number",
        },
        expected: row.expected,
        tolerance: row.tolerance.around(row.expected),
        mean: estimate.map(|it| it.mean),
        half_width: estimate.and_then(|it| it.half_width),
        standard_error: estimate.and_then(|it| it.standard_error),
        holds: *holds,
        source: &row.source,
    }
}
