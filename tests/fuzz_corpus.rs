//! The inputs that fuzzing kept, through the same checks: what it once found stays found.

#[path = "fuzz/mod.rs"]
mod checks;

use std::fs;
use std::path::Path;

/// Every kept input of every target holds, and none is missing.
#[test]
fn kept_inputs_hold() {
    let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/seeds");
    for (name, check) in checks::CHECKS {
        let folder = seeds.join(name);
        let mut files: Vec<_> =
            fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        assert!(files.len() > 3, "{name} has {} inputs", files.len());
        for file in files {
            // The name goes before a failed check's own message.
            println!("{}", file.display());
            check(&fs::read(&file).unwrap());
        }
    }
}
