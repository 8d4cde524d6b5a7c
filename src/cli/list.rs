//! `brownout list`: the built-in scenarios, a line each; or the text of one, to read and to copy.

use clap::builder::PossibleValuesParser;
use clap::{Args, ValueEnum};
use serde::Serialize;

use crate::experiment::proof_files;
use crate::scenario::{LESSONS, Lesson};

use super::console::Console;
use super::exit::Exit;
use super::source::text_of;

const EXAMPLES: &str = "\
Examples:
  brownout list
  brownout list retry-storm > my-storm.toml
  brownout list --format json";

/// List the built-in scenarios and what they teach, or print one
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// Print the text of this one
    #[arg(value_name = "NAME", value_parser = names(), hide_possible_values = true)]
    name: Option<String>,
    /// How to list them
    #[arg(long, value_enum, default_value_t = Format::Text, conflicts_with = "name")]
    format: Format,
}

/// How to list them.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Format {
    /// A line each
    Text,
    /// Names, titles, what they teach, and their variants
    Json,
}

/// A scenario for programs.
#[derive(Serialize)]
struct Row {
    name: &'static str,
    title: String,
    about: String,
    variants: Vec<String>,
}

fn names() -> PossibleValuesParser {
    PossibleValuesParser::new(LESSONS.iter().map(|lesson| lesson.name).chain(proof_files()))
}

/// Prints what was asked for.
pub(super) fn execute(arguments: &Arguments, console: Console) -> Exit {
    let printed = match (arguments.name.as_deref().and_then(text_of), arguments.format) {
        (Some(text), _) => console.print(text),
        (None, Format::Json) => console.print(&json()),
        (None, Format::Text) => console.print(&lines(console.is_terminal.then_some(console.width))),
    };
    if let Err(failure) = printed {
        return console.fail(&failure);
    }
    if arguments.name.is_none() && arguments.format == Format::Text && !console.quiet {
        let proof: Vec<&str> = proof_files().collect();
        console.say(&format!(
            "\n`brownout run NAME` runs one, `brownout list NAME` prints it with its comments and variants. So do the names of \
             the scenarios that `brownout validate` runs: {}.\n",
            proof.join(", ")
        ));
    }
    Exit::Fine
}

/// A line each, cut to `width` columns where there is a terminal that has no more.
fn lines(width: Option<usize>) -> String {
    let column = LESSONS.iter().map(|lesson| lesson.name.len()).max().unwrap_or(0);
    let line = |lesson: &Lesson| cut(format!("{:column$}  {}", lesson.name, lesson.about()), width) + "\n";
    LESSONS.iter().map(line).collect()
}

fn cut(line: String, width: Option<usize>) -> String {
    match width {
        Some(width) if line.chars().count() > width => {
            let kept: String = line.chars().take(width.saturating_sub(1)).collect();
            format!("{}…", kept.trim_end())
        }
        _ => line,
    }
}

fn json() -> String {
    let row = |lesson: &Lesson| Row {
        name: lesson.name,
        title: lesson.title(),
        about: lesson.about(),
        variants: lesson.variants(),
    };
    let rows: Vec<Row> = LESSONS.iter().map(row).collect();
    serde_json::to_string_pretty(&rows).expect("rows hold nothing but text") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_fit_the_terminal_and_are_whole_elsewhere() {
        for width in [1, 20, 30, 80] {
            let lines = lines(Some(width));
            assert_eq!(lines.lines().count(), LESSONS.len());
            assert!(lines.lines().all(|line| line.chars().count() <= width), "{width}:\n{lines}");
        }
        assert!(lines(None).contains(&LESSONS[0].about()));
        assert_eq!(cut("größer als".to_owned(), Some(7)), "größer…");
        assert_eq!(cut("größer".to_owned(), Some(6)), "größer");
    }
}
