//! `brownout explain`: what a code, a table, a step or a key means.

use clap::Args;

use crate::scenario;

use super::console::Console;
use super::exit::Exit;
use super::failure::Failure;

const EXAMPLES: &str = "\
Examples:
  brownout explain E010
  brownout explain service.threads
  brownout explain client.retry
  brownout explain call
  brownout explain --reference > SCENARIOS.md";

/// Explain an error code, a table, a step or a key of the language
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// A code such as W001, or a name such as `service.threads`, `call` or `client.rest.retry`
    #[arg(required_unless_present = "reference", value_name = "NAME")]
    names: Vec<String>,
    /// Print everything: the language as a page of Markdown
    #[arg(long, conflicts_with = "names")]
    reference: bool,
}

/// Prints a page for every name.
pub(super) fn execute(arguments: &Arguments, console: Console) -> Exit {
    match pages(arguments).and_then(|text| console.print(&text)) {
        Ok(()) => Exit::Fine,
        Err(failure) => console.fail(&failure),
    }
}

fn pages(arguments: &Arguments) -> Result<String, Failure> {
    if arguments.reference {
        return Ok(scenario::reference());
    }
    let page = |name: &String| {
        scenario::explain(name).map_err(|unknown| Failure::Usage {
            message: format!("nothing is known about `{name}`"),
            hint: match unknown.near {
                Some(near) => format!("did you mean `{near}`?"),
                None => "write a code such as E010, or a key such as `service.threads`; \
                         `brownout explain --reference` prints the whole language"
                    .to_owned(),
            },
        })
    };
    Ok(arguments.names.iter().map(page).collect::<Result<Vec<_>, _>>()?.join("\n"))
}
