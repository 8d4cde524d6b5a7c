//! Texts that a scenario comes from (its file, arguments of the command line), and places in them.

use std::ops::Range;

/// A range of bytes in one of the [`Sources`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Place {
    source: u32,
    start: u32,
    end: u32,
}

impl Place {
    /// The place of what nobody wrote: defaults.
    pub(crate) const NOWHERE: Place = Place { source: u32::MAX, start: 0, end: 0 };

    /// Whether somebody wrote it.
    pub(crate) fn is_somewhere(self) -> bool {
        self.source != u32::MAX
    }

    /// The bytes of its source.
    pub(crate) fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }

    /// Where it begins, for sorting within its source.
    pub(crate) fn start(self) -> u32 {
        self.start
    }

    /// Bytes `range` of it.
    pub(crate) fn part(self, range: Range<usize>) -> Place {
        let clip = |offset: usize| self.start.saturating_add(offset as u32).min(self.end);
        Place { source: self.source, start: clip(range.start), end: clip(range.end) }
    }

    /// Whether they have a byte in common, or one touches the other.
    pub(crate) fn touches(self, other: Place) -> bool {
        self.source == other.source && self.start <= other.end && other.start <= self.end
    }
}

/// One text.
#[derive(Debug)]
pub(crate) struct Source {
    /// What diagnostics call it.
    pub(crate) name: String,
    /// All of it.
    pub(crate) text: String,
    /// Byte at which each line starts.
    lines: Vec<u32>,
}

/// Which text.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct SourceId(u32);

impl SourceId {
    /// Bytes `range` of this text.
    pub(crate) fn place(self, range: Range<usize>) -> Place {
        // Sources are far below 4 GiB: the loader refuses larger ones.
        Place { source: self.0, start: range.start as u32, end: range.end as u32 }
    }
}

/// All texts of one scenario.
#[derive(Debug, Default)]
pub(crate) struct Sources(Vec<Source>);

impl Sources {
    /// Adds a text.
    pub(crate) fn add(&mut self, name: impl Into<String>, text: impl Into<String>) -> SourceId {
        let text = text.into();
        let newlines = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at as u32 + 1);
        let lines = std::iter::once(0).chain(newlines).collect();
        self.0.push(Source { name: name.into(), text, lines });
        SourceId(self.0.len() as u32 - 1)
    }

    /// The whole text.
    pub(crate) fn text(&self, id: SourceId) -> &str {
        &self.0[id.0 as usize].text
    }

    /// The text that `place` lies in, if it lies anywhere.
    pub(crate) fn source(&self, place: Place) -> Option<&Source> {
        self.0.get(place.source as usize)
    }

    /// What stands at `place`.
    pub(crate) fn get(&self, place: Place) -> &str {
        self.source(place).and_then(|source| source.text.get(place.range())).unwrap_or("")
    }
}

impl Source {
    /// The line of byte `at`, from 0.
    pub(crate) fn line(&self, at: usize) -> usize {
        self.lines.partition_point(|start| *start as usize <= at).saturating_sub(1)
    }

    /// The bytes of line `line` with its line break; empty behind the last one.
    pub(crate) fn line_range(&self, line: usize) -> Range<usize> {
        let start = |line: usize| self.lines.get(line).map_or(self.text.len(), |start| *start as usize);
        start(line)..start(line + 1)
    }
}
