//! From a tenant file to a tenant: names are resolved, what is left out is filled in.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::faults::Faults;
use super::file::{
    self, AssignedPlanBlock, CarriedBlock, GroupBlock, HeldBlock, InheritedBlock, Organization, OwnedLicense,
    TenantFile, Unusable, UserBlock,
};
use super::generate::Generated;
use super::group::{Group, Member, Processing};
use super::history::History;
use super::known::{known_license, known_names};
use super::license::{Owned, OwnedPlan, Shelf};
use super::lines::Lines;
use super::plans::{Plans, Provisioned};
use super::population::{Crowd, Population, PopulationBlock, Source};
use super::seed::{Seed, id_of};
use super::tenant::{Settings, State, Tenant};
use super::user::{ErrorToCome, Held, User};
use super::users::Users;
use super::words::{AssignmentState, Capability};
use crate::model::{GroupId, ServicePlanId, SkuId, Timestamp, UserId};

/// When things were assigned that the file gives no date for: long before anything that a
/// manifest would ask about.
const LONG_AGO: &str = "2025-01-15T08:00:00Z";

/// Seats that are left over where the file gives no number.
const SPARE_SEATS: u64 = 10;

impl Tenant {
    /// By which names a manifest may mean the tenant of that text; a look at the top of the file only.
    pub fn names(text: &str) -> Result<Vec<String>, Unusable> {
        file::names(text)
    }

    /// A tenant from the text of its file.
    pub fn read(text: &str) -> Result<Self, Unusable> {
        let file = TenantFile::read(text)?;
        let lines = Lines::of(text);
        let mut shelf = Shelf::default();
        for (at, block) in file.licenses.iter().enumerate() {
            let owned = owned(block, &format!("licenses[{at}]"), &lines)?;
            if let Some(twice) = shelf.0.insert(owned.id, owned) {
                let problem = format!("the license {} is there twice", twice.part_number);
                return Err(Unusable::new(&lines, format!("licenses[{at}]"), problem));
            }
        }
        let mut blocks: Vec<(String, UserBlock)> = Vec::new();
        blocks.extend(file.users.into_iter().enumerate().map(|(at, block)| (format!("users[{at}]"), block)));
        let seed = Seed(file.seed);
        let described = file.population;
        let generated = file.generate.into_iter();
        let generated = generated.map(|generate| Generated::new(generate, &file.tenant.domain, seed));
        let generated: Vec<_> = generated.collect();
        blocks.extend(generated.iter().flat_map(Generated::users));
        let mut build = Build { lines, shelf, people: People::default(), groups: Vec::new() };
        build.people(&blocks, &file.tenant.country)?;
        build.groups(&file.groups, &generated)?;
        let described = described.map(|block| build.population(block, seed, &file.tenant)).transpose()?;
        let users = Users::new(build.users(&blocks, &file.groups)?, described);
        let groups: BTreeMap<_, _> =
            build.groups.into_iter().map(|group| (group.id, History::new(group))).collect();
        let mut shelf = build.shelf;
        fill_seats(&mut shelf, &users);
        let settings = Settings {
            organization: file.tenant,
            now: file.now,
            seed,
            lag: file.lag,
            group_processing: file.group_processing,
            plan_dates: file.plan_dates,
        };
        let upns = build.people.upns.into_iter().map(|(name, id)| (name, vec![id])).collect();
        let state = State { users, upns, groups, ..State::default() };
        let mut tenant = Tenant::new(settings, shelf, state);
        tenant.set_faults(Faults::new(file.faults));
        tenant.set_weather(file.weather);
        tenant.set_quota(file.quota);
        Ok(tenant)
    }
}

