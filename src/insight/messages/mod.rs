//! Messages in verdict and story: a queue between those who ask and those who do hides from the users that something is
//! wrong, until it does not. So groups of consumers are judged beside workloads, and what happens to their messages is told
//! beside what happens to services.

pub(super) mod blame;
pub(super) mod events;
pub(super) mod onsets;
pub(super) mod sustain;
pub(super) mod verdict;
