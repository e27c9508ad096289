//! The example pipelines, played: the very scripts that they run, in real git repositories, against
//! the sandbox and a stand-in for the forge.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_yaml::Value;
use support::World;

/// Stands for GitHub's program: keeps comments and issues as files in $FORGE, knows the requests that
/// the script makes, and refuses all others.
const GH: &str = r#"#!/usr/bin/env bash
set -euo pipefail
echo "gh $*" >> "$FORGE/log"
body() { for word in "$@"; do case $word in body=@*) cat "${word#body=@}" ;; esac; done; }
case "$1 $2" in
    'api --paginate')
        [ "$3" = 'repos/acme/quotes/issues/7/comments' ] && [ "$4" = --jq ]
        for file in "$FORGE"/comment-*; do
            [ -e "$file" ] || continue
            if [ "$(head -n 1 "$file")" = "$MARKER" ]; then echo "${file##*-}"; fi
        done ;;
    'api --silent')
        case "$4 $5" in
            'POST repos/acme/quotes/issues/7/comments') body "$@" > "$FORGE/comment-$RANDOM$RANDOM" ;;
            'PATCH repos/acme/quotes/issues/comments/'*) body "$@" > "$FORGE/comment-${5##*/}" ;;
            *) exit 9 ;;
        esac ;;
    'issue list') if [ -e "$FORGE/issue" ]; then echo 3; fi ;;
    'issue create') cp "$6" "$FORGE/issue" ;;
    'issue edit') cp "$5" "$FORGE/issue" ;;
    'issue close') rm "$FORGE/issue" ;;
    *) exit 9 ;;
esac
"#;

const QUOTE: &str = "quote: acme\ntitle: Acme\nexpires: 2027-12-01\ndeal: Acme renewal 2027\n\
    customer: { email: jo@acme.example }\nitems: [{ key: a, name: Audit, price: 100.00 }]\n";

/// A repository with a workspace, its origin, and what the steps of a pipeline find around them.
struct Forge {
    world: World,
}

impl Forge {
    fn new() -> Self {
        let world = World::empty();
        let hub = Self { world };
        for folder in ["bin", "forge", "work"] {
            fs::create_dir(hub.path(folder)).unwrap();
        }
        let gh = hub.path("bin/gh");
        fs::write(&gh, GH).unwrap();
        fs::set_permissions(&gh, fs::Permissions::from_mode(0o755)).unwrap();
        let workspace = format!(
            "proforma: 1\nworkspace: piped\nconnections:\n  crm:\n    provider: hubspot\n    \
             token: {{ env: HUBSPOT_TOKEN }}\n    base_url: {}/hubspot\n    \
             defaults: {{ template: Default Modern, currency: USD }}\n",
            hub.world.url()
        );
        hub.write("work/proforma.yaml", &workspace);
        hub.write("work/quotes/acme.yaml", QUOTE);
        hub.write("work/.gitignore", ".proforma/\n*.plan\n");
        hub.git("git init -q --bare -b main ../origin.git && git init -q -b main . && git add . && \
            git commit -q -m first && git remote add origin ../origin.git && git push -q -u origin main");
        hub
    }

    fn path(&self, path: &str) -> PathBuf {
        self.world.path(path)
    }

    fn write(&self, path: &str, text: &str) {
        self.world.write(path, text);
    }

    /// Runs a script in the work tree as a step of a pipeline would; exit code and all output.
    fn step(&self, script: &str, variables: &[(&str, &str)]) -> (i32, String) {
        let binary = Path::new(env!("CARGO_BIN_EXE_proforma")).parent().unwrap();
        let path = format!(
            "{}:{}:{}",
            self.path("bin").display(),
            binary.display(),
            std::env::var("PATH").unwrap()
        );
        let output = Command::new("bash")
            .args(["-euo", "pipefail", "-c", &format!("exec 2>&1; {script}")])
            .current_dir(self.path("work"))
            .env_clear()
            .env("PATH", path)
            .env("HOME", self.world.dir())
            .env("FORGE", self.path("forge"))
            .env("HUBSPOT_TOKEN", "canary-token")
            .env("GITHUB_REPOSITORY", "acme/quotes")
            .env("GITHUB_STEP_SUMMARY", self.path("forge/summary"))
            .env("PROFORMA_PR", "7")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_AUTHOR_NAME", "t")
            .env("GIT_AUTHOR_EMAIL", "t@t.example")
            .env("GIT_COMMITTER_NAME", "t")
            .env("GIT_COMMITTER_EMAIL", "t@t.example")
            .envs(variables.iter().copied())
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(!text.contains("canary-token"), "{text}");
        (output.status.code().unwrap_or(-1), text)
    }

    #[track_caller]
    fn git(&self, script: &str) -> String {
        let (code, text) = self.step(script, &[]);
        assert_eq!(code, 0, "{text}");
        text
    }

    fn action(&self, command: &str, variables: &[(&str, &str)]) -> (i32, String) {
        let script = root().join("scripts/ci/github.sh");
        self.step(&format!("{} {command}", script.display()), variables)
    }

