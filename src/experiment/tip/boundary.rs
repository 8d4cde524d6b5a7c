//! The boundary along one thing: the last value that ends well and the first that does not, by bisection.
//!
//! A bisection takes for granted that there is one boundary. Every point on its way is decided by a test so strict that
//! all of them together are as sure as was asked for. Where luck decides over a stretch, and so points stay open, both
//! ends of the stretch are searched; how wide the change from nearly all to nearly none is, the same runs and a few more
//! say.

use super::point::{Outcome, Point, Points};
use super::{ModelAt, Progress, TipEnded, TipPlan};
use crate::base::between::Lattice;
use crate::insight::statistics::{Sequential, Side};

use super::super::replicate::Watch;

/// So often at least a point runs that says how wide the change is.
const RUNS_OF_SPREAD: u32 = 20;
/// So many more points are run at most to find either end of it.
const POINTS_OF_SPREAD: u32 = 4;
/// Nearly all, and by what is missing to one nearly none.
const NEARLY_ALL: f64 = 0.9;

/// On which side it ends well.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Direction {
    /// Low values do: the highest of them is searched.
    Highest,
    /// High values do: the lowest of them is searched.
    Lowest,
}

/// Between which values luck decides.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Spread {
    /// The last place with nine of ten runs that end well, or more; `None` where not even the end has them.
    pub nearly_all: Option<u32>,
    /// The first with one of ten, or fewer.
    pub nearly_none: Option<u32>,
}

/// What was found.
#[derive(Clone, PartialEq, Debug)]
pub struct Boundary {
    /// Every point that ran, in the order of the values.
    pub points: Vec<(Point, Outcome)>,
    /// `None` where both ends end in the same way.
    pub direction: Option<Direction>,
    /// The last place that ends well. `None` where no end is known to.
    pub well: Option<u32>,
    /// The first place that does not.
    pub ill: Option<u32>,
    /// Where luck decides over a stretch that is wider than a step.
    pub spread: Option<Spread>,
    /// Whether points are decided the other way round than the boundary says: then there is more than one.
    pub is_crossed: bool,
    /// Each point is decided wrongly with at most this probability.
    pub error: f64,
}

impl Boundary {
    /// The point at `place`.
    pub fn point(&self, place: u32) -> Option<&Point> {
        self.points.iter().map(|(point, _)| point).find(|point| point.places == [place])
    }
}

/// Looks for the boundary between the ends of `lattice`.
///
/// # Errors
///
/// What is wrong with a scenario on the way, that `watch` has ended it, or that so few runs are never sure.
pub fn boundary(
    lattice: &Lattice,
    model_at: ModelAt<'_>,
    plan: TipPlan,
    watch: Watch<'_>,
) -> Result<Boundary, TipEnded> {
    let steps = lattice.steps();
    let halvings = u32::BITS - steps.leading_zeros();
    // Both ends, and a bisection for either end of what stays open.
    let error = (1.0 - plan.confidence) / f64::from(2 + 2 * halvings);
    let test = Sequential::new(plan.share, error);
    let progress = Progress::new(watch);
    let fewest = test.fewest();
    progress.expect((2 + halvings) * fewest.min(plan.replications));
    // Of one end it must be sure that it ends well, and of the other that it does not.
    let needed = test.fewest_for(Side::More).max(test.fewest_for(Side::Fewer));
    let points = Points::new(model_at, plan, &progress, (fewest, needed));
    let mut search = Search { points, test, steps, is_reversed: false };
    let ends = search.ends()?;
    let direction = match ends {
        (one, other) if one == other => None,
        (Outcome::Well, _) | (_, Outcome::Ill) => Some(Direction::Highest),
        _ => Some(Direction::Lowest),
    };
    let (mut well, mut ill, mut spread) = (None, None, None);
    if let Some(direction) = direction {
        search.is_reversed = direction == Direction::Lowest;
        (well, ill) = search.bisect()?;
        spread = search.spread(well, ill)?;
    }
    let outcomes = search.outcomes();
    let first_ill = outcomes.iter().position(|it| it.1 == Outcome::Ill);
    let last_well = outcomes.iter().rposition(|it| it.1 == Outcome::Well);
    let is_crossed = first_ill.zip(last_well).is_some_and(|(ill, well)| ill < well);
    let turned = |place: u32| search.turned(place);
    let (well, ill) = (well.map(turned), ill.map(turned));
    let spread = spread
        .map(|it: Spread| Spread { nearly_all: it.nearly_all.map(turned), nearly_none: it.nearly_none.map(turned) });
    let points = search.points.into_all().into_iter().map(|point| {
        let outcome = point.outcome(&test);
        (point, outcome)
    });
    Ok(Boundary {
        points: points.collect(),
        direction,
        well,
        ill,
        spread,
        is_crossed: direction.is_some() && is_crossed,
        error,
    })
}

/// Places are turned so that the first is on the side that ends well.
struct Search<'t> {
    points: Points<'t>,
    test: Sequential,
    steps: u32,
    is_reversed: bool,
}

