//! The journal of a sweep: a line for every run that has ended, on the disk before the next look at it, so that a sweep
//! that is killed loses none. The first line says what the runs are of; a last line without its end was being written when
//! the program died, and is dropped.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::base::vary::Vary;
use crate::experiment::SweepRow;

use super::failure::Failure;

/// What the runs are of: rows of two journals belong together when this is the same.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(super) struct Heading {
    journal_of: String,
    schema: u32,
    brownout_version: String,
    scenario_hash: String,
    seed: u64,
    vary: Vec<(String, Vec<String>)>,
    twins: bool,
}

impl Heading {
    pub(super) fn new(hash: &str, seed: u64, vary: &[Vary], twins: bool) -> Heading {
        Heading {
            journal_of: "brownout sweep".to_owned(),
            schema: 1,
            brownout_version: env!("CARGO_PKG_VERSION").to_owned(),
            scenario_hash: hash.to_owned(),
            seed,
            vary: vary.iter().map(|it| (it.path.clone(), it.values.clone())).collect(),
            twins,
        }
    }

    /// What differs from an earlier one, in words.
    fn difference(&self, earlier: &Heading) -> &'static str {
        if self.scenario_hash != earlier.scenario_hash {
            "another scenario (its hash differs)"
        } else if self.vary != earlier.vary {
            "a sweep over other values"
        } else if self.seed != earlier.seed {
            "a sweep with another seed"
        } else if self.brownout_version != earlier.brownout_version {
            "another version of brownout"
        } else {
            "another kind of sweep"
        }
    }
}

/// A row as it stands in the journal.
#[derive(Serialize, Deserialize)]
struct Line {
    combination: u32,
    run: u32,
    seed: u64,
    verdict: String,
    figures: Vec<(String, String)>,
}

/// An open journal.
pub(super) struct Journal {
    path: PathBuf,
    file: File,
}

impl Journal {
    /// Opens the journal at `path`, or begins one; returns the rows that are there already.
    pub(super) fn open(path: &Path, heading: &Heading) -> Result<(Journal, Vec<SweepRow>), Failure> {
        let wrong = |error: io::Error| Failure::write(path, error);
        let mut file = OpenOptions::new().read(true).append(true).create(true).open(path).map_err(wrong)?;
        let mut reader = BufReader::new(&file);
        let (mut whole, mut line, mut rows, mut number) = (0_u64, Vec::new(), Vec::new(), 0);
        loop {
            line.clear();
            let length = reader.read_until(b'\n', &mut line).map_err(|error| Failure::read(path, error))?;
            if length == 0 || line.last() != Some(&b'\n') {
                break;
            }
            number += 1;
            if number == 1 {
                let earlier: Heading = serde_json::from_slice(&line).map_err(|_| no_journal(path, number))?;
                if earlier != *heading {
                    return Err(Failure::Usage {
                        message: format!("`{}` is of {}", path.display(), heading.difference(&earlier)),
                        hint: "name another directory with `--out DIR`, or remove the file".to_owned(),
                    });
                }
            } else {
                let it: Line = serde_json::from_slice(&line).map_err(|_| no_journal(path, number))?;
                let Line { combination, run, seed, verdict, figures } = it;
                rows.push(SweepRow { combination, run, seed, verdict, figures });
            }
            whole += length as u64;
        }
        drop(reader);
        // What was being written when the program died.
        file.set_len(whole).map_err(wrong)?;
        if number == 0 {
            file.write_all(&as_line(heading)).and_then(|()| file.sync_data()).map_err(wrong)?;
        }
        Ok((Journal { path: path.to_owned(), file }, rows))
    }

    /// Adds rows; they are on the disk when this returns.
    pub(super) fn add<'r>(&mut self, rows: impl Iterator<Item = &'r SweepRow>) -> Result<(), Failure> {
        let line = |it: &SweepRow| {
            let SweepRow { combination, run, seed, verdict, figures } = it.clone();
            as_line(&Line { combination, run, seed, verdict, figures })
        };
        let lines: Vec<u8> = rows.flat_map(line).collect();
        let written = self.file.write_all(&lines).and_then(|()| self.file.sync_data());
        written.map_err(|error| Failure::write(&self.path, error))
    }
}

fn as_line(value: &impl Serialize) -> Vec<u8> {
    let mut line = serde_json::to_vec(value).expect("structs with text keys always serialise");
    line.push(b'\n');
    line
}

fn no_journal(path: &Path, line: usize) -> Failure {
    Failure::Usage {
        message: format!("line {line} of `{}` is none of a sweep's journal", path.display()),
        hint: "name another directory with `--out DIR`, or remove the file".to_owned(),
    }
}
