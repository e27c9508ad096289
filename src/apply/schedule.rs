//! The one scheduler: which steps may go now, and together.
//!
//! Purpose: a pure state machine over the steps of a plan. It knows needs, phases, consent and
//! batch classes; it knows no clock, no wire and no provider.
//!
//! Invariants:
//! - A step becomes ready only when all it needs is applied, and (for a quote's step) all
//!   preparations of its connection are.
//! - Steps that await consent come in a second phase: none starts before every step of the first
//!   phase, of all connections, is settled.
//! - A failed step takes along what needs it, and nothing else.
//! - A batch that is not full is held back while a step in flight could still fill it.

use std::collections::{BTreeMap, BTreeSet};

use crate::key::{ConnectionName, StepId};
use crate::provider::BatchClass;
use crate::provider::step::{Effects, Outcome, Step, Trouble, TroubleKind};

/// Where a step stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Standing {
    /// Not settled yet.
    Open,
    /// On its way.
    InFlight,
    /// Settled with an outcome.
    Settled(Outcome),
    /// Not started: consent is missing for these effects.
    Waiting(Effects),
    /// Not started: something it needs did not happen.
    Dropped,
}

/// Steps that may be sent in one request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Batch {
    /// On which connection.
    pub connection: ConnectionName,
    /// Indexes of the steps, in plan order.
    pub steps: Vec<usize>,
    /// Whether they only read.
    pub reads: bool,
}

#[derive(Debug)]
struct Node<'p> {
    step: &'p Step,
    class: usize,
    /// 0: without effects; 1: awaits consent, or needs a step that does.
    phase: usize,
    standing: Standing,
    missing: usize,
    dependents: Vec<usize>,
    attempts: u32,
}

#[derive(Debug)]
struct Class {
    connection: ConnectionName,
    max: usize,
    reads: bool,
    /// Ready steps by phase.
    ready: [BTreeSet<usize>; 2],
    /// Open steps that are not ready, by phase.
    pending: [usize; 2],
}

/// The schedule of one apply.
#[derive(Debug)]
pub struct Schedule<'p> {
    nodes: Vec<Node<'p>>,
    classes: Vec<Class>,
    /// Unsettled steps of the first phase.
    first_phase: usize,
    in_flight: BTreeMap<ConnectionName, usize>,
}

/// How often one step is started at most (a creation that was proven absent starts again).
const MAX_ATTEMPTS: u32 = 4;

impl<'p> Schedule<'p> {
    /// A schedule of steps in plan order: preparations first. What lacks consent waits.
    pub fn new(
        steps: impl IntoIterator<Item = &'p Step>,
        batch: &dyn Fn(&Step) -> BatchClass,
        allowed: &Effects,
    ) -> Self {
        let steps: Vec<&Step> = steps.into_iter().collect();
        let index: BTreeMap<&StepId, usize> =
            steps.iter().enumerate().map(|(i, s)| (&s.id, i)).collect();
        let mut preparations: BTreeMap<&ConnectionName, Vec<usize>> = BTreeMap::new();
        for (i, step) in steps.iter().enumerate().filter(|(_, s)| s.quote.is_none()) {
            preparations.entry(&step.connection).or_default().push(i);
        }
        let mut classes: Vec<Class> = Vec::new();
        let mut by_key: BTreeMap<(ConnectionName, BatchClass), usize> = BTreeMap::new();
        let mut nodes: Vec<Node<'p>> = steps
            .iter()
            .map(|step| {
                let class = batch(step);
                let key = (step.connection.clone(), class.clone());
                let class = *by_key.entry(key).or_insert_with(|| {
                    classes.push(Class {
                        connection: step.connection.clone(),
                        max: class.max.max(1),
                        reads: step.is_read_back(),
                        ready: [BTreeSet::new(), BTreeSet::new()],
                        pending: [0, 0],
                    });
                    classes.len() - 1
                });
                Node {
                    step,
                    class,
                    phase: 0,
                    standing: Standing::Open,
                    missing: 0,
                    dependents: Vec::new(),
                    attempts: 0,
                }
            })
            .collect();
        for (i, step) in steps.iter().enumerate() {
            let first = step.quote.as_ref().and(preparations.get(&step.connection));
            let needs: BTreeSet<usize> = step
                .needs
                .iter()
                .filter_map(|id| index.get(id).copied())
                .chain(first.into_iter().flatten().copied())
                .collect();
            for need in needs {
                nodes[need].dependents.push(i);
                nodes[i].missing += 1;
            }
        }
        let mut schedule = Self { nodes, classes, first_phase: 0, in_flight: BTreeMap::new() };
        schedule.set_phases();
        schedule.hold_back(allowed);
        schedule.sort_open();
        schedule
    }

