//! The rows of a CSV file: its columns by name or by place, and where each field stands.

use std::ops::Range;

use crate::base::call::Bound;
use crate::base::suggest::did_you_mean;
use crate::base::units::ParseError;
use crate::scenario::decode::Cx;
use crate::scenario::say::{Diagnostic, SourceId, catalogue};
use crate::scenario::tree::Node;

/// The argument `key` of a call: the name of a column.
pub(super) fn column_name(bound: &Bound<'_, '_>, key: &str) -> Result<Option<String>, ParseError> {
    bound.get(key).map(|arg| arg.quoted().map(str::to_owned)).transpose()
}

/// Of rows that are all wrong in the same way, this many are shown.
const FAULTS_SHOWN: usize = 3;

/// All rows of a file.
pub(super) struct Rows {
    file: SourceId,
    separator: u8,
    /// Byte at which each row starts, and its fields.
    rows: Vec<(usize, csv::StringRecord)>,
    /// The first row when it holds names.
    header: Option<csv::StringRecord>,
}

impl Rows {
    /// Reads `file`. `is_value` tells a value from a name: the first row is a header when none of its fields is one.
    pub(super) fn read(file: SourceId, is_value: impl Fn(&str) -> bool, cx: &mut Cx<'_>) -> Option<Rows> {
        let text = cx.sources.text(file);
        let separator = separator(text);
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .comment(Some(b'#'))
            .trim(csv::Trim::All)
            .delimiter(separator)
            .from_reader(text.as_bytes());
        let mut rows = Vec::new();
        let mut record = csv::StringRecord::new();
        // The text is UTF-8 and rows may have any length: nothing is left that could fail.
        while reader.read_record(&mut record).unwrap_or(false) {
            let start = record.position().map_or(0, |position| position.byte() as usize);
            rows.push((first_of_row(text, start), record.clone()));
        }
        let is_name = |field: &str| !is_value(field) && !field.starts_with(|c: char| c.is_ascii_digit() || c == '-');
        let has_header = rows.first().is_some_and(|(_, row): &(_, csv::StringRecord)| row.iter().all(is_name));
        let header = has_header.then(|| rows.remove(0).1);
        if rows.is_empty() {
            cx.say(&catalogue::BAD_DATA, file.place(0..0), "the file has no rows of data");
            return None;
        }
        let rows = Rows { file, separator, rows, header };
        rows.are_even(cx).then_some(rows)
    }

    /// Whether all rows have as many fields: `12,5` is two of them.
    fn are_even(&self, cx: &mut Cx<'_>) -> bool {
        let width = self.width();
        let Some(odd) = self.rows.iter().position(|(_, row)| row.len() != width) else { return true };
        let (has, fields) = (self.rows[odd].1.len(), if width == 1 { "field" } else { "fields" });
        let what = if self.header.is_some() { "the header" } else { "the first row" };
        self.say(odd, width.min(has.saturating_sub(1)), format!("{what} has {width} {fields}, this row {has}"), cx)
            .help("numbers have a decimal point, and no comma between thousands");
        false
    }

    /// The names of its columns, or their number.
    pub(super) fn columns(&self) -> String {
        match &self.header {
            Some(header) => format!("the columns {}", header.iter().collect::<Vec<_>>().join(", ")),
            None => format!("{} columns and no header with their names", self.width()),
        }
    }

    /// The name of another column than `column` that holds nothing but numbers.
    pub(super) fn numbers_beside(&self, column: usize) -> Option<&str> {
        let is_number =
            |at: usize| self.rows.iter().all(|(_, row)| row.get(at).is_some_and(|f| f.parse::<f64>().is_ok()));
        let at = (0..self.width()).find(|at| *at != column && is_number(*at))?;
        self.header.as_ref()?.get(at)
    }

    /// How many columns there are.
    pub(super) fn width(&self) -> usize {
        self.header.as_ref().or(self.rows.first().map(|(_, row)| row)).map_or(0, csv::StringRecord::len)
    }

