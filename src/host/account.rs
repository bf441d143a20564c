//! Users of this machine.

use crate::supervise::RunAs;
use sysinfo::Users;

/// Finds a user by name.
///
/// # Errors
/// There is none, or the list of users cannot be read: a sentence without a full stop.
pub fn account(name: &str) -> Result<RunAs, String> {
    let users = Users::new_with_refreshed_list().map_err(|error| format!("the users cannot be listed: {error}"))?;
    let user = users.iter().find(|user| user.name() == name);
    let user = user.ok_or_else(|| format!("there is no user `{}`", name.escape_debug()))?;
    let groups = user.groups().iter().map(|group| **group.id()).collect();
    Ok(RunAs { uid: **user.id(), gid: *user.group_id(), groups })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_known_by_name_and_a_name_that_is_none_is_said_so() {
        let root = account("root").unwrap();
        assert_eq!((root.uid, root.gid), (0, 0));
        assert!(account("nobody here\n").unwrap_err().contains(r"`nobody here\n`"));
    }
}
