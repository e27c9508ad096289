//! The status machine of a quote.
//!
//! Purpose: the words of `status`, which of them a manifest may ask for, and what each move takes.
//! Invariants: `sent` is reached by mailing alone, never by writing the label; what is closed
//! stays closed, for the API opens nothing again.

use crate::desired::WantedState;
use crate::provider::state::{Move, State};
use crate::provider::step::{Effect, Effects};

/// The word that is written for a wanted state; `None` where it is not reached by writing.
pub fn word_of(state: WantedState) -> Option<&'static str> {
    Some(match state {
        WantedState::Draft => "created",
        WantedState::Accepted => "accepted",
        WantedState::Declined => "declined",
        WantedState::Canceled => "canceled",
        WantedState::Ordered => "ordered",
        _ => return None,
    })
}

/// The state behind a status as it is read.
pub fn state_of(raw: &str) -> State {
    State::Plain(match raw.to_ascii_lowercase().as_str() {
        "created" => WantedState::Draft,
        "sent" => WantedState::Sent,
        "accepted" => WantedState::Accepted,
        "declined" => WantedState::Declined,
        "canceled" => WantedState::Canceled,
        "ordered" => WantedState::Ordered,
        "viewed" => return State::Viewed,
        "expired" => return State::Expired,
        _ => return State::Unknown(raw.to_owned()),
    })
}

/// Whether the API edits quotes of this state.
pub fn is_open(state: &State) -> bool {
    matches!(state, State::Plain(WantedState::Draft | WantedState::Sent) | State::Viewed)
}

/// Whether the customer has the quote and may still decide.
pub fn is_with_customer(state: &State) -> bool {
    matches!(state, State::Plain(WantedState::Sent) | State::Viewed)
}

/// Why a state cannot be wanted here at all.
pub fn refusal(state: WantedState) -> Option<&'static str> {
    match state {
        WantedState::InReview | WantedState::Approved | WantedState::Rejected => {
            Some("Quick Quote has no approvals: use `draft`, and `sent` once it may go out")
        }
        WantedState::Published => {
            Some("Quick Quote shows a quote to the customer by mailing it: use `sent`")
        }
        _ => None,
    }
}

/// What it takes to get from a state to another.
pub fn transition(from: Option<&State>, to: &State) -> Move {
    use WantedState::{Accepted, Canceled, Declined, Draft, Ordered, Sent};
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
        // Further along; what the customer decided is a fact.
        (State::Viewed | State::Plain(Accepted | Ordered | Declined), Sent)
        | (State::Plain(Ordered), Accepted) => Move::InPlace,
        (State::Plain(Draft), Sent) => Move::Write(Effects::from([Effect::Send])),
        // The label alone: a mail that went out stays out.
        (State::Plain(Sent) | State::Viewed, Draft) => Move::Write(Effects::new()),
        (state, Accepted | Declined | Canceled | Ordered) if is_open(state) => {
            Move::Write(Effects::from([Effect::Final]))
        }
        (State::Plain(Accepted | Declined | Canceled | Ordered), _) => Move::Refused(format!(
            "Quick Quote's API opens no closed quote again; on its admin screen, Edit Status can. To keep it as it is, write `state: {from}`"
        )),
        (other, _) => Move::Refused(format!(
            "Quick Quote says the quote is `{other}`, and proforma does not know how to leave that state"
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
    fn words_round_trip_in_either_case() {
        for state in WantedState::ALL {
            if let Some(word) = word_of(state) {
                assert_eq!(state_of(word), State::Plain(state));
                assert_eq!(state_of(&word.to_uppercase()), State::Plain(state));
            }
        }
        assert_eq!(state_of("Cancelled").word(), "unknown(Cancelled)");
    }

    #[test]
    fn the_table_of_moves() {
        use WantedState::{Accepted, Canceled, Declined, Draft, Ordered, Sent};
        let send = Move::Write(Effects::from([Effect::Send]));
        let last = Move::Write(Effects::from([Effect::Final]));
        for (from, to, want) in [
            ("Created", Draft, Move::InPlace),
            ("Created", Sent, send),
            ("Sent", Sent, Move::InPlace),
            ("Viewed", Sent, Move::InPlace),
            ("Accepted", Sent, Move::InPlace),
            ("Declined", Sent, Move::InPlace),
            ("Ordered", Accepted, Move::InPlace),
            ("Sent", Draft, Move::Write(Effects::new())),
            ("Viewed", Draft, Move::Write(Effects::new())),
            ("Created", Accepted, last.clone()),
            ("Viewed", Canceled, last.clone()),
            ("Sent", Ordered, last),
        ] {
            assert_eq!(go(from, to), want, "{from} -> {to}");
        }
        for (from, to) in [
            ("Accepted", Draft),
            ("Accepted", Ordered),
            ("Canceled", Sent),
            ("Canceled", Declined),
            ("Archived", Draft),
            ("Created", WantedState::Published),
            ("Created", WantedState::InReview),
        ] {
            assert!(matches!(go(from, to), Move::Refused(_)), "{from} -> {to}");
        }
    }
}
