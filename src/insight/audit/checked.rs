//! What the loader warns about already, taken over under the names that audits use.

use super::{Finding, Grade};
use crate::scenario::Notice;

/// The loader's code, what the finding is called, how bad it is, and what the number that it says counts, where it says
/// one.
const KINDS: &[(&str, &str, Grade, &str)] = &[
    ("W001", "pool-below-littles-law", Grade::Serious, "is what the load needs on paper, see the warning"),
    ("W002", "timeout-inversion", Grade::Warning, ""),
    ("W003", "circle", Grade::Warning, ""),
    ("W005", "breaker-never-opens", Grade::Warning, ""),
    ("W006", "cut-without-timeout", Grade::Warning, ""),
    ("W011", "retry-product", Grade::Serious, "calls of one request"),
    ("W012", "unbounded-queue", Grade::Warning, ""),
    ("W015", "circular-gain", Grade::Serious, ""),
    ("W016", "held-within-itself", Grade::Serious, ""),
    ("W017", "consumers-beyond-partitions", Grade::Warning, ""),
    ("W020", "hedge-never-sent", Grade::Warning, ""),
    ("W022", "dry-budget", Grade::Warning, ""),
    ("W025", "timeout-below-answer", Grade::Serious, "is how long callers wait"),
];

pub(super) fn findings(notices: &[Notice]) -> Vec<Finding> {
    let finding = |notice: &Notice| {
        let (_, kind, grade, of) = KINDS.iter().find(|(code, ..)| *code == notice.code)?;
        let mut finding = Finding::new(kind, *grade, String::new(), notice.title.clone());
        finding.site = notice.site.clone();
        // The first number of the sentence is what it is about.
        let number = std::iter::once(&notice.title).chain(&notice.notes).find_map(|text| first_number(text));
        let (number, of) = number.map_or((0.0, ""), |number| (number, *of));
        Some(finding.number(number, of).why(notice.notes.join("; ")).help(notice.helps.join("; ")))
    };
    notices.iter().filter_map(finding).collect()
}

/// The first number in a sentence that is not a part of a name.
fn first_number(text: &str) -> Option<f64> {
    let outside = text.split('`').step_by(2);
    let words = outside.flat_map(|part| part.split(|c: char| !(c.is_ascii_digit() || c == '.')));
    words
        .filter(|word| word.starts_with(|c: char| c.is_ascii_digit()))
        .find_map(|word| word.trim_end_matches('.').parse().ok())
}