    /// What needs a step of the second phase is of the second phase too.
    fn set_phases(&mut self) {
        let mut queue: Vec<usize> =
            (0..self.nodes.len()).filter(|i| !self.nodes[*i].step.awaits.is_empty()).collect();
        while let Some(i) = queue.pop() {
            if self.nodes[i].phase == 0 {
                self.nodes[i].phase = 1;
                queue.extend(self.nodes[i].dependents.iter().copied());
            }
        }
    }

    /// Steps without consent, and what needs them, wait.
    fn hold_back(&mut self, allowed: &Effects) {
        for i in 0..self.nodes.len() {
            let lacking: Effects = self.nodes[i].step.awaits.difference(allowed).copied().collect();
            if !lacking.is_empty() {
                self.wait(i, &lacking);
            }
        }
    }

    fn wait(&mut self, first: usize, lacking: &Effects) {
        let mut queue = vec![first];
        while let Some(i) = queue.pop() {
            if self.nodes[i].standing == Standing::Open {
                self.nodes[i].standing = Standing::Waiting(lacking.clone());
                queue.extend(self.nodes[i].dependents.iter().copied());
            }
        }
    }

    fn sort_open(&mut self) {
        for i in 0..self.nodes.len() {
            if self.nodes[i].standing != Standing::Open {
                continue;
            }
            let phase = self.phase(i);
            self.first_phase += usize::from(phase == 0);
            let ready = self.nodes[i].missing == 0;
            let class = &mut self.classes[self.nodes[i].class];
            if ready {
                class.ready[phase].insert(i);
            } else {
                class.pending[phase] += 1;
            }
        }
    }

    fn phase(&self, i: usize) -> usize {
        self.nodes[i].phase
    }

    /// The next batch, if one may go now, given how many requests a connection may have in flight.
    pub fn next(&mut self, parallelism: &dyn Fn(&ConnectionName) -> usize) -> Option<Batch> {
        let phase = usize::from(self.first_phase == 0);
        let chosen = self.classes.iter().position(|class| {
            let flying = self.in_flight.get(&class.connection).copied().unwrap_or(0);
            let ready = class.ready[phase].len();
            flying < parallelism(&class.connection).max(1)
                && ready > 0
                && (ready >= class.max || class.pending[phase] == 0 || flying == 0)
        })?;
        let class = &mut self.classes[chosen];
        let steps: Vec<usize> = class.ready[phase].iter().take(class.max).copied().collect();
        for i in &steps {
            class.ready[phase].remove(i);
            self.nodes[*i].standing = Standing::InFlight;
            self.nodes[*i].attempts += 1;
        }
        *self.in_flight.entry(class.connection.clone()).or_default() += 1;
        Some(Batch { connection: class.connection.clone(), steps, reads: class.reads })
    }

