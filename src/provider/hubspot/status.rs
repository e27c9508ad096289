//! The status machine of a HubSpot quote.
//!
//! Purpose: the words of `hs_status`, which of them a manifest may ask for, and what each move
//! takes. Invariants: `APPROVED` and `APPROVAL_NOT_NEEDED` are the same to the customer, so either
//! is in place for the other; `ACCEPTED` and `VOID` are never left.

use crate::desired::WantedState;
use crate::provider::state::{Move, State};
use crate::provider::step::{Effect, Effects};

/// The status of a quote that can be edited.
pub const DRAFT: &str = "DRAFT";

/// The word of `hs_status` for a wanted state, where a manifest may ask for it.
pub fn word_of(state: WantedState) -> Option<&'static str> {
    Some(match state {
        WantedState::Draft => DRAFT,
        WantedState::InReview => "PENDING_APPROVAL",
        WantedState::Approved => "APPROVED",
        WantedState::Rejected => "REJECTED",
        WantedState::Published => "APPROVAL_NOT_NEEDED",
        _ => return None,
    })
}

/// The state behind a word of `hs_status`; absent is a draft that the web page cannot edit.
pub fn state_of(raw: &str) -> State {
    State::Plain(match raw {
        "" | DRAFT => WantedState::Draft,
        "PENDING_APPROVAL" => WantedState::InReview,
        "APPROVED" => WantedState::Approved,
        "REJECTED" => WantedState::Rejected,
        "APPROVAL_NOT_NEEDED" => WantedState::Published,
        "ACCEPTED" => WantedState::Accepted,
        other => return State::Unknown(other.to_owned()),
    })
}

/// Whether the customer sees the quote in this state, and it can be taken back.
pub fn is_open_to_customer(state: &State) -> bool {
    matches!(state, State::Plain(WantedState::Approved | WantedState::Published))
}

/// Whether HubSpot has a word for a state.
pub fn is_observed(state: &State) -> bool {
    matches!(state, State::Plain(plain) if word_of(*plain).is_some() || *plain == WantedState::Accepted)
}

/// Whether HubSpot refuses every edit of a quote in this state, save that of the status.
pub fn is_locked(state: &State) -> bool {
    state.is_live() || *state == State::Unknown("VOID".to_owned())
}

/// Why a state cannot be wanted on HubSpot at all.
pub fn refusal(state: WantedState) -> Option<&'static str> {
    match state {
        WantedState::Sent => Some(
            "HubSpot's API sends no messages: use `state: published` and send the link yourself",
        ),
        WantedState::Declined => Some("HubSpot has no such state: use `rejected` or `draft`"),
        WantedState::Canceled => {
            Some("HubSpot has no such state: use `draft` to take the link down")
        }
        WantedState::Ordered => Some("HubSpot has no such state: use `published`"),
        _ => None,
    }
}

/// What it takes to get from a state to another.
pub fn transition(from: Option<&State>, to: &State) -> Move {
    use WantedState::{Accepted, Approved, Draft, InReview, Published, Rejected};
    let State::Plain(want) = to else {
        return Move::Refused(format!("`{to}` is a state that can only be observed"));
    };
    if let Some(why) = refusal(*want) {
        return Move::Refused(why.to_owned());
    }
    let draft = State::Plain(Draft);
    let from = from.unwrap_or(&draft);
    match (from, want) {
        (State::Plain(a), b) if a == b => Move::InPlace,
        (State::Plain(Accepted | Approved | Published), Published | Approved | InReview) => {
            Move::InPlace
        }
        (State::Plain(Accepted), _) => Move::Refused(
            "the customer accepted this quote; HubSpot lets nobody take it back".to_owned(),
        ),
        (_, Accepted) => Move::Refused("only the customer can accept a quote".to_owned()),
        (State::Plain(InReview), Published | Approved) => {
            Move::Wait("an approver in HubSpot".to_owned())
        }
        (State::Plain(Approved | Published), Draft | Rejected)
        | (State::Plain(Draft | Rejected), Published | Approved) => {
            Move::Write(Effects::from([Effect::Publish]))
        }
        (State::Plain(Draft | Rejected | InReview), Draft | Rejected | InReview) => {
            Move::Write(Effects::new())
        }
        (State::Unknown(raw), _) if raw == "VOID" => Move::Refused(
            "this quote was voided in HubSpot, which cannot be undone: give the manifest another name, or `proforma lock forget` it".to_owned(),
        ),
        (other, _) => Move::Refused(format!(
            "HubSpot says the quote is `{other}`, and proforma does not know how to leave that state"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn go(from: &str, to: WantedState) -> Move {
        transition(Some(&state_of(from)), &State::Plain(to))
    }

    #[test]
    fn words_round_trip() {
        for state in WantedState::ALL {
            if let Some(word) = word_of(state) {
                assert_eq!(state_of(word), State::Plain(state));
            }
        }
        assert_eq!(state_of("VOID").word(), "unknown(VOID)");
        assert_eq!(state_of(""), State::Plain(WantedState::Draft));
    }

    #[test]
    fn the_table_of_moves() {
        use WantedState::{Accepted, Approved, Draft, InReview, Published, Rejected, Sent};
        let none = Move::Write(Effects::new());
        let publish = Move::Write(Effects::from([Effect::Publish]));
        for (from, to, want) in [
            ("", Draft, Move::InPlace),
            ("", Published, publish.clone()),
            ("DRAFT", InReview, none.clone()),
            ("DRAFT", Approved, publish.clone()),
            ("DRAFT", Rejected, none.clone()),
            ("PENDING_APPROVAL", Draft, none.clone()),
            ("PENDING_APPROVAL", Published, Move::Wait("an approver in HubSpot".to_owned())),
            ("APPROVED", Published, Move::InPlace),
            ("APPROVAL_NOT_NEEDED", Approved, Move::InPlace),
            ("APPROVED", InReview, Move::InPlace),
            ("APPROVED", Draft, publish.clone()),
            ("APPROVAL_NOT_NEEDED", Rejected, publish.clone()),
            ("REJECTED", InReview, none),
            ("REJECTED", Published, publish),
            ("ACCEPTED", Published, Move::InPlace),
            ("ACCEPTED", Accepted, Move::InPlace),
        ] {
            assert_eq!(go(from, to), want, "{from} -> {to}");
        }
        for (from, to) in [
            ("ACCEPTED", Draft),
            ("VOID", Published),
            ("VOID", Draft),
            ("NEWS", Draft),
            ("DRAFT", Sent),
            ("DRAFT", Accepted),
        ] {
            assert!(matches!(go(from, to), Move::Refused(_)), "{from} -> {to}");
        }
        let made = transition(None, &State::Plain(Draft));
        assert_eq!(made, Move::InPlace);
    }
}
