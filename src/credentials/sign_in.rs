//! Signing in by the chosen way: one request for one token, through `azure_identity`.
//!
//! A new credential of the library for every request, so that its cache, which cannot be emptied and
//! goes by the wall clock, never answers: [`Renewed`] is the cache. The library's retries are off, for
//! the same reason: whoever waits is told of it here.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

use azure_core::cloud::{CloudConfiguration, CustomConfiguration};
use azure_core::credentials::{AccessToken, Secret as SdkSecret, TokenCredential};
use azure_core::http::{ClientMethodOptions, ClientOptions, RetryOptions, Transport};
use azure_identity::{
    AzureCliCredential, AzureCliCredentialOptions, AzurePipelinesCredential, AzurePipelinesCredentialOptions,
    ClientAssertion, ClientAssertionCredential, ClientAssertionCredentialOptions, ClientSecretCredential,
    ClientSecretCredentialOptions, ManagedIdentityCredential, ManagedIdentityCredentialOptions,
    UserAssignedId,
};

use super::authority::Authority;
use super::carrier::{Carrier, Party};
use super::certificate::{BadCertificate, Certificate};
use super::choice::{ACCESS_TOKEN, Application, Choice, Proof};
use super::federated::{self, Presented};
use super::refusal::{Asker, NotFetched, one_line};
use super::renewed::{Fetch, Fetched, Fetching, Renewed};
use super::secret::{Known, Secret};
use super::wires::Wires;
use crate::clock::Clock;
use crate::graph::{Claims, Cloud, NoToken, Observer, Token, TokenSource};
use crate::model::{SignedDuration, Timestamp};

/// Whatever is asked (a program, a machine that repeats by itself) has answered by then.
const ONE_REQUEST: SignedDuration = SignedDuration::from_secs(30);
/// Asked without the header that each real request has to have, so that it is refused.
const PROBE_URL: &str = "http://169.254.169.254/metadata/identity/oauth2/token?api-version=2018-02-01";

/// All that signing in depends on.
pub struct Setting {
    /// By which way, with all it needs.
    pub choice: Choice,
    /// Who gives tokens to applications.
    pub authority: Authority,
    /// The cloud, for the scope.
    pub cloud: Cloud,
    /// How whoever gives tokens is reached.
    pub wires: Wires,
    /// What waits.
    pub clock: Clock,
    /// Is told of each wait.
    pub observer: Observer,
    /// Is told, once, as whom we are signed in.
    pub say: Rc<dyn Fn(&str)>,
}

/// Gets tokens by one way.
pub struct SignIn {
    choice: RefCell<Choice>,
    authority: Authority,
    scope: String,
    audience: &'static str,
    clock: Clock,
    wires: Wires,
    known: Arc<Known>,
    say: Rc<dyn Fn(&str)>,
    has_said: Cell<bool>,
}

impl Setting {
    /// The tokens of that way. A file that cannot be used is told at once; nobody is asked yet.
    pub fn tokens(self) -> Result<Rc<dyn TokenSource>, String> {
        let Setting { choice, authority, cloud, wires, clock, observer, say } = self;
        if let Choice::Token(token) = &choice {
            say(&format!("signed in with the access token in {ACCESS_TOKEN}"));
            return Ok(Rc::new(token.clone()));
        }
        choice.usable()?;
        let sign_in = SignIn {
            choice: RefCell::new(choice),
            authority,
            scope: cloud.scope(),
            audience: cloud.federation_audience(),
            clock: clock.clone(),
            wires,
            known: Arc::default(),
            say,
            has_said: Cell::new(false),
        };
        Ok(Rc::new(Renewed::new(Box::new(sign_in), clock, observer)))
    }
}

impl Choice {
    /// A file that cannot be used is wrong whoever is signed in to.
    pub fn usable(&self) -> Result<(), String> {
        let Choice::Application(_, Proof::Certificate(path)) = self else { return Ok(()) };
        let told = |bad: BadCertificate| format!("AZURE_CLIENT_CERTIFICATE_PATH: {} {bad}", path.display());
        Certificate::read(path).map(drop).map_err(told)
    }
}

