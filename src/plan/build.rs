//! From surveys of all connections to one plan.
//!
//! Invariants: quotes are in name order; a quote that is not selected is not in the plan; every
//! entry of the lockfile is either planned, orphaned, or not selected, never forgotten in silence.

use std::collections::{BTreeMap, BTreeSet};

use super::decide::{self, Case, Decision, decide};
use super::model::{Action, MoneyLine, Plan, QuotePlan};
use crate::desired::Quote;
use crate::facts::Facts;
use crate::failure::{Diagnostic, Severity};
use crate::key::{ConnectionName, QuoteName, StepId, WorkspaceName};
use crate::lockfile::origin::origin_of;
use crate::lockfile::{Entry, Lockfile};
use crate::money::Amount;
use crate::provider::step::{Effects, Step};
use crate::provider::survey::{Ask, Sight, Survey};
use crate::provider::{Dialect, Requests};

/// A quote of the workspace with what belongs to it, ready to be asked about.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// The quote.
    pub quote: &'a QuoteName,
    /// The connection it is asked on.
    pub connection: &'a ConnectionName,
    /// The manifest, if there is one.
    pub desired: Option<&'a Quote>,
    /// The entry, if there is one.
    pub entry: Option<&'a Entry>,
    /// The earlier name (`was:`), when the entry bears it: a rename is to be recorded.
    pub was: Option<&'a QuoteName>,
    /// The entry that the quote was migrated from, where it has none of its own.
    pub source: Option<&'a Entry>,
    /// The earlier name under which the remote stamps may still be made.
    pub stamped_as: Option<&'a QuoteName>,
    /// The provider that the entry was made on, where the connection leads to another one now.
    pub elsewhere: Option<&'a str>,
}

impl<'a> Subject<'a> {
    /// The question for a reader.
    pub fn ask(&self, workspace: &'a WorkspaceName) -> Ask<'a> {
        Ask {
            workspace,
            quote: self.quote,
            desired: self.desired,
            // An id of another account or provider must never be read here.
            entry: self
                .entry
                .filter(|e| e.connection == *self.connection && self.elsewhere.is_none()),
            recorded_as: self.stamped_as,
        }
    }

    /// All that is known of it, for the decision.
    fn case<'c>(
        &'c self,
        workspace: &'c WorkspaceName,
        sight: &'c Sight,
        want: &'c Facts,
        (prune, restamp): (bool, bool),
    ) -> Case<'c> {
        Case {
            workspace,
            quote: self.quote,
            connection: self.connection,
            desired: self.desired,
            entry: self.entry,
            was: self.was,
            stamped_as: self.stamped_as,
            source: self.source,
            sight,
            want,
            prune,
            restamp,
        }
    }
}

