//! The care of the lockfile: rebuild, mv, merge, through the real binary and real git.

#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::path::Path;
use std::process::Command;

use serde_json::json;
use support::four::{CONNECTIONS, FOUR, count_on, draft_on, four};
use support::{Ended, World, finish, plain_quote};

const LOCK: &str = "proforma.sandbox.lock";

fn all_four(quantity: u32) -> String {
    CONNECTIONS.map(|c| draft_on(c, &format!("on-{c}"), quantity)).join("---\n")
}

#[test]
fn a_lost_lockfile_is_rebuilt_from_the_stamps_of_all_four() {
    let world = four(&all_four(2));
    world.apply().expect(0);
    let parts = |text: &str| {
        text.lines().filter(|l| l.starts_with("  part") || l.starts_with("  id")).count()
    };
    let before = parts(&world.read(LOCK));
    world.lose_lockfile();
    let writes = world.writes();
    let told = world.run(&["lock", "rebuild"]).expect(0).stdout;
    assert_eq!(world.writes(), writes, "rebuild wrote upstream");
    assert!(told.contains("4 of 4 quotes"), "{told}");
    assert_eq!(parts(&world.read(LOCK)), before);
    let plan = world.plan().expect(0).json();
    assert_eq!(plan["summary"]["none"], 4, "{plan}");
    assert_eq!(world.apply().expect(0).json()["summary"]["unchanged"], 4);
    assert_eq!(world.writes(), writes);
}

#[test]
fn drift_is_honest_after_a_rebuild() {
    let world = World::small(&plain_quote("one", "draft"));
    world.apply().expect(0);
    let id = world.quote("Title of one")["id"].as_str().unwrap().to_owned();
    world.lose_lockfile();
    world.colleague("quotes", &id, &json!({ "hs_title": "Edited meanwhile" }));
    world.run(&["lock", "rebuild"]).expect(0);
    let plan = world.plan().expect(2).json();
    assert_eq!(plan["quotes"][0]["action"], "update");
    let changes = plan["quotes"][0]["changes"].as_array().unwrap();
    assert_eq!(changes.len(), 1, "{plan}");
    assert_eq!(changes[0]["path"], "title");
}

#[test]
fn a_healthy_lockfile_is_left_alone_unless_asked_and_then_loses_nothing() {
    let both = format!("{}---\n{}", plain_quote("one", "draft"), plain_quote("two", "draft"));
    let world = World::small(&both);
    world.apply().expect(0);
    let lock = world.read(LOCK);
    let refused = world.run(&["lock", "rebuild"]).expect(10);
    assert!(refused.stderr.contains("--overwrite"), "{}", refused.stderr);
    assert_eq!(world.read(LOCK), lock);
    // An orphan has no manifest, so no stamp leads to it: it stays.
    world.write("quotes/all.yaml", &plain_quote("one", "draft"));
    world.run(&["plan", "-o", "plan.json"]).expect(0);
    let told = world.run(&["lock", "rebuild", "--overwrite"]).expect(0).stdout;
    assert!(told.contains("kept") && told.contains("two"), "{told}");
    let rebuilt = world.read(LOCK);
    assert!(rebuilt.contains("quote one") && rebuilt.contains("quote two"), "{rebuilt}");
    assert!(rebuilt.contains("generation 2"), "a plan saved before must not hold: {rebuilt}");
}

#[test]
fn a_broken_lockfile_is_rebuilt() {
    let world = World::small(&plain_quote("one", "published"));
    world.apply().expect(0);
    let lock = world.read(LOCK);
    for broken in [
        lock.replace("end\n", ""),
        lock.replace("quote one", "<<<<<<< ours\nquote one"),
        "\u{0}".to_owned(),
        String::new(),
    ] {
        world.write(LOCK, &broken);
        world.plan().expect(10);
        world.run(&["lock", "rebuild"]).expect(0);
        world.settled();
    }
    std::fs::write(world.path(LOCK), b"proforma-lock 1\n\xff").unwrap();
    world.run(&["lock", "rebuild"]).expect(0);
    world.settled();
    // One of a newer version is somebody's healthy lockfile.
    world.write(LOCK, &lock.replace("proforma-lock 1", "proforma-lock 3"));
    world.run(&["lock", "rebuild"]).expect(10);
    world.run(&["lock", "rebuild", "--overwrite"]).expect(0);
    world.settled();
}

