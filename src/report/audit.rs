//! Findings of an audit as text, in rustc's look, and as JSON.

use annotate_snippets::{Level, Origin, Renderer};
use serde_json::json;

use crate::insight::audit::{Finding, Grade};

use super::number;

/// The findings to read, each with its place, its number, its reason and what to do.
pub fn text(name: &str, findings: &[Finding], color: bool) -> String {
    let renderer = if color { Renderer::styled() } else { Renderer::plain() };
    let one = |finding: &Finding| {
        let level = match finding.grade {
            Grade::Note => Level::NOTE,
            Grade::Warning => Level::WARNING,
            Grade::Serious => Level::ERROR.with_name("serious"),
        };
        let place = finding.site.as_ref().map_or(name, |site| site.file.as_str());
        let mut origin = Origin::path(place);
        if let Some(site) = &finding.site {
            origin = origin.line(site.line).char_column(site.column);
        }
        let mut group = level.primary_title(finding.what.as_str()).id(finding.kind).element(origin);
        let count = format!("{} {}", digits(finding.number), finding.of);
        if !finding.of.is_empty() {
            group = group.element(Level::NOTE.message(count));
        }
        if !finding.why.is_empty() {
            group = group.element(Level::NOTE.message(finding.why.as_str()));
        }
        if !finding.help.is_empty() {
            group = group.element(Level::HELP.message(finding.help.as_str()));
        }
        renderer.render(&[group])
    };
    let mut text: String = findings.iter().map(|finding| one(finding) + "\n\n").collect();
    let count = |grade| findings.iter().filter(|finding| finding.grade == grade).count();
    text += &match findings.len() {
        0 => format!("{name}: nothing found\n"),
        _ => format!(
            "{name}: serious {}, warnings {}, notes {}\n",
            count(Grade::Serious),
            count(Grade::Warning),
            count(Grade::Note)
        ),
    };
    text
}

/// The findings with all that is known of them.
pub fn json(name: &str, findings: &[Finding]) -> String {
    let one = |finding: &Finding| {
        json!({
            "kind": finding.kind,
            "severity": finding.grade.name(),
            "file": finding.site.as_ref().map(|site| site.file.as_str()),
            "line": finding.site.as_ref().map(|site| site.line),
            "column": finding.site.as_ref().map(|site| site.column),
            "path": finding.path,
            "what": finding.what,
            "why": finding.why,
            "number": finding.number,
            "of": finding.of,
            "help": finding.help,
        })
    };
    let all = json!({ "scenario": name, "findings": findings.iter().map(one).collect::<Vec<_>>() });
    format!("{all:#}\n")
}

/// Three digits, as tables have them.
fn digits(value: f64) -> String {
    number::plain(Some(value))
}
