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
    /// An output could not be written.
    #[error("cannot write `{}`: {source}", path.display())]
    Write {
        /// Which file or directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
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

    /// The exit code that goes with it.
    pub(super) fn exit(&self) -> Exit {
        match self {
            Failure::Usage { .. } => Exit::Usage,
            Failure::Read { .. } | Failure::Write { .. } | Failure::Print(_) => Exit::Failure,
        }
    }

    /// The message as the terminal shows it, with a line feed at the end.
    pub(super) fn render(&self, color: bool) -> String {
        let title = self.to_string();
        let group = Level::ERROR.primary_title(title.as_str());
        let hint = self.hint();
        let group = group.elements(hint.as_deref().map(|hint| Level::HELP.message(hint)));
        let renderer = if color { Renderer::styled() } else { Renderer::plain() };
        format!("{}\n", renderer.render(&[group]))
    }

    fn hint(&self) -> Option<String> {
        match self {
            Failure::Read { source, .. } if source.kind() == io::ErrorKind::IsADirectory => {
                Some("name a file in it".to_owned())
            }
            Failure::Read { source, .. } if source.kind() == io::ErrorKind::NotFound => {
                Some("is the path relative to another directory? `-` reads standard input".to_owned())
            }
            Failure::Write { .. } => Some("name a place that can be written to".to_owned()),
            Failure::Read { .. } | Failure::Print(_) => None,
            Failure::Usage { hint, .. } => Some(hint.clone()),
        }
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
