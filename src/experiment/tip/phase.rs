//! The phase diagram of two things: coarse squares are split where not all of their known points are in the same phase,
//! until a square is a step wide. A split square brings new points to the edges of its neighbours, which are split for
//! them in turn: so no boundary is lost that a coarse square has touched.

use std::collections::BTreeMap;

use super::point::{Phase, Point, Points};
use super::{ModelAt, Progress, TipEnded, TipPlan};
use crate::base::between::Lattice;
use crate::insight::statistics::{Sequential, Side};

use super::super::replicate::Watch;

/// So many squares stand side by side at the beginning.
const SQUARES: u32 = 4;

/// What was found.
#[derive(Clone, PartialEq, Debug)]
pub struct PhaseDiagram {
    /// Every point that ran, with the phase that it is in, if that is known; in the order of its places.
    pub points: Vec<(Point, Option<Phase>)>,
    /// The phase at every place.
    pub map: PhaseMap,
    /// Each point is in another phase with at most this probability.
    pub error: f64,
}

/// A phase for every pair of places: that of the point, or where none ran, that of all points around it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PhaseMap {
    steps: [u32; 2],
    phases: Vec<Option<Phase>>,
}

impl PhaseMap {
    /// At these places; `None` where luck decides.
    pub fn at(&self, [x, y]: [u32; 2]) -> Option<Phase> {
        self.phases[(y * (self.steps[0] + 1) + x) as usize]
    }

    /// The last place of either lattice.
    pub fn steps(&self) -> [u32; 2] {
        self.steps
    }
}

/// A part of the diagram: its first and its last places.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Square {
    from: [u32; 2],
    to: [u32; 2],
}

impl Square {
    fn corners(&self) -> [[u32; 2]; 4] {
        let Square { from, to } = *self;
        [from, [to[0], from[1]], [from[0], to[1]], to]
    }

    /// In two along each side that is longer than a step; none where neither is.
    fn split(&self) -> Vec<Square> {
        let cuts = |axis: usize| {
            let (from, to) = (self.from[axis], self.to[axis]);
            let middle = from.midpoint(to);
            if to - from > 1 { vec![(from, middle), (middle, to)] } else { vec![(from, to)] }
        };
        let (across, up) = (cuts(0), cuts(1));
        if across.len() == 1 && up.len() == 1 {
            return Vec::new();
        }
        let square = |(x, y): (&(u32, u32), &(u32, u32))| Square { from: [x.0, y.0], to: [x.1, y.1] };
        up.iter().flat_map(|y| across.iter().map(move |x| (x, y))).map(square).collect()
    }
}

/// Draws the diagram of what the two lattices vary.
///
/// # Errors
///
/// What is wrong with a scenario on the way, that `watch` has ended it, or that so few runs are never sure.
pub fn phase_diagram(
    lattices: [&Lattice; 2],
    model_at: ModelAt<'_>,
    plan: TipPlan,
    watch: Watch<'_>,
) -> Result<PhaseDiagram, TipEnded> {
    let error = 1.0 - plan.confidence;
    let test = Sequential::new(plan.share, error / Phase::ALL.len() as f64);
    let progress = Progress::new(watch);
    let fewest = test.fewest();
    let mut points = Points::new(model_at, plan, &progress, (fewest, test.fewest_for(Side::More)));
    let steps = lattices.map(Lattice::steps);
    let map = refine(steps, |wanted: &[[u32; 2]]| {
        progress.expect(wanted.len() as u32 * fewest.min(plan.replications));
        let wanted: Vec<Vec<u32>> = wanted.iter().map(|places| places.to_vec()).collect();
        points.judge(&wanted, 0, &|point| point.phase(&test).is_some())?;
        let phase = |places: &Vec<u32>| points.get(places).and_then(|point| point.phase(&test));
        Ok(wanted.iter().map(phase).collect())
    })?;
    let points = points.into_all().into_iter().map(|point| {
        let phase = point.phase(&test);
        (point, phase)
    });
    Ok(PhaseDiagram { points: points.collect(), map, error })
}

