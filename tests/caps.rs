//! Bounds: nothing that a branch or an upstream sends fills the memory, or keeps a run for ever.

#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::json;
use support::{Ended, SMALL, World, bare, plain_quote};

/// An upstream that answers each request with what a function writes. Ends with the test's process.
fn upstream(
    answer: impl Fn(usize, &str, &mut TcpStream) + Send + Sync + 'static,
) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let count = Arc::new(AtomicUsize::new(0));
    let (counter, answer) = (Arc::clone(&count), Arc::new(answer));
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (Ok(mut stream), counter, answer) =
                (stream, Arc::clone(&counter), Arc::clone(&answer))
            else {
                return;
            };
            std::thread::spawn(move || {
                while let Some(head) = request(&mut stream) {
                    answer(counter.fetch_add(1, Ordering::SeqCst), &head, &mut stream);
                }
            });
        }
    });
    (url, count)
}

/// Reads one request with its body; gives its first line.
fn request(stream: &mut TcpStream) -> Option<String> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        if stream.read(&mut byte).ok()? == 0 {
            return None;
        }
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head).to_lowercase();
    let length =
        head.lines().find_map(|l| l.strip_prefix("content-length: ")?.parse::<usize>().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    stream.read_exact(&mut body).ok()?;
    Some(head.lines().next()?.to_owned())
}

fn json_answer(stream: &mut TcpStream, body: &str) {
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body.as_bytes()));
}

fn plan(provider: &str, url: &str, quote: &str) -> Ended {
    world(provider, url, quote).direct(&["plan"], Some("a-token"))
}

fn world(provider: &str, url: &str, quote: &str) -> World {
    let world = World::empty();
    let more = if provider == "salesbyte" {
        "uuid: { env: HUBSPOT_TOKEN }\n    quote_profile_id: 1\n    stamp_field: { name: p, label: P }"
    } else {
        "rate: 100000/1s"
    };
    world.write(
        "proforma.yaml",
        &format!(
            "proforma: 1\nworkspace: w\nconnections:\n  c:\n    provider: {provider}\n    \
             token: {{ env: HUBSPOT_TOKEN }}\n    base_url: {url}\n    {more}\n"
        ),
    );
    world.write("quotes/a.yaml", quote);
    world
}

#[track_caller]
fn fails(ended: &Ended, says: &str) {
    assert_eq!(ended.code, 1, "{}{}", ended.stdout, ended.stderr);
    let words = ended.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains(says), "{words}");
    assert!(ended.stderr.len() < 20_000);
}

const QUICK: &str =
    "quote: a\ncustomer: { email: jo@acme.example }\nitems: [{ name: N, price: 1.00 }]\n";
const NORDIC: &str =
    "quote: a\ncustomer: { name: Jo, email: jo@acme.example }\nitems: [{ sku: S }]\n";

#[test]
fn an_answer_larger_than_64_mib_is_not_read_to_its_end() {
    let (url, _) = upstream(|_, _, stream| {
        let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n[";
        let _ = stream.write_all(head.as_bytes());
        // Four gigabytes, if somebody took them.
        let chunk = vec![b' '; 1 << 20];
        for _ in 0..4096 {
            if stream.write_all(&chunk).is_err() {
                break;
            }
        }
        let _ = stream.shutdown(std::net::Shutdown::Both);
    });
    fails(&plan("quickquote", &url, QUICK), "larger than 64 MiB");
}

/// Lists whose cursor never changes, goes in a circle, or is a new one for ever.
#[test]
fn lists_without_an_end_end() {
    let page =
        |next: &str| json!({ "results": [], "paging": { "next": { "after": next } } }).to_string();
    // HubSpot: a list of templates or owners.
    let hubspot = "quote: a\ntitle: T\nexpires: 2027-12-01\ncurrency: USD\nowner: jane@n.example\n\
                   customer: { email: jo@acme.example }\nitems: [{ name: N, price: 1.00 }]\n";
    for circle in [1, 3] {
        let (url, count) = upstream(move |n, head, stream| {
            if head.contains("/crm/v3/owners") || head.contains("/crm/v3/objects") {
                json_answer(stream, &page(&format!("c{}", n % circle)));
            } else {
                json_answer(stream, "{\"results\":[]}");
            }
        });
        fails(&plan("hubspot", &url, hubspot), "does not end");
        assert!(count.load(Ordering::SeqCst) < 40, "{count:?} requests");
    }
    let (url, count) = upstream(|_, _, stream| {
        let row = json!({ "key": "k", "customer_name": "Jo" });
        json_answer(
            stream,
            &json!({ "data": [row], "meta": { "last_page": 999_999 } }).to_string(),
        );
    });
    fails(&plan("salesbyte", &url, NORDIC), "does not end");
    assert!(count.load(Ordering::SeqCst) < 10, "{count:?} requests");
}

#[test]
fn deep_json_is_refused_and_does_not_overflow_the_stack() {
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let deep = format!("{}1{}", open.repeat(200_000), close.repeat(200_000));
        for (provider, quote) in [("quickquote", QUICK), ("salesbyte", NORDIC)] {
            let body = deep.clone();
            let (url, _) = upstream(move |_, _, stream| json_answer(stream, &body));
            let ended = plan(provider, &url, quote);
            assert_eq!(ended.code, 1, "{}{}", ended.stdout, ended.stderr);
        }
    }
}

