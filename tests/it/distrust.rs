//! What a server may send instead of what Graph sends: each is handled, or makes the plan say that it
//! does not know. None ends in a wrong change.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;

use advaudit::clock::Clock;
use advaudit::diag::Source;
use advaudit::graph::transport::{HowLost, Lost, Request, Response, Sending, Transport};
use advaudit::graph::{Client, Failure, Reader, Root, Token};
use advaudit::manifest;
use advaudit::manifest::declared::Select;
use advaudit::model::Timestamp;
use advaudit::observe::collect;
use advaudit::observe::observed::Observed;
use advaudit::observe::reading::Knows;
use advaudit::observe::selection::{Listing, Selection};
use serde_json::{Value, json};

const E5: &str = "06ebc4ee-1bb5-47dd-8120-11324bc54e06";
const AUDITING: &str = "2f442157-a11c-46b9-ae5b-6e39ff4e5849";
const TENANT: &str = "c0450000-0000-4000-8000-000000000001";

/// Answers a listing of users from a script, and everything else as a tenant with one license does.
struct Server {
    pages: RefCell<VecDeque<(u16, Value)>>,
    asked: RefCell<Vec<String>>,
    /// How many users hold the license, as the license says.
    holders: Option<u64>,
    /// Whom a group could not give it.
    in_error: Vec<Value>,
}

const LEGAL: &str = "bbbbbbbb-0000-4000-8000-000000000001";

impl Transport for Server {
    fn send(&self, request: Request) -> Sending<'_> {
        let path = request.uri().path().to_owned();
        self.asked.borrow_mut().push(path.clone());
        let (status, body) = match path.as_str() {
            "/v1.0/organization" => {
                (200, json!({ "value": [{ "id": TENANT, "verifiedDomains": [{ "name": "contoso.com" }] }] }))
            }
            "/v1.0/subscribedSkus" => (
                200,
                json!({ "value": [{
                "skuId": E5, "skuPartNumber": "SPE_E5", "capabilityStatus": "Enabled",
                "consumedUnits": self.holders,
                "servicePlans": [{ "servicePlanId": AUDITING, "provisioningStatus": "Success" }]
            }] }),
            ),
            "/v1.0/groups" if self.holders.is_some() => (200, json!({ "value": [{ "id": LEGAL }] })),
            path if path.ends_with("/membersWithLicenseErrors") => (200, json!({ "value": self.in_error })),
            "/v1.0/users" => self.pages.borrow_mut().pop_front().unwrap_or((503, Value::Null)),
            _ => (503, Value::Null),
        };
        Box::pin(async move {
            let answer: Result<Response, _> =
                http::Response::builder().status(status).body(body.to_string().into_bytes());
            answer.map_err(|error| Lost { reason: error.to_string(), how: HowLost::NoAnswer })
        })
    }
}

fn user(id: u32, disabled: &[&str]) -> Value {
    json!({
        "id": format!("aaaaaaaa-0000-4000-8000-{id:012}"), "userPrincipalName": format!("user{id}@contoso.com"),
        "usageLocation": "CH", "licenseAssignmentStates": [{
            "skuId": E5, "disabledPlans": disabled, "assignedByGroup": null, "state": "Active"
        }]
    })
}

fn page(users: &[Value], next: Option<&str>) -> (u16, Value) {
    let link = next.map(|next| format!("https://graph.microsoft.com/v1.0/users?$skiptoken={next}"));
    (200, json!({ "value": users, "@odata.nextLink": link }))
}

/// Reads what `manifest` needs from a server that lists its users so.
async fn collected(
    manifest: &str,
    pages: impl IntoIterator<Item = (u16, Value)>,
) -> (Result<Observed, Failure>, Rc<Server>, i64) {
    let server = Server {
        pages: RefCell::new(pages.into_iter().collect()),
        asked: RefCell::default(),
        holders: None,
        in_error: Vec::new(),
    };
    collected_from(server, manifest).await
}

async fn collected_from(server: Server, manifest: &str) -> (Result<Observed, Failure>, Rc<Server>, i64) {
    let text = format!("apiVersion: advaudit/v1\ntenant: contoso.com\n{manifest}");
    let clock = Clock::starting_at(Timestamp::UNIX_EPOCH);
    let (declared, _) = manifest::read(Arc::new(Source::new("m.yaml", text)), clock.now()).unwrap();
    let server = Rc::new(server);
    let root = Root::parse("https://graph.microsoft.com").unwrap();
    let client = Client::new(server.clone(), root, Rc::new(Token::new("s3cret").unwrap()), clock.clone());
    let reader = Reader::new(client);
    let work = async {
        let tenant = collect::tenant(&reader).await?;
        collect::collect(&reader, &declared, tenant, Knows::only(&Default::default()), &clock).await
    };
    let outcome = clock.drive(work).await;
    (outcome, server, clock.now().as_second())
}

fn everybody(observed: &Observed) -> &Listing {
    let Selection::Read(listing) = &observed.selections[&Select::AllLicensed] else { panic!("{observed:?}") };
    listing
}

