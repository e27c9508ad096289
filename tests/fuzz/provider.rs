//! Each provider's answers, from bytes to a plan and its pages.
//!
//! The first byte says what is asked: a plan, the look for a lost creation, or the writes that
//! made the quotes. The rest bends the answers, see [`super::upstream`].

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use proforma::cli::planning::failure_of;
use proforma::key::ConnectionName;
use proforma::manifest::ProviderName;
use proforma::output::plan_human::{Next, plan_human};
use proforma::output::plan_json::plan_json;
use proforma::output::theme::Look;
use proforma::plan::build::digest;
use proforma::plan::model::{Action, Plan};
use proforma::provider::Made;
use proforma::provider::step::{Effect, Outcome, Step, Trouble};

use super::shown;
use super::stage::Stage;
use super::upstream::{TOKEN, Tape};

pub fn check_hubspot(data: &[u8]) {
    check(ProviderName::Hubspot, data);
}

pub fn check_quickquote(data: &[u8]) {
    check(ProviderName::Quickquote, data);
}

pub fn check_salesbyte(data: &[u8]) {
    check(ProviderName::Salesbyte, data);
}

pub fn check_dealhub(data: &[u8]) {
    check(ProviderName::Dealhub, data);
}

thread_local! {
    static STAGES: RefCell<BTreeMap<ProviderName, Stage>> = const { RefCell::new(BTreeMap::new()) };
}

fn check(provider: ProviderName, data: &[u8]) {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    let runtime = runtime.unwrap();
    STAGES.with_borrow_mut(|stages| {
        let stage =
            stages.entry(provider).or_insert_with(|| runtime.block_on(Stage::set(provider)));
        let (first, rest) = data.split_first().unwrap_or((&0, &[]));
        let tape = Tape::new(rest);
        runtime.block_on(async {
            match first % 4 {
                0 => plans(stage, tape, rest.is_empty()).await,
                1 => plans_without_references(stage, tape).await,
                2 => locates(stage, tape, rest.is_empty()).await,
                _ => performs(stage, tape, rest.is_empty()).await,
            }
        });
    });
}

/// No page and no document of a plan is led astray, whatever was answered; its steps make sense.
async fn plans(stage: &Stage, tape: Tape, honest: bool) {
    let (reader, _) = stage.bent(tape);
    let survey = match stage.survey(&*reader, true).await {
        Ok(survey) => survey,
        Err(trouble) => {
            assert!(!honest, "{trouble}");
            return told(&trouble);
        }
    };
    assert_eq!(reader.requests().write, 0, "a plan wrote");
    let (plan, diagnostics) = stage.plan(&survey);
    shown::diagnostics(&diagnostics);
    make_sense(&plan);
    for look in [Look::plain(80), Look { verbose: true, ..Look::plain(40) }] {
        let page = plan_human(&plan, Next::Nothing, look);
        shown::page(&page);
        assert!(!page.contains(TOKEN), "the token is on the page");
    }
    let document = plan_json(&plan, &diagnostics);
    shown::document(&document);
    assert!(!document.contains(TOKEN), "the token is in the document");
    let saved = serde_json::to_string(&plan).unwrap();
    assert!(!saved.contains(TOKEN), "the token is in the saved plan");
    let again: Plan = serde_json::from_str(&saved).expect("a saved plan can be read");
    assert_eq!(digest(&again), plan.id, "a saved plan is whole");
    if honest {
        let action = |name: &str| plan.quotes.iter().find(|q| q.quote.as_str() == name).unwrap();
        assert_eq!(action("fresh").action, Action::Create, "{:?}", action("fresh"));
        assert_eq!(action("stray").action, Action::Adopt, "{:?}", action("stray"));
        // SalesByte's quotes are never written again, so an orphan there needs no owner.
        let swapped = action("swapped");
        let harmless = swapped.provider == "salesbyte" && swapped.action == Action::Orphaned;
        assert!(swapped.ownership_conflict || harmless, "{swapped:?}");
        let recorded = action("recorded");
        assert!(recorded.changes.iter().all(|c| !c.planned), "{recorded:?}");
    }
}

