//! In which capacity somebody acts, and which capacities must sign.

use std::collections::BTreeSet;

use toml::Spanned;

use super::check::{Checked, wrong};
use crate::event::Action;

/// In which capacity somebody acts; an action belongs to one of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Collects and corrects.
    Collector,
    /// Registers and deregisters.
    Registrar,
    /// Verifies.
    Verifier,
}

impl Role {
    const ALL: [Role; 3] = [Role::Collector, Role::Registrar, Role::Verifier];

    /// The role that an action on a record belongs to.
    pub const fn of(action: Action) -> Option<Role> {
        match action {
            Action::Collect | Action::Correct => Some(Role::Collector),
            Action::Register | Action::Deregister => Some(Role::Registrar),
            Action::Verify => Some(Role::Verifier),
            Action::Configure | Action::Appoint | Action::Dismiss | Action::Erase => None,
        }
    }

    /// The word for it in a campaign.
    pub const fn word(self) -> &'static str {
        match self {
            Role::Collector => "collector",
            Role::Registrar => "registrar",
            Role::Verifier => "verifier",
        }
    }
}

pub(super) fn check(words: &[Spanned<String>]) -> Checked<BTreeSet<Role>> {
    let mut roles = BTreeSet::new();
    for word in words {
        let role = Role::ALL.into_iter().find(|role| role.word() == word.get_ref());
        let Some(role) = role else {
            return wrong(word, "the roles are collector, registrar and verifier");
        };
        if !roles.insert(role) {
            return wrong(word, "this role is named twice");
        }
    }
    Ok(roles)
}
