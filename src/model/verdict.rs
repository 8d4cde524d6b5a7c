//! How a run ended as a whole, and when it counts as what.

use crate::base::time::Span;
use crate::base::units::Share;

/// How a run ended as a whole, from good to bad.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[repr(u8)]
pub enum Verdict {
    /// Nothing went wrong, and it coped with what it was asked for.
    Stable,
    /// Something went wrong, users noticed nothing, and no messages came late or were lost.
    Unharmed,
    /// Users noticed, or messages came late or were lost, and then no longer.
    Recovered,
    /// Users still notice at the end, but it is on its way back: the backlog falls.
    Recovering,
    /// Users still notice at the end: a little, or because what went wrong still is.
    Degraded,
    /// It does not cope with what it is asked for, and would not if nothing went wrong.
    Overloaded,
    /// What went wrong is over, and it stays down all the same.
    Metastable,
}

impl Verdict {
    /// All, from good to bad.
    pub const ALL: [Verdict; 7] = [
        Verdict::Stable,
        Verdict::Unharmed,
        Verdict::Recovered,
        Verdict::Recovering,
        Verdict::Degraded,
        Verdict::Overloaded,
        Verdict::Metastable,
    ];

    /// In a word, as conditions and files write it.
    pub fn name(self) -> &'static str {
        match self {
            Verdict::Stable => "stable",
            Verdict::Unharmed => "unharmed",
            Verdict::Recovered => "recovered",
            Verdict::Recovering => "recovering",
            Verdict::Degraded => "degraded",
            Verdict::Overloaded => "overloaded",
            Verdict::Metastable => "metastable",
        }
    }

    /// As a number that grows with the harm.
    pub fn rank(self) -> f64 {
        f64::from(self as u8)
    }

    /// The verdict of a rank.
    pub fn of_rank(rank: f64) -> Option<Verdict> {
        Verdict::ALL.into_iter().find(|verdict| verdict.rank() == rank)
    }
}

/// When a run counts as harmed; see the reference of the language.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct VerdictSettings {
    /// The share of the twin's good answers that may be missing.
    pub tolerance: Share,
    /// From this missing share on it is metastable; below it is degraded. At least `tolerance`.
    pub metastable: Share,
    /// How many standard deviations are no chance. Above zero.
    pub sigmas: f64,
    /// Width of the windows that are compared; `None` is as long as the twin takes for 20 good answers, and at least a
    /// second. Not zero.
    pub window: Option<Span>,
    /// By how much older than in the twin the oldest message of a group may be. Above zero.
    pub lag: Span,
    /// The share of a group's messages that may be lost, expired or dead beyond those of the twin.
    pub lost: Share,
}

impl Default for VerdictSettings {
    fn default() -> VerdictSettings {
        let percent = |percent: f64| Share::new(percent / 100.0).expect("it lies between 0 and 1");
        VerdictSettings {
            tolerance: percent(5.0),
            metastable: percent(20.0),
            sigmas: 3.0,
            window: None,
            lag: Span::from_secs(5),
            lost: Share::ZERO,
        }
    }
}
