//! The layout by examples, and its three promises over generated texts.

use std::fmt::Write as _;

use proptest::prelude::*;

use super::*;

fn laid(text: &str) -> String {
    format(text, 0).unwrap_or_else(|p| panic!("{p:?}\n{text}"))
}

#[track_caller]
fn becomes(from: &str, to: &str) {
    assert_eq!(laid(from), to);
    assert_eq!(laid(to), to);
}

#[test]
fn keys_stand_in_order_and_scalars_as_written() {
    becomes(
        "items:\n- price: 19.990\n  key: a\n  name: 'It''s'\ncurrency: \"USD\"\nquote:   a\n",
        "quote: a\ncurrency: \"USD\"\nitems:\n  - key: a\n    name: 'It''s'\n    price: 19.990\n",
    );
    becomes(
        "product: p\nhubspot: {b: 1, a: [ x,y ]}\nname: P\n",
        "product: p\nname: P\nhubspot: { b: 1, a: [x, y] }\n",
    );
    becomes(
        "connections:\n    crm: {token: {env: T}, provider: hubspot}\nworkspace: w\nproforma: 1\n",
        "proforma: 1\nworkspace: w\nconnections:\n  crm: { provider: hubspot, token: { env: T } }\n",
    );
}

#[test]
fn comments_stay_with_what_they_stand_beside() {
    becomes(
        "# about the file\n\n# about the title\ntitle: t # shown\nquote: a\nitems:   # lines\n  # first\n  - name: x # its name\n    price: 1\n  # - name: y\n# about tags\ntags: [a]\n# the end\n",
        "# about the file\n\nquote: a\n\n# about the title\ntitle: t # shown\nitems: # lines\n  # first\n  - name: x # its name\n    price: 1\n  # - name: y\n# about tags\ntags: [a]\n# the end\n",
    );
    becomes(
        "# yaml-language-server: $schema=x\n# own\nquote: a\n---   # second\nquote: b\n# end of b\n---\n# only this\n",
        "# yaml-language-server: $schema=x\n# own\nquote: a\n---\n# second\nquote: b\n# end of b\n---\n# only this\n",
    );
}

#[test]
fn a_comment_inside_braces_turns_them_into_lines() {
    becomes(
        "quote: a\nfees: [ # all\n  {label: A, amount: 1}, # one\n  # two\n  {label: B, amount: 2}\n] # end\n",
        "quote: a\nfees: # end\n  # all\n  - { label: A, amount: 1 } # one\n  # two\n  - { label: B, amount: 2 }\n",
    );
    let long = format!("quote: a\ntags: [{}]\n", ["renewal"; 20].join(", "));
    assert_eq!(laid(&long).lines().count(), 22);
}

#[test]
fn texts_keep_their_lines() {
    becomes(
        "quote: a\nnotes:\n      terms:   |-   # plain\n          one\n\n            two\n          three   \n\n\n      public: |2+\n          x\n\n\ntags: []\n",
        "quote: a\nnotes:\n  public: |2+\n      x\n\n\n  terms: |- # plain\n    one\n\n      two\n    three   \n\ntags: []\n",
    );
    becomes(
        "quote: a\ntitle: one\n   two\n\n   three\n",
        "quote: a\ntitle: one\n  two\n\n  three\n",
    );
    becomes(
        "quote: a\ntitle: \"one\\\n     two \\\n   \\  three\"\n",
        "quote: a\ntitle: \"one\\\n  two \\\n  \\  three\"\n",
    );
}

#[test]
fn empty_lines_are_kept_one_by_one() {
    becomes(
        "\n\n\nquote: a\n\n\n\ntitle: t\n\nitems:\n\n  - name: x\n\n\n  - name: y\n\n\n",
        "quote: a\n\ntitle: t\n\nitems:\n  - name: x\n\n  - name: y\n",
    );
}

#[test]
fn line_ends_and_byte_order_marks() {
    assert_eq!(laid("\u{feff}quote:  a\r\ntitle: t\r\n"), "quote: a\r\ntitle: t\r\n");
    assert_eq!(laid("---\nquote: a"), "quote: a\n");
    assert_eq!(laid(""), "");
    assert_eq!(laid("# alone\n"), "# alone\n");
}

#[test]
fn nothing_is_written() {
    becomes(
        "quote: a\ntitle:\nexpires: ~ # none\ndeal: # none\ntags: []\nfields: {}\n",
        "quote: a\ntitle:\nexpires: ~ # none\ndeal: # none\ntags: []\nfields: {}\n",
    );
    becomes("quote: a\nfields: { a: , b: \"\" }\n", "quote: a\nfields: { a: , b: \"\" }\n");
}

