//! Reading a lockfile: round trip, every defect at its place, and speed of scale.

use proptest::collection::btree_map;
use proptest::prelude::*;

use super::*;
use crate::failure::{Diagnostic, Kind};
use crate::lockfile::text::print;

fn source(text: &str) -> Arc<SourceFile> {
    Arc::new(SourceFile { path: "proforma.lock".to_owned(), text: text.to_owned() })
}

fn defects(text: &str) -> Vec<(&'static str, usize, usize)> {
    let failure = parse(&source(text), None).expect_err(text);
    assert_eq!(failure.kind, Kind::Invalid);
    assert!(failure.help.is_some());
    let placed = |d: &Diagnostic| {
        let place = d.place.clone().expect("every defect has a place");
        assert!(d.help.is_some());
        (d.code, place.line, place.column)
    };
    failure.diagnostics.iter().map(placed).collect()
}

const GOOD: &str = "\
# a comment
proforma-lock 1
workspace acme

quote a
  connection crm
  provider hubspot
  id 1
  revision 0
  generation 3
  total 10.5 USD
  part items[audit] 77
  field fields[Shipping%20address] 0123456789abcdef0123456789abcdef

end
";

#[test]
fn reads_what_it_prints_and_prints_it_canonically() {
    let lockfile = parse(&source(GOOD), None).unwrap();
    let entry = lockfile.entries.values().next().unwrap();
    assert!(entry.fields.contains_key(&Path::new("fields[Shipping address]")));
    let text = print(&lockfile);
    assert!(text.contains("  total 10.50 USD\n"));
    assert_eq!(parse(&source(&text), None).unwrap(), lockfile);
}

#[test]
fn line_ends_and_a_byte_order_mark_do_not_matter() {
    let twin = format!("\u{feff}{}", GOOD.replace('\n', "\r\n"));
    assert_eq!(parse(&source(&twin), None).unwrap(), parse(&source(GOOD), None).unwrap());
    // ... and do not shift the places of defects.
    let bad = twin.replace("id 1", "id");
    assert_eq!(defects(&bad), [("lockfile-value", 8, 5), ("lockfile-missing-fact", 5, 1)]);
}

