//! Reports for continuous builds: `--report junit=FILE`.

use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;

use crate::base::suggest::did_you_mean;
use crate::report::experiment::gate::{Suite, github, junit};

use super::failure::Failure;
use super::files;

/// Where reports go.
#[derive(Clone, Debug, Args)]
pub(super) struct Reports {
    /// Write what was checked for a continuous build: `junit=FILE` is JUnit XML, `github=FILE` the annotations of GitHub's
    /// workflows; may be given several times
    #[arg(long = "report", value_name = "KIND=FILE")]
    reports: Vec<Report>,
}

type Format = fn(&[Suite]) -> String;

/// One of them.
#[derive(Clone, Debug)]
struct Report {
    format: Format,
    path: PathBuf,
}

impl FromStr for Report {
    type Err = String;

    fn from_str(text: &str) -> Result<Report, String> {
        const KINDS: [(&str, Format); 2] = [("junit", junit), ("github", github)];
        let Some((kind, path)) = text.split_once('=').filter(|(_, path)| !path.is_empty()) else {
            return Err("write what kind of report and where it goes, for example `junit=gate.xml`".to_owned());
        };
        match KINDS.into_iter().find(|(known, _)| *known == kind) {
            Some((_, format)) => Ok(Report { format, path: PathBuf::from(path) }),
            None => Err(match did_you_mean(kind, KINDS.iter().map(|(known, _)| *known)) {
                Some(near) => format!("there is no report `{kind}`; did you mean `{near}`?"),
                None => format!("there is no report `{kind}`; there are junit and github"),
            }),
        }
    }
}

impl Reports {
    /// Writes all of them.
    pub(super) fn write(&self, suites: &[Suite]) -> Result<(), Failure> {
        self.reports.iter().try_for_each(|it| files::write(&it.path, (it.format)(suites).as_bytes()))
    }
}