#[test]
fn what_cannot_be_looked_up_is_listed() {
    let world = four(&all_four(2));
    world.apply().expect(0);
    let recorded = world.read(LOCK);
    world.lose_lockfile();
    world.edit("proforma.yaml", "    token: { env: SB_TOKEN }\n", "");
    let told = world.run(&["lock", "rebuild"]).expect(5);
    assert!(told.stdout.contains("not looked up   on-nordic"), "{}", told.stdout);
    assert!(!world.read(LOCK).contains("on-nordic"));
    // A connection that is down is not taken for an empty one.
    world.write(LOCK, &recorded);
    world.faults(&json!([{ "on": "any", "match": "/dealhub/", "every": 1, "do": "status:403" }]));
    let told = world.run(&["lock", "rebuild", "--overwrite"]).expect(5);
    assert!(told.stdout.contains("not looked up   on-cpq"), "{}", told.stdout);
    for connection in CONNECTIONS {
        assert!(world.read(LOCK).contains(&format!("on-{connection}")), "{connection}");
    }
}

#[test]
fn a_rename_keeps_the_quote_on_every_upstream() {
    for connection in CONNECTIONS {
        for by_command in [true, false] {
            let world = four(&draft_on(connection, "old", 2));
            let id = world.apply().expect(0).json()["quotes"][0]["id"].clone();
            let made = count_on(&world, connection);
            let what = format!("{connection}, by command: {by_command}");
            if by_command {
                world.run(&["lock", "mv", "old", "new"]).expect(0);
                world.edit("quotes/all.yaml", "quote: old", "quote: new");
            } else {
                world.edit("quotes/all.yaml", "quote: old", "quote: new\nwas: old");
            }
            let writes = world.writes();
            let plan = world.plan().json();
            assert_eq!(plan["quotes"].as_array().unwrap().len(), 1, "{what}: {plan}");
            assert_eq!(plan["quotes"][0]["id"], id, "{what}: {plan}");
            let applied = world.apply().expect(0).json();
            assert_eq!(applied["quotes"][0]["id"], id, "{what}: {applied}");
            assert_eq!(world.writes(), writes, "{what}: a rename alone writes nothing");
            world.settled();
            let lock = world.read(LOCK);
            assert!(lock.contains("quote new") && !lock.contains("quote old"), "{what}: {lock}");
            // The next change, too, is of the same quote or its proper successor.
            let next = draft_on(connection, "new", 3);
            let was = if by_command { "quote: new" } else { "quote: new\nwas: old" };
            world.write("quotes/all.yaml", &next.replace("quote: new", was));
            world.apply().expect(0);
            let replaced = usize::from(matches!(connection, "nordic" | "cpq"));
            assert_eq!(count_on(&world, connection), made + replaced, "{what}");
            world.settled();
        }
    }
}

