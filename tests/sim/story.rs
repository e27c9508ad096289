//! One seed from beginning to end.
//!
//! The one thing to know: the calm phase at the end is where the invariants are asked; before it,
//! each run is only asked for what must hold even in a storm (a plan wrote nothing, no secret is
//! shown, nothing was sent twice, the exit code is one that a user was promised).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use proforma::disk::{Disk as _, FakeDisk};
use proforma::lockfile::{LOCKFILE, Store};
use serde_json::{Value, json};

use super::Sabotage;
use super::command::{Check, Ran, Runner, leaks, start, unprintable};
use super::dice::Dice;
use super::drawn::{Provider, Workspace};
use super::machine::{Doom, Process};
use super::net::{Net, Portal};
use super::trace::{Logs, Trace};
use super::truth::{self, Seeded};
use super::weather::Weather;

/// What a seed went through.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub runs: u64,
    pub killed: u64,
    pub requests: u64,
    pub unknown: u64,
    pub lost_machines: u64,
}

struct Story {
    net: Arc<Net>,
    seeded: Seeded,
    workspace: Workspace,
    runners: Vec<Runner>,
    trace: Trace,
    logs: Logs,
    dice: Dice,
    counts: Counts,
    processes: u32,
    calm: bool,
    /// Who ran last.
    last: usize,
}

/// Plays a seed; the runtime's clock is paused.
pub async fn play(seed: u64, sabotage: Option<Sabotage>, trace: Trace) -> (Counts, Check) {
    let logs = Logs::default();
    let writer = logs.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::new("proforma=trace"))
        .with_ansi(false)
        .without_time()
        .with_writer(move || writer.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let mut story = Story::new(seed, sabotage, trace, logs);
    let ended = Box::pin(story.tell()).await;
    (story.counts, ended)
}

impl Story {
    fn new(seed: u64, sabotage: Option<Sabotage>, trace: Trace, logs: Logs) -> Self {
        let mut dice = Dice::new(seed);
        let workspace = Workspace::draw(&mut dice);
        let portal = Portal::draw(&mut dice);
        let weather = Weather::draw(&mut dice);
        // Without anything to read back, only one memory can know what was made.
        let count = if workspace.blind || dice.percent(75) { 1 } else { 2 };
        trace.line(&format!("seed {seed}, {count} runner(s), {portal:?}, {weather:?}"));
        let net = Arc::new(Net::new(seed, portal, weather, trace.clone(), sabotage));
        let runners = (0..count).map(|n| Runner::new(&trace, n)).collect();
        let seeded = Seeded::of(&net);
        let dice = dice.fork();
        let mut story = Self {
            net,
            seeded,
            workspace,
            runners,
            trace,
            logs,
            dice,
            counts: Counts::default(),
            processes: 0,
            calm: false,
            last: 0,
        };
        story.check_out();
        story
    }

    /// All runners have the manifests of today.
    fn check_out(&mut self) {
        for runner in &self.runners {
            self.workspace.write(runner.folder.path());
        }
        let quotes: Vec<String> = self
            .workspace
            .quotes
            .iter()
            .map(|q| format!("{} {} {}", q.name, q.provider.word(), q.state))
            .collect();
        self.trace.line(&format!("manifests: {}", quotes.join(", ")));
    }

    async fn tell(&mut self) -> Check {
        for _ in 0..self.dice.between(2, 6) {
            Box::pin(self.turn()).await?;
        }
        self.net.clear_up();
        self.calm = true;
        self.trace.line("calm");
        self.pass(Duration::from_mins(2)).await;
        for n in 0..self.runners.len() {
            self.settle(n).await?;
            self.pass(Duration::from_secs(10)).await;
        }
        for n in 0..self.runners.len() {
            self.rest(n).await?;
        }
        self.compare().await?;
        if !self.workspace.blind && self.dice.percent(40) {
            self.trace.line("a fresh machine");
            self.pass(Duration::from_secs(10)).await;
            let last = self.runners.len() - 1;
            self.runners[last].disk = FakeDisk::new();
            let before = self.total();
            self.settle(last).await?;
            self.rest(last).await?;
            if self.total() != before {
                return Err("a machine without a lockfile made something".to_owned());
            }
            self.compare().await?;
        }
        leaks("the logs", &self.logs.0.lock().unwrap(), true)
    }

