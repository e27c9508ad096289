//! A lockfile: any bytes.

use std::sync::Arc;

use proforma::failure::SourceFile;
use proforma::lockfile::parse::parse;
use proforma::lockfile::text::print;
use proforma::lockfile::{Lockfile, merge};

use super::shown;

fn read(text: &str) -> Option<Lockfile> {
    let source = Arc::new(SourceFile { path: "proforma.lock".to_owned(), text: text.to_owned() });
    match parse(&source, None) {
        Ok(lockfile) => Some(lockfile),
        Err(failure) => {
            shown::failure(&failure);
            None
        }
    }
}

/// What is read, printed and read again is the same; its text is canonical; merging with itself
/// changes nothing, and a side that did not change yields to the other. A first line
/// `=== other ===` splits the bytes into two lockfiles.
pub fn check(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (one, two) = text.split_once("=== other ===\n").unwrap_or((text, ""));
    let Some(lockfile) = read(one) else { return };
    let printed = print(&lockfile);
    let again = read(&printed).expect("what is printed can be read");
    assert_eq!(again, lockfile);
    assert_eq!(print(&again), printed, "the text is canonical");
    assert!(printed.is_ascii() && printed.ends_with("\nend\n"));
    lockfile.check().expect("what is read can be written");
    // Line ends of another system are the same lockfile.
    assert_eq!(read(&printed.replace('\n', "\r\n")).as_ref(), Some(&lockfile));
    // A file that was cut anywhere is never taken for a smaller one.
    let cut = data.len() % printed.len();
    if !printed.is_char_boundary(cut) || printed[cut..].trim().is_empty() {
        return;
    }
    assert!(read(&printed[..cut]).is_none_or(|l| l == lockfile), "cut at {cut}");

    let shares = merge(&lockfile, &lockfile, &lockfile);
    if let Ok(same) = &shares {
        assert_eq!(same, &lockfile);
    }
    let Some(other) = read(two) else { return };
    for (ours, theirs) in [(&lockfile, &other), (&other, &lockfile)] {
        if let Ok(merged) = merge(&lockfile, ours, theirs) {
            assert_eq!(merged, other, "one side did not change");
        }
    }
    let empty = Lockfile::new(lockfile.workspace.clone());
    if let Ok(merged) = merge(&empty, &lockfile, &other) {
        merged.check().expect("a merged lockfile can be written");
        assert_eq!(read(&print(&merged)), Some(merged));
    }
}
