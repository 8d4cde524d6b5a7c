//! Floor 1: policies against the answers of the libraries they are named after, and against their own laws.

mod balancers;
mod breakers;
mod brokers_kafka;
mod brokers_oracle;
mod brokers_queue;
mod finagle;
mod hedges;
mod limiting;
mod limits;
mod registry;
mod retries;
mod rings;
mod throttles;
mod transports;
mod vectors;
