//! A simulated tenant seen past advaudit: asked as any Graph client would ask it.

use std::collections::{BTreeMap, BTreeSet};

use advaudit::model::Timestamp;
use advaudit::sandbox::{Ask, Tenant};
use serde_json::Value;

/// The service plan, as Graph writes its id.
pub const AUDITING: &str = "2f442157-a11c-46b9-ae5b-6e39ff4e5849";

/// One way in which somebody holds a license: the license, and the group or `direct`.
pub type Way = (String, String);

/// Everybody's assignments: UPN, way, the service plans that are off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct People(pub BTreeMap<String, BTreeMap<Way, Held>>);

/// An assignment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    pub state: String,
    pub off: BTreeSet<String>,
}

impl People {
    /// Reads all pages of users.
    pub fn of(tenant: &mut Tenant, now: Timestamp) -> People {
        let first = "/v1.0/users?$select=userPrincipalName,licenseAssignmentStates&$top=999";
        let mut people = BTreeMap::new();
        let mut next = Some(first.to_owned());
        while let Some(path) = next {
            let page = get(tenant, &path, now);
            for user in page["value"].as_array().expect("a page") {
                people.insert(text(&user["userPrincipalName"]), held(user));
            }
            let link = page.get("@odata.nextLink").map(text);
            next = link.map(|link| link.replace("https://graph.microsoft.com", ""));
        }
        People(people)
    }

    /// Whether somebody has the service plan through any assignment that is in force.
    #[track_caller]
    pub fn is_on(&self, upn: &str) -> bool {
        let own = self.0.get(upn).unwrap_or_else(|| panic!("{upn} is not in the tenant"));
        let e5 = |way: &Way| WITH_THE_PLAN.contains(&way.0.as_str());
        own.iter().any(|(way, held)| e5(way) && held.state == "Active" && !held.off.contains(AUDITING))
    }

    /// The same people without a word about the service plan: what must never change.
    pub fn beside_the_service_plan(&self, gone: &[&str]) -> People {
        let mut people = self.clone();
        for held in people.0.values_mut().flat_map(BTreeMap::values_mut) {
            held.off.retain(|id| id != AUDITING && !gone.contains(&id.as_str()));
        }
        people
    }
}

/// SPE_E5, ENTERPRISEPREMIUM, INFORMATION_PROTECTION_COMPLIANCE.
const WITH_THE_PLAN: [&str; 3] = [
    "06ebc4ee-1bb5-47dd-8120-11324bc54e06",
    "c7df2760-2c81-4ef7-b578-5b5392b571df",
    "184efa21-98c3-4e5d-95ab-d07053a96e67",
];

fn held(user: &Value) -> BTreeMap<Way, Held> {
    let states = user["licenseAssignmentStates"].as_array().expect("a list");
    let one = |state: &Value| {
        let by = state["assignedByGroup"].as_str().unwrap_or("direct").to_owned();
        let off = state["disabledPlans"].as_array().expect("a list").iter().map(text).collect();
        ((text(&state["skuId"]), by), Held { state: text(&state["state"]), off })
    };
    states.iter().map(one).collect()
}

fn get(tenant: &mut Tenant, path: &str, now: Timestamp) -> Value {
    let ask = Ask {
        method: "GET".to_owned(),
        origin: "https://graph.microsoft.com".to_owned(),
        path_and_query: path.to_owned(),
        headers: vec![("Authorization".to_owned(), "Bearer any".to_owned())],
        body: Vec::new(),
    };
    tenant.set_faults(advaudit::sandbox::Faults::none());
    tenant.set_weather(advaudit::sandbox::Weather::calm());
    let answer = tenant.handle(&ask, now);
    let body = String::from_utf8_lossy(&answer.body).into_owned();
    assert_eq!(answer.status, 200, "GET {path}: {body}");
    serde_json::from_str(&body).expect("JSON")
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("a text instead of {value}")).to_owned()
}
