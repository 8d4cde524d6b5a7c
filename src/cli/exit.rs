//! Exit codes, and which of several wins.

use std::process::ExitCode;

/// How a command ended. Ordered: the worse one is the larger one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub(super) enum Exit {
    /// Everything went well and every expectation held.
    #[default]
    Fine,
    /// An expectation of a scenario did not hold.
    ExpectationFailed,
    /// A scenario (or a file to import) says something wrong.
    BadScenario,
    /// Something could not be read or written, or the program itself is wrong.
    Failure,
    /// The command line makes no sense.
    Usage,
    /// The user ended it.
    Interrupted,
}

impl Exit {
    /// The number that the shell sees.
    pub(super) fn code(self) -> u8 {
        match self {
            Exit::Fine => 0,
            Exit::Failure => 1,
            Exit::Usage => 2,
            Exit::ExpectationFailed => 99,
            Exit::BadScenario => 104,
            Exit::Interrupted => 130,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit.code())
    }
}
