//! Floor 4: the order of events against a plain heap, and the laws that every run keeps whatever the model.

mod agenda;
mod arrivals;
mod keys;
mod laws;
mod ledger;
mod messages;
mod recipe;
mod sessions;
mod traces;
