//! Submit, publish and sign: the state machine as the API drives it.

use jiff::{SignedDuration, Timestamp};

use super::DealHub;
use super::errors::Refusal;
use super::model::{Quote, Status};
use crate::sandbox::upstream::Moment;

impl DealHub {
    fn quote_at(&mut self, at: usize) -> Result<&mut Quote, Refusal> {
        self.quotes.get_mut(at).ok_or_else(|| Refusal::missing("?"))
    }

    /// The index of a quote that can be acted on.
    pub(super) fn actionable(&self, id: &str, now: Timestamp) -> Result<usize, Refusal> {
        let found = self.quotes.iter().position(|q| q.id == id && q.visible_from <= now);
        found.ok_or_else(|| Refusal::missing(id))
    }

    fn settle(&mut self, at: usize, to: Status, now: Timestamp) -> Result<(), Refusal> {
        let lag = i64::try_from(self.settings.action_lag).unwrap_or(i64::MAX);
        let until = now.checked_add(SignedDuration::from_millis(lag)).unwrap_or(now);
        let quote = self.quote_at(at)?;
        let told = quote.told(now);
        quote.lagging = (lag > 0).then_some((told, until));
        quote.status = to;
        Ok(())
    }

    /// Draft to approval, or to ready where none is needed.
    pub(super) fn submit(&mut self, at: usize, m: &mut Moment<'_>) -> Result<(), Refusal> {
        let upgrade = self.settings.quote_upgrade_required;
        let quote = self.quote_at(at)?;
        if quote.status != Status::Draft {
            return Err(Refusal::bad("Submission failed: The quote has already been submitted."));
        }
        if upgrade {
            return Err(Refusal::bad(
                "Submission failed: The quote requires updates. Open the quote in DealHub and save it.",
            ));
        }
        if quote.lines.is_empty() {
            return Err(Refusal::bad(
                "Submission failed: The quote did not pass the submit validation: it has no lines.",
            ));
        }
        quote.submitted = Some(m.now);
        let quote = quote.clone();
        let approvals = self.needed_approvals(&quote);
        let to = if approvals.is_empty() { Status::ReadyToBeSent } else { Status::ApprovalProcess };
        self.quote_at(at)?.approvals = approvals;
        self.settle(at, to, m.now)
    }

    /// Ready to published.
    pub(super) fn publish(&mut self, at: usize, m: &mut Moment<'_>) -> Result<(), Refusal> {
        let fail = |why: &str| Err(Refusal::bad(format!("Publish quote failed: {why}")));
        let slug = m.random.slug(12);
        let quote = self.quote_at(at)?;
        if quote.document_type != "DealRoom" {
            return fail("The document type of the quote must be 'DealRoom'.");
        }
        match quote.status {
            Status::ReadyToBeSent => {}
            Status::Published | Status::Won => {
                return fail("The quote has already been published.");
            }
            Status::ApprovalProcess => return fail("Approval is required."),
            _ => return fail("The quote is in 'Draft' status. Submit it first."),
        }
        quote.dealroom_url = Some(format!("https://dealroom.northlight.example/{slug}"));
        self.settle(at, Status::Published, m.now)
    }

    /// Ready or published to won.
    pub(super) fn sign(&mut self, at: usize, m: &mut Moment<'_>) -> Result<(), Refusal> {
        let fail = |why: &str| Err(Refusal::bad(format!("Sign externally failed: {why}")));
        let sync_failed = self.settings.sync_failed;
        let quote = self.quote_at(at)?.clone();
        let sibling = |status: Status| {
            let same = |q: &&Quote| q.id != quote.id && q.opportunity == quote.opportunity;
            self.quotes.iter().filter(same).any(|q| q.status == status)
        };
        match quote.status {
            Status::ReadyToBeSent | Status::Published => {}
            Status::Won => return fail("The quote has already been signed."),
            Status::ApprovalProcess => {
                return Err(Refusal::bad("Sign externally pending: Approval is required."));
            }
            _ => return fail("The quote is in draft status."),
        }
        if !quote.signers.is_empty() {
            return fail("The signing process has already begun.");
        }
        if quote.redlining {
            return fail("A redlining session is open.");
        }
        if quote.status != Status::Published && sibling(Status::Published) {
            return fail("There is another published quote on the opportunity.");
        }
        if quote.status != Status::Published && sibling(Status::Won) {
            return fail(
                "There is already a signed quote on the opportunity. Publish the quote first.",
            );
        }
        if sync_failed {
            return fail("The quote failed to sync with the CRM.");
        }
        self.quote_at(at)?.won = Some(m.now);
        self.settle(at, Status::Won, m.now)
    }
}
