//! Findings of an audit as text, in rustc's look, as JSON, and for continuous builds.

use annotate_snippets::{Level, Origin, Renderer};
use serde_json::json;

use crate::experiment::{Blast, MeasuredAudit};
use crate::insight::audit::{Finding, Grade};

use super::experiment::gate::{Case, Suite, message, property};
use super::number;

/// The findings to read, each with its place, its number, its reason and what to do; then what goes down with each service,
/// if that was measured.
pub fn text(name: &str, findings: &[Finding], measured: Option<&MeasuredAudit>, color: bool) -> String {
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
        if let Some(count) = count(finding) {
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
    text += &measured.map(|it| blast_table(&it.blast)).unwrap_or_default();
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
pub fn json(name: &str, findings: &[Finding], measured: Option<&MeasuredAudit>) -> String {
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
            "of": finding.number.map(|_| finding.of),
            "help": finding.help,
        })
    };
    let mut all = json!({ "scenario": name, "findings": findings.iter().map(one).collect::<Vec<_>>() });
    if let Some(measured) = measured {
        let blast = |it: &Blast| {
            json!({
                "service": it.service,
                "replicas": it.replicas,
                "share": it.share,
                "worst_workload": it.worst.as_ref().map(|(name, _)| name),
                "worst_share": it.worst.as_ref().map(|(_, share)| share),
            })
        };
        all["blast_radius"] = measured.blast.iter().map(blast).collect();
        all["runs"] = measured.runs.into();
    }
    format!("{all:#}\n")
}

/// A line for each finding, which GitHub's workflows show beside the line of the file.
pub fn github(name: &str, findings: &[Finding]) -> String {
    let line = |finding: &Finding| {
        let level = match finding.grade {
            Grade::Note => "notice",
            Grade::Warning => "warning",
            Grade::Serious => "error",
        };
        let place = match &finding.site {
            Some(site) => format!("file={},line={},col={}", property(&site.file), site.line, site.column),
            None => format!("file={}", property(name)),
        };
        format!("::{level} {place},title={}::{}\n", property(finding.kind), message(&said(finding)))
    };
    findings.iter().map(line).collect()
}

/// The findings as checks of a continuous build: those that `fails` says fail. Without any it is one check that passes.
pub fn suite(name: &str, findings: &[Finding], fails: &dyn Fn(&Finding) -> bool) -> Suite {
    let case = |finding: &Finding| {
        let place = finding
            .site
            .as_ref()
            .map_or(String::new(), |site| format!("{}:{}:{}: ", site.file, site.line, site.column));
        let found = format!("{place}{}: {}", finding.grade.name(), said(finding));
        Case { name: finding.kind.to_owned(), found, pass: !fails(finding) }
    };
    let mut cases: Vec<Case> = findings.iter().map(case).collect();
    if cases.is_empty() {
        cases.push(Case { name: "audit".to_owned(), found: "nothing found".to_owned(), pass: true });
    }
    Suite { name: format!("audit of {name}"), file: name.to_owned(), cases }
}

fn said(finding: &Finding) -> String {
    let count = count(finding).map_or(String::new(), |count| format!(" ({count})"));
    let why = if finding.why.is_empty() { String::new() } else { format!("; {}", finding.why) };
    format!("{}{count}{why}", finding.what)
}

/// What goes down with each service, as a table.
fn blast_table(all: &[Blast]) -> String {
    let head = ["without", "replicas", "answers gone", "worst off"].map(str::to_owned);
    let row = |it: &Blast| {
        let worst = it.worst.as_ref().map_or(number::NONE.to_owned(), |(workload, share)| {
            format!("{workload} ({})", number::share(Some(*share)))
        });
        [it.service.clone(), it.replicas.to_string(), number::share(Some(it.share)), worst]
    };
    let rows: Vec<[String; 4]> = std::iter::once(head).chain(all.iter().map(row)).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths = [width(0), width(1), width(2)];
    let line = |row: &[String; 4]| {
        let [service, replicas, share, worst] = row;
        format!("  {service:<0$}  {replicas:>1$}  {share:>2$}  {worst}\n", widths[0], widths[1], widths[2])
    };
    let lines: String = rows.iter().map(line).collect();
    format!("Blast radius: what of all good answers is gone while every process of a service is, measured\n{lines}\n")
}

/// The number behind it, with three digits as tables have them, and what it counts.
fn count(finding: &Finding) -> Option<String> {
    finding.number.map(|value| format!("{} {}", number::plain(Some(value)), finding.of))
}