    /// The place of the column that the value at `node` asks for, if it asks for one.
    pub(super) fn column(&self, name: Option<&String>, node: &Node, cx: &mut Cx<'_>) -> Option<Option<usize>> {
        let Some(name) = name else { return Some(None) };
        let names: Vec<&str> = self.header.iter().flatten().collect();
        if let Some(at) = names.iter().position(|known| known == name) {
            return Some(Some(at));
        }
        let title = format!("the file has no column `{name}`");
        let near = did_you_mean(name, names.iter().copied());
        cx.say(&catalogue::BAD_DATA, cx.place_of(node, name), title)
            .maybe_help(near.map(|near| format!("did you mean `{near}`?")))
            .help(if names.is_empty() {
                "its first row holds values, not names".to_owned()
            } else {
                format!("its columns are {}", names.join(", "))
            });
        None
    }

    /// Reads one value of every row; faults are said, up to what anybody wants to read.
    pub(super) fn map<T>(
        &self,
        column: usize,
        mut read: impl FnMut(&str) -> Result<T, String>,
        hint: &str,
        cx: &mut Cx<'_>,
    ) -> Option<Vec<T>> {
        let mut values = Vec::with_capacity(self.rows.len());
        let mut faults = 0;
        for number in 0..self.rows.len() {
            let field = self.rows[number].1.get(column);
            match field.filter(|field| !field.is_empty()).map(&mut read) {
                Some(Ok(value)) => values.push(value),
                fault => {
                    let message = match fault {
                        Some(Err(message)) => message,
                        _ => "a value is missing".to_owned(),
                    };
                    faults += 1;
                    if faults <= FAULTS_SHOWN {
                        self.say(number, column, message, cx).help(hint);
                    }
                }
            }
        }
        if faults > FAULTS_SHOWN {
            let title = format!("{} more rows are like that", faults - FAULTS_SHOWN);
            cx.say(&catalogue::BAD_DATA, self.file.place(0..0), title);
        }
        (faults == 0).then_some(values)
    }

    /// Says what is wrong with the field in `column` of row `number`.
    pub(super) fn say<'c>(
        &self,
        number: usize,
        column: usize,
        title: impl Into<String>,
        cx: &'c mut Cx<'_>,
    ) -> &'c mut Diagnostic {
        let range = field_range(cx.sources.text(self.file), self.rows[number].0, column, self.separator);
        cx.say(&catalogue::BAD_DATA, self.file.place(range), title)
    }
}

/// The separator that the first line with one of them has most of.
fn separator(text: &str) -> u8 {
    let line = text.lines().find(|line| !line.trim().is_empty() && !line.starts_with('#')).unwrap_or("");
    let count = |separator: u8| line.bytes().filter(|byte| *byte == separator).count();
    // A comma may be a decimal point where semicolons separate.
    [b';', b'\t', b',']
        .into_iter()
        .max_by_key(|separator| count(*separator))
        .filter(|found| count(*found) > 0)
        .unwrap_or(b',')
}

/// Where the row begins that the reader met at `from`: it counts the blank lines and comments before it.
fn first_of_row(text: &str, from: usize) -> usize {
    let mut at = from;
    while let Some(line) = text[at..].split_inclusive('\n').next() {
        if !line.trim().is_empty() && !line.starts_with('#') {
            break;
        }
        at += line.len();
    }
    at
}

/// The bytes of field `column` in the row that starts at `start`, or the whole line when it has no such field.
fn field_range(text: &str, start: usize, column: usize, separator: u8) -> Range<usize> {
    let line = text[start..].lines().next().unwrap_or("");
    let mut field_start = 0;
    let mut field = 0;
    let mut is_quoted = false;
    for (at, byte) in line.bytes().chain([separator]).enumerate() {
        match byte {
            b'"' => is_quoted = !is_quoted,
            _ if byte == separator && (!is_quoted || at == line.len()) => {
                if field == column {
                    let inner = &line[field_start..at];
                    let lead = inner.len() - inner.trim_start().len();
                    let begin = start + field_start + lead;
                    return begin..begin + inner.trim().len();
                }
                field += 1;
                field_start = at + 1;
            }
            _ => {}
        }
    }
    start..start + line.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_where_they_stand() {
        let text = "a,b\n# no\n\n 1 , \"2,5\",3\n";
        let row = first_of_row(text, 4);
        let field = |column| &text[field_range(text, row, column, b',')];
        assert_eq!((field(0), field(1), field(2), field(9)), ("1", "\"2,5\"", "3", " 1 , \"2,5\",3"));
        assert_eq!(separator("a;b,c;d\n"), b';');
        assert_eq!(separator("# x,y\n5\n"), b',');
    }
}
