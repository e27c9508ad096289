//! Stories about the workspace file and the files below it.

use super::*;
use crate::key::ConnectionName;
use crate::output::diagnostics::{Style, render, to_json};

#[test]
fn the_workspace_file_is_checked_whole() {
    let text = "proforma: 2
workspace: Acme
quotes: [../x, quotes]
default_connection: crn
conections: {}
connections:
  crm:
    provider: hubspt
  a: { provider: hubspot, token: pat-na1-secret, visibility: 60s, rate: 10 }
  b: { provider: salesbyte, uuid: { env: pat-na1-secret }, quote_profile_id: x }
  c: { provider: dealhub, token: { env: T }, base_url: \"https://evil.example\", defaults: { quote: x, expires: soon } }
  d: { provider: hubspot, token: { env: T, file: /x }, tokn: pat-na1-secret, base_url: \"http://api.hubapi.com\" }
guardrails: { max_creates: 20%, max_discount: 25, quiet_hours: { from: \"25:00\", to: \"07:30\", zone: Mars/Base }, recipients: [acme], allow: [publsh], max_total: { USD: 1, EURO: 2 } }
";
    let l = loaded(&[(FILE_NAME, text), ("quotes/q.yaml", "quote: q\nconnection: c\n")]);
    let found: Vec<String> = places(&l).iter().map(|p| p.replace("proforma.yaml ", "")).collect();
    assert_eq!(
        found,
        [
            "unsupported-format 1:11",
            "bad-name 2:12",
            "path-outside 3:10",
            "unknown-connection 4:21",
            "unknown-key 5:1",
            "unknown-word 8:15",
            "literal-secret 9:34",
            "unknown-key 9:50",
            "bad-rate 9:73",
            "literal-secret 10:42",
            "bad-number 10:78",
            "host-not-allowed 11:56",
            "bad-default 11:92",
            "bad-date 11:111",
            "bad-credential 12:34",
            "unknown-key 12:56",
            "bad-base-url 12:88",
            "bad-percent 13:47",
            "bad-time 13:72",
            "unknown-zone 13:100",
            "bad-domain 13:126",
            "unknown-word 13:141",
            "unknown-currency 13:171",
        ]
    );
    let drawn = render(&l.diagnostics, Style::default());
    let json: String = l.diagnostics.iter().map(|d| to_json(d).to_string()).collect();
    assert!(
        !drawn.contains("secret,") && !drawn.contains("na1") && !json.contains("na1"),
        "{drawn}"
    );
    assert!(l.sources.iter().all(|s| !s.text.contains("na1")));
}

#[test]
fn a_sound_workspace_is_read_whole() {
    let text = "proforma: 1
workspace: w
connections:
  n: { provider: salesbyte, uuid: { file: secrets/uuid }, rate: 5/1s, concurrency: 2, stamp_field: { name: proforma } }
guardrails:
  max_creates: 50
  max_updates: 30%
  max_price_change: 250%
  max_total: { USD: 250000, JPY: 100 }
  min_days_to_expiry: 7
  recipients: [acme.example, \"*.example.org\"]
  quiet_hours: { from: \"19:00\", to: 07:30, zone: Europe/Stockholm, days: [mon, fri] }
  allow: [publish]
";
    let found = loaded(&[(FILE_NAME, text), ("quotes/q.yaml", "quote: q\n")]);
    assert_eq!(places(&found), Vec::<String>::new());
    let read = found.workspace.unwrap();
    assert_eq!(read.default_connection.as_ref().map(ConnectionName::as_str), Some("n"));
    let c = &read.connections[read.default_connection.as_ref().unwrap()];
    assert_eq!(c.base_url, "https://app.salesbyte.se");
    assert_eq!(c.uuid, Some(Credential::File("secrets/uuid".into())));
    assert_eq!(c.rate.unwrap().requests, 5);
    let g = read.guardrails;
    assert_eq!(g.max_creates, Some(Limit::Count(50)));
    assert!(matches!(g.max_updates, Some(Limit::Percent(p)) if p.to_string() == "30"));
    assert!(g.may_receive("a@ACME.example") && g.may_receive("a@x.y.example.org"));
    assert!(
        !g.may_receive("a@example.org")
            && !g.may_receive("a@evilexample.org")
            && !g.may_receive("a")
    );
    let quiet = g.quiet_hours.unwrap();
    let covers = |at: &str| quiet.covers(at.parse().unwrap());
    assert!(covers("2026-11-23T18:00:00Z"), "Monday 19:00 in Stockholm");
    assert!(!covers("2026-11-23T17:59:59Z"));
    assert!(covers("2026-11-24T06:29:00Z"), "the night of Monday ends on Tuesday");
    assert!(!covers("2026-11-24T06:30:00Z"));
    assert!(!covers("2026-11-24T19:00:00Z"), "Tuesday is not listed");
}

#[test]
fn base_urls_are_the_providers_own_or_loopback_or_allowed() {
    let with = |url: &str, allow: &[&str]| {
        let text = format!(
            "proforma: 1\nworkspace: w\nconnections: {{ c: {{ provider: hubspot, token: {{ env: T }}, base_url: \"{url}\" }} }}\n"
        );
        let dir = workspace(&[(FILE_NAME, &text), ("quotes/q.yaml", "quote: q\n")]);
        let options = LoadOptions { allow_hosts: allow.iter().map(|h| (*h).to_owned()).collect() };
        let l = load(dir.path(), &options);
        l.quotes.first()?;
        l.workspace?.connections.into_values().next().map(|c| c.base_url)
    };
    assert_eq!(with("https://api.hubapi.com/", &[]).as_deref(), Some("https://api.hubapi.com"));
    assert_eq!(
        with("http://127.0.0.1:8765/hubspot", &[]).as_deref(),
        Some("http://127.0.0.1:8765/hubspot")
    );
    assert!(with("http://[::1]:1/x", &[]).is_some());
    assert!(with("https://proxy.example/x", &["Proxy.Example"]).is_some());
    for bad in [
        "https://api.hubapi.com.evil.example",
        "https://api.hubapi.com@evil.example",
        "http://api.hubapi.com",
        "https://api.hubapi.com?x=1",
        "ftp://127.0.0.1",
        "file:///etc/passwd",
        "https://127.0.0.1.evil.example",
        "nonsense",
    ] {
        assert_eq!(with(bad, &[]), None, "{bad}");
    }
}

#[test]
fn files_are_found_in_order_and_links_are_refused() {
    let dir = workspace(&[
        ("quotes/b/z.yml", "quote: z\n"),
        ("quotes/a.yaml", "quote: a\n"),
        ("quotes/.hidden.yaml", "nonsense"),
        ("quotes/readme.md", "nonsense"),
        ("elsewhere.yaml", "quote: secret\n"),
    ]);
    #[cfg(unix)]
    std::os::unix::fs::symlink(
        dir.path().join("elsewhere.yaml"),
        dir.path().join("quotes/link.yaml"),
    )
    .unwrap();
    let l = load(dir.path(), &LoadOptions::default());
    let names: Vec<&str> = l.quotes.iter().map(|q| q.name.as_str()).collect();
    assert_eq!(names, ["a", "z"]);
    let paths: Vec<&str> = l.sources.iter().map(|s| s.path.as_str()).collect();
    assert_eq!(paths, ["proforma.yaml", "quotes/a.yaml", "quotes/b/z.yml"]);
    #[cfg(unix)]
    assert_eq!(places(&l), ["symlink"]);
}

#[test]
fn missing_and_unreadable_files_are_errors() {
    let empty = tempfile::tempdir().unwrap();
    assert_eq!(places(&load(empty.path(), &LoadOptions::default())), ["no-workspace"]);
    let l = loaded(&[(FILE_NAME, &format!("{WORKSPACE}quotes: [offers]\n"))]);
    assert_eq!(places(&l), ["proforma.yaml missing-file 15:10"]);
    let dir = workspace(&[("quotes/q.yaml", "quote: q\n")]);
    std::fs::write(dir.path().join("quotes/q.yaml"), b"quote: q\ntitle: \xff\n").unwrap();
    assert_eq!(places(&load(dir.path(), &LoadOptions::default())), ["not-utf8 2:8"]);
    std::fs::write(dir.path().join("quotes/q.yaml"), vec![b'#'; crate::yaml::MAX_BYTES + 1])
        .unwrap();
    assert_eq!(places(&load(dir.path(), &LoadOptions::default())), ["file-too-large"]);
}

#[test]
fn broken_defaults_are_told_once_and_break_every_quote_that_uses_them() {
    let ws = WORKSPACE.replace("template: Default Modern", "expires: soon");
    let l = loaded(&[
        (FILE_NAME, &ws),
        ("quotes/q.yaml", "quote: a\n---\nquote: b\n---\nquote: c\nexpires: 2027-01-31\n"),
    ]);
    assert_eq!(places(&l), ["proforma.yaml bad-date 10:16"]);
    assert_eq!(l.quotes.len(), 1);
}
