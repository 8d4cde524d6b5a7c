//! What a continuous build reads: JUnit XML, and the annotations of GitHub's workflows.

use std::fmt::Write as _;

/// A scenario, or a comparison, and what was checked of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Suite {
    /// What it is called.
    pub name: String,
    /// The file that it came from.
    pub file: String,
    /// What was checked.
    pub cases: Vec<Case>,
}

/// One check.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Case {
    /// What it is called.
    pub name: String,
    /// What was found.
    pub found: String,
    /// Whether that is as it should be.
    pub pass: bool,
}

/// A document that readers of JUnit's results understand: `testsuites`, `testsuite`, `testcase`, `failure`. There are no
/// times in it: same input, same bytes.
pub fn junit(suites: &[Suite]) -> String {
    let counts = |cases: &[Case]| format!("tests=\"{}\" failures=\"{}\"", cases.len(), failures(cases));
    let all: Vec<Case> = suites.iter().flat_map(|suite| suite.cases.clone()).collect();
    let mut text =
        format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"brownout\" {}>\n", counts(&all));
    for suite in suites {
        let (name, file) = (xml(&suite.name), xml(&suite.file));
        let _ = writeln!(text, "  <testsuite name=\"{name}\" file=\"{file}\" {}>", counts(&suite.cases));
        for case in &suite.cases {
            let (case_name, found) = (xml(&case.name), xml(&case.found));
            let head = format!("    <testcase classname=\"{name}\" name=\"{case_name}\" file=\"{file}\">");
            text += &head;
            text += "\n";
            match case.pass {
                true => {
                    let _ = writeln!(text, "      <system-out>{found}</system-out>");
                }
                false => {
                    let _ = writeln!(text, "      <failure message=\"{found}\"/>");
                }
            }
            text += "    </testcase>\n";
        }
        text += "  </testsuite>\n";
    }
    text + "</testsuites>\n"
}

/// A line for each check: an error where it failed, a notice where it did not. The runner of GitHub's workflows shows them
/// beside the file.
pub fn github(suites: &[Suite]) -> String {
    let line = |suite: &Suite, case: &Case| {
        let level = if case.pass { "notice" } else { "error" };
        let title = format!("{}: {}", suite.name, case.name);
        format!("::{level} file={},title={}::{}\n", property(&suite.file), property(&title), message(&case.found))
    };
    suites.iter().flat_map(|suite| suite.cases.iter().map(move |case| line(suite, case))).collect()
}

fn failures(cases: &[Case]) -> usize {
    cases.iter().filter(|case| !case.pass).count()
}

/// Without what XML gives a meaning, or does not allow.
fn xml(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe += "&amp;",
            '<' => safe += "&lt;",
            '>' => safe += "&gt;",
            '"' => safe += "&quot;",
            '\n' | '\r' | '\t' => safe.push(' '),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => safe.push('\u{fffd}'),
            c => safe.push(c),
        }
    }
    safe
}

pub(in crate::report) fn message(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

pub(in crate::report) fn property(text: &str) -> String {
    message(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn suites() -> Vec<Suite> {
        let case = |name: &str, found: &str, pass| Case { name: name.to_owned(), found: found.to_owned(), pass };
        let cases =
            vec![case("no-blackout", "goodput(a) >= 99%: measured 4%", false), case("fast", "p99(a) < 1s", true)];
        vec![Suite { name: "shop, \"A&B\"".to_owned(), file: "shop.toml".to_owned(), cases }]
    }

    #[test]
    fn junit_is_well_formed_whatever_names_are() {
        assert_eq!(
            junit(&suites()),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
             <testsuites name=\"brownout\" tests=\"2\" failures=\"1\">\n\
             \x20 <testsuite name=\"shop, &quot;A&amp;B&quot;\" file=\"shop.toml\" tests=\"2\" failures=\"1\">\n\
             \x20   <testcase classname=\"shop, &quot;A&amp;B&quot;\" name=\"no-blackout\" file=\"shop.toml\">\n\
             \x20     <failure message=\"goodput(a) &gt;= 99%: measured 4%\"/>\n\
             \x20   </testcase>\n\
             \x20   <testcase classname=\"shop, &quot;A&amp;B&quot;\" name=\"fast\" file=\"shop.toml\">\n\
             \x20     <system-out>p99(a) &lt; 1s</system-out>\n\
             \x20   </testcase>\n\
             \x20 </testsuite>\n\
             </testsuites>\n"
        );
    }

    #[test]
    fn annotations_escape_what_ends_a_property() {
        assert_eq!(
            github(&suites()),
            "::error file=shop.toml,title=shop%2C \"A&B\"%3A no-blackout::goodput(a) >= 99%25: measured 4%25\n\
             ::notice file=shop.toml,title=shop%2C \"A&B\"%3A fast::p99(a) < 1s\n"
        );
    }
}
