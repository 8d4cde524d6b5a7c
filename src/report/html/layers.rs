//! The layout of the call graph: nodes in layers from left to right, edges around them. The crate `layout-rs` does it; what
//! it is asked to draw is taken down instead.

use layout::core::base::Orientation;
use layout::core::format::{ClipHandle, RenderBackend};
use layout::core::geometry::Point;
use layout::core::style::StyleAttr;
use layout::std_shapes::shapes::{Arrow, Element, ShapeKind};
use layout::topo::layout::VisualGraph;

/// Where everything is, in pixels.
#[derive(Debug, Default)]
pub(super) struct Layout {
    pub(super) size: (i32, i32),
    /// The middle of each node.
    pub(super) nodes: Vec<(i32, i32)>,
    /// Parallel to the edges.
    pub(super) paths: Vec<Path>,
}

/// The way of an edge.
#[derive(Clone, Debug, Default)]
pub(super) struct Path {
    /// As SVG writes it.
    pub(super) d: String,
    /// Whether it goes from the end to the start.
    pub(super) is_reversed: bool,
    /// Where a label has room.
    pub(super) middle: (i32, i32),
    /// Where it starts and ends.
    pub(super) start: (i32, i32),
    pub(super) end: (i32, i32),
}

/// Lays out nodes of these sizes, and edges between them.
pub(super) fn layout(sizes: &[(i32, i32)], edges: &[(usize, usize)]) -> Layout {
    let mut graph = VisualGraph::new(Orientation::LeftToRight);
    let style = StyleAttr::simple();
    let add = |(n, (width, height)): (usize, &(i32, i32))| {
        let size = Point::new(f64::from(*width), f64::from(*height));
        let shape = ShapeKind::new_box("");
        graph.add_node(Element::create_with_properties(
            shape,
            style.clone(),
            Orientation::LeftToRight,
            size,
            n.to_string(),
        ))
    };
    let handles: Vec<_> = sizes.iter().enumerate().map(add).collect();
    for (n, (from, to)) in edges.iter().enumerate() {
        let arrow = Arrow::simple_with_properties("", n.to_string());
        graph.add_edge(arrow, handles[*from], handles[*to]);
    }
    let mut notes = Notes {
        layout: Layout {
            nodes: vec![(0, 0); sizes.len()],
            paths: vec![Path::default(); edges.len()],
            ..Layout::default()
        },
        least: (f64::MAX, f64::MAX),
        most: (0.0, 0.0),
    };
    if !sizes.is_empty() {
        graph.do_it(false, false, false, &mut notes);
    }
    notes.finish()
}

/// Takes down what is drawn.
struct Notes {
    layout: Layout,
    least: (f64, f64),
    most: (f64, f64),
}

impl Notes {
    fn reaches(&mut self, at: Point) {
        self.least = (self.least.0.min(at.x), self.least.1.min(at.y));
        self.most = (self.most.0.max(at.x), self.most.1.max(at.y));
    }

    /// Moves all of it to the margin.
    fn finish(mut self) -> Layout {
        const MARGIN: f64 = 12.0;
        if self.least.0 > self.most.0 {
            return self.layout;
        }
        let shift = ((MARGIN - self.least.0).round() as i32, (MARGIN - self.least.1).round() as i32);
        for (x, y) in &mut self.layout.nodes {
            (*x, *y) = (*x + shift.0, *y + shift.1);
        }
        self.layout.size = (
            (self.most.0 - self.least.0 + 2.0 * MARGIN).ceil() as i32,
            (self.most.1 - self.least.1 + 2.0 * MARGIN).ceil() as i32,
        );
        for path in &mut self.layout.paths {
            path.middle = (path.middle.0 + shift.0, path.middle.1 + shift.1);
            path.d = moved(&path.d, shift);
            path.start = (path.start.0 + shift.0, path.start.1 + shift.1);
            path.end = (path.end.0 + shift.0, path.end.1 + shift.1);
        }
        self.layout
    }
}

impl Path {
    /// Goes on to the nodes at both ends, which are smaller than the room that they take: `from` and `to` are their middles,
    /// in the order of the edge, and `size` is theirs.
    pub(super) fn touch(&mut self, from: (i32, i32), to: (i32, i32), size: (i32, i32)) {
        let (first, last) = if self.is_reversed { (to, from) } else { (from, to) };
        let (start, end) = (border(first, self.start, size), border(last, self.end, size));
        let rest = self.d.strip_prefix("M ").unwrap_or(&self.d);
        self.d = format!("M {} {} L {rest} L {} {}", start.0, start.1, end.0, end.1);
    }
}

/// Where the line from the middle of a box to `to` leaves it.
fn border(middle: (i32, i32), to: (i32, i32), size: (i32, i32)) -> (i32, i32) {
    let (dx, dy) = (f64::from(to.0 - middle.0), f64::from(to.1 - middle.1));
    let part = |by: f64, half: i32| if by == 0.0 { f64::MAX } else { f64::from(half) / by.abs() };
    let scale = part(dx, size.0 / 2).min(part(dy, size.1 / 2)).min(1.0);
    (middle.0 + (dx * scale).round() as i32, middle.1 + (dy * scale).round() as i32)
}

