//! Somebody else, who edits licenses, groups and users while runs are under way.

use advaudit::model::{GroupId, SERVICE_PLAN, ServicePlanId, SignedDuration, SkuId, SubjectId, UserId};
use advaudit::sandbox::Deed;

use super::chance::Chance;
use super::watch::Watch;

/// SPE_E5.
const E5: SkuId = SkuId(uuid::uuid!("06ebc4ee-1bb5-47dd-8120-11324bc54e06"));

/// A few deeds within the first hours, or none.
pub async fn meddle(watch: &Watch, chance: &mut Chance) {
    if chance.percent(50) {
        return;
    }
    // Some only ever touch other service plans.
    let mild = chance.percent(40);
    for _ in 0..chance.between(1, 6) {
        let seconds = chance.between(0, 4500).try_into().expect("small");
        watch.clock.sleep(SignedDuration::from_secs(seconds)).await;
        let deed = if mild { other_plans(watch, chance) } else { deed(watch, chance) };
        if let Some(deed) = deed {
            act(watch, &deed);
        }
    }
}

/// In the end licenses can be used again.
pub fn make_good(watch: &Watch) {
    act(watch, &Deed::Resume { license: E5 });
    act(watch, &Deed::LeaveSeats { license: E5, free: 100 });
}

fn act(watch: &Watch, deed: &Deed) {
    let done = watch.tenant.tenant().administrate(deed, watch.clock.now());
    watch.tell(&format!("somebody else: {deed:?}{}", if done.is_ok() { "" } else { " (refused)" }));
    watch.others();
    if done.is_ok() {
        watch.count("deeds of others");
    }
}

/// Turns a service plan on or off that is not ours, in a license that somebody holds.
fn other_plans(watch: &Watch, chance: &mut Chance) -> Option<Deed> {
    let all: Vec<SubjectId> = watch.story.subjects().map(|one| one.id).collect();
    let of = chance.pick(&all)?;
    let mut tenant = watch.tenant.tenant();
    let truth = tenant.truth(watch.clock.now());
    let held = match of {
        SubjectId::User(id) => &truth.users[&id].assignments,
        SubjectId::Group(id) => &truth.groups[&id].licenses,
    };
    let held: Vec<SkuId> =
        held.iter().filter(|one| one.by.is_none() || of.group().is_some()).map(|one| one.license).collect();
    let license = chance.pick(&held)?;
    let plan = tenant.plan_named(license, chance.one_of(&["SWAY", "YAMMER_ENTERPRISE"]))?;
    let (on, off) = (Deed::TurnOn { of, license, plan }, Deed::TurnOff { of, license, plan });
    Some(if chance.percent(50) { on } else { off })
}

fn deed(watch: &Watch, chance: &mut Chance) -> Option<Deed> {
    let users: Vec<UserId> = watch.story.users.iter().filter_map(|one| one.id.user()).collect();
    let groups: Vec<GroupId> = watch.story.groups.iter().filter_map(|one| one.id.group()).collect();
    let user = chance.pick(&users)?;
    let group = chance.pick(&groups);
    let of = match group {
        Some(group) if chance.percent(30) => SubjectId::Group(group),
        Some(_) | None => SubjectId::User(user),
    };
    let sway = watch.tenant.tenant().plan_named(E5, "SWAY").unwrap_or(SERVICE_PLAN);
    let either =
        |chance: &mut Chance| -> ServicePlanId { if chance.percent(50) { SERVICE_PLAN } else { sway } };
    let license = E5;
    Some(match chance.between(0, 12) {
        0 | 1 => Deed::TurnOn { of, license, plan: either(chance) },
        2 | 3 => Deed::TurnOff { of, license, plan: either(chance) },
        4 => Deed::Remove { from: of, license },
        5 => Deed::Assign { to: of, license, off: [sway].into() },
        6 => Deed::MoveToGroup { user, license, group: group? },
        7 => Deed::DeleteUser { user },
        8 => Deed::RestoreUser { user },
        9 => Deed::RenameUser { user, upn: format!("other{}@contoso.com", chance.between(0, 99)) },
        10 => Deed::AddMember { group: group?, user },
        11 => Deed::RemoveMember { group: group?, user },
        _ => Deed::Suspend { license },
    })
}
