//! People in an organization of their own, made through the API like anybody's.

use serde_json::{Value, json};
use time::Duration;
use uuid::Uuid;

use crate::{Client, eventually, iso, stack, text, today};

/// One signed-in person.
#[derive(Clone, Debug)]
pub struct User {
    /// The user's id.
    pub id: String,
    /// The address they sign in with.
    pub email: String,
    /// Their password.
    pub password: String,
    /// Their access token.
    pub access_token: String,
    /// Their refresh token.
    pub refresh_token: String,
    /// Their client at the gateway.
    pub api: Client,
}

/// A fresh organization with its first ADMIN.
#[derive(Clone, Debug)]
pub struct Organization {
    /// The organization's id.
    pub id: String,
    /// Its first ADMIN.
    pub admin: User,
}

/// A deal with its plan, as the API shows it.
#[derive(Clone, Debug)]
pub struct Deal {
    /// The deal's id.
    pub id: String,
    /// The deal as it was answered at creation.
    pub json: Value,
}

impl Organization {
    /// Signs up, and confirms the address: else nobody in the organization is sent mail.
    pub async fn new() -> Self {
        let (organization, token) = Self::unconfirmed().await;
        Client::new(&stack().gateway)
            .post("/api/auth/verify-email", &json!({"token": token}))
            .await
            .expect(204);
        organization
    }

    /// Signs up; answers with the token that confirms the address as well.
    pub async fn unconfirmed() -> (Self, String) {
        let name = unique("org");
        let email = format!("{name}@example.test");
        let password = unique("a long password");
        let answer = Client::new(&stack().gateway)
            .post(
                "/api/auth/signup",
                &json!({"organizationName": name, "fullName": "First Administrator", "email": email, "password": password}),
            )
            .await;
        let signed_up = answer.expect(201);
        let organization = Self {
            id: text(&signed_up["user"]["organizationId"]),
            admin: User::signed_in(signed_up, &email, &password),
        };
        (organization, text(&signed_up["verificationToken"]))
    }

    /// Invites somebody and accepts for them.
    pub async fn user(&self, role: &str) -> User {
        let email = format!("{}@example.test", unique("person"));
        let password = unique("a long password");
        let invited = self
            .admin
            .api
            .post(
                "/api/users",
                &json!({"email": email, "fullName": format!("Some {role}"), "role": role}),
            )
            .await;
        let token = text(&invited.expect(201)["invitationToken"]);
        let accepted = Client::new(&stack().gateway)
            .post(
                "/api/auth/accept-invitation",
                &json!({"token": token, "fullName": format!("Some {role}"), "password": password}),
            )
            .await;
        User::signed_in(accepted.expect(201), &email, &password)
    }

    /// A BUYER_AGENT.
    pub async fn agent(&self) -> User {
        self.user("BUYER_AGENT").await
    }

    /// A TRANSACTION_COORDINATOR.
    pub async fn coordinator(&self) -> User {
        self.user("TRANSACTION_COORDINATOR").await
    }

    /// A BUYER.
    pub async fn buyer(&self) -> User {
        self.user("BUYER").await
    }
}

impl User {
    /// A user from the answer of sign-up, login or accept-invitation.
    pub fn signed_in(session: &Value, email: &str, password: &str) -> Self {
        let access_token = text(&session["accessToken"]);
        Self {
            id: text(&session["user"]["id"]),
            email: email.to_owned(),
            password: password.to_owned(),
            refresh_token: text(&session["refreshToken"]),
            api: Client::new(&stack().gateway).with_token(&access_token),
            access_token,
        }
    }

    /// Creates a deal.
    pub async fn create_deal(&self, body: &Value) -> Deal {
        let answer = self.api.post("/api/deals", body).await;
        let json = answer.expect(201).clone();
        Deal {
            id: text(&json["id"]),
            json,
        }
    }

    /// Creates a deal and waits until its workflow has applied the plan.
    pub async fn create_planned_deal(&self, body: &Value) -> Deal {
        let deal = self.create_deal(body).await;
        self.planned(&deal.id).await;
        deal
    }

    /// The deal's plan, once it has been applied.
    pub async fn planned(&self, deal_id: &str) -> Value {
        eventually("the plan is applied", async || {
            let plan = self.api.get(&format!("/api/deals/{deal_id}/plan")).await;
            (plan.expect(200)["planState"] == "APPLIED").then(|| plan.json.clone())
        })
        .await
    }

    /// A task of a plan by the template's key.
    ///
    /// # Panics
    /// When the plan has none.
    pub async fn task(&self, deal_id: &str, key: &str) -> Value {
        let plan = self.planned(deal_id).await;
        let milestones = plan["milestones"].as_array().unwrap();
        let mut tasks = milestones
            .iter()
            .flat_map(|milestone| milestone["tasks"].as_array().unwrap());
        tasks
            .find(|task| task["key"] == key)
            .unwrap_or_else(|| panic!("no task {key} in {plan}"))
            .clone()
    }

    /// Completes a task by the template's key.
    pub async fn complete(&self, deal_id: &str, key: &str) -> Value {
        let task = self.task(deal_id, key).await;
        let answer = self
            .api
            .post(
                &format!("/api/tasks/{}/complete", text(&task["id"])),
                &json!({}),
            )
            .await;
        answer.expect(200).clone()
    }
}

/// The body of a purchase from the buyer template: accepted today, closing in 45 days.
pub fn buyer_purchase(parties: &Value) -> Value {
    let today = today();
    json!({
        "name": unique("purchase"),
        "propertyAddress": {"street": "12 Harbour Lane", "city": "Portland", "stateOrProvince": "ME", "postalCode": "04101"},
        "dealType": "PURCHASE",
        "purchasePrice": {"amount": "525000.00", "currency": "USD"},
        "templateKey": "us_residential_purchase_buyer",
        "facts": {"financing_type": "conventional", "hoa": false, "year_built": 1994},
        "keyDates": {"effective_date": iso(today), "closing_date": iso(today + Duration::days(45))},
        "parties": parties,
    })
}

fn unique(word: &str) -> String {
    format!("{word}-{}", Uuid::now_v7().simple())
}
