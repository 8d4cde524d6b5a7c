//! The contact sheet: all pictures of a run on one page, each as large as it takes to read its labels.

use std::fmt::Write;

/// What the sheet is called.
pub(super) const NAME: &str = "contact-sheet";

const COLUMNS: usize = 3;
/// Width of a column in pixels.
const COLUMN: f64 = 960.0;
const GAP: f64 = 24.0;

/// One page with all of `pictures`, which are SVG, row by row.
pub(super) fn svg(pictures: &[impl AsRef<str>]) -> String {
    let columns = pictures.len().clamp(1, COLUMNS);
    let (mut y, mut bottom) = (GAP, GAP);
    let mut body = String::new();
    for (place, picture) in pictures.iter().map(AsRef::as_ref).enumerate() {
        let Some((width, height)) = size(picture) else { continue };
        let column = place % columns;
        if column == 0 {
            y = bottom;
        }
        let x = GAP + column as f64 * (COLUMN + GAP);
        let shown = (COLUMN * height / width).round();
        let place = format!("<svg x=\"{x}\" y=\"{y}\" width=\"{COLUMN}\" height=\"{shown}\" ");
        body += &place;
        body += &picture.replacen("<svg ", "", 1).replacen(&format!("width=\"{width}\" height=\"{height}\" "), "", 1);
        bottom = f64::max(bottom, y + shown + GAP);
    }
    let width = GAP + columns as f64 * (COLUMN + GAP);
    let height = bottom;
    let mut sheet = String::new();
    let _ = write!(
        sheet,
        "<svg width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" \
         xmlns=\"http://www.w3.org/2000/svg\">\n<rect width=\"{width}\" height=\"{height}\" fill=\"#8C8C8C\"/>\n"
    );
    sheet + &body + "</svg>\n"
}

/// Width and height that a picture says it has.
fn size(picture: &str) -> Option<(f64, f64)> {
    let of = |name: &str| {
        let (_, rest) = picture.split_once(&format!(" {name}=\""))?;
        rest.split_once('"')?.0.parse::<f64>().ok()
    };
    Some((of("width")?, of("height")?))
}