impl Search<'_> {
    fn turned(&self, place: u32) -> u32 {
        if self.is_reversed { self.steps - place } else { place }
    }

    /// Both ends, at once.
    fn ends(&mut self) -> Result<(Outcome, Outcome), TipEnded> {
        let test = self.test;
        let ends = [vec![0], vec![self.steps]];
        self.points.judge(&ends, 0, &|point| point.outcome(&test) != Outcome::Open)?;
        Ok((self.outcome(0)?, self.outcome(self.steps)?))
    }

    fn outcome(&mut self, place: u32) -> Result<Outcome, TipEnded> {
        let (test, places) = (self.test, vec![self.turned(place)]);
        self.points.judge(std::slice::from_ref(&places), 0, &|point| point.outcome(&test) != Outcome::Open)?;
        Ok(self.points.get(&places).map_or(Outcome::Open, |point| point.outcome(&test)))
    }

    /// How every place ended that ran, in order.
    fn outcomes(&self) -> Vec<(u32, Outcome)> {
        let outcome = |place| {
            let point = self.points.get(&[self.turned(place)])?;
            Some((place, point.outcome(&self.test)))
        };
        self.places().into_iter().filter_map(outcome).collect()
    }

    /// The last place that is decided well and the first that is decided ill.
    fn bisect(&mut self) -> Result<(Option<u32>, Option<u32>), TipEnded> {
        let (mut low, mut high) = (0, self.steps);
        let (first, last) = (self.outcome(low)?, self.outcome(high)?);
        let mut open = None;
        while high - low > 1 && first == Outcome::Well && last == Outcome::Ill {
            let middle = low.midpoint(high);
            match self.outcome(middle)? {
                Outcome::Well => low = middle,
                Outcome::Ill => high = middle,
                Outcome::Open => {
                    open = Some(middle);
                    break;
                }
            }
        }
        let well = match first {
            Outcome::Well => Some(self.last(low, open.unwrap_or(high), |outcome| outcome == Outcome::Well)?),
            _ => None,
        };
        let ill = match last {
            Outcome::Ill => Some(self.last(open.unwrap_or(low), high, |outcome| outcome != Outcome::Ill)? + 1),
            _ => None,
        };
        Ok((well, ill))
    }

    /// The last place that `is_so` between `low`, which is, and `high`, which is not.
    fn last(&mut self, mut low: u32, mut high: u32, is_so: fn(Outcome) -> bool) -> Result<u32, TipEnded> {
        while high - low > 1 {
            let middle = low.midpoint(high);
            if is_so(self.outcome(middle)?) { low = middle } else { high = middle }
        }
        Ok(low)
    }

    /// How wide the change is, where some point had runs of both kinds.
    fn spread(&mut self, well: Option<u32>, ill: Option<u32>) -> Result<Option<Spread>, TipEnded> {
        let is_mixed = |place: &u32| {
            let point = self.points.get(&[self.turned(*place)]);
            point.is_some_and(|point| point.phases[0] > 0 && point.phases[0] < point.runs())
        };
        if !self.places().iter().any(is_mixed) {
            return Ok(None);
        }
        let nearly_all = self.edge(|share| share >= NEARLY_ALL)?;
        let nearly_none = match self.edge(|share| share > 1.0 - NEARLY_ALL)? {
            None => self.places().first().copied(),
            Some(place) => self.places().into_iter().find(|other| *other > place),
        };
        let is_wide = nearly_all.is_none() || nearly_all != well || nearly_none.is_none() || nearly_none != ill;
        let is_sharp = nearly_all.zip(nearly_none).is_some_and(|(all, none)| none <= all + 1);
        Ok((is_wide && !is_sharp).then_some(Spread { nearly_all, nearly_none }))
    }

    /// The last place of those that ran up to which the share of runs that end well `is_so`; a few more points run where
    /// that is not known well.
    fn edge(&mut self, is_so: fn(f64) -> bool) -> Result<Option<u32>, TipEnded> {
        for _ in 0..POINTS_OF_SPREAD {
            let around = self.around(is_so);
            // Few runs of the points beside the edge say little.
            let beside: Vec<Vec<u32>> =
                [around.0, around.1].into_iter().flatten().map(|place| vec![self.turned(place)]).collect();
            self.points.judge(&beside, RUNS_OF_SPREAD, &|_| true)?;
            match around {
                _ if self.around(is_so) != around => {}
                (Some(before), Some(after)) if after - before > 1 => {
                    let middle = [vec![self.turned(before.midpoint(after))]];
                    self.points.judge(&middle, RUNS_OF_SPREAD, &|_| true)?;
                }
                _ => break,
            }
        }
        Ok(self.around(is_so).0)
    }

    /// The last place that ran up to which it `is_so`, and the next one.
    fn around(&self, is_so: fn(f64) -> bool) -> (Option<u32>, Option<u32>) {
        let places = self.places();
        let share = |place: u32| self.points.get(&[self.turned(place)]).and_then(|it| it.well().share());
        let other = places.iter().position(|place| !share(*place).is_some_and(is_so)).unwrap_or(places.len());
        (other.checked_sub(1).map(|place| places[place]), places.get(other).copied())
    }

    /// Every place that ran, in order.
    fn places(&self) -> Vec<u32> {
        let mut places: Vec<u32> = self.points.places().map(|places| self.turned(places[0])).collect();
        places.sort_unstable();
        places
    }
}
