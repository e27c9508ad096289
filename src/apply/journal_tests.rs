//! The journal under faults: full disk, torn tails, kills and power cuts at every operation.

use jiff::Timestamp;

use super::*;
use crate::apply::records::Outcome;
use crate::disk::{FakeDisk, Fault, RealDisk};
use crate::key::ConnectionName;

fn workspace() -> WorkspaceName {
    WorkspaceName::parse("w").unwrap()
}

fn crm() -> ConnectionName {
    ConnectionName::parse("crm").unwrap()
}

fn step(n: usize) -> StepId {
    StepId::of_connection(&crm(), n)
}

fn intent(n: usize) -> Intent {
    Intent::new(step(n), crm(), "hubspot")
}

fn start(plan: &str) -> RunStart {
    RunStart::new(plan, workspace(), Timestamp::UNIX_EPOCH, 7, "desk")
}

async fn open(disk: &FakeDisk) -> Result<(Journal, Replay), Failure> {
    let now: Now = Arc::new(|| Timestamp::UNIX_EPOCH);
    Journal::open(Arc::new(disk.clone()), Path::new("/w"), JOURNAL, &workspace(), now).await
}

fn path() -> PathBuf {
    Path::new("/w").join(STATE_FOLDER).join(JOURNAL)
}

fn ids<'a>(steps: impl IntoIterator<Item = &'a Intent>) -> Vec<StepId> {
    steps.into_iter().map(|i| i.step.clone()).collect()
}

#[tokio::test]
async fn a_finished_run_leaves_no_file() {
    let disk = FakeDisk::new();
    let (journal, left) = open(&disk).await.unwrap();
    assert_eq!(left, Replay::default());
    journal.begin(start("p")).await.unwrap();
    journal.intent(vec![intent(1), intent(2)]).await.unwrap();
    journal
        .receipt(vec![Receipt::applied(step(1), None), Receipt::new(step(2), Outcome::Rejected)])
        .await
        .unwrap();
    journal.checkpoint(vec![step(1)]).await.unwrap();
    assert!(journal.close().await.unwrap().is_settled());
    assert!(!disk.exists(&path()).unwrap());
    assert!(journal.intent(vec![intent(3)]).await.is_err(), "closed");
}

#[tokio::test]
async fn an_answer_without_its_request_is_an_error() {
    let disk = FakeDisk::new();
    let (journal, _) = open(&disk).await.unwrap();
    journal.begin(start("p")).await.unwrap();
    journal.receipt(vec![Receipt::applied(step(3), None)]).await.unwrap();
    drop(journal);
    let why = open(&disk).await.err().unwrap();
    assert!(why.message.contains(step(3).as_str()), "{why}");
    assert_eq!((why.kind, why.diagnostics[0].code), (Kind::Invalid, "journal-damaged"));
    assert!(Journal::peek(Arc::new(disk), Path::new("/w"), JOURNAL).is_err());
}

#[tokio::test]
async fn callers_that_wait_together_share_a_flush() {
    let disk = FakeDisk::new();
    let (journal, _) = open(&disk).await.unwrap();
    journal.begin(start("p")).await.unwrap();
    let before = disk.syncs();
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..100 {
        let journal = journal.clone();
        tasks.spawn(async move { journal.intent(vec![intent(n)]).await });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap().unwrap();
    }
    assert!(disk.syncs() - before <= 2, "{} flushes for 100 intents", disk.syncs() - before);
    assert_eq!(journal.flushes(), disk.syncs());
    let (_, left) = open(&disk.after_power_cut(0)).await.unwrap();
    assert_eq!(left.open.len(), 100);
}