/// A license that the tenant owns, known or explained.
fn owned(block: &OwnedLicense, path: &str, lines: &Lines) -> Result<Owned, Unusable> {
    let known = known_license(&block.license);
    let names: BTreeMap<String, ServicePlanId> = match (&block.service_plans, known) {
        (Some(plans), _) => plans.iter().map(|plan| (plan.name.clone(), plan.id)).collect(),
        (None, Some(known)) => known.service_plans.clone(),
        (None, None) => {
            let known: Vec<_> = known_names().collect();
            let problem = format!(
                "`{}` is not a known license and needs `id` and `servicePlans`; known are {}",
                block.license,
                known.join(", ")
            );
            return Err(Unusable::new(lines, path, problem));
        }
    };
    let id = block.id.or(known.map(|known| known.id));
    let id = id.unwrap_or_else(|| SkuId(id_of("license", &block.license)));
    let plans =
        names.into_iter().map(|(name, id)| (id, OwnedPlan { name, provisioning: "Success".to_owned() }));
    let mut owned = Owned {
        id,
        part_number: known.map_or(&block.license, |known| &known.license).clone(),
        status: block.status,
        seats: block.seats.unwrap_or(u64::MAX),
        plans: plans.collect(),
    };
    for (name, status) in &block.provisioning {
        let plan = owned.plan(name).and_then(|plan| owned.plans.get_mut(&plan));
        let Some(plan) = plan else {
            let problem = format!("`{name}` is not a service plan of {}", block.license);
            return Err(Unusable::new(lines, format!("{path}.provisioning"), problem));
        };
        plan.provisioning.clone_from(status);
    }
    Ok(owned)
}

/// Gives each license without a number of seats a few more than are in use.
fn fill_seats(shelf: &mut Shelf, users: &Users) {
    for owned in shelf.0.values_mut().filter(|owned| owned.seats == u64::MAX) {
        owned.seats = users.consumed(owned.id) + SPARE_SEATS;
    }
}

/// Who is who.
#[derive(Default)]
struct People {
    /// Lower-case UPNs to ids.
    upns: BTreeMap<String, UserId>,
    users: BTreeMap<UserId, User>,
}

/// What is being put together.
struct Build {
    lines: Lines,
    shelf: Shelf,
    people: People,
    groups: Vec<Group>,
}

/// Assignments with the time from which they gave their service plans.
type Dated = Vec<(Held, Timestamp)>;

impl Build {
    fn wrong<T>(&self, path: impl Into<String>, problem: impl Into<String>) -> Result<T, Unusable> {
        Err(Unusable::new(&self.lines, path, problem))
    }

    /// The accounts, without their licenses.
    fn people(&mut self, blocks: &[(String, UserBlock)], country: &str) -> Result<(), Unusable> {
        for (path, block) in blocks {
            let id = block.id.unwrap_or_else(|| UserId(id_of("user", &block.upn)));
            let named = self.people.upns.insert(block.upn.to_lowercase(), id);
            let user = account(block, id, country);
            if named.is_some() || self.people.users.insert(id, user).is_some() {
                return self.wrong(path, format!("the user `{}` is there twice", block.upn));
            }
        }
        Ok(())
    }

    /// The groups, first without members, because groups can be members of groups.
    fn groups(&mut self, blocks: &[GroupBlock], generated: &[Generated]) -> Result<(), Unusable> {
        for (at, block) in blocks.iter().enumerate() {
            let path = format!("groups[{at}]");
            let group = self.group(block, &path)?;
            if self.groups.iter().any(|other| other.id == group.id) {
                let problem = format!("two groups have the id {}; give one of them an `id`", group.id);
                return self.wrong(path, problem);
            }
            self.groups.push(group);
        }
        for (at, block) in blocks.iter().enumerate() {
            let mut members = self.members(block, &format!("groups[{at}]"))?;
            members.extend(generated.iter().flat_map(|generated| generated.members_of(&block.name)));
            self.groups[at].members = Arc::new(members);
        }
        for name in generated.iter().filter_map(|generated| generated.block.group.as_ref()) {
            if !self.groups.iter().any(|group| group.name == *name) {
                return self.wrong("generate", format!("there is no group `{name}`"));
            }
        }
        Ok(())
    }

