//! A few quotes first: apply them, read them back, compare their totals, and only then go on.
//!
//! Purpose: a mistake in a mapping shows on five quotes instead of ten thousand.
//!
//! Invariants: the choice is a function of the plan, so that a run can be repeated: the first quote
//! of each connection by name, then the second of each, and so on. What cannot be compared is not
//! taken for equal. Nothing of the other quotes is written, or recorded, before the verdict.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

use super::executor::Hand;
use super::outcome::outcome_of;
use super::report::QuoteOutcome;
use super::schedule::Schedule;
use crate::desired::Quote;
use crate::key::{ConnectionName, QuoteName, WorkspaceName};
use crate::lockfile::Lockfile;
use crate::money::Money;
use crate::plan::model::{Action, Plan, QuotePlan};
use crate::provider::Dialect;
use crate::provider::step::{Trouble, TroubleKind};
use crate::provider::survey::{Ask, Sight};

/// How many quotes go first.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Share {
    /// So many.
    Count(usize),
    /// So many of a hundred, rounded up.
    Percent(usize),
}

impl FromStr for Share {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "write a count from 1, or a share from `1%` to `100%`".to_owned();
        let number = |t: &str| t.parse::<usize>().ok().filter(|n| *n > 0).ok_or_else(wrong);
        match text.strip_suffix('%') {
            Some(share) => {
                number(share).ok().filter(|n| *n <= 100).map(Self::Percent).ok_or_else(wrong)
            }
            None => number(text).map(Self::Count),
        }
    }
}

/// The quotes that go first.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Canary {
    /// Their names.
    pub quotes: BTreeSet<QuoteName>,
    /// How many quotes there are to apply in all.
    pub of: usize,
}

impl Canary {
    /// The first of a plan's quotes that have something to do; stale ones are not among them.
    pub fn choose(plan: &Plan, stale: &BTreeMap<QuoteName, String>, share: Share) -> Self {
        let mut places: BTreeMap<&ConnectionName, usize> = BTreeMap::new();
        let mut all: Vec<(usize, &QuoteName)> = Vec::new();
        for quote in plan.quotes.iter().filter(|q| !q.steps.is_empty()) {
            if !stale.contains_key(&quote.quote) {
                let place = places.entry(&quote.connection).or_default();
                all.push((*place, &quote.quote));
                *place += 1;
            }
        }
        all.sort_unstable();
        let most = match share {
            Share::Count(n) => n,
            Share::Percent(p) => all.len().saturating_mul(p).div_ceil(100),
        };
        let quotes = all.iter().take(most).map(|(_, name)| (*name).clone()).collect();
        Self { quotes, of: all.len() }
    }

    /// Whether a quote belongs to the first group: a canary, or one with nothing to write.
    pub fn goes_first(&self, plan: &QuotePlan) -> bool {
        plan.steps.is_empty() || self.quotes.contains(&plan.quote)
    }
}

/// What became of the canaries.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Verdict {
    /// The canaries.
    pub quotes: BTreeSet<QuoteName>,
    /// How many quotes there were to apply in all.
    pub of: usize,
    /// Canaries that are not as planned, with the reason.
    pub failed: BTreeMap<QuoteName, Trouble>,
}

impl Verdict {
    /// Why the other quotes were not touched; `None` where they were.
    pub fn stopped(&self) -> Option<String> {
        let (quote, trouble) = self.failed.iter().next()?;
        let more = self.failed.len() - 1;
        let others = if more > 0 { format!(" (and {more} more)") } else { String::new() };
        Some(format!("the canary `{quote}` is not as planned: {}{others}", trouble.message))
    }

    /// The trouble of a quote that was not touched.
    pub fn held_back(&self) -> Option<Trouble> {
        let why = self.stopped()?;
        Some(
            Trouble::new(TroubleKind::Refused, format!("not started: {why}"))
                .help("mend what the canary shows, then run apply again: it goes on from here"),
        )
    }
}

/// What the verdict rests on.
pub struct Scene<'s> {
    /// The workspace.
    pub workspace: &'s WorkspaceName,
    /// The manifests.
    pub quotes: &'s BTreeMap<&'s QuoteName, &'s Quote>,
    /// The plans.
    pub plans: &'s BTreeMap<&'s QuoteName, &'s QuotePlan>,
    /// The connections.
    pub hands: &'s BTreeMap<ConnectionName, Hand<'s>>,
    /// What is recorded now.
    pub lockfile: &'s Lockfile,
}

