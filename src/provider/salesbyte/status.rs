//! The states of a SalesByte quote.
//!
//! Purpose: how flags and words of a record become a neutral state, which states a manifest may
//! ask for, and what each move takes. Invariants: a creation is the only thing that can send; what
//! the customer did is never taken back; words that nobody documents are kept as they are.

use super::wire::Record;
use crate::desired::WantedState;
use crate::provider::state::{Move, State};
use crate::provider::step::{Effect, Effects};

/// Words that say that a message reached the customer.
const DELIVERED: [&str; 2] = ["delivered", "sent"];
/// Words that say that the customer looked.
const VIEWED: [&str; 2] = ["viewed", "opened"];

/// The state of a record. `sent` = its creation is recorded to have sent it.
pub fn state_of(record: &Record, sent: bool) -> State {
    let yes = |flag: Option<bool>| flag == Some(true);
    let words: Vec<&str> = record.statuses.iter().flatten().map(String::as_str).collect();
    let any = |known: &[&str]| words.iter().any(|w| known.contains(w));
    if yes(record.is_fully_signed) || yes(record.is_signed) && !yes(record.requires_more_signatures)
    {
        return State::Plain(WantedState::Accepted);
    }
    if yes(record.is_signed) {
        return State::Unknown("partly signed".to_owned());
    }
    if any(&VIEWED) {
        return State::Viewed;
    }
    if any(&DELIVERED) {
        return State::Plain(WantedState::Sent);
    }
    if !words.is_empty() {
        return State::Unknown(words.join(", "));
    }
    State::Plain(if sent { WantedState::Sent } else { WantedState::Draft })
}

/// The record's own words for its state, for the fingerprint of what was seen.
pub fn raw_of(record: &Record) -> String {
    let mut words: Vec<String> = record.statuses.clone().unwrap_or_default();
    words.sort();
    for (name, flag) in [
        ("is_signed", record.is_signed),
        ("is_fully_signed", record.is_fully_signed),
        ("requires_more_signatures", record.requires_more_signatures),
        ("is_project_approval_pending", record.is_project_approval_pending),
        ("is_project_approval_signed", record.is_project_approval_signed),
    ] {
        if flag == Some(true) {
            words.push(name.to_owned());
        }
    }
    words.join(",")
}

/// Why a state cannot be wanted on SalesByte at all.
pub fn refusal(state: WantedState) -> Option<&'static str> {
    use WantedState::{
        Accepted, Approved, Canceled, Declined, Draft, InReview, Ordered, Published, Rejected, Sent,
    };
    match state {
        Draft | Sent | Accepted => None,
        Published => Some(
            "a SalesByte quote is made with its link: use `draft`, which sends nothing, or `sent`",
        ),
        InReview | Approved | Rejected => {
            Some("SalesByte has no approvers on the seller's side: use `draft` or `sent`")
        }
        Declined | Canceled => Some(
            "SalesByte's API cannot withdraw a quote: do it in SalesByte, then `proforma lock forget` it",
        ),
        Ordered => Some("SalesByte has no such state: use `sent`"),
    }
}

/// What a wanted state is in SalesByte's own words.
pub fn word_of(state: WantedState) -> Option<&'static str> {
    match state {
        WantedState::Draft => Some("send_type: none"),
        WantedState::Sent => Some("any other send_type"),
        WantedState::Accepted => Some("is_fully_signed"),
        _ => None,
    }
}

/// What it takes to get from a state to another.
pub fn transition(from: Option<&State>, to: &State) -> Move {
    let State::Plain(want) = to else {
        return Move::Refused(format!("`{to}` is a state that can only be observed"));
    };
    if let Some(why) = refusal(*want) {
        return Move::Refused(why.to_owned());
    }
    let draft = State::Plain(WantedState::Draft);
    let send = || Move::Write(Effects::from([Effect::Send]));
    match (from, want) {
        (Some(State::Plain(WantedState::Accepted)), _)
        // A made quote is a draft, and everything else is further along.
        | (_, WantedState::Draft) => Move::InPlace,
        (_, WantedState::Accepted) => {
            Move::Refused("only the customer can accept a quote, by signing it".to_owned())
        }
        // Sending takes a creation; the planner decides whether there may be a new one.
        (None, _) => send(),
        (Some(from), _) if *from == draft => send(),
        _ => Move::InPlace,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(text: &str) -> Record {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn flags_and_words_become_states() {
        let word = |text: &str, sent| state_of(&record(text), sent).word();
        assert_eq!(word("{}", false), "draft");
        assert_eq!(word("{}", true), "sent");
        assert_eq!(word(r#"{"statuses":["delivered"]}"#, false), "sent");
        assert_eq!(word(r#"{"statuses":["delivered","viewed"]}"#, true), "viewed");
        assert_eq!(word(r#"{"statuses":["archived"]}"#, true), "unknown(archived)");
        let partly = r#"{"is_signed":true,"requires_more_signatures":true,"statuses":["signed"]}"#;
        assert_eq!(word(partly, true), "unknown(partly signed)");
        assert_eq!(word(r#"{"is_fully_signed":true}"#, true), "accepted");
        assert_eq!(word(r#"{"is_signed":true}"#, true), "accepted");
    }

    #[test]
    fn the_table_of_moves() {
        use WantedState::{Accepted, Draft, Published, Sent};
        let plain = |s| State::Plain(s);
        let send = Move::Write(Effects::from([Effect::Send]));
        assert_eq!(transition(None, &plain(Draft)), Move::InPlace);
        assert_eq!(transition(None, &plain(Sent)), send);
        assert_eq!(transition(Some(&plain(Draft)), &plain(Sent)), send);
        for from in [plain(Sent), State::Viewed, plain(Accepted), State::Unknown("x".into())] {
            assert_eq!(transition(Some(&from), &plain(Sent)), Move::InPlace, "{from}");
            assert_eq!(transition(Some(&from), &plain(Draft)), Move::InPlace, "{from}");
        }
        for (from, to) in [(None, Accepted), (Some(plain(Sent)), Accepted), (None, Published)] {
            assert!(matches!(transition(from.as_ref(), &plain(to)), Move::Refused(_)));
        }
        assert_eq!(transition(Some(&plain(Accepted)), &plain(Accepted)), Move::InPlace);
    }
}
