//! A journal: any bytes, and any records behind sound checksums.

use proforma::apply::fold::fold_all;
use proforma::apply::journal_text::{Lines, parse, print};
use proforma::apply::records::Record;
use proforma::apply::replay::replay;
use proforma::key::WorkspaceName;
use proforma::lockfile::Lockfile;

use super::shown;

/// A first byte `!` means: each line is a record without its checksum, so that a fuzzer gets past
/// the sum. Anything else is the journal as it lies on disk.
pub fn check(data: &[u8]) {
    let Some(lines) = data.strip_prefix(b"!") else {
        written(data, data.len() / 2);
        return;
    };
    let records: Vec<Record> =
        lines.split(|b| *b == b'\n').filter_map(|l| serde_json::from_slice(l).ok()).collect();
    let mut text = String::new();
    for record in &records {
        text.push_str(&print(record).unwrap());
    }
    let cut = data.len().wrapping_mul(31) % (text.len() + 1);
    if let Some(found) = written(text.as_bytes(), cut) {
        assert_eq!(found.records, records, "what is printed is read");
        assert_eq!((found.whole, found.torn), (text.len(), 0));
    }
    settle(records);
}

/// Every byte is accounted for; a tail cut at `cut` costs at most the record that it was in.
fn written(bytes: &[u8], cut: usize) -> Option<Lines> {
    let lines = match parse(bytes, "journal") {
        Ok(lines) => lines,
        Err(failure) => {
            shown::failure(&failure);
            return None;
        }
    };
    assert_eq!(lines.whole + lines.torn, bytes.len(), "bytes are lost");
    let head = &bytes[..cut.min(bytes.len())];
    let found = parse(head, "journal").expect("a cut journal is no damaged one");
    assert!(lines.records.starts_with(&found.records), "a prefix is lost or invented");
    let ends = head.split(|b| *b == b'\n').count() - 1;
    let whole = ends.min(lines.records.len());
    assert!(found.records.len() >= whole, "{} of {whole} records", found.records.len());
    // Mended as an apply mends it, and written on, it reads the same.
    let mut mended = bytes[..lines.whole].to_vec();
    if lines.unended {
        mended.push(b'\n');
    }
    for record in &lines.records {
        mended.extend_from_slice(print(record).unwrap().as_bytes());
    }
    let twice = parse(&mended, "journal").expect("a mended journal reads");
    assert_eq!(twice.records.len(), 2 * lines.records.len());
    settle(lines.records.clone());
    Some(lines)
}

/// What is left to do is the same after it was written down anew, and can be folded into a
/// lockfile that can be written, or is refused by it.
fn settle(records: Vec<Record>) {
    let left = replay(records);
    let again = replay(left.records());
    assert_eq!(again.is_settled(), left.is_settled());
    assert_eq!((again.applied.len(), again.open.len()), (left.applied.len(), left.open.len()));
    let mut lockfile = Lockfile::new(WorkspaceName::parse("fuzz").unwrap());
    let steps = |r: &proforma::apply::replay::Replay| {
        r.applied.iter().map(|a| (a.intent.clone(), a.receipt.clone())).collect::<Vec<_>>()
    };
    fold_all(&mut lockfile, steps(&left));
    if let Err(failure) = lockfile.check() {
        shown::failure(&failure);
    }
    let mut twice = lockfile.clone();
    fold_all(&mut twice, steps(&left));
    let ids =
        |l: &Lockfile| l.entries.iter().map(|(q, e)| (q.clone(), e.id.clone())).collect::<Vec<_>>();
    assert_eq!(ids(&twice).len(), ids(&lockfile).len(), "folding again adds nothing");
}
