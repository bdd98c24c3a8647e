//! Roles, permissions, and the sets of permissions that a caller holds.
//!
//! This is the vocabulary of the permission matrix and its default values. It does not decide whether one caller may
//! touch one object: those rules are with the objects, in [`crate::deal`] and [`crate::task`].

use std::fmt;

/// The one role a user has in its organization. Written `UPPER_SNAKE`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// A person who buys, sells or borrows in a deal and sees only its own deals.
    Buyer,
    /// An agent who runs the deals that it created or is a party of.
    BuyerAgent,
    /// A coordinator who manages the work on every deal of the organization.
    TransactionCoordinator,
    /// An administrator of the organization.
    Admin,
    /// The organization's own actor for work that no person asked for. It never signs in and is never listed.
    System,
}

impl Role {
    /// Every role, the system's own included.
    pub const ALL: [Self; 5] = [
        Self::Buyer,
        Self::BuyerAgent,
        Self::TransactionCoordinator,
        Self::Admin,
        Self::System,
    ];

    /// The roles that a person may be given.
    pub const OF_PEOPLE: [Self; 4] = [
        Self::Buyer,
        Self::BuyerAgent,
        Self::TransactionCoordinator,
        Self::Admin,
    ];

    /// The role as it is stored and sent.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Buyer => "BUYER",
            Self::BuyerAgent => "BUYER_AGENT",
            Self::TransactionCoordinator => "TRANSACTION_COORDINATOR",
            Self::Admin => "ADMIN",
            Self::System => "SYSTEM",
        }
    }

    /// Reads a stored role; `None` for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == text)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// One thing a caller may be allowed to do. Written `snake_case`, as in the permission matrix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Permission {
    /// See the deals in which one is a party, without confidential fields or internal comments.
    ViewOwnDeals,
    /// Complete the tasks assigned to oneself.
    CompleteOwnTasks,
    /// See the deals that one created or is a party of.
    ViewDeals,
    /// Create deals, and change and steer those one created.
    CreateDeals,
    /// Assign and add tasks and set their due dates in the deals one may view.
    AssignTasks,
    /// See every deal of the organization.
    ViewAllDeals,
    /// Everything on tasks, dependencies, key dates, templates and deal status in the organization.
    ManageTasks,
    /// Invite, change and disable users.
    ManageUsers,
    /// Change the organization's settings and grants.
    ManageOrganization,
    /// Read and export the audit log.
    ViewAudit,
}

impl Permission {
    /// Every permission, in the order of the matrix.
    pub const ALL: [Self; 10] = [
        Self::ViewOwnDeals,
        Self::CompleteOwnTasks,
        Self::ViewDeals,
        Self::CreateDeals,
        Self::AssignTasks,
        Self::ViewAllDeals,
        Self::ManageTasks,
        Self::ManageUsers,
        Self::ManageOrganization,
        Self::ViewAudit,
    ];

    /// The three permissions that let a caller see some deals.
    pub const ANY_VIEW: [Self; 3] = [Self::ViewOwnDeals, Self::ViewDeals, Self::ViewAllDeals];

    /// The permission as it is stored and sent.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ViewOwnDeals => "view_own_deals",
            Self::CompleteOwnTasks => "complete_own_tasks",
            Self::ViewDeals => "view_deals",
            Self::CreateDeals => "create_deals",
            Self::AssignTasks => "assign_tasks",
            Self::ViewAllDeals => "view_all_deals",
            Self::ManageTasks => "manage_tasks",
            Self::ManageUsers => "manage_users",
            Self::ManageOrganization => "manage_organization",
            Self::ViewAudit => "view_audit",
        }
    }

    /// Reads a stored permission; `None` for anything else, `*` included (see [`PermissionSet::parse`]).
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|permission| permission.as_str() == text)
    }

    const fn bit(self) -> u16 {
        1 << (self as u16)
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// The permissions a caller holds: the role's default and what the organization grants on top.
///
/// A set of all single permissions is still less than `*`, which only the role itself gives: a holder of `*` may
/// appoint administrators, and no grant allows that.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct PermissionSet {
    bits: u16,
}

impl PermissionSet {
    /// No permission at all.
    pub const NONE: Self = Self { bits: 0 };

    /// Set where the role itself allows everything.
    const EVERYTHING: u16 = 1 << Permission::ALL.len();

    /// Everything (`*` in the matrix).
    #[must_use]
    pub fn all() -> Self {
        let each: Self = Permission::ALL.into_iter().collect();
        Self {
            bits: each.bits | Self::EVERYTHING,
        }
    }

    /// Reads the comma-separated list that the database keeps; `*` means all.
    ///
    /// A word that this version does not know is ignored: it can come from a newer version, and an unknown permission
    /// never allows anything.
    #[must_use]
    pub fn parse(list: &str) -> Self {
        list.split(',')
            .map(str::trim)
            .fold(Self::NONE, |set, word| match word {
                "*" => Self::all(),
                _ => Permission::parse(word).map_or(set, |permission| set.with(permission)),
            })
    }

