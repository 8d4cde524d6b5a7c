//! The small call syntax of values: `name(value, key=value, ..)`, with the place of every part.
//!
//! It splits and says where, and what a name's arguments are is the caller's declaration
//! ([`Call::bind`]). Values stay text: quoted strings and nested calls are kept whole.

use std::ops::Range;
use std::str::FromStr;

use super::suggest::did_you_mean;
use super::units::ParseError;

/// A parsed call; all ranges are bytes of the parsed text.
///
/// ```
/// use brownout::base::call::Call;
/// use brownout::base::distribution::Distribution;
/// use brownout::base::units::Count;
///
/// let call = Call::parse("users(50, think=exp(1s))")?;
/// let bound = call.bind(&["count"], &["think"], "users(50, think=exp(1s))")?;
/// let Count(users) = bound.need("count")?.parse()?;
/// let think: Distribution = bound.need("think")?.parse()?;
/// assert_eq!((users, think.to_string().as_str()), (50, "exp(1s)"));
///
/// let fault = Call::parse("users(50, think=exp(1))")?.args[1].parse::<Distribution>().unwrap_err();
/// assert_eq!((fault.range, fault.message.as_str()), (20..21, "the unit is missing"));
/// # Ok::<(), brownout::base::units::ParseError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call<'a> {
    /// What is called.
    pub name: &'a str,
    /// Where it stands.
    pub name_range: Range<usize>,
    /// In the order of the text.
    pub args: Vec<Arg<'a>>,
}

/// One argument of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arg<'a> {
    /// The key of `key=value`, and where it stands.
    pub key: Option<(&'a str, Range<usize>)>,
    /// Without the spaces around it; never empty.
    pub value: &'a str,
    /// Where the value stands.
    pub value_range: Range<usize>,
}

