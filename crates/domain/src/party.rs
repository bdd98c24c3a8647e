//! The parts that people and companies play in a deal.
//!
//! Only the names and what follows from a name alone. Who may see which party's details is decided by permissions,
//! see [`crate::data_class`].

use std::fmt;

use crate::rejection::Rejection;

/// Parties of one deal, at most: a sale by many heirs has a dozen, and every answer about a deal lists them all.
pub const PARTIES_OF_A_DEAL_MAX: usize = 50;

/// Lets a deal that has `present` parties take one more.
///
/// # Errors
/// A validation rejection of `parties`.
pub fn require_room(present: usize) -> Result<(), Rejection> {
    if present < PARTIES_OF_A_DEAL_MAX {
        return Ok(());
    }
    Err(Rejection::field(
        "parties",
        "max_items",
        format!("a deal has at most {PARTIES_OF_A_DEAL_MAX} parties"),
    ))
}

macro_rules! party_roles {
    ($($variant:ident = $name:literal: $doc:literal),+ $(,)?) => {
        /// A part in a deal. Written `snake_case`, as the templates write it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum PartyRole {
            $(#[doc = $doc] $variant,)+
        }

        impl PartyRole {
            /// Every part there is.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The part as it is stored and sent.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }
        }
    };
}

party_roles! {
    Buyer = "buyer": "Who buys.",
    Seller = "seller": "Who sells.",
    Borrower = "borrower": "Who borrows, in a refinance.",
    Client = "client": "Whom the organization works for, where no closer word fits.",
    BuyerAgent = "buyer_agent": "The buyer's agent.",
    ListingAgent = "listing_agent": "The seller's agent.",
    TransactionCoordinator = "transaction_coordinator": "Who coordinates the deal.",
    Broker = "broker": "The broker responsible for the file.",
    Lender = "lender": "The lending bank or its contact.",
    LoanOfficer = "loan_officer": "The borrower's loan officer.",
    TitleEscrow = "title_escrow": "The title or escrow company.",
    Attorney = "attorney": "An attorney of either side.",
    Inspector = "inspector": "Who inspects the property.",
    Appraiser = "appraiser": "Who appraises the property.",
    BuilderRep = "builder_rep": "The builder's representative.",
    Photographer = "photographer": "Who photographs the property.",
    Other = "other": "Any other part.",
}

impl PartyRole {
    /// Reads a part as written; `None` for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|role| role.as_str() == text)
    }

    /// The part as it is called in a sentence, without an article.
    #[must_use]
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::Buyer => "buyer",
            Self::Seller => "seller",
            Self::Borrower => "borrower",
            Self::Client => "client",
            Self::BuyerAgent => "buyer's agent",
            Self::ListingAgent => "listing agent",
            Self::TransactionCoordinator => "transaction coordinator",
            Self::Broker => "broker",
            Self::Lender => "lender",
            Self::LoanOfficer => "loan officer",
            Self::TitleEscrow => "title company",
            Self::Attorney => "attorney",
            Self::Inspector => "inspector",
            Self::Appraiser => "appraiser",
            Self::BuilderRep => "builder's representative",
            Self::Photographer => "photographer",
            Self::Other => "other party",
        }
    }

    /// Whether the client is meant to call this party, unless the party says otherwise: agent, coordinator, lender and
    /// title.
    #[must_use]
    pub const fn is_buyer_contact_by_default(self) -> bool {
        match self {
            Self::BuyerAgent
            | Self::ListingAgent
            | Self::TransactionCoordinator
            | Self::Lender
            | Self::LoanOfficer
            | Self::TitleEscrow => true,
            Self::Buyer
            | Self::Seller
            | Self::Borrower
            | Self::Client
            | Self::Broker
            | Self::Attorney
            | Self::Inspector
            | Self::Appraiser
            | Self::BuilderRep
            | Self::Photographer
            | Self::Other => false,
        }
    }

    /// Whether notices for this part go to the deal's creator when the deal has nobody in it: agents and coordinators.
    /// It serves notices only; it assigns nothing.
    #[must_use]
    pub const fn falls_back_to_creator(self) -> bool {
        matches!(
            self,
            Self::BuyerAgent | Self::ListingAgent | Self::TransactionCoordinator
        )
    }
}

impl fmt::Display for PartyRole {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_is_read_back_from_its_name() {
        assert!(
            PartyRole::ALL
                .iter()
                .all(|role| PartyRole::parse(role.as_str()) == Some(*role))
        );
        assert_eq!(PartyRole::parse("BUYER"), None);
    }
}