    /// The step behind an index.
    pub fn step(&self, i: usize) -> &'p Step {
        self.nodes[i].step
    }

    /// Where a step stands.
    pub fn standing(&self, i: usize) -> &Standing {
        &self.nodes[i].standing
    }

    /// All steps with their standing, in plan order.
    pub fn all(&self) -> impl Iterator<Item = (&'p Step, &Standing)> {
        self.nodes.iter().map(|n| (n.step, &n.standing))
    }

    /// A batch is back: its connection has room again. Call [`Schedule::settle`] for each step.
    pub fn landed(&mut self, connection: &ConnectionName) {
        if let Some(n) = self.in_flight.get_mut(connection) {
            *n = n.saturating_sub(1);
        }
    }

    /// A creation was proven absent: it may start again, unless it has been tried too often.
    pub fn again(&mut self, i: usize) {
        if self.nodes[i].attempts >= MAX_ATTEMPTS {
            let trouble = Trouble::new(
                TroubleKind::Network,
                format!(
                    "no answer in {MAX_ATTEMPTS} attempts; each time the upstream had made nothing"
                ),
            )
            .help("run apply again later");
            self.settle(i, Outcome::NotSent(trouble));
            return;
        }
        let phase = self.phase(i);
        self.nodes[i].standing = Standing::Open;
        self.classes[self.nodes[i].class].ready[phase].insert(i);
    }

    /// Settles a step that was in flight.
    pub fn settle(&mut self, i: usize, outcome: Outcome) {
        let applied = matches!(outcome, Outcome::Applied(_));
        self.nodes[i].standing = Standing::Settled(outcome);
        self.leave_phase(i);
        let dependents = std::mem::take(&mut self.nodes[i].dependents);
        for dependent in dependents {
            if applied {
                self.release(dependent);
            } else {
                self.drop_from(dependent);
            }
        }
    }

    fn leave_phase(&mut self, i: usize) {
        if self.phase(i) == 0 {
            self.first_phase = self.first_phase.saturating_sub(1);
        }
    }

    fn release(&mut self, i: usize) {
        let phase = self.phase(i);
        let node = &mut self.nodes[i];
        node.missing = node.missing.saturating_sub(1);
        if node.missing == 0 && node.standing == Standing::Open {
            let class = &mut self.classes[node.class];
            class.pending[phase] = class.pending[phase].saturating_sub(1);
            class.ready[phase].insert(i);
        }
    }

    fn drop_from(&mut self, first: usize) {
        let mut queue = vec![first];
        while let Some(i) = queue.pop() {
            let phase = self.phase(i);
            let node = &mut self.nodes[i];
            match node.standing {
                Standing::Open => {}
                // What waits for consent would have been dropped anyway: say the nearer reason.
                Standing::Waiting(_) => {
                    node.standing = Standing::Dropped;
                    queue.extend(node.dependents.iter().copied());
                    continue;
                }
                _ => continue,
            }
            node.standing = Standing::Dropped;
            queue.extend(node.dependents.iter().copied());
            let class = &mut self.classes[node.class];
            if !class.ready[phase].remove(&i) {
                class.pending[phase] = class.pending[phase].saturating_sub(1);
            }
            self.leave_phase(i);
        }
    }

    /// Nothing new may start on a connection: its steps that are not in flight are dropped.
    pub fn stop_connection(&mut self, connection: &ConnectionName) {
        for i in 0..self.nodes.len() {
            if self.nodes[i].step.connection == *connection
                && matches!(self.nodes[i].standing, Standing::Open)
            {
                self.drop_from(i);
            }
        }
    }

    /// Nothing new may start: every step that is not in flight is dropped.
    pub fn stop(&mut self) {
        for i in 0..self.nodes.len() {
            if matches!(self.nodes[i].standing, Standing::Open) {
                self.drop_from(i);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::QuoteName;
    use crate::provider::step::{Effect, Operation};

    fn step(quote: &str, n: usize, needs: &[usize], awaits: &[Effect]) -> Step {
        let quote = QuoteName::parse(quote).unwrap();
        Step {
            id: StepId::of_quote(&quote, n),
            connection: ConnectionName::parse("crm").unwrap(),
            does: format!("kind{n}"),
            effects: Effects::new(),
            awaits: awaits.iter().copied().collect(),
            needs: needs.iter().map(|k| StepId::of_quote(&quote, *k)).collect(),
            operation: Operation::ReadBack { state: None },
            stamp: None,
            part: None,
            settles: BTreeMap::new(),
            drops: Vec::new(),
            quote: Some(quote),
        }
    }

    fn class(step: &Step) -> BatchClass {
        BatchClass { key: step.does.clone(), max: 2 }
    }

    fn names(schedule: &Schedule<'_>, batch: &Batch) -> Vec<String> {
        batch.steps.iter().map(|i| schedule.step(*i).id.to_string()).collect()
    }

    fn drain(schedule: &mut Schedule<'_>) -> Vec<Vec<String>> {
        let mut out = Vec::new();
        while let Some(batch) = schedule.next(&|_| 1) {
            out.push(names(schedule, &batch));
            schedule.landed(&batch.connection);
            for i in batch.steps {
                schedule.settle(i, Outcome::Applied(None));
            }
        }
        out
    }

    #[test]
    fn steps_of_a_kind_travel_together_and_effects_come_last() {
        let mut steps = Vec::new();
        for quote in ["a", "b", "c"] {
            steps.push(step(quote, 0, &[], &[]));
            steps.push(step(quote, 1, &[0], &[]));
            steps.push(step(quote, 2, &[1], &[Effect::Publish]));
        }
        let mut schedule = Schedule::new(&steps, &class, &Effects::from([Effect::Publish]));
        assert_eq!(
            drain(&mut schedule),
            [
                vec!["a/00", "b/00"],
                vec!["c/00"],
                vec!["a/01", "b/01"],
                vec!["c/01"],
                vec!["a/02", "b/02"],
                vec!["c/02"]
            ]
        );
    }

    #[test]
    fn what_needs_a_step_with_effects_comes_after_it() {
        let steps = [
            step("a", 0, &[], &[]),
            step("a", 1, &[0], &[Effect::Publish]),
            step("a", 2, &[1], &[]),
        ];
        let mut schedule = Schedule::new(&steps, &class, &Effects::from([Effect::Publish]));
        assert_eq!(drain(&mut schedule), [vec!["a/00"], vec!["a/01"], vec!["a/02"]]);
    }

    #[test]
    fn without_consent_the_step_and_what_needs_it_wait() {
        let steps = [
            step("a", 0, &[], &[]),
            step("a", 1, &[0], &[Effect::Publish]),
            step("a", 2, &[1], &[Effect::Publish]),
        ];
        let mut schedule = Schedule::new(&steps, &class, &Effects::new());
        assert_eq!(drain(&mut schedule), [vec!["a/00"]]);
        assert!(matches!(schedule.standing(2), Standing::Waiting(_)));
    }

    #[test]
    fn a_failure_takes_along_only_what_needs_it() {
        let steps = [
            step("a", 0, &[], &[]),
            step("a", 1, &[0], &[]),
            step("b", 0, &[], &[]),
            step("b", 1, &[0], &[]),
        ];
        let mut schedule = Schedule::new(&steps, &class, &Effects::new());
        let batch = schedule.next(&|_| 1).unwrap();
        schedule.landed(&batch.connection);
        let trouble = Trouble::new(TroubleKind::Refused, "no");
        schedule.settle(0, Outcome::Rejected(trouble));
        schedule.settle(2, Outcome::Applied(None));
        assert_eq!(*schedule.standing(1), Standing::Dropped);
        assert_eq!(drain(&mut schedule), [vec!["b/01"]]);
    }

    #[test]
    fn a_part_batch_waits_while_a_step_in_flight_could_fill_it() {
        let steps = [
            step("a", 0, &[], &[]),
            step("b", 0, &[], &[]),
            step("c", 0, &[], &[]),
            step("a", 1, &[0], &[]),
            step("b", 1, &[0], &[]),
            step("c", 1, &[0], &[]),
        ];
        let mut schedule = Schedule::new(&steps, &class, &Effects::new());
        let first = schedule.next(&|_| 4).unwrap();
        let second = schedule.next(&|_| 4).unwrap();
        schedule.landed(&second.connection);
        schedule.settle(second.steps[0], Outcome::Applied(None));
        assert_eq!(schedule.next(&|_| 4), None, "c/01 waits for a/01 or b/01");
        schedule.landed(&first.connection);
        for i in first.steps {
            schedule.settle(i, Outcome::Applied(None));
        }
        assert_eq!(drain(&mut schedule).len(), 2);
    }

    #[test]
    fn a_creation_proven_absent_starts_again_but_not_for_ever() {
        let steps = [step("a", 0, &[], &[])];
        let mut schedule = Schedule::new(&steps, &class, &Effects::new());
        for _ in 0..MAX_ATTEMPTS {
            let batch = schedule.next(&|_| 1).unwrap();
            schedule.landed(&batch.connection);
            schedule.again(0);
        }
        assert!(matches!(schedule.standing(0), Standing::Settled(Outcome::NotSent(_))));
    }
}
