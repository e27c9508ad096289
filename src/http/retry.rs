//! What a failed attempt means: give, wait and try again, look first, or stop.
//!
//! Purpose: [`decide`] is a pure function from an attempt and the provider's [`Policy`] to a
//! [`Decision`]. The caller sleeps, so all of it is tested without a clock.
//!
//! Invariants: a request that may have been done is tried again only if doing it twice is the
//! same as once ([`Safety::Read`], [`Safety::Idempotent`]); a [`Safety::Once`] request is tried
//! again only after proof that nothing was done. The number of attempts is bounded, and the same
//! attempt, policy and jitter always give the same decision.

use std::time::Duration;

use super::Proof;
use super::limit::Class;
use super::policy::Policy;

/// What doing the request twice would mean.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Safety {
    /// It changes nothing.
    Read,
    /// It changes something, and twice is the same as once (a whole `PUT`, a `PATCH` with fixed
    /// values, a `DELETE`).
    Idempotent,
    /// Twice is a second object, message or bill.
    Once,
}

/// One attempt and how it ended.
#[derive(Clone, Copy, Debug)]
pub struct Attempt<'a> {
    /// Counted from 1.
    pub number: u32,
    /// What doing it twice would mean.
    pub safety: Safety,
    /// The limit class of the request.
    pub class: Class,
    /// How it ended.
    pub outcome: Outcome<'a>,
    /// Any number that differs between calls: spreads their retries.
    pub jitter: u64,
}

/// How an attempt ended.
#[derive(Clone, Copy, Debug)]
pub enum Outcome<'a> {
    /// Without an answer.
    Transport(Proof),
    /// With an answer.
    Answer {
        /// The HTTP status.
        status: u16,
        /// `Retry-After`, if it was sent and made sense.
        retry_after: Option<Duration>,
        /// The name of the limit that was hit (429 only).
        limit: Option<&'a str>,
    },
}

/// What to do now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Decision {
    /// Give the answer to the caller: it is a success.
    Give,
    /// Try the same request again after this time.
    Wait(Duration),
    /// It may have been done: look before repeating.
    Ambiguous,
    /// Stop.
    Fatal(Fatal),
}

/// Why there is no use in another attempt.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fatal {
    /// The request never left, several times over.
    NotSent,
    /// The upstream refused it, and nothing was done.
    Refused,
    /// The upstream does not accept the credentials.
    Credentials,
    /// A limit of the account is used up.
    Quota,
    /// A read got no usable answer, several times over.
    Unavailable,
}

/// What to do after an attempt.
pub fn decide(attempt: &Attempt<'_>, policy: &Policy) -> Decision {
    let last_try = Decision::Wait(backoff(attempt, policy));
    let again = attempt.number < policy.max_attempts;
    let settled = settle(attempt, policy);
    match attempt.outcome {
        Outcome::Transport(Proof::Ambiguous) if attempt.safety == Safety::Once => settled,
        Outcome::Transport(_) if again => last_try,
        Outcome::Transport(_) => settled,
        Outcome::Answer { status: 429, retry_after, limit } => {
            let rule = policy.limit_rule(limit, attempt.class);
            let step = rule.map_or(Some(policy.unnamed_limit), |r| r.wait);
            match step {
                Some(step) if attempt.number < policy.max_put_off => {
                    Decision::Wait(retry_after.unwrap_or(step.saturating_mul(attempt.number)))
                }
                _ => settled,
            }
        }
        Outcome::Answer { status, retry_after, .. } => {
            if let Some(least) = policy.put_off_wait(status) {
                if attempt.number >= policy.max_put_off {
                    return settled;
                }
                let wait = retry_after.unwrap_or(least.saturating_mul(attempt.number)).max(least);
                return Decision::Wait(wait);
            }
            if policy.is_ambiguous(status) && attempt.safety != Safety::Once && again {
                let wait = backoff(attempt, policy);
                return Decision::Wait(retry_after.map_or(wait, |r| r.max(wait)));
            }
            settled
        }
    }
}