/// Pairs manifests with lockfile entries. Gives diagnostics for pairs that do not fit.
pub fn pair<'a>(
    quotes: &'a [Quote],
    lockfile: &'a Lockfile,
    selected: &dyn Fn(&QuoteName, &ConnectionName, Option<&Quote>) -> bool,
) -> (Vec<Subject<'a>>, Vec<Diagnostic>) {
    let names: BTreeSet<&QuoteName> = quotes.iter().map(|q| &q.name).collect();
    let mut taken: BTreeSet<&QuoteName> = BTreeSet::new();
    let mut used: BTreeSet<&QuoteName> = BTreeSet::new();
    let mut subjects = Vec::with_capacity(quotes.len());
    let mut diagnostics = Vec::new();
    for desired in quotes {
        let own = lockfile.entries.get(&desired.name);
        let recorded = own.and_then(|e| e.was.as_ref());
        let mut alias = desired.was.as_ref().or(recorded).filter(|a| **a != desired.name);
        if let Some(was) = alias.filter(|was| names.contains(was)) {
            diagnostics.push(
                Diagnostic::error(
                    "was-still-exists",
                    format!("`{}` was `{was}`, but there is a manifest of that name", desired.name),
                )
                .at(desired.origin.place("was"))
                .help("rename one of the two, or take `was` out")
                .about(&desired.name),
            );
            alias = None;
        }
        if let Some(was) = alias
            && !taken.insert(was)
        {
            diagnostics.push(
                Diagnostic::error("was-taken-twice", format!("two quotes were `{was}`"))
                    .at(desired.origin.place("was"))
                    .help("only one quote can be the new name of another")
                    .about(&desired.name),
            );
        }
        // An entry under the old name is this quote's, unless there is one under the new name
        // that leads elsewhere.
        let old = alias.and_then(|was| lockfile.entries.get(was));
        let renamed = old.is_some_and(|old| own.is_none_or(|own| own.id == old.id));
        used.extend(alias.filter(|_| renamed));
        // Renamed twice before anything was stamped anew, the stamp is still the first name's.
        let first = old.filter(|_| renamed).and_then(|old| old.was.as_ref());
        let stamped_as = first.filter(|first| **first != desired.name).or(alias);
        if selected(&desired.name, &desired.connection, Some(desired)) {
            subjects.push(Subject {
                quote: &desired.name,
                connection: &desired.connection,
                desired: Some(desired),
                entry: own.or(old),
                was: alias.filter(|_| renamed),
                source: own.or(old).is_none().then(|| source_of(lockfile, desired)).flatten(),
                stamped_as,
                elsewhere: None,
            });
        }
    }
    for (name, entry) in &lockfile.entries {
        if !names.contains(name) && !used.contains(name) && selected(name, &entry.connection, None)
        {
            subjects.push(Subject {
                quote: name,
                connection: &entry.connection,
                desired: None,
                entry: Some(entry),
                was: None,
                source: None,
                stamped_as: entry.was.as_ref(),
                elsewhere: None,
            });
        }
    }
    subjects.sort_by_key(|s| s.quote);
    (subjects, diagnostics)
}

/// What a quote that is not recorded yet was migrated from.
fn source_of<'l>(lockfile: &'l Lockfile, desired: &Quote) -> Option<&'l Entry> {
    origin_of(lockfile, &desired.name, &desired.connection).map(|(_, entry)| entry)
}

/// One connection as the planner sees it.
pub struct Account<'a> {
    /// Its provider.
    pub dialect: &'a dyn Dialect,
    /// What was seen of it.
    pub survey: &'a Survey,
    /// Requests sent for the survey.
    pub requests: Requests,
}

/// What the plan is made under.
#[derive(Clone, Debug, Default)]
pub struct Terms {
    /// Delete orphaned quotes.
    pub prune: bool,
    /// Guardrails overridden.
    pub overrides: Vec<String>,
    /// Effects that the workspace allows without a flag.
    pub allowed: Effects,
    /// Quotes that are recorded without a stamp are to get one.
    pub restamp: bool,
}

