//! Every guardrail, through the binary: a refusal names the quote, the limit, the value, the nearest
//! value that would pass, and the exact override; and the nearest value does pass.

#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use jiff::{Timestamp, tz::TimeZone};
use support::four::{FOUR, draft_on};
use support::{World, plain_quote};

/// One guardrail, refused.
struct Case {
    /// What the override calls it.
    name: &'static str,
    /// Its line in the workspace.
    rail: String,
    /// What is applied before the guardrail is there.
    before: String,
    /// What is then asked for.
    after: String,
    /// More flags.
    args: &'static [&'static str],
    /// What the refusal says.
    says: Vec<String>,
    /// What would pass instead; empty = nothing that a manifest could say.
    passes: String,
}

fn drafts(names: &[&str]) -> String {
    names.iter().map(|n| plain_quote(n, "draft")).collect::<Vec<_>>().join("---\n")
}

fn shop(email: &str) -> String {
    draft_on("shop", "one", 1).replace("jo@acme.example", email) + "state: sent\n"
}

fn texts(words: &[&str]) -> Vec<String> {
    words.iter().map(|w| (*w).to_owned()).collect()
}

/// A zone in which it is some minutes past midnight now.
fn zone_after_midnight() -> (String, jiff::Zoned) {
    let hour = Timestamp::now().to_zoned(TimeZone::UTC).hour();
    let name = if hour <= 12 {
        format!("Etc/GMT+{hour}")
    } else {
        format!("Etc/GMT-{}", 24 - i16::from(hour))
    };
    let now = Timestamp::now().to_zoned(TimeZone::get(&name).unwrap());
    (name, now)
}

const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

fn day(of: &jiff::Zoned) -> &'static str {
    DAYS[usize::try_from(of.weekday().to_monday_zero_offset()).unwrap()]
}

fn cases() -> Vec<Case> {
    let one = plain_quote("one", "draft");
    let case = |name, rail: &str, before: &str, after: &str, says: &[&str], passes: &str| Case {
        name,
        rail: rail.to_owned(),
        before: before.to_owned(),
        after: after.to_owned(),
        args: &[],
        says: texts(says),
        passes: passes.to_owned(),
    };
    let retitled = |names: &[&str]| drafts(names).replace("title: Title", "title: New title");
    let (zone, now) = zone_after_midnight();
    let night = day(&now.yesterday().unwrap());
    let today = now.date();
    vec![
        case(
            "max_creates",
            "max_creates: 1",
            "",
            &drafts(&["one", "two"]),
            &["would create 2 quotes (`one`, `two`)", "the limit is 1", "1 would pass"],
            &one,
        ),
        case(
            "max_creates",
            "max_creates: 50%",
            &drafts(&["a", "b", "c"]),
            &drafts(&["a", "b", "c", "d", "e"]),
            &["create 2 quotes (`d`, `e`)", "50% of 3 recorded quotes, that is 1", "1 would pass"],
            &drafts(&["a", "b", "c", "d"]),
        ),
        case(
            "max_updates",
            "max_updates: 34%",
            &drafts(&["a", "b", "c"]),
            &retitled(&["a", "b", "c"]),
            &["update 3 quotes (`a`, `b`, `c`)", "34% of 3 recorded quotes, that is 1"],
            &format!("{}---\n{}", retitled(&["a"]), drafts(&["b", "c"])),
        ),
        Case {
            args: &["--prune"],
            ..case(
                "max_deletes",
                "max_deletes: 1",
                &drafts(&["a", "b", "c"]),
                &drafts(&["a"]),
                &["delete 2 quotes (`b`, `c`)", "the limit is 1", "1 would pass"],
                &drafts(&["a", "b"]),
            )
        },
        case(
            "max_discount",
            "max_discount: 2%",
            "",
            &one,
            &["`one`", "2.02% of the list total", "the limit is 2%", "discounts of 5.01 in all"],
            &one.replace("discount: 10%", "discount: 5.01"),
        ),
        case(
            "max_price_change",
            "max_price_change: 10%",
            &one,
            &one.replace("price: 100.00", "price: 120.00"),
            &["`one`", "265.45 USD", "305.45 USD", "the limit is 10%", "a total of 292"],
            &one.replace("price: 100.00", "price: 113.27"),
        ),
        case(
            "max_price_change",
            "max_price_change: 10%",
            &one,
            &one.replace("price: 100.00", "price: 80.00")
                .replace("quote: one", "quote: new\nwas: one"),
            &["`new`", "265.45 USD", "225.45 USD", "a total of 238.9"],
            &one.replace("price: 100.00", "price: 86.73")
                .replace("quote: one", "quote: new\nwas: one"),
        ),
        case(
            "max_total",
            "max_total: { USD: 265.44, EUR: 1 }",
            "",
            &one,
            &["`one`", "its total is 265.45 USD", "limit is 265.44 USD", "a total of 265.44 would"],
            &one.replace("amount: 20.00", "amount: 19.99"),
        ),
        case(
            "min_days_to_expiry",
            "min_days_to_expiry: 36500",
            "",
            &one,
            &["`one`", "it expires on 2027-12-01", "the limit is 36500", "would pass"],
            &one.replace("2027-12-01", "2199-12-01"),
        ),
        case(
            "recipients",
            "recipients: [acme.test, \"*.example.org\"], allow: [send]",
            "",
            &shop("jo@example.org"),
            &["`one`", "the domain `example.org`", "at `acme.test` or `*.example.org` would pass"],
            &shop("jo@mail.example.org"),
        ),
        case(
            "quiet_hours",
            &format!(
                "allow: [publish], quiet_hours: {{ from: \"22:00\", to: \"04:30\", zone: {zone}, days: [{night}] }}"
            ),
            "",
            &plain_quote("one", "published"),
            &[
                "`one` would be published or sent in quiet hours (22:00 to 04:30",
                &format!("it is {today} 0"),
                &format!("from {today} 04:30 ({zone}) on it would pass"),
            ],
            &one,
        ),
        case(
            "empty",
            "allow: [publish]",
            &one,
            "",
            &["has no quotes, but the lockfile has 1", "one manifest would pass"],
            &one,
        ),
    ]
}

