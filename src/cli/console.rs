//! The two streams: data on standard output, everything else on standard error.

use std::io::{self, IsTerminal, Write};

use anstream::AutoStream;
use clap::ValueEnum;

use super::exit::Exit;
use super::failure::Failure;

/// Width of tables where nobody looks: files and pipes get the same bytes everywhere.
const WIDTH_WITHOUT_TERMINAL: usize = 100;

/// When to use colour.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(super) enum Color {
    /// On a terminal, unless NO_COLOR is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// What the user wants to see, and what the streams can show.
#[derive(Clone, Copy, Debug)]
pub(super) struct Console {
    /// Colour on standard output.
    pub(super) color_out: bool,
    /// Colour on standard error.
    pub(super) color_err: bool,
    /// Width of tables on standard output, in columns.
    pub(super) width: usize,
    /// Whether somebody looks at standard output.
    pub(super) is_terminal: bool,
    /// Only what was asked for and what went wrong.
    pub(super) quiet: bool,
}

impl Console {
    /// Looks at the streams once.
    pub(super) fn new(color: Color, quiet: bool) -> Console {
        Console {
            color_out: decide(color, AutoStream::choice(&io::stdout())),
            color_err: decide(color, AutoStream::choice(&io::stderr())),
            width: width(),
            is_terminal: io::stdout().is_terminal(),
            quiet,
        }
    }

    /// Prints data. A reader who has seen enough (`| head`) is not an error.
    pub(super) fn print(&self, text: &str) -> Result<(), Failure> {
        let mut stdout = io::stdout().lock();
        match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failure::Print(error)),
            _ => Ok(()),
        }
    }

    /// Says something that is not data. Nobody can be told when this fails.
    pub(super) fn say(&self, text: &str) {
        let _ = io::stderr().lock().write_all(text.as_bytes());
    }

    /// Says why something failed and returns the exit code for it.
    pub(super) fn fail(&self, failure: &Failure) -> Exit {
        self.say(&failure.render(self.color_err));
        failure.exit()
    }
}

fn decide(color: Color, automatic: anstream::ColorChoice) -> bool {
    match color {
        Color::Auto => automatic != anstream::ColorChoice::Never,
        Color::Always => true,
        Color::Never => false,
    }
}

fn width() -> usize {
    if !io::stdout().is_terminal() {
        return WIDTH_WITHOUT_TERMINAL;
    }
    terminal_size::terminal_size().map_or(WIDTH_WITHOUT_TERMINAL, |(width, _)| usize::from(width.0))
}
