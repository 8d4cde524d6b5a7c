//! Colours and strokes: the palette of Okabe and Ito (<https://jfly.uni-koeln.de/color/>), which
//! colour-blind people tell apart, and a dash or a width besides it wherever two lines share a panel.

use plotters::style::RGBColor;

pub(super) const BLACK: RGBColor = RGBColor(0x1A, 0x1A, 0x1A);
pub(super) const ORANGE: RGBColor = RGBColor(0xE6, 0x9F, 0x00);
pub(super) const SKY: RGBColor = RGBColor(0x56, 0xB4, 0xE9);
pub(super) const GREEN: RGBColor = RGBColor(0x00, 0x9E, 0x73);
pub(super) const BLUE: RGBColor = RGBColor(0x00, 0x72, 0xB2);
pub(super) const VERMILLION: RGBColor = RGBColor(0xD5, 0x5E, 0x00);
pub(super) const PURPLE: RGBColor = RGBColor(0xCC, 0x79, 0xA7);

/// Beside the data: grid, notes, frames.
pub(super) const GRID: RGBColor = RGBColor(0xDC, 0xDC, 0xDC);
pub(super) const FRAME: RGBColor = RGBColor(0x8C, 0x8C, 0x8C);
pub(super) const NOTE: RGBColor = RGBColor(0x5A, 0x5A, 0x5A);
/// Under the data: windows in time.
pub(super) const WARMUP: RGBColor = RGBColor(0xEE, 0xEE, 0xEE);
pub(super) const FAULT: RGBColor = RGBColor(0xFF, 0xF1, 0xC4);
pub(super) const FAULT_EDGE: RGBColor = RGBColor(0xA6, 0x7C, 0x00);
/// What somebody did at a time.
pub(super) const CHANGE_EDGE: RGBColor = RGBColor(0x00, 0x72, 0xB2);

/// How a line is drawn.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stroke {
    pub(super) color: RGBColor,
    pub(super) width: u32,
    /// Lengths of a dash and of the gap after it.
    pub(super) dash: Option<(i32, i32)>,
}

pub(super) const fn solid(color: RGBColor, width: u32) -> Stroke {
    Stroke { color, width, dash: None }
}

pub(super) const fn dashed(color: RGBColor, width: u32, dash: (i32, i32)) -> Stroke {
    Stroke { color, width, dash: Some(dash) }
}

/// The strokes of things that are all of one kind. As many as a panel shows at most.
pub(super) const SERIES: [Stroke; 8] = [
    solid(BLUE, 4),
    solid(VERMILLION, 4),
    dashed(GREEN, 5, (18, 6)),
    dashed(PURPLE, 5, (10, 6)),
    dashed(BLACK, 4, (4, 6)),
    solid(ORANGE, 4),
    dashed(SKY, 5, (26, 6)),
    dashed(FRAME, 5, (14, 10)),
];

/// The stroke of the thing at `place` where there may be more of them than [`SERIES`] has: colours come back, dotted.
pub(super) fn series(place: usize) -> Stroke {
    const DOTS: (i32, i32) = (3, 9);
    let stroke = SERIES[place % SERIES.len()];
    if place < SERIES.len() { stroke } else { Stroke { width: 5, dash: Some(DOTS), ..stroke } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_scenarios_as_are_compared_have_strokes_of_their_own() {
        let look = |place: usize| {
            let Stroke { color, dash, .. } = series(place);
            ((color.0, color.1, color.2), dash)
        };
        for place in 0..crate::experiment::ARMS_MAX {
            assert!((0..place).all(|other| look(other) != look(place)), "{place}");
        }
    }
}