    fn group(&self, block: &GroupBlock, path: &str) -> Result<Group, Unusable> {
        let mut licenses = BTreeMap::new();
        for (at, CarriedBlock { license, off }) in block.licenses.iter().enumerate() {
            let (sku, off) = self.license(license, off, &format!("{path}.licenses[{at}]"))?;
            licenses.insert(sku, off);
        }
        Ok(Group {
            id: block.id.unwrap_or_else(|| GroupId(id_of("group", &block.name))),
            name: block.name.clone(),
            description: block.description.clone(),
            processing: (!licenses.is_empty()).then_some(Processing::Complete),
            licenses,
            members: Arc::default(),
            crowd: None,
            left: Arc::default(),
            changes: 0,
            has_moved: false,
            deleted: false,
            restricted: block.restricted,
            unreadable: block.unreadable,
        })
    }

    fn members(&self, block: &GroupBlock, path: &str) -> Result<Vec<Member>, Unusable> {
        let mut members = Vec::new();
        for (at, name) in block.members.iter().enumerate() {
            let member = match self.user_named(name) {
                Some(id) => Member::User(id),
                None => Member::Group(self.group_named(name, &format!("{path}.members[{at}]"))?.id),
            };
            members.push(member);
        }
        for other in &block.other_members {
            members.push(Member::Other(id_of("member", &other.name), other.clone()));
        }
        Ok(members)
    }

    /// The people who are described. Groups that have some of them as members are told.
    fn population(
        &mut self,
        block: PopulationBlock,
        seed: Seed,
        organization: &Organization,
    ) -> Result<Arc<Population>, Unusable> {
        let mut groups = Vec::new();
        for (name, share) in &block.groups {
            let group = self.group_named(name, "population.groups")?;
            groups.push((group.id, Source::of(group), *share));
        }
        let population = match Population::new(block, seed, organization, &self.shelf, groups) {
            Ok(population) => Arc::new(population),
            Err(problem) => return self.wrong("population", problem),
        };
        let twice = self
            .people
            .upns
            .iter()
            .find(|(upn, id)| population.by_upn(upn).is_some() || population.by_id(**id).is_some());
        if let Some((upn, _)) = twice {
            return self.wrong("population", format!("the user `{upn}` is there twice"));
        }
        for group in &mut self.groups {
            group.crowd = Crowd::of(&population, group.id);
        }
        Ok(population)
    }

    fn user_named(&self, name: &str) -> Option<UserId> {
        let by_id = || name.parse().ok().filter(|id| self.people.users.contains_key(id));
        self.people.upns.get(&name.to_lowercase()).copied().or_else(by_id)
    }

    fn group_named(&self, name: &str, path: &str) -> Result<&Group, Unusable> {
        let id: Option<GroupId> = name.parse().ok();
        let mut found = self.groups.iter().filter(|group| group.name == *name || Some(group.id) == id);
        match (found.next(), found.next()) {
            (Some(group), None) => Ok(group),
            (Some(_), Some(_)) => self.wrong(path, format!("several groups are called `{name}`; use the id")),
            (None, _) => self.wrong(path, format!("there is no user and no group `{name}`")),
        }
    }

    /// A license that the tenant owns and the ids of its service plans that are off.
    fn license(
        &self,
        name: &str,
        off: &[String],
        path: &str,
    ) -> Result<(SkuId, BTreeSet<ServicePlanId>), Unusable> {
        let Some(owned) = self.shelf.find(name) else {
            return self.wrong(path, format!("the tenant owns no license `{name}`; add it to `licenses`"));
        };
        let mut ids = BTreeSet::new();
        for plan in off {
            // An id that the license does not list may be what is left of an older list (GRAPH 4.2).
            let Some(id) = owned.plan(plan).or_else(|| plan.parse().ok()) else {
                let problem = format!("`{plan}` is not a service plan of {}", owned.part_number);
                return self.wrong(format!("{path}.off"), problem);
            };
            ids.insert(id);
        }
        Ok((owned.id, ids))
    }

