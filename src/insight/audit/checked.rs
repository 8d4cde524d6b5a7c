//! What the loader warns about already, taken over under the names that audits use.

use super::{Finding, Grade};
use crate::scenario::Notice;

/// The loader's code, what the finding is called, and how bad it is.
const KINDS: &[(&str, &str, Grade)] = &[
    ("W001", "pool-below-littles-law", Grade::Serious),
    ("W002", "timeout-inversion", Grade::Warning),
    ("W003", "circle", Grade::Warning),
    ("W005", "breaker-never-opens", Grade::Warning),
    ("W006", "cut-without-timeout", Grade::Warning),
    ("W011", "retry-product", Grade::Serious),
    ("W012", "unbounded-queue", Grade::Warning),
    ("W015", "circular-gain", Grade::Serious),
    ("W016", "held-within-itself", Grade::Serious),
    ("W017", "consumers-beyond-partitions", Grade::Warning),
    ("W020", "hedge-never-sent", Grade::Warning),
    ("W022", "dry-budget", Grade::Warning),
    ("W025", "timeout-below-answer", Grade::Serious),
];

pub(super) fn findings(notices: &[Notice]) -> Vec<Finding> {
    let finding = |notice: &Notice| {
        let (_, kind, grade) = KINDS.iter().find(|(code, ..)| *code == notice.code)?;
        let finding = Finding::new(kind, *grade, String::new(), notice.title.clone());
        let finding = match notice.number {
            Some((number, of)) => finding.number(number, of),
            None => finding,
        };
        let finding = finding.why(notice.notes.join("; ")).help(notice.helps.join("; "));
        Some(Finding { site: notice.site.clone(), ..finding })
    };
    notices.iter().filter_map(finding).collect()
}