/// Makes the plan. Diagnostics with severity error make it unfit to be applied.
pub fn build(
    workspace: &WorkspaceName,
    subjects: &[Subject<'_>],
    accounts: &BTreeMap<ConnectionName, Account<'_>>,
    terms: &Terms,
) -> (Plan, Vec<Diagnostic>) {
    let mut diagnostics: Vec<Diagnostic> = Vec::new();
    let mut plan = Plan {
        format: 1,
        kind: "plan".to_owned(),
        id: String::new(),
        workspace: workspace.clone(),
        offline: false,
        prune: terms.prune,
        overrides: terms.overrides.clone(),
        allowed: terms.allowed.clone(),
        preparations: Vec::new(),
        quotes: Vec::new(),
        requests: BTreeMap::new(),
    };
    for (connection, account) in accounts {
        diagnostics.extend(account.survey.problems.iter().cloned());
        let broken: BTreeSet<&QuoteName> = account
            .survey
            .problems
            .iter()
            .filter(|d| d.severity == Severity::Error)
            .filter_map(|d| d.quote.as_ref())
            .collect();
        let mine: Vec<&Subject<'_>> =
            subjects.iter().filter(|s| s.connection == connection).collect();
        let (quotes, preparations, problems) =
            plan_account(workspace, connection, account, &mine, &broken, terms);
        diagnostics.extend(problems);
        let mut requests = account.requests;
        requests.write = expected_writes(account.dialect, &preparations, &quotes);
        plan.requests.insert(connection.clone(), requests);
        plan.preparations.extend(preparations);
        // The usual workspace has one connection: its rows are taken as they are.
        if plan.quotes.is_empty() {
            plan.quotes = quotes;
        } else {
            plan.quotes.extend(quotes);
        }
    }
    plan.quotes.sort_by(|a, b| a.quote.cmp(&b.quote));
    diagnostics.sort_by(|a, b| (a.severity, &a.quote).cmp(&(b.severity, &b.quote)));
    plan.id = digest(&plan);
    (plan, diagnostics)
}

/// The plan's identity: a digest of all of it but the id itself and the count of requests.
pub fn digest(plan: &Plan) -> String {
    // Every field is named, so that a new one cannot be forgotten here.
    let Plan {
        format,
        kind,
        id: _,
        workspace,
        offline,
        prune,
        overrides,
        allowed,
        preparations,
        quotes,
        requests: _,
    } = plan;
    let head = (format, kind, workspace, prune, overrides, allowed);
    let name = if *offline { "proforma 2026 offline plan 1" } else { "proforma 2026 plan 2" };
    let digester = crate::key::Digester::new(name);
    let mut out = std::io::BufWriter::new(digester);
    // A digester takes everything, and all of a plan has a JSON form.
    let _ = serde_json::to_writer(&mut out, &(head, preparations, quotes));
    out.into_inner().map(|digester| digester.finish().to_string()).unwrap_or_default()
}

fn plan_account(
    workspace: &WorkspaceName,
    connection: &ConnectionName,
    account: &Account<'_>,
    subjects: &[&Subject<'_>],
    broken: &BTreeSet<&QuoteName>,
    terms: &Terms,
) -> (Vec<QuotePlan>, Vec<Step>, Vec<Diagnostic>) {
    let asks = (terms.prune, terms.restamp);
    let mut problems = Vec::new();
    let mut decided: Vec<(&Subject<'_>, &Sight, Decision)> = Vec::with_capacity(subjects.len());
    for subject in subjects.iter().filter(|s| !broken.contains(s.quote)) {
        let Some(sight) = account.survey.sights.get(subject.quote) else { continue };
        let want = match subject.desired.map(|d| account.dialect.facts(d, account.survey)) {
            None => Facts::new(),
            Some(Ok(want)) => want,
            Some(Err(found)) => {
                problems.extend(found.into_iter().map(|d| d.about(subject.quote)));
                continue;
            }
        };
        let case = subject.case(workspace, sight, &want, asks);
        let mut decision = decide(&case, account.dialect, account.survey);
        moved_away(&case, subject.elsewhere, connection, &mut decision);
        // Of a quote that is as it should be, nothing is shown and nothing read back.
        let at_rest = decision.plan.action == Action::None && decision.plan.changes.is_empty();
        if decision.active || !at_rest {
            decision.plan.want = want;
        }
        decided.push((subject, sight, decision));
    }
    let (preparations, steps) = {
        let works: Vec<_> = decided
            .iter()
            .filter(|(_, _, decision)| decision.active)
            .map(|(subject, sight, d)| d.work(&subject.case(workspace, sight, &d.plan.want, asks)))
            .collect();
        let preparations = account.dialect.preparations(account.survey, &works);
        let steps: Vec<Vec<Step>> =
            works.iter().map(|work| account.dialect.steps(work, account.survey)).collect();
        (preparations, steps)
    };
    let mut steps = steps.into_iter();
    let plans = decided
        .into_iter()
        .map(|(_, _, mut decision)| {
            if decision.active {
                decision.plan.steps = steps.next().unwrap_or_default();
            }
            decision.plan
        })
        .collect();
    (plans, preparations, problems)
}

/// The row of a quote of which nothing could be seen: blocked, without changes or steps. The
/// caller says why.
pub fn unseen(
    workspace: &WorkspaceName,
    subject: &Subject<'_>,
    dialect: &dyn Dialect,
) -> QuotePlan {
    let sight = Sight::Unverifiable(String::new());
    decide::unseen(&subject.case(workspace, &sight, &Facts::new(), (false, false)), dialect)
}

/// A manifest that names another connection than its lockfile entry, or a connection that leads to
/// another provider now: both quotes would exist, and nobody would know of the first.
fn moved_away(
    case: &Case<'_>,
    elsewhere: Option<&str>,
    connection: &ConnectionName,
    decision: &mut Decision,
) {
    let Some(entry) = case.entry else { return };
    let (reason, help) = if entry.connection != *connection {
        (
            format!(
                "it is recorded on connection `{}` (id {}), but its manifest says `{connection}`",
                entry.connection, entry.id
            ),
            format!("give the quote on `{connection}` a name of its own"),
        )
    } else if let Some(provider) = elsewhere {
        (
            format!(
                "it is recorded on {provider} (id {}), and the connection `{connection}` leads to another provider now",
                entry.id
            ),
            format!(
                "give the new provider a connection of its own in proforma.yaml, and `{connection}` its old one back"
            ),
        )
    } else {
        return;
    };
    decision.active = false;
    let plan = &mut decision.plan;
    plan.action = Action::Blocked;
    plan.record = None;
    plan.reason = Some(reason);
    plan.help = Some(format!(
        "{help}, or leave the old one behind with `proforma lock forget {}`",
        case.quote
    ));
}

/// The write requests that an apply of these steps takes, batches counted once.
fn expected_writes(dialect: &dyn Dialect, preparations: &[Step], quotes: &[QuotePlan]) -> u64 {
    let mut classes: BTreeMap<_, usize> = BTreeMap::new();
    for step in preparations.iter().chain(quotes.iter().flat_map(|q| &q.steps)) {
        if !step.is_read_back() {
            *classes.entry(dialect.batch(step)).or_default() += 1;
        }
    }
    classes.iter().map(|(class, count)| count.div_ceil(class.max.max(1)) as u64).sum()
}

/// Totals a currency over the quotes that the plan touches or that are in place. A quote that stays
/// and of which one side is not known counts on neither: it has not come from or gone to nothing.
pub fn money(plan: &Plan) -> Vec<MoneyLine> {
    let mut lines: BTreeMap<_, (Amount, Amount)> = BTreeMap::new();
    let known = |quote: &&QuotePlan| match quote.action {
        Action::Create | Action::Delete | Action::Forget => true,
        _ => quote.total_before.is_some() && quote.total_after.is_some(),
    };
    for quote in plan.quotes.iter().filter(known) {
        for (total, after) in [(quote.total_before, false), (quote.total_after, true)] {
            let Some(money) = total else { continue };
            let sums = lines.entry(money.currency).or_default();
            let sum = if after { &mut sums.1 } else { &mut sums.0 };
            *sum = sum.plus(money.amount).unwrap_or(*sum);
        }
    }
    lines
        .into_iter()
        .map(|(currency, (before, after))| MoneyLine { currency, before, after })
        .collect()
}

/// The ids of all steps, to be looked up by need.
pub fn steps(plan: &Plan) -> BTreeMap<&StepId, &Step> {
    plan.preparations
        .iter()
        .chain(plan.quotes.iter().flat_map(|q| &q.steps))
        .map(|s| (&s.id, s))
        .collect()
}