    /// The users with their licenses.
    fn users(
        &mut self,
        blocks: &[(String, UserBlock)],
        groups: &[GroupBlock],
    ) -> Result<BTreeMap<UserId, User>, Unusable> {
        let mut memberships: BTreeMap<UserId, Vec<usize>> = BTreeMap::new();
        for (at, group) in self.groups.iter().enumerate().filter(|(_, group)| !group.licenses.is_empty()) {
            for user in group.listed() {
                memberships.entry(user).or_default().push(at);
            }
        }
        let mut users = std::mem::take(&mut self.people.users);
        let mut shared = SharedPlans::default();
        for (path, block) in blocks {
            let id = self.people.upns[&block.upn.to_lowercase()];
            let user = users.get_mut(&id).expect("each block made an account");
            let mut held = self.direct(block, path)?;
            for at in memberships.get(&id).into_iter().flatten() {
                held.extend(self.inherited(block, &self.groups[*at], groups[*at].since));
            }
            self.specials(user, block, &mut held, path)?;
            user.held = held.iter().map(|(held, _)| held.clone()).collect();
            user.plans = Plans::new(shared.plans(user, &self.shelf, &held));
            self.assigned_plans(user, &block.assigned_plans, path)?;
        }
        Ok(users)
    }

    fn direct(&self, block: &UserBlock, path: &str) -> Result<Dated, Unusable> {
        let mut dated = Vec::new();
        for (at, held) in block.licenses.iter().enumerate() {
            let path = format!("{path}.licenses[{at}]");
            let HeldBlock { license, off, state, error, since, updated } = held;
            let (sku, disabled) = self.license(license, off, &path)?;
            if dated.iter().any(|(held, _): &(Held, _)| held.sku == sku) {
                return self.wrong(path, format!("{license} is assigned twice; a user has one direct one"));
            }
            let since = since.or(block.since).unwrap_or_else(long_ago);
            let state = state.unwrap_or(error_state(error.is_some()));
            let updated = updated.unwrap_or(Some(since));
            dated.push((Held { sku, by: None, disabled, state, error: *error, updated }, since));
        }
        Ok(dated)
    }

    fn inherited(&self, block: &UserBlock, group: &Group, group_since: Option<Timestamp>) -> Dated {
        let since = block.since.or(group_since).unwrap_or_else(long_ago);
        let held = |(sku, off): (&SkuId, &BTreeSet<ServicePlanId>)| Held {
            sku: *sku,
            by: Some(group.id),
            disabled: off.clone(),
            state: AssignmentState::Active,
            error: None,
            updated: Some(since),
        };
        group.licenses.iter().map(|license| (held(license), since)).collect()
    }

    /// What is special about inherited assignments, now or with a later change of the group.
    fn specials(
        &self,
        user: &mut User,
        block: &UserBlock,
        held: &mut Dated,
        path: &str,
    ) -> Result<(), Unusable> {
        for (at, special) in block.inherited.iter().enumerate() {
            let path = format!("{path}.inherited[{at}]");
            let InheritedBlock { group, license, state, error, from_change, since, updated } = special;
            let group = self.group_named(group, &path)?.id;
            let sku =
                license.as_ref().map(|name| self.license(name, &[], &path)).transpose()?.map(|(sku, _)| sku);
            let state = state.unwrap_or(error_state(error.is_some()));
            if *from_change > 0 {
                let change = *from_change;
                user.to_come.push(ErrorToCome { group, sku, change, state, error: *error });
            }
            let mut found = false;
            for (held, date) in held.iter_mut().filter(|(held, _)| held.by == Some(group)) {
                if sku.is_some_and(|sku| sku != held.sku) {
                    continue;
                }
                found = true;
                if *from_change == 0 {
                    (held.state, held.error) = (state, *error);
                }
                *date = since.unwrap_or(*date);
                held.updated = updated.unwrap_or(Some(*date));
            }
            if !found {
                return self.wrong(path, "the user has no such license from that group");
            }
        }
        Ok(())
    }

