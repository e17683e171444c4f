//! A tenant file for a large organization, written for people to read and change: the users are described,
//! so it is as short for a million as for a hundred.

use super::population::Share;
use super::seed::Seed;

/// What a new tenant is like.
#[derive(Clone, Copy, Debug)]
pub struct NewTenant {
    /// How many users.
    pub users: u64,
    /// Where chance comes from.
    pub seed: u64,
    /// Of the direct assignments that have the service plan: it is off in them.
    pub off: Option<Share>,
    /// Whether it has Graph's published quotas.
    pub quota: bool,
}

/// Graph's published limits for a large tenant (GRAPH 8.1).
const QUOTA: &str = "
quota: # what Graph allows one app in a large tenant
  units: {most: 8000, every: 10s}
  writes: {most: 3000, every: 150s}
";

const LICENSES_AND_GROUPS: &str = "
licenses: # without `seats`: ten more than are in use
  - SPE_E5
  - Microsoft_365_E5_(no_Teams)
  - ENTERPRISEPREMIUM
  - INFORMATION_PROTECTION_COMPLIANCE
  - SPE_E3
  - ENTERPRISEPACK
  - EXCHANGESTANDARD

groups: # how many are in them is said below
  - {name: E5 Europe, licenses: [SPE_E5]}
  - {name: E5 Americas, licenses: [SPE_E5]}
  - {name: E5 Engineering, licenses: [Microsoft_365_E5_(no_Teams)]}
  - {name: E5 Legal, licenses: [SPE_E5]}
  - {name: E5 Board, licenses: [SPE_E5]}
  - name: E5 Field Staff # when it was made, the service plan was forgotten
    licenses: [{license: SPE_E5, off: [M365_ADVANCED_AUDITING]}]
  - {name: E3 Compliance, licenses: [SPE_E3, INFORMATION_PROTECTION_COMPLIANCE]}
  - {name: E3 Staff, licenses: [SPE_E3]}
  - {name: VPN Users}
  - {name: Audit Pilot}
";

const POPULATION: &str = "  direct: # who holds which license itself, of all
    SPE_E5: 12%
    Microsoft_365_E5_(no_Teams): 2%
    ENTERPRISEPREMIUM: 3%
    SPE_E3: 18%
    ENTERPRISEPACK: 8%
    EXCHANGESTANDARD: 4%
  groups: # who is in which group, of all; nobody is in two that carry licenses
    E5 Europe: 6%
    E5 Americas: 3.5%
    E5 Engineering: 1%
    E5 Legal: 0.2%
    E5 Board: 0.02%
    E5 Field Staff: 0.5%
    E3 Compliance: 2%
    E3 Staff: 10%
    VPN Users: 35%
    Audit Pilot: 0.5%
  both: 2% # of the members of groups that carry licenses: hold the group's first one themselves as well
";

const REST: &str = "  otherOff: 15% # of the direct assignments: some other service plan is off in them
  errors: 0.3% # of the members of groups that carry licenses: could not get them
  guests: 5% # of all; they hold nothing
  disabled: 4% # of all
  synced: 70% # of all: from on-premises
  noLocation: 10% # of those without a license: no usage location
  countries: {DE: 14%, GB: 11%, FR: 8%, IN: 12%, BR: 6%, JP: 5%} # the rest is in the tenant's
  departments: {Sales: 18%, Operations: 17%, Engineering: 14%, Support: 12%, Finance: 8%, Marketing: 7%, \
                    IT: 6%, HR: 4%, Legal: 2%, Executive: 0.2%} # the rest has none
  from: 2023-03-01T00:00:00Z # licenses were assigned at some time from then on
  until: 2026-09-01T00:00:00Z # and before then
";

impl NewTenant {
    /// The text of the tenant file.
    pub fn text(self) -> String {
        let NewTenant { users, seed, off, quota } = self;
        let id = Seed(seed).guid(&["tenant"]);
        let off = off.unwrap_or(Share::per_mille(10));
        let quota = if quota { QUOTA } else { "" };
        format!(
            "# A simulated tenant of {users} users: advaudit sandbox serve FILE --port 8080
# All of it can be changed; the same text is always the same tenant.
tenant:
  id: {id}
  domain: contoso.onmicrosoft.com
  domains: [contoso.com]
  name: Contoso
seed: {seed} # another one: other people
groupProcessing: 5m # how long a change of a group takes to reach its last member
{quota}{LICENSES_AND_GROUPS}
population: # nobody is listed: who is what follows from the seed
  users: {users}
{POPULATION}  off: {off} # of the direct assignments that have the service plan: it is off in them
{REST}"
        )
    }
}
