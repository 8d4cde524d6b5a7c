//! A line in which mostly none or one stands. That one lies beside what else is touched with it, and not in a place of its
//! own which is in no cache.

use std::collections::VecDeque;

/// See the module.
#[derive(Clone, Debug)]
pub(super) struct Few<T> {
    first: Option<T>,
    /// Those behind the first; absent as long as there never was one.
    #[allow(clippy::box_collection, reason = "mostly absent, and then it takes a quarter of the room")]
    others: Option<Box<VecDeque<T>>>,
}

impl<T> Default for Few<T> {
    fn default() -> Few<T> {
        Few { first: None, others: None }
    }
}

impl<T> Few<T> {
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    #[inline]
    pub(super) fn len(&self) -> usize {
        usize::from(self.first.is_some()) + self.others().len()
    }

    #[inline]
    pub(super) fn front(&self) -> Option<&T> {
        self.first.as_ref()
    }

    #[inline]
    pub(super) fn back(&self) -> Option<&T> {
        self.others.as_ref().and_then(|others| others.back()).or(self.first.as_ref())
    }

    /// From the front to the back.
    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.first.iter().chain(self.others.iter().flat_map(|others| others.iter()))
    }

    #[inline]
    pub(super) fn push_back(&mut self, one: T) {
        match self.first {
            None => self.first = Some(one),
            Some(_) => self.others.get_or_insert_default().push_back(one),
        }
    }

    #[inline]
    pub(super) fn pop_front(&mut self) -> Option<T> {
        let next = self.others.as_mut().and_then(|others| others.pop_front());
        std::mem::replace(&mut self.first, next)
    }

    /// Puts one in, behind so many others.
    pub(super) fn insert(&mut self, place: usize, one: T) {
        let one = if place == 0 { self.first.replace(one) } else { Some(one) };
        if let Some(one) = one {
            self.others.get_or_insert_default().insert(place.saturating_sub(1), one);
        }
    }

    /// Takes one out, which is mostly the first.
    #[inline]
    pub(super) fn take_out(&mut self, one: &T)
    where
        T: PartialEq,
    {
        if self.first.as_ref() == Some(one) {
            self.pop_front();
        } else if let Some(others) = &mut self.others {
            others.retain(|other| other != one);
        }
    }

    fn others(&self) -> impl ExactSizeIterator<Item = &T> {
        self.others.as_ref().map(|others| others.iter()).unwrap_or_default()
    }
}

impl<T> IntoIterator for Few<T> {
    type Item = T;
    type IntoIter = std::iter::Chain<std::option::IntoIter<T>, std::collections::vec_deque::IntoIter<T>>;

    fn into_iter(self) -> Self::IntoIter {
        self.first.into_iter().chain(self.others.map(|others| *others).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// It does what a queue does that keeps all of them alike.
        #[test]
        fn is_a_queue(steps in prop::collection::vec((0u8..5, 0u8..6), 0..60)) {
            let (mut few, mut queue) = (Few::default(), VecDeque::new());
            for (step, n) in steps {
                match step {
                    0 | 1 => {
                        few.push_back(n);
                        queue.push_back(n);
                    }
                    2 => prop_assert_eq!(few.pop_front(), queue.pop_front()),
                    3 => {
                        let place = usize::from(n).min(queue.len());
                        few.insert(place, n);
                        queue.insert(place, n);
                    }
                    _ => {
                        // All that are equal to the first one go one by one, others at once.
                        if queue.front() == Some(&n) {
                            queue.pop_front();
                        } else {
                            queue.retain(|other| *other != n);
                        }
                        few.take_out(&n);
                    }
                }
                prop_assert_eq!((few.len(), few.is_empty()), (queue.len(), queue.is_empty()));
                prop_assert_eq!((few.front(), few.back()), (queue.front(), queue.back()));
                prop_assert!(few.iter().eq(&queue));
            }
            prop_assert!(few.into_iter().eq(queue));
        }
    }
}