#[test]
fn each_defect_has_its_code_line_and_column() {
    type Found<'a> = (&'a str, usize, usize);
    let cases: [(&str, &str, &[Found<'_>]); 17] = [
        ("  id 1\n", "  id 1\n  id 2\n", &[("lockfile-duplicate", 9, 3)]),
        ("  id 1\n", "", &[("lockfile-missing-fact", 5, 1)]),
        ("  id 1\n", "  id 1 2\n", &[("lockfile-value", 8, 8)]),
        ("  id 1\n", "  id 1\n  colour red\n", &[("lockfile-unknown-line", 9, 3)]),
        (
            "generation 3",
            "generation +3",
            &[("lockfile-value", 10, 14), ("lockfile-missing-fact", 5, 1)],
        ),
        (
            "generation 3",
            "generation 03",
            &[("lockfile-value", 10, 14), ("lockfile-missing-fact", 5, 1)],
        ),
        ("10.5 USD", "1e3 USD", &[("lockfile-value", 11, 9)]),
        ("10.5 USD", "10.5 usd", &[("lockfile-value", 11, 14)]),
        ("[audit] 77\n", "[audit] 77\n  part items[audit] 78\n", &[("lockfile-duplicate", 13, 3)]),
        ("0123456789abcdef0123456789abcdef", "0123", &[("lockfile-value", 13, 36)]),
        ("Shipping%20address", "Shipping%2address", &[("lockfile-value", 13, 9)]),
        ("workspace acme\n", "", &[("lockfile-workspace", 15, 1)]),
        ("workspace acme\n", "workspace acme\nworkspace b\n", &[("lockfile-duplicate", 4, 1)]),
        ("\nend\n", "", &[("lockfile-truncated", 14, 1)]),
        ("end\n", "end\nquote b\n", &[("lockfile-after-end", 16, 1)]),
        ("proforma-lock 1", "proforma-lock 3", &[("lockfile-newer", 2, 15)]),
        ("proforma-lock 1", "{\"version\": 1}", &[("lockfile-head", 2, 1)]),
    ];
    for (from, to, expected) in cases {
        assert_eq!(defects(&GOOD.replacen(from, to, 1)), expected, "{from:?} -> {to:?}");
    }
    assert_eq!(defects(""), [("lockfile-empty", 1, 1)]);
}

#[test]
fn an_entry_twice_is_an_error() {
    let block = GOOD.split("\n\n").nth(1).unwrap();
    let text = GOOD.replace("\nend", &format!("\n{block}\n\nend"));
    assert_eq!(defects(&text), [("lockfile-duplicate", 15, 1)]);
}

#[test]
fn a_git_conflict_is_told_alone_and_with_its_own_words() {
    let text = GOOD.replace("  id 1\n", "<<<<<<< HEAD\n  id 1\n=======\n  id 2\n>>>>>>> branch\n");
    assert_eq!(defects(&text), [("lockfile-conflict", 8, 1)]);
    let failure = parse(&source(&text), None).unwrap_err();
    assert!(failure.help.unwrap().contains("lock merge"));
}

#[test]
fn another_workspace_is_refused_at_its_name() {
    let wanted = WorkspaceName::parse("other").unwrap();
    let failure = parse(&source(GOOD), Some(&wanted)).unwrap_err();
    let place = failure.diagnostics[0].place.clone().unwrap();
    assert_eq!(
        (failure.diagnostics[0].code, place.line, place.column),
        ("lockfile-workspace", 3, 11)
    );
    assert!(failure.message.contains("`acme`") && failure.message.contains("`other`"));
}

#[test]
fn a_cut_at_any_byte_is_noticed() {
    let whole = GOOD.rfind("end").unwrap() + 3;
    for cut in 0..whole {
        assert!(parse(&source(&GOOD[..cut]), None).is_err(), "cut at {cut}");
    }
}

#[test]
fn a_hopeless_file_gives_a_bounded_list() {
    let text = GOOD.replace("end\n", &"nonsense\n".repeat(1000));
    assert_eq!(defects(&text).len(), MOST_DEFECTS);
}

/// Lockfiles of every shape that the model can hold.
pub(crate) fn any_lockfile() -> impl Strategy<Value = Lockfile> {
    let name = "[a-z0-9][a-z0-9._-]{0,12}";
    let id = || "[!#-~]{1,12}".prop_filter_map("id", |t| RemoteId::parse(&t));
    let print = || any::<u64>().prop_map(|n| Fingerprint::of_parts("test", &[&n.to_string()]));
    let free = || prop_oneof!["items\\[[a-z]{1,5}\\](\\.price)?", ".{0,8}"];
    let total = (any::<i32>(), 0u32..5, prop_oneof![Just("USD"), Just("JPY"), Just("KWD")])
        .prop_map(|(n, scale, code)| Money {
            currency: Currency::parse(code).unwrap(),
            amount: Amount::from_int(n.into()).over(Amount::from_int(10i64.pow(scale))).unwrap(),
        });
    let reference = (print(), id()).prop_map(|(asked, id)| RefRecord { asked, id });
    let link = "https://[!-~]{1,20}";
    let first =
        (name, free(), id(), proptest::option::of(any::<u32>()), any::<u32>(), any::<u64>());
    let second = (
        any::<bool>(),
        proptest::option::of(id()),
        proptest::option::of(total),
        proptest::option::of(free()),
    );
    let maps = (
        btree_map(free(), link, 0..3),
        btree_map(free(), reference, 0..3),
        btree_map(free(), id(), 0..3),
        btree_map(free().prop_map(Path::new), print(), 0..5),
    );
    let entry = (first, second, maps).prop_map(|(first, second, maps)| {
        let (connection, provider, id, stamp, revision, generation) = first;
        let (protect, predecessor, total, state) = second;
        let (links, refs, parts, fields) = maps;
        let stamp = stamp.map(|n| {
            let w = WorkspaceName::parse("w").unwrap();
            Stamp::new(&w, &QuoteName::parse("q").unwrap(), n, "")
        });
        let connection = ConnectionName::parse(&connection).unwrap();
        Entry {
            connection,
            provider,
            id,
            created: stamp.is_none().then(|| "2026-11-23T06:00:00 %".to_owned()),
            stamp,
            revision,
            generation,
            protect,
            was: predecessor.as_ref().map(|_| QuoteName::parse("old.name").unwrap()),
            from: protect.then(|| Provenance {
                connection: ConnectionName::parse("old").unwrap(),
                id: RemoteId::parse("77").unwrap(),
            }),
            predecessor,
            links,
            total,
            state,
            refs,
            parts,
            fields,
        }
    });
    let quote = name.prop_map(|n| QuoteName::parse(&n).unwrap());
    (name, btree_map(quote, entry, 0..5)).prop_map(|(workspace, entries)| Lockfile {
        workspace: WorkspaceName::parse(&workspace).unwrap(),
        entries,
    })
}

proptest! {
    #[test]
    fn whatever_is_printed_reads_back_the_same(lockfile in any_lockfile()) {
        lockfile.check().unwrap();
        let text = print(&lockfile);
        prop_assert!(text.bytes().all(|b| b == b'\n' || b == b' ' || b.is_ascii_graphic()));
        let back = parse(&source(&text), Some(&lockfile.workspace)).unwrap();
        prop_assert_eq!(&back, &lockfile);
        prop_assert_eq!(print(&back), text);
    }

    #[test]
    fn no_text_makes_the_reader_panic(text in "(proforma-lock 1\nworkspace w\n)?(.|\n| |quote a|field|%|end){0,60}") {
        let _ = parse(&source(&text), None);
    }
}

/// What the format promises to git, asked of git itself.
#[test]
fn git_joins_branches_that_touch_different_quotes() {
    let entry = |id: &str, generation: u64| {
        let mut entry = Entry::new(
            ConnectionName::parse("crm").unwrap(),
            "hubspot",
            RemoteId::parse(id).unwrap(),
        );
        entry.generation = generation;
        entry.fields.insert(
            Path::new("title"),
            Fingerprint::of_parts("test", &[id, &generation.to_string()]),
        );
        entry
    };
    let lockfile = |entries: &[(&str, u64)]| {
        let mut lockfile = Lockfile::new(WorkspaceName::parse("w").unwrap());
        lockfile.entries =
            entries.iter().map(|(q, g)| (QuoteName::parse(q).unwrap(), entry(q, *g))).collect();
        lockfile
    };
    let base = lockfile(&[("a", 1), ("c", 1), ("e", 1), ("g", 1)]);
    let ours = lockfile(&[("a", 2), ("b", 1), ("c", 1), ("e", 1), ("g", 1)]);
    let theirs = lockfile(&[("a", 1), ("c", 2), ("g", 1), ("h", 1)]);
    let dir = tempfile::tempdir().unwrap();
    for (name, side) in [("ours", &ours), ("base", &base), ("theirs", &theirs)] {
        std::fs::write(dir.path().join(name), print(side)).unwrap();
    }
    let merged = std::process::Command::new("git")
        .args(["merge-file", "-p", "ours", "base", "theirs"])
        .current_dir(dir.path())
        .output()
        .expect("git is needed to test what git does");
    let text = String::from_utf8(merged.stdout).unwrap();
    assert!(merged.status.success(), "{text}");
    let wanted = lockfile(&[("a", 2), ("b", 1), ("c", 2), ("g", 1), ("h", 1)]);
    assert_eq!(text, print(&wanted));
    assert_eq!(crate::lockfile::merge(&base, &ours, &theirs).unwrap(), wanted);
}

/// Not a limit to be held by every machine: a look at the cost, run by name with `--ignored`.
#[test]
#[ignore = "measures, does not judge"]
fn cost_of_ten_thousand_entries() {
    let mut lockfile = Lockfile::new(WorkspaceName::parse("w").unwrap());
    for n in 0..10_000 {
        let id = RemoteId::parse(&n.to_string()).unwrap();
        let mut entry = Entry::new(ConnectionName::parse("crm").unwrap(), "hubspot", id.clone());
        for m in 0..20 {
            let print = Fingerprint::of_parts("test", &[&format!("{n}/{m}")]);
            entry.fields.insert(Path::new(format!("items[item-{m}].price")), print);
        }
        for m in 0..5 {
            entry.parts.insert(format!("items[item-{m}]"), id.clone());
        }
        lockfile.entries.insert(QuoteName::parse(&format!("quote-{n:05}")).unwrap(), entry);
    }
    let started = std::time::Instant::now();
    let text = print(&lockfile);
    let printed = started.elapsed();
    let source = source(&text);
    let started = std::time::Instant::now();
    let back = parse(&source, None).unwrap();
    println!("{} bytes: printed in {printed:?}, parsed in {:?}", text.len(), started.elapsed());
    assert_eq!(back, lockfile);
}

/// Found by fuzzing: the line was that of the next entry.
#[test]
fn an_entry_that_lacks_something_is_told_at_its_own_line() {
    let text = "proforma-lock 1\nworkspace w\nquote a\n  connection c\n\nquote b\nend\n";
    let source = Arc::new(SourceFile { path: "l".to_owned(), text: text.to_owned() });
    let failure = parse(&source, None).unwrap_err();
    let lines: Vec<usize> =
        failure.diagnostics.iter().map(|d| d.place.as_ref().unwrap().line).collect();
    assert_eq!(lines.first(), Some(&3), "{:?}", failure.diagnostics);
    assert!(lines.contains(&6), "{:?}", failure.diagnostics);
}