impl Fetch for SignIn {
    fn fetch<'a>(&'a self, claims: Option<&'a Claims>) -> Fetching<'a> {
        Box::pin(async move {
            let choice = self.choice.borrow().clone();
            let (fetched, choice) = match choice {
                Choice::Unnamed { tenant } => self.unnamed(tenant).await?,
                choice => (self.by(&choice, claims).await?, choice),
            };
            if !self.has_said.replace(true) {
                (self.say)(&self.known.scrub(&signed_in(&choice)));
            }
            *self.choice.borrow_mut() = choice;
            Ok(fetched)
        })
    }

    fn stale(&self, claims: bool) -> NoToken {
        let (who, hint) = match &*self.choice.borrow() {
            Choice::AzureCli { .. } => ("the Azure CLI", "sign in again: `az logout`, then `az login`"),
            Choice::ManagedIdentity { .. } => (
                "the managed identity's endpoint",
                "it keeps tokens for up to a day: is the identity still enabled?",
            ),
            Choice::Token(_) | Choice::Application(..) | Choice::Unnamed { .. } => (
                "the login authority",
                "is the application still enabled in the tenant, and is this its cloud?",
            ),
        };
        let wanted = if claims {
            "; Graph wants one with further claims, which cannot be asked for by this way"
        } else {
            ""
        };
        NoToken::Refused {
            reason: format!("{who} gives the token again that Graph has refused{wanted}"),
            hint: Some(hint.to_owned()),
            request_id: None,
        }
    }

    fn scrub(&self, text: &str) -> String {
        self.known.scrub(text)
    }
}

impl SignIn {
    /// The machine's identity where there is one, else the Azure CLI.
    async fn unnamed(&self, tenant: Option<String>) -> Result<(Fetched, Choice), NotFetched> {
        let machine = Choice::ManagedIdentity { client: None };
        if self.is_on_azure().await
            && let Ok(fetched) = self.by(&machine, None).await
        {
            return Ok((fetched, machine));
        }
        let cli = Choice::AzureCli { tenant };
        match self.by(&cli, None).await {
            Ok(fetched) => Ok((fetched, cli)),
            Err(NotFetched::Refused { reason, .. } | NotFetched::Lost { reason, .. }) => {
                Err(NotFetched::refused(
                    format!(
                        "the environment names no credentials, no managed identity answers here, and {reason}"
                    ),
                    Some(format!(
                        "set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET, or {ACCESS_TOKEN}; or run `az \
                         login`; docs/credentials.md has every way. --sandbox FILE tries a simulated tenant"
                    )),
                ))
            }
        }
    }

    /// Whether Azure's own refusal comes from where a managed identity is asked for.
    async fn is_on_azure(&self) -> bool {
        let Ok(request) = http::Request::get(PROBE_URL).body(Vec::new()) else { return false };
        let Ok(response) = self.wires.probe.carry(request).await else { return false };
        let body: serde_json::Value = serde_json::from_slice(response.body()).unwrap_or_default();
        response.status() == 400 && body.get("error").is_some()
    }

    /// One request for a token by a way that is known.
    async fn by(&self, choice: &Choice, claims: Option<&Claims>) -> Result<Fetched, NotFetched> {
        let (http, other) = match choice {
            Choice::ManagedIdentity { .. } => (&self.wires.machine, Party::Machine),
            _ => (&self.wires.http, Party::Issuer),
        };
        let known = self.known.clone();
        let carrier = Arc::new(Carrier::new(http.clone(), self.authority.clone(), other, claims, known));
        let mut asker = Asker { application: None, presented: None, scope: &self.scope };
        let credential = self.credential(choice, &carrier, &mut asker).await?;
        let scopes = [self.scope.as_str()];
        let given = tokio::select! {
            given = credential.get_token(&scopes, None) => given,
            () = self.clock.sleep(ONE_REQUEST) => {
                return Err(self.scrubbed(late(&carrier, &asker)));
            }
        };
        self.read(given, &carrier, &asker).map_err(|not| self.scrubbed(not))
    }

