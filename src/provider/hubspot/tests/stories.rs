//! Create, update, unlock, revise, delete, adopt: each against the sandbox.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_quote_with_everything_arrives_and_the_second_plan_is_empty() {
    let mut rig = Rig::legacy();
    let q = quote("acme");
    let done = rig.apply(&q).await;
    assert_eq!(done.failures(), [""; 0]);
    insta::assert_snapshot!(told(&done.steps), @r"
    crm!01 define the property proforma_key on quotes [|] <- 
    crm!02 define the property proforma_key on line items [|] <- 
    crm!03 define the property proforma_key on discounts [|] <- 
    crm!04 define the property proforma_key on fees [|] <- 
    crm!05 define the property proforma_key on taxes [|] <- 
    01 create quote [|] <- crm!01 crm!02 crm!03 crm!04 crm!05
    02 create line item audit [|] <- 01
    03 create line item retainer [|] <- 01
    04 create discount loyalty [|] <- 01
    05 create fee onboarding [|] <- 01
    06 create tax vat [|] <- 01
    07 read back [|] <- 01 02 03 04 05 06
    08 publish [publish|publish] <- 07
    09 read back, must be published [|] <- 08
    ");
    rig.assert_done(&q).await;
    let seen = rig.observed(&q).await;
    assert_eq!(seen.state, State::Plain(WantedState::Published));
    assert!(seen.locked && seen.links.contains_key("quote"), "{seen:?}");
    let survey = rig.survey(std::slice::from_ref(&q)).await;
    let ours = rig.dialect.total(&rig.want(&q, &survey));
    assert_eq!(ours, seen.total, "our arithmetic is HubSpot's");
    assert_eq!(rig.live("quotes"), 1);
    let again = rig.plan(&q, &survey, None);
    assert_eq!(told(&again), "");
}