/// Without a token nothing can be read: a rename must not look like a change of everything.
#[test]
fn a_rename_where_nothing_can_be_read_is_no_change() {
    for by_command in [true, false] {
        let world = World::empty();
        world.write("proforma.yaml", &FOUR.replace("    token: { env: SB_TOKEN }\n", ""));
        world.write("quotes/all.yaml", &draft_on("nordic", "old", 2));
        world.apply().expect(0);
        let made = count_on(&world, "nordic");
        if by_command {
            world.run(&["lock", "mv", "old", "new"]).expect(0);
            world.edit("quotes/all.yaml", "quote: old", "quote: new");
        } else {
            world.edit("quotes/all.yaml", "quote: old", "quote: new\nwas: old");
        }
        let plan = world.plan().expect(0).json();
        assert_eq!(plan["quotes"][0]["action"], "unverifiable", "{plan}");
        world.apply().expect(0);
        let lock = world.read(LOCK);
        assert!(lock.contains("quote new") && !lock.contains("quote old"), "{lock}");
        if !by_command {
            world.edit("quotes/all.yaml", "was: old\n", "");
        }
        let plan = world.plan().expect(0).json();
        assert_eq!(plan["quotes"][0]["action"], "unverifiable", "{plan}");
        assert_eq!(plan["quotes"][0]["changes"], json!([]));
        world.apply().expect(0);
        assert_eq!(count_on(&world, "nordic"), made);
    }
}

#[test]
fn a_renamed_quote_is_found_again_without_a_lockfile() {
    for connection in CONNECTIONS {
        let world = four(&draft_on(connection, "old", 2));
        world.apply().expect(0);
        let made = count_on(&world, connection);
        world.edit("quotes/all.yaml", "quote: old", "quote: new\nwas: old");
        world.lose_lockfile();
        world.apply().expect(0);
        assert_eq!(count_on(&world, connection), made, "{connection}");
        world.settled();
    }
}

#[test]
fn mv_refuses_what_would_mix_two_quotes_up() {
    let both = format!("{}---\n{}", plain_quote("one", "draft"), plain_quote("two", "draft"));
    let world = World::small(&both);
    world.apply().expect(0);
    let lock = world.read(LOCK);
    for (old, new) in [("one", "two"), ("three", "four"), ("one", "One"), ("one", "one")] {
        world.run(&["lock", "mv", old, new]).expect(10);
    }
    assert_eq!(world.read(LOCK), lock);
}

#[test]
fn swapped_and_copied_ids_are_refused_on_every_upstream() {
    for connection in CONNECTIONS {
        let two = |n| {
            format!("{}---\n{}", draft_on(connection, "one", n), draft_on(connection, "two", n))
        };
        let world = four(&two(2));
        let applied = world.apply().expect(0).json();
        let id = |n: usize| applied["quotes"][n]["id"].as_str().unwrap().to_owned();
        let (one, two_id) = (format!("  id {}\n", id(0)), format!("  id {}\n", id(1)));
        let lock = world.read(LOCK);
        let swapped = lock.replace(&one, "@@").replace(&two_id, &one).replace("@@", &two_id);
        let copied = lock.replace(&two_id, &one);
        world.write("quotes/all.yaml", &two(9));
        let writes = world.writes();
        for lock in [swapped, copied] {
            assert_ne!(lock, world.read(LOCK));
            world.write(LOCK, &lock);
            world.plan().expect(11);
            world.apply().expect(11);
            assert_eq!(world.writes(), writes, "{connection}");
        }
    }
}

#[test]
fn a_lost_entry_is_shown_as_an_adoption_on_every_upstream() {
    for connection in CONNECTIONS {
        let world = four(&draft_on(connection, "one", 2));
        let id = world.apply().expect(0).json()["quotes"][0]["id"].clone();
        world.lose_lockfile();
        let plan = world.plan().expect(2).json();
        assert_eq!(plan["quotes"][0]["action"], "adopt", "{connection}: {plan}");
        assert_eq!(plan["quotes"][0]["id"], id);
        let writes = world.writes();
        world.apply().expect(0);
        assert_eq!(world.writes(), writes, "{connection}");
        world.settled();
    }
}

/// A repository with the merge driver set up as the documentation says.
struct Repo<'w> {
    world: &'w World,
}

