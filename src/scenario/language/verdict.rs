//! The keys of the verdict.

use crate::base::time::Span;
use crate::base::units::Share;
use crate::scenario::declare::keys;
use crate::scenario::decode::{NotZero, PositiveNumber};

keys! {
    /// When a run counts as unharmed, recovered or metastable. It is compared with its twin: the same scenario and the
    /// same draws without what goes wrong (every fault, and every change or point of a profile that is marked as a
    /// trigger). What is compared are requests answered well in time, by the time at which users meant to start them, in
    /// windows of time. A window is harmed when the twin has more of them than this run by more than `tolerance` of its
    /// own, and by more than chance would explain. Where nothing is harmed because the twin is down itself, the run is
    /// overloaded.
    ///
    /// Without a trigger there is nothing to compare with. A run is overloaded when more than `tolerance` of what users
    /// asked for fails or comes late while something is as busy as it can be, or when the backlog grows to its end; and,
    /// whatever is busy, when at its end or for most of it `metastable` or more comes late or fails for want of time
    /// (timeouts, rejections and the like, but no errors that handlers make by themselves).
    ///
    /// Messages count, too, of every group of consumers. A window is harmed when their oldest one is older than the twin's
    /// by more than `lag`, and so are those after it until the backlog is worked off; and when more than `lost` of them
    /// are lost, expired or dead beyond the twin's. Without a trigger a run is overloaded when the lag still grows at its
    /// end and the oldest message is older than `lag`.
    VerdictKeys is "a verdict" at "verdict" {
        /// The share of the twin's good answers that may be missing.
        tolerance: Share = "5%";
        /// From this missing share of good answers, or of handled messages, on, at the end of the run and without the
        /// trigger, a run is metastable; below it is degraded. Without any trigger: from this share on that is late or fails
        /// for want of time it is overloaded.
        metastable: Share = "20%";
        /// How many standard deviations are no chance.
        sigmas: PositiveNumber = "3";
        /// Width of the windows; if absent, as long as the twin takes for 20 good answers, and at least a second.
        window: NotZero<Span>;
        /// By how much older than in the twin the oldest message of a group may be; without a trigger, how old it may be
        /// while the lag grows.
        lag: NotZero<Span> = "5s";
        /// The share of a group's messages that may be lost, expired or dead beyond those of the twin.
        lost: Share = "0%";
    }
    later { }
}