    /// This set and one permission more.
    #[must_use]
    pub const fn with(self, permission: Permission) -> Self {
        Self {
            bits: self.bits | permission.bit(),
        }
    }

    /// Everything that is in one of the two sets.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self {
            bits: self.bits | other.bits,
        }
    }

    /// Whether the set holds this permission.
    #[must_use]
    pub const fn has(self, permission: Permission) -> bool {
        self.bits & permission.bit() != 0
    }

    /// Whether the set holds at least one of these permissions.
    #[must_use]
    pub fn has_any(self, permissions: &[Permission]) -> bool {
        permissions.iter().any(|permission| self.has(*permission))
    }

    /// Whether the set is `*`. One that was granted each permission is not.
    #[must_use]
    pub const fn is_all(self) -> bool {
        self.bits & Self::EVERYTHING != 0
    }

    /// Whether the set holds nothing.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.bits == 0
    }

    /// The permissions held, in the order of the matrix.
    pub fn iter(self) -> impl Iterator<Item = Permission> {
        Permission::ALL
            .into_iter()
            .filter(move |permission| self.has(*permission))
    }
}

impl FromIterator<Permission> for PermissionSet {
    fn from_iter<I: IntoIterator<Item = Permission>>(permissions: I) -> Self {
        permissions.into_iter().fold(Self::NONE, Self::with)
    }
}

/// The comma-separated list as the database keeps it; everything is `*`.
impl fmt::Display for PermissionSet {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_all() {
            return formatter.write_str("*");
        }
        for (index, permission) in self.iter().enumerate() {
            if index > 0 {
                formatter.write_str(",")?;
            }
            formatter.write_str(permission.as_str())?;
        }
        Ok(())
    }
}

/// The permission matrix before an organization grants more.
#[must_use]
pub fn default_permissions(role: Role) -> PermissionSet {
    use Permission as P;
    match role {
        Role::Buyer => [P::ViewOwnDeals, P::CompleteOwnTasks].into_iter().collect(),
        Role::BuyerAgent => [P::ViewDeals, P::CreateDeals, P::AssignTasks]
            .into_iter()
            .collect(),
        Role::TransactionCoordinator => [P::ViewAllDeals, P::ManageTasks].into_iter().collect(),
        Role::Admin | Role::System => PermissionSet::all(),
    }
}

/// What a user of this role may do in an organization that grants `grants` to the role.
///
/// Grants only add: nothing can be removed from the default matrix.
#[must_use]
pub fn effective_permissions(role: Role, grants: PermissionSet) -> PermissionSet {
    default_permissions(role).union(grants)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_matrix_is_the_documented_one() {
        let expected = [
            (Role::Buyer, "view_own_deals,complete_own_tasks"),
            (Role::BuyerAgent, "view_deals,create_deals,assign_tasks"),
            (Role::TransactionCoordinator, "view_all_deals,manage_tasks"),
            (Role::Admin, "*"),
            (Role::System, "*"),
        ];
        for (role, list) in expected {
            assert_eq!(
                default_permissions(role).to_string(),
                list,
                "the default of {role}"
            );
        }
    }

    #[test]
    fn a_set_survives_being_written_and_read() {
        for bits in 0..1_u16 << Permission::ALL.len() {
            let set = PermissionSet { bits };
            assert_eq!(PermissionSet::parse(&set.to_string()), set);
        }
        let everything = PermissionSet::all();
        assert_eq!(PermissionSet::parse(&everything.to_string()), everything);
    }

    #[test]
    fn each_single_permission_is_less_than_everything() {
        let each: PermissionSet = Permission::ALL.into_iter().collect();
        assert!(!each.is_all());
        assert!(!effective_permissions(Role::BuyerAgent, each).is_all());
        assert!(PermissionSet::parse("*").is_all());
        assert!(effective_permissions(Role::Admin, PermissionSet::NONE).is_all());
        assert!(PermissionSet::all().iter().eq(Permission::ALL.into_iter()));
    }

    #[test]
    fn an_unknown_word_allows_nothing() {
        assert!(PermissionSet::parse("fly, view_deal,").is_empty());
        assert_eq!(
            PermissionSet::parse("fly, view_deals")
                .iter()
                .collect::<Vec<_>>(),
            [Permission::ViewDeals]
        );
    }

    #[test]
    fn a_grant_adds_to_the_default_and_takes_nothing_away() {
        let grants = PermissionSet::parse("create_deals");
        let effective = effective_permissions(Role::TransactionCoordinator, grants);
        assert!(effective.has(Permission::CreateDeals) && effective.has(Permission::ManageTasks));
        assert!(!effective.has_any(&[Permission::ManageUsers, Permission::ViewAudit]));
    }

    #[test]
    fn every_role_and_permission_is_read_back_from_its_name() {
        assert!(
            Role::ALL
                .into_iter()
                .all(|role| Role::parse(role.as_str()) == Some(role))
        );
        assert!(
            Permission::ALL
                .into_iter()
                .all(|p| Permission::parse(p.as_str()) == Some(p))
        );
        assert_eq!(Role::parse("admin"), None);
    }
}