#[tokio::test(start_paused = true)]
async fn a_draft_is_edited_in_place() {
    let mut rig = Rig::legacy();
    let mut q = plain("acme");
    q.fees = Wish::Set(vec![adjustment("rush", Measure::Amount(amount("10")))]);
    rig.apply(&q).await;
    q.title = set("Another title");
    q.fees = Wish::Set(vec![]);
    q.taxes = Wish::Set(vec![adjustment("vat", Measure::Percent(amount("25")))]);
    q.deal = named("Acme SEO 2027");
    q.contacts = Wish::Set(vec![Person { email: set("buyer@acme.example"), ..Person::default() }]);
    let mut first = item("audit", "11000");
    first.discount = Wish::Set(LineDiscount {
        measure: Measure::Amount(amount("100")),
        per: Per::Unit,
        label: None,
    });
    q.items = Wish::Set(vec![item("new", "5"), first]);
    let done = rig.apply(&q).await;
    assert_eq!(done.failures(), [""; 0]);
    insta::assert_snapshot!(told(&done.steps), @r"
    crm!05 define the property proforma_key on taxes [|] <- 
    01 update quote [|] <- crm!05
    02 link contact 123127983001 [|] <- crm!05
    03 unlink deal 345345 [|] <- crm!05
    04 link deal Acme SEO 2027 [|] <- 03
    05 unlink contact 123127983002 [|] <- crm!05
    06 create line item new [|] <- crm!05
    07 update line item audit [|] <- crm!05
    08 create tax vat [|] <- crm!05
    09 archive fee rush [|] <- crm!05
    10 archive line item retainer [|] <- crm!05
    11 read back [|] <- 01 02 03 04 05 06 07 08 09 10
    ");
    rig.assert_done(&q).await;
    assert_eq!((rig.live("quotes"), rig.live("fees"), rig.live("taxes")), (1, 0, 1));
}

#[tokio::test(start_paused = true)]
async fn a_published_quote_is_unlocked_edited_and_published_as_one_unit() {
    let mut rig = Rig::legacy();
    let mut q = quote("acme");
    rig.apply(&q).await;
    q.title = set("New");
    if let Wish::Set(items) = &mut q.items {
        items[0].price = Wish::Set(amount("10000"));
    }
    let done = rig.apply(&q).await;
    insta::assert_snapshot!(told(&done.steps), @r"
    01 unlock [publish|publish] <- 
    02 update quote [|publish] <- 01
    03 update line item audit [|publish] <- 01
    04 read back [|publish] <- 02 03
    05 publish [publish|publish] <- 04
    06 read back, must be published [|publish] <- 05
    ");
    assert_eq!(done.failures(), [""; 0]);
    rig.assert_done(&q).await;
    assert_eq!(rig.observed(&q).await.state, State::Plain(WantedState::Published));
}

#[tokio::test(start_paused = true)]
async fn a_revision_replaces_and_withdraws() {
    let mut rig = Rig::legacy();
    let mut q = quote("acme");
    rig.apply(&q).await;
    let old = rig.entries.values().next().unwrap().clone();
    q.title = set("New");
    let done = rig.apply_as(&q, Some(Action::Replace)).await;
    assert_eq!(done.failures(), [""; 0]);
    let text = told(&done.steps);
    assert!(text.ends_with(&format!(
        "07 read back [|publish] <- 01 02 03 04 05 06\n08 publish [publish|publish] <- 07\n09 read back, must be published [|publish] <- 08\n10 withdraw the earlier quote {} [publish|publish] <- 09\n",
        old.id
    )), "{text}");
    rig.assert_done(&q).await;
    let new = rig.entries.values().next().unwrap().clone();
    assert_ne!(new.id, old.id);
    // A lost lockfile: the later revision is the current one.
    rig.entries.clear();
    let seen = rig.observed(&q).await;
    assert_eq!((seen.id, seen.revision), (new.id, 1));
}

#[tokio::test(start_paused = true)]
async fn deleting_a_live_quote_cleans_up_its_parts() {
    let mut rig = Rig::legacy();
    let q = quote("acme");
    rig.apply(&q).await;
    let done = rig.apply_as(&q, Some(Action::Delete)).await;
    assert_eq!(done.failures(), [""; 0]);
    insta::assert_snapshot!(told(&done.steps), @r"
    01 unlock [publish|publish+delete] <- 
    02 archive discount loyalty [delete|publish+delete] <- 01
    03 archive fee onboarding [delete|publish+delete] <- 01
    04 archive tax vat [delete|publish+delete] <- 01
    05 archive quote [delete|publish+delete] <- 01 02 03 04
    ");
    for object in ["quotes", "discounts", "fees", "taxes"] {
        assert_eq!(rig.live(object), 0, "{object}");
    }
    let survey = rig.survey(std::slice::from_ref(&q)).await;
    assert_eq!(survey.sights.get(&q.name), Some(&Sight::Gone));
}

#[tokio::test(start_paused = true)]
async fn a_lost_lockfile_is_rebuilt_from_stamps() {
    for unique in [true, false] {
        let mut rig = Rig::legacy();
        rig.control("settings", &json!({ "unique_on_quotes": unique }));
        let q = quote("acme");
        assert_eq!(rig.apply(&q).await.failures(), [""; 0], "unique: {unique}");
        let entry = rig.entries.remove(&q.name).unwrap();
        let seen = rig.observed(&q).await;
        assert_eq!((&seen.id, &seen.parts), (&entry.id, &entry.parts), "unique: {unique}");
        // Without a deal, contact or company the list of all quotes tells.
        let mut bare = q.clone();
        bare.deal = Wish::Unowned;
        bare.company = Wish::Unowned;
        bare.customer = None;
        bare.contacts = Wish::Unowned;
        assert_eq!(rig.observed(&bare).await.id, entry.id);
    }
}

#[tokio::test(start_paused = true)]
async fn slug_mode_needs_no_property() {
    let mut rig = Rig::with_token(QuoteSystem::Legacy, StampPlace::Slug, "noschema-1");
    let q = quote("acme");
    let done = rig.apply(&q).await;
    assert_eq!(done.failures(), [""; 0]);
    assert!(!told(&done.steps).contains("define"));
    rig.assert_done(&q).await;
    let entry = rig.entries.remove(&q.name).unwrap();
    let seen = rig.observed(&q).await;
    assert_eq!((seen.id, seen.parts), (entry.id, entry.parts));
}

#[tokio::test(start_paused = true)]
async fn a_cpq_quote_gets_its_deal_later_and_its_lines_once() {
    let mut rig = Rig::new(QuoteSystem::Cpq, StampPlace::Property("proforma_key".to_owned()));
    let mut q = plain("hooli");
    q.state = Some(WantedState::Published);
    q.template = named("CPQ Standard");
    // This deal has lines of its own, which linking at creation would copy.
    q.deal = named("Hooli expansion 2027");
    q.notes = Notes::default();
    q.native.get_mut("hubspot").unwrap().insert(
        "hs_sender_email".to_owned(),
        Wish::Set(Plain::Text("jane@northlight.example".to_owned())),
    );
    let done = rig.apply(&q).await;
    assert_eq!(done.failures(), [""; 0]);
    assert!(
        told(&done.steps).contains("04 link deal Hooli expansion 2027 [|] <- 01"),
        "{}",
        told(&done.steps)
    );
    rig.assert_done(&q).await;
    assert_eq!(rig.observed(&q).await.parts.len(), 2);
    q.template = named("CPQ Enterprise");
    let survey = rig.survey(std::slice::from_ref(&q)).await;
    let problems = rig.dialect.facts(&q, &survey).unwrap_err();
    assert_eq!(problems[0].code, "template-fixed");
}

#[tokio::test(start_paused = true)]
async fn another_owner_is_recognised() {
    let mut rig = Rig::legacy();
    let (a, b) = (plain("a"), plain("b"));
    rig.apply(&a).await;
    rig.apply(&b).await;
    let swapped = rig.entries[&b.name].id.clone();
    rig.entries.get_mut(&a.name).unwrap().id = swapped.clone();
    let survey = rig.survey(&[a.clone(), b.clone()]).await;
    assert!(
        matches!(survey.sights.get(&a.name), Some(Sight::Foreign { id, .. }) if *id == swapped)
    );
    assert!(matches!(survey.sights.get(&b.name), Some(Sight::Found(_))));
}

#[tokio::test(start_paused = true)]
async fn a_colleagues_edits_are_facts() {
    let mut rig = Rig::legacy();
    let q = plain("acme");
    rig.apply(&q).await;
    let entry = rig.entries.values().next().unwrap().clone();
    let edit = |object: &str, id: &RemoteId, properties: Json| {
        rig.control("edit", &json!({ "upstream": "hubspot", "object": object, "id": id.as_str(), "properties": properties }));
    };
    edit("quotes", &entry.id, json!({ "hs_title": "Theirs", "hs_comments": "<p>Theirs</p>" }));
    edit("line_items", &entry.parts["items[audit]"], json!({ "price": "1" }));
    let seen = rig.observed(&q).await;
    let survey = rig.survey(std::slice::from_ref(&q)).await;
    let want = rig.want(&q, &survey);
    let paths: Vec<String> =
        rig.changes(&q, &want, Some(&seen)).iter().map(|c| c.path.to_string()).collect();
    assert_eq!(paths, ["items[audit].price", "notes.public", "title"]);
    rig.apply(&q).await;
    rig.assert_done(&q).await;
}

#[tokio::test(start_paused = true)]
async fn a_rename_restamps_with_the_next_write() {
    let mut rig = Rig::legacy();
    let old = plain("old");
    rig.apply(&old).await;
    let entry = rig.entries.remove(&old.name).unwrap();
    let mut new = plain("new");
    new.title = set("Renamed");
    rig.entries.insert(new.name.clone(), entry);
    let ask = Ask { recorded_as: Some(&old.name), ..rig.ask(&new) };
    let survey = rig.reader.survey(&[ask], true).await.unwrap();
    let steps = rig.plan(&new, &survey, None);
    let done = rig.perform(&new, steps, &survey).await;
    assert_eq!(done.failures(), [""; 0]);
    let found = rig.observed(&new).await;
    assert_eq!(found.stamp, Some(Stamp::new(&rig.workspace, &new.name, 0, "")));
    assert!(found.parts.contains_key("items[audit]"), "{:?}", found.parts);
}

#[tokio::test(start_paused = true)]
async fn many_quotes_cost_few_requests() {
    let mut rig = Rig::legacy();
    let quotes: Vec<Quote> = (0..120).map(|n| plain(&format!("q-{n:03}"))).collect();
    let survey = rig.survey(&quotes).await;
    let mut steps = Vec::new();
    for q in &quotes {
        for s in rig.plan(q, &survey, None) {
            if !steps.iter().any(|other: &Step| other.id == s.id) {
                steps.push(s);
            }
        }
    }
    let before = rig.writer.requests().write;
    let mut made = Made::new();
    for class in ["property", "create quote", "create line item"] {
        let batch: Vec<&Step> = steps
            .iter()
            .filter(|s| s.does.starts_with(class) || class == "property" && s.quote.is_none())
            .collect();
        for chunk in batch.chunks(if class == "property" { 1 } else { 100 }) {
            for receipt in rig.writer.perform(chunk, &made).await {
                let Outcome::Applied(id) = receipt.outcome else { panic!("{receipt:?}") };
                made.extend(id.map(|id| (receipt.step, id)));
            }
        }
    }
    // Two definitions, two batches of quotes, three of items.
    assert_eq!(rig.writer.requests().write - before, 7);
    for q in &quotes {
        let step = StepId::of_quote(&q.name, 1);
        let mut entry = Entry::new(q.connection.clone(), "hubspot", made[&step].clone());
        entry.stamp = Some(Stamp::new(&rig.workspace, &q.name, 0, ""));
        for (path, r) in &survey.refs[&q.name] {
            entry.refs.insert(path.clone(), RefRecord { asked: r.asked, id: r.id.clone() });
        }
        rig.entries.insert(q.name.clone(), entry);
    }
    let before = rig.reader.requests().read;
    let survey = rig.survey(&quotes).await;
    assert!(survey.sights.values().all(|s| matches!(s, Sight::Found(o) if o.parts.len() == 2)));
    // Definitions were missing the stamp (2); quotes 2, links 5, items 3.
    assert_eq!(rig.reader.requests().read - before, 12);
    let before = rig.reader.requests().read;
    rig.survey(&quotes).await;
    assert_eq!(rig.reader.requests().read - before, 10);
}

#[tokio::test(start_paused = true)]
async fn an_approval_step_waits_and_a_rejected_quote_goes_through_draft() {
    let mut rig = Rig::legacy();
    let mut q = quote("acme");
    q.state = Some(WantedState::InReview);
    let text = told(&rig.apply(&q).await.steps);
    assert!(text.contains("08 submit for approval [|] <- 07"), "{text}");
    let id = rig.entries[&q.name].id.clone();
    let act = |action: &str| {
        let body = json!({ "upstream": "hubspot", "id": id.as_str(), "action": action });
        rig.control("approver", &body);
    };
    let published = State::Plain(WantedState::Published);
    let seen = rig.observed(&q).await;
    assert!(matches!(rig.dialect.transition(Some(&seen.state), &published), Move::Wait(_)));
    act("reject");
    q.state = Some(WantedState::Published);
    let done = rig.apply(&q).await;
    assert_eq!(done.failures(), [""; 0]);
    insta::assert_snapshot!(told(&done.steps), @r"
    01 back to draft [|] <- 
    02 publish [publish|publish] <- 01
    03 read back, must be published [|] <- 02
    ");
    assert_eq!(rig.observed(&q).await.state, published);
}

#[tokio::test(start_paused = true)]
async fn a_connection_may_change_from_slug_to_property() {
    let mut rig = Rig::new(QuoteSystem::Legacy, StampPlace::Slug);
    let mut q = plain("acme");
    rig.apply(&q).await;
    let settings = Settings {
        stamp: StampPlace::Property("proforma_key".to_owned()),
        ..rig.dialect.settings().clone()
    };
    rig.rewire(&settings);
    rig.assert_done(&q).await;
    q.title = set("New");
    assert_eq!(rig.apply(&q).await.failures(), [""; 0]);
    assert_eq!(rig.observed(&q).await.stamp, Some(Stamp::new(&rig.workspace, &q.name, 0, "")));
}
