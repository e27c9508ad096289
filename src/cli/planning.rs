//! Making a plan: survey every connection, then hand over to the pure planner. Shared by plan and
//! apply.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::join_all;
use tokio_util::sync::CancellationToken;

use super::args::Shape;
use super::connect::{self, Account};
use super::holding::{self, Forsaken};
use super::open::Opened;
use super::select::Selected;
use crate::apply::replay::OpenStep;
use crate::failure::{Diagnostic, Failure, Kind, Severity};
use crate::key::{ConnectionName, QuoteName};
use crate::plan::build::{self, Subject, Terms};
use crate::plan::guardrails::{self, Scene};
use crate::plan::model::{Action, Plan};
use crate::provider::step::{Effect, Effects, Trouble, TroubleKind};
use crate::provider::survey::{Ask, Survey};

/// A plan with what it was made from.
pub struct Planned {
    /// The plan.
    pub plan: Plan,
    /// What is wrong or worth knowing.
    pub diagnostics: Vec<Diagnostic>,
    /// Guardrails that it breaks, and (as warnings) those that could not be checked.
    pub refusals: Vec<Diagnostic>,
    /// Quotes that an earlier run may have made and that no plan looks at.
    pub forsaken: BTreeMap<QuoteName, Forsaken>,
    /// Renamed quotes: whose the steps of earlier runs are now.
    pub bearers: BTreeMap<QuoteName, QuoteName>,
    /// The connections.
    pub accounts: BTreeMap<ConnectionName, Account>,
    /// What was seen. Connections that are down are missing.
    pub surveys: BTreeMap<ConnectionName, Survey>,
    /// Connections that could not be asked. Nothing is known of their quotes.
    pub down: BTreeMap<ConnectionName, Trouble>,
    /// When the look at the upstreams began.
    pub seen_at: jiff::Timestamp,
}

impl Planned {
    /// Why nothing of the plan may be written, whatever else is the matter with it.
    pub fn refused(&self) -> Option<Kind> {
        let errors = |all: &[Diagnostic]| all.iter().any(|d| d.severity == Severity::Error);
        if errors(&self.diagnostics) {
            return Some(Kind::Invalid);
        }
        errors(&self.refusals).then_some(Kind::Guardrail)
    }

    /// Why the plan does not end in 0, if so (pending changes not counted).
    pub fn kind(&self) -> Option<Kind> {
        let mut kinds = BTreeSet::new();
        kinds.extend(self.refused());
        if !self.forsaken.is_empty() {
            kinds.insert(Kind::Unknown);
        }
        for quote in &self.plan.quotes {
            if quote.unsettled {
                kinds.insert(Kind::Unknown);
            } else if quote.ownership_conflict {
                kinds.insert(Kind::Ownership);
            } else if quote.action == Action::Blocked {
                kinds.insert(Kind::Partial);
            }
        }
        kinds.first().copied()
    }
}

/// Effects that the workspace allows without a flag.
pub fn standing_consent(opened: &Opened) -> Effects {
    opened.workspace.guardrails.allow.iter().filter_map(|e| Effect::parse(e.word())).collect()
}

/// The `--override` list, checked.
pub fn overrides(shape: &Shape) -> Result<Vec<String>, Failure> {
    for name in &shape.overrides {
        if !guardrails::NAMES.contains(&name.as_str()) {
            return Err(Failure::new(
                Kind::Invalid,
                format!("there is no guardrail `{}`", crate::output::text::safe(name)),
            )
            .help(format!("guardrails are: {}", guardrails::NAMES.join(", "))));
        }
    }
    let names: BTreeSet<&String> = shape.overrides.iter().collect();
    Ok(names.into_iter().cloned().collect())
}

/// The quotes that a command is about, with what is wrong or worth knowing before any look.
pub fn chosen<'o>(
    opened: &'o Opened,
    shape: &Shape,
) -> Result<(Vec<Subject<'o>>, Vec<Diagnostic>), Failure> {
    let selected = Selected::parse(&shape.selection.only, &shape.selection.except)?;
    let connections = &opened.workspace.connections;
    let provider = |c: &ConnectionName| connections.get(c).map_or("", |c| c.provider.word());
    let (mut subjects, mut diagnostics) =
        build::pair(&opened.loaded.quotes, &opened.lockfile, &|name, connection, desired| {
            selected.holds(name, connection, provider(connection), desired)
        });
    for subject in &mut subjects {
        let now = provider(subject.connection);
        let then = subject.entry.filter(|e| e.connection == *subject.connection);
        subject.elsewhere = then.map(|e| e.provider.as_str()).filter(|then| *then != now);
    }
    if subjects.is_empty() && !selected.is_all() {
        diagnostics.push(
            Diagnostic::warning("nothing-selected", "no quote matches `--only` and `--except`")
                .help("`proforma lock list` and the file names show what there is"),
        );
    }
    diagnostics.extend(opened.notes.iter().cloned());
    diagnostics.extend(offline_checks(opened, &subjects)?);
    Ok((subjects, diagnostics))
}