impl Repo<'_> {
    fn new(world: &World) -> Repo<'_> {
        let repo = Repo { world };
        repo.git(&["init", "-q", "-b", "main"]).expect(0);
        let driver = format!("{} lock merge %O %A %B", env!("CARGO_BIN_EXE_proforma"));
        for (key, value) in [
            ("merge.proforma.driver", driver.as_str()),
            ("merge.proforma.name", "proforma lockfile"),
            ("user.email", "t@t.example"),
            ("user.name", "t"),
            ("commit.gpgsign", "false"),
        ] {
            repo.git(&["config", key, value]).expect(0);
        }
        world.write(".gitattributes", "*.lock merge=proforma\n");
        repo.commit("base");
        repo
    }

    fn git(&self, args: &[&str]) -> Ended {
        let mut command = Command::new("git");
        command
            .current_dir(self.world.dir())
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("HOME", self.world.dir())
            .env("GIT_EDITOR", "true")
            .args(args);
        finish(&mut command)
    }

    fn commit(&self, message: &str) {
        self.git(&["add", "-A"]).expect(0);
        self.git(&["commit", "-q", "-m", message]).expect(0);
    }

    /// A branch of `main` on which this is done and applied.
    fn branch(&self, name: &str, change: impl Fn(&World)) {
        self.git(&["checkout", "-q", "-b", name, "main"]).expect(0);
        change(self.world);
        self.world.apply().expect(0);
        self.commit(name);
    }
}

fn quotes(names: &[&str]) -> World {
    let world = World::empty();
    world.write("proforma.yaml", support::SMALL);
    for name in names {
        world.write(&format!("quotes/{name}.yaml"), &plain_quote(name, "draft"));
    }
    world.apply().expect(0);
    world
}

fn retitle(world: &World, name: &str, title: &str) {
    world.edit(
        &format!("quotes/{name}.yaml"),
        &format!("title: Title of {name}"),
        &format!("title: {title}"),
    );
}

#[test]
fn git_merges_and_rebases_branches_that_touch_neighbours() {
    let world = quotes(&["b", "d"]);
    let repo = Repo::new(&world);
    let add = |name: &'static str| {
        move |world: &World| {
            world.write(&format!("quotes/{name}.yaml"), &plain_quote(name, "draft"));
        }
    };
    // Both between `b` and `d`, in the very same place: git alone would conflict.
    repo.branch("left", add("c1"));
    repo.git(&["checkout", "-q", "main"]).expect(0);
    repo.branch("right", add("c2"));
    repo.git(&["merge", "left", "-m", "merged"]).expect(0);
    let lock = world.read(LOCK);
    for name in ["b", "c1", "c2", "d"] {
        assert!(lock.contains(&format!("quote {name}\n")), "{name}: {lock}");
    }
    world.settled();
    // A rebase calls the driver with the sides the other way round.
    repo.git(&["checkout", "-q", "left"]).expect(0);
    retitle(&world, "b", "Newer");
    world.apply().expect(0);
    repo.commit("left again");
    repo.git(&["checkout", "-q", "-b", "moved", "right"]).expect(0);
    repo.git(&["rebase", "left"]).expect(0);
    assert_eq!(world.records("quotes").len(), 4);
    world.settled();
}

#[test]
fn git_merges_one_quote_that_both_branches_changed() {
    let world = quotes(&["one"]);
    let repo = Repo::new(&world);
    let id = world.quote("Title of one")["id"].clone();
    repo.branch("left", |w| retitle(w, "one", "Left"));
    // The other branch applies another field, upon its own (older) memory of the title.
    repo.git(&["checkout", "-q", "main"]).expect(0);
    world.colleague("quotes", id.as_str().unwrap(), &json!({ "hs_title": "Title of one" }));
    repo.branch("right", |w| w.edit("quotes/one.yaml", "amount: 20.00", "amount: 21.00"));
    repo.git(&["merge", "left", "-m", "merged"]).expect(0);
    let lock = world.read(LOCK);
    assert!(lock.contains("  generation 3\n"), "both runs count: {lock}");
    assert_eq!(world.plan().expect(2).json()["quotes"][0]["id"], id);
    world.apply().expect(0);
    world.settled();
    assert_eq!(world.records("quotes").len(), 1);
}