    /// Something changes, somebody runs a command, something breaks.
    async fn turn(&mut self) -> Check {
        if self.dice.percent(50) {
            let what = self.workspace.mutate(&mut self.dice);
            self.trace.line(&format!("the owner: {what}"));
            self.check_out();
        }
        if self.dice.percent(30) {
            self.meddle();
        }
        if self.runners.len() == 2 && self.may_race() && self.dice.percent(40) {
            return Box::pin(self.race()).await;
        }
        let runner = self.dice.index(self.runners.len());
        if self.last != runner {
            // What a list shows late, one memory cannot know of another.
            self.pass(Duration::from_secs(10)).await;
            self.last = runner;
        }
        let before = self.counts.lost_machines;
        match self.dice.below(10) {
            0 => {
                let doom = self.doom();
                self.command(runner, &["plan", "--format", "json"], doom).await?;
            }
            1 => self.saved_plan(runner).await?,
            2 => {
                let doom = self.doom();
                self.command(runner, &["recover"], doom).await?;
            }
            _ => {
                let args = self.apply_args();
                let args: Vec<&str> = args.iter().map(String::as_str).collect();
                let doom = self.doom();
                let ran = self.command(runner, &args, doom).await?;
                if ran.code == Some(6) && self.dice.percent(50) {
                    self.recover(runner).await?;
                }
            }
        }
        let lost = self.counts.lost_machines > before;
        let pause = if lost { 0 } else { *self.dice.pick(&[0, 0, 1, 4, 30]) };
        self.pass(Duration::from_secs(pause)).await;
        Ok(())
    }

    fn apply_args(&mut self) -> Vec<String> {
        let mut args = vec!["apply", "--auto-approve"];
        args.extend(match self.dice.below(6) {
            0 => vec![],
            1 => vec!["--allow", "publish"],
            _ => vec!["--allow", "all"],
        });
        if self.dice.percent(40) {
            args.push("--prune");
        }
        if self.dice.percent(50) {
            args.extend(["--format", "json"]);
        }
        if self.dice.percent(20) {
            args.push("-v");
        }
        if self.dice.percent(20) {
            args.extend(["--parallelism", "1"]);
        }
        args.into_iter().map(str::to_owned).collect()
    }

    /// What is to happen to the next process.
    fn doom(&mut self) -> Doom {
        let mut doom = Doom::default();
        // Most runs are over within a hundred ticks, and the first of them are where it matters.
        let far = *self.dice.pick(&[12, 40, 120]);
        let at = self.dice.between(1, far);
        match self.dice.below(10) {
            0..=3 => doom.killed_at = Some(at),
            4 => doom.stopped_at = Some(at),
            5 => doom.full_at = Some((at, self.dice.index(200))),
            6 => doom.expired_at = Some(self.dice.between(1, 25)),
            _ => {}
        }
        doom
    }

    async fn saved_plan(&mut self, runner: usize) -> Check {
        let file = self.runners[runner].folder.path().join("saved.plan");
        let _ = std::fs::remove_file(&file);
        let file = file.to_string_lossy().into_owned();
        self.command(runner, &["plan", "--out", &file], Doom::default()).await?;
        if !std::path::Path::new(&file).exists() {
            return Ok(());
        }
        if self.dice.percent(20) {
            self.meddle();
        }
        for _ in 0..self.dice.between(1, 2) {
            let doom = self.doom();
            let args = ["apply", &file, "--auto-approve", "--allow", "all"];
            self.command(runner, &args, doom).await?;
        }
        Ok(())
    }

    /// Whether two runs at the same time make no quote twice: where the upstream itself refuses a
    /// second object with the same stamp. Elsewhere two memories cannot know of each other.
    fn may_race(&self) -> bool {
        self.net.portal().unique && self.workspace.providers == [Provider::Hubspot]
    }

    /// Two machines at the same time.
    async fn race(&mut self) -> Check {
        let args = ["apply", "--auto-approve", "--allow", "all"];
        let dooms = [self.doom(), self.doom()];
        let [first, second] = dooms.map(|doom| {
            self.processes += 1;
            Arc::new(Process::new(self.processes, doom))
        });
        self.trace.line(&format!("{:>9} a race: {args:?} {dooms:?}", self.net.clock()));
        let at =
            |n: usize| (self.runners[n].folder.path().to_owned(), self.runners[n].disk.clone());
        let ((here, disk), (there, other)) = (at(0), at(1));
        let (first, second) = tokio::join!(
            biased;
            start(Arc::clone(&self.net), first, &here, disk, &args),
            start(Arc::clone(&self.net), second, &there, other, &args)
        );
        self.after(0, &args, dooms[0], &first?)?;
        self.after(1, &args, dooms[1], &second?)?;
        self.pass(Duration::from_mins(1)).await;
        Ok(())
    }

