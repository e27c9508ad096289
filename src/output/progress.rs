//! Progress on stderr: of an apply, and of the reading before a plan.
//!
//! On a terminal a bar with counts, rate and time left; elsewhere a line at the start, at the end
//! and at most one a minute between them, so that a pipeline's log stays short; nothing when quiet.
//!
//! Invariants: never writes to stdout; an error of stderr is no reason to stop an apply; texts of
//! upstreams are made safe.

use std::io::Write;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::printer::Printer;
use super::wording;
use crate::apply::events::{Event, Listener};

/// At most one line in this time.
const PAUSE: Duration = Duration::from_mins(1);

/// A listener that shows progress.
pub struct Progress(Face);

impl std::fmt::Debug for Progress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Progress")
    }
}

enum Face {
    Quiet,
    Bar(ProgressBar),
    Lines(Lines<Box<dyn Write + Send>>),
}

impl Progress {
    /// As fits the printer: bar, lines or nothing.
    pub fn new(printer: &Printer) -> Self {
        Self(if printer.is_quiet() {
            Face::Quiet
        } else if printer.stderr_is_terminal() {
            Face::Bar(bar(ProgressDrawTarget::stderr()))
        } else {
            Face::Lines(Lines::new(printer.stderr()))
        })
    }

    /// Writes lines of something else (a log) without tearing the bar apart.
    pub fn suspend<R>(&self, write: impl FnOnce() -> R) -> R {
        match &self.0 {
            Face::Bar(bar) => bar.suspend(write),
            _ => write(),
        }
    }
}

/// Waits for work that reads upstreams, and says meanwhile how far it is: on a terminal at once and
/// all the time, elsewhere once a minute. `sent` counts the requests so far; `more` says what else is
/// known of how far it is (nothing, if empty).
pub async fn reading<T>(
    printer: &Printer,
    sent: fn() -> u64,
    more: impl Fn() -> String,
    work: impl Future<Output = T>,
) -> T {
    if printer.is_quiet() || !printer.is_live() {
        return work.await;
    }
    let mut work = std::pin::pin!(work);
    let (began, before) = (tokio::time::Instant::now(), sent());
    // A terminal that wants no colour codes wants no codes that move the cursor either.
    let draws = printer.stderr_is_terminal() && printer.look_err().color;
    let spinner = draws.then(|| {
        let spinner = ProgressBar::new_spinner();
        spinner.set_message("reading upstream");
        spinner
    });
    let pause = if spinner.is_some() { Duration::from_millis(200) } else { PAUSE };
    loop {
        tokio::select! {
            biased;
            done = &mut work => {
                if let Some(spinner) = spinner {
                    spinner.finish_and_clear();
                }
                return done;
            }
            () = tokio::time::sleep(pause) => {
                let mut text = read_so_far(sent().saturating_sub(before), began.elapsed());
                let more = more();
                if !more.is_empty() {
                    text = format!("{text}; {more}");
                }
                match &spinner {
                    Some(spinner) => {
                        spinner.set_message(text);
                        spinner.tick();
                    }
                    None => printer.note(&format!("{text}\n")),
                }
            }
        }
    }
}

/// `reading upstream: 120 requests in 10 s, 12.0/s`. How many there will be is not known: each page
/// tells of the next.
fn read_so_far(sent: u64, time: Duration) -> String {
    let requests = wording::count(usize::try_from(sent).unwrap_or(usize::MAX), "request");
    let seconds = time.as_secs();
    if seconds == 0 {
        return format!("reading upstream: {requests}");
    }
    format!("reading upstream: {requests} in {}, {}", clock_of(time), rate_of(sent, time))
}

/// `12.5/s`, or where it is slow `3.0/min`.
fn rate_of(done: u64, time: Duration) -> String {
    // A rate for the eye: whole numbers of this size are exact as floats.
    #[expect(clippy::cast_precision_loss, reason = "shown with one digit")]
    let rate = done as f64 / time.as_secs_f64().max(0.001);
    if rate < 0.5 { format!("{:.1}/min", rate * 60.0) } else { format!("{rate:.1}/s") }
}

