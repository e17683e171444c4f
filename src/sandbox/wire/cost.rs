//! What a request costs in resource units (GRAPH 8.2).

use super::options::Options;
use super::target::Target;

/// The price of a request, never below 1.
pub fn units(target: &Target, options: &Options) -> u32 {
    let base: u32 = match target {
        Target::SubscribedSkus | Target::Members(_) | Target::UserMembers(_) => 3,
        Target::Users | Target::LicenseDetails(_) => 2,
        Target::Organization
        | Target::CountUsers
        | Target::User(_)
        | Target::AssignUser(_)
        | Target::ReprocessUser(_)
        | Target::Groups
        | Target::Group(_)
        | Target::MembersWithErrors(_)
        | Target::AssignGroup(_)
        | Target::Batch => 1,
    };
    let selected = u32::from(options.select.is_some());
    let small = u32::from(options.top.is_some_and(|top| top < 20));
    base.saturating_sub(selected + small).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn select_and_small_pages_are_cheaper_but_nothing_is_free() {
        let select = Options { select: Some(vec!["id".to_owned()]), ..Options::default() };
        let both = Options { top: Some(5), ..select.clone() };
        assert_eq!(units(&Target::Users, &Options::default()), 2);
        assert_eq!(units(&Target::Users, &select), 1);
        assert_eq!(units(&Target::Users, &both), 1);
        assert_eq!(units(&Target::Members("g".to_owned()), &both), 1);
    }
}
