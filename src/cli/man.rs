//! `brownout man`: the manual, made from the same declarations that read the command line.

use std::path::{Path, PathBuf};

use clap::{Args, Command};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, roman};

use super::console::Console;
use super::exit::Exit;
use super::failure::Failure;
use super::files::Directory;

const EXAMPLES: &str = "\
Examples:
  brownout man | man -l -
  brownout man --out ~/.local/share/man/man1";

/// Print the manual page, or write one page for each subcommand
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// Write the pages of the program and of all its subcommands into this directory
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

/// A page and the name of its file.
struct Page {
    name: String,
    roff: Vec<u8>,
}

/// Prints the page of the program, or writes all pages.
pub(super) fn execute(arguments: &Arguments, console: Console) -> Exit {
    let mut command = super::command().disable_help_subcommand(true);
    // Only what is built knows its full name and the options that it inherits.
    command.build();
    let done = match &arguments.out {
        None => console.print(&String::from_utf8_lossy(&page(&command).roff)),
        Some(directory) => write(directory, &command, console),
    };
    match done {
        Ok(()) => Exit::Fine,
        Err(failure) => console.fail(&failure),
    }
}

fn write(directory: &Path, command: &Command, console: Console) -> Result<(), Failure> {
    let directory = Directory::open(directory)?;
    let mut pages = Vec::new();
    add_pages(command, &mut pages);
    for page in &pages {
        directory.write(&page.name, &page.roff)?;
    }
    if !console.quiet {
        console.say(&format!("{} pages: {}\n", pages.len(), directory.path().display()));
    }
    Ok(())
}

fn add_pages(command: &Command, pages: &mut Vec<Page>) {
    pages.push(page(command));
    command.get_subcommands().for_each(|subcommand| add_pages(subcommand, pages));
}

fn page(command: &Command) -> Page {
    let man = Man::new(command.clone()).source(format!("{} {}", super::PROGRAM, env!("CARGO_PKG_VERSION")));
    let mut roff = Vec::new();
    render(&man, command, &mut roff).expect("memory takes all that is written");
    Page { name: man.get_filename(), roff }
}

fn render(man: &Man, command: &Command, roff: &mut Vec<u8>) -> std::io::Result<()> {
    man.render_title(roff)?;
    man.render_name_section(roff)?;
    man.render_synopsis_section(roff)?;
    man.render_description_section(roff)?;
    man.render_options_section(roff)?;
    if command.has_subcommands() {
        man.render_subcommands_section(roff)?;
    }
    if let Some(help) = command.get_after_long_help().or_else(|| command.get_after_help()) {
        sections(&help.to_string()).to_writer(roff)?;
    }
    Ok(())
}

/// What stands below the options in a help text: each heading becomes a section, whose lines stay lines.
fn sections(help: &str) -> Roff {
    let mut roff = Roff::new();
    for block in help.split("\n\n") {
        let (heading, lines) = block.split_once(":\n").unwrap_or(("Notes", block));
        roff.control("SH", [heading.to_uppercase().as_str()]);
        roff.control("nf", []);
        for line in lines.lines() {
            roff.text([roman(line.strip_prefix("  ").unwrap_or(line))]);
        }
        roff.control("fi", []);
    }
    roff
}
