//! Diagnostics as text, in rustc's look.

use std::borrow::Cow;
use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet, normalize_untrusted_str};

use super::catalogue::Severity;
use super::diagnostic::{Diagnostic, Diagnostics};
use super::source::{Place, Source, Sources};

/// Longer words and longer sentences are shown without their middle: somebody's name may be a whole file.
const WORD_MAX: usize = 100;
const SENTENCE_MAX: usize = 400;

/// Lines further apart than this are shown in snippets of their own.
const LINES_TOGETHER_MAX: usize = 400;

impl Diagnostics {
    /// All of it as text, with ANSI colours or without; empty when there is nothing to say.
    pub fn render(&self, color: bool) -> String {
        let renderer = if color { Renderer::styled() } else { Renderer::plain() };
        let said = self.list.iter().map(|diagnostic| renderer.render(&[group(diagnostic, &self.sources)]));
        let mut said: Vec<String> = said.collect();
        if self.has_errors() {
            let summary = Level::ERROR.primary_title(self.summary());
            said.push(renderer.render(&[Group::with_title(summary)]));
        }
        if said.is_empty() { String::new() } else { said.join("\n\n") + "\n" }
    }

    fn summary(&self) -> String {
        let plural = |n: usize, what: &str| if n == 1 { format!("1 {what}") } else { format!("{n} {what}s") };
        let shown = self.list.iter().filter(|diagnostic| diagnostic.code.severity == Severity::Error).count();
        let mut text = format!("the scenario has {}", plural(self.errors(), "error"));
        if self.warnings() > 0 {
            text += &format!(" and {}", plural(self.warnings(), "warning"));
        }
        if shown < self.errors() {
            text += &format!("; the first {shown} errors found are shown");
        }
        text
    }
}

fn group<'a>(diagnostic: &'a Diagnostic, sources: &'a Sources) -> Group<'a> {
    let level = match diagnostic.code.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let mut group = Group::with_title(level.primary_title(line(&diagnostic.title)).id(diagnostic.code.id));
    let (near, far): (Vec<_>, Vec<_>) =
        diagnostic.also.iter().partition(|(place, _)| together(sources, diagnostic.place, *place));
    if let Some(source) = sources.source(diagnostic.place) {
        if source.text.is_empty() {
            group = group.element(Origin::path(source.name.as_str()));
        } else {
            group = group.element(snippet(source, Some((diagnostic.place, &diagnostic.label)), &near));
        }
    }
    for also in far {
        if let Some(source) = sources.source(also.0) {
            group = group.element(snippet(source, None, &[also]));
        }
    }
    for note in &diagnostic.notes {
        group = group.element(Level::NOTE.message(normalize_untrusted_str(&short(note))));
    }
    for help in &diagnostic.helps {
        group = group.element(Level::HELP.message(normalize_untrusted_str(&short(help))));
    }
    group
}

/// Whether two places fit into one snippet.
fn together(sources: &Sources, a: Place, b: Place) -> bool {
    match (sources.source(a), sources.source(b)) {
        (Some(x), Some(y)) => {
            std::ptr::eq(x, y) && x.line(a.range().start).abs_diff(x.line(b.range().start)) < LINES_TOGETHER_MAX
        }
        _ => false,
    }
}

/// The lines around the annotated places: the renderer's time grows with the text it is given.
fn snippet<'a>(
    source: &'a Source,
    primary: Option<(Place, &'a String)>,
    context: &[&'a (Place, String)],
) -> Snippet<'a, annotate_snippets::Annotation<'a>> {
    let places = primary.iter().map(|(place, _)| *place).chain(context.iter().map(|(place, _)| *place));
    let lines = places.map(|place| shown(source, place)).map(|range| source.line(range.start)..source.line(range.end));
    let (first, last) =
        lines.fold((usize::MAX, 0), |(first, last), lines| (first.min(lines.start), last.max(lines.end)));
    let (start, end) = (source.line_range(first).start, source.line_range(last).end);
    let within = |place: Place| {
        let range = shown(source, place);
        range.start - start..range.end - start
    };
    let mut snippet = Snippet::source(&source.text[start..end]).path(source.name.as_str()).line_start(first + 1);
    if let Some((place, label)) = primary {
        let annotation = AnnotationKind::Primary.span(within(place));
        snippet = snippet.annotation(if label.is_empty() { annotation } else { annotation.label(line(label)) });
    }
    for (place, label) in context {
        snippet = snippet.annotation(AnnotationKind::Context.span(within(*place)).label(line(label)));
    }
    snippet
}

/// What of `place` gets the caret: at most its first line, whole characters, within the text.
fn shown(source: &Source, place: Place) -> Range<usize> {
    let text = &source.text;
    let floor = |mut at: usize| {
        at = at.min(text.len());
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        at
    };
    let start = floor(place.range().start);
    let end = floor(place.range().end).max(start);
    let line_end = text[start..end].find(['\n', '\r']).map_or(end, |at| start + at);
    start..line_end
}

/// `text` on one line: what would break it, hide in it or turn it round is shown as an escape.
fn line(text: &str) -> Cow<'_, str> {
    let is_odd = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    let text = short(text);
    if !text.contains(is_odd) {
        return text;
    }
    let shown = |c: char| if is_odd(c) { c.escape_default().to_string() } else { c.to_string() };
    Cow::Owned(text.chars().map(shown).collect())
}

/// `text` without the middles of its long words and, if it still is too long, without its own.
fn short(text: &str) -> Cow<'_, str> {
    if text.len() <= WORD_MAX {
        return Cow::Borrowed(text);
    }
    let words: String = text.split_inclusive([' ', '\n']).map(|word| without_middle(word, WORD_MAX)).collect();
    Cow::Owned(without_middle(&words, SENTENCE_MAX).into_owned())
}

/// The first three quarters and the end of `text`, together about `length_max` bytes long.
fn without_middle(text: &str, length_max: usize) -> Cow<'_, str> {
    if text.len() <= length_max {
        return Cow::Borrowed(text);
    }
    let boundary = |from: usize| (from..).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len());
    let (start, end) = (boundary(length_max / 4 * 3), boundary(text.len() - length_max / 4));
    Cow::Owned(format!("{}…{}", &text[..start], &text[end..]))
}