    /// Runs a command, and lets happen to its machine what comes of a kill.
    async fn command(&mut self, runner: usize, args: &[&str], doom: Doom) -> Check<Ran> {
        self.processes += 1;
        let (folder, disk) = {
            let runner = &self.runners[runner];
            (runner.folder.path().to_owned(), runner.disk.clone())
        };
        let process = Arc::new(Process::new(self.processes, doom));
        let shown = args.join(" ");
        self.trace.line(&format!(
            "{:>9} p{} r{runner} $ proforma {shown}   {doom:?}",
            self.net.clock(),
            process.id
        ));
        let before = self.counts.lost_machines;
        let ran = start(Arc::clone(&self.net), process, &folder, disk, args).await?;
        self.after(runner, args, doom, &ran)?;
        if self.counts.lost_machines > before {
            // A new machine is not there at once; without a journal nobody knows what to wait for.
            // DealHub alone: what a new machine does not remember it waits for, if it is to pay for it.
            let alone = self.workspace.providers == [Provider::Dealhub];
            self.pass(Duration::from_secs(if alone { 1 } else { 60 })).await;
        }
        Ok(ran)
    }

    fn after(&mut self, runner: usize, args: &[&str], doom: Doom, ran: &Ran) -> Check {
        self.counts.runs += 1;
        let told = ran.code.map_or("killed".to_owned(), |code| format!("exit {code}"));
        self.trace.line(&format!(
            "{:>9}      {told}, {} writes, {} ticks",
            self.net.clock(),
            ran.writes,
            ran.ticks
        ));
        for line in ran.out.lines().chain(ran.err.lines()) {
            self.trace.line(&format!("             | {line}"));
        }
        self.happen(runner, ran.code.is_none());
        if let Some(code) = ran.code {
            self.judge(args, doom, code, ran)?;
        }
        leaks("the output", ran.out.as_bytes(), false)?;
        leaks("stderr", ran.err.as_bytes(), false)?;
        unprintable(&ran.out)?;
        unprintable(&ran.err)?;
        self.files(runner)?;
        // Nothing new can be there after a run that only looked.
        if ran.writes > 0 { truth::never_twice(&self.net, &self.seeded) } else { Ok(()) }
    }

    /// Whether the exit code is one that the user was promised.
    fn judge(&mut self, args: &[&str], doom: Doom, code: u8, ran: &Ran) -> Check {
        let plans = args.first() == Some(&"plan");
        if plans && ran.writes > 0 {
            return Err("plan wrote".to_owned());
        }
        for word in ["fault of proforma", "please report", "panicked"] {
            if ran.out.contains(word) || ran.err.contains(word) {
                return Err(format!("{word:?} is shown"));
            }
        }
        if args.contains(&"json") && serde_json::from_str::<Value>(&ran.out).is_err() {
            return Err("the output is no JSON".to_owned());
        }
        self.counts.unknown += u64::from(code == 6);
        let fine = match code {
            0 | 2 | 4 | 5 | 6 | 12 => true,
            1 | 9 => !self.calm,
            8 => doom.expired_at.is_some(),
            130 => doom.stopped_at.is_some(),
            _ => false,
        };
        if fine { Ok(()) } else { Err(format!("exit {code} of {args:?}")) }
    }

    /// What becomes of the machine after a run.
    fn happen(&mut self, runner: usize, killed: bool) {
        let fate = self.dice.below(10);
        let kept = self.dice.index(400);
        let commits = self.dice.percent(60);
        let blind = self.workspace.blind;
        let runner = &mut self.runners[runner];
        if !killed {
            runner.disk = runner.disk.after_kill();
            if commits {
                runner.committed = runner.disk.read(&runner.folder.path().join(LOCKFILE)).ok();
            }
            return;
        }
        self.counts.killed += 1;
        match fate {
            0..=3 => runner.disk = runner.disk.after_kill(),
            // Of a blind connection nothing but the disk knows anything.
            4..=6 if !blind => {
                self.counts.lost_machines += 1;
                self.trace.line("             the machine is lost");
                runner.disk = FakeDisk::new();
                if let Some(lockfile) = &runner.committed {
                    runner.disk.replace(&runner.folder.path().join(LOCKFILE), lockfile).unwrap();
                }
            }
            _ => {
                self.trace.line(&format!(
                    "             the power goes; {kept} bytes of the rest are kept"
                ));
                runner.disk = runner.disk.after_power_cut(kept);
            }
        }
    }