#[test]
fn git_stops_where_the_branches_disagree_and_shows_both() {
    let world = quotes(&["one", "two"]);
    let repo = Repo::new(&world);
    repo.branch("left", |w| {
        retitle(w, "one", "Left");
        retitle(w, "two", "Second");
    });
    repo.git(&["checkout", "-q", "main"]).expect(0);
    repo.branch("right", |w| retitle(w, "one", "Right"));
    let merged = repo.git(&["merge", "left", "-m", "merged"]).expect(1);
    assert!(merged.stdout.contains("CONFLICT"), "{}", merged.stdout);
    assert!(merged.stderr.contains("one: field title"), "{}", merged.stderr);
    let lock = world.read(LOCK);
    assert_eq!(lock.matches("<<<<<<< ours").count(), 1, "{lock}");
    assert_eq!(lock.matches("quote one\n").count(), 2, "{lock}");
    assert_eq!(lock.matches("quote two\n").count(), 1, "only what disagrees is doubled: {lock}");
    repo.git(&["checkout", "--ours", "--", "quotes/one.yaml"]).expect(0);
    let refused = world.plan().expect(10);
    assert!(refused.stdout.contains("lockfile-conflict"), "{}", refused.stdout);
    // A person keeps one block.
    let head = lock.split("<<<<<<< ours\n").next().unwrap();
    let ours = lock.split("<<<<<<< ours\n").nth(1).unwrap().split("=======\n").next().unwrap();
    let tail = lock.split(">>>>>>> theirs\n").nth(1).unwrap();
    world.write(LOCK, &format!("{head}{ours}{tail}"));
    world.apply().expect(0);
    world.settled();
    assert_eq!(world.records("quotes").len(), 2);
}

#[test]
fn git_stops_where_one_branch_removed_what_the_other_changed() {
    let world = quotes(&["one"]);
    let repo = Repo::new(&world);
    repo.branch("left", |w| retitle(w, "one", "Left"));
    repo.git(&["checkout", "-q", "-b", "right", "main"]).expect(0);
    world.run(&["lock", "forget", "one"]).expect(0);
    repo.commit("right");
    let merged = repo.git(&["merge", "left", "-m", "merged"]).expect(1);
    assert!(merged.stderr.contains("removed the entry"), "{}", merged.stderr);
    assert!(world.read(LOCK).contains(">>>>>>> theirs"));
}

#[test]
fn the_driver_never_makes_the_unreadable_look_joined() {
    let world = quotes(&["one"]);
    let lock = world.read(LOCK);
    for (name, text) in [("base", ""), ("ours", &*lock), ("theirs", "proforma-lock 9\n")] {
        world.write(name, text);
    }
    let merge = |world: &World| world.run(&["lock", "merge", "base", "ours", "theirs"]);
    let ended = merge(&world).expect(10);
    assert!(ended.stderr.contains("lock rebuild"), "{}", ended.stderr);
    let ours = world.read("ours");
    assert!(ours.contains(&lock) && ours.contains("proforma-lock 9\n>>>>>>> theirs"), "{ours}");
    // Works outside of any workspace, and where the branches have no common ancestor.
    let elsewhere = tempfile::tempdir().unwrap();
    for name in ["ours", "theirs"] {
        std::fs::write(elsewhere.path().join(name), &lock).unwrap();
    }
    let run = |dir: &Path| {
        finish(support::bare(dir).args(["lock", "merge", "missing", "ours", "theirs"]))
    };
    run(elsewhere.path()).expect(0);
    assert_eq!(std::fs::read_to_string(elsewhere.path().join("ours")).unwrap(), lock);
}

#[test]
fn the_list_is_one_json_document() {
    let world = quotes(&["one"]);
    let list = world.run(&["lock", "list", "--format", "json"]).expect(0).json();
    assert_eq!(list["kind"], "lock");
    assert_eq!(list["quotes"][0]["quote"], "one");
    assert_eq!(list["quotes"][0]["generation"], 1);
}
