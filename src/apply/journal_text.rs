//! The journal's lines.
//!
//! Purpose: one JSON object a line, `{"sum":"<16 hex>","record":{..}}`, where the sum is blake3 of
//! the record's own bytes, so that a line that was cut or damaged is recognised for what it is.
//!
//! Invariants: a damaged **last** line is the trace of a crash: its write was never confirmed, so
//! no request followed it, and it is dropped and told. A damaged line anywhere else is an error:
//! something confirmed was lost.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::apply::records::{FORMAT, Record};
use crate::failure::{Diagnostic, Failure, Kind};
use crate::key::StepId;

#[derive(Serialize, Deserialize)]
struct Line<'a> {
    sum: &'a str,
    #[serde(borrow)]
    record: &'a RawValue,
}

/// What a journal holds.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Lines {
    /// The records, oldest first.
    pub records: Vec<Record>,
    /// How many bytes at the start hold them, line ends included.
    pub whole: usize,
    /// Bytes of a torn last line.
    pub torn: usize,
    /// The last record is whole and only its line end is missing.
    pub unended: bool,
}

/// The line of a record, with its line end.
pub fn print(record: &Record) -> Result<String, Failure> {
    let fault =
        |e: serde_json::Error| Failure::new(Kind::Other, format!("cannot write the journal: {e}"));
    let raw = serde_json::value::to_raw_value(record).map_err(fault)?;
    let sum = sum_of(raw.get());
    let mut line = serde_json::to_string(&Line { sum: &sum, record: &raw }).map_err(fault)?;
    line.push('\n');
    Ok(line)
}

/// Reads a journal; `shown` names it in messages.
pub fn parse(bytes: &[u8], shown: &str) -> Result<Lines, Failure> {
    let mut lines = Lines::default();
    let mut rest = bytes;
    let mut number = 0_usize;
    while !rest.is_empty() {
        number += 1;
        let (line, after, ended) = match rest.iter().position(|b| *b == b'\n') {
            Some(end) => {
                let (line, after) = rest.split_at(end);
                (line, after.get(1..).unwrap_or_default(), true)
            }
            None => (rest, &[][..], false),
        };
        match read_line(line) {
            Ok(record) => {
                if let Record::Run(start) = &record
                    && start.format > FORMAT
                {
                    return Err(newer(shown, number));
                }
                lines.records.push(record);
                lines.whole += line.len() + usize::from(ended);
                lines.unended = !ended;
            }
            Err(Broken::Damaged) if after.is_empty() => lines.torn = rest.len(),
            Err(Broken::Damaged) => return Err(damaged(shown, number)),
            Err(Broken::Foreign) => return Err(newer(shown, number)),
        }
        rest = after;
    }
    Ok(lines)
}

enum Broken {
    /// Cut, overwritten or edited.
    Damaged,
    /// Whole, but not of this version.
    Foreign,
}

fn read_line(line: &[u8]) -> Result<Record, Broken> {
    let line: Line<'_> = serde_json::from_slice(line).map_err(|_| Broken::Damaged)?;
    if sum_of(line.record.get()) != line.sum {
        return Err(Broken::Damaged);
    }
    serde_json::from_str(line.record.get()).map_err(|_| Broken::Foreign)
}

fn sum_of(raw: &str) -> String {
    blake3::hash(raw.as_bytes()).to_hex().as_str().chars().take(16).collect()
}

fn damaged(shown: &str, line: usize) -> Failure {
    unsound(shown, format!("{shown}: line {line} is damaged, and lines follow it"))
}

/// A receipt answers a request that no line announces: lines were lost.
pub fn incomplete(shown: &str, step: &StepId) -> Failure {
    unsound(shown, format!("{shown}: a line is missing: it has an answer to {step} and no request"))
}