    /// `assignedPlans` where the file says something else than the assignments.
    fn assigned_plans(
        &self,
        user: &mut User,
        blocks: &[AssignedPlanBlock],
        path: &str,
    ) -> Result<(), Unusable> {
        let mut plans: Vec<Provisioned> = user.plans.iter().collect();
        let mut replaced = BTreeMap::new();
        for (at, AssignedPlanBlock { plan: name, status, since }) in blocks.iter().enumerate() {
            let owned = self.shelf.0.values().find_map(|owned| owned.plan(name));
            let Some(plan) = owned.or_else(|| name.parse().ok()) else {
                let problem = format!("no license of the tenant has a service plan `{name}`");
                return self.wrong(format!("{path}.assignedPlans[{at}]"), problem);
            };
            let before = replaced.entry(plan).or_insert_with(|| {
                let before = plans.iter().find(|entry| entry.plan == plan).and_then(|entry| entry.since);
                plans.retain(|entry| entry.plan != plan);
                before
            });
            let since = since.unwrap_or(*before);
            if let Some(status) = status.unwrap_or(Some(Capability::Enabled)) {
                plans.push(Provisioned { plan, since, status });
            }
        }
        if !blocks.is_empty() {
            user.plans.replace(plans);
        }
        Ok(())
    }
}

/// An account without licenses.
fn account(block: &UserBlock, id: UserId, country: &str) -> User {
    User {
        id,
        upn: block.upn.clone(),
        name: block.name.clone().unwrap_or_else(|| name_from(&block.upn)),
        usage_location: block.usage_location.clone().unwrap_or_else(|| Some(country.to_owned())),
        enabled: block.enabled,
        guest: block.guest,
        department: block.department.clone(),
        job_title: block.job_title.clone(),
        synced: block.synced,
        restricted: block.restricted,
        unreadable: block.unreadable,
        held: Vec::new(),
        plans: Plans::default(),
        to_come: Vec::new(),
        deleted: None,
    }
}

/// `adele.vance@contoso.com` is Adele Vance.
fn name_from(upn: &str) -> String {
    let words = upn.split('@').next().unwrap_or(upn).split(['.', '_', '-']);
    let capitals = words.filter(|word| !word.is_empty()).map(|word| {
        let mut letters = word.chars();
        letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect::<String>()
    });
    capitals.collect::<Vec<_>>().join(" ")
}

fn error_state(error: bool) -> AssignmentState {
    if error { AssignmentState::Error } else { AssignmentState::Active }
}

fn long_ago() -> Timestamp {
    LONG_AGO.parse().expect("a constant time")
}

/// Assignments in force, as far as they decide about service plans: license, what is off, since.
type Sources = Vec<(SkuId, BTreeSet<ServicePlanId>, Timestamp)>;

/// Equal lists of `assignedPlans` are made and kept once: an E5 user has 86 of them, a big tenant
/// has hundreds of thousands of equal users.
#[derive(Default)]
struct SharedPlans(BTreeMap<Sources, Arc<Vec<Provisioned>>>);

impl SharedPlans {
    /// What the assignments give, each since the first assignment that gives it.
    fn plans(&mut self, user: &User, shelf: &Shelf, held: &Dated) -> Arc<Vec<Provisioned>> {
        let in_force = held.iter().filter(|(held, _)| held.in_force());
        let sources = in_force.map(|(held, since)| (held.sku, held.disabled.clone(), *since)).collect();
        let made = self.0.entry(sources).or_insert_with_key(|sources| {
            let given = user.given(shelf).into_iter();
            let entry = |(plan, status)| Provisioned { plan, since: first(plan, sources, shelf), status };
            Arc::new(given.map(entry).collect())
        });
        Arc::clone(made)
    }
}

/// When the first of these assignments began to give that service plan.
fn first(plan: ServicePlanId, sources: &Sources, shelf: &Shelf) -> Option<Timestamp> {
    let gives = |sku: &SkuId| shelf.get(*sku).is_some_and(|owned| owned.plans.contains_key(&plan));
    let giving = sources.iter().filter(|(sku, off, _)| gives(sku) && !off.contains(&plan));
    giving.map(|(_, _, since)| *since).min()
}

#[cfg(test)]
mod tests {
    use super::super::testing::{self, AUDITING, E5, TENANT};
    use super::*;