/// A path whose numbers stand in pairs, moved.
fn moved(d: &str, shift: (i32, i32)) -> String {
    let mut is_x = true;
    let number = |word: &str| {
        let Ok(value) = word.parse::<i32>() else { return word.to_owned() };
        let by = if is_x { shift.0 } else { shift.1 };
        is_x = !is_x;
        (value + by).to_string()
    };
    d.split(' ').map(number).collect::<Vec<_>>().join(" ")
}

impl RenderBackend for Notes {
    fn draw_rect(&mut self, xy: Point, size: Point, _: &StyleAttr, properties: Option<String>, _: Option<ClipHandle>) {
        self.reaches(xy);
        self.reaches(xy.add(size));
        if let Some(n) = properties.and_then(|n| n.parse::<usize>().ok()) {
            self.layout.nodes[n] = ((xy.x + size.x / 2.0).round() as i32, (xy.y + size.y / 2.0).round() as i32);
        }
    }

    fn draw_arrow(
        &mut self,
        path: &[(Point, Point)],
        _: bool,
        head: (bool, bool),
        _: &StyleAttr,
        properties: Option<String>,
        _: &str,
    ) {
        path.iter().skip(1).for_each(|(_, at)| self.reaches(*at));
        let Some(n) = properties.and_then(|n| n.parse::<usize>().ok()) else { return };
        let [(start, control), (other, end), rest @ ..] = path else { return };
        let text = |at: &Point| format!("{} {}", at.x.round() as i32, at.y.round() as i32);
        let mut d = format!("M {} C {} {} {}", text(start), text(control), text(other), text(end));
        for (control, at) in rest {
            d += &format!(" S {} {}", text(control), text(at));
        }
        let joints: Vec<Point> = std::iter::once(*start).chain(path[1..].iter().map(|(_, at)| *at)).collect();
        let half = joints.len() / 2;
        let middle = joints[half - 1].add(joints[half]).scale(0.5);
        let place = |at: Point| (at.x.round() as i32, at.y.round() as i32);
        let end = joints.last().copied().unwrap_or(*start);
        self.layout.paths[n] =
            Path { d, is_reversed: head.0, middle: place(middle), start: place(*start), end: place(end) };
    }

    fn draw_line(&mut self, _: Point, _: Point, _: &StyleAttr, _: Option<String>) {}

    fn draw_circle(&mut self, _: Point, _: Point, _: &StyleAttr, _: Option<String>) {}

    fn draw_text(&mut self, _: Point, _: &str, _: &StyleAttr) {}

    fn create_clip(&mut self, _: Point, _: Point, _: usize) -> ClipHandle {
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn callers_stand_left_of_callees_and_none_on_another() {
        let edges = [(0, 1), (1, 2), (1, 3), (2, 4), (3, 4), (4, 1), (0, 4), (3, 3)];
        let layout = layout(&[(160, 58); 5], &edges);
        let at = |n: usize| layout.nodes[n];
        assert!(at(0).0 < at(1).0 && at(1).0 < at(2).0 && at(2).0 < at(4).0);
        for (n, one) in layout.nodes.iter().enumerate() {
            assert!(one.0 >= 80 && one.1 >= 29 && one.0 + 80 <= layout.size.0 && one.1 + 29 <= layout.size.1);
            for other in &layout.nodes[n + 1..] {
                assert!((one.0 - other.0).abs() >= 160 || (one.1 - other.1).abs() >= 58, "{one:?} {other:?}");
            }
        }
        assert!(layout.paths.iter().all(|path| path.d.starts_with("M ")), "{:?}", layout.paths);
        assert!(layout.paths[5].is_reversed && !layout.paths[0].is_reversed);
    }

    #[test]
    fn an_edge_ends_at_its_boxes() {
        let mut layout = layout(&[(200, 100); 2], &[(0, 1)]);
        let (from, to) = (layout.nodes[0], layout.nodes[1]);
        layout.paths[0].touch(from, to, (100, 40));
        let (start, end) = (format!("M {} {} L", from.0 + 50, from.1), format!("L {} {}", to.0 - 50, to.1));
        assert!(layout.paths[0].d.starts_with(&start) && layout.paths[0].d.ends_with(&end), "{:?}", layout.paths[0]);
    }

    #[test]
    fn nothing_needs_no_room() {
        assert_eq!(layout(&[], &[]).size, (0, 0));
    }

    #[test]
    fn a_path_moves_as_a_whole() {
        assert_eq!(
            moved("M 1 2 C 3 4 5 6 7 8 S 9 10 11 12", (10, 100)),
            "M 11 102 C 13 104 15 106 17 108 S 19 110 21 112"
        );
    }
}
