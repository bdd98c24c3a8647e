//! What the fields of a template do, as people meet it.

use serde_json::{Value, json};
use testkit::{buyer_purchase, eventually};

use crate::support::{Office, Tasks, all_items, text};

const PURCHASE: &str = "us_residential_purchase_buyer";

/// A shipped template in its newest version, whole.
async fn shipped(office: &Office, key: &str) -> Value {
    let all = all_items(&office.coordinator, "/api/templates?limit=100").await;
    let of_key = all.iter().filter(|template| template["key"] == key);
    let newest = of_key
        .max_by_key(|template| template["templateVersion"].as_i64())
        .unwrap();
    let path = format!("/api/templates/{}", text(&newest["id"]));
    let answer = office.coordinator.api.get(&path).await;
    answer.expect(200).clone()
}

fn with_key<'a>(list: &'a Value, key: &str) -> &'a Value {
    let mut items = list.as_array().unwrap().iter();
    items.find(|item| item["key"] == key).unwrap()
}

#[tokio::test]
async fn aliases_are_refused_with_their_line_and_the_reason() {
    let office = Office::new().await;
    let source = text(&shipped(&office, "us_refinance").await["source"]);
    let line = 1 + source
        .lines()
        .position(|line| line.starts_with("roles: "))
        .unwrap();
    let with_anchor = source.replace("\nroles: [", "\nroles: &parts [");
    let body = json!({"source": with_anchor});
    let answer = office.coordinator.api.post("/api/templates", &body).await;
    let errors = answer.refuses(400, "TEMPLATE_INVALID")["errors"].clone();
    assert_eq!(errors[0]["line"], json!(line), "{errors}");
    assert!(text(&errors[0]["message"]).contains("anchors"), "{errors}");
}

#[tokio::test]
async fn a_template_is_shown_with_its_parsed_plan() {
    let office = Office::new().await;
    let template = shipped(&office, PURCHASE).await;
    assert_eq!(template["side"], "buyer");
    assert_eq!(template["clientRole"], "buyer");
    assert_eq!(template["resoTransactionType"], "Purchase Offer");
    assert_eq!(template["countingProfile"], "us_generic");
    assert_eq!(template["tasks"].as_array().unwrap().len(), 54);
    assert_eq!(template["milestones"].as_array().unwrap().len(), 8);
    assert_eq!(template["constraints"].as_array().unwrap().len(), 5);
    let disclosure = with_key(&template["keyDates"], "closing_disclosure_deadline");
    assert_eq!(disclosure["regulatory"], true);
    assert_eq!(disclosure["rule"]["businessCalendar"], "reg_z_specific");
    let closing = with_key(&template["anchors"], "closing_date");
    assert_eq!(closing["needsBusinessDay"], "federal");
    let values = with_key(&template["factValues"], "financing_type")["values"].to_string();
    assert!(values.contains("cash"), "{values}");
    let listing = shipped(&office, "us_residential_listing_seller").await;
    assert_eq!(
        with_key(&listing["anchors"], "effective_date")["revocable"],
        true
    );
}

#[tokio::test]
async fn a_task_with_an_email_has_its_draft_and_only_for_staff() {
    let office = Office::new().await;
    let deal = office.purchase().await;
    let task = office
        .coordinator
        .task(&deal.id, "closing_package_sent")
        .await;
    let task = office.coordinator.read_task(&text(&task["id"])).await;
    assert_eq!(task["emailDraft"]["to"], "buyer");
    assert!(!text(&task["emailDraft"]["body"]).is_empty());
    let other = office.coordinator.task(&deal.id, "archive_file").await;
    let other = office.coordinator.read_task(&text(&other["id"])).await;
    assert_eq!(other["emailDraft"], Value::Null);
}

#[tokio::test]
async fn a_closing_on_columbus_day_is_warned_of_and_its_disclosure_explained() {
    let office = Office::new().await;
    let mut body = buyer_purchase(&office.parties());
    body["keyDates"] = json!({"effective_date": "2027-08-25", "closing_date": "2027-10-11"});
    let seen = office.agent.api.post("/api/deals?dryRun=true", &body).await;
    let closing = with_key(&seen.expect(200)["violations"], "closing_date");
    assert_eq!(closing["severity"], "WARNING");
    assert!(
        text(&closing["message"]).contains("Columbus Day"),
        "{closing}"
    );

    let deal = office.agent.create_planned_deal(&body).await;
    let path = format!("/api/deals/{}/key-dates", deal.id);
    let dates = office.agent.api.get(&path).await;
    let disclosure = with_key(
        &dates.expect(200)["keyDates"],
        "closing_disclosure_deadline",
    );
    assert_eq!(disclosure["date"], "2027-10-06");
    assert_eq!(disclosure["regulatory"], true);
    let path = format!("{path}/closing_disclosure_deadline/explain");
    let explained = office.agent.api.get(&path).await;
    let safe = &explained.expect(200)["safeDay"];
    assert_eq!(
        (&safe["from"], &safe["to"]),
        (&json!("2027-10-07"), &json!("2027-10-06"))
    );
    assert!(text(&safe["why"]).contains("Columbus Day"), "{safe}");
}

#[tokio::test]
async fn a_client_reads_the_words_that_are_meant_for_clients() {
    let office = Office::new().await;
    let deal = office.purchase().await;
    let path = format!("/api/deals/{}/plan", deal.id);
    let title = |plan: &Value| text(&plan["milestones"][0]["title"]);
    let client = office.buyer.api.get(&path).await;
    assert_eq!(title(client.expect(200)), "Offer accepted");
    let staff = office.agent.api.get(&path).await;
    assert_eq!(title(staff.expect(200)), "File opened");

    let path = format!("/api/deals/{}/summary", deal.id);
    for (user, expected) in [
        (&office.buyer, "Offer accepted"),
        (&office.agent, "File opened"),
    ] {
        let current = eventually("the summary has the plan", async || {
            let summary = user.api.get(&path).await.expect(200).clone();
            let current = summary["currentMilestone"]["title"].as_str();
            current.map(str::to_owned)
        })
        .await;
        assert_eq!(current, expected);
    }
}
