//! Floor 1: policies against the answers of the libraries they are named after, and against their own laws.

mod balancers;
mod breakers;
mod hedges;
mod limiting;
mod limits;
mod registry;
mod retries;
mod rings;
mod throttles;
mod transports;
mod vectors;
