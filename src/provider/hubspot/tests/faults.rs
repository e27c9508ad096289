//! Lost answers, refusals in part, locks, portals that drop things.

use super::*;

fn fault(rig: &Rig, body: &Json) {
    rig.control("faults", body);
}

/// The steps of a fresh quote, its preparations performed.
async fn ready(rig: &mut Rig, q: &Quote) -> (Vec<Step>, Survey) {
    let survey = rig.survey(std::slice::from_ref(q)).await;
    let steps = rig.plan(q, &survey, None);
    let (first, rest): (Vec<Step>, Vec<Step>) = steps.into_iter().partition(|s| s.quote.is_none());
    for step in &first {
        let receipts = rig.writer.perform(&[step], &Made::new()).await;
        assert_eq!(receipts[0].outcome, Outcome::Applied(None));
    }
    (rest, survey)
}

fn creates(steps: &[Step], what: &str) -> Vec<Step> {
    steps.iter().filter(|s| s.does.starts_with(&format!("create {what}"))).cloned().collect()
}

async fn perform(rig: &Rig, steps: &[Step], made: &Made) -> Vec<Outcome> {
    let refs: Vec<&Step> = steps.iter().collect();
    rig.writer.perform(&refs, made).await.into_iter().map(|r| r.outcome).collect()
}