/// Asks for the phases of points, many at once, until the whole map is known.
fn refine<E>(
    steps: [u32; 2],
    mut phases_of: impl FnMut(&[[u32; 2]]) -> Result<Vec<Option<Phase>>, E>,
) -> Result<PhaseMap, E> {
    let mut known: BTreeMap<[u32; 2], Option<Phase>> = BTreeMap::new();
    let cuts = |steps: u32| {
        let squares = SQUARES.min(steps);
        (0..squares).map(move |n| (n * steps / squares, (n + 1) * steps / squares)).collect::<Vec<_>>()
    };
    let mut squares: Vec<Square> = Vec::new();
    for y in cuts(steps[1]) {
        squares.extend(cuts(steps[0]).iter().map(|x| Square { from: [x.0, y.0], to: [x.1, y.1] }));
    }
    loop {
        let mut wanted: Vec<[u32; 2]> = squares.iter().flat_map(Square::corners).collect();
        wanted.retain(|places| !known.contains_key(places));
        wanted.sort_unstable();
        wanted.dedup();
        let phases = phases_of(&wanted)?;
        known.extend(wanted.into_iter().zip(phases));
        let mut is_split = false;
        let mut next = Vec::new();
        for square in squares {
            let parts = if is_uniform(&square, &known) { Vec::new() } else { square.split() };
            is_split |= !parts.is_empty();
            if parts.is_empty() { next.push(square) } else { next.extend(parts) }
        }
        squares = next;
        if !is_split {
            break;
        }
    }
    let mut phases = vec![None; ((steps[0] + 1) * (steps[1] + 1)) as usize];
    let place = |[x, y]: [u32; 2]| (y * (steps[0] + 1) + x) as usize;
    for square in &squares {
        let phase = known[&square.from];
        for y in square.from[1]..=square.to[1] {
            (square.from[0]..=square.to[0]).for_each(|x| phases[place([x, y])] = phase);
        }
    }
    known.iter().for_each(|(places, phase)| phases[place(*places)] = *phase);
    Ok(PhaseMap { steps, phases })
}

/// Whether all points that are known of the square, its edges included, are in the same phase.
fn is_uniform(square: &Square, known: &BTreeMap<[u32; 2], Option<Phase>>) -> bool {
    let columns = known.range([square.from[0], 0]..=[square.to[0], u32::MAX]);
    let mut inside = columns.filter(|([_, y], _)| (square.from[1]..=square.to[1]).contains(y)).map(|(_, phase)| phase);
    let first = inside.next();
    inside.all(|phase| Some(phase) == first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_are_drawn_near_the_boundary_and_the_map_is_right_everywhere() {
        // Vulnerable above a slanted line, overloaded right of a straight one.
        let truth = |[x, y]: [u32; 2]| match () {
            () if x > 47 => Some(Phase::Overloaded),
            () if x + y > 60 => Some(Phase::Vulnerable),
            () => Some(Phase::Stable),
        };
        let mut asked = 0;
        let map = refine([64, 50], |wanted| {
            asked += wanted.len();
            Ok::<_, ()>(wanted.iter().map(|places| truth(*places)).collect())
        });
        let map = map.unwrap();
        for y in 0..=50 {
            (0..=64).for_each(|x| assert_eq!(map.at([x, y]), truth([x, y]), "{x} {y}"));
        }
        let all = 65 * 51;
        assert!(asked * 5 < all, "{asked} of {all} points ran");
    }

    #[test]
    fn small_diagrams_are_whole() {
        for steps in [[1, 1], [1, 3], [5, 2]] {
            let mut asked = Vec::new();
            let map = refine(steps, |wanted| {
                asked.extend_from_slice(wanted);
                Ok::<_, ()>(wanted.iter().map(|[x, _]| (*x > 0).then_some(Phase::Stable)).collect())
            });
            let map = map.unwrap();
            assert_eq!((map.at([0, 0]), map.at(steps)), (None, Some(Phase::Stable)));
            let mut once = asked.clone();
            once.sort_unstable();
            once.dedup();
            assert_eq!(once.len(), asked.len(), "no point is asked for twice");
        }
    }
}
