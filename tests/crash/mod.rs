//! The crash matrix: an apply is killed before and after each of its writes, part of what it kept
//! on disk is lost, and a user goes on.
//!
//! One kill serves four continuations: upstream, lockfile and journal are taken down at the moment
//! of the kill, and put back for each. A continuation does what a user would do: the same apply
//! again, and where that ends with exit code 6, a look upstream and `recover`.
//!
//! Invariant: whatever the outcome, the upstream ends as one on which nothing was ever killed.

pub mod portrait;
pub mod scenarios;
pub mod table;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::World;

/// One write at a time, so that the k-th write is the same in every run.
pub const APPLY: [&str; 9] = [
    "apply",
    "--auto-approve",
    "--allow",
    "all",
    "--prune",
    "--parallelism",
    "1",
    "--format",
    "json",
];
const LOCK: &str = "proforma.sandbox.lock";
const STATE: &str = ".proforma";

/// A workspace, what was applied before, and the manifests whose apply is killed.
pub struct Scenario {
    /// The provider, as the table names it.
    pub provider: &'static str,
    /// What the killed apply does.
    pub story: &'static str,
    /// Files of the workspace besides `quotes/all.yaml`.
    pub files: Vec<(String, String)>,
    /// Applied undisturbed before, and its lockfile committed.
    pub before: Option<String>,
    /// What a colleague did since: the lockfile does not know of it.
    pub meanwhile: Option<fn(&World)>,
    /// The manifests of the apply that is killed; none where the files hold them.
    pub quotes: Option<String>,
    /// The upstreams whose writes are counted, each by a part of its paths.
    pub upstreams: &'static [&'static str],
    /// All that is to be the same after a crash.
    pub portrait: fn(&World) -> Vec<Value>,
    /// The ids of all quotes of ours.
    pub ids: fn(&World) -> Vec<String>,
    /// A person's look upstream: the id of a quote if what was asked for this name is there.
    pub look: fn(&World, &str) -> Option<String>,
    /// Nothing can be read back: without a journal, nobody can know of a creation.
    pub blind: bool,
}

/// What is left of the disk after the kill.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Kept {
    pub journal: bool,
    /// Else the lockfile is as it was committed before the run.
    pub lockfile: bool,
}

/// The columns of the table.
pub const KEPT: [Kept; 4] = [
    Kept { journal: true, lockfile: true },
    Kept { journal: true, lockfile: false },
    Kept { journal: false, lockfile: true },
    Kept { journal: false, lockfile: false },
];

/// When the apply is killed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Moment {
    /// The request was sent, and the upstream had not done it; nor will it.
    Before,
    /// The upstream had done it, and the answer had not arrived.
    After,
}

impl Moment {
    pub const ALL: [Self; 2] = [Self::Before, Self::After];

    pub fn word(self) -> &'static str {
        match self {
            Self::Before => "before",
            Self::After => "after",
        }
    }
}

/// How it went on.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Outcome {
    /// The same apply again, and nothing else.
    Resumed,
    /// It stopped with exit code 6; a person looked and said what is there.
    Asked,
    /// Nothing remembered what was made and nothing can be read: it was made again.
    Twice,
}

/// One kill.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Kill {
    /// Index of the upstream in the scenario.
    pub upstream: usize,
    /// Which of its writes, from 1.
    pub k: u64,
    pub moment: Moment,
}

/// What came of one kill: the request that was held, and the outcome for each of [`KEPT`].
#[derive(Clone, Debug)]
pub struct Row {
    pub request: String,
    pub outcomes: Vec<Outcome>,
}

/// A scenario with what an undisturbed run leads to.
pub struct Story {
    pub scenario: Scenario,
    upstream: Value,
    lock: Option<String>,
    reference: Vec<Value>,
    /// Writes of each upstream of the scenario.
    pub writes: Vec<u64>,
}

