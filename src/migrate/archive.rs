//! Archiving the sources of a migration: as a change of their manifests, to be reviewed in a plan.
//!
//! Invariants: nothing is written upstream here. A source is archived only when its target is
//! recorded, says that it came from this very object, and costs the same to the cent. What a
//! customer decided stays. The byte span of `state` is all that is edited.

use crate::desired::WantedState;
use crate::key::{ConnectionName, QuoteName};
use crate::lockfile::Lockfile;
use crate::provider::state::{Move, State};
use crate::provider::step::Effects;
use crate::provider::{Dialect, Mutability};
use crate::yaml;

/// The state that takes a source out of use, with the effects of reaching it; or why there is none.
pub fn retired(dialect: &dyn Dialect, now: &State) -> Result<(WantedState, Effects), String> {
    if let Mutability::CreateOnly(old) = dialect.mutability() {
        return Err(format!("it cannot be archived from here: {old}"));
    }
    if now.is_decided() {
        return Err(format!("it is `{now}`: what was decided stays"));
    }
    for to in [WantedState::Canceled, WantedState::Draft] {
        if let Move::Write(effects) = dialect.transition(Some(now), &State::Plain(to)) {
            return Ok((to, effects));
        }
    }
    if *now == State::Plain(WantedState::Draft) {
        return Err(
            "it is a draft, which no customer sees; to delete it, remove its manifest and use `apply --prune`"
                .to_owned(),
        );
    }
    Err(format!("it is `{now}`, and its provider knows no state to withdraw it into"))
}

/// Whether the move of a quote is complete: its target is recorded, comes from it, and costs the
/// same. Gives the state of the source as it is recorded.
pub fn complete(
    lockfile: &Lockfile,
    quote: &QuoteName,
    target: &QuoteName,
    to: &ConnectionName,
) -> Result<State, String> {
    let source = lockfile.entries.get(quote).ok_or("it is not in the lockfile")?;
    let moved = lockfile
        .entries
        .get(target)
        .filter(|e| e.connection == *to)
        .ok_or_else(|| format!("`{target}` is not applied yet"))?;
    let from = moved.from.as_ref();
    if from.is_none_or(|f| f.connection != source.connection || f.id != source.id) {
        return Err(format!("the lockfile does not say that `{target}` came from it"));
    }
    match (source.total, moved.total) {
        (Some(a), Some(b)) if a == b => {}
        (Some(a), Some(b)) => return Err(format!("it costs {a}, and `{target}` {b}")),
        _ => return Err(format!("the totals of it and `{target}` are not both recorded")),
    }
    let word = source.state.as_deref().unwrap_or("draft");
    Ok(WantedState::parse(word).map_or_else(
        || match word {
            "viewed" => State::Viewed,
            "expired" => State::Expired,
            other => State::Unknown(other.to_owned()),
        },
        State::Plain,
    ))
}

/// The text of a file with another `state` in the document that starts at a byte; `None` where that
/// cannot be done without touching more.
pub fn edited(text: &str, start: usize, state: WantedState) -> Option<String> {
    let mut out = text.to_owned();
    let at = |span: yaml::Span| (span.offset as usize, (span.offset + span.length) as usize);
    match yaml::find(text, start, "state").filter(|f| f.rest == 0) {
        Some(found) => {
            let (from, to) = at(found.span);
            WantedState::parse(text.get(from..to)?)?;
            out.replace_range(from..to, state.word());
        }
        None => {
            let (name, _) = at(yaml::find(text, start, "quote").filter(|f| f.rest == 0)?.span);
            let line = text.get(..name)?.rfind('\n').map_or(0, |n| n + 1);
            let key = text.get(line..name)?;
            // A flow map, or something before the key: its line is not one of its own.
            if !key.trim_start().starts_with("quote") || key.contains('{') {
                return None;
            }
            let indent: String = key.chars().take_while(|c| *c == ' ').collect();
            let end = text.get(name..)?.find('\n').map_or(text.len(), |n| name + n + 1);
            let lead = if text.get(..end)?.ends_with('\n') { "" } else { "\n" };
            out.insert_str(end, &format!("{lead}{indent}state: {}\n", state.word()));
        }
    }
    let found = yaml::find(&out, start, "state").filter(|f| f.rest == 0)?;
    let (from, to) = at(found.span);
    (out.get(from..to) == Some(state.word())).then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_state_is_edited() {
        let draft = WantedState::Draft;
        let text = "# a\nquote: a # name\nstate: published # live\ntitle: x\n";
        assert_eq!(
            edited(text, 0, draft).unwrap(),
            "# a\nquote: a # name\nstate: draft # live\ntitle: x\n"
        );
        assert_eq!(
            edited("quote: a\ntitle: x\n", 0, draft).unwrap(),
            "quote: a\nstate: draft\ntitle: x\n"
        );
        assert_eq!(edited("quote: a", 0, draft).unwrap(), "quote: a\nstate: draft\n");
        assert_eq!(edited("{quote: a, title: x}\n", 0, draft), None);
        assert_eq!(
            edited("{quote: a, state: sent}\n", 0, draft).unwrap(),
            "{quote: a, state: draft}\n"
        );
    }
}