/// `40 s`, `12 min`, `3 h 20 min`.
fn clock_of(time: Duration) -> String {
    match time.as_secs() {
        s @ 0..120 => format!("{s} s"),
        s @ 120..7200 => format!("{} min", s / 60),
        s => format!("{} h {} min", s / 3600, s % 3600 / 60),
    }
}

/// The time that what is left takes at the rate so far.
fn left(done: usize, of: usize, time: Duration) -> Option<Duration> {
    let rest = u32::try_from(of.saturating_sub(done)).ok()?;
    let done = u32::try_from(done).ok().filter(|n| *n > 0)?;
    time.checked_mul(rest)?.checked_div(done)
}

impl Listener for Progress {
    fn on(&self, event: &Event) {
        match &self.0 {
            Face::Quiet => {}
            Face::Bar(bar) => draw(bar, event),
            Face::Lines(lines) => lines.on(event),
        }
    }
}

fn bar(target: ProgressDrawTarget) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(0), target);
    // The template is a constant, and tested; the default bar would do as well.
    let style = ProgressStyle::with_template(
        "{bar:24} {pos}/{len} steps  {per_sec}  {eta} left  {wide_msg}",
    );
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar
}

fn draw(bar: &ProgressBar, event: &Event) {
    match event {
        Event::Started { steps, .. } => {
            bar.set_length(*steps as u64);
            bar.reset();
            bar.enable_steady_tick(Duration::from_millis(200));
        }
        Event::Sent { connection, does, steps } => {
            let does = wording::one_line(does, 80);
            let more = if *steps > 1 { format!(" (batch of {steps})") } else { String::new() };
            bar.set_message(format!("{connection}: {does}{more}"));
        }
        Event::Settled { done, of, .. } => {
            bar.set_length(*of as u64);
            bar.set_position(*done as u64);
        }
        Event::LookingUp { quote, .. } => bar.set_message(looking(quote.as_ref())),
        Event::Draining { in_flight } => bar.set_message(draining(*in_flight)),
        Event::Quote { .. } => {}
        Event::Finished { .. } => bar.finish_and_clear(),
    }
}

fn looking(quote: Option<&crate::key::QuoteName>) -> String {
    let what = quote.map_or_else(|| "a creation".to_owned(), |q| format!("`{q}`"));
    format!("looking for what became of {what}")
}

fn draining(in_flight: usize) -> String {
    format!(
        "interrupted: nothing new starts; {} in flight (Ctrl-C again stops now)",
        wording::count(in_flight, "request")
    )
}

/// Plain lines for logs.
#[derive(Debug)]
struct Lines<W> {
    state: Mutex<LinesState<W>>,
    clock: fn() -> Instant,
}

#[derive(Debug)]
struct LinesState<W> {
    out: W,
    began: Option<Instant>,
    last: Option<Instant>,
    done: usize,
    of: usize,
}

impl<W: Write> Lines<W> {
    fn new(out: W) -> Self {
        Self::with_clock(out, Instant::now)
    }

    fn with_clock(out: W, clock: fn() -> Instant) -> Self {
        Self {
            state: Mutex::new(LinesState { out, began: None, last: None, done: 0, of: 0 }),
            clock,
        }
    }

