//! Whether a manifest holds what was read: written, read again, planned.
//!
//! Purpose: from a [`Draft`] to a [`Held`] manifest with its lockfile entry, or to the reason why there
//! can be none. Pure: no disk, no network.
//!
//! Invariants: a manifest is held only if the plan that the next run would make of it is empty; what is
//! in the way of that is taken out, field by field, and told, at most `ROUNDS` times; a quote that the
//! rounds do not settle is refused, not forced.

use std::collections::{BTreeMap, BTreeSet};

use super::catalog::Shelf;
use super::disown::{clear, disown, path_at};
use super::{Held, Refused};
use crate::desired::{Quote, WantedState};
use crate::failure::{Diagnostic, Severity};
use crate::key::{ConnectionName, QuoteName, WorkspaceName};
use crate::lockfile::{Entry, RefRecord, web_link};
use crate::manifest::write::{Remarks, quote_text};
use crate::manifest::{LoadOptions, Loaded, blank_quote, load_bytes};
use crate::output::text::safe_line;
use crate::plan::build::{self, Subject, Terms};
use crate::plan::decide::state_fingerprint;
use crate::plan::diff::STATE;
use crate::plan::model::{Action, Plan};
use crate::provider::import::{Imported, Lost};
use crate::provider::listing::Seen;
use crate::provider::state::{Move, State};
use crate::provider::survey::Ask;
use crate::provider::{Dialect, Reader, Requests};

/// How often a manifest is mended before it is given up.
const ROUNDS: usize = 8;

/// What every manifest of a run is read against.
pub struct Scene<'a> {
    /// The workspace.
    pub workspace: &'a WorkspaceName,
    /// Its file.
    pub workspace_text: &'a str,
    /// How manifests are loaded.
    pub options: &'a LoadOptions,
    /// The connection that is imported from.
    pub connection: &'a ConnectionName,
    /// Its provider.
    pub dialect: &'a dyn Dialect,
    /// Compares with what was read, and sends nothing here.
    pub reader: &'a dyn Reader,
}

/// A quote on its way.
pub struct Draft {
    seen: Seen,
    quote: Quote,
    parts: BTreeMap<String, String>,
    lost: Vec<Lost>,
    head: Vec<String>,
    file: String,
    text: String,
    /// Paths that were taken out already: the second time they are cleared.
    tried: BTreeSet<String>,
}

impl Draft {
    /// The manifest of a quote that was read, as the provider's mapping gives it.
    pub fn new(
        scene: &Scene<'_>,
        name: QuoteName,
        file: String,
        seen: Seen,
        shelf: &mut Shelf,
    ) -> Self {
        let blank = blank_quote(name, scene.connection.clone());
        let Imported { mut quote, parts, mut lost } = scene.dialect.import(&seen, blank);
        shelf.meet(&mut quote);
        let state = seen.observed.state.clone();
        quote.state = state_for(scene.dialect, &quote, &state);
        match quote.state {
            Some(asked) if State::Plain(asked) == state => {}
            _ => lost.push(Lost {
                path: "state".to_owned(),
                what: format!("upstream it is `{state}`"),
                aside: false,
            }),
        }
        let mut head = vec![format!(
            "Imported from `{}` ({}), quote {}.",
            scene.connection,
            scene.dialect.name(),
            seen.observed.id
        )];
        head.extend(seen.observed.links.get("quote").map(|url| format!("Customer's link: {url}")));
        if let Some(total) = seen.observed.total {
            head.push(format!("Total upstream: {total}"));
        }
        Self { seen, quote, parts, lost, head, file, text: String::new(), tried: BTreeSet::new() }
    }

    fn name(&self) -> &QuoteName {
        &self.quote.name
    }

    fn write(&mut self, products: &Shelf) {
        let mut remarks = Remarks { head: self.head.clone(), at: BTreeMap::new() };
        for lost in &self.lost {
            if lost.path.is_empty() {
                remarks.head.push(lost.what.clone());
            } else {
                remarks.at.entry(lost.path.clone()).or_default().push(lost.what.clone());
            }
        }
        self.text = quote_text(&products.tidied(&self.quote), &remarks);
    }

    /// Takes out what is in the way at a path; `false` = nothing is left to take.
    fn mend(&mut self, path: &str, why: &str) -> bool {
        let owned = self.quote.items.is_owned();
        let taken = self.tried.insert(path.to_owned()) && disown(&mut self.quote, path);
        // Of what only the connection's defaults would ask for, nothing is lost.
        let aside =
            !taken && self.tried.insert(format!("{path} null")) && clear(&mut self.quote, path);
        if taken || aside {
            let what = if owned && !self.quote.items.is_owned() {
                format!("the items stay upstream and are left out here, all of them: {why}")
            } else {
                why.to_owned()
            };
            self.lost.push(Lost { path: path.to_owned(), what, aside });
        }
        taken || aside
    }

