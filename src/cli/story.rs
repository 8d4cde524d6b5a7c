//! `brownout story`: tells the story of a finished run again, from what it left in its directory.

use std::fs;
use std::path::PathBuf;

use clap::Args;

use crate::base::time::Time;
use crate::insight::Timeline;
use crate::report::story::{self, Story};

use super::console::Console;
use super::exit::Exit;
use super::failure::Failure;

const EXAMPLES: &str = "\
Examples:
  brownout story output/forty-node-meltdown
  brownout story output/forty-node-meltdown --all
  brownout story output/forty-node-meltdown --at 61s
  brownout story output/forty-node-meltdown --service orders";

/// Tell the story of a finished run again
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// Where the run left its files
    #[arg(value_name = "DIR")]
    directory: PathBuf,
    /// Tell everything, with what follows from what
    #[arg(long, conflicts_with_all = ["at", "service"])]
    all: bool,
    /// What the system looked like at this time, such as `61s`
    #[arg(long, value_name = "TIME", conflicts_with = "service")]
    at: Option<String>,
    /// What this service saw
    #[arg(long, value_name = "NAME")]
    service: Option<String>,
}

/// Prints the story, or a view of it.
pub(super) fn execute(arguments: &Arguments, console: Console) -> Exit {
    match text(arguments, console).and_then(|text| console.print(&text)) {
        Ok(()) => Exit::Fine,
        Err(failure) => console.fail(&failure),
    }
}

fn text(arguments: &Arguments, console: Console) -> Result<String, Failure> {
    let found =
        Story::from_json(&read(arguments, "story.json")?).map_err(|why| broken(arguments, "story.json", &why))?;
    let (color, width) = (console.color_out, console.width);
    if let Some(time) = &arguments.at {
        let time: Time = time.parse().map_err(|fault: crate::base::units::ParseError| Failure::Usage {
            message: format!("`--at {time}`: {}", fault.message),
            hint: fault.hint.unwrap_or_else(|| "write for example `--at 61s`".to_owned()),
        })?;
        if time.as_secs_f64() > found.duration_s {
            return Err(Failure::Usage {
                message: format!("the run ended at {} s", found.duration_s),
                hint: "write an earlier time".to_owned(),
            });
        }
        return Ok(story::at(&found, &timeline(arguments)?, time, color, width));
    }
    if let Some(name) = &arguments.service {
        let timeline = timeline(arguments)?;
        return story::service(&found, &timeline, name, color, width).ok_or_else(|| {
            let names: Vec<&str> = timeline.services.iter().map(|it| it.name.as_str()).collect();
            let near = crate::base::suggest::did_you_mean(name, names.iter().copied());
            Failure::Usage {
                message: format!("nothing was kept of a service `{name}`"),
                hint: match near {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("services are {}", names.join(", ")),
                },
            }
        });
    }
    Ok(story::story(&found, arguments.all, color, width))
}

fn timeline(arguments: &Arguments) -> Result<Timeline, Failure> {
    let text = read(arguments, "timeline.json")?;
    story::timeline_from_json(&text).map_err(|why| broken(arguments, "timeline.json", &why))
}

fn read(arguments: &Arguments, name: &str) -> Result<String, Failure> {
    let path = arguments.directory.join(name);
    fs::read_to_string(&path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => Failure::Usage {
            message: format!("there is no story in `{}`", arguments.directory.display()),
            hint:
                "name the directory of a run that was not cut short and had its twin; `brownout run` says where that \
                   is, as `files: ..`"
                    .to_owned(),
        },
        _ => Failure::read(&path, error),
    })
}

fn broken(arguments: &Arguments, name: &str, why: &str) -> Failure {
    Failure::Usage {
        message: format!("`{}` is no file of a run: {why}", arguments.directory.join(name).display()),
        hint: "run the scenario again".to_owned(),
    }
}