impl Story {
    pub fn new(scenario: Scenario) -> Self {
        let world = World::empty();
        for (path, text) in &scenario.files {
            world.write(path, text);
        }
        let lock = scenario.before.as_ref().map(|before| {
            world.write("quotes/all.yaml", before);
            world.run(&APPLY).expect(0);
            world.read(LOCK)
        });
        if let Some(meanwhile) = scenario.meanwhile {
            meanwhile(&world);
        }
        let upstream = world.take_upstream();
        let before = writes(&world, scenario.upstreams);
        if let Some(quotes) = &scenario.quotes {
            world.write("quotes/all.yaml", quotes);
        }
        world.run(&APPLY).expect(0);
        let after = writes(&world, scenario.upstreams);
        let writes = after.iter().zip(&before).map(|(a, b)| a - b).collect();
        quiet(&world);
        let reference = (scenario.portrait)(&world);
        Self { scenario, upstream, lock, reference, writes }
    }

    /// Every kill of the scenario.
    pub fn kills(&self) -> Vec<Kill> {
        let mut kills = Vec::new();
        for (upstream, writes) in self.writes.iter().enumerate() {
            for k in 1..=*writes {
                kills.extend(Moment::ALL.map(|moment| Kill { upstream, k, moment }));
            }
        }
        kills
    }

    /// Kills the apply there, and goes on from each rest of the disk.
    pub fn kill(&self, kill: Kill) -> Row {
        let world = World::empty();
        world.put_upstream(self.upstream.clone());
        for (path, text) in &self.scenario.files {
            world.write(path, text);
        }
        if let Some(quotes) = &self.scenario.quotes {
            world.write("quotes/all.yaml", quotes);
        }
        self.commit(&world);
        let request = self.kill_at(&world, kill);
        let upstream = world.take_upstream();
        let lock = fs::read_to_string(world.path(LOCK)).ok();
        let journal = folder(&world.path(STATE));
        let mut outcomes: Vec<(Kept, Outcome)> = Vec::new();
        for kept in KEPT {
            // A lockfile that the run had not reached yet is none that could be lost.
            let same = outcomes.iter().find(|(o, _)| o.journal == kept.journal);
            if let Some((_, outcome)) = same.filter(|_| lock == self.lock).copied() {
                outcomes.push((kept, outcome));
                continue;
            }
            world.put_upstream(upstream.clone());
            let _ = fs::remove_dir_all(world.path(STATE));
            if kept.journal {
                for (name, text) in &journal {
                    world.write(&format!("{STATE}/{name}"), text);
                }
            }
            match &lock {
                Some(text) if kept.lockfile => world.write(LOCK, text),
                _ => self.commit(&world),
            }
            outcomes.push((kept, self.go_on(&world, kept)));
        }
        Row { request, outcomes: outcomes.into_iter().map(|(_, outcome)| outcome).collect() }
    }

    /// Puts the lockfile there as it was committed before the run.
    fn commit(&self, world: &World) {
        match &self.lock {
            Some(lock) => world.write(LOCK, lock),
            None => drop(fs::remove_file(world.path(LOCK))),
        }
    }

    /// Runs the apply until the request is held, and kills it with SIGKILL. Gives the request.
    fn kill_at(&self, world: &World, kill: Kill) -> String {
        let part = self.scenario.upstreams[kill.upstream];
        world.faults(&json!([{
            "on": "write", "match": part, "nth": kill.k, "do": format!("hold_{}", kill.moment.word())
        }]));
        let mut child = world.spawn(&APPLY);
        assert!(world.held(&mut child), "write {} was never sent", kill.k);
        let held = world.held_now().pop().unwrap_or_default();
        child.kill().unwrap();
        child.wait().unwrap();
        // Not released: a request that was held before it was done goes with its client.
        let limit = Instant::now() + Duration::from_mins(2);
        while !world.held_now().is_empty() {
            assert!(Instant::now() < limit, "a killed client's request is still held");
            std::thread::sleep(Duration::from_millis(2));
        }
        world.faults(&json!([]));
        pattern(&held)
    }