    /// Takes out what a message points at: a line of the written text, or a field that the manifest
    /// has from the connection's defaults only and that is cleared here.
    fn mend_at(&mut self, problem: &Diagnostic) -> bool {
        let place = problem.place.as_ref().filter(|p| p.source.path == self.file);
        let path = place.and_then(|p| path_at(&self.text, p.line)).or_else(|| problem.path.clone());
        let Some(path) = path else { return false };
        let why = if problem.code == "reference-not-found" {
            format!("`{path}` is not upstream: the default of the connection is not for this quote")
        } else {
            format!("not held: {}", problem.message)
        };
        self.mend(&path, &why)
    }

    fn entry(&self, scene: &Scene<'_>) -> Entry {
        let observed = &self.seen.observed;
        let mut entry =
            Entry::new(scene.connection.clone(), scene.dialect.name(), observed.id.clone());
        entry.generation = 1;
        entry.stamp.clone_from(&observed.stamp);
        if observed.stamp.is_none() {
            entry.created.clone_from(&observed.created);
        }
        entry.state = Some(observed.state.word());
        entry.total = observed.total.or_else(|| scene.dialect.total(&observed.facts));
        for (name, url) in &observed.links {
            entry.links.extend(web_link(url).map(|url| (name.clone(), url)));
        }
        entry.parts = self
            .parts
            .iter()
            .filter(|(part, _)| self.owns(part))
            .filter_map(|(part, there)| Some((part.clone(), observed.parts.get(there)?.clone())))
            .collect();
        entry
    }

    /// Whether the manifest owns the list that a part is of.
    fn owns(&self, part: &str) -> bool {
        let quote = &self.quote;
        match part.split('[').next().unwrap_or_default() {
            "items" => quote.items.is_owned(),
            "discounts" => quote.discounts.is_owned(),
            "fees" => quote.fees.is_owned(),
            "taxes" => quote.taxes.is_owned(),
            _ => false,
        }
    }

    fn refused(self, why: impl Into<String>, help: Option<String>) -> Refused {
        Refused { id: self.seen.observed.id, why: why.into(), help }
    }
}

/// The state to ask for, so that nothing has to be moved: the one that there is, else the furthest one
/// behind it.
fn state_for(dialect: &dyn Dialect, quote: &Quote, there: &State) -> Option<WantedState> {
    use WantedState::{
        Accepted, Approved, Canceled, Declined, Draft, InReview, Ordered, Published, Rejected, Sent,
    };
    let own = match there {
        State::Plain(state) => Some(*state),
        _ => None,
    };
    let rest = [
        Published, Sent, Accepted, Approved, Ordered, Declined, Canceled, Rejected, InReview, Draft,
    ];
    let fits = |state: &WantedState| {
        let mut asks = quote.clone();
        asks.state = Some(*state);
        dialect.transition(Some(there), &State::Plain(*state)) == Move::InPlace
            && !dialect.check(&asks).iter().any(|d| d.code == "state-refused")
    };
    own.into_iter().chain(rest).find(fits)
}

/// Holds a batch of drafts, in order: a manifest and an entry, or why not.
pub fn hold(scene: &Scene<'_>, shelf: &Shelf, drafts: Vec<Draft>) -> Vec<Result<Held, Refused>> {
    let mut slots: Vec<Option<Result<Held, Refused>>> = drafts.iter().map(|_| None).collect();
    let mut open: Vec<(usize, Draft)> = drafts.into_iter().enumerate().collect();
    for round in 0..ROUNDS {
        if open.is_empty() {
            break;
        }
        for (_, draft) in &mut open {
            draft.write(shelf);
        }
        let files: Vec<(&str, &[u8])> = shelf
            .files()
            .chain(open.iter().map(|(_, d)| (d.file.as_str(), d.text.as_bytes())))
            .collect();
        let loaded = load_bytes(scene.workspace_text.as_bytes(), &files, scene.options);
        let judged = judge(scene, &loaded, open, round + 1 == ROUNDS);
        open = Vec::new();
        for (at, verdict) in judged {
            match verdict {
                Verdict::Done(done) => {
                    if let Some(slot) = slots.get_mut(at) {
                        *slot = Some(*done);
                    }
                }
                Verdict::Again(draft) => open.push((at, *draft)),
            }
        }
    }
    slots.into_iter().flatten().collect()
}

/// What one round says of a draft.
enum Verdict {
    Done(Box<Result<Held, Refused>>),
    Again(Box<Draft>),
}

impl Verdict {
    fn refuse(draft: Draft, why: impl Into<String>, help: Option<String>) -> Self {
        Self::Done(Box::new(Err(draft.refused(why, help))))
    }
}

fn judge(
    scene: &Scene<'_>,
    loaded: &Loaded,
    open: Vec<(usize, Draft)>,
    last: bool,
) -> Vec<(usize, Verdict)> {
    let read: BTreeMap<&QuoteName, &Quote> = loaded.quotes.iter().map(|q| (&q.name, q)).collect();
    let mut faults: BTreeMap<&str, Vec<&Diagnostic>> = BTreeMap::new();
    for fault in loaded.diagnostics.iter().filter(|d| d.severity == Severity::Error) {
        let file = fault.place.as_ref().map_or("", |p| p.source.path.as_str());
        faults.entry(file).or_default().push(fault);
    }
    open.into_iter()
        .map(|(at, mut draft)| {
            let mine = faults.get(draft.file.as_str()).cloned().unwrap_or_default();
            let Some(quote) = read.get(draft.name()).copied().filter(|_| mine.is_empty()) else {
                let why =
                    mine.first().map_or("its manifest cannot be read", |d| d.message.as_str());
                let why = safe_line(why).into_owned();
                let mended = !last && mine.iter().filter(|d| draft.mend_at(d)).count() > 0;
                return (
                    at,
                    if mended {
                        Verdict::Again(Box::new(draft))
                    } else {
                        Verdict::refuse(draft, why, None)
                    },
                );
            };
            (at, plan_of(scene, quote, draft, last))
        })
        .collect()
}