fn unsound(shown: &str, message: String) -> Failure {
    let help = format!(
        "what an earlier run did may be missing from the lockfile. Keep a copy of {shown}, move it away, and plan again: it finds by their stamps what exists upstream"
    );
    let diagnostic = Diagnostic::error("journal-damaged", message.clone()).help(help.clone());
    Failure::new(Kind::Invalid, message).help(help).with(vec![diagnostic])
}

fn newer(shown: &str, line: usize) -> Failure {
    let message = format!("{shown}: line {line} was written by another version of proforma");
    let help = "an apply of that version did not end here: run `proforma apply` or `proforma recover` with it once, then go on with this one";
    let diagnostic = Diagnostic::error("journal-newer", message.clone()).help(help);
    Failure::new(Kind::Invalid, message).help(help).with(vec![diagnostic])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::apply::records::{Intent, Outcome, Receipt, RunStart};
    use crate::key::{ConnectionName, WorkspaceName};
    use jiff::Timestamp;

    fn records() -> Vec<Record> {
        let start =
            RunStart::new("p", WorkspaceName::parse("w").unwrap(), Timestamp::UNIX_EPOCH, 7, "h\n");
        let connection = ConnectionName::parse("crm").unwrap();
        let step = StepId::of_connection(&connection, 1);
        let run = start.run.clone();
        let at = Timestamp::UNIX_EPOCH;
        let steps = vec![Intent::new(step.clone(), connection, "hubspot")];
        let receipts = vec![Receipt::new(step.clone(), Outcome::NotSent)];
        vec![
            Record::Run(start),
            Record::Intent { run: run.clone(), at, steps },
            Record::Receipt { run: run.clone(), at, receipts },
            Record::Recorded { run: run.clone(), steps: vec![step] },
            Record::End { run },
        ]
    }

    fn text(records: &[Record]) -> String {
        records.iter().map(|r| print(r).unwrap()).collect()
    }

    #[test]
    fn reads_what_it_prints() {
        let text = text(&records());
        let lines = parse(text.as_bytes(), "j").unwrap();
        assert_eq!((lines.records, lines.whole, lines.torn), (records(), text.len(), 0));
        assert_eq!(text.lines().count(), 5);
    }

    #[test]
    fn a_tail_torn_at_any_byte_loses_the_last_record_and_no_other() {
        let text = text(&records());
        let last = text.trim_end().rfind('\n').unwrap() + 1;
        for cut in last..text.len() {
            let lines = parse(&text.as_bytes()[..cut], "j").unwrap();
            let complete = cut == text.len() - 1;
            assert_eq!(lines.records.len(), if complete { 5 } else { 4 }, "cut at {cut}");
            assert_eq!(lines.unended, complete);
            assert_eq!(lines.whole + lines.torn, cut);
        }
    }

    #[test]
    fn any_changed_byte_before_the_last_line_is_told_with_its_line() {
        let text = text(&records());
        let last = text.trim_end().rfind('\n').unwrap() + 1;
        for at in 0..last - 1 {
            let mut bytes = text.clone().into_bytes();
            bytes[at] ^= 1;
            match parse(&bytes, "j") {
                // A changed name of a member in the envelope or a newline is damage too.
                Err(failure) => assert_eq!(failure.kind, Kind::Invalid),
                Ok(lines) => panic!("byte {at} went unnoticed: {} records", lines.records.len()),
            }
        }
        let second = text.find('\n').unwrap() + 30;
        let mut bytes = text.into_bytes();
        bytes[second] ^= 1;
        assert!(parse(&bytes, "j").unwrap_err().message.contains("line 2 is damaged"));
    }

    #[test]
    fn whole_lines_of_another_version_are_not_taken_for_damage() {
        let raw = RawValue::from_string("{\"type\":\"dance\"}".to_owned()).unwrap();
        let sum = sum_of(raw.get());
        let line = serde_json::to_string(&Line { sum: &sum, record: &raw }).unwrap();
        let failure = parse(line.as_bytes(), "j").unwrap_err();
        assert_eq!(failure.diagnostics[0].code, "journal-newer");
    }
}