impl<'a> Call<'a> {
    /// Reads all of `text` as one call.
    pub fn parse(text: &'a str) -> Result<Call<'a>, ParseError> {
        let name_end = text.find(|c| !is_word(c)).unwrap_or(text.len());
        let name = &text[..name_end];
        if !name.starts_with(|c: char| c.is_ascii_alphabetic()) {
            return Err(ParseError::new(
                0..text.len(),
                format!("expected a name and its arguments in parentheses, found `{text}`"),
            ));
        }
        if text[name_end..].trim().is_empty() {
            return Err(ParseError::new(0..text.len(), format!("`{name}` lacks its arguments in parentheses"))
                .hint(format!("write `{name}(..)`")));
        }
        if !text[name_end..].starts_with('(') {
            let found = text[name_end..].chars().next().unwrap_or_default();
            return Err(ParseError::new(
                name_end..name_end + found.len_utf8(),
                format!("expected `(` right after `{name}`, found `{found}`"),
            ));
        }
        let (pieces, close) = split(text, name_end)?;
        if close + 1 < text.len() {
            return Err(ParseError::new(close + 1..text.len(), format!("unexpected text after `{}`", &text[..=close])));
        }
        let empty = matches!(pieces.as_slice(), [only] if text[only.clone()].trim().is_empty());
        let args = if empty {
            Vec::new()
        } else {
            pieces.into_iter().map(|piece| arg(text, piece)).collect::<Result<_, _>>()?
        };
        Ok(Call { name, name_range: 0..name_end, args })
    }

    /// Matches the arguments with their declaration: values without a key are `positional`, in order, and all
    /// of them must be there; values with a key are among `named`. `usage` is an example for hints.
    pub fn bind(
        &self,
        positional: &[&'static str],
        named: &[&'static str],
        usage: &str,
    ) -> Result<Bound<'_, 'a>, ParseError> {
        let example = format!("write for example `{usage}`");
        let mut bound = Bound { call: self, found: Vec::with_capacity(self.args.len()), usage: usage.to_owned() };
        let mut places = positional.iter();
        for arg in &self.args {
            let name = match &arg.key {
                None => *places.next().ok_or_else(|| self.surplus(arg, positional, named).hint(example.clone()))?,
                Some((key, range)) => match named.iter().find(|name| *name == key) {
                    Some(name) => *name,
                    None => return Err(self.unknown_key(key, range.clone(), positional, named, &example)),
                },
            };
            if bound.get(name).is_some() {
                let range = arg.key.as_ref().map_or(arg.value_range.clone(), |(_, range)| range.clone());
                return Err(ParseError::new(range, format!("`{name}` is given twice")).hint(example));
            }
            bound.found.push((name, arg));
        }
        match places.next() {
            Some(missing) => Err(bound.missing(missing)),
            None => Ok(bound),
        }
    }

    fn surplus(&self, arg: &Arg<'_>, positional: &[&str], named: &[&str]) -> ParseError {
        let (name, value) = (self.name, arg.value);
        let message = match (positional.len(), named.is_empty()) {
            (0, true) => format!("`{name}` takes no arguments"),
            (0, false) => format!("`{name}` takes its arguments with their names, as `{}={value}`", named[0]),
            (1, true) => format!("`{name}` takes one argument"),
            (n, true) => format!("`{name}` takes {n} arguments"),
            (n, false) => format!("after {n} argument{} `{name}` takes only named ones", if n == 1 { "" } else { "s" }),
        };
        ParseError::new(arg.value_range.clone(), message)
    }

    fn unknown_key(
        &self,
        key: &str,
        range: Range<usize>,
        positional: &[&str],
        named: &[&'static str],
        example: &str,
    ) -> ParseError {
        if positional.contains(&key) {
            return ParseError::new(range, format!("`{key}` is given by its place, without its name")).hint(example);
        }
        let fault = ParseError::new(range, format!("`{}` has no argument `{key}`", self.name));
        match did_you_mean(key, named.iter().copied()) {
            Some(near) => fault.hint(format!("did you mean `{near}`?")),
            None => fault.hint(example),
        }
    }
}

impl<'a> Arg<'a> {
    /// The value as a `T`; a fault points into the text of the whole call.
    pub fn parse<T: FromStr<Err = ParseError>>(&self) -> Result<T, ParseError> {
        self.value.parse().map_err(|fault: ParseError| fault.shifted(self.value_range.start))
    }

    /// The value as a call of its own; its ranges count from [`Arg::value_range`]'s start.
    pub fn call(&self) -> Result<Call<'a>, ParseError> {
        Call::parse(self.value).map_err(|fault| fault.shifted(self.value_range.start))
    }

    /// What stands between the double or single quotes of the value. There are no escapes.
    pub fn quoted(&self) -> Result<&'a str, ParseError> {
        let inner = ['"', '\''].iter().find_map(|&quote| self.value.strip_prefix(quote)?.strip_suffix(quote));
        inner.ok_or_else(|| {
            ParseError::new(self.value_range.clone(), format!("expected text in quotes, found `{}`", self.value))
                .hint(format!("write `\"{}\"`", self.value.trim_matches(['"', '\''])))
        })
    }
}

/// The arguments of a call under their declared names.
#[derive(Clone, Debug)]
pub struct Bound<'c, 'a> {
    call: &'c Call<'a>,
    found: Vec<(&'static str, &'c Arg<'a>)>,
    usage: String,
}

impl<'c, 'a> Bound<'c, 'a> {
    /// The argument `name`, if it is there.
    pub fn get(&self, name: &str) -> Option<&'c Arg<'a>> {
        self.found.iter().find(|(found, _)| *found == name).map(|(_, arg)| *arg)
    }

    /// The argument `name`, which must be there.
    pub fn need(&self, name: &str) -> Result<&'c Arg<'a>, ParseError> {
        self.get(name).ok_or_else(|| self.missing(name))
    }

    /// All arguments with their declared names, in the order of the text.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &'c Arg<'a>)> + '_ {
        self.found.iter().copied()
    }

    fn missing(&self, name: &str) -> ParseError {
        ParseError::new(self.call.name_range.clone(), format!("`{}` needs `{name}`", self.call.name))
            .hint(format!("write for example `{}`", self.usage))
    }
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '-'
}

/// A key may be a percentile such as `p99.9`.
fn is_key_word(c: char) -> bool {
    is_word(c) || c == '.'
}

/// The ranges between the commas of `text` that stand in no parentheses, brackets or quotes.
pub fn pieces(text: &str) -> Result<Vec<Range<usize>>, ParseError> {
    let whole = format!("({text})");
    let back = |fault: ParseError| {
        let place = |at: usize| at.saturating_sub(1).min(text.len());
        ParseError { range: place(fault.range.start)..place(fault.range.end), ..fault }
    };
    let (pieces, close) = split(&whole, 0).map_err(back)?;
    if close + 1 < whole.len() {
        let (from, until) = (close - 1, close);
        return Err(ParseError::new(from..until, "this `)` closes nothing"));
    }
    Ok(pieces.into_iter().map(|piece| piece.start - 1..piece.end - 1).collect())
}

/// The ranges between the top-level commas of the parenthesis at byte `open`, and where it closes.
fn split(text: &str, open: usize) -> Result<(Vec<Range<usize>>, usize), ParseError> {
    let mut pieces = Vec::new();
    let mut start = open + 1;
    let mut opened = Vec::new();
    let mut quote: Option<(char, usize)> = None;
    for (at, c) in text.char_indices().skip_while(|(at, _)| *at < open) {
        match (quote, c) {
            (Some((mark, _)), _) if c == mark => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some((c, at)),
            (None, '(' | '[' | '{') => opened.push((c, at)),
            (None, ')' | ']' | '}') => {
                let (partner, partner_at) = opened.pop().unwrap_or((c, at));
                if !matches!((partner, c), ('(', ')') | ('[', ']') | ('{', '}')) {
                    return Err(ParseError::new(at..at + 1, format!("`{c}` does not close the `{partner}` before it"))
                        .hint(format!("the `{partner}` is character {}", text[..partner_at].chars().count() + 1)));
                }
                if opened.is_empty() {
                    pieces.push(start..at);
                    return Ok((pieces, at));
                }
            }
            (None, ',') if opened.len() == 1 => {
                pieces.push(start..at);
                start = at + 1;
            }
            _ => {}
        }
    }
    Err(match (quote, opened.last()) {
        (Some((mark, at)), _) => ParseError::new(at..text.len(), format!("the quote {mark} is never closed")),
        (None, Some((c, at))) => ParseError::new(*at..text.len(), format!("the `{c}` is never closed")),
        (None, None) => ParseError::new(open..text.len(), "the `(` is never closed"),
    })
}

fn arg(text: &str, piece: Range<usize>) -> Result<Arg<'_>, ParseError> {
    let trimmed = |range: Range<usize>| {
        let inner = &text[range.clone()];
        let start = range.start + (inner.len() - inner.trim_start().len());
        start..start + inner.trim().len()
    };
    let whole = trimmed(piece.clone());
    if whole.is_empty() {
        // The comma or parenthesis behind the hole is what can be pointed at.
        return Err(ParseError::new(piece.start..piece.end + 1, "an argument is missing here")
            .hint("remove the comma, or write the argument"));
    }
    let word_end = whole.start + text[whole.clone()].find(|c| !is_key_word(c)).unwrap_or(whole.len());
    let after = text[word_end..whole.end].trim_start();
    let is_key = word_end > whole.start && after.starts_with('=') && !after.starts_with("==");
    if !is_key {
        return Ok(Arg { key: None, value: &text[whole.clone()], value_range: whole });
    }
    let key = whole.start..word_end;
    let value_range = trimmed(whole.end - after.len() + 1..whole.end);
    if value_range.is_empty() {
        return Err(ParseError::new(whole, format!("`{}` has no value", &text[key])));
    }
    Ok(Arg { key: Some((&text[key.clone()], key)), value: &text[value_range.clone()], value_range })
}
