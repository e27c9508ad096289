//! The limiter under tokio's paused clock, watched from the server's side.

use std::sync::Mutex as StdMutex;
use std::time::Duration;

use proptest::prelude::*;

use super::*;

const SEARCH: Class = Class("search");

fn limit(requests: u32, ms: u64) -> RateLimit {
    RateLimit::new(requests, Duration::from_millis(ms)).unwrap()
}

fn limiter(requests: u32, ms: u64, concurrency: usize) -> Arc<Limiter> {
    Arc::new(Limiter::new(Limits {
        account: limit(requests, ms),
        explicit: true,
        concurrency,
        classes: vec![(SEARCH, limit(2, 1_000))],
    }))
}

/// The most requests in any closed window of this length.
fn most_in_a_window(times: &[Instant], window: Duration) -> usize {
    let mut times = times.to_vec();
    times.sort();
    let within = |i: usize| times[i..].iter().take_while(|t| **t - times[i] <= window).count();
    (0..times.len()).map(within).max().unwrap_or(0)
}

fn paused<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(future)
}

/// Sends requests with (time before the server counts, time after), all at once; gives when the
/// server counted each.
async fn storm(limiter: &Arc<Limiter>, requests: Vec<(Class, u64, u64)>) -> Vec<(Class, Instant)> {
    let seen = Arc::new(StdMutex::new(Vec::new()));
    let tasks: Vec<_> = requests
        .into_iter()
        .map(|(class, before, after)| {
            let (limiter, seen) = (Arc::clone(limiter), Arc::clone(&seen));
            tokio::spawn(async move {
                let permit = limiter.acquire(class).await;
                tokio::time::sleep(Duration::from_millis(before)).await;
                seen.lock().unwrap().push((class, Instant::now()));
                tokio::time::sleep(Duration::from_millis(after)).await;
                permit.finish();
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let seen = seen.lock().unwrap();
    seen.clone()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn no_window_at_the_server_sees_more_than_the_limit(
        requests in 1u32..8,
        window in 50u64..2_000,
        concurrency in 1usize..12,
        calls in prop::collection::vec((any::<bool>(), 0u64..400, 0u64..400), 1..60),
    ) {
        let calls = calls.into_iter()
            .map(|(search, b, a)| (if search { SEARCH } else { Class::GENERAL }, b, a))
            .collect::<Vec<_>>();
        let n = calls.len();
        let (seen, left) = paused(async {
            let limiter = limiter(requests, window, concurrency);
            let seen = storm(&limiter, calls).await;
            (seen, limiter.in_flight())
        });
        prop_assert_eq!(seen.len(), n);
        prop_assert_eq!(left, 0);
        let all: Vec<_> = seen.iter().map(|(_, at)| *at).collect();
        prop_assert!(most_in_a_window(&all, Duration::from_millis(window)) <= requests as usize);
        let searches: Vec<_> =
            seen.iter().filter(|(c, _)| *c == SEARCH).map(|(_, at)| *at).collect();
        prop_assert!(most_in_a_window(&searches, Duration::from_secs(1)) <= 2);
    }

    #[test]
    fn futures_dropped_at_any_time_leave_no_slot(
        drops in prop::collection::vec((0u64..300, any::<bool>()), 1..40),
    ) {
        let taken = paused(async {
            let limiter = limiter(3, 100, 2);
            let mut tasks = Vec::new();
            for (ms, search) in drops {
                let limiter = Arc::clone(&limiter);
                let class = if search { SEARCH } else { Class::GENERAL };
                tasks.push(tokio::spawn(async move {
                    let acquire = limiter.acquire(class);
                    // The permit, if it came, is dropped with the future.
                    let _ = tokio::time::timeout(Duration::from_millis(ms), acquire).await;
                }));
            }
            for task in tasks {
                task.await.unwrap();
            }
            // Whoever comes next must get its turn in bounded time.
            let next = tokio::time::timeout(Duration::from_secs(3), limiter.acquire(SEARCH)).await;
            next.is_ok()
        });
        prop_assert!(taken);
    }
}

#[tokio::test(start_paused = true)]
async fn uses_the_limit_fully() {
    let limiter = limiter(10, 1_000, 5);
    let started = Instant::now();
    storm(&limiter, vec![(Class::GENERAL, 5, 5); 100]).await;
    let took = started.elapsed();
    // Ten windows of ten: nine waits and a little latency.
    assert!(took >= Duration::from_secs(9), "{took:?}");
    assert!(took < Duration::from_millis(9_400), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn is_first_come_first_served() {
    let limiter = limiter(1, 100, 1);
    let order = Arc::new(StdMutex::new(Vec::new()));
    let mut tasks = Vec::new();
    for n in 0..20 {
        let (limiter, order) = (Arc::clone(&limiter), Arc::clone(&order));
        tasks.push(tokio::spawn(async move {
            let permit = limiter.acquire(Class::GENERAL).await;
            order.lock().unwrap().push(n);
            permit.finish();
        }));
        tokio::task::yield_now().await;
    }
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(*order.lock().unwrap(), (0..20).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn a_full_class_lets_others_pass() {
    let limiter = limiter(100, 1_000, 100);
    limiter.acquire(SEARCH).await.finish();
    limiter.acquire(SEARCH).await.finish();
    let started = Instant::now();
    let (search, general) = tokio::join!(
        async {
            limiter.acquire(SEARCH).await.finish();
            started.elapsed()
        },
        async {
            limiter.acquire(Class::GENERAL).await.finish();
            started.elapsed()
        }
    );
    assert_eq!(general, Duration::ZERO);
    assert!(search >= Duration::from_secs(1), "{search:?}");
}

#[tokio::test(start_paused = true)]
async fn concurrency_is_bounded() {
    let limiter = limiter(100, 1_000, 2);
    let a = limiter.acquire(Class::GENERAL).await;
    let b = limiter.acquire(Class::GENERAL).await;
    let third = tokio::time::timeout(Duration::from_mins(1), limiter.acquire(Class::GENERAL));
    assert!(third.await.is_err());
    a.finish();
    limiter.acquire(Class::GENERAL).await.finish();
    drop(b);
    assert_eq!(limiter.in_flight(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_pause_holds_everybody_and_a_class_pause_its_class() {
    let limiter = limiter(100, 1_000, 10);
    let started = Instant::now();
    limiter.pause_class_until(SEARCH, started + Duration::from_secs(5));
    limiter.acquire(Class::GENERAL).await.finish();
    assert_eq!(started.elapsed(), Duration::ZERO);
    limiter.acquire(SEARCH).await.finish();
    assert!(started.elapsed() >= Duration::from_secs(5));
    limiter.pause_until(started + Duration::from_secs(20));
    // An earlier end does not shorten a pause.
    limiter.pause_until(started + Duration::from_secs(10));
    limiter.acquire(Class::GENERAL).await.finish();
    assert!(started.elapsed() >= Duration::from_secs(20));
}

#[tokio::test(start_paused = true)]
async fn a_pause_reaches_those_who_wait_already() {
    let limiter = limiter(1, 1_000, 1);
    let started = Instant::now();
    limiter.acquire(Class::GENERAL).await.finish();
    let waiting = async {
        limiter.acquire(Class::GENERAL).await.finish();
        started.elapsed()
    };
    let pausing = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        limiter.pause_until(started + Duration::from_secs(7));
    };
    let (waited, ()) = tokio::join!(waiting, pausing);
    assert!(waited >= Duration::from_secs(7), "{waited:?}");
}

#[tokio::test(start_paused = true)]
async fn a_permit_given_back_costs_nothing() {
    let limiter = limiter(1, 60_000, 1);
    for _ in 0..10 {
        limiter.acquire(Class::GENERAL).await.give_back();
    }
    let started = Instant::now();
    limiter.acquire(Class::GENERAL).await.finish();
    assert_eq!(started.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn learns_less_always_and_more_only_from_a_default() {
    for (explicit, taught, most) in [(true, 50, 5), (true, 3, 3), (false, 50, 50), (false, 3, 3)] {
        let limiter = Limiter::new(Limits {
            account: limit(5, 1_000),
            explicit,
            concurrency: 100,
            classes: Vec::new(),
        });
        limiter.learn(limit(taught, 1_000));
        let mut got = 0;
        let soon = Duration::from_millis(10);
        while let Ok(permit) = tokio::time::timeout(soon, limiter.acquire(Class::GENERAL)).await {
            permit.finish();
            got += 1;
            if got > 60 {
                break;
            }
        }
        assert_eq!(got, most, "explicit {explicit}, taught {taught}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_learned_window_counts_what_went_before() {
    let limiter = limiter(5, 1_000, 10);
    for _ in 0..5 {
        limiter.acquire(Class::GENERAL).await.finish();
    }
    limiter.learn(limit(5, 10_000));
    let started = Instant::now();
    limiter.acquire(Class::GENERAL).await.finish();
    assert!(started.elapsed() >= Duration::from_secs(10));
}

#[tokio::test(start_paused = true)]
async fn a_waiter_that_nobody_polls_holds_up_nobody() {
    let limiter = limiter(2, 1_000, 10);
    limiter.acquire(Class::GENERAL).await.finish();
    limiter.acquire(Class::GENERAL).await.finish();
    let mut forgotten = Box::pin(limiter.acquire(Class::GENERAL));
    let soon = Duration::from_millis(10);
    assert!(tokio::time::timeout(soon, &mut forgotten).await.is_err());
    // Two slots come free; the forgotten waiter holds one of them, and the other is ours.
    let ours = tokio::time::timeout(Duration::from_secs(2), limiter.acquire(Class::GENERAL)).await;
    assert!(ours.is_ok());
    drop(forgotten);
    drop(ours);
    assert_eq!(limiter.in_flight(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn holds_under_real_threads() {
    let limiter = limiter(20, 100, 4);
    let seen = storm(&limiter, vec![(Class::GENERAL, 1, 1); 100]).await;
    let seen: Vec<_> = seen.iter().map(|(_, at)| *at).collect();
    assert_eq!(seen.len(), 100);
    assert!(most_in_a_window(&seen, Duration::from_millis(100)) <= 20);
}

#[test]
fn reads_the_written_form() {
    assert_eq!(RateLimit::parse("190/10s"), Some(limit(190, 10_000)));
    assert_eq!(RateLimit::parse("5/1s"), Some(limit(5, 1_000)));
    assert_eq!(RateLimit::parse("100/1m"), Some(limit(100, 60_000)));
    for bad in [
        "",
        "190",
        "0/1s",
        "5/0s",
        "5/s",
        "5/1",
        "-5/1s",
        "5/1d",
        "5/25h",
        "5.5/1s",
        "5/99999999999s",
    ] {
        assert_eq!(RateLimit::parse(bad), None, "{bad}");
    }
}
