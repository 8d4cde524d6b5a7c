//! Who of a group gets which partitions of one topic.
//!
//! Source: apache/kafka `RangeAssignor`, `RoundRobinAssignor`, `AbstractStickyAssignor` (for members that all subscribe
//! to the same topic).

use super::{Member, Partition};

/// How partitions are given to members.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Assignor {
    /// Each a run of neighbours; the first members get one more where they do not come out even.
    #[default]
    Range,
    /// In turn.
    RoundRobin,
    /// As evenly, and as few as possible change hands.
    Sticky,
}

impl Assignor {
    /// The member of each partition; `members` are in order and not none. `previous` is who had a partition last.
    pub(super) fn assign(
        self,
        members: &[Member],
        partitions: u32,
        previous: impl Fn(Partition) -> Option<Member>,
    ) -> Vec<Member> {
        let count = members.len() as u32;
        let (least, more) = (partitions / count, partitions % count);
        match self {
            Assignor::Range => {
                let shares = members.iter().zip(0..).map(|(member, n)| (*member, least + u32::from(n < more)));
                shares.flat_map(|(member, share)| std::iter::repeat_n(member, share as usize)).collect()
            }
            Assignor::RoundRobin => (0..partitions).map(|n| members[(n % count) as usize]).collect(),
            Assignor::Sticky => sticky(members, partitions, previous),
        }
    }
}

fn sticky(members: &[Member], partitions: u32, previous: impl Fn(Partition) -> Option<Member>) -> Vec<Member> {
    let count = members.len() as u32;
    let (least, mut more) = (partitions / count, partitions % count);
    // What everybody had, and then what everybody gets.
    let mut shares = vec![0; members.len()];
    let place = |partition| previous(partition).and_then(|member| members.binary_search(&member).ok());
    let had: Vec<Option<usize>> = (0..partitions).map(|n| place(Partition(n))).collect();
    had.iter().flatten().for_each(|member| shares[*member] += 1);
    let mut quotas: Vec<u32> = vec![least; members.len()];
    let mut by_share: Vec<usize> = (0..members.len()).collect();
    // Who had more than the least keeps it, as long as there is one more to have; then the first.
    by_share.sort_by_key(|member| std::cmp::Reverse(shares[*member].min(least + 1)));
    for member in by_share {
        if more == 0 {
            break;
        }
        quotas[member] += 1;
        more -= 1;
    }
    let mut left = quotas;
    let mut owners: Vec<Option<usize>> = vec![None; had.len()];
    for (owner, had) in owners.iter_mut().zip(&had) {
        if let Some(member) = had.filter(|member| left[*member] > 0) {
            left[member] -= 1;
            *owner = Some(member);
        }
    }
    let mut next = 0;
    let mut hungry = || {
        while left[next] == 0 {
            next += 1;
        }
        left[next] -= 1;
        next
    };
    owners.into_iter().map(|owner| members[owner.unwrap_or_else(&mut hungry)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(assignor: Assignor, members: &[u32], previous: &[u32]) -> Vec<u32> {
        let members: Vec<Member> = members.iter().map(|member| Member(*member)).collect();
        let had = |partition: Partition| Some(Member(previous[partition.index()]));
        assignor.assign(&members, previous.len() as u32, had).iter().map(|member| member.0).collect()
    }

    #[test]
    fn everybody_gets_as_many() {
        assert_eq!(given(Assignor::Range, &[1, 4, 5], &[0; 7]), [1, 1, 1, 4, 4, 5, 5]);
        assert_eq!(given(Assignor::RoundRobin, &[1, 4, 5], &[0; 7]), [1, 4, 5, 1, 4, 5, 1]);
        assert_eq!(given(Assignor::Range, &[1, 4, 5], &[0; 2]), [1, 4]);
    }

    #[test]
    fn as_few_as_possible_change_hands() {
        assert_eq!(given(Assignor::Sticky, &[0, 1, 2], &[0, 0, 0, 1, 1, 1]), [0, 0, 2, 1, 1, 2], "one comes");
        assert_eq!(given(Assignor::Sticky, &[0, 2], &[0, 0, 1, 1, 2, 2]), [0, 0, 0, 2, 2, 2], "one goes");
        assert_eq!(given(Assignor::Sticky, &[0, 1], &[1, 0, 1, 1, 0]), [1, 0, 1, 1, 0], "nothing happens");
        assert_eq!(given(Assignor::Sticky, &[7, 8], &[0, 0, 0]), [7, 7, 8], "from nobody");
    }
}