/// A small answer on the wire that is a large one in memory: many values, or one text in many
/// levels, each of which was copied once.
#[test]
fn an_answer_takes_no_more_than_a_few_times_its_size() {
    const MIB: usize = 1 << 20;
    let dealhub = "quote: a\ntitle: T\nexpires: 2027-10-31\ncurrency: USD\nstate: in_review\n\
                   owner: { id: \"1\", name: J, email: j@n.example }\n\
                   customer: { name: G, id: \"2\" }\ndeal: { id: \"3\", name: R }\n\
                   items: [{ key: s, name: S, sku: S, quantity: 1, price: 1.00 }]\n\
                   dealhub: { playbook: p, opportunity_data: { geo_code: US } }\n";
    for (provider, quote) in [("quickquote", QUICK), ("dealhub", dealhub)] {
        let many = format!("{{\"a\":[{}0]}}", "0,".repeat(2_000_000));
        let (url, _) = upstream(move |_, _, stream| json_answer(stream, &many));
        fails(&plan(provider, &url, quote), "more than 2000000 values");
        let deep = format!("{}\"{}\"{}", "[".repeat(40), "x".repeat(48 * MIB), "]".repeat(40));
        let (url, _) = upstream(move |_, _, stream| json_answer(stream, &deep));
        let (_, peak) = plan_measured(provider, &url, quote);
        // It was two gigabytes.
        assert!(peak.is_none_or(|peak| peak < 400 * MIB), "{provider}: {peak:?}");
    }
}

/// The same as [`plan`], with the most memory that it was seen to take, where the system tells.
fn plan_measured(provider: &str, url: &str, quote: &str) -> (i32, Option<usize>) {
    let world = world(provider, url, quote);
    let mut child = bare(world.dir())
        .arg("plan")
        .env("HUBSPOT_TOKEN", "a-token")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut peak = None;
    loop {
        let status = std::fs::read_to_string(format!("/proc/{}/status", child.id()));
        let seen = status.ok().and_then(|text| {
            let line = text.lines().find_map(|l| l.strip_prefix("VmHWM:"))?;
            line.split_whitespace().next()?.parse::<usize>().ok().map(|kib| kib * 1024)
        });
        peak = peak.max(seen);
        if let Some(status) = child.try_wait().unwrap() {
            return (status.code().unwrap(), peak);
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn yaml_is_bounded_in_size_depth_aliases_and_values() {
    for (text, code) in [
        (format!("quote: a\ntitle: {}\n", "x".repeat(4 << 20)), "file-too-large"),
        (format!("quote: a\nfields: {}\n", "[".repeat(100_000)), "yaml-too-deep"),
        (format!("quote: a\nfields: {}{}\n", "{a: ".repeat(65), "}".repeat(65)), "yaml-too-deep"),
        ("quote: a\nfields: { a: &a [1], b: *a }\n".to_owned(), "yaml-alias"),
        ("quote: a\n<<: { title: x }\n".to_owned(), "yaml-"),
        (format!("quote: a\nfields: [{}]\n", "1,".repeat(1_100_000)), "file-too-large"),
        ("quote: a\ntitle: !!binary aGk=\n".to_owned(), "yaml-"),
    ] {
        let world = World::small(&text);
        for args in [&["validate", "--format", "json"][..], &["plan", "--format", "json"]] {
            let ended = world.run(args).expect(10);
            let codes = ended.json()["diagnostics"].to_string();
            assert!(
                codes.contains(code),
                "{code}: {}",
                codes.chars().take(600).collect::<String>()
            );
        }
    }
    // The same for the workspace file.
    let world = World::small(&plain_quote("one", "draft"));
    world.write("proforma.yaml", &format!("{SMALL}# {}\n", "x".repeat(5 << 20)));
    assert!(world.run(&["validate"]).expect(10).stdout.contains("4 MiB"));
}

/// A file of half a gigabyte of nothing costs its author a few bytes; it is not read.
#[cfg(unix)]
#[test]
fn a_huge_lockfile_is_not_read() {
    let world = World::small(&plain_quote("one", "draft"));
    let file = std::fs::File::create(world.path("proforma.sandbox.lock")).unwrap();
    file.set_len(600 << 20).unwrap();
    let ended = world.run(&["plan"]).expect(10);
    assert!(ended.stderr.contains("larger than 512 MiB"), "{}", ended.stderr);
}