/// Surveys and plans. `open` are requests of earlier runs whose outcome is unknown.
pub async fn plan(
    opened: &Opened,
    shape: &Shape,
    consent: &Effects,
    open: &[OpenStep],
    parallelism: Option<usize>,
    stop: &CancellationToken,
) -> Result<Planned, Failure> {
    let overrides = overrides(shape)?;
    let (subjects, mut diagnostics) = chosen(opened, shape)?;
    let names: BTreeSet<&ConnectionName> = subjects.iter().map(|s| s.connection).collect();
    let names: Vec<&ConnectionName> = names.into_iter().collect();
    let forsaken = holding::forsaken(opened, open, &mut diagnostics);
    let accounts = connect::connect(opened, &names, parallelism, stop)?;
    let seen_at = opened.machine.now();
    let (surveys, down) = survey(opened, &subjects, &accounts).await?;
    let views = accounts
        .iter()
        .filter_map(|(name, account)| {
            let survey = surveys.get(name)?;
            let view = build::Account {
                dialect: &*account.dialect,
                survey,
                requests: account.reader.requests(),
            };
            Some((name.clone(), view))
        })
        .collect();
    let terms = Terms {
        prune: shape.prune,
        overrides,
        allowed: standing_consent(opened),
        restamp: shape.restamp,
    };
    let (mut plan, found) = build::build(&opened.workspace.name, &subjects, &views, &terms);
    diagnostics.extend(found);
    cut_off(&mut plan, &subjects, &accounts, &down);
    // Of a connection that did not answer, nothing is settled and nothing is known.
    let answered = open.iter().filter(|step| !down.contains_key(&step.intent.connection));
    holding::hold_unsettled(&mut plan, &subjects, answered, &accounts);
    let bearers = holding::bearers(&subjects, open);
    holding::hold_shared(&mut plan, &subjects, opened);
    let refusals = refusals(opened, &plan, consent);
    Ok(Planned { plan, diagnostics, refusals, forsaken, bearers, accounts, surveys, down, seen_at })
}

/// Adds the upstream's own price to quotes that would be made or replaced. A preview that fails is
/// a warning: the plan holds without it.
pub async fn preview(opened: &Opened, planned: &mut Planned) {
    let manifests: BTreeMap<&QuoteName, &crate::desired::Quote> =
        opened.loaded.quotes.iter().map(|q| (&q.name, q)).collect();
    for quote in &mut planned.plan.quotes {
        let (Some(account), Some(survey), Some(desired)) = (
            planned.accounts.get(&quote.connection).filter(|a| a.dialect.previews()),
            planned.surveys.get(&quote.connection),
            manifests.get(&quote.quote),
        ) else {
            continue;
        };
        if !matches!(quote.action, Action::Create | Action::Replace) {
            continue;
        }
        match account.reader.preview(desired, survey).await {
            Ok(price) => {
                quote.notices.push(match quote.total_after {
                    Some(total) if total == price => {
                        format!("{} prices it the same: {price}", quote.provider)
                    }
                    Some(total) => {
                        format!("{} prices it at {price}, this plan at {total}", quote.provider)
                    }
                    None => format!("{} prices it at {price}", quote.provider),
                });
                quote.total_after = quote.total_after.or(Some(price));
            }
            Err(trouble) => {
                let mut warning = Diagnostic::warning("no-preview", trouble.message)
                    .at(desired.place(""))
                    .about(&quote.quote);
                warning.help = trouble.help;
                planned.diagnostics.push(warning);
            }
        }
    }
    for (name, requests) in &mut planned.plan.requests {
        if let Some(account) = planned.accounts.get(name) {
            requests.read = account.reader.requests().read;
        }
    }
    planned.plan.id = build::digest(&planned.plan);
}