    /// The library's credential for that way.
    async fn credential<'a>(
        &self,
        choice: &'a Choice,
        carrier: &Arc<Carrier>,
        asker: &mut Asker<'a>,
    ) -> Result<Arc<dyn TokenCredential>, NotFetched> {
        let client_options = self.options(carrier);
        let credential: azure_core::Result<Arc<dyn TokenCredential>> = match choice {
            Choice::Application(application, proof) => {
                asker.application = Some(application);
                return self.application(application, proof, carrier, asker).await;
            }
            Choice::ManagedIdentity { client } => {
                let user_assigned_id = client.clone().map(UserAssignedId::ClientId);
                let options = ManagedIdentityCredentialOptions { user_assigned_id, client_options };
                ManagedIdentityCredential::new(Some(options)).map(|it| it as Arc<dyn TokenCredential>)
            }
            Choice::AzureCli { tenant } | Choice::Unnamed { tenant } => {
                let options = AzureCliCredentialOptions { tenant_id: tenant.clone(), ..Default::default() };
                AzureCliCredential::new(Some(options)).map(|it| it as Arc<dyn TokenCredential>)
            }
            // Never asked for here.
            Choice::Token(_) => {
                return Err(NotFetched::refused(format!("{ACCESS_TOKEN} is all there is"), None));
            }
        };
        credential.map_err(|error| self.misused(&error))
    }

    async fn application(
        &self,
        application: &Application,
        proof: &Proof,
        carrier: &Arc<Carrier>,
        asker: &mut Asker<'_>,
    ) -> Result<Arc<dyn TokenCredential>, NotFetched> {
        let Application { tenant, client, .. } = application.clone();
        let client_options = self.options(carrier);
        let shown = match proof {
            Proof::Secret(secret) => {
                self.known.learn(secret.expose());
                let options = ClientSecretCredentialOptions { client_options };
                let secret = SdkSecret::new(secret.expose().to_owned());
                let credential = ClientSecretCredential::new(&tenant, client, secret, Some(options));
                return credential
                    .map(|it| it as Arc<dyn TokenCredential>)
                    .map_err(|error| self.misused(&error));
            }
            Proof::Pipelines { connection, bearer } => {
                self.known.learn(bearer.expose());
                let bearer = SdkSecret::new(bearer.expose().to_owned());
                let credential_options = ClientAssertionCredentialOptions { client_options };
                let options = AzurePipelinesCredentialOptions { credential_options };
                let credential =
                    AzurePipelinesCredential::new(tenant, client, connection, bearer, Some(options));
                return credential
                    .map(|it| it as Arc<dyn TokenCredential>)
                    .map_err(|error| self.misused(&error));
            }
            Proof::Certificate(path) => {
                let told =
                    |bad: BadCertificate| NotFetched::refused(format!("{} {bad}", path.display()), None);
                let certificate = Certificate::read(path).map_err(told)?;
                let signed = certificate.sign(&client, &self.authority.token_url(&tenant), self.clock.now());
                signed.ok_or_else(|| told(BadCertificate::NotRsa))?
            }
            Proof::File(path) => federated::from_file(path, &self.clock).await?,
            Proof::GitHub { url, bearer } => {
                self.known.learn(bearer.expose());
                let minted = federated::from_github(carrier, url, bearer, self.audience).await;
                minted.map_err(|not| self.scrubbed(not))?
            }
        };
        self.known.learn(shown.expose());
        if !matches!(proof, Proof::Certificate(_)) {
            asker.presented = Presented::of(&shown);
        }
        let options = ClientAssertionCredentialOptions { client_options };
        let credential = ClientAssertionCredential::new(tenant, client, Shown(shown), Some(options));
        credential.map(|it| it as Arc<dyn TokenCredential>).map_err(|error| self.misused(&error))
    }

    fn options(&self, carrier: &Arc<Carrier>) -> ClientOptions {
        let mut cloud = CustomConfiguration::default();
        cloud.authority_host = self.authority.for_the_sdk();
        ClientOptions {
            transport: Some(Transport::new(carrier.clone())),
            retry: RetryOptions::none(),
            cloud: Some(Arc::new(CloudConfiguration::Custom(cloud))),
            ..ClientOptions::default()
        }
    }

    /// What came of one request.
    fn read(
        &self,
        given: azure_core::Result<AccessToken>,
        carrier: &Carrier,
        asker: &Asker<'_>,
    ) -> Result<Fetched, NotFetched> {
        let last = carrier.last();
        let given = match given {
            Ok(given) => given,
            Err(error) => {
                return Err(match last {
                    Some(Ok(seen)) => seen.judge(Some(asker)),
                    Some(Err(not)) => not,
                    None => NotFetched::refused(words(&error), None),
                });
            }
        };
        let seen = last.and_then(Result::ok);
        let Ok(token) = Token::new(given.token.secret()) else {
            let not_one = || NotFetched::refused("what was given is no access token".to_owned(), None);
            return Err(seen.map_or_else(not_one, |seen| seen.judge(Some(asker))));
        };
        self.known.learn(given.token.secret());
        // The answer says how long; only the CLI says until when, by the world's clock.
        let until = || {
            let until = Timestamp::from_second(given.expires_on.unix_timestamp()).unwrap_or(Timestamp::MAX);
            until.duration_since(self.clock.now())
        };
        let lifetime = seen.and_then(|seen| seen.expires_in()).unwrap_or_else(until);
        Ok(Fetched { token, lifetime })
    }

    /// The library does not take what it was given: a tenant that is none, for example.
    fn misused(&self, error: &azure_core::Error) -> NotFetched {
        self.scrubbed(NotFetched::refused(words(error), None))
    }

    fn scrubbed(&self, not: NotFetched) -> NotFetched {
        let scrub = |text: String| self.known.scrub(&text);
        match not {
            NotFetched::Refused { reason, hint, request_id } => NotFetched::Refused {
                reason: scrub(reason),
                hint: hint.map(scrub),
                request_id: request_id.map(scrub),
            },
            NotFetched::Lost { reason, again, retry_after, status } => {
                NotFetched::Lost { reason: scrub(reason), again, retry_after, status }
            }
        }
    }
}

