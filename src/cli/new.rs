//! `brownout new`: a small commented scenario to start from.

use std::path::{Path, PathBuf};

use clap::Args;
use clap::builder::PossibleValuesParser;

use crate::scenario::{LESSONS, Lesson, TEMPLATES};

use super::console::Console;
use super::exit::Exit;
use super::failure::Failure;
use super::{files, source};

const EXAMPLES: &str = "\
Examples:
  brownout new shop.toml
  brownout new page.toml --template fanout
  brownout new storm.toml --template retry-storm
  brownout new - | brownout run -";

/// Write a small commented scenario to start from
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// The file to write; `-` writes to standard output
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// What to start from: chain, fanout, queue, closed, or a scenario of `brownout list`
    ///
    ///   chain:  services that call each other, with timeouts and retries
    ///   fanout: a page that asks several services at the same time
    ///   queue:  a service with a bounded queue under a spike of load
    ///   closed: users who wait for their answers, and a pool with cores
    #[arg(
        long, short, value_name = "NAME", verbatim_doc_comment,
        value_parser = names(), default_value = TEMPLATES[0].name, hide_possible_values = true
    )]
    template: String,
    /// Replace the file if it exists
    #[arg(long, short)]
    force: bool,
}

/// What one can start from.
fn known() -> impl Iterator<Item = &'static Lesson> {
    TEMPLATES.iter().chain(LESSONS)
}

fn names() -> PossibleValuesParser {
    PossibleValuesParser::new(known().map(|scenario| scenario.name))
}

/// Writes the file and says what to do with it.
pub(super) fn execute(arguments: &Arguments, console: Console) -> Exit {
    let scenario = known().find(|known| known.name == arguments.template).expect("the parser takes no other name");
    let file = &arguments.file;
    let written = if source::is_standard_input(file) {
        console.print(scenario.text)
    } else {
        write(file, scenario.text, arguments.force)
    };
    if let Err(failure) = written {
        return console.fail(&failure);
    }
    if !console.quiet && !source::is_standard_input(file) {
        console.say(&format!("written: {}\nnext: brownout run {}\n", file.display(), quoted(&file.to_string_lossy())));
    }
    Exit::Fine
}

fn write(file: &Path, text: &str, force: bool) -> Result<(), Failure> {
    if file.to_str().is_none() {
        return Err(Failure::write(file, Failure::not_utf8()));
    }
    if let Some(name) = file.to_str().filter(|name| known().any(|known| known.name == *name)) {
        return Err(Failure::Usage {
            message: format!("`{name}` is a scenario to start from, not a file to write"),
            hint: format!("brownout new {name}.toml --template {name}"),
        });
    }
    if force { files::write(file, text.as_bytes()) } else { files::create(file, text.as_bytes()) }
}

/// A path as a shell takes it.
fn quoted(path: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "/._-+,:@%".contains(c);
    let path = if path.starts_with('-') { format!("./{path}") } else { path.to_owned() };
    if path.chars().all(is_plain) { path } else { format!("'{}'", path.replace('\'', "'\\''")) }
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn a_path_can_be_copied_into_a_shell() {
        assert_eq!(quoted("a/shop-2.toml"), "a/shop-2.toml");
        assert_eq!(quoted("größe.toml"), "größe.toml");
        assert_eq!(quoted("my shop.toml"), "'my shop.toml'");
        assert_eq!(quoted("it's.toml"), "'it'\\''s.toml'");
        assert_eq!(quoted("-v.toml"), "./-v.toml");
    }
}
