//! The table: `docs/crash-matrix.md`, written from outcomes alone, so that the same code gives the
//! same page.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::{KEPT, Kept, Kill, Moment, Outcome, Row, Story};

/// What came of every kill: by story.
pub type Outcomes = BTreeMap<(usize, Kill), Row>;

const HEAD: &str = "\
# The crash matrix

What is left of a run that is killed, and how it goes on. Each row of the tables below is a real `proforma apply` against the sandbox, ended
with SIGKILL while one of its write requests was under way: *before* the upstream did it, or *after*, when it was done and the answer had
not arrived. Then part of the disk is lost, and the same apply is run again, as a user or a pipeline would.

After every one of them: each quote, line item and adjustment exists exactly once and with its values, each message went out
once, DealHub billed each quote once, the lockfile holds every id, and the next plan is empty. The exceptions are marked and explained.

This page is written by the test that checks it: `UPDATE_DOCS=1 cargo test --test crash_matrix`; without the variable, the test fails if
the page is not what it found.

| kept on disk | when that happens |
|---|---|
| journal and lockfile | the process died, the disk is there |
| journal only | the lockfile was put back to what is in git (`git checkout`, a clean work tree), `.proforma` was kept |
| lockfile only | `.proforma` is gone |
| neither | the machine is gone: a fresh clone, with the lockfile that was committed before the run |

| outcome | what it means |
|---|---|
| resumed | the same command again, and nothing else |
| asked | that command stopped with exit code 6 and wrote nothing for this quote. A person looked upstream and said `proforma recover QUOTE --adopt ID` or `--absent`; then the same command again |
| **twice** | nothing remembered what was made, and nothing can be read: those quotes were made a second time |
";

const LIMITS: &str = "
## Where a machine cannot know

- **A message** that may have gone out is never sent again by a machine. Where its trace can be read (Quick Quote's status `Sent`, a SalesByte quote that
  carries our stamp) the run resumes; where there is none, the message may still be on its way, and a person is asked.
- **A published HubSpot quote that was unlocked to set drift back**, on a machine that is gone with its journal: the next run sees a draft although the manifest
  has not changed, which is what a colleague's withdrawal looks like. It is shown as drift, with the way out, and not published by itself.
- **SalesByte without a `token` or a `stamp_field`**: a lost creation cannot be looked up. With its journal a run stops and asks. Without the journal a fresh
  machine cannot tell a second run from a first one, so the quote is made again: give the connection both, or keep `.proforma` between runs.
- **DealHub while a fresh quote is hidden** (`visibility`): with its journal a run waits until the quote must be visible, and finds it. A machine
  that remembers no run (no `.proforma`) and is about to have quotes generated waits for the `visibility` of the connection and looks again, so that a pipeline
  which was cut off and started again on another machine pays once. Keep `.proforma` between runs to save the wait.
- **A request that is still on its way** when its machine is gone with the journal: if another machine looks at the upstream before that request lands (a
  second, not minutes), it sees nothing and makes the quote. HubSpot's unique stamp property refuses the second one, and DealHub's wait covers it; at Quick Quote
  and SalesByte nothing can. A pipeline that is started anew takes longer than that; do not start the next one from the trap of a dying one.
";

/// The whole page.
pub fn page(stories: &[Story], outcomes: &Outcomes) -> String {
    let mut out = HEAD.to_owned();
    let columns = KEPT.map(heading).join(" | ");
    let _ = write!(
        out,
        "\n## In numbers\n\n| provider | the apply | killed | times | {columns} |\n|---|---|---|---|---|---|---|---|\n"
    );
    for (n, story) in stories.iter().enumerate() {
        for moment in Moment::ALL {
            let rows: Vec<&Row> = outcomes
                .iter()
                .filter(|((s, kill), _)| *s == n && kill.moment == moment)
                .map(|(_, row)| row)
                .collect();
            let cells: Vec<String> = (0..KEPT.len()).map(|at| count(&rows, at)).collect();
            let (provider, text) = (story.scenario.provider, story.scenario.story);
            let _ = writeln!(
                out,
                "| {provider} | {text} | {} | {} | {} |",
                moment.word(),
                rows.len(),
                cells.join(" | ")
            );
        }
    }
    out.push_str(LIMITS);
    out.push_str("\n## Every kill\n");
    for (n, story) in stories.iter().enumerate() {
        let (provider, text) = (story.scenario.provider, story.scenario.story);
        let _ = write!(
            out,
            "\n### {provider}: {text}\n\n| # | request | killed | {columns} |\n|---|---|---|---|---|---|---|\n"
        );
        for ((_, kill), row) in outcomes.iter().filter(|((s, _), _)| *s == n) {
            let cells: Vec<&str> = row.outcomes.iter().map(|o| word(*o)).collect();
            let _ = writeln!(
                out,
                "| {} | `{}` | {} | {} |",
                kill.k,
                row.request,
                kill.moment.word(),
                cells.join(" | ")
            );
        }
    }
    out
}

fn heading(kept: Kept) -> &'static str {
    match (kept.journal, kept.lockfile) {
        (true, true) => "journal and lockfile",
        (true, false) => "journal only",
        (false, true) => "lockfile only",
        (false, false) => "neither",
    }
}

fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Resumed => "resumed",
        Outcome::Asked => "asked",
        Outcome::Twice => "**twice**",
    }
}

/// `11 resumed, 2 asked`.
fn count(rows: &[&Row], at: usize) -> String {
    let mut counts: BTreeMap<Outcome, usize> = BTreeMap::new();
    for row in rows {
        *counts.entry(row.outcomes[at]).or_default() += 1;
    }
    let words: Vec<String> = counts.iter().map(|(o, n)| format!("{n} {}", word(*o))).collect();
    words.join(", ")
}
