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

/// Whether a field tells something about a person, so that an export or an erasure touches it.
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
    /// The kind of object: `deal`, `party`, `task`, `keyDate`, `comment`, `user`, `notification`, `audit`.
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

/// Every field that carries a tag. One that is not listed is [`DataClass::Internal`] and about the matter.
pub const FIELDS: &[TaggedField] = &[
    field("deal", "propertyAddress", DataClass::Public),
    field("deal", "status", DataClass::Public),
    field("deal", "dealType", DataClass::Public),
    field("deal", "name", DataClass::Internal),
    field("deal", "purchasePrice", DataClass::Confidential),
    field("deal", "facts", DataClass::Confidential),
    personal("party", "name", DataClass::Internal),
    personal("party", "email", DataClass::Internal),
    personal("party", "phone", DataClass::Internal),
    field("party", "company", DataClass::Internal),
    TaggedField {
        storage: Storage::Encrypted,
        ..personal("party", "taxId", DataClass::Confidential)
    },
    field("task", "title", DataClass::Internal),
    field("task", "description", DataClass::Internal),
    field("task", "waiveReason", DataClass::Internal),
    field("keyDate", "date", DataClass::Internal),
    field("comment", "body", DataClass::Internal),
    field("plan", "facts", DataClass::Confidential),
    personal("user", "email", DataClass::Internal),
    personal("user", "fullName", DataClass::Internal),
    field("notification", "title", DataClass::Internal),
    field("notification", "body", DataClass::Internal),
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

/// The names of an entity's fields that are masked for a caller with this view of the deal.
pub fn masked(
    entity: &str,
    view: DealView,
    permissions: PermissionSet,
) -> impl Iterator<Item = &'static str> {
    FIELDS
        .iter()
        .filter(move |field| field.entity == entity && !may_see(field.class, view, permissions))
        .map(|field| field.name)
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

/// Whether a field may stand in events, logs, traces and workflow histories: nothing confidential, and nothing about a
/// person.
#[must_use]
pub fn may_be_published(entity: &str, name: &str) -> bool {
    let is_personal = tagged(entity, name).is_some_and(|field| field.subject == Subject::Person);
    class_of(entity, name) <= DataClass::Internal && !is_personal
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
        let buyer = default_permissions(Role::Buyer);
        let agent = default_permissions(Role::BuyerAgent);
        assert_eq!(
            masked("deal", DealView::Client, buyer).collect::<Vec<_>>(),
            ["purchasePrice", "facts"]
        );
        assert_eq!(masked("deal", DealView::Staff, agent).count(), 0);
    }

    #[test]
    fn the_audit_log_is_for_administrators() {
        let coordinator = default_permissions(Role::TransactionCoordinator);
        assert_eq!(masked("audit", DealView::Staff, coordinator).count(), 3);
        assert_eq!(
            masked("audit", DealView::Staff, default_permissions(Role::Admin)).count(),
            0
        );
    }

    #[test]
    fn nothing_confidential_or_personal_is_published() {
        for (entity, name) in [
            ("deal", "purchasePrice"),
            ("deal", "facts"),
            ("party", "email"),
            ("audit", "after"),
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
