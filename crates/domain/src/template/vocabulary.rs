//! The closed sets of words that a template chooses from: side, day-counting profile, kind of transaction, e-mails.
//!
//! Each word has an effect. A word that is not here is refused when the template is parsed.

use crate::{
    calendar::{FEDERAL, REG_Z_SPECIFIC},
    party::PartyRole,
    words::upper_snake_enum,
};

upper_snake_enum! {
    /// Whom the organization works for.
    Side {
        /// Who buys.
        Buyer = "buyer",
        /// Who sells.
        Seller = "seller",
        /// Who borrows.
        Borrower = "borrower",
    }
}

impl Side {
    /// The side's own part: the client of a template of this side has it, or the general `client`.
    #[must_use]
    pub const fn part(self) -> PartyRole {
        match self {
            Self::Buyer => PartyRole::Buyer,
            Self::Seller => PartyRole::Seller,
            Self::Borrower => PartyRole::Borrower,
        }
    }
}

upper_snake_enum! {
    /// The habits of counting days that the offsets of a template assume.
    CountingProfile {
        /// Contracts of sale: federal business days throughout.
        UsGeneric = "us_generic",
        /// Federal lending rules: a loan may be signed on any business day of Regulation Z, Saturdays included.
        UsFederalLending = "us_federal_lending",
    }
}

impl CountingProfile {
    /// The calendar of rules that name none.
    #[must_use]
    pub const fn calendar(self) -> &'static str {
        match self {
            Self::UsGeneric | Self::UsFederalLending => FEDERAL,
        }
    }

    /// The calendar of a business day on which a deal can be closed or a loan signed, where the date names none.
    #[must_use]
    pub const fn closing_calendar(self) -> &'static str {
        match self {
            Self::UsGeneric => FEDERAL,
            Self::UsFederalLending => REG_Z_SPECIFIC,
        }
    }
}

upper_snake_enum! {
    /// The RESO Data Dictionary's `TransactionType`.
    ResoTransactionType {
        /// A property is offered for rent.
        ListingForLease = "Listing for Lease",
        /// A property is offered for sale.
        ListingForSale = "Listing for Sale",
        /// Somebody wants to rent.
        LeaseOffer = "Lease Offer",
        /// Somebody wants to buy.
        PurchaseOffer = "Purchase Offer",
        /// Anything else.
        Other = "Other",
    }
}

upper_snake_enum! {
    /// An e-mail that goes with a task: the person doing the task gets its draft.
    EmailTemplate {
        /// Who is who, and the timeline.
        IntroAllParties = "intro_all_parties",
        /// What the lender still needs.
        LenderStatusRequest = "lender_status_request",
        /// The papers of the closing, and thanks.
        BuyerClosingPackage = "buyer_closing_package",
    }
}

/// A mail that somebody may look over and send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EmailDraft {
    /// The part that it is for; without one it is for everybody in the deal.
    pub to: Option<PartyRole>,
    /// The subject; the deal's name goes after it.
    pub subject: &'static str,
    /// The text.
    pub body: &'static str,
}

impl EmailTemplate {
    /// The draft, for a template whose client has this part.
    #[must_use]
    pub const fn draft(self, client: PartyRole) -> EmailDraft {
        match self {
            Self::IntroAllParties => EmailDraft {
                to: None,
                subject: "Who is who, and our timeline",
                body: "Hello everybody,\n\nattached are the contract, the list of everybody who takes part, and the \
                       timeline with every deadline. Please check your own contact details and dates, and answer to \
                       all if something is missing.\n\nWire instructions are never changed by e-mail: before you \
                       send money, call the title or escrow company at a number that you already know.",
            },
            Self::LenderStatusRequest => EmailDraft {
                to: Some(PartyRole::Lender),
                subject: "What is still open for the loan?",
                body: "Hello,\n\nwhich conditions are still open, from whom do you need what, and by when? Is the \
                       commitment on track for its deadline?",
            },
            Self::BuyerClosingPackage => EmailDraft {
                to: Some(client),
                subject: "Your closing papers, and thank you",
                body: "Hello,\n\nattached are the final settlement statement and your closing papers. Please keep \
                       them: you will need them for your taxes. Thank you for your trust, and all the best in your \
                       new home.",
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_back_as_the_templates_write_them() {
        assert!(
            Side::ALL
                .iter()
                .all(|side| Side::parse(side.as_str()) == Some(*side))
        );
        assert_eq!(
            ResoTransactionType::parse("Purchase Offer"),
            Some(ResoTransactionType::PurchaseOffer)
        );
        assert_eq!(EmailTemplate::parse("newsletter"), None);
    }
}
