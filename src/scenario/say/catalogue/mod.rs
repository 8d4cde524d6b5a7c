//! Every code once: its number, what it is called, what it means, and how it looks before and after. Numbers are
//! never used again.

mod errors;
mod warnings;

pub(crate) use errors::*;
pub(crate) use warnings::*;

/// Whether a scenario can still run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Severity {
    /// It cannot.
    Error,
    /// It can, but it is probably not what its author means.
    Warning,
}

/// A kind of diagnostic.
#[derive(Debug, PartialEq, Eq)]
pub struct Code {
    /// `E010`, `W001`, ...
    pub id: &'static str,
    /// Whether it stops the run.
    pub severity: Severity,
    /// What it is called.
    pub title: &'static str,
    /// Why it is refused or suspicious, and what to do.
    pub explanation: &'static str,
    /// A part of a scenario, or a command, that shows it; empty where none can be written down.
    pub bad: &'static str,
    /// The same without it.
    pub good: &'static str,
}

macro_rules! codes {
    ($severity:ident $($id:literal $name:ident $title:literal $explanation:literal bad $bad:literal good $good:literal)*) => {
        $(
            #[doc = $title]
            pub(crate) static $name: $crate::scenario::say::catalogue::Code = $crate::scenario::say::catalogue::Code {
                id: $id,
                severity: $crate::scenario::say::catalogue::Severity::$severity,
                title: $title,
                explanation: $explanation,
                bad: $bad,
                good: $good,
            };
        )*

        /// All of them, by number.
        pub(super) static CODES: &[&$crate::scenario::say::catalogue::Code] = &[$(&$name),*];
    };
}

use codes;

/// Every code, errors first, by number.
pub fn all() -> impl Iterator<Item = &'static Code> {
    errors::CODES.iter().chain(warnings::CODES).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_sorted_unique_and_explained() {
        let ids: Vec<_> = all().map(|code| code.id).collect();
        let mut sorted = ids.clone();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(ids, sorted);
        for code in all() {
            let letter = if code.severity == Severity::Error { 'E' } else { 'W' };
            assert!(code.id.starts_with(letter) && code.id.len() == 4, "{}", code.id);
            assert!(code.explanation.ends_with('.') && !code.explanation.contains("  "), "{}", code.id);
            assert_eq!(code.bad.is_empty(), code.good.is_empty(), "{}", code.id);
        }
    }
}