    fn comments(&self) -> Vec<String> {
        let files = fs::read_dir(self.path("forge")).unwrap().map(|e| e.unwrap().path());
        let comments =
            files.filter(|p| p.file_name().unwrap().to_string_lossy().starts_with("comment-"));
        comments.map(|p| fs::read_to_string(p).unwrap()).collect()
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn a_pull_request_has_one_comment_and_its_saved_plan_is_applied_and_recorded() {
    let forge = Forge::new();
    assert_eq!(forge.action("validate", &[]).0, 0);
    let (code, told) = forge.action("plan", &[]);
    assert_eq!(code, 0, "{told}");
    forge.write("work/quotes/acme.yaml", &QUOTE.replace("100.00", "250.00"));
    // Somebody else's comment stays.
    forge.write("forge/comment-1", "looks good\n");
    let (code, told) = forge.action("plan", &[]);
    assert_eq!(code, 0, "{told}");
    let mut comments = forge.comments();
    comments.sort();
    assert_eq!(comments.len(), 2, "one comment of ours: {comments:?}");
    assert!(comments[0].contains("250.00") && !comments[0].contains("100.00"), "{}", comments[0]);
    assert_eq!(forge.world.writes(), 0);

    let (code, told) = forge.action("apply", &[]);
    assert_eq!(code, 0, "{told}");
    assert_eq!(forge.world.records("quotes").len(), 1);
    assert!(forge.git("git log --format=%s origin/main").contains("quotes: recorded [skip ci]"));
    assert!(forge.git("git show origin/main:proforma.lock").contains("quote acme"));
    // The same plan again: spent.
    assert_eq!(forge.action("apply", &[]).0, 4);
    assert_eq!(forge.world.records("quotes").len(), 1);
}

#[test]
fn the_lockfile_is_kept_although_the_branch_moved_and_something_waits() {
    let forge = Forge::new();
    forge.write("work/quotes/acme.yaml", &format!("{QUOTE}state: published\n"));
    forge.write("work/quotes/two.yaml", &QUOTE.replace("quote: acme", "quote: two"));
    forge.git("git commit -q -am more && git add . && git commit -q -m two && git push -q");
    assert_eq!(forge.action("plan", &[]).0, 0);
    forge.git(
        "git clone -q ../origin.git ../other && cd ../other && echo moved > README && \
         git add . && git commit -q -m moved && git push -q",
    );
    let (code, told) = forge.action("apply", &[]);
    assert_eq!(code, 12, "{told}");
    let log = forge.git("git fetch -q && git log --format=%s origin/main");
    assert!(log.starts_with("quotes: recorded [skip ci]\nmoved\n"), "{log}");
    // Consent is an input.
    assert_eq!(forge.action("plan", &[]).0, 0);
    assert_eq!(forge.action("apply", &[("PROFORMA_ALLOW", "publish")]).0, 0);
}

#[test]
fn a_fork_needs_nothing_and_a_broken_manifest_fails_with_its_page() {
    let forge = Forge::new();
    let (code, told) = forge.action("offline", &[("HUBSPOT_TOKEN", "")]);
    assert_eq!(code, 0, "{told}");
    assert_eq!(forge.world.requests().0, 0);
    assert!(fs::read_to_string(forge.path("forge/summary")).unwrap().contains("acme"));
    forge.write("work/quotes/acme.yaml", &QUOTE.replace("expires", "expirs"));
    let (code, told) = forge.action("validate", &[]);
    assert_eq!(code, 10);
    assert!(told.contains("::error file=quotes/acme.yaml,line=3"), "{told}");
    assert_eq!(forge.action("plan", &[]).0, 10);
    assert_eq!(forge.comments().len(), 1, "the failure is told where the reviewer looks");
    assert_eq!(forge.action("frobnicate", &[]).0, 64);
}

#[test]
fn drift_opens_one_issue_and_closes_it() {
    let forge = Forge::new();
    forge.action("plan", &[]);
    assert_eq!(forge.action("apply", &[]).0, 0);
    let night = |open: bool| {
        let (code, told) = forge.action("drift", &[]);
        assert_eq!((code, forge.path("forge/issue").exists()), (0, open), "{told}");
    };
    night(false);
    let id = forge.world.quote("Acme")["id"].as_str().unwrap().to_owned();
    let edit = |title: &str| {
        forge.world.colleague("quotes", &id, &serde_json::json!({ "hs_title": title }));
    };
    edit("Acme, by Lin");
    night(true);
    assert!(fs::read_to_string(forge.path("forge/issue")).unwrap().contains("by Lin"));
    night(true);
    edit("Acme");
    night(false);
}

/// All scripts in a YAML file: `run` of a step, or the lines of `script`.
fn scripts(value: &Value, out: &mut Vec<String>) {
    match value {
        Value::Mapping(map) => {
            for (key, inner) in map {
                match (key.as_str(), inner) {
                    (Some("run"), Value::String(text)) => out.push(text.clone()),
                    (Some("script"), Value::Sequence(lines)) => {
                        out.extend(lines.iter().map(|l| l.as_str().unwrap().to_owned()));
                    }
                    _ => scripts(inner, out),
                }
            }
        }
        Value::Sequence(items) => items.iter().for_each(|inner| scripts(inner, out)),
        _ => {}
    }
}

#[test]
fn every_script_is_sound_and_nothing_foreign_is_part_of_one() {
    let mut seen = 0;
    for file in [
        "action.yml",
        "examples/ci/github/.github/workflows/quotes.yaml",
        "examples/ci/gitlab/.gitlab-ci.yml",
    ] {
        let text = fs::read_to_string(root().join(file)).unwrap();
        let mut all = Vec::new();
        scripts(&serde_yaml::from_str(&text).unwrap(), &mut all);
        for script in all {
            // An expression would be put into the script before the shell reads it.
            assert!(!script.contains("${{"), "{file}: {script}");
            let fine = Command::new("bash").args(["-n", "-c", &script]).status().unwrap();
            assert!(fine.success(), "{file}: {script}");
            seen += 1;
        }
    }
    assert!(seen >= 8, "{seen} scripts");
}
