//! What can go wrong outside a scenario: files, directories, arguments. Said in the look of the diagnostics.

use std::io;
use std::path::{Path, PathBuf};

use annotate_snippets::{Level, Renderer};

use super::exit::Exit;

/// Why a command could not do its work.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    /// An input could not be read.
    #[error("cannot read `{}`: {}", path.display(), plain(source))]
    Read {
        /// As the user wrote it.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Neither a file nor a built-in scenario has this name.
    #[error("cannot read `{}`: there is no such file{}", path.display(), if *is_name { " and no built-in scenario of this name" } else { "" })]
    NoScenario {
        /// As the user wrote it.
        path: PathBuf,
        /// Whether it may have been meant as the name of a built-in scenario.
        is_name: bool,
        /// The built-in scenario that may have been meant.
        near: Option<&'static str>,
    },
    /// An input is too large to be what it should be.
    #[error("cannot read `{}`: it has more than {mebibytes_max} MiB", path.display())]
    TooLarge {
        /// As the user wrote it.
        path: PathBuf,
        /// What it may have.
        mebibytes_max: usize,
    },
    /// An output could not be written.
    #[error("cannot write `{}`: {}", path.display(), unwritable(source))]
    Write {
        /// Which file or directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// An output would replace a file that nobody gave up.
    #[error("cannot write `{}`: it exists already", path.display())]
    Exists {
        /// Which file.
        path: PathBuf,
    },
    /// Standard output takes nothing.
    #[error("cannot write to standard output: {0}")]
    Print(io::Error),
    /// The arguments are well-formed, but make no sense together.
    #[error("{message}")]
    Usage {
        /// What does not fit.
        message: String,
        /// What to write instead.
        hint: String,
    },
}

impl Failure {
    /// Wraps what the system said about reading `path`.
    pub(super) fn read(path: &Path, source: io::Error) -> Failure {
        Failure::Read { path: path.to_owned(), source }
    }

    /// Wraps what the system said about writing `path`.
    pub(super) fn write(path: &Path, source: io::Error) -> Failure {
        Failure::Write { path: path.to_owned(), source }
    }

    /// The system may know a file of this name, but reports and other files could not name it.
    pub(super) fn not_utf8() -> io::Error {
        io::Error::new(io::ErrorKind::InvalidFilename, "the path is not UTF-8 text")
    }

    /// The exit code that goes with it.
    pub(super) fn exit(&self) -> Exit {
        match self {
            Failure::Usage { .. } => Exit::Usage,
            Failure::TooLarge { .. } => Exit::BadScenario,
            Failure::Read { .. }
            | Failure::NoScenario { .. }
            | Failure::Write { .. }
            | Failure::Exists { .. }
            | Failure::Print(_) => Exit::Failure,
        }
    }

    /// The message as the terminal shows it, with a line feed at the end.
    pub(super) fn render(&self, color: bool) -> String {
        let title = self.to_string();
        let group = Level::ERROR.primary_title(title.as_str());
        let hints = self.hints();
        let group = group.elements(hints.iter().map(|hint| Level::HELP.message(hint)));
        let renderer = if color { Renderer::styled() } else { Renderer::plain() };
        format!("{}\n", renderer.render(&[group]))
    }

    fn hints(&self) -> Vec<String> {
        const ELSEWHERE: &str = "is the path relative to another directory? `-` reads standard input";
        let hint = match self {
            Failure::Read { source, .. } => match source.kind() {
                io::ErrorKind::IsADirectory => "name a file in it",
                io::ErrorKind::NotFound => ELSEWHERE,
                io::ErrorKind::InvalidFilename => "rename it; `-` reads standard input",
                _ => return Vec::new(),
            },
            Failure::NoScenario { is_name, near, .. } => {
                let near = near.map(|near| format!("did you mean the built-in scenario `{near}`?"));
                let last = if *is_name { "`brownout list` names the built-in scenarios" } else { ELSEWHERE };
                return near.into_iter().chain([last.to_owned()]).collect();
            }
            Failure::TooLarge { .. } => "is this the right file?",
            Failure::Write { source, .. } => match source.kind() {
                io::ErrorKind::IsADirectory => "name a file in it",
                io::ErrorKind::NotFound => "create the directory first, or name another place",
                io::ErrorKind::InvalidFilename => "give it another name",
                _ => "name a place that can be written to",
            },
            Failure::Exists { .. } => "`--force` replaces it",
            Failure::Print(_) => return Vec::new(),
            Failure::Usage { hint, .. } => hint,
        };
        vec![hint.to_owned()]
    }
}

/// The system's words without its number.
pub(super) fn plain(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such file".to_owned(),
        io::ErrorKind::IsADirectory => "it is a directory".to_owned(),
        io::ErrorKind::NotADirectory => "a part of the path is not a directory".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        _ => error.to_string(),
    }
}

/// The system's words about a place that takes no file.
fn unwritable(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "its directory does not exist".to_owned(),
        io::ErrorKind::AlreadyExists => "a file of this name is in the way".to_owned(),
        _ => plain(error),
    }
}
