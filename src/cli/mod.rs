//! Floor 9: the command line, the only place with input and output. One file a subcommand.
//!
//! Data goes to standard output, diagnostics and progress to standard error. What a subcommand
//! computes, the floors below do; here are only arguments, files, streams and exit codes.

mod advise;
mod audit;
mod beside;
mod check;
mod compare;
mod completions;
mod console;
mod exit;
mod explain;
mod failure;
mod files;
mod gate;
mod import;
mod interrupt;
mod jobs;
mod journal;
mod list;
mod man;
mod new;
mod overrides;
mod policy;
mod progress;
mod replicated;
mod run;
mod schema;
mod source;
mod steps;
mod story;
mod sweep;
mod tip;
mod trace;
mod turns;
mod validate;

use std::panic;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use console::{Color, Console};
use exit::Exit;

/// What the program is called.
const PROGRAM: &str = "brownout";

const EXAMPLES: &str = "\
Examples:
  brownout list
  brownout run forty-node-meltdown
  brownout new shop.toml
  brownout run shop.toml";

const EXIT_CODES: &str = "\
Exit codes:
    0  fine
    1  a file could not be read or written, or an internal error
    2  the command line makes no sense
   99  an expectation of a scenario failed, something became worse that must not, a result of
       `validate` does not hold, an audit found what it should not, or `tip` found no boundary
  104  a scenario (or a file to import) is wrong
  130  interrupted";

/// Melt your call graph on a laptop before it melts in production
///
/// A deterministic simulator of distributed call graphs: services, thread pools, queues, retries,
/// breakers and faults in one TOML file. Same file, same seed, same bytes.
#[derive(Debug, Parser)]
#[command(name = PROGRAM, version, arg_required_else_help = true, after_help = EXAMPLES, after_long_help = format!("{EXAMPLES}\n\n{EXIT_CODES}"))]
struct Arguments {
    #[command(subcommand)]
    command: Command,
    /// Say only what was asked for and what went wrong
    #[arg(long, short, global = true)]
    quiet: bool,
    /// When to use colour
    #[arg(long, global = true, value_name = "WHEN", value_enum, default_value_t = Color::Auto, hide_default_value = true)]
    color: Color,
}

#[derive(Debug, Subcommand)]
enum Command {
    Run(run::Arguments),
    Check(check::Arguments),
    Compare(compare::Arguments),
    Sweep(sweep::Arguments),
    Tip(tip::Arguments),
    Advise(advise::Arguments),
    Audit(audit::Arguments),
    List(list::Arguments),
    New(new::Arguments),
    Import(import::Arguments),
    Validate(validate::Arguments),
    Story(story::Arguments),
    Trace(trace::Arguments),
    Policy(policy::Arguments),
    Explain(explain::Arguments),
    Schema(schema::Arguments),
    Completions(completions::Arguments),
    Man(man::Arguments),
}

/// Runs the command that the program was called with.
pub fn main() -> ExitCode {
    panic::set_hook(Box::new(report_panic));
    let exit = panic::catch_unwind(|| match Arguments::try_parse() {
        Ok(arguments) => execute(arguments),
        Err(error) => {
            // A closed stream takes no help text; there is nobody else to tell.
            let _ = error.print();
            if error.use_stderr() { Exit::Usage } else { Exit::Fine }
        }
    });
    exit.unwrap_or(Exit::Failure).into()
}

/// The whole command line as clap knows it.
fn command() -> clap::Command {
    Arguments::command()
}

fn execute(arguments: Arguments) -> Exit {
    let console = Console::new(arguments.color, arguments.quiet);
    match arguments.command {
        Command::Run(arguments) => run::execute(&arguments, console),
        Command::Sweep(arguments) => sweep::execute(&arguments, console),
        Command::Tip(arguments) => tip::execute(&arguments, console),
        Command::Compare(arguments) => compare::execute(&arguments, console),
        Command::Check(arguments) => check::execute(&arguments, console),
        Command::Advise(arguments) => advise::execute(&arguments, console),
        Command::Audit(arguments) => audit::execute(&arguments, console),
        Command::List(arguments) => list::execute(&arguments, console),
        Command::New(arguments) => new::execute(&arguments, console),
        Command::Import(arguments) => import::execute(&arguments, console),
        Command::Validate(arguments) => validate::execute(&arguments, console),
        Command::Story(arguments) => story::execute(&arguments, console),
        Command::Trace(arguments) => trace::execute(&arguments, console),
        Command::Policy(arguments) => policy::execute(&arguments, console),
        Command::Explain(arguments) => explain::execute(&arguments, console),
        Command::Schema(_) => schema::execute(console),
        Command::Completions(arguments) => completions::execute(&arguments, console),
        Command::Man(arguments) => man::execute(&arguments, console),
    }
}

fn report_panic(panic: &panic::PanicHookInfo<'_>) {
    let payload = panic.payload();
    let message = payload.downcast_ref::<&str>().copied().or(payload.downcast_ref::<String>().map(String::as_str));
    let place = panic.location().map(|place| format!(" at {place}")).unwrap_or_default();
    let text = format!(
        "error: internal error{place}: {}\n  = help: this is a fault of brownout {}, not of your scenario: please report it with the file\n",
        message.unwrap_or("no message"),
        env!("CARGO_PKG_VERSION"),
    );
    let _ = std::io::Write::write_all(&mut std::io::stderr().lock(), text.as_bytes());
}