/// Looks at the canaries again, and compares their totals with the planned ones.
pub async fn judge(canary: &Canary, schedule: &Schedule<'_>, scene: &Scene<'_>) -> Verdict {
    let mut verdict =
        Verdict { quotes: canary.quotes.clone(), of: canary.of, failed: BTreeMap::new() };
    let mut open: BTreeMap<&ConnectionName, Vec<&QuotePlan>> = BTreeMap::new();
    for plan in canary.quotes.iter().filter_map(|q| scene.plans.get(q)) {
        let steps: Vec<_> =
            schedule.all().filter(|(s, _)| s.quote.as_ref() == Some(&plan.quote)).collect();
        let (outcome, trouble, _) = outcome_of(plan, &steps, None, false);
        match outcome {
            QuoteOutcome::Applied | QuoteOutcome::Unchanged | QuoteOutcome::Waiting => {
                open.entry(&plan.connection).or_default().push(plan);
            }
            _ => {
                let unsaid = || Trouble::new(TroubleKind::Refused, "it was not applied");
                verdict.failed.insert(plan.quote.clone(), trouble.unwrap_or_else(unsaid));
            }
        }
    }
    for (connection, plans) in open {
        let Some(hand) = scene.hands.get(connection) else { continue };
        let entry = |q: &QuoteName| scene.lockfile.entries.get(q);
        let asks: Vec<Ask<'_>> = plans
            .iter()
            .map(|plan| Ask {
                workspace: scene.workspace,
                quote: &plan.quote,
                desired: scene.quotes.get(&plan.quote).copied(),
                entry: entry(&plan.quote),
                recorded_as: entry(&plan.quote).and_then(|e| e.was.as_ref()),
            })
            .collect();
        let survey = hand.reader.survey(&asks, false).await;
        for plan in plans {
            let judged = match &survey {
                Ok(survey) => {
                    let sight = survey.sights.get(&plan.quote);
                    compare(plan, expected(plan, scene.lockfile), sight, hand.dialect)
                }
                Err(trouble) => Err(format!("it could not be read again: {}", trouble.message)),
            };
            if let Err(why) = judged {
                verdict.failed.insert(plan.quote.clone(), Trouble::new(TroubleKind::Refused, why));
            }
        }
    }
    verdict
}

/// The total that a quote must have: the planned one; where the provider makes its own prices, that
/// of the quote that it was migrated from.
fn expected(plan: &QuotePlan, lockfile: &Lockfile) -> Option<Money> {
    plan.total_after.or_else(|| {
        let from = lockfile.entries.get(&plan.quote)?.from.as_ref()?;
        let mut sources = lockfile.entries.values();
        sources.find(|e| e.connection == from.connection && e.id == from.id)?.total
    })
}

fn compare(
    plan: &QuotePlan,
    expected: Option<Money>,
    sight: Option<&Sight>,
    dialect: &dyn Dialect,
) -> Result<(), String> {
    if matches!(plan.action, Action::Delete | Action::Forget) {
        return Ok(());
    }
    let observed = match sight {
        Some(Sight::Found(observed)) => observed,
        Some(Sight::Unverifiable(why)) => return Err(format!("nothing can be read back: {why}")),
        Some(Sight::Foreign { why, .. }) => return Err(why.clone()),
        Some(Sight::Absent | Sight::Gone) | None => {
            return Err("it is not there when it is read again".to_owned());
        }
    };
    let there = observed.total.or_else(|| dialect.total(&observed.facts));
    match (expected, there) {
        (Some(planned), Some(there)) if planned == there => Ok(()),
        (Some(planned), Some(there)) => {
            Err(format!("its total differs: planned {planned}, upstream it is {there}"))
        }
        (Some(planned), None) => {
            Err(format!("its total cannot be read back to compare it with {planned}"))
        }
        (None, Some(there)) => Err(format!(
            "no total was planned to compare with the {there} that the upstream has: look at it, then apply without a canary"
        )),
        (None, None) => {
            Err("neither plan nor upstream tells a total: nothing can be compared".to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_a_count_or_a_percentage() {
        assert_eq!("5".parse(), Ok(Share::Count(5)));
        assert_eq!("1%".parse(), Ok(Share::Percent(1)));
        for bad in ["0", "0%", "101%", "-1", "", "%", "a", "1.5%"] {
            assert!(bad.parse::<Share>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_verdict_names_the_first_and_counts_the_rest() {
        let mut verdict = Verdict::default();
        assert_eq!(verdict.stopped(), None);
        for name in ["b", "a"] {
            let name = QuoteName::parse(name).unwrap();
            verdict.failed.insert(name, Trouble::new(TroubleKind::Refused, "x"));
        }
        let told = verdict.stopped().unwrap();
        assert_eq!(told, "the canary `a` is not as planned: x (and 1 more)");
        assert!(verdict.held_back().unwrap().message.starts_with("not started: "));
    }
}
