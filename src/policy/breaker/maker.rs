//! A breaker of a library user's own: what the file cannot say, a program that uses the library can. It stands behind a
//! trait object, and costs nobody anything who does not have one.

use super::Breaker;

/// Makes the breaker of one client instance: one for each replica of the caller and each service that it calls.
///
/// ```
/// use brownout::policy::breaker::{Breaker, BreakerRules, BreakerSettings, BreakerState, Maker, Sees, Verdict};
/// use brownout::base::time::{Span, Time};
/// use brownout::policy::Outcomes;
///
/// /// Lets everything through.
/// struct Open;
/// impl Breaker for Open {
///     fn permit(&mut self, _: Time) -> bool { true }
///     fn record(&mut self, _: Time, _: Verdict, _: Span) {}
///     fn state(&self) -> BreakerState { BreakerState::Closed }
/// }
/// let rules = BreakerRules::Custom(Maker(|| Box::new(Open)));
/// let settings = BreakerSettings { rules, ignore: Outcomes::NONE, sees: Sees::Attempts };
/// assert_eq!(settings.name(), "custom");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Maker(pub fn() -> Box<dyn Breaker>);

impl PartialEq for Maker {
    fn eq(&self, other: &Maker) -> bool {
        std::ptr::fn_addr_eq(self.0, other.0)
    }
}