/// Makes the plan of one manifest.
fn plan_of(scene: &Scene<'_>, quote: &Quote, mut draft: Draft, last: bool) -> Verdict {
    let checked = scene.dialect.check(quote);
    let wrong: Vec<&Diagnostic> =
        checked.iter().filter(|d| d.severity == Severity::Error).collect();
    if let Some(first) = wrong.first() {
        let mended = !last && wrong.iter().filter(|d| draft.mend_at(d)).count() > 0;
        let (why, help) = (first.message.clone(), first.help.clone());
        return if mended {
            Verdict::Again(Box::new(draft))
        } else {
            Verdict::refuse(draft, why, help)
        };
    }
    let mut entry = draft.entry(scene);
    let first = scene.reader.resurvey(&[(ask(scene, quote, &entry), &draft.seen)]);
    let want = match scene.dialect.facts(quote, &first) {
        Ok(want) => want,
        Err(wrong) => {
            let mended = !last && wrong.iter().filter(|d| draft.mend_at(d)).count() > 0;
            let told = wrong.first().map(|d| (d.message.clone(), d.help.clone()));
            let (why, help) = told.unwrap_or_default();
            return if mended {
                Verdict::Again(Box::new(draft))
            } else {
                Verdict::refuse(draft, why, help)
            };
        }
    };
    // What a provider cannot read back is taken as recorded; what it can is compared below.
    entry.fields =
        want.iter().map(|(path, v)| (path.clone(), v.fingerprint(&quote.name, path))).collect();
    let asked = State::Plain(quote.state.unwrap_or(WantedState::Draft));
    entry.fields.insert(crate::facts::Path::new(STATE), state_fingerprint(&quote.name, &asked));
    let survey = scene.reader.resurvey(&[(ask(scene, quote, &entry), &draft.seen)]);
    if let Some(refs) = survey.refs.get(&quote.name) {
        entry.refs = refs
            .iter()
            .map(|(path, r)| (path.clone(), RefRecord { asked: r.asked, id: r.id.clone() }))
            .collect();
    }
    let subject = Subject {
        quote: &quote.name,
        connection: scene.connection,
        desired: Some(quote),
        entry: Some(&entry),
        was: None,
        stamped_as: None,
        source: None,
        elsewhere: None,
    };
    let account =
        build::Account { dialect: scene.dialect, survey: &survey, requests: Requests::default() };
    let accounts = BTreeMap::from([(scene.connection.clone(), account)]);
    let (plan, _) = build::build(scene.workspace, &[subject], &accounts, &Terms::default());
    settle(&plan, draft, entry, last)
}

/// Done where the plan is empty; else what it would change is taken out.
fn settle(plan: &Plan, mut draft: Draft, entry: Entry, last: bool) -> Verdict {
    let Some(row) = plan.quotes.first() else {
        return Verdict::refuse(draft, "no plan can be made of it", None);
    };
    if row.action == Action::None && row.changes.is_empty() && row.waits_for.is_none() {
        let notes = draft.lost.iter().filter(|l| !l.aside).map(|l| l.what.clone()).collect();
        return Verdict::Done(Box::new(Ok(Held {
            name: draft.quote.name,
            file: draft.file,
            text: draft.text,
            entry,
            notes,
        })));
    }
    let mut mended = false;
    for change in row.changes.iter().filter(|c| c.path.as_str() != STATE && !last) {
        let show = |v: &Option<crate::facts::Value>| {
            v.as_ref().map_or_else(|| "nothing".to_owned(), ToString::to_string)
        };
        let why = format!(
            "`{}` is not held: it is {} upstream, and the manifest would ask for {}",
            change.path,
            show(&change.before),
            show(&change.after)
        );
        mended |= draft.mend(change.path.as_str(), &why);
    }
    if mended {
        return Verdict::Again(Box::new(draft));
    }
    let paths: Vec<&str> = row.changes.iter().map(|c| c.path.as_str()).take(5).collect();
    let why = row
        .reason
        .clone()
        .unwrap_or_else(|| format!("no manifest would leave it as it is ({})", paths.join(", ")));
    Verdict::refuse(draft, why, row.help.clone())
}

fn ask<'a>(scene: &Scene<'a>, quote: &'a Quote, entry: &'a Entry) -> Ask<'a> {
    Ask {
        workspace: scene.workspace,
        quote: &quote.name,
        desired: Some(quote),
        entry: Some(entry),
        recorded_as: None,
    }
}