    fn on(&self, event: &Event) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let now = (self.clock)();
        let line = match event {
            Event::Started { quotes, steps, .. } => {
                state.last = Some(now);
                state.began = Some(now);
                state.of = *steps;
                (*steps > 0).then(|| {
                    format!(
                        "applying {} to {}",
                        wording::count(*steps, "step"),
                        wording::count(*quotes, "quote")
                    )
                })
            }
            Event::Finished { .. } if state.of == 0 => None,
            Event::Settled { done, of, .. } => {
                (state.done, state.of) = (*done, *of);
                let due = state.last.is_none_or(|last| now.duration_since(last) >= PAUSE);
                due.then(|| {
                    state.last = Some(now);
                    let time = state.began.map_or(Duration::ZERO, |b| now.duration_since(b));
                    let so_far = format!("{done} of {}", wording::count(*of, "step"));
                    match left(*done, *of, time).filter(|_| !time.is_zero()) {
                        Some(left) => format!(
                            "{so_far}, {}, about {} left",
                            rate_of(*done as u64, time),
                            clock_of(left)
                        ),
                        None => so_far,
                    }
                })
            }
            Event::Draining { in_flight } => Some(draining(*in_flight)),
            Event::Finished { seconds } => Some(format!(
                "{} of {} in {seconds:.1} s",
                state.done,
                wording::count(state.of, "step")
            )),
            Event::Sent { .. } | Event::LookingUp { .. } | Event::Quote { .. } => None,
        };
        if let Some(line) = line {
            // Nobody reads stderr any more: no reason to stop.
            let _ = writeln!(state.out, "{line}").and_then(|()| state.out.flush());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::{ConnectionName, StepId};
    use std::sync::atomic::{AtomicU64, Ordering};

    static SECONDS: AtomicU64 = AtomicU64::new(0);
    static START: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();

    fn clock() -> Instant {
        *START.get_or_init(Instant::now) + Duration::from_secs(SECONDS.load(Ordering::SeqCst))
    }

    fn settled(done: usize) -> Event {
        let connection = ConnectionName::parse("crm").unwrap();
        Event::Settled {
            step: StepId::of_connection(&connection, done),
            quote: None,
            does: "x".to_owned(),
            outcome: "applied",
            detail: None,
            done,
            of: 10,
        }
    }

    #[test]
    fn a_log_gets_a_line_at_both_ends_and_one_a_minute() {
        let lines = Lines::with_clock(Vec::new(), clock);
        lines.on(&Event::Started { plan: "p".to_owned(), quotes: 1, steps: 10 });
        for n in 1..=10 {
            SECONDS.fetch_add(25, Ordering::SeqCst);
            lines.on(&settled(n));
        }
        lines.on(&Event::Finished { seconds: 250.04 });
        let text = String::from_utf8(lines.state.into_inner().unwrap().out).unwrap();
        assert_eq!(
            text,
            "applying 10 steps to 1 quote\n\
             3 of 10 steps, 2.4/min, about 2 min left\n\
             6 of 10 steps, 2.4/min, about 100 s left\n\
             9 of 10 steps, 2.4/min, about 25 s left\n\
             10 of 10 steps in 250.0 s\n"
        );
    }

    #[test]
    fn reading_is_told_in_requests_and_time() {
        assert_eq!(read_so_far(0, Duration::ZERO), "reading upstream: 0 requests");
        let ten = Duration::from_secs(10);
        assert_eq!(read_so_far(120, ten), "reading upstream: 120 requests in 10 s, 12.0/s");
        assert_eq!(clock_of(Duration::from_mins(200)), "3 h 20 min");
        assert_eq!(left(3, 10, Duration::from_secs(75)), Some(Duration::from_secs(175)));
        assert_eq!(left(0, 10, ten), None);
    }

    #[test]
    fn the_bar_follows_the_events_and_hides_hostile_text() {
        let bar = bar(ProgressDrawTarget::hidden());
        draw(&bar, &Event::Started { plan: "p".to_owned(), quotes: 1, steps: 10 });
        let connection = ConnectionName::parse("crm").unwrap();
        draw(&bar, &Event::Sent { connection, does: "a\u{1b}[2J\nb".to_owned(), steps: 3 });
        assert_eq!(bar.message(), "crm: a\\u{1b}[2J\\nb (batch of 3)");
        draw(&bar, &settled(4));
        assert_eq!((bar.position(), bar.length()), (4, Some(10)));
        draw(&bar, &Event::Finished { seconds: 1.0 });
        assert!(bar.is_finished());
    }
}
