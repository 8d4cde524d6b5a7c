//! What figures are drawn on: plotters' SVG backend, in pixels, with one font whose measures are known.
//! Everything is opaque, so that no renderer needs layers.

use std::sync::Once;

use plotters::coord::Shift;
use plotters::element::{DashedPathElement, PathElement, Polygon, Rectangle, Text};
use plotters::prelude::{DrawingArea, IntoDrawingArea, SVGBackend};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color, FontStyle, IntoFont, RGBColor, ShapeStyle, TextStyle, register_font};

use super::palette::Stroke;

/// DejaVu Sans draws the bitmaps; a browser without it has Verdana, which is as wide.
const FAMILY: &str = "DejaVu Sans, Verdana, sans-serif";
/// plotters divides its font size by this before it writes an SVG.
const SIZE_PER_EM: f64 = 1.24;
const INFALLIBLE: &str = "drawing into memory does not fail";

pub(super) type Point = (i32, i32);

/// A piece of text: its size in pixels per em, its weight and its colour.
#[derive(Clone, Copy, Debug)]
pub(super) struct Font {
    pub(super) size: i32,
    pub(super) bold: bool,
    pub(super) color: RGBColor,
}

impl Font {
    /// How wide `text` is, about 6% too much, because another font may stand in.
    pub(super) fn width(self, text: &str) -> i32 {
        register_fonts();
        self.style(Pos::default()).font.box_size(text).map_or(0, |(width, _)| width as i32)
    }

    /// `text`, cut so that it fits in `width`.
    pub(super) fn fit(self, text: &str, width: i32) -> String {
        if self.width(text) <= width {
            return text.to_owned();
        }
        let mut kept: Vec<char> = text.chars().collect();
        loop {
            kept.pop();
            let cut = kept.iter().collect::<String>().trim_end().to_owned() + "…";
            if kept.is_empty() || self.width(&cut) <= width {
                return cut;
            }
        }
    }

    /// `text` in lines that fit in `width`; a word that does not is cut.
    pub(super) fn wrap(self, text: &str, width: i32) -> Vec<String> {
        let mut lines: Vec<String> = Vec::new();
        for word in text.split_whitespace() {
            let longer = lines.last().map(|line| format!("{line} {word}")).filter(|line| self.width(line) <= width);
            match (longer, lines.last_mut()) {
                (Some(longer), Some(line)) => *line = longer,
                _ => lines.push(self.fit(word, width)),
            }
        }
        lines
    }

    fn style(self, pos: Pos) -> TextStyle<'static> {
        // Not `FontDesc::style`, which keeps the measures of the regular font.
        let weight = if self.bold { FontStyle::Bold } else { FontStyle::Normal };
        let font = (FAMILY, f64::from(self.size) * SIZE_PER_EM, weight).into_font();
        TextStyle { font, color: self.color.to_backend_color(), pos }
    }
}

/// A picture under way.
pub(super) struct Canvas<'a> {
    area: DrawingArea<SVGBackend<'a>, Shift>,
}

/// The SVG of a picture of `size` that `draw` draws on white.
pub(super) fn svg(size: (u32, u32), draw: impl FnOnce(&Canvas)) -> String {
    register_fonts();
    let mut text = String::new();
    {
        let canvas = Canvas { area: SVGBackend::with_string(&mut text, size).into_drawing_area() };
        canvas.area.fill(&plotters::style::WHITE).expect(INFALLIBLE);
        draw(&canvas);
        canvas.area.present().expect(INFALLIBLE);
    }
    // Sharp peaks would otherwise grow thorns.
    text.replacen("<svg ", "<svg stroke-linejoin=\"round\" ", 1)
}

impl Canvas<'_> {
    pub(super) fn line(&self, points: &[Point], stroke: Stroke) {
        let style = ShapeStyle { color: stroke.color.to_rgba(), filled: false, stroke_width: stroke.width };
        match stroke.dash {
            _ if points.len() < 2 => Ok(()),
            None => self.area.draw(&PathElement::new(points, style)),
            Some((dash, gap)) => self.area.draw(&DashedPathElement::new(points.iter().copied(), dash, gap, style)),
        }
        .expect(INFALLIBLE);
    }

    pub(super) fn area(&self, points: Vec<Point>, color: RGBColor) {
        if points.len() > 2 {
            self.area.draw(&Polygon::new(points, color.filled())).expect(INFALLIBLE);
        }
    }

    pub(super) fn rectangle(&self, corners: [Point; 2], color: RGBColor) {
        self.area.draw(&Rectangle::new(corners, color.filled())).expect(INFALLIBLE);
    }

    /// `text` whose `anchor` (horizontal, vertical) is at `at`.
    pub(super) fn text(&self, text: &str, at: Point, anchor: (HPos, VPos), font: Font) {
        let style = font.style(Pos::new(anchor.0, anchor.1));
        self.area.draw(&Text::new(text, at, style)).expect(INFALLIBLE);
    }
}

fn register_fonts() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        for (style, bytes) in [(FontStyle::Normal, dejavu::sans::regular()), (FontStyle::Bold, dejavu::sans::bold())] {
            assert!(register_font(FAMILY, style, bytes).is_ok(), "the fonts of the crate are well formed");
        }
    });
}