/// The guardrails that a plan breaks now.
pub fn refusals(opened: &Opened, plan: &Plan, consent: &Effects) -> Vec<Diagnostic> {
    let now = opened.machine.now();
    guardrails::check(
        plan,
        &Scene {
            guardrails: &opened.workspace.guardrails,
            quotes: &opened.loaded.quotes,
            lockfile: &opened.lockfile,
            now,
            today: now.to_zoned(opened.machine.zone()).date(),
            allowed: consent,
        },
    )
}

/// What each provider says of the manifests without looking upstream.
pub fn offline_checks(
    opened: &Opened,
    subjects: &[Subject<'_>],
) -> Result<Vec<Diagnostic>, Failure> {
    let mut dialects = BTreeMap::new();
    let mut found = Vec::new();
    for desired in subjects.iter().filter_map(|s| s.desired) {
        let Some(connection) = opened.workspace.connections.get(&desired.connection) else {
            continue;
        };
        if !dialects.contains_key(&desired.connection) {
            let dialect = connect::dialect(&desired.connection, connection)?;
            dialects.insert(desired.connection.clone(), dialect);
        }
        if let Some(dialect) = dialects.get(&desired.connection) {
            found.extend(dialect.check(desired).into_iter().map(|d| d.about(&desired.name)));
        }
    }
    if found.iter().any(|d| d.severity == Severity::Error) {
        return Err(Failure::new(
            Kind::Invalid,
            "some manifests ask for what their provider cannot do",
        )
        .with(found));
    }
    Ok(found)
}

type Troubles = BTreeMap<ConnectionName, Trouble>;

/// Surveys all connections at once. One that is down does not stop the others; when all are, that
/// is a failure.
async fn survey(
    opened: &Opened,
    subjects: &[Subject<'_>],
    accounts: &BTreeMap<ConnectionName, Account>,
) -> Result<(BTreeMap<ConnectionName, Survey>, Troubles), Failure> {
    let workspace = &opened.workspace.name;
    let asked = accounts.iter().map(|(name, account)| async move {
        let asks: Vec<Ask<'_>> =
            subjects.iter().filter(|s| s.connection == name).map(|s| s.ask(workspace)).collect();
        (name, account.reader.survey(&asks, true).await)
    });
    let mut surveys = BTreeMap::new();
    let mut troubles = Troubles::new();
    for (name, answer) in join_all(asked).await {
        match answer {
            Ok(survey) => {
                surveys.insert(name.clone(), survey);
            }
            Err(trouble) => {
                troubles.insert(name.clone(), trouble);
            }
        }
    }
    if surveys.is_empty()
        && let Some((name, trouble)) = troubles.iter().next()
    {
        return Err(failure_of(name, trouble));
    }
    Ok((surveys, troubles))
}

/// A connection's trouble as the failure of a command.
pub fn failure_of(name: &ConnectionName, trouble: &Trouble) -> Failure {
    let kind = match trouble.kind {
        TroubleKind::Credentials => Kind::Credentials,
        TroubleKind::Quota => Kind::Quota,
        TroubleKind::Interrupted => Kind::Interrupted,
        TroubleKind::Ownership => Kind::Ownership,
        TroubleKind::Waiting => Kind::Waiting,
        TroubleKind::Overtaken => Kind::Stale,
        TroubleKind::Refused | TroubleKind::Network => Kind::Other,
    };
    let mut failure = Failure::new(kind, format!("connection `{name}`: {}", trouble.message));
    failure.help.clone_from(&trouble.help);
    failure
}

/// Quotes of a connection that is down are blocked: with nothing seen of them, nothing may be
/// planned for them either.
fn cut_off(
    plan: &mut Plan,
    subjects: &[Subject<'_>],
    accounts: &BTreeMap<ConnectionName, Account>,
    down: &Troubles,
) {
    for (name, trouble) in down {
        let Some(account) = accounts.get(name) else { continue };
        plan.requests.insert(name.clone(), account.reader.requests());
        let mine = subjects.iter().filter(|s| s.connection == name);
        let workspace = &plan.workspace;
        let rows: Vec<_> = mine
            .map(|subject| {
                let mut row = build::unseen(workspace, subject, &*account.dialect);
                row.reason = Some(format!("connection `{name}`: {}", trouble.message));
                row.help.clone_from(&trouble.help);
                row
            })
            .collect();
        plan.quotes.extend(rows);
    }
    if !down.is_empty() {
        plan.quotes.sort_by(|a, b| a.quote.cmp(&b.quote));
        plan.id = build::digest(plan);
    }
}
