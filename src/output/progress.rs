//! Progress of an apply, on stderr.
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
    last: Option<Instant>,
    done: usize,
    of: usize,
}

impl<W: Write> Lines<W> {
    fn new(out: W) -> Self {
        Self::with_clock(out, Instant::now)
    }

    fn with_clock(out: W, clock: fn() -> Instant) -> Self {
        Self { state: Mutex::new(LinesState { out, last: None, done: 0, of: 0 }), clock }
    }

    fn on(&self, event: &Event) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let now = (self.clock)();
        let line = match event {
            Event::Started { quotes, steps, .. } => {
                state.last = Some(now);
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
                    format!("{done} of {}", wording::count(*of, "step"))
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
            "applying 10 steps to 1 quote\n3 of 10 steps\n6 of 10 steps\n9 of 10 steps\n10 of 10 steps in 250.0 s\n"
        );
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
