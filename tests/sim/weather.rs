//! What goes wrong between proforma and the upstreams: one fate for each request, drawn when it
//! leaves.
//!
//! The one thing to know: a request that lands late lands within [`LANDS_WITHIN`], which with the
//! lag of an index stays below what each provider declares. Beyond that no client can be right.

use std::time::Duration;

use super::dice::Dice;

/// The latest that a request arrives after its client was cut off.
pub const LANDS_WITHIN: Duration = Duration::from_millis(900);

/// What becomes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The connection breaks, and nothing was done.
    LostBefore,
    /// It is done, and the connection breaks.
    LostAfter,
    /// The connection breaks at once; it is done later, or never.
    Late,
    /// 503 (or 500, 502, 504), and nothing was done.
    FailsBefore,
    /// It is done; 5xx.
    FailsAfter,
    /// 429, and nothing was done.
    Limited,
    /// It is done; 200 with half of the answer.
    Garbage,
    /// It is done; the answer takes minutes.
    Slow,
    /// It arrives twice. Only where the upstream itself makes one of two.
    Twice,
    /// Of a batch the first part is done, and nothing is said of the rest (207).
    Partly,
}

impl Fault {
    pub const ALL: [Self; 10] = [
        Self::LostBefore,
        Self::LostAfter,
        Self::Late,
        Self::FailsBefore,
        Self::FailsAfter,
        Self::Limited,
        Self::Garbage,
        Self::Slow,
        Self::Twice,
        Self::Partly,
    ];
}

/// The fate of one request.
#[derive(Clone, Copy, Debug)]
pub struct Fate {
    /// From the client to the upstream.
    pub out: Duration,
    /// And back.
    pub back: Duration,
    pub fault: Option<Fault>,
    /// How much later a late request lands; none = never.
    pub late: Option<Duration>,
    /// Chance for whoever needs some more.
    pub spare: u64,
}

/// How often what goes wrong.
#[derive(Clone, Debug)]
pub struct Weather {
    dice: Dice,
    /// Faults in percent of all requests.
    shares: Vec<(Fault, u64)>,
    calm: bool,
}

impl Weather {
    /// A few kinds of faults at a time: with all of them together nothing would ever be done.
    pub fn draw(dice: &mut Dice) -> Self {
        let mut shares = Vec::new();
        for _ in 0..dice.below(4) {
            shares.push((*dice.pick(&Fault::ALL), dice.between(2, 25)));
        }
        Self { dice: dice.fork(), shares, calm: false }
    }

    /// From now on nothing goes wrong.
    pub fn clear_up(&mut self) {
        self.calm = true;
    }

    pub fn fate(&mut self) -> Fate {
        let dice = &mut self.dice;
        let mut fate = Fate {
            out: Duration::from_millis(dice.below(60)),
            back: Duration::from_millis(dice.below(60)),
            fault: None,
            late: dice.percent(60).then(|| Duration::from_millis(dice.below(800))),
            spare: dice.next(),
        };
        for (fault, share) in &self.shares {
            // Drawn in any case, so that a calm phase does not move what comes after it.
            if dice.percent(*share) && !self.calm {
                fate.fault = fate.fault.or(Some(*fault));
            }
        }
        fate
    }
}