#[tokio::test(start_paused = true)]
async fn a_lost_creation_is_unknown_sent_once_and_found_again() {
    for (stamp, unique) in [
        (StampPlace::Property("proforma_key".to_owned()), true),
        (StampPlace::Property("proforma_key".to_owned()), false),
        (StampPlace::Slug, true),
    ] {
        let mut rig = Rig::new(QuoteSystem::Legacy, stamp.clone());
        rig.control("settings", &json!({ "unique_on_quotes": unique }));
        let q = plain("acme");
        let (steps, _) = ready(&mut rig, &q).await;
        let quote_step = creates(&steps, "quote");
        let lost: Vec<&Step> = quote_step.iter().collect();
        let mut made = Made::new();
        let absent = rig.reader.locate(&lost, &made).await.unwrap();
        assert_eq!(absent, [Located::Absent], "{stamp:?} {unique}");
        for how in ["lose_answer", "fail_502_after", "garbage"] {
            if rig.live("quotes") > 0 {
                break;
            }
            fault(&rig, &json!([{ "on": "write", "nth": 1, "do": how }]));
            let before = rig.writer.requests().write;
            let outcomes = perform(&rig, &quote_step, &made).await;
            assert!(matches!(outcomes[0], Outcome::Unknown(_)), "{how}: {outcomes:?}");
            assert_eq!(rig.writer.requests().write - before, 1, "never repeated");
        }
        let found = rig.reader.locate(&lost, &made).await.unwrap();
        let [Located::Found(id)] = found.as_slice() else {
            panic!("{stamp:?} {unique}: {found:?}")
        };
        made.insert(quote_step[0].id.clone(), id.clone());

        let items = creates(&steps, "line item");
        let lost: Vec<&Step> = items.iter().collect();
        let absent = rig.reader.locate(&lost, &made).await.unwrap();
        assert_eq!(absent, [Located::Absent, Located::Absent]);
        fault(&rig, &json!([{ "on": "write", "nth": 1, "do": "lose_answer" }]));
        let outcomes = perform(&rig, &items, &made).await;
        assert!(outcomes.iter().all(|o| matches!(o, Outcome::Unknown(_))));
        let found = rig.reader.locate(&lost, &made).await.unwrap();
        assert!(
            matches!(found.as_slice(), [Located::Found(a), Located::Found(b)] if a != b),
            "{stamp:?} {unique}: {found:?}"
        );
        assert_eq!(rig.live("quotes"), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn one_bad_row_takes_no_other_down() {
    let mut rig = Rig::legacy();
    let q = plain("acme");
    let (steps, _) = ready(&mut rig, &q).await;
    let quote_step = creates(&steps, "quote");
    let mut made = Made::new();
    let Outcome::Applied(Some(id)) = perform(&rig, &quote_step, &made).await.remove(0) else {
        panic!("no id")
    };
    made.insert(quote_step[0].id.clone(), id);
    let mut items = creates(&steps, "line item");
    for bad in ["price", "nonsense"] {
        let mut broken = items[0].clone();
        broken.id = StepId::of_quote(&q.name, if bad == "price" { 50 } else { 51 });
        broken.stamp = Some(Stamp::new(&rig.workspace, &q.name, 9, bad));
        if let AnyOperation::Hubspot(operation::Operation::Create { properties, .. }) =
            &mut broken.operation
        {
            properties.insert(bad.to_owned(), "twelve".to_owned());
            properties.insert(
                "proforma_key".to_owned(),
                broken.stamp.clone().unwrap().as_str().to_owned(),
            );
        }
        items.push(broken);
    }
    let outcomes = perform(&rig, &items, &made).await;
    assert!(outcomes[..2].iter().all(|o| matches!(o, Outcome::Applied(Some(_)))), "{outcomes:?}");
    for (outcome, word) in outcomes[2..].iter().zip(["price", "nonsense"]) {
        let Outcome::Rejected(trouble) = outcome else { panic!("{outcome:?}") };
        assert!(trouble.message.contains(word), "{}", trouble.message);
    }
    // The same again: the stamps are taken, perhaps by ourselves.
    let outcomes = perform(&rig, &items[..1], &made).await;
    assert!(matches!(outcomes[0], Outcome::Unknown(_)), "{outcomes:?}");
}

#[tokio::test(start_paused = true)]
async fn a_bad_link_of_one_quote_does_not_stop_the_batch() {
    let mut rig = Rig::legacy();
    let (a, b) = (plain("a"), plain("b"));
    let (mut steps, _) = ready(&mut rig, &a).await;
    steps.truncate(1);
    let survey = rig.survey(std::slice::from_ref(&b)).await;
    let mut other = creates(&rig.plan(&b, &survey, None), "quote");
    if let AnyOperation::Hubspot(operation::Operation::Create { links, .. }) =
        &mut other[0].operation
    {
        links[0].target = crate::provider::step::Target::Known(RemoteId::parse("424242").unwrap());
    }
    steps.extend(other);
    let outcomes = perform(&rig, &steps, &Made::new()).await;
    assert!(matches!(outcomes[0], Outcome::Applied(Some(_))), "{outcomes:?}");
    assert!(matches!(outcomes[1], Outcome::Rejected(_)), "{outcomes:?}");
}

#[tokio::test(start_paused = true)]
async fn strict_locks_name_the_way_out() {
    let mut rig = Rig::legacy();
    let mut q = quote("acme");
    let done = rig.apply(&q).await;
    rig.control("settings", &json!({ "lock_mode": "strict" }));
    // Publishing again what is published is no failure.
    let publish = done.steps.iter().find(|s| s.does == "publish").unwrap().clone();
    let outcomes = perform(&rig, &[publish], &done.made).await;
    assert_eq!(outcomes, [Outcome::Applied(None)]);
    q.title = set("New");
    let refused = rig.apply(&q).await;
    let Some(Outcome::Rejected(trouble)) = refused.outcomes.get(&StepId::of_quote(&q.name, 1))
    else {
        panic!("{:?}", refused.outcomes)
    };
    assert!(trouble.help.as_deref().unwrap_or("").contains("when_locked: revise"), "{trouble:?}");
    let deleted = rig.apply_as(&q, Some(Action::Delete)).await;
    assert!(deleted.failures()[0].contains("when_locked: revise"), "{:?}", deleted.failures());
    // Revise works; only the old quote stays up, and the message says so.
    let revised = rig.apply_as(&q, Some(Action::Replace)).await;
    let failures = revised.failures();
    assert_eq!(failures.len(), 1, "{failures:?}");
    assert!(failures[0].contains("void it in HubSpot"), "{failures:?}");
    rig.assert_done(&q).await;
}

#[tokio::test(start_paused = true)]
async fn a_dropped_property_shows_as_a_difference() {
    let mut rig = Rig::legacy();
    rig.control("settings", &json!({ "drop_property": ["hs_terms", "description"] }));
    let mut q = plain("acme");
    q.notes.terms = set("Pay");
    if let Wish::Set(items) = &mut q.items {
        items[0].description = set("Long");
    }
    rig.apply(&q).await;
    let seen = rig.observed(&q).await;
    let survey = rig.survey(std::slice::from_ref(&q)).await;
    let want = rig.want(&q, &survey);
    let paths: Vec<String> =
        rig.changes(&q, &want, Some(&seen)).iter().map(|c| c.path.to_string()).collect();
    assert_eq!(paths, ["items[audit].description", "notes.terms"]);
}

#[tokio::test(start_paused = true)]
async fn a_token_without_schema_rights_is_told_what_to_do() {
    let stamp = StampPlace::Property("proforma_key".to_owned());
    let mut rig = Rig::with_token(QuoteSystem::Legacy, stamp, "noschema-1");
    let done = rig.apply(&plain("acme")).await;
    let failures = done.failures();
    assert!(
        failures[0].contains("proforma_key") && failures[0].contains("stamp: slug"),
        "{failures:?}"
    );
    assert_eq!(rig.live("quotes"), 0);
}

#[tokio::test(start_paused = true)]
async fn overload_and_throttling_are_waited_out() {
    let mut rig = Rig::legacy();
    fault(
        &rig,
        &json!([
            { "on": "read", "nth": 2, "do": "status:429", "body": { "policyName": "TEN_SECONDLY_ROLLING" } },
            { "on": "read", "nth": 4, "do": "fail_503_before" },
            { "on": "write", "nth": 2, "do": "status:423" },
            { "on": "write", "nth": 4, "do": "status:477", "headers": { "Retry-After": "3" } },
        ]),
    );
    let q = quote("acme");
    assert_eq!(rig.apply(&q).await.failures(), [""; 0]);
    rig.assert_done(&q).await;
}

#[tokio::test(start_paused = true)]
async fn a_step_whose_record_was_not_made_is_not_sent() {
    let mut rig = Rig::legacy();
    let q = plain("acme");
    let (steps, _) = ready(&mut rig, &q).await;
    let before = rig.writer.requests();
    let outcomes = perform(&rig, &creates(&steps, "line item"), &Made::new()).await;
    assert!(outcomes.iter().all(|o| matches!(o, Outcome::NotSent(_))));
    assert_eq!(rig.writer.requests(), before);
}

#[tokio::test(start_paused = true)]
async fn doubled_parts_are_told_apart() {
    let mut rig = Rig::legacy();
    rig.control("settings", &json!({ "unique_on_quotes": false }));
    let q = plain("acme");
    let done = rig.apply(&q).await;
    // The same creation again, as a blind repeat would do it.
    let item = creates(&done.steps, "line item audit");
    perform(&rig, &item, &done.made).await;
    let seen = rig.observed(&q).await;
    let entry = &rig.entries[&q.name];
    assert_eq!(seen.parts["items[audit]"], entry.parts["items[audit]"]);
    assert_eq!(seen.parts.keys().filter(|k| k.starts_with("items[#")).count(), 1);
    let text = told(&rig.apply(&q).await.steps);
    assert!(text.contains("archive line item #"), "{text}");
    rig.assert_done(&q).await;
}

#[tokio::test(start_paused = true)]
async fn what_an_answer_in_part_says_nothing_of_is_not_taken_for_gone() {
    let mut rig = Rig::legacy();
    let q = plain("acme");
    rig.apply(&q).await;
    let somebody_elses = json!({
        "status": "COMPLETE", "results": [], "numErrors": 1,
        "errors": [{ "status": "error", "category": "OBJECT_NOT_FOUND",
            "message": "Could not get some objects", "context": { "ids": ["999"] } }],
    });
    fault(
        &rig,
        &json!([{ "on": "read", "match": "objects/quotes/batch/read", "nth": 1,
            "do": "status:207", "body": somebody_elses }]),
    );
    let survey = rig.survey(std::slice::from_ref(&q)).await;
    let sight = &survey.sights[&q.name];
    assert!(matches!(sight, Sight::Found(_)), "{sight:?}");
}
