//! What routes ask of their callers, as types: `Authorized<permission::ManageTasks>`.

use domain::permission::Permission;

use super::authorized::Requires;

/// Declares unit types with the permissions of which any one will do.
macro_rules! requires {
    ($($(#[$doc:meta])* $name:ident = $any_of:expr;)+) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Copy, Debug)]
            pub struct $name;

            impl Requires for $name {
                const ANY_OF: &'static [Permission] = &$any_of;
            }
        )+
    };
}

requires! {
    /// A live session, whatever its permissions.
    SignedIn = [];
    /// See deals, in whichever measure: own, created or all.
    ViewDeals = Permission::ANY_VIEW;
    /// See deals as staff do: their activity is not for buyers.
    ViewDealActivity = [Permission::ViewDeals, Permission::ViewAllDeals];
    /// See every deal of the organization.
    ViewAllDeals = [Permission::ViewAllDeals];
    /// Create deals.
    CreateDeals = [Permission::CreateDeals];
    /// Change a deal, its parties, its status or its key dates: one's own, or any.
    ManageDeals = [Permission::CreateDeals, Permission::ManageTasks];
    /// Assign and add tasks and set their dates.
    AssignTasks = [Permission::AssignTasks, Permission::ManageTasks];
    /// Complete tasks: those assigned to oneself, or any.
    CompleteTasks = [
        Permission::CompleteOwnTasks,
        Permission::AssignTasks,
        Permission::ViewDeals,
        Permission::ViewAllDeals,
        Permission::ManageTasks,
    ];
    /// Waive, reopen and delete tasks, change dependencies and templates.
    ManageTasks = [Permission::ManageTasks];
    /// Invite, change and disable users.
    ManageUsers = [Permission::ManageUsers];
    /// Change the organization's settings and grants.
    ManageOrganization = [Permission::ManageOrganization];
    /// Read and export the audit log.
    ViewAudit = [Permission::ViewAudit];
    /// Read templates: everybody but buyers.
    ViewTemplates = [Permission::ViewDeals, Permission::ViewAllDeals, Permission::ManageTasks];
}
