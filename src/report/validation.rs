//! What came out of the validation, beside what theory says: a table for the terminal, a document for programs, and the
//! page `VALIDATION.md`.

use serde::Serialize;

use crate::experiment::{ProofRun, Row, STANDARD_ERRORS_MIN, Tolerance, Unit, Validated, ValidatedRow};

use super::json::document;
use super::terminal::{BAD, DIM, GOOD, HEAD, Look};

/// The opening of `VALIDATION.md`.
const OPENING: &str = "\
# What brownout is held against

Systems whose exact results are known, simulated, and what came out. `brownout validate` makes this page on your machine;
`brownout validate Q01` only one case of it. Every case is an ordinary scenario of [`scenarios/proof`](scenarios/proof)
with the settings that [its index](scenarios/proof/index.toml) names. A result holds when the mean over the replications,
each with a seed of its own, is off by no more than the tolerance, which is at least three standard errors of that mean;
± is its 95% confidence interval. What is exact has no chance in it, or leaves none. Where runs of one kind end in more
than one way, a row is about the mean among those that end in one of them, and says how many did. Metrics are those of
expectations in [`SCENARIOS.md`](SCENARIOS.md).
";

/// A table for a terminal of `width` columns, with ANSI colours if `color`.
pub fn text(validated: &Validated, version: &str, color: bool, width: usize) -> String {
    let look = Look { color, width };
    let header = ["metric", "expected", "got ± 95%", "tolerance"].map(str::to_owned);
    let cells: Vec<[String; 4]> = validated.rows.iter().map(cells).collect();
    let widest = |column: usize| {
        let column = cells.iter().chain([&header]).map(|row| row[column].chars().count());
        column.max().unwrap_or(0)
    };
    let widths = [0, 1, 2, 3].map(widest);
    // The metric gets what the others leave.
    let others: usize = widths[1..].iter().map(|width| width + 2).sum();
    let metric = widths[0].min(width.saturating_sub(2 + others).max(header[0].len()));
    let put = |[what, expected, got, tolerance]: &[String; 4]| {
        let [_, first, second, third] = widths;
        let what = cut(what, metric);
        format!("{what:metric$}  {expected:>first$}  {got:>second$}  {tolerance:>third$}")
    };
    let mut text = look.paint(HEAD, &format!("  {}", put(&header))) + "\n";
    let (mut case, mut label) = ("", "");
    for (it, cells) in validated.rows.iter().zip(&cells) {
        if it.case != case {
            case = &it.case;
            label = "";
            text += &format!("\n{}  {}\n", look.paint(HEAD, case), it.shows);
        }
        if it.run.label != label {
            label = &it.run.label;
            text += &format!("  {}\n", look.paint(DIM, label));
        }
        let mark = if it.holds && !it.is_narrow() { look.paint(GOOD, "✓") } else { look.paint(BAD, "✗") };
        text += &format!("{mark} {}\n", put(cells));
    }
    let style = if validated.holds() { GOOD } else { BAD };
    text + &format!("\n{} · brownout {version} · seed {}\n", look.paint(style, &verdict(validated)), validated.seed)
}

fn verdict(validated: &Validated) -> String {
    let verdict = match validated.rows.iter().filter(|row| !row.holds).count() {
        0 => format!("All {} results hold", validated.rows.len()),
        failed => format!("{failed} of {} results do not hold", validated.rows.len()),
    };
    let Some((row, width)) = validated.narrowest() else { return verdict };
    let narrow = validated.rows.iter().filter(|row| row.is_narrow()).count();
    let narrowest = format!("the narrowest is {width:.2}: {} of {}", metric(&row.row), row.case);
    match narrow {
        0 => format!("{verdict}; every tolerance is at least {STANDARD_ERRORS_MIN} standard errors, {narrowest}"),
        _ => format!("{verdict}; {narrow} tolerances are below {STANDARD_ERRORS_MIN} standard errors, {narrowest}"),
    }
}

fn cells(it: &ValidatedRow) -> [String; 4] {
    let tolerance = tolerance(&it.row);
    let tolerance = it.width.map_or(tolerance.clone(), |width| format!("{tolerance} = {width:.2} SE"));
    [metric(&it.row), expected(&it.row), measured(it), tolerance]
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
    let among = row.among.as_ref().map(|it| format!(" if {}", it.text())).unwrap_or_default();
    format!("{}{}{}{among}", row.metric.text(), time("after", &row.after), time("until", &row.until))
}

fn expected(row: &Row) -> String {
    in_unit(row, row.expected, decimals(row))
}

fn measured(it: &ValidatedRow) -> String {
    let Some(estimate) = it.estimate else { return "no sample".to_owned() };
    let number = |value: f64| in_unit(&it.row, value, decimals(&it.row));
    let mean = match estimate.half_width.filter(|width| *width > 0.0) {
        Some(width) => format!("{} ± {}", number(estimate.mean), number(width)),
        None => number(estimate.mean),
    };
    match (&it.row.among, it.counted) {
        (Some(_), (counted, of)) => format!("{mean} (in {counted} of {of})"),
        (None, _) => mean,
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
    let mut text =
        format!("{OPENING}\n{}: brownout {version}, seeds from {} on.\n", verdict(validated), validated.seed);
    let mut case = "";
    for row in &validated.rows {
        if row.case != case {
            case = &row.case;
            text += &format!("\n## {case}: {}\n\n{HEADER}", row.shows);
        }
        let measured = if row.holds { measured(row) } else { format!("**{}**", measured(row)) };
        text += &format!("{} {measured} |\n", stated(&row.run, &row.row));
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
    /// The condition under which a replication counts.
    among: Option<&'a str>,
    /// Replications that count.
    replications_counted: u32,
    after: Option<&'a str>,
    until: Option<&'a str>,
    unit: &'static str,
    expected: f64,
    tolerance: f64,
    mean: Option<f64>,
    /// Half the width of the 95% confidence interval.
    half_width: Option<f64>,
    standard_error: Option<f64>,
    /// How many standard errors of a mean over `replications` the tolerance is wide, where that was measured.
    tolerance_standard_errors: Option<f64>,
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
    let ValidatedRow { case, shows, run, row, estimate, counted, holds, width } = it;
    ResultRow {
        case,
        shows,
        file: format!("scenarios/proof/{}.toml", run.file),
        set: &run.set,
        variants: &run.variants,
        replications: run.replications,
        name: &row.name,
        metric: row.metric.text(),
        among: row.among.as_ref().map(|it| it.text()),
        replications_counted: counted.0,
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
        tolerance_standard_errors: *width,
        holds: *holds,
        source: &row.source,
    }
}
