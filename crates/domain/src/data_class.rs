//! How sensitive each field is, in one list.
//!
//! What is masked by role, encrypted at the field level, kept out of events and logs, and touched by an export or an
//! erasure all follows from [`FIELDS`]. Whether a caller sees an object at all is decided elsewhere
//! ([`crate::deal::view`], [`crate::task::may_see`]); here only fields of what it sees.

use crate::{
    deal::DealView,
    permission::{Permission, PermissionSet},
    words::upper_snake_enum,
};

upper_snake_enum! {
    /// How sensitive a field is, from the least to the most.
    DataClass {
        /// Anybody who knows of the deal may know it.
        Public = "PUBLIC",
        /// For those who work on the deal, and for clients where the object is meant for them.
        Internal = "INTERNAL",
        /// For those who work on the deal only; never in events, logs or histories.
        Confidential = "CONFIDENTIAL",
        /// For those who may read the audit log only.
        Restricted = "RESTRICTED",
    }
}

/// Whether a field is about a person, so that exports and erasures include it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// It is about the matter.
    Matter,
    /// It is about a person.
    Person,
}

/// How a field is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Storage {
    /// As it is.
    Plain,
    /// Encrypted at the field level.
    Encrypted,
}

/// One field with its tags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TaggedField {
    /// The kind of object: `deal`, `party`, `task`, `keyDate`, `chase`, `comment`, `user`, `notification`, `audit`.
    pub entity: &'static str,
    /// The field's name in JSON.
    pub name: &'static str,
    /// How sensitive it is.
    pub class: DataClass,
    /// Whom it is about.
    pub subject: Subject,
    /// How it is stored.
    pub storage: Storage,
}

const fn field(entity: &'static str, name: &'static str, class: DataClass) -> TaggedField {
    TaggedField {
        entity,
        name,
        class,
        subject: Subject::Matter,
        storage: Storage::Plain,
    }
}

const fn personal(entity: &'static str, name: &'static str, class: DataClass) -> TaggedField {
    TaggedField {
        subject: Subject::Person,
        ..field(entity, name, class)
    }
}

/// Every field that carries a tag. One that is not listed is [`DataClass::Internal`], is about the matter, and is in no
/// event: every text of an event is listed. Free text, in which somebody may be named, is about a person.
pub const FIELDS: &[TaggedField] = &[
    field("deal", "propertyAddress", DataClass::Public),
    field("deal", "status", DataClass::Public),
    field("deal", "dealType", DataClass::Public),
    personal("deal", "name", DataClass::Internal),
    field("deal", "previousStatus", DataClass::Public),
    field("deal", "timeZone", DataClass::Public),
    field("deal", "templateKey", DataClass::Internal),
    field("deal", "createdBy", DataClass::Internal),
    field("deal", "createdAt", DataClass::Internal),
    field("deal", "heldSince", DataClass::Internal),
    field("deal", "changed", DataClass::Internal),
    personal("deal", "reason", DataClass::Internal),
    field("deal", "purchasePrice", DataClass::Confidential),
    field("deal", "facts", DataClass::Confidential),
    field("party", "role", DataClass::Internal),
    personal("party", "name", DataClass::Internal),
    personal("party", "email", DataClass::Internal),
    personal("party", "phone", DataClass::Internal),
    field("party", "company", DataClass::Internal),
    TaggedField {
        storage: Storage::Encrypted,
        ..personal("party", "taxId", DataClass::Confidential)
    },
    field("task", "title", DataClass::Internal),
    field("task", "buyerTitle", DataClass::Internal),
    personal("task", "description", DataClass::Internal),
    personal("task", "waiveReason", DataClass::Internal),
    personal("task", "reason", DataClass::Internal),
    personal("task", "note", DataClass::Internal),
    field("task", "key", DataClass::Internal),
    field("task", "status", DataClass::Internal),
    field("task", "previousStatus", DataClass::Internal),
    field("task", "ownerRole", DataClass::Internal),
    field("task", "dueDate", DataClass::Internal),
    field("task", "dueAt", DataClass::Internal),
    field("task", "completedAt", DataClass::Internal),
    field("task", "completedOn", DataClass::Internal),
    field("task", "completedBy", DataClass::Internal),
    field("task", "dependsOn", DataClass::Internal),
    field("task", "changed", DataClass::Internal),
    field("milestone", "key", DataClass::Internal),
    field("milestone", "title", DataClass::Internal),
    field("milestone", "buyerTitle", DataClass::Internal),
    field("milestone", "state", DataClass::Internal),
    field("milestone", "completedAt", DataClass::Internal),
    field("keyDate", "key", DataClass::Internal),
    field("keyDate", "title", DataClass::Internal),
    field("keyDate", "date", DataClass::Internal),
    field("keyDate", "state", DataClass::Internal),
    field("keyDate", "deadlineAt", DataClass::Internal),
    field("keyDates", "closingDate", DataClass::Internal),
    field("keyDates", "changed", DataClass::Internal),
    personal("keyDates", "reason", DataClass::Internal),
    personal("chase", "note", DataClass::Internal),
    field("comment", "visibility", DataClass::Internal),
    personal("comment", "body", DataClass::Internal),
    field("plan", "templateKey", DataClass::Internal),
    field("plan", "state", DataClass::Internal),
    field("plan", "facts", DataClass::Confidential),
    personal("user", "email", DataClass::Internal),
    personal("user", "fullName", DataClass::Internal),
    field("user", "role", DataClass::Internal),
    field("user", "changed", DataClass::Internal),
    personal("organization", "name", DataClass::Internal),
    field("organization", "timeZone", DataClass::Internal),
    field("organization", "role", DataClass::Internal),
    field("organization", "permissions", DataClass::Internal),
    field("organization", "changed", DataClass::Internal),
    field("notification", "kind", DataClass::Internal),
    personal("notification", "title", DataClass::Internal),
    personal("notification", "body", DataClass::Internal),
    field("audit", "before", DataClass::Restricted),
    field("audit", "after", DataClass::Restricted),
    personal("audit", "ipAddress", DataClass::Restricted),
];