    /// Lockfile and journal as they lie on the disk.
    fn files(&self, runner: usize) -> Check {
        let runner = &self.runners[runner];
        let folder = runner.folder.path();
        for file in [LOCKFILE, ".proforma/journal.jsonl"] {
            if let Ok(bytes) = runner.disk.after_kill().read(&folder.join(file)) {
                leaks(file, &bytes, true)?;
            }
        }
        let store = Store::new(Arc::new(runner.disk.after_kill()), folder, LOCKFILE);
        let name = proforma::key::WorkspaceName::parse("simulated").unwrap();
        store.load(&name).map(drop).map_err(|e| format!("the lockfile cannot be read: {e:?}"))
    }

    /// Time goes by.
    async fn pass(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }

    /// A colleague or a customer does something.
    fn meddle(&mut self) {
        let Ok(found) = truth::seen(&self.net, &self.seeded) else { return };
        if self.dice.percent(25) {
            self.approve(&found);
            return;
        }
        let mine: Vec<_> = found
            .iter()
            .flat_map(|((provider, mark), copies)| copies.iter().map(move |c| (*provider, mark, c)))
            .filter(|(provider, _, copy)| provider.edits() && !truth::is_closed(copy))
            .collect();
        if mine.is_empty() {
            return;
        }
        let (provider, mark, copy) = mine[self.dice.index(mine.len())];
        let hostile = "\u{1b}[2Jred\u{202e}";
        let unsent = copy.facts["status"] == "Created";
        let (deed, body) = match (provider, self.dice.below(3)) {
            (Provider::Hubspot, _) => (
                "edit",
                json!({ "upstream": "hubspot", "object": "quotes", "id": copy.id,
                    "properties": { "hs_title": format!("{mark} {hostile}") } }),
            ),
            // A look at a draft is drift by design, which nothing repairs.
            (_, 0) if !unsent => {
                ("customer", json!({ "upstream": "quickquote", "id": copy.id, "action": "view" }))
            }
            _ => (
                "edit",
                json!({ "upstream": "quickquote", "object": "quotes", "id": copy.id,
                    "properties": { "internal_notes": format!("call {hostile}") } }),
            ),
        };
        let done = self.net.try_control("POST", deed, &body);
        self.trace.line(&format!("a colleague: {deed} {body}: {}", done.is_ok()));
    }

    /// An approver at DealHub says yes.
    fn approve(&mut self, found: &truth::Everything) {
        let ids = waiting(found);
        if !ids.is_empty() {
            let id = &ids[self.dice.index(ids.len())];
            let done = say_yes(&self.net, id);
            self.trace.line(&format!("an approver: {id}: {done}"));
        }
    }

    /// A user who was told to: looks upstream and says what is true.
    async fn recover(&mut self, runner: usize) -> Check {
        // Nobody is faster than this, and nothing is on its way for so long.
        self.pass(Duration::from_secs(20)).await;
        let told = self.command(runner, &["recover"], Doom::default()).await?;
        let mut open: BTreeMap<String, bool> = BTreeMap::new();
        for line in told.out.lines().filter(|l| l.contains("(connection ")) {
            if let Some((name, rest)) = line.trim().split_once(": ") {
                *open.entry(name.to_owned()).or_default() |= rest.starts_with("send a message");
            }
        }
        for (name, sends) in open.into_iter().filter(|(name, _)| name.starts_with('q')) {
            let (id, mailed) = truth::look(&self.net, &self.seeded, &self.workspace, &name);
            self.trace.line(&format!("             truth of {name}: {id:?}, mailed: {mailed}"));
            let args = match id {
                Some(id) if mailed || !sends => {
                    vec!["recover".to_owned(), name, "--adopt".to_owned(), id]
                }
                _ => vec!["recover".to_owned(), name, "--absent".to_owned()],
            };
            let args: Vec<&str> = args.iter().map(String::as_str).collect();
            let ran = self.command(runner, &args, Doom::default()).await?;
            if ran.code != Some(0) {
                return Err(format!("{args:?} ended with {:?}", ran.code));
            }
        }
        Ok(())
    }

    /// Applies until nothing is left to do.
    async fn settle(&mut self, runner: usize) -> Check {
        let args = ["apply", "--auto-approve", "--allow", "all", "--prune", "--format", "json"];
        for round in 0..6 {
            let ran = self.command(runner, &args, Doom::default()).await?;
            match ran.code {
                Some(0) => return Ok(()),
                Some(6) if round > 0 => self.recover(runner).await?,
                Some(12) => {
                    self.trace.line("the approvers say yes to everything");
                    approve_all(&self.net, &self.seeded)?;
                }
                _ => self.pass(Duration::from_secs(30)).await,
            }
        }
        Err("apply does not come to an end".to_owned())
    }

