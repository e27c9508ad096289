//! Saved plans: one changed byte is found, and a forged one does nothing that was not planned.

#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use proforma::plan::saved;
use support::four::Elsewhere;
use support::{World, plain_quote};

#[test]
fn any_changed_byte_of_a_saved_plan_is_found() {
    let world = World::small(&plain_quote("one", "published"));
    world.run(&["plan", "-o", "plan.json"]).expect(0);
    let path = world.path("plan.json");
    let whole = std::fs::read(&path).unwrap();
    saved::load(&path).unwrap();
    let mut refused = 0;
    for i in 0..whole.len() {
        // Every byte of the ends, and a spread of the middle.
        if i > 300 && i + 300 < whole.len() && i % 23 != 0 {
            continue;
        }
        let mut torn = whole.clone();
        torn[i] ^= 1;
        std::fs::write(&path, &torn).unwrap();
        let failure = saved::load(&path).expect_err(&format!("byte {i} was changed unnoticed"));
        assert_eq!(failure.kind.exit_code(), 10);
        refused += 1;
    }
    assert!(refused > 600, "{refused}");
    for cut in [0, 1, whole.len() / 2, whole.len() - 1] {
        std::fs::write(&path, &whole[..cut]).unwrap();
        saved::load(&path).expect_err("cut");
    }
    // Through the binary: white space alone is a change, too.
    std::fs::write(&path, [&whole[..], b"\n"].concat()).unwrap();
    let ended = world.run(&["apply", "plan.json", "--auto-approve"]).expect(10);
    assert!(ended.stderr.contains("changed or cut"), "{}", ended.stderr);
    assert_eq!(world.writes(), 0);
}

/// Whoever can write the file can also make its digests fit.
#[test]
fn a_forged_plan_with_fitting_digests_does_nothing_that_was_not_planned() {
    let world = World::small(&plain_quote("one", "draft"));
    world.run(&["plan", "-o", "plan.json"]).expect(0);
    let path = world.path("plan.json");
    let mut plan = saved::load(&path).unwrap();
    let text = serde_json::to_string(&plan.quotes[0].steps).unwrap();
    plan.quotes[0].steps = serde_json::from_str(&text.replace("100", "1")).unwrap();
    assert_ne!(serde_json::to_string(&plan.quotes[0].steps).unwrap(), text);
    plan.id = proforma::plan::build::digest(&plan);
    saved::save(&plan, &path).unwrap();
    let ended = world.run(&["apply", "plan.json", "--auto-approve", "--format", "json"]).expect(4);
    assert!(ended.stdout.contains("in another way"), "{}", ended.stdout);
    assert_eq!(world.writes(), 0);
}

#[test]
fn a_plan_is_spent_on_every_machine() {
    let world = World::small(&plain_quote("one", "draft"));
    world.apply().expect(0);
    world.edit("quotes/all.yaml", "price: 100.00", "price: 110.00");
    world.run(&["plan", "-o", "plan.json"]).expect(0);
    let other = Elsewhere::clone_of(&world);
    world.run(&["apply", "plan.json", "--auto-approve"]).expect(0);
    let writes = world.writes();
    other.run(&["apply", "plan.json", "--auto-approve"]).expect(4);
    world.run(&["apply", "plan.json", "--auto-approve"]).expect(4);
    assert_eq!(world.writes(), writes);
}
