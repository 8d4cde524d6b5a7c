//! The configuration of HikariCP, a pool of connections to a database: what it makes of figures that it does not like
//! (`HikariConfig`'s setters refuse some; `validateNumerics` puts others right and says so in the log).
//!
//! A `[pool.NAME]` with `preset = "hikari"` is configured through it. Of what it knows, permits of a simulated pool have
//! a number and a patience; how many connections stand idle and how long one lives belongs to those who open them.

use crate::base::time::Span;

/// What HikariCP is told. `None` is what nobody has set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HikariConfig {
    /// `maximumPoolSize`.
    pub maximum_pool_size: Option<u32>,
    /// `minimumIdle`.
    pub minimum_idle: Option<u32>,
    /// `connectionTimeout`; `None` within is 0, which waits for ever.
    pub connection_timeout: Option<Option<Span>>,
    /// `maxLifetime`; zero is for ever.
    pub max_lifetime: Option<Span>,
}

/// What it then does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HikariPool {
    /// Connections at most.
    pub maximum_pool_size: u32,
    /// Connections that it keeps open when nobody needs them.
    pub minimum_idle: u32,
    /// How long a borrower waits; `None` is for ever.
    pub connection_timeout: Option<Span>,
    /// How long a connection lives; zero is for ever.
    pub max_lifetime: Span,
}

/// What it does not start with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HikariError {
    /// `connectionTimeout` is shorter than its least.
    #[error("minimum {} ms", HikariConfig::TIMEOUT_MIN.as_nanos() / 1_000_000)]
    TimeoutTooShort,
    /// `maximumPoolSize` is zero.
    #[error("a pool has at least one connection")]
    NoConnections,
}

impl HikariConfig {
    /// `SOFT_TIMEOUT_FLOOR`: a shorter `connectionTimeout` is refused.
    pub const TIMEOUT_MIN: Span = Span::from_millis(250);
    /// A shorter `maxLifetime` counts as its default.
    const LIFETIME_MIN: Span = Span::from_secs(30);
    const LIFETIME: Span = Span::from_secs(30 * 60);
    const SIZE: u32 = 10;
    const TIMEOUT: Span = Span::from_secs(30);

    /// The pool that comes of it.
    ///
    /// # Errors
    ///
    /// What HikariCP refuses to start with.
    pub fn validated(self) -> Result<HikariPool, HikariError> {
        let connection_timeout = self.connection_timeout.unwrap_or(Some(HikariConfig::TIMEOUT));
        if connection_timeout.is_some_and(|timeout| timeout < HikariConfig::TIMEOUT_MIN) {
            return Err(HikariError::TimeoutTooShort);
        }
        let maximum_pool_size = self.maximum_pool_size.unwrap_or(HikariConfig::SIZE);
        if maximum_pool_size == 0 {
            return Err(HikariError::NoConnections);
        }
        let lifetime = self.max_lifetime.unwrap_or(HikariConfig::LIFETIME);
        let is_too_short = !lifetime.is_zero() && lifetime < HikariConfig::LIFETIME_MIN;
        Ok(HikariPool {
            maximum_pool_size,
            minimum_idle: self.minimum_idle.map_or(maximum_pool_size, |idle| idle.min(maximum_pool_size)),
            connection_timeout,
            max_lifetime: if is_too_short { HikariConfig::LIFETIME } else { lifetime },
        })
    }
}
