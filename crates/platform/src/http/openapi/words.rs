//! Words that clients write, as schemas: the document lists those that the domain reads.

use domain::{deal::DealType, party::PartyRole, permission::Role};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, schema::Type},
};

macro_rules! words {
    ($($(#[doc = $doc:literal])+ $name:ident = $words:expr;)+) => {
        $(
            $(#[doc = $doc])+
            #[derive(Clone, Copy, Debug)]
            pub struct $name;

            impl PartialSchema for $name {
                fn schema() -> RefOr<Schema> {
                    ObjectBuilder::new()
                        .schema_type(Type::String)
                        .description(Some(concat!($($doc),+).trim_start()))
                        .enum_values(Some($words))
                        .into()
                }
            }

            impl ToSchema for $name {}
        )+
    };
}

words! {
    /// A part in a deal.
    PartyRoleWord = PartyRole::ALL.iter().map(|role| role.as_str());
    /// A role of people.
    UserRoleWord = Role::OF_PEOPLE.iter().map(|role| role.as_str());
    /// What kind of deal it is.
    DealTypeWord = DealType::ALL.iter().map(|kind| kind.as_str());
}
