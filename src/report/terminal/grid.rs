//! A table that gives up its least important columns when the terminal is narrow.

use comfy_table::{
    Cell, CellAlignment, ColumnConstraint, ContentArrangement, ContentLineStyle, LineStyle, Table, TableStyle, Width,
};

use super::{BAD, DIM, HEAD, Look};

/// Marks the name of the bottleneck.
pub(super) const MARK: &str = "▶";
const NAME_WIDTH_MAX: u16 = 42;
const STYLE: TableStyle = TableStyle::new()
    .header_lines(ContentLineStyle::none())
    .header_separator(LineStyle::none().fill('─').junction('─'))
    .content_lines(ContentLineStyle::none());

/// One column: its cells, and how early it is given up (0 is never, then the highest first).
struct Column {
    place: usize,
    header: String,
    cells: Vec<String>,
    give_up: u8,
}

/// Named rows of numbers.
pub(super) struct Grid {
    columns: Vec<Column>,
    /// What holds the columns that had no room, too.
    whole_in: &'static str,
}

impl Grid {
    /// The first column, which names the rows and stands on the left.
    pub(super) fn new(header: &str, names: Vec<String>) -> Grid {
        let columns = vec![Column { place: 0, header: header.to_owned(), cells: names, give_up: 0 }];
        Grid { columns, whole_in: "summary.json" }
    }

    /// Says what holds the columns that had no room, if not the summary.
    pub(super) fn whole_in(mut self, what: &'static str) -> Grid {
        self.whole_in = what;
        self
    }

    /// Adds a column of numbers, which stand on the right.
    pub(super) fn column(&mut self, header: &str, give_up: u8, cells: Vec<String>) {
        self.columns.push(Column { place: self.columns.len(), header: header.to_owned(), cells, give_up });
    }

    /// The lines of the table, and a line that names the columns that had no room.
    pub(super) fn render(mut self, look: Look) -> String {
        let mut left_out: Vec<(usize, String)> = Vec::new();
        while self.width() > look.width {
            let last = self.columns.iter().enumerate().max_by_key(|(_, column)| column.give_up);
            match last {
                Some((place, column)) if column.give_up > 0 => {
                    left_out.push((column.place, column.header.replace("-\n", "").replace('\n', " ")));
                    self.columns.remove(place);
                }
                _ => break,
            }
        }
        let mut text = paint(&self.table(look.width).trim_fmt(), look);
        text.push('\n');
        if !left_out.is_empty() {
            left_out.sort_unstable();
            let names: Vec<String> = left_out.into_iter().map(|(_, header)| header).collect();
            let note = look.wrap("", &format!("No room here for {}; {} has it all.", names.join(", "), self.whole_in));
            text += &(look.paint(DIM, note.trim_end()) + "\n");
        }
        text
    }

    fn width(&self) -> usize {
        let column = |it: &Column| {
            let longest = it.cells.iter().chain([&it.header]).flat_map(|cell| cell.lines());
            longest.map(|line| line.chars().count()).max().unwrap_or(0)
        };
        let name = column(&self.columns[0]).min(NAME_WIDTH_MAX.into());
        name + self.columns[1..].iter().map(|it| column(it) + 2).sum::<usize>()
    }

    fn table(&self, width: usize) -> Table {
        let mut table = Table::new();
        table.load_style(STYLE).set_content_arrangement(ContentArrangement::Dynamic);
        table.set_width(u16::try_from(width).unwrap_or(u16::MAX));
        table.set_header(self.columns.iter().map(|column| Cell::new(&column.header)));
        for row in 0..self.columns[0].cells.len() {
            table.add_row(self.columns.iter().map(|column| &column.cells[row]));
        }
        for (place, column) in table.column_iter_mut().enumerate() {
            // A junction, which the line below the header has, takes the other one of two columns.
            column.set_padding((u16::from(place > 0), 0));
            if place == 0 {
                column.set_constraint(ColumnConstraint::UpperBoundary(Width::Fixed(NAME_WIDTH_MAX)));
            } else {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        table
    }
}

/// Paints the header and the mark. The table itself must not know of colour, because it counts columns.
fn paint(text: &str, look: Look) -> String {
    let mut head = true;
    let line = |line: &str| {
        head &= !line.starts_with('─');
        if head { look.paint(HEAD, line) } else { line.replace(MARK, &look.paint(BAD, MARK)) }
    };
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}