#[test]
fn each_guardrail_refuses_says_what_would_pass_and_can_be_overridden() {
    for case in cases() {
        let world = World::empty();
        let label = format!("{}: {}", case.name, case.rail);
        let plain = FOUR.replace("connections:", "default_connection: crm\nconnections:");
        world.write("proforma.yaml", &plain);
        world.write("quotes/all.yaml", &case.before);
        if !case.before.is_empty() {
            world.apply().expect(0);
        }
        let railed = format!("guardrails: {{ {} }}\n{plain}", case.rail);
        world.write("proforma.yaml", &railed);
        world.write("quotes/all.yaml", &case.after);
        let run = |more: &[&str]| {
            let mut args = vec!["plan"];
            args.extend(case.args);
            args.extend(more);
            world.run(&args)
        };
        let writes = world.writes();
        let refused = run(&[]);
        assert_eq!(refused.code, 3, "{label}\n{}\n{}", refused.stdout, refused.stderr);
        let told: Vec<&str> = refused.stderr.split_whitespace().filter(|w| *w != "│").collect();
        let told = told.join(" ");
        let over = format!("`--override {}`", case.name);
        for words in case.says.iter().chain([&over]) {
            assert!(told.contains(words), "{label}: no {words:?} in {told}");
        }
        let mut apply = vec!["apply", "--auto-approve", "--allow", "all"];
        apply.extend(case.args);
        world.run(&apply).expect(3);
        assert_eq!(world.writes(), writes, "{label}: a refused run wrote");
        assert_eq!(run(&["--override", case.name]).code, 0, "{label}: overridden");
        world.write("quotes/all.yaml", &case.passes);
        let passed = run(&[]);
        assert_eq!(passed.code, 0, "{label}: the nearest value\n{}", passed.stderr);
    }
}

#[test]
fn quiet_hours_of_another_day_or_without_consent_are_not_in_the_way() {
    let (zone, now) = zone_after_midnight();
    let world = World::small(&plain_quote("one", "published"));
    let workspace = world.read("proforma.yaml");
    let rails = |days: &str, allow: &str| {
        let hours = format!("{{ from: \"22:00\", to: \"04:30\", zone: {zone}, days: [{days}] }}");
        format!("guardrails: {{ {allow} quiet_hours: {hours} }}\n{workspace}")
    };
    // The night began yesterday; today's begins in the evening.
    world.write("proforma.yaml", &rails(day(&now), "allow: [publish],"));
    world.run(&["plan"]).expect(0);
    world.write("proforma.yaml", &rails(day(&now.yesterday().unwrap()), ""));
    world.run(&["plan"]).expect(0);
    world.run(&["apply", "--auto-approve"]).expect(12);
    world.run(&["apply", "--auto-approve", "--allow", "publish"]).expect(3);
}

#[test]
fn what_cannot_be_checked_is_told() {
    let world = World::empty();
    world.write("proforma.yaml", &format!("guardrails: {{ max_total: {{ SEK: 1 }} }}\n{FOUR}"));
    world.write("quotes/all.yaml", &draft_on("nordic", "one", 1));
    let plan = world.run(&["plan"]).expect(0);
    assert!(plan.stderr.contains("guardrail-unknown"), "{}", plan.stderr);
}

#[test]
fn an_override_of_a_saved_plan_is_part_of_it() {
    let world = World::small(&plain_quote("one", "draft"));
    world.edit("proforma.yaml", "workspace:", "guardrails: { max_total: { USD: 1 } }\nworkspace:");
    world.run(&["plan", "-o", "refused.json"]).expect(3);
    world.run(&["apply", "refused.json", "--auto-approve"]).expect(3);
    world.run(&["plan", "-o", "plan.json", "--override", "max_total"]).expect(0);
    world.run(&["apply", "plan.json", "--auto-approve"]).expect(0);
}