/// A read-back: no references are looked up.
async fn plans_without_references(stage: &Stage, tape: Tape) {
    let (reader, _) = stage.bent(tape);
    match stage.survey(&*reader, false).await {
        Ok(survey) => drop(stage.plan(&survey)),
        Err(trouble) => told(&trouble),
    }
}

/// One answer a lost creation, and never an absence that was not read.
async fn locates(stage: &Stage, tape: Tape, honest: bool) {
    let lost: Vec<&Step> = stage.groups.iter().flatten().filter(|s| s.creates()).collect();
    let (reader, _) = stage.bent(tape);
    match reader.locate(&lost, &stage.made).await {
        Ok(found) => {
            assert_eq!(found.len(), lost.len());
            for (step, located) in lost.iter().zip(&found) {
                let text = format!("{located:?}");
                assert!(!text.contains(TOKEN), "{text}");
                if honest {
                    assert!(text.starts_with("Found"), "{}: {text}", step.does);
                }
            }
        }
        Err(trouble) => {
            assert!(!honest, "{trouble}");
            told(&trouble);
        }
    }
}

/// One receipt a step, in order; a creation that is applied has an id.
async fn performs(stage: &Stage, tape: Tape, honest: bool) {
    let (_, writer) = stage.bent(tape);
    let mut made = Made::new();
    for group in &stage.groups {
        let steps: Vec<&Step> = group.iter().collect();
        let receipts = writer.perform(&steps, &made).await;
        assert_eq!(receipts.len(), steps.len(), "a receipt a step");
        for (step, receipt) in steps.iter().zip(receipts) {
            assert_eq!(step.id, receipt.step, "receipts are in order");
            match receipt.outcome {
                Outcome::Applied(id) => {
                    assert!(id.is_some() || !step.creates(), "{} gave no id", step.does);
                    made.extend(id.map(|id| (step.id.clone(), id)));
                }
                Outcome::Rejected(trouble)
                | Outcome::Unknown(trouble)
                | Outcome::NotSent(trouble) => {
                    assert!(!honest, "{}: {trouble}", step.does);
                    told(&trouble);
                }
            }
        }
    }
}

/// Trouble is told in bounded words, without the token.
#[track_caller]
fn told(trouble: &Trouble) {
    let failure = failure_of(&ConnectionName::parse("c").unwrap(), trouble);
    shown::failure(&failure);
    let all = format!("{failure:?}");
    assert!(!all.contains(TOKEN), "the token is told: {all}");
    assert!(all.len() < 40_000, "{} bytes of trouble", all.len());
}

fn make_sense(plan: &Plan) {
    let mut known = BTreeSet::new();
    let all = plan.preparations.iter().chain(plan.quotes.iter().flat_map(|q| &q.steps));
    for step in all {
        for need in &step.needs {
            assert!(known.contains(need), "{} comes before what it needs", step.does);
        }
        assert!(known.insert(step.id.clone()), "{} twice", step.id);
        assert!(step.effects.is_subset(&step.awaits), "{} has effects without consent", step.does);
    }
    for quote in &plan.quotes {
        let steps = &quote.steps;
        if matches!(
            quote.action,
            Action::Blocked | Action::Orphaned | Action::Unverifiable | Action::None
        ) {
            assert!(steps.is_empty(), "{:?} has steps", quote.action);
        }
        // Without `--prune`, nothing that the customer may see goes away but for a successor.
        let deletes = steps.iter().any(|s| s.effects.contains(&Effect::Delete));
        assert!(!deletes || quote.action == Action::Replace, "{:?} deletes", quote.action);
        if quote.ownership_conflict {
            assert!(steps.is_empty(), "a foreign object is written");
        }
    }
}
