//! Brackets that are never closed. To a parser all that follows one is a part of it; to a reader the next table is
//! the next table. Told by the text alone, so that what follows can be read as it was meant.

use std::ops::Range;

use toml_parser::lexer::TokenKind;

/// A bracket that is never closed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Unclosed {
    /// Where it stands.
    pub(super) at: usize,
    /// What shows that it is still open: another bracket, or what begins the next key or table. Empty at the end.
    pub(super) until: Range<usize>,
    /// What cannot be read for its sake.
    pub(super) lost: Range<usize>,
}

/// Every bracket that is never closed, in the order of the text.
pub(super) fn unclosed(text: &str) -> Vec<Unclosed> {
    let mut found = Vec::new();
    let mut open: Vec<usize> = Vec::new();
    let mut line = 0;
    let mut is_line_start = true;
    let mut in_header = false;
    // Behind a bracket of the wrong kind nothing is certain up to the next key or table.
    let mut torn: Option<Unclosed> = None;
    for token in toml_parser::Source::new(text).lex() {
        let (start, end) = (token.span().start(), token.span().end());
        if is_line_start && token.kind() != TokenKind::Whitespace {
            let in_braces = open.last().is_some_and(|at| text.as_bytes()[*at] == b'{');
            if let Some(key) = beginning(&text[line..], in_braces && torn.is_none()) {
                if let Some(mut torn) = torn.take() {
                    torn.lost.end = line;
                    found.push(torn);
                } else if let (Some(first), Some(last)) = (open.first(), open.last()) {
                    let lost = line_start(text, *first)..line;
                    found.push(Unclosed { at: *last, until: line..line + key, lost });
                }
                open.clear();
            }
            is_line_start = false;
            in_header = open.is_empty() && token.kind() == TokenKind::LeftSquareBracket;
        }
        match token.kind() {
            TokenKind::Newline => {
                (line, is_line_start, in_header) = (end, true, false);
            }
            _ if in_header || torn.is_some() => {}
            TokenKind::LeftSquareBracket | TokenKind::LeftCurlyBracket => open.push(start),
            TokenKind::RightSquareBracket | TokenKind::RightCurlyBracket => {
                let closes = if token.kind() == TokenKind::RightSquareBracket { b'[' } else { b'{' };
                match open.last() {
                    Some(at) if text.as_bytes()[*at] != closes => {
                        let lost = line_start(text, open[0])..text.len();
                        torn = Some(Unclosed { at: *at, until: start..end, lost });
                    }
                    _ => drop(open.pop()),
                }
            }
            _ => {}
        }
    }
    if let (None, Some(first), Some(last)) = (&torn, open.first(), open.last()) {
        let lost = line_start(text, *first)..text.len();
        torn = Some(Unclosed { at: *last, until: text.len()..text.len(), lost });
    }
    found.extend(torn);
    found
}

/// The length of the header or key at the start of `text`, if it begins a table or, outside of braces, a value.
fn beginning(text: &str, in_braces: bool) -> Option<usize> {
    let line = text.lines().next()?;
    let is_path = |path: &str| {
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '"' | '\'');
        path.starts_with(|c: char| c.is_ascii_alphabetic()) && path.chars().all(fits)
    };
    if let Some((path, _)) = line.trim_start_matches('[').split_once(']').filter(|_| line.starts_with('[')) {
        return is_path(path).then(|| line.find(']').map_or(line.len(), |at| at + 1));
    }
    let key = line.split_once('=')?.0.trim_end();
    (!in_braces && is_path(key)).then_some(key.len())
}

fn line_start(text: &str, at: usize) -> usize {
    text[..at].rfind('\n').map_or(0, |newline| newline + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The brackets that are found, and what follows them when they are gone.
    fn check(text: &str, brackets: &[&str], rest: &str) {
        let found = unclosed(text);
        let places: Vec<String> = found.iter().map(|one| format!("{}..{}", one.at, &text[one.until.clone()])).collect();
        assert_eq!(places, brackets, "{text}");
        let mut left = text.to_owned();
        for one in found.iter().rev() {
            left.replace_range(one.lost.clone(), "");
        }
        assert_eq!(left, rest, "{text}");
    }

    #[test]
    fn what_is_closed_is_left_alone() {
        for text in
            ["a = [1, [2, 3],\n]\n[b.c]\nd = { e = [\n  4\n] }\n", "[[a]]\nb = \"[\"\nc = '''\n[d]\n'''\n# [\n", ""]
        {
            check(text, &[], text);
        }
    }

    #[test]
    fn the_next_key_or_table_ends_what_is_open() {
        check("a = [1,\n[b]\nc = 2\n", &["4..[b]"], "[b]\nc = 2\n");
        check("a = [1,\nb = 2\n", &["4..b"], "b = 2\n");
        check("a = { b = [{ c = 1 },\n[d]\n", &["10..[d]"], "[d]\n");
        check("[a]\nb = [\n  { c = 1 },\n", &["8.."], "[a]\n");
    }

    #[test]
    fn a_bracket_of_the_wrong_kind_closes_nothing() {
        check("a = [{ b = 1 ]\n[c]\n", &["5..]"], "[c]\n");
        check("a = { b = [1 }\nc = 2\nd = [\n", &["10..}", "26.."], "c = 2\n");
    }
}