const EVERYBODY: &str = "users: [{all: licensed}]\n";

#[tokio::test]
async fn a_user_who_comes_twice_in_two_ways_is_not_selected_and_the_others_are() {
    let pages =
        [page(&[user(1, &[]), user(2, &[])], Some("x")), page(&[user(2, &[]), user(1, &[AUDITING])], None)];
    let (observed, ..) = collected(EVERYBODY, pages).await;
    let observed = observed.unwrap();
    let listing = everybody(&observed);
    assert_eq!((listing.unreadable, listing.disputed, listing.total, listing.ids.len()), (0, 1, 2, 1));
    let upns: Vec<&str> = observed.users.values().map(|user| user.upn.as_str()).collect();
    assert_eq!(upns, ["user2@contoso.com"]);
}

/// A user whose license is in error, by itself or from a group.
fn in_error(id: u32, by: Option<&str>) -> Value {
    let mut user = user(id, &[]);
    let state = &mut user["licenseAssignmentStates"][0];
    (state["state"], state["error"], state["assignedByGroup"]) =
        ("Error".into(), "CountViolation".into(), by.into());
    user
}

#[tokio::test]
async fn a_list_of_holders_that_shows_far_fewer_than_hold_the_license_is_not_believed() {
    for holders in [vec![], vec![user(7, &[AUDITING])]] {
        let pages = [page(&holders, None), page(&[user(1, &[AUDITING]), user(2, &[])], None)];
        let server = Server {
            pages: RefCell::new(pages.into()),
            asked: RefCell::default(),
            holders: Some(5_000),
            in_error: vec![in_error(3, Some(LEGAL))],
        };
        let (observed, ..) = collected_from(server, EVERYBODY).await;
        let observed = observed.unwrap();
        assert_eq!(everybody(&observed).total, 2, "everybody was asked for");
        assert_eq!(everybody(&observed).ids.len(), 2);
    }
}

#[tokio::test]
async fn whom_a_group_could_not_give_a_license_is_asked_for_unless_the_list_shows_such_people() {
    for (by, told) in [(None, 1_002), (Some(LEGAL), 1_001)] {
        let mut holders: Vec<Value> = (0..1_000).map(|id| user(id, &[])).collect();
        holders.push(in_error(5_000, by));
        let server = Server {
            pages: RefCell::new([page(&holders, None)].into()),
            asked: RefCell::default(),
            holders: Some(1_000),
            in_error: vec![in_error(6_000, Some(LEGAL))],
        };
        let (observed, ..) = collected_from(server, EVERYBODY).await;
        assert_eq!(everybody(&observed.unwrap()).ids.len(), told, "one in error by {by:?} is shown");
    }
}

#[tokio::test]
async fn after_an_expired_link_nobody_of_before_counts() {
    let expired = (400, json!({ "error": { "code": "Directory_ExpiredPageToken", "message": "expired" } }));
    let pages = [
        page(&[user(1, &[AUDITING])], Some("x")),
        expired,
        page(&[user(2, &[])], Some("y")),
        page(&[], None),
    ];
    let (observed, server, _) = collected(EVERYBODY, pages).await;
    let observed = observed.unwrap();
    let listing = everybody(&observed);
    assert_eq!((listing.unreadable, listing.disputed, listing.total, listing.ids.len()), (0, 0, 1, 1));
    assert_eq!(observed.users.len(), 1);
    assert_eq!(server.asked.borrow().iter().filter(|path| *path == "/v1.0/users").count(), 4);
}

#[tokio::test]
async fn a_list_that_breaks_in_the_middle_selects_nobody() {
    let pages = [page(&[user(1, &[AUDITING])], Some("x")), (200, json!("not a page"))];
    let (observed, _, seconds) = collected(EVERYBODY, pages).await;
    assert!(matches!(observed.unwrap().selections[&Select::AllLicensed], Selection::Incomplete(_)));
    assert!(seconds < 600, "{seconds}");
}

#[tokio::test]
async fn a_tenant_that_is_down_ends_the_reading_of_a_hundred_groups_soon() {
    let groups: Vec<String> = (0..100).map(|at| format!("Group {at}")).collect();
    let (observed, server, seconds) = collected(&format!("groups: {groups:?}\n"), []).await;
    let failure = observed.expect_err("down");
    assert!(matches!(failure, Failure::Unavailable(_)), "{failure}");
    assert!(seconds < 600 && server.asked.borrow().len() < 40, "{seconds} s");
}

#[tokio::test]
async fn a_tenant_that_is_down_ends_the_reading_of_ten_thousand_users_soon() {
    let users: String = (0..10_000).map(|at| format!("  - user{at}@contoso.com\n")).collect();
    let (observed, server, seconds) = collected(&format!("users:\n{users}"), []).await;
    assert_eq!(observed.unwrap().user_keys.len(), 10_000, "each of them unread");
    assert!(seconds < 600 && server.asked.borrow().len() < 40, "{seconds} s");
}