/// The tags of a field, if it is listed.
#[must_use]
pub fn tagged(entity: &str, name: &str) -> Option<&'static TaggedField> {
    FIELDS
        .iter()
        .find(|field| field.entity == entity && field.name == name)
}

/// How sensitive a field is.
#[must_use]
pub fn class_of(entity: &str, name: &str) -> DataClass {
    tagged(entity, name).map_or(DataClass::Internal, |field| field.class)
}

/// Whether fields of this class are shown to a caller with this view of the deal.
#[must_use]
pub const fn may_see(class: DataClass, view: DealView, permissions: PermissionSet) -> bool {
    match class {
        DataClass::Public | DataClass::Internal => true,
        DataClass::Confidential => matches!(view, DealView::Staff),
        DataClass::Restricted => permissions.has(Permission::ViewAudit),
    }
}

/// Whether a text may be in events, logs, traces and workflow histories: it is listed, not confidential, and not about
/// a person. The tests of the events' schema ask this of every field.
#[must_use]
pub fn may_be_published(entity: &str, name: &str) -> bool {
    tagged(entity, name)
        .is_some_and(|field| field.class <= DataClass::Internal && field.subject == Subject::Matter)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::permission::{Role, default_permissions};

    #[test]
    fn each_field_is_tagged_once() {
        let names: BTreeSet<_> = FIELDS
            .iter()
            .map(|field| (field.entity, field.name))
            .collect();
        assert_eq!(names.len(), FIELDS.len());
    }

    #[test]
    fn a_client_sees_neither_price_nor_financing_and_staff_both() {
        let (buyer, agent) = (
            default_permissions(Role::Buyer),
            default_permissions(Role::BuyerAgent),
        );
        for name in ["purchasePrice", "facts"] {
            let class = class_of("deal", name);
            assert!(!may_see(class, DealView::Client, buyer), "{name}");
            assert!(may_see(class, DealView::Staff, agent), "{name}");
        }
    }

    #[test]
    fn the_audit_log_is_for_administrators() {
        let sees = |role| {
            let class = class_of("audit", "before");
            may_see(class, DealView::Staff, default_permissions(role))
        };
        assert!(sees(Role::Admin) && !sees(Role::TransactionCoordinator));
    }

    #[test]
    fn nothing_confidential_or_personal_is_published() {
        for (entity, name) in [
            ("deal", "purchasePrice"),
            ("deal", "facts"),
            ("party", "email"),
            ("party", "name"),
            ("audit", "after"),
            ("task", "somethingThatNobodyListed"),
        ] {
            assert!(!may_be_published(entity, name), "{entity}.{name}");
        }
        assert!(may_be_published("task", "title") && may_be_published("deal", "status"));
    }

    #[test]
    fn what_is_encrypted_is_confidential() {
        let encrypted = FIELDS
            .iter()
            .filter(|field| field.storage == Storage::Encrypted);
        assert!(
            encrypted
                .into_iter()
                .all(|field| field.class >= DataClass::Confidential)
        );
    }
}
