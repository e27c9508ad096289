//! Operations on DealHub quotes, as data that a plan can hold.
//!
//! Purpose: all that one step sends. Invariants: a quote is always generated as a draft, in a
//! request that is complete to the last digit (a saved plan can be reviewed); what makes it visible
//! or final is a step of its own.

use serde::{Deserialize, Serialize};

use crate::facts::Plain;
use crate::provider::step::Target;

/// An action on a quote.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Draft to approval, or to ready where none is needed.
    Submit,
    /// Ready to published.
    Publish,
    /// Ready or published to won.
    Sign,
}

impl Action {
    /// The last segment of its path.
    pub fn segment(self) -> &'static str {
        match self {
            Self::Submit => "submit",
            Self::Publish => "publish",
            Self::Sign => "sign_externally",
        }
    }

    /// How a person calls it.
    pub fn does(self) -> &'static str {
        match self {
            Self::Submit => "submit",
            Self::Publish => "publish",
            Self::Sign => "sign externally",
        }
    }
}

/// One operation.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// Generate a draft. DealHub bills it, and a repeat makes a second quote.
    Generate {
        /// The opportunity, by which a lost quote is looked for.
        opportunity: String,
        /// The whole body.
        body: Plain,
    },
    /// Act on a quote.
    Act {
        /// The quote.
        target: Target,
        /// What to do.
        action: Action,
        /// For [`Action::Sign`]: why.
        comment: Option<String>,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::Amount;

    #[test]
    fn an_operation_survives_json_digit_for_digit() {
        let price = Plain::Number(Amount::parse("19.990").unwrap());
        let operation = Operation::Generate {
            opportunity: "1".to_owned(),
            body: Plain::Map([("list_price".to_owned(), price)].into()),
        };
        let text = serde_json::to_string(&operation).unwrap();
        let back: Operation = serde_json::from_str(&text).unwrap();
        let Operation::Generate { body, .. } = &back else { panic!("{back:?}") };
        assert_eq!(crate::json::write(body), r#"{"list_price":19.990}"#);
    }
}