    /// Apply, then plan is empty; twice the same; the lockfile says what is there.
    async fn rest(&mut self, runner: usize) -> Check {
        // What an upstream shows late (links of a fresh quote) is there by now.
        self.pass(Duration::from_secs(5)).await;
        let args = ["plan", "--detailed-exitcode", "--format", "json"];
        let first = self.command(runner, &args, Doom::default()).await?;
        if first.code != Some(0) {
            return Err(format!("the plan after the apply is not empty: {:?}", first.code));
        }
        let second = self.command(runner, &args, Doom::default()).await?;
        if first.out != second.out {
            return Err("the same input gave two plans".to_owned());
        }
        let runner = &self.runners[runner];
        let folder = runner.folder.path();
        if runner.disk.exists(&folder.join(".proforma/journal.jsonl")).unwrap_or(true) {
            return Err("a journal is left although everything is settled".to_owned());
        }
        let store = Store::new(Arc::new(runner.disk.clone()), folder, LOCKFILE);
        let name = proforma::key::WorkspaceName::parse("simulated").unwrap();
        let lockfile = store.load(&name).map_err(|e| format!("{e:?}"))?;
        if lockfile.entries.len() != self.workspace.quotes.len() {
            return Err(format!("the lockfile has {} quotes", lockfile.entries.len()));
        }
        let found = truth::seen(&self.net, &self.seeded)?;
        for quote in &self.workspace.quotes {
            let copies = found.get(&(quote.provider, quote.mark())).cloned().unwrap_or_default();
            let entry = lockfile.entries.iter().find(|(name, _)| name.as_str() == quote.name);
            let recorded = entry.map(|(_, e)| e.id.as_str().to_owned());
            if !copies.iter().any(|c| Some(&c.id) == recorded.as_ref()) {
                return Err(format!("{} is recorded as {recorded:?}: {copies:?}", quote.name));
            }
        }
        Ok(())
    }

    /// Everything that was ever made and is still there.
    fn total(&self) -> usize {
        truth::seen(&self.net, &self.seeded).map_or(0, |found| found.values().map(Vec::len).sum())
    }

    /// The same values as after one undisturbed run of the last manifests.
    async fn compare(&mut self) -> Check {
        truth::never_twice(&self.net, &self.seeded)?;
        let forgetful = self.counts.lost_machines > 0;
        let found = truth::portrait(&self.net, &self.seeded, &self.workspace, forgetful)?;
        let (portal, trace) = (self.net.portal().clone(), Trace::default());
        let mut weather = Weather::draw(&mut Dice::new(1));
        weather.clear_up();
        let net = Arc::new(Net::new(1, portal, weather, trace.clone(), None));
        let runner = Runner::new(&trace, 0);
        self.workspace.write(runner.folder.path());
        let args = ["apply", "--auto-approve", "--allow", "all"];
        let process = Arc::new(Process::new(0, Doom::default()));
        let folder = runner.folder.path().to_owned();
        let (machine, disk) = (Arc::clone(&net), runner.disk.clone());
        let mut ran = start(machine, Arc::clone(&process), &folder, disk.clone(), &args).await?;
        if ran.code == Some(12) {
            approve_all(&net, &self.seeded)?;
            ran = start(Arc::clone(&net), process, &folder, disk, &args).await?;
        }
        if ran.code != Some(0) {
            return Err(format!("undisturbed it ends with {:?}: {}{}", ran.code, ran.out, ran.err));
        }
        let wanted = truth::portrait(&net, &self.seeded, &self.workspace, false)?;
        for (name, want) in &wanted {
            let has = found.get(name);
            let taken_down = forgetful && has.is_some_and(|has| truth::is_taken_down(has, want));
            if has != Some(want) && !taken_down {
                let has = found.get(name).cloned().unwrap_or_default();
                return Err(format!("{name} differs\n  wanted {want}\n  found  {has}"));
            }
        }
        Ok(())
    }
}

/// Quotes at DealHub that nobody has said yes to yet.
fn waiting(found: &truth::Everything) -> Vec<String> {
    let at_dealhub = found.iter().filter(|((provider, _), _)| *provider == Provider::Dealhub);
    let waiting = |copy: &&truth::Seen| copy.facts["status"] == truth::WAITING;
    at_dealhub.flat_map(|(_, copies)| copies).filter(waiting).map(|c| c.id.clone()).collect()
}

/// Whether there was something left to say yes to.
fn say_yes(net: &Net, id: &str) -> bool {
    let body = json!({ "upstream": "dealhub", "id": id, "action": "approve" });
    net.try_control("POST", "approver", &body).is_ok()
}

fn approve_all(net: &Net, seeded: &Seeded) -> Check {
    for id in waiting(&truth::seen(net, seeded)?) {
        say_yes(net, &id);
    }
    Ok(())
}
