//! brownout: a deterministic discrete-event simulator of distributed call graphs.
//!
//! A scenario file says which services there are, how they call each other and what goes wrong;
//! a run says what users would have noticed, service by service and second by second.
//!
//! # The way of the data
//!
//! 1. **load**: [`scenario::load`] reads TOML, with its variants and overrides, into spanned values.
//! 2. **check**: the same call turns them into a [`model::Model`], or into every error at once.
//! 3. **simulate**: [`measure::simulate`] runs the model and returns [`measure::Results`].
//! 4. **summarize, explain**: results become tables, series and answers to expectations; [`insight::explain`] compares a
//!    run with its twin, the same without what goes wrong, and says how it ended and why.
//! 5. **render**: [`report`] turns them into bytes: terminal, JSON, CSV, pictures, one page for a browser.
//!
//! Each phase takes the plain data of the one before and returns plain data. Only [`cli`] reads
//! files, writes files, looks at the terminal or learns the time of day.
//!
//! # The floors
//!
//! | floor | module | decides |
//! |---|---|---|
//! | 0 | [`base`] | time, randomness, distributions, units; no word of the domain |
//! | 1 | [`policy`] | retry, hedge, breaker, throttle, limit, balance: told and asked, never scheduling |
//! | 2 | [`model`] | the validated system as plain data, addressed by dense ids |
//! | 3 | [`mechanism`] | what has state and a clock of its own: pools, cores, links |
//! | 3 | [`scenario`] | TOML becomes a model, or all diagnostics; blind to mechanisms |
//! | 3 | [`import`] | foreign files become scenario files |
//! | 4 | [`kernel`] | events, their one total order, and the world they change |
//! | 5 | [`measure`] | observers of the kernel: totals by cohort, series by time of the event, causes |
//! | 6 | [`insight`] | verdict, story and figures of a run, statistics over several, from plain data to plain data |
//! | 7 | [`experiment`] | replications, comparisons, sweeps, tipping points, advice, measured audits; the proof that theory is met |
//! | 8 | [`report`] | results become bytes; pure functions |
//! | 9 | [`cli`] | the only input and output; one file a subcommand |
//!
//! A floor uses only the floors below it; the test `tidy` keeps that.
//!
//! # Where to look first
//!
//! A key of the scenario language: `scenario`. A rule of a retry or a breaker: its file under
//! `policy`, which neither schedules nor knows the kernel. The order of events: the agenda in
//! `kernel`, the only code that orders. The meaning of a measured number: the docs of
//! [`measure::Results`]. A column of an output: its format's file under `report`.
//!
//! # What is deliberately absent
//!
//! - **A clock.** Nothing below `cli` knows the time of day: same file, same seed, same bytes.
//! - **Hash maps and platform mathematics.** Their order and their last bits differ between
//!   machines; dense ids, ordered maps and the `libm` crate do not. Lints keep that.
//! - **Threads inside a run.** One run is one thread; several runs go in parallel.
//! - **Errors from a run.** A model is checked before it exists, so that simulating cannot fail.
//! - **Plug-ins and callbacks for users of the program.** The file is the whole interface.

pub mod base;
pub mod cli;
pub mod experiment;
pub mod import;
pub mod insight;
pub mod kernel;
pub mod measure;
pub mod mechanism;
pub mod model;
pub mod policy;
pub mod report;
pub mod scenario;