/// What an attempt comes to when there is no other: attempts or time are used up.
pub fn settle(attempt: &Attempt<'_>, policy: &Policy) -> Decision {
    if policy.leaves_open(&attempt.outcome) {
        return match (attempt.safety, attempt.outcome) {
            (Safety::Read, Outcome::Answer { status: 300..=306, .. }) => {
                Decision::Fatal(Fatal::Refused)
            }
            (Safety::Read, _) => Decision::Fatal(Fatal::Unavailable),
            _ => Decision::Ambiguous,
        };
    }
    match attempt.outcome {
        Outcome::Transport(_) => Decision::Fatal(Fatal::NotSent),
        Outcome::Answer { status: 200..=299, .. } => Decision::Give,
        Outcome::Answer { status: 429, .. } => Decision::Fatal(Fatal::Quota),
        Outcome::Answer { status, .. } if policy.credentials.contains(&status) => {
            Decision::Fatal(Fatal::Credentials)
        }
        Outcome::Answer { .. } => Decision::Fatal(Fatal::Refused),
    }
}

/// 200 ms, 400 ms, 800 ms, ... up to the cap, each shortened by up to a half so that calls that
/// failed together do not come back together.
fn backoff(attempt: &Attempt<'_>, policy: &Policy) -> Duration {
    let doublings = attempt.number.saturating_sub(1).min(16);
    let full = policy.backoff.saturating_mul(1 << doublings).min(policy.backoff_cap);
    let spread = scramble(attempt.jitter ^ u64::from(attempt.number)) % 1024;
    let half = full / 2;
    half + half.saturating_mul(u32::try_from(spread).unwrap_or(0)) / 1024
}