    fn problem(rest: &str) -> String {
        Tenant::read(&format!("{TENANT}{rest}")).expect_err("unusable").to_string()
    }

    #[test]
    fn members_inherit_what_their_group_carries() {
        let tenant = testing::tenant(
            "licenses: [SPE_E5]\nusers: [a@contoso.com, b@contoso.com]\ngroups:\n  - name: Legal\n    \
             licenses: [{license: SPE_E5, off: [M365_ADVANCED_AUDITING]}]\n    members: [A@contoso.com]\n",
        );
        let held = &testing::user(&tenant, "a@contoso.com").held;
        assert_eq!((held.len(), held[0].sku, held[0].is_direct()), (1, E5, false));
        assert!(held[0].disabled.contains(&AUDITING));
        assert!(testing::user(&tenant, "b@contoso.com").held.is_empty());
    }

    #[test]
    fn members_of_a_nested_group_inherit_nothing() {
        let tenant = testing::tenant(
            "licenses: [SPE_E5]\nusers: [a@contoso.com]\ngroups:\n  - {name: Inner, members: [a@contoso.com]}\n  \
             - {name: Outer, licenses: [SPE_E5], members: [Inner]}\n",
        );
        assert!(testing::user(&tenant, "a@contoso.com").held.is_empty());
    }

    #[test]
    fn a_name_that_leads_nowhere_is_an_error_with_path_and_line() {
        let problem = problem("licenses: [SPE_E5]\nusers:\n  - upn: a@contoso.com\n    licenses: [SPE_E3]\n");
        assert_eq!(
            problem,
            "line 5, users[0].licenses[0]: the tenant owns no license `SPE_E3`; add it to `licenses`"
        );
    }

    #[test]
    fn an_unknown_license_says_which_are_known() {
        assert!(problem("licenses: [SPE_E6]\n").contains("known are SPE_E5"));
    }

    #[test]
    fn an_id_that_the_license_does_not_list_is_kept() {
        let stale = "11111111-1111-4111-8111-111111111111";
        let tenant = testing::tenant(&format!(
            "licenses: [SPE_E5]\nusers: [{{upn: a@contoso.com, licenses: [{{license: SPE_E5, off: [{stale}]}}]}}]\n"
        ));
        let stale = stale.parse().expect("a GUID");
        assert!(testing::user(&tenant, "a@contoso.com").held[0].disabled.contains(&stale));
    }

    #[test]
    fn generated_users_have_the_asked_share_off() {
        let tenant =
            testing::tenant("licenses: [SPE_E5]\ngenerate: {users: 200, license: SPE_E5, off: 5%}\n");
        let off = tenant.users().filter(|user| user.held[0].disabled.contains(&AUDITING)).count();
        assert_eq!((tenant.users().count(), off), (200, 10));
    }

    #[test]
    fn what_a_name_is_made_of() {
        assert_eq!(name_from("adele.vance@contoso.com"), "Adele Vance");
    }

    #[test]
    fn every_example_is_a_tenant() {
        let folders = std::fs::read_dir("examples").expect("the examples");
        let files = folders.map(|folder| folder.expect("a folder").path().join("tenant.yaml"));
        for file in files.filter(|file| file.exists()) {
            let text = std::fs::read_to_string(&file).expect("a text");
            Tenant::read(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        }
    }

    #[test]
    fn the_organization_has_as_many_people_as_its_story_says() {
        let text = std::fs::read_to_string("examples/organization/tenant.yaml").expect("the example");
        let tenant = Tenant::read(&text).expect("usable");
        let has =
            |sku: SkuId| tenant.shelf().get(sku).is_some_and(|owned| owned.plans.contains_key(&AUDITING));
        let licensed = || tenant.users().filter(|user| user.held.iter().any(|held| has(held.sku)));
        let off = licensed().filter(|user| !user.given(tenant.shelf()).contains_key(&AUDITING));
        assert_eq!((licensed().count(), off.count()), (120, 9 + 30 + 3));
    }
}
