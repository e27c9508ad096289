//! A migration for people: the sum first, then what differs, what is lost, what is unmapped, and
//! what to do next.
//!
//! Invariants: everything that is impossible or has another total is counted in any case, and
//! named up to a number of lines; `-v` names all. A pure function of the migration and the look.

use super::layout::{Page, plain, span};
use super::migrate_groups::{self as grouped, WORTH};
use super::theme::{Look, Tone};
use super::wording;
use crate::migrate::report::{Migration, Outcome, Written};

/// Lines of one kind, unless asked for more.
const MOST: usize = 20;

/// The page. `archive` = the run was to archive, not to write.
pub fn migrate_human(migration: &Migration, archive: bool, program: &str, look: Look) -> String {
    let mut page = Page::new(look);
    let most = if look.verbose { usize::MAX } else { MOST };
    page.flow(0, 2, &[span(grouped::headline(migration), Tone::Strong)]);
    page.flow(0, 2, &[plain(grouped::counts(migration))]);
    if archive {
        archived(&mut page, migration, most);
        return page.finish();
    }
    different(&mut page, migration, most);
    for outcome in WORTH {
        groups(&mut page, migration, outcome, most);
    }
    unmapped(&mut page, migration, most);
    next(&mut page, migration, program);
    page.finish()
}

fn heading(page: &mut Page, text: impl Into<String>) {
    page.blank();
    page.flow(0, 2, &[span(text.into(), Tone::Strong)]);
}

fn rest(page: &mut Page, total: usize, most: usize, what: &str) {
    if total > most {
        let text = format!("… {} (-v names all)", wording::count(total - most, what));
        page.flow(2, 4, &[span(text, Tone::Muted)]);
    }
}

fn different(page: &mut Page, migration: &Migration, most: usize) {
    let all = grouped::different(migration);
    if all.is_empty() {
        return;
    }
    heading(page, "Other totals");
    for quote in all.iter().take(most) {
        let totals = wording::total(quote.totals.before, quote.totals.after).unwrap_or_default();
        let why =
            quote.totals.why.as_deref().map(|w| wording::one_line(w, 300)).unwrap_or_default();
        let name = wording::one_line(quote.quote.as_str(), 80);
        page.flow(
            2,
            4,
            &[span(name, Tone::Strong), plain(format!("  {totals}  because of {why}"))],
        );
    }
    rest(page, all.len(), most, "more quote");
}

fn tone(outcome: Outcome) -> Tone {
    match outcome {
        Outcome::Impossible => Tone::Blocked,
        Outcome::Lost => Tone::Delete,
        Outcome::Approximated | Outcome::Rounded => Tone::Drift,
        Outcome::Converted => Tone::Update,
        Outcome::Exact | Outcome::Local => Tone::Muted,
    }
}

fn groups(page: &mut Page, migration: &Migration, outcome: Outcome, most: usize) {
    let all = grouped::groups(migration, outcome);
    if all.is_empty() {
        return;
    }
    let mut word = outcome.word().to_owned();
    if let Some(first) = word.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    heading(page, word);
    for group in all.iter().take(most) {
        let why = wording::one_line(group.why, 300);
        let example = wording::one_line(group.example, 80);
        let field = wording::one_line(&group.field, 80);
        page.flow(
            2,
            4,
            &[
                span(format!("{} x {field}", group.count), tone(outcome)),
                plain(format!("  {why}")),
                span(format!("  ({example})"), Tone::Muted),
            ],
        );
    }
    rest(page, all.len(), most, "more reason");
}

fn unmapped(page: &mut Page, migration: &Migration, most: usize) {
    for (section, names) in migration.unmapped.iter().filter(|(_, names)| !names.is_empty()) {
        heading(page, format!("Unmapped {section}: {}", names.len()));
        for (name, hint) in names.iter().take(most) {
            let (name, hint) = (wording::one_line(name, 80), wording::one_line(hint, 80));
            let hint =
                if hint.is_empty() || hint == name { String::new() } else { format!("  {hint}") };
            page.flow(2, 4, &[plain(name), span(hint, Tone::Muted)]);
        }
        rest(page, names.len(), most, "more name");
    }
}

fn archived(page: &mut Page, migration: &Migration, most: usize) {
    let all = migration.archived.as_deref().unwrap_or_default();
    let (done, left): (Vec<_>, Vec<_>) = all.iter().partition(|a| a.state.is_some());
    heading(page, format!("To be archived: {}", done.len()));
    for row in done.iter().take(most) {
        let state = row.state.unwrap_or_default();
        let text = format!("{}  state: {state}; {}", row.quote, wording::one_line(&row.why, 200));
        page.flow(2, 4, &[plain(text)]);
    }
    rest(page, done.len(), most, "more quote");
    if !left.is_empty() {
        heading(page, format!("Left alone: {}", left.len()));
        for row in left.iter().take(most) {
            page.flow(
                2,
                4,
                &[plain(format!("{}  {}", row.quote, wording::one_line(&row.why, 300)))],
            );
        }
        rest(page, left.len(), most, "more quote");
    }
    page.blank();
    page.flow(
        0,
        2,
        &[plain("`proforma plan` shows what archiving would change; nothing is done upstream yet")],
    );
}

fn next(page: &mut Page, migration: &Migration, program: &str) {
    page.blank();
    let count = |w: Written| migration.quotes.iter().filter(|q| q.written == w).count();
    let told: Vec<String> = [
        (Written::New, "new"),
        (Written::Renewed, "written anew"),
        (Written::Unchanged, "unchanged"),
        (Written::Edited, "edited since and left alone"),
        (Written::Applied, "applied already and left alone"),
    ]
    .iter()
    .filter_map(|(w, word)| Some(count(*w)).filter(|n| *n > 0).map(|n| format!("{n} {word}")))
    .collect();
    if !told.is_empty() {
        page.flow(0, 2, &[plain(format!("manifests: {}", told.join(", ")))]);
    }
    for file in &migration.files {
        let text = format!(
            "{} has names to fill in: do that, then run the same command again",
            wording::one_line(file, 200)
        );
        page.flow(0, 2, &[plain(text)]);
    }
    if count(Written::New) + count(Written::Renewed) + count(Written::Unchanged) > 0 {
        page.flow(0, 2, &[plain("to see what would be made, and to make a few first:")]);
        for command in [
            format!("{program} plan --only connection={}", migration.to),
            format!("{program} apply --only connection={} --canary 5", migration.to),
        ] {
            page.flow(4, 6, &[span(command, Tone::Strong)]);
        }
    }
}