/// The finaliser of `SplitMix64`: neighbouring numbers become unrelated ones.
fn scramble(n: u64) -> u64 {
    let n = n.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let n = (n ^ (n >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let n = (n ^ (n >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    n ^ (n >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::policy::LimitRule;

    const SEARCH: Class = Class("search");
    const LIMITS: &[LimitRule] = &[
        LimitRule { name: "TEN_SECONDLY_ROLLING", wait: Some(secs(10)), class: None },
        LimitRule { name: "SECONDLY", wait: Some(secs(1)), class: Some(SEARCH) },
        LimitRule { name: "DAILY", wait: None, class: None },
    ];

    const MOVING: &[(u16, Duration)] = &[(423, secs(2)), (477, secs(1))];

    const fn secs(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    fn policy() -> Policy {
        Policy {
            limits: LIMITS,
            put_off: MOVING,
            unnamed_limit: secs(10),
            classes: &[("/search", SEARCH)],
            ..Policy::default()
        }
    }

    fn with(number: u32, safety: Safety, outcome: Outcome<'_>) -> Decision {
        let attempt = Attempt { number, safety, class: Class::GENERAL, outcome, jitter: 7 };
        decide(&attempt, &policy())
    }

    fn status(status: u16) -> Outcome<'static> {
        Outcome::Answer { status, retry_after: None, limit: None }
    }

    fn limited(limit: Option<&str>, retry_after: Option<Duration>) -> Outcome<'_> {
        Outcome::Answer { status: 429, retry_after, limit }
    }

    #[test]
    fn success_is_given_and_refusal_is_final() {
        for good in [200, 201, 204, 207] {
            assert_eq!(with(1, Safety::Once, status(good)), Decision::Give);
        }
        for bad in [400, 404, 409, 414, 422, 307, 308] {
            for safety in [Safety::Read, Safety::Idempotent, Safety::Once] {
                assert_eq!(with(1, safety, status(bad)), Decision::Fatal(Fatal::Refused), "{bad}");
            }
        }
        assert_eq!(with(1, Safety::Read, status(401)), Decision::Fatal(Fatal::Credentials));
        assert_eq!(with(1, Safety::Once, status(403)), Decision::Fatal(Fatal::Credentials));
    }

    #[test]
    fn what_may_have_been_done_is_never_repeated_once() {
        for open in [500, 502, 503, 504, 521, 523, 524, 408, 599, 101] {
            assert_eq!(with(1, Safety::Once, status(open)), Decision::Ambiguous, "{open}");
            for safety in [Safety::Read, Safety::Idempotent] {
                assert!(matches!(with(1, safety, status(open)), Decision::Wait(_)), "{open}");
            }
            assert_eq!(with(6, Safety::Idempotent, status(open)), Decision::Ambiguous);
            assert_eq!(with(6, Safety::Read, status(open)), Decision::Fatal(Fatal::Unavailable));
        }
        let lost = Outcome::Transport(Proof::Ambiguous);
        assert_eq!(with(1, Safety::Once, lost), Decision::Ambiguous);
        assert!(matches!(with(5, Safety::Idempotent, lost), Decision::Wait(_)));
        assert_eq!(with(6, Safety::Idempotent, lost), Decision::Ambiguous);
        assert_eq!(with(1, Safety::Once, status(303)), Decision::Ambiguous);
        assert_eq!(with(1, Safety::Read, status(303)), Decision::Fatal(Fatal::Refused));
    }

    #[test]
    fn what_never_left_is_tried_again_whatever_it_is() {
        let refused = Outcome::Transport(Proof::NotSent);
        for safety in [Safety::Read, Safety::Idempotent, Safety::Once] {
            assert!(matches!(with(1, safety, refused), Decision::Wait(_)));
            assert_eq!(with(6, safety, refused), Decision::Fatal(Fatal::NotSent));
        }
    }

    #[test]
    fn limits_wait_as_their_name_says() {
        let ten = Some("TEN_SECONDLY_ROLLING");
        assert_eq!(with(1, Safety::Once, limited(ten, None)), Decision::Wait(secs(10)));
        assert_eq!(with(3, Safety::Once, limited(ten, None)), Decision::Wait(secs(30)));
        assert_eq!(with(2, Safety::Read, limited(Some("SECONDLY"), None)), Decision::Wait(secs(2)));
        assert_eq!(with(3, Safety::Once, limited(ten, Some(secs(4)))), Decision::Wait(secs(4)));
        assert_eq!(with(1, Safety::Read, limited(None, None)), Decision::Wait(secs(10)));
        assert_eq!(with(8, Safety::Read, limited(ten, None)), Decision::Fatal(Fatal::Quota));
        // Used up for the day: waiting is no use, whatever Retry-After says.
        let daily = limited(Some("DAILY"), Some(secs(1)));
        assert_eq!(with(1, Safety::Read, daily), Decision::Fatal(Fatal::Quota));
    }

    #[test]
    fn an_unnamed_limit_of_a_class_waits_by_the_class() {
        let attempt = Attempt {
            number: 2,
            safety: Safety::Read,
            class: policy().class_of("/crm/v3/objects/quotes/search"),
            outcome: limited(None, None),
            jitter: 0,
        };
        assert_eq!(decide(&attempt, &policy()), Decision::Wait(secs(2)));
    }

    #[test]
    fn put_off_requests_wait_at_least_their_time() {
        let locked = |after| Outcome::Answer { status: 423, retry_after: after, limit: None };
        assert_eq!(with(1, Safety::Once, locked(None)), Decision::Wait(secs(2)));
        assert_eq!(with(1, Safety::Once, locked(Some(secs(1)))), Decision::Wait(secs(2)));
        assert_eq!(with(8, Safety::Once, locked(None)), Decision::Fatal(Fatal::Refused));
        let moving = Outcome::Answer { status: 477, retry_after: Some(secs(40)), limit: None };
        assert_eq!(with(1, Safety::Once, moving), Decision::Wait(secs(40)));
    }

    #[test]
    fn backoff_doubles_is_capped_and_repeats_exactly() {
        let wait = |number, jitter| {
            let outcome = Outcome::Transport(Proof::NotSent);
            let a =
                Attempt { number, safety: Safety::Read, class: Class::GENERAL, outcome, jitter };
            backoff(&a, &policy())
        };
        for number in 1..40 {
            let full = Duration::from_millis(200) * (1 << (number - 1).min(16));
            let full = full.min(secs(10));
            for jitter in 0..50 {
                let w = wait(number, jitter);
                assert!(w >= full / 2 && w <= full, "{number} {w:?}");
                assert_eq!(w, wait(number, jitter));
            }
        }
        assert_ne!(wait(3, 1), wait(3, 2));
    }
}
