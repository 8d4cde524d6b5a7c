//! Progress bars: on standard error, only on a terminal, only for runs that take a while.

use std::io::{self, IsTerminal};
use std::ops::ControlFlow;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use crate::base::time::{Span, Time};
use crate::experiment::Stage;

use super::interrupt;

/// A run that is over before this has passed shows no bar.
const PATIENCE: Duration = Duration::from_millis(500);

/// The bars of all runs of a command.
pub(super) struct Bars {
    /// `None` where nobody would see them.
    bars: Option<MultiProgress>,
}

/// The bar of one run.
pub(super) struct Bar<'a> {
    bars: Option<&'a MultiProgress>,
    name: String,
    duration: Span,
    started: Instant,
    shown: Option<ProgressBar>,
}

/// The bar of many runs.
pub(super) struct Runs<'a> {
    bars: Option<&'a MultiProgress>,
    started: Instant,
    shown: OnceLock<ProgressBar>,
}

impl Bars {
    /// Bars if somebody is there to see them and wants to.
    pub(super) fn new(quiet: bool) -> Bars {
        let seen = !quiet && io::stderr().is_terminal();
        Bars { bars: seen.then(MultiProgress::new) }
    }

    /// A bar for the run of `name`, which simulates `duration`.
    #[allow(clippy::disallowed_methods, reason = "how long the user has waited; no result depends on it")]
    pub(super) fn start(&self, name: &str, duration: Span) -> Bar<'_> {
        let started = Instant::now();
        Bar { bars: self.bars.as_ref(), name: name.to_owned(), duration, started, shown: None }
    }

    /// A bar for many runs, of which several go at once.
    #[allow(clippy::disallowed_methods, reason = "how long the user has waited; no result depends on it")]
    pub(super) fn runs(&self) -> Runs<'_> {
        Runs { bars: self.bars.as_ref(), started: Instant::now(), shown: OnceLock::new() }
    }

    /// Runs `print` without a bar in its way.
    pub(super) fn suspend<R>(&self, print: impl FnOnce() -> R) -> R {
        match &self.bars {
            Some(bars) => bars.suspend(print),
            None => print(),
        }
    }
}

impl Bar<'_> {
    /// The run has come to `now`.
    pub(super) fn advance(&mut self, now: Time) {
        let Some(bars) = self.bars else { return };
        if self.shown.is_none() && self.started.elapsed() >= PATIENCE {
            let bar = bars.add(ProgressBar::new(self.duration.as_nanos()));
            let style = ProgressStyle::with_template("{prefix} {bar:30} {percent:>3}% {msg} (ends in {eta})")
                .expect("the template is a constant with known keys");
            bar.set_style(style);
            bar.set_prefix(self.name.clone());
            self.shown = Some(bar);
        }
        if let Some(bar) = &self.shown {
            bar.set_position(now.as_nanos());
            bar.set_message(format!("{now} of {}", self.duration));
        }
    }
}

impl Runs<'_> {
    /// A stage of an experiment, which goes on unless the user wants to end.
    pub(super) fn told(&self, stage: Stage) -> ControlFlow<()> {
        self.advance(stage.done, stage.of);
        if interrupt::requested() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    /// So many of the runs have ended.
    pub(super) fn advance(&self, done: u32, of: u32) {
        let Some(bars) = self.bars else { return };
        if self.shown.get().is_none() && self.started.elapsed() < PATIENCE {
            return;
        }
        let bar = self.shown.get_or_init(|| {
            let style = ProgressStyle::with_template("{bar:30} {percent:>3}% {pos} of {len} runs (ends in {eta})")
                .expect("the template is a constant with known keys");
            bars.add(ProgressBar::new(of.into()).with_style(style))
        });
        bar.set_length(of.into());
        bar.set_position(done.into());
    }
}

impl Drop for Runs<'_> {
    fn drop(&mut self) {
        if let Some(bar) = self.shown.get() {
            bar.finish_and_clear();
        }
    }
}

impl Drop for Bar<'_> {
    fn drop(&mut self) {
        if let Some(bar) = &self.shown {
            bar.finish_and_clear();
        }
    }
}
