//! The status machine of a DealHub quote.
//!
//! Purpose: DealHub's words, which states a manifest may ask for, and what each move takes.
//! Invariants: words are compared without case and spaces, since the documents tell only some of
//! the tokens; what is not known is kept verbatim. The API leads forward only: nothing here takes
//! a quote back.

use super::operation::Action;
use crate::desired::WantedState;
use crate::provider::state::{Move, State};
use crate::provider::step::{Effect, Effects};

/// The state behind a word.
pub fn state_of(raw: &str) -> State {
    let plain: String =
        raw.chars().filter(|c| c.is_alphabetic()).flat_map(char::to_lowercase).collect();
    State::Plain(match plain.as_str() {
        "draft" => WantedState::Draft,
        "approvalprocess" | "pendingapproval" => WantedState::InReview,
        "readytobesent" => WantedState::Approved,
        "rejected" => WantedState::Rejected,
        "published" => WantedState::Published,
        "won" => WantedState::Accepted,
        "expired" => return State::Expired,
        _ => return State::Unknown(raw.to_owned()),
    })
}

/// Why a state cannot be wanted at DealHub at all.
pub fn refusal(state: WantedState) -> Option<&'static str> {
    match state {
        WantedState::Sent => Some(
            "DealHub's API sends no messages: use `state: published` and share the DealRoom's link",
        ),
        WantedState::Declined => Some("DealHub has no such state"),
        WantedState::Canceled => {
            Some("archiving and recalling are done in DealHub's own interface")
        }
        WantedState::Ordered => Some("DealHub has no such state: use `accepted`"),
        _ => None,
    }
}

/// The actions that lead from a state to a wanted one, in order.
pub fn actions(from: &State, to: WantedState) -> Vec<Action> {
    use WantedState::{Accepted, Approved, Draft, InReview, Published};
    let submitted = match from {
        // From aside (rejected, recalled, ...) DealHub itself says what is in the way.
        State::Plain(Draft | WantedState::Rejected) | State::Expired | State::Unknown(_) => {
            vec![Action::Submit]
        }
        _ => Vec::new(),
    };
    let last = match to {
        Published => Some(Action::Publish),
        Accepted => Some(Action::Sign),
        InReview | Approved => None,
        _ => return Vec::new(),
    };
    submitted.into_iter().chain(last).collect()
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
    let write = || {
        Move::Write(
            actions(from, *want).into_iter().filter_map(Action::effect).collect::<Effects>(),
        )
    };
    match (from, want) {
        (State::Plain(a), b) if a == b => Move::InPlace,
        (State::Plain(Approved | Published | Accepted), InReview | Approved)
        | (State::Plain(Accepted), Published) => Move::InPlace,
        (_, Approved) => Move::Refused(
            "only an approver, or DealHub where no approval is needed, makes a quote ready: use `in_review` or `published`".to_owned(),
        ),
        (_, Rejected) => Move::Refused("only an approver rejects a quote".to_owned()),
        // From aside a changed manifest replaces the quote, if it may; else it is shown as drift.
        (State::Plain(Draft), InReview | Published | Accepted)
        | (State::Plain(Approved), Published | Accepted)
        | (State::Plain(Published), Accepted)
        | (State::Plain(Rejected) | State::Expired | State::Unknown(_), _) => write(),
        (State::Plain(InReview), Published | Accepted) => {
            Move::Wait("an approver in DealHub".to_owned())
        }
        (_, Draft) => Move::Refused(
            "a submitted quote is recalled, unpublished or archived in DealHub's own interface only".to_owned(),
        ),
        (other, _) => Move::Refused(format!(
            "DealHub's API has no action for a quote that is `{other}`; see to it in DealHub's own interface"
        )),
    }
}

/// Whether an action that leads to this point is done in this state.
pub fn has_passed(state: &State, action: Action) -> bool {
    use WantedState::{Accepted, Approved, InReview, Published};
    match action {
        Action::Submit => {
            matches!(state, State::Plain(InReview | Approved | Published | Accepted))
        }
        Action::Publish => matches!(state, State::Plain(Published | Accepted)),
        Action::Sign => matches!(state, State::Plain(Accepted)),
    }
}

impl Action {
    /// What it does to the world.
    pub fn effect(self) -> Option<Effect> {
        match self {
            Self::Submit => None,
            Self::Publish => Some(Effect::Publish),
            Self::Sign => Some(Effect::Final),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_in_any_dress() {
        for raw in ["ReadyToBeSent", "Ready To Be Sent", "READY_TO_BE_SENT"] {
            assert_eq!(state_of(raw), State::Plain(WantedState::Approved), "{raw}");
        }
        assert_eq!(state_of("Recalled").word(), "unknown(Recalled)");
    }

    #[test]
    fn the_table_of_moves() {
        use WantedState::{Accepted, Draft, InReview, Published, Rejected, Sent};
        let go = |from: &str, to| transition(Some(&state_of(from)), &State::Plain(to));
        let write = |effects: &[Effect]| Move::Write(effects.iter().copied().collect());
        for (from, to, want) in [
            ("Draft", InReview, write(&[])),
            ("Draft", Published, write(&[Effect::Publish])),
            ("Draft", Accepted, write(&[Effect::Final])),
            ("ApprovalProcess", InReview, Move::InPlace),
            ("ReadyToBeSent", InReview, Move::InPlace),
            ("ReadyToBeSent", Published, write(&[Effect::Publish])),
            ("Published", Accepted, write(&[Effect::Final])),
            ("Won", Published, Move::InPlace),
            ("Rejected", Published, write(&[Effect::Publish])),
            ("Archived", InReview, write(&[])),
            ("ApprovalProcess", Published, Move::Wait("an approver in DealHub".to_owned())),
        ] {
            assert_eq!(go(from, to), want, "{from} -> {to}");
        }
        for (from, to) in
            [("Published", Draft), ("ApprovalProcess", Draft), ("Draft", Rejected), ("Draft", Sent)]
        {
            assert!(matches!(go(from, to), Move::Refused(_)), "{from} -> {to}");
        }
        assert_eq!(transition(None, &State::Plain(Draft)), Move::InPlace);
    }
}
