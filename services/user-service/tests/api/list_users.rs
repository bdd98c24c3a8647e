use serde_json::Value;
use testkit::Organization;

use crate::support::{fields_of, fresh_email, invite, text};

fn names(page: &Value) -> Vec<String> {
    let items = page["items"].as_array().unwrap();
    items.iter().map(|user| text(&user["fullName"])).collect()
}

#[actix_web::test]
async fn colleagues_see_active_people_by_name_and_role_alone() {
    let organization = Organization::new().await;
    let buyer = organization.buyer().await;
    invite(&organization.admin, &fresh_email(), "BUYER")
        .await
        .expect(201);

    let page = buyer.api.get("/api/users").await;
    for user in page.expect(200)["items"].as_array().unwrap() {
        let members: Vec<_> = user.as_object().unwrap().keys().collect();
        assert_eq!(members, ["fullName", "id", "role"]);
    }
    assert_eq!(names(&page.json).len(), 2);
    let managed = organization.admin.api.get("/api/users").await;
    assert_eq!(names(managed.expect(200)).len(), 3);
    assert!(managed.json["items"][0]["email"].is_string());
}

#[actix_web::test]
async fn pages_follow_each_other_without_gap_or_repeat_in_both_directions() {
    let organization = Organization::new().await;
    for _ in 0..2 {
        organization.agent().await;
        organization.buyer().await;
    }
    for sort in ["fullName", "-fullName", "createdAt", "-createdAt"] {
        let all = organization
            .admin
            .api
            .get(&format!("/api/users?sort={sort}"))
            .await;
        let mut paged = Vec::new();
        let mut cursor = String::new();
        loop {
            let path = format!("/api/users?sort={sort}&limit=2{cursor}");
            let page = organization.admin.api.get(&path).await;
            paged.extend(page.expect(200)["items"].as_array().unwrap().clone());
            match page.json["nextCursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        assert_eq!(
            &paged,
            all.expect(200)["items"].as_array().unwrap(),
            "{sort}"
        );
    }
}

#[actix_web::test]
async fn filters_narrow_the_list_and_take_wildcards_literally() {
    let organization = Organization::new().await;
    organization.buyer().await;
    let list = async |filter: &str| {
        let page = organization
            .admin
            .api
            .get(&format!("/api/users?{filter}"))
            .await;
        names(page.expect(200))
    };
    assert_eq!(list("role=BUYER").await, ["Some BUYER"]);
    assert_eq!(list("status=INVITED").await, Vec::<String>::new());
    assert_eq!(list("q=first+admin").await, ["First Administrator"]);
    assert_eq!(list("q=%25").await, Vec::<String>::new());
}

#[actix_web::test]
async fn odd_parameters_are_refused() {
    let admin = Organization::new().await.admin;
    for (query, field) in [
        ("colour=red", "colour"),
        ("limit=101", "limit"),
        ("limit=", "limit"),
        ("sort=email", "sort"),
    ] {
        let refused = admin.api.get(&format!("/api/users?{query}")).await;
        assert_eq!(fields_of(&refused), [field], "{query}");
    }
    admin
        .api
        .get("/api/users?cursor=e30")
        .await
        .refuses(400, "CURSOR_INVALID");
}
