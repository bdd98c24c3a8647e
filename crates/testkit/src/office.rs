//! An organization with one user of each role, and the deals that most tests begin with.

use serde_json::{Value, json};

use crate::{Database, Deal, Organization, User, buyer_purchase, event_types};

/// An organization with one user of each role.
#[derive(Clone, Debug)]
pub struct Office {
    /// The organization with its ADMIN.
    pub organization: Organization,
    /// A BUYER_AGENT.
    pub agent: User,
    /// A TRANSACTION_COORDINATOR.
    pub coordinator: User,
    /// A BUYER.
    pub buyer: User,
}

impl Office {
    /// Signs up and invites one of each.
    pub async fn new() -> Self {
        let organization = Organization::new().await;
        let agent = organization.agent().await;
        let coordinator = organization.coordinator().await;
        let buyer = organization.buyer().await;
        Self {
            organization,
            agent,
            coordinator,
            buyer,
        }
    }

    /// The ADMIN.
    pub fn admin(&self) -> &User {
        &self.organization.admin
    }

    /// Agent, coordinator and buyer as the parties of a deal.
    pub fn parties(&self) -> Value {
        json!([
            {"role": "buyer", "name": "The Buyer", "userId": self.buyer.id},
            {"role": "buyer_agent", "name": "The Agent", "userId": self.agent.id},
            {"role": "transaction_coordinator", "name": "The Coordinator", "userId": self.coordinator.id},
        ])
    }

    /// The agent's purchase from the buyer template, with its plan applied.
    pub async fn purchase(&self) -> Deal {
        self.agent
            .create_planned_deal(&buyer_purchase(&self.parties()))
            .await
    }

    /// The agent's deal without a template, still a draft, with agent, coordinator and buyer as parties.
    pub async fn draft(&self) -> Deal {
        let mut body = plain_deal();
        body["parties"] = self.parties();
        self.agent.create_deal(&body).await
    }

    /// As [`Office::draft`], active.
    pub async fn deal(&self) -> Deal {
        let deal = self.draft().await;
        let activate = format!("/api/deals/{}/activate", deal.id);
        self.agent.api.post(&activate, &json!({})).await.expect(200);
        deal
    }

    /// Puts the agent's deal on hold, so many days ago: the one thing that a test cannot wait for.
    ///
    /// # Panics
    /// When the deal cannot be put on hold.
    pub async fn hold_days_ago(&self, deal: &Deal, days: u32) {
        Self::hold_days_ago_by(&self.agent, deal, days).await;
    }

    /// As [`Office::hold_days_ago`], by somebody else than the agent.
    ///
    /// # Panics
    /// When the deal cannot be held.
    pub async fn hold_days_ago_by(user: &User, deal: &Deal, days: u32) {
        let hold = format!("/api/deals/{}/hold", deal.id);
        user.api.post(&hold, &json!({})).await.expect(200);
        let earlier = format!(
            "UPDATE deal.deals SET held_since = held_since - interval '{days} days' WHERE id = '{}'",
            deal.id
        );
        let changed = Database::superuser().await.execute(&earlier).await;
        assert_eq!(changed.expect("the clock is set back"), 1);
    }

    /// The events of one entity, in the order of its versions, as an ADMIN reads them in the audit log.
    pub async fn history(&self, entity_id: &str) -> Vec<String> {
        event_types(self.admin(), entity_id).await
    }

    /// Every invariant holds for this organization.
    pub async fn holds(&self) {
        Database::superuser()
            .await
            .holds_for(&self.organization.id)
            .await;
    }
}

/// The least that makes a deal.
pub fn plain_deal() -> Value {
    json!({"propertyAddress": address(), "dealType": "PURCHASE"})
}

/// An address as deals have it.
pub fn address() -> Value {
    json!({"street": "7 Mill Road", "city": "Portland", "stateOrProvince": "ME", "postalCode": "04101"})
}
