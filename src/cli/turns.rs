//! What parallel runs say, told in the order of the command line.

use std::collections::BTreeMap;

use crate::report::experiment::gate::Suite;

use super::console::Console;
use super::exit::Exit;

/// What one run has to say, in this order.
#[derive(Debug, Default)]
pub(super) struct Said {
    /// For standard error: what the loader found.
    pub(super) diagnostics: String,
    /// For standard output.
    pub(super) data: String,
    /// For standard error: where the files are, what failed.
    pub(super) remarks: String,
    /// How it ended.
    pub(super) exit: Exit,
    /// What was checked, for a continuous build.
    pub(super) suites: Vec<Suite>,
}

/// Holds back what comes before its turn.
pub(super) struct Turns {
    console: Console,
    /// Whether the data are tables, of which only the first one needs its header.
    tables: bool,
    waiting: BTreeMap<usize, Said>,
    next: usize,
    has_header: bool,
    worst: Exit,
    suites: Vec<Suite>,
}

impl Turns {
    /// Nothing said yet.
    pub(super) fn new(console: Console, tables: bool) -> Turns {
        Turns {
            console,
            tables,
            waiting: BTreeMap::new(),
            next: 0,
            has_header: false,
            worst: Exit::Fine,
            suites: Vec::new(),
        }
    }

    /// Run number `index` has ended: tells whatever has its turn now.
    pub(super) fn take(&mut self, index: usize, said: Said) {
        self.waiting.insert(index, said);
        while let Some(said) = self.waiting.remove(&self.next) {
            self.tell(&said);
            self.suites.extend(said.suites);
            self.next += 1;
        }
    }

    /// The worst of all exits so far.
    pub(super) fn worst(&self) -> Exit {
        self.worst
    }

    /// What all runs so far have checked, in the order of the command line.
    pub(super) fn suites(&self) -> &[Suite] {
        &self.suites
    }

    fn tell(&mut self, said: &Said) {
        let mut data = said.data.as_str();
        if self.tables && !data.is_empty() {
            if self.has_header {
                data = data.split_once('\n').map_or("", |(_, rows)| rows);
            }
            self.has_header = true;
        }
        self.console.say(&said.diagnostics);
        let printed = self.console.print(data);
        self.console.say(&said.remarks);
        self.worst = self.worst.max(said.exit);
        if let Err(failure) = printed {
            self.worst = self.worst.max(self.console.fail(&failure));
        }
    }
}
