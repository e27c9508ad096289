//! Drawn diagnostics, agreement with another YAML reader, fingerprints, and hostile input.

use proptest::prelude::*;

use super::*;
use crate::output::diagnostics::{Style, render, to_json};

#[test]
fn diagnostics_are_drawn_with_place_caret_and_help() {
    let l = quote_file("quote: a\ntilte: \"Åsa\"\nexpires: 2027-02-29\n");
    insta::assert_snapshot!(render(&l.diagnostics, Style::default()), @r#"
    unknown-key

      × a quote has no key `tilte`
       ╭─[quotes/q.yaml:2:1]
     1 │ quote: a
     2 │ tilte: "Åsa"
       · ─────
     3 │ expires: 2027-02-29
       ╰────
      help: did you mean `title`?

    bad-date

      × `expires` must be a real date, not `2027-02-29`
       ╭─[quotes/q.yaml:3:10]
     2 │ tilte: "Åsa"
     3 │ expires: 2027-02-29
       ·          ──────────
       ╰────
      help: write it as `YYYY-MM-DD`, such as `2027-01-31`

    2 errors in 1 file
    "#);
    insta::assert_snapshot!(to_json(&l.diagnostics[1]).to_string(), @r#"{"code":"bad-date","column":10,"file":"quotes/q.yaml","help":"write it as `YYYY-MM-DD`, such as `2027-01-31`","line":3,"message":"`expires` must be a real date, not `2027-02-29`","severity":"error"}"#);
}

#[test]
fn drawn_text_cannot_drive_a_terminal() {
    let l = quote_file("quote: a\n\"ti\\e[31m\u{202e}tle\": x # \u{202e}evil\u{200b}\n");
    let drawn = render(&l.diagnostics, Style::default());
    assert!(!drawn.contains(['\u{1b}', '\u{202e}', '\u{200b}']), "{drawn}");
    assert!(drawn.contains("\\u{202e}"));
    let coloured = render(&l.diagnostics, Style { color: true, width: 100 });
    assert!(coloured.contains("\u{1b}["));
}

/// The tree as serde would see it, without regard to types.
fn flat(node: &crate::yaml::Node<'_>) -> serde_yaml::Value {
    use crate::yaml::Kind;
    match &node.kind {
        Kind::Plain(_) if node.is_null() => serde_yaml::Value::Null,
        Kind::Plain(t) => {
            serde_yaml::from_str(t).unwrap_or_else(|_| serde_yaml::Value::String(t.to_string()))
        }
        Kind::Quoted(t) => serde_yaml::Value::String(t.to_string()),
        Kind::Sequence(items) => serde_yaml::Value::Sequence(items.iter().map(flat).collect()),
        Kind::Mapping(entries) => {
            let pair = |e: &crate::yaml::Entry<'_>| {
                (serde_yaml::Value::String(e.key.to_string()), flat(&e.value))
            };
            serde_yaml::Value::Mapping(entries.iter().map(pair).collect())
        }
        Kind::Broken => panic!("broken"),
    }
}

#[test]
fn the_tree_agrees_with_serde_yaml() {
    let more = "a: |\n  one\n\n  two\nb: >-\n  x\n  y\n\n  z\nc: 'it''s'\nd: \"\\u00e5\\n\\\n  x\"\ne: [1, [2, {f: g}], []]\nh: {}\ni:\n- j\n- k: l\n  m: n\n-\no: x y # c\np: http://a.b/c#d\nq: a'b\n? r\n: s\nt: |+\n  keep\n\nu: plain\n  over lines\n";
    for text in [FULL, WORKSPACE, CATALOG, more] {
        let parsed = crate::yaml::parse(text, 0);
        assert!(parsed.problems.is_empty(), "{:?}", parsed.problems);
        let theirs: serde_yaml::Value = serde_yaml::from_str(text).unwrap();
        assert_eq!(flat(&parsed.documents[0].root), theirs);
    }
}

fn fingerprint(text: &str) -> String {
    sound(text).fingerprint.to_string()
}

#[test]
fn the_fingerprint_sees_meaning_only() {
    let a = fingerprint("quote: a\ntitle: \"x\"\nitems: [{name: n, price: 5.0}]\n");
    assert_eq!(a, fingerprint("# c\ntitle: x\nitems:\n- price: '5.00'\n  name: n\nquote: a\n"));
    for other in [
        "quote: a\ntitle: y\nitems: [{name: n, price: 5}]\n",
        "quote: a\ntitle: x\nitems: [{name: n, price: 5, quantity: 2}]\n",
        "quote: a\ntitle: x\nitems: [{name: n, price: null}]\n",
        "quote: a\ntitle: x\nitems: [{name: n}]\n",
        "quote: a\ntitle: x\nexpires: null\nitems: [{name: n, price: 5}]\n",
        "quote: a\ntitle: x\nnotes: {terms: null}\nitems: [{name: n, price: 5}]\n",
    ] {
        assert_ne!(a, fingerprint(other), "{other}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let dir = workspace(&[]);
        std::fs::create_dir_all(dir.path().join("quotes")).unwrap();
        std::fs::write(dir.path().join("quotes/q.yaml"), &bytes).unwrap();
        let l = load(dir.path(), &LoadOptions::default());
        render(&l.diagnostics, Style::default());
    }

    #[test]
    fn arbitrary_manifest_like_text_never_panics(
        parts in prop::collection::vec(prop::sample::select(vec![
            "quote: a\n", "title: ", "items:\n", "  - name: x\n", "    price: ", "1.5", "\n", "---\n", "{", "}", "[", "]",
            ", ", ": ", "'", "\"", "|\n", "  ", "\t", "é", "\u{202e}", "&a ", "*a", "!t ", "<<: ", "- ", "? ", "# c\n",
            "\r\n", "null", "discount: 10%\n", "customer: ", "email: a@b.c", "\u{feff}", "%YAML 1.2\n", "...\n", "\\e",
        ]), 0..40)
    ) {
        let text = parts.concat();
        let l = quote_file(&text);
        render(&l.diagnostics, Style::default());
        let ws = loaded(&[(FILE_NAME, &text), ("quotes/q.yaml", "quote: q\n")]);
        render(&ws.diagnostics, Style::default());
    }

    #[test]
    fn key_order_does_not_change_the_fingerprint(lines in Just(vec![
        "quote: a", "title: x", "expires: 2027-01-31", "state: draft", "currency: USD",
        "customer: { email: a@b.c, first_name: F }", "tags: [a, b]", "hubspot: { b: 1, a: 2 }",
        "items: [ { product: seo-audit, quantity: 2, price: 5 } ]", "fields: { x: { z: 1, y: 2 }, w: 3 }",
        "notes: { terms: t, public: p }", "lifecycle: { protect: false }",
    ]).prop_shuffle()) {
        let swapped = lines.join("\n").replace("{ b: 1, a: 2 }", "{ a: 2, b: 1 }").replace("z: 1, y: 2", "y: 2, z: 1");
        let mut sorted = lines.clone();
        sorted.sort_unstable();
        prop_assert_eq!(fingerprint(&swapped), fingerprint(&sorted.join("\n")));
    }
}