#[tokio::test]
async fn a_killed_run_is_told_to_the_next_one() {
    let disk = FakeDisk::new();
    let (journal, _) = open(&disk).await.unwrap();
    journal.begin(start("p")).await.unwrap();
    journal.intent(vec![intent(1), intent(2), intent(3), intent(4)]).await.unwrap();
    let unknown =
        Receipt { detail: Some("timed out".to_owned()), ..Receipt::new(step(3), Outcome::Unknown) };
    journal
        .receipt(vec![
            Receipt::applied(step(1), None),
            Receipt::applied(step(2), None),
            unknown.clone(),
        ])
        .await
        .unwrap();
    journal.checkpoint(vec![step(1)]).await.unwrap();

    let disk = disk.after_kill();
    let (journal, left) = open(&disk).await.unwrap();
    assert_eq!(left.broken_off, [start("p")]);
    assert_eq!(ids(left.applied.iter().map(|a| &a.intent)), [step(2)]);
    assert_eq!(ids(left.open.iter().map(|o| &o.intent)), [step(3), step(4)]);
    assert_eq!(left.open[0].receipt, Some((Timestamp::UNIX_EPOCH, unknown)));
    assert_eq!(left.open[1].receipt, None);

    // The next run has steps of the same names; they are its own.
    let old = start("p").run;
    journal.begin(start("next")).await.unwrap();
    journal.intent(vec![intent(4)]).await.unwrap();
    journal.receipt(vec![Receipt::new(step(4), Outcome::NotSent)]).await.unwrap();
    journal.checkpoint_of(old.clone(), vec![step(2)]).await.unwrap();
    let left = journal.close().await.unwrap();
    assert_eq!(ids(left.open.iter().map(|o| &o.intent)), [step(3), step(4)]);

    // What nobody could settle outlives the run, and only that.
    let (journal, again) = open(&disk).await.unwrap();
    assert_eq!((again.open.clone(), again.runs), (left.open, vec![start("p")]));
    journal.settle(old.clone(), vec![Receipt::applied(step(3), None)]).await.unwrap();
    journal.settle(old.clone(), vec![Receipt::new(step(4), Outcome::Rejected)]).await.unwrap();
    journal.checkpoint_of(old, vec![step(3)]).await.unwrap();
    assert!(journal.close().await.unwrap().is_settled());
    assert!(!disk.exists(&path()).unwrap());
}

#[tokio::test]
async fn an_applied_step_that_was_not_recorded_outlives_the_run() {
    let disk = FakeDisk::new();
    let (journal, _) = open(&disk).await.unwrap();
    journal.begin(start("p")).await.unwrap();
    journal.intent(vec![intent(1)]).await.unwrap();
    journal.receipt(vec![Receipt::applied(step(1), None)]).await.unwrap();
    journal.close().await.unwrap();
    let (_, left) = open(&disk).await.unwrap();
    assert_eq!(left.applied.len(), 1);
    assert_eq!(left.broken_off, []);
}

#[tokio::test]
async fn an_intent_that_is_not_durable_is_an_error_and_nothing_follows_it() {
    for (k, fault) in
        [(1, Fault::Fails), (1, Fault::Tears(20)), (2, Fault::Fails), (1, Fault::Dies)]
    {
        let disk = FakeDisk::new();
        let (journal, _) = open(&disk).await.unwrap();
        journal.begin(start("p")).await.unwrap();
        disk.fault_in(k, fault);
        let failure = journal.intent(vec![intent(1)]).await.unwrap_err();
        assert!(failure.help.unwrap().contains("make room"));
        // The disk would work again; the journal's end cannot be trusted any more.
        assert!(journal.intent(vec![intent(2)]).await.is_err());
        assert!(journal.close().await.is_err());
        let (_, left) = open(&disk.after_kill()).await.unwrap();
        assert!(ids(left.open.iter().map(|o| &o.intent)).iter().all(|s| *s == step(1)));
        assert_eq!(left.runs, [start("p")]);
    }
}

#[tokio::test]
async fn a_tail_torn_at_every_byte_is_dropped_told_and_mended() {
    let disk = FakeDisk::new();
    let (journal, _) = open(&disk).await.unwrap();
    journal.begin(start("p")).await.unwrap();
    journal.intent(vec![intent(1)]).await.unwrap();
    let before = disk.read(&path()).unwrap().len();
    journal.receipt(vec![Receipt::applied(step(1), None)]).await.unwrap();
    let whole = disk.read(&path()).unwrap();
    for cut in before..whole.len() {
        let torn = FakeDisk::new();
        torn.replace(&path(), &whole[..cut]).unwrap();
        let (journal, left) = open(&torn).await.unwrap();
        let complete = cut == whole.len() - 1;
        assert_eq!(left.torn, if complete { 0 } else { cut - before });
        assert_eq!((left.open.len(), left.applied.len()), if complete { (0, 1) } else { (1, 0) });
        // New lines start on their own.
        journal.begin(start("next")).await.unwrap();
        let (_, left) = open(&torn.after_kill()).await.unwrap();
        assert_eq!((left.torn, left.runs.len()), (0, 2), "cut at {cut}");
    }
}