/// An assertion that is there already: one request uses it once.
struct Shown(Secret);

impl std::fmt::Debug for Shown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Shown([hidden])")
    }
}

#[async_trait::async_trait]
impl ClientAssertion for Shown {
    async fn secret(&self, _: Option<ClientMethodOptions<'_>>) -> azure_core::Result<String> {
        Ok(self.0.expose().to_owned())
    }
}

/// Nothing came in time; the last thing that was seen tells more, where there is one.
fn late(carrier: &Carrier, asker: &Asker<'_>) -> NotFetched {
    match carrier.last() {
        Some(Ok(seen)) => seen.judge(Some(asker)),
        Some(Err(not)) => not,
        None => NotFetched::lost(format!("nothing came for {} s", ONE_REQUEST.as_secs())),
    }
}

/// What the library says, without its own name and the link to its manual.
fn words(error: &azure_core::Error) -> String {
    let text = error.to_string();
    let text = text.split("\nTo troubleshoot").next().unwrap_or_default();
    match text.split_once(" authentication failed.") {
        Some(("AzureCliCredential", rest)) => format!("the Azure CLI says: {}", one_line(rest)),
        Some((_, rest)) => one_line(rest),
        None => one_line(text),
    }
}

/// As whom we are signed in, and by what.
fn signed_in(choice: &Choice) -> String {
    match choice {
        Choice::Token(_) => format!("signed in with the access token in {ACCESS_TOKEN}"),
        Choice::Application(Application { tenant, client, .. }, proof) => {
            let by = match proof {
                Proof::Secret(_) => "client secret".to_owned(),
                Proof::Certificate(path) => format!("the certificate in {}", path.display()),
                Proof::File(path) => format!("the token in {}", path.display()),
                Proof::GitHub { .. } => "the id token of this GitHub job".to_owned(),
                Proof::Pipelines { connection, .. } => format!("service connection {connection}"),
            };
            format!("signed in as application {client} of tenant {tenant} by {by}")
        }
        Choice::ManagedIdentity { client: Some(client) } => {
            format!("signed in as the managed identity {client} of this machine")
        }
        Choice::ManagedIdentity { client: None } => {
            "signed in as the managed identity of this machine".to_owned()
        }
        Choice::AzureCli { tenant: Some(tenant) } | Choice::Unnamed { tenant: Some(tenant) } => {
            format!("signed in as the Azure CLI is, in tenant {tenant}")
        }
        Choice::AzureCli { tenant: None } | Choice::Unnamed { tenant: None } => {
            "signed in as the Azure CLI is".to_owned()
        }
    }
}