#[test]
fn what_is_wrong_is_told_and_left() {
    let code = |text| format(text, 0).unwrap_err()[0].code;
    assert_eq!(code("quote: [a\n"), "yaml-syntax");
    assert_eq!(code("quote: a\nquote: b\n"), "duplicate-key");
    assert_eq!(code("quote: &x a\n"), "yaml-anchor");
    assert_eq!(code("- a\n"), "not-a-manifest");
    assert_eq!(code("%YAML 1.2\n---\nquote: a\n"), "cannot-format");
}

#[test]
fn the_workspaces_of_the_repository_are_read_alike_afterwards() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut folders = vec![root.join("quotes"), root.join("examples")];
    let mut count = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "yaml") {
                let text = std::fs::read_to_string(&path).unwrap();
                let done = laid(&text);
                assert!(is_same(&text, &done), "{}", path.display());
                count += 1;
            }
        }
    }
    assert!(count > 25, "{count}");
}

/// A value as some author would write it, at an indent.
fn value(indent: usize, depth: u32) -> BoxedStrategy<String> {
    let pad = " ".repeat(indent);
    let scalar = prop_oneof![
        Just(" 19.990".to_owned()),
        Just(" 'it''s # not'".to_owned()),
        Just(" \"a: {b}\"".to_owned()),
        Just(" plain text # beside".to_owned()),
        Just(String::new()),
        Just(" ~".to_owned()),
        Just(" [a, {b: 1}]  # list".to_owned()),
        Just(" {b: 2, a: , c: [ ]}".to_owned()),
        Just(" [ # in\n      a, # of a\n      b ]".to_owned()),
        Just(format!(" |\n{pad}    one\n\n{pad}      two")),
        Just(format!(" >-  # folded\n{pad}   one\n{pad}   two")),
        Just(format!(" |+\n{pad}  kept\n")),
        Just(format!(" one\n{pad}  two")),
    ];
    if depth == 0 {
        return scalar.boxed();
    }
    let entry = |key: &'static str| {
        let lead = prop_oneof![Just(""), Just("# lead\n"), Just("\n"), Just("\n\n# after gap\n")];
        (lead, value(indent + 3, depth - 1)).prop_map(move |(lead, v)| (lead, key, v))
    };
    let inner = " ".repeat(indent + 3);
    let map = (entry("b"), entry("a"), any::<bool>()).prop_map({
        let inner = inner.clone();
        move |(x, y, tail)| {
            let mut out = String::new();
            for (lead, key, v) in [x, y] {
                for line in lead.lines() {
                    let lead = if line.is_empty() { "" } else { &inner };
                    let _ = write!(out, "\n{lead}{line}");
                }
                let _ = write!(out, "\n{inner}{key}:{v}");
            }
            if tail {
                let _ = write!(out, "\n{inner}# tail");
            }
            out
        }
    });
    let list = (value(indent + 3, depth - 1), value(indent + 3, 0)).prop_map(move |(x, y)| {
        let dash = |v: String| {
            // An element that is a map begins behind its dash.
            match v.strip_prefix(&format!("\n{inner}   b:")) {
                Some(rest) => format!("  b:{rest}"),
                None => v,
            }
        };
        format!("\n{inner}-{}\n{inner}# between\n{inner}-{}", dash(x), dash(y))
    });
    prop_oneof![3 => scalar, 2 => map, 1 => list].boxed()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    /// Keys of every sort in any order, with comments everywhere.
    #[test]
    fn formatting_changes_the_layout_and_nothing_else(
        parts in proptest::collection::vec(
            (proptest::sample::select(vec!["title", "notes", "items", "fields", "zzz"]), value(0, 2)),
            0..4,
        ),
        top in prop_oneof![Just(""), Just("# top\n"), Just("# top\n\n# more\n"), Just("---\n")],
        end in prop_oneof![Just(""), Just("\n# end"), Just("\n\n\n"), Just("\n---\nquote: b # c")],
    ) {
        let mut text = top.to_owned();
        for (n, (key, v)) in parts.iter().enumerate() {
            let _ = writeln!(text, "{key}{n}:{v}");
        }
        let _ = writeln!(text, "quote: a{end}");
        // A generator this loose also makes texts that are no YAML; those are refused.
        if let Ok(done) = format(&text, 0) {
            prop_assert!(is_same(&text, &done), "{text}\n=>\n{done}");
            prop_assert_eq!(comments::of(&text), comments::of(&done));
            prop_assert_eq!(format(&done, 0).unwrap(), done);
        } else {
            let problems = yaml::parse(&text, 0).problems;
            prop_assert!(!problems.is_empty(), "refused without need:\n{text}");
        }
    }

    #[test]
    fn no_text_makes_it_panic(text in "([a-z]|[:{}\\[\\],#'\"|>\\- \n]|\\? ){0,60}") {
        let _ = format(&text, 0);
    }
}