/// A run that stops at the first error. Gives the steps whose intents were confirmed, and those
/// whose receipts were.
async fn run_of_three(disk: &FakeDisk) -> (Vec<StepId>, Vec<StepId>) {
    let (mut sent, mut answered) = (Vec::new(), Vec::new());
    let Ok((journal, _)) = open(disk).await else { return (sent, answered) };
    if journal.begin(start("p")).await.is_err() {
        return (sent, answered);
    }
    for n in 1..=3 {
        if journal.intent(vec![intent(n)]).await.is_err() {
            return (sent, answered);
        }
        sent.push(step(n));
        if journal.receipt(vec![Receipt::applied(step(n), None)]).await.is_err() {
            return (sent, answered);
        }
        answered.push(step(n));
    }
    let _ = journal.close().await;
    (sent, answered)
}

#[tokio::test]
async fn whatever_was_confirmed_survives_a_stop_at_every_operation() {
    let untroubled = FakeDisk::new();
    run_of_three(&untroubled).await;
    for k in 1..=untroubled.operations() {
        for fault in [Fault::Fails, Fault::Tears(0), Fault::Tears(37), Fault::Dies] {
            let disk = FakeDisk::new();
            disk.fault_in(k, fault);
            let (sent, answered) = run_of_three(&disk).await;
            for after in [disk.after_kill(), disk.after_power_cut(0), disk.after_power_cut(11)] {
                let (_, left) = open(&after).await.unwrap();
                let open = ids(left.open.iter().map(|o| &o.intent));
                let applied = ids(left.applied.iter().map(|a| &a.intent));
                let known = |s: &StepId| open.contains(s) || applied.contains(s);
                assert!(sent.iter().all(known), "{fault:?} at {k}: a sent step is forgotten");
                assert!(answered.iter().all(|s| applied.contains(s)), "{fault:?} at {k}");
            }
        }
    }
}

#[tokio::test]
async fn another_workspace_or_a_damaged_middle_is_refused() {
    let disk = FakeDisk::new();
    let (journal, _) = open(&disk).await.unwrap();
    let other = RunStart { workspace: WorkspaceName::parse("other").unwrap(), ..start("p") };
    journal.begin(other).await.unwrap();
    let failure = open(&disk).await.unwrap_err();
    assert_eq!((failure.kind, failure.diagnostics[0].code), (Kind::Invalid, "journal-workspace"));

    let mut bytes = disk.read(&path()).unwrap();
    bytes[40] ^= 1;
    bytes.extend_from_slice(b"{}\n");
    disk.replace(&path(), &bytes).unwrap();
    assert!(open(&disk).await.unwrap_err().message.contains("line 1 is damaged"));
}

#[tokio::test]
async fn steps_need_a_run() {
    let disk = FakeDisk::new();
    let (journal, _) = open(&disk).await.unwrap();
    assert!(journal.intent(vec![intent(1)]).await.is_err());
    journal.begin(start("p")).await.unwrap();
    assert!(journal.begin(start("q")).await.is_err());
}

#[tokio::test]
async fn works_on_a_real_disk() {
    let dir = tempfile::tempdir().unwrap();
    let now: Now = Arc::new(Timestamp::now);
    let disk: Arc<dyn Disk> = Arc::new(RealDisk::new());
    let (journal, _) =
        Journal::open(Arc::clone(&disk), dir.path(), JOURNAL, &workspace(), Arc::clone(&now))
            .await
            .unwrap();
    journal.begin(start("p")).await.unwrap();
    journal.intent(vec![intent(1)]).await.unwrap();
    let disk: Arc<dyn Disk> = Arc::new(RealDisk::new());
    let (journal, left) =
        Journal::open(disk, dir.path(), JOURNAL, &workspace(), now).await.unwrap();
    assert_eq!(left.open.len(), 1);
    journal.settle(start("p").run, vec![Receipt::new(step(1), Outcome::Rejected)]).await.unwrap();
    assert!(journal.close().await.unwrap().is_settled());
    assert!(!dir.path().join(STATE_FOLDER).join(JOURNAL).exists());
}
