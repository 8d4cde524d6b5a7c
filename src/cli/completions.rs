//! `brownout completions`: what a shell needs to complete this command line.

use clap::Args;
use clap_complete::{Shell, generate};

use super::console::Console;
use super::exit::Exit;

const EXAMPLES: &str = "\
Examples:
  brownout completions bash > ~/.local/share/bash-completion/completions/brownout
  brownout completions zsh > ~/.zfunc/_brownout          (with ~/.zfunc in fpath before compinit)
  brownout completions fish > ~/.config/fish/completions/brownout.fish
  brownout completions elvish >> ~/.config/elvish/rc.elv
  brownout completions powershell >> $PROFILE";

/// Print the completion script of a shell
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// Which shell
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

/// Prints the script.
pub(super) fn execute(arguments: &Arguments, console: Console) -> Exit {
    let mut script = Vec::new();
    generate(arguments.shell, &mut super::command(), super::PROGRAM, &mut script);
    match console.print(&String::from_utf8_lossy(&script)) {
        Ok(()) => Exit::Fine,
        Err(failure) => console.fail(&failure),
    }
}