    /// What a user does after a crash.
    fn go_on(&self, world: &World, kept: Kept) -> Outcome {
        let recorded = fs::read_to_string(world.path(LOCK)).unwrap_or_default();
        let there = (self.scenario.ids)(world);
        let forgotten = there.iter().filter(|id| !recorded.contains(id.as_str())).count();
        let first = world.run(&APPLY);
        let mut outcome = Outcome::Resumed;
        if first.code == 6 {
            outcome = Outcome::Asked;
            self.ask(world, &first.json());
            world.run(&APPLY).expect(0);
        } else {
            first.expect(0);
        }
        let found = (self.scenario.portrait)(world);
        if found.len() > self.reference.len() && self.scenario.blind && !kept.journal {
            // Exactly what nothing remembers, and nothing else.
            assert_eq!(found.len(), self.reference.len() + forgotten);
            outcome = Outcome::Twice;
            let once: BTreeSet<String> = found.iter().map(ToString::to_string).collect();
            assert_eq!(once.len(), self.reference.len());
        } else {
            assert_eq!(
                found.len(),
                self.reference.len(),
                "quotes upstream: {}",
                serde_json::to_string_pretty(&found).unwrap()
            );
            for (found, wanted) in found.iter().zip(&self.reference) {
                assert_eq!(found, wanted);
            }
            let lock = world.read(LOCK);
            for id in (self.scenario.ids)(world) {
                assert!(lock.contains(&id), "the lockfile lacks {id}:\n{lock}");
            }
        }
        quiet(world);
        outcome
    }

    /// Nothing is done again before a person has said so; then the person looks and says.
    fn ask(&self, world: &World, ended: &Value) {
        let rows = ended["quotes"].as_array().unwrap();
        let unknown: Vec<&str> = rows
            .iter()
            .filter(|q| q["outcome"] == "unknown")
            .map(|q| q["quote"].as_str().unwrap())
            .collect();
        assert!(!unknown.is_empty(), "exit 6, and no quote says why: {ended}");
        let writes = world.writes();
        world.run(&APPLY).expect(6);
        assert_eq!(world.writes(), writes, "a second apply wrote");
        let explained = world.run(&["recover"]).expect(6);
        for quote in unknown {
            assert!(explained.stdout.contains(quote), "{}", explained.stdout);
            match (self.scenario.look)(world, quote) {
                Some(id) => world.run(&["recover", quote, "--adopt", &id]).expect(0),
                None => world.run(&["recover", quote, "--absent"]).expect(0),
            };
        }
    }
}

/// The plan is empty, and looking wrote nothing.
fn quiet(world: &World) {
    let writes = world.writes();
    let plan = world.run(&["plan", "--prune", "--detailed-exitcode", "--format", "json"]);
    assert_eq!(plan.code, 0, "{}\n{}", plan.stdout, plan.stderr);
    assert_eq!(world.writes(), writes, "plan wrote");
}

/// Writes so far of each upstream.
fn writes(world: &World, upstreams: &[&str]) -> Vec<u64> {
    let counts = world.control("GET", "requests", &Value::Null);
    upstreams
        .iter()
        .map(|part| counts["upstreams"][part.trim_matches('/')]["writes"].as_u64().unwrap_or(0))
        .collect()
}

/// The text files of a folder.
fn folder(path: &Path) -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(path).into_iter().flatten() {
        let entry = entry.unwrap();
        let name = entry.file_name().to_string_lossy().into_owned();
        files.insert(name, fs::read_to_string(entry.path()).unwrap());
    }
    files
}

/// A request without the ids in its path, and without its query.
fn pattern(request: &str) -> String {
    let (method, path) = request.split_once(' ').unwrap_or(("", request));
    let path = path.split('?').next().unwrap_or_default();
    let version = |s: &str| s.len() == 2 && s.starts_with('v');
    let is_id = |s: &str| s.bytes().any(|b| b.is_ascii_digit()) && !version(s);
    let segments: Vec<&str> = path.split('/').map(|s| if is_id(s) { "{id}" } else { s }).collect();
    format!("{method} {}", segments.join("/"))
}
