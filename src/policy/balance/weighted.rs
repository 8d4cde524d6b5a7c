//! Turns by weight: nginx's smooth weighted round robin, Envoy's scheduler of earliest deadlines, and chance.

use crate::base::random::Stream;

use super::Ask;

/// nginx's (`ngx_http_upstream_get_peer`): everybody gains his weight, the richest one is picked and pays what all have
/// gained. With weights 5, 1, 1: a a b a c a a.
#[derive(Clone, Debug, Default)]
pub struct SmoothWeighted {
    /// What each has gained, by replica number.
    current: Vec<f64>,
}

impl SmoothWeighted {
    /// One of `up`, of which the first wins a tie.
    pub fn pick(&mut self, up: &[u32], weight: impl Fn(u32) -> f64) -> u32 {
        let last = up[up.len() - 1] as usize;
        if last >= self.current.len() {
            self.current.resize(last + 1, 0.0);
        }
        let (mut total, mut best) = (0.0, up[0]);
        for &replica in up {
            let weight = weight(replica);
            total += weight;
            self.current[replica as usize] += weight;
            if self.current[replica as usize] > self.current[best as usize] {
                best = replica;
            }
        }
        self.current[best as usize] -= total;
        best
    }
}

/// Envoy's scheduler (`EdfScheduler`): each has a deadline; the earliest one is picked, and gets the next one after one
/// over its weight of that moment.
#[derive(Clone, Debug, Default)]
pub struct EarliestDeadline {
    /// By replica number; none for one that was never there.
    deadlines: Vec<Option<f64>>,
    now: f64,
}

impl EarliestDeadline {
    /// One of `up`, of which the first wins a tie.
    pub fn pick(&mut self, up: &[u32], weight: impl Fn(u32) -> f64) -> u32 {
        let last = up[up.len() - 1] as usize;
        if last >= self.deadlines.len() {
            self.deadlines.resize(last + 1, None);
        }
        let (mut best, mut earliest) = (up[0], f64::INFINITY);
        for &replica in up {
            // One that was away comes back as if it were new.
            let deadline = self.deadlines[replica as usize].filter(|deadline| *deadline >= self.now);
            let deadline = deadline.unwrap_or_else(|| self.now + 1.0 / weight(replica));
            self.deadlines[replica as usize] = Some(deadline);
            if deadline < earliest {
                (best, earliest) = (replica, deadline);
            }
        }
        self.now = earliest;
        self.deadlines[best as usize] = Some(earliest + 1.0 / weight(best));
        best
    }
}

/// Any of `up`, with chances by weight.
#[inline(never)]
pub(super) fn random(ask: &Ask<'_>, stream: &mut Stream) -> u32 {
    let weight = |replica: &u32| ask.fleet.weight(ask.now, *replica);
    let mut left = stream.uniform() * ask.up.iter().map(weight).sum::<f64>();
    let found = ask.up.iter().find(|replica| {
        left -= weight(replica);
        left < 0.0
    });
    found.copied().unwrap_or(ask.up[ask.up.len() - 1])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_earliest_deadline_gives_turns_by_weight() {
        let mut turns = EarliestDeadline::default();
        let mut counts = [0; 3];
        for _ in 0..700 {
            counts[turns.pick(&[0, 1, 2], |replica| [5.0, 1.0, 1.0][replica as usize]) as usize] += 1;
        }
        assert_eq!(counts, [500, 100, 100]);
    }

    #[test]
    fn one_that_was_away_does_not_get_all_that_it_has_missed() {
        let mut turns = EarliestDeadline::default();
        (0..100).for_each(|_| assert_eq!(turns.pick(&[0], |_| 1.0), 0));
        let next: Vec<u32> = (0..6).map(|_| turns.pick(&[0, 1], |_| 1.0)).collect();
        assert_eq!(next, [0, 1, 0, 1, 0, 1]);
    }
}
