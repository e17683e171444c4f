//! `advaudit explain`: where the state of one user or group comes from, and what would be done about it. It
//! has no way to change a license (P4).

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::connect::Connection;
use super::options::Global;
use super::{Exit, Failure, manifests};
use crate::clock::Clock;
use crate::diag::{Finding, did_you_mean};
use crate::graph::Reader;
use crate::manifest::declared::{Declared, Who};
use crate::model::{GroupId, GroupKey, SubjectId, SubjectKind, UserKey};
use crate::observe::collect::{self, Reach};
use crate::observe::observed::{Lookup, Observed, Tenant};
use crate::observe::reading::Knows;
use crate::plan::explained::Judged;
use crate::plan::narrow;
use crate::plan::resolve::resolve;
use crate::plan::running::Running;
use crate::report::human;
use crate::report::human::plan::View;
use crate::report::json::v1::common;
use crate::report::json::v1::explain::{ExplainDocument, Looked};
use crate::report::output::Format;
use crate::run::look;

/// Explain one user or group: where its state comes from, and what would be done
///
/// Shows every assignment of a license with the service plan, what each gives or hides, and what a change of
/// each would do; with a manifest also which line declares it, what would be done, and why not. Exits 0, or 1
/// when it could not be found or read.
#[derive(clap::Args)]
pub(super) struct ExplainArgs {
    /// A user principal name, an object id, or the display name of a group
    #[arg(value_name = "SUBJECT")]
    subject: String,
    /// Manifests, or folders of them
    #[arg(value_name = "MANIFEST")]
    manifests: Vec<PathBuf>,
    /// What SUBJECT is, where it could be either [default: a user, or else a group]
    #[arg(long, value_enum, value_name = "KIND")]
    kind: Option<Kind>,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Kind {
    /// A user.
    User,
    /// A group.
    Group,
}

pub(super) fn explain(args: &ExplainArgs, global: &Global) -> Result<Exit, Failure> {
    let output = global.output();
    let files = manifests::files(&args.manifests)?;
    if global.sandbox.is_none() {
        files.iter().try_for_each(|file| manifests::read_offline(file).map(drop))?;
    }
    let connection = Connection::open(global, output)?;
    let reader = Reader::new(connection.client.clone());
    let document = connection.drive(async {
        let tenant = collect::tenant(&reader).await?;
        let now = connection.clock.now();
        let running = look(&*connection.state().store(tenant.id), &tenant, now).await?;
        let declared = of_tenant(&files, &tenant, &connection)?;
        let asking = Asking { args, reader: &reader, clock: &connection.clock, running: &running };
        asking.explain(tenant, &declared).await
    })?;
    connection.tell_skew(&output);
    let view = View { style: output.style(), width: output.width(), verbose: output.verbose };
    output.result(&match output.format {
        Format::Json => common::text(&document),
        // No other format is let through to this command.
        Format::Human | Format::Markdown | Format::Sarif | Format::Junit | Format::Gitlab => {
            human::explain::render(&document, view)
        }
    });
    Ok(Exit::Done)
}

/// The manifests of that tenant. One that is named alone has to be; of several the others are left out.
fn of_tenant(files: &[PathBuf], tenant: &Tenant, connection: &Connection) -> Result<Vec<Declared>, Failure> {
    let mut all = Vec::new();
    for file in files {
        match manifests::read_for(file, tenant, connection.clock.now()) {
            Ok((declared, _)) => all.push(declared),
            Err(Failure::Manifest(wrong)) if files.len() > 1 && is_of_another(&wrong) => {
                connection.output.say(&format!("{} is for another tenant and left out", file.display()));
            }
            Err(failure) => return Err(failure),
        }
    }
    match all.is_empty() && !files.is_empty() {
        true => Err(Failure::other(
            format!("none of the manifests is for the tenant that answers, {}", tenant.domain),
            "use a token of the manifests' tenant",
        )),
        false => Ok(all),
    }
}

fn is_of_another(findings: &[Finding]) -> bool {
    findings.iter().any(|one| one.code == crate::diag::Code::WrongTenant)
}

struct Asking<'a> {
    args: &'a ExplainArgs,
    reader: &'a Reader,
    clock: &'a Clock,
    running: &'a Running,
}

impl Asking<'_> {
    async fn explain(&self, tenant: Tenant, manifests: &[Declared]) -> Result<ExplainDocument, Failure> {
        let (id, alone, mut observed) = self.subject(tenant, manifests).await?;
        let now = self.clock.now();
        let mut judged = Vec::with_capacity(manifests.len());
        for declared in manifests {
            let narrowed = self.narrowed(id, declared, &observed);
            if let Some(selectors) = narrow::selectors(&narrowed, id.user()) {
                observed = self.more(&selectors, Reach::OneUser, observed).await?;
            }
            narrow::take_selections(&mut observed, &narrowed, id.user());
            let read = narrow::to_read(&narrowed, id.user(), &observed);
            let reach = if id.user().is_some() { Reach::OneUser } else { Reach::Members };
            observed = self.more(&read, reach, observed).await?;
            narrow::take_selections(&mut observed, &narrowed, id.user());
            judged.push(self.judge(narrowed, &observed)?);
        }
        let alone = self.judge(alone, &observed)?;
        let looked =
            Looked { id, now, observed: &observed, running: self.running, manifests: &judged, alone: &alone };
        ExplainDocument::new(looked).ok_or_else(|| {
            let reason = match id {
                SubjectId::User(id) => observed.unread_users.get(&id).cloned(),
                SubjectId::Group(_) => None,
            };
            unread(&self.args.subject, &reason.unwrap_or_else(|| "two reads disagree".into()))
        })
    }

    async fn more(&self, declared: &Declared, reach: Reach, observed: Observed) -> Result<Observed, Failure> {
        let last_on = self.running.left_on();
        let knows = Knows::only(&last_on);
        Ok(collect::more(self.reader, declared, reach, observed, knows, self.clock).await?)
    }

    fn narrowed(&self, id: SubjectId, declared: &Declared, observed: &Observed) -> Declared {
        match id {
            SubjectId::User(id) => match observed.users.get(&id) {
                Some(user) => narrow::to_user(declared, user, observed),
                None => declared.clone(),
            },
            SubjectId::Group(id) => narrow::to_group(declared, id, observed),
        }
    }

    /// The planner's own decision.
    fn judge(&self, declared: Declared, observed: &Observed) -> Result<Judged, Failure> {
        let desired = resolve(&declared, observed, self.running);
        let plan = crate::plan::plan(&desired, observed, self.running, self.clock.now());
        let wrong = crate::plan::check::check(&plan, &desired, self.running);
        if !wrong.is_empty() {
            return Err(Failure::Internal(wrong.join("; ")));
        }
        Ok(Judged { declared, desired, plan })
    }

    /// Finds the subject and reads it, with a manifest that declares it and nobody else.
    async fn subject(
        &self,
        tenant: Tenant,
        manifests: &[Declared],
    ) -> Result<(SubjectId, Declared, Observed), Failure> {
        let word = self.args.subject.as_str();
        let id = tenant.id;
        let mut observed = collect::nothing_yet(self.reader, tenant, self.clock).await?;
        for kind in self.kinds() {
            let (user, group) = (UserKey::parse(word), GroupKey::parse(word));
            let (alone, reach) = match kind {
                SubjectKind::User => (narrow::alone(id, Some(&user), None), Reach::OneUser),
                SubjectKind::Group => (narrow::alone(id, None, Some(&group)), Reach::Members),
            };
            observed = self.more(&alone, reach, observed).await?;
            let found = match kind {
                SubjectKind::User => found(observed.user_key(&user), SubjectId::User, word),
                SubjectKind::Group => found(observed.group_key(&group), SubjectId::Group, word),
            };
            let found = match (found, kind) {
                (Err(unread), SubjectKind::User) => self.is_denied(&user).await.map_or(Err(unread), Err),
                (found, _) => found,
            }?;
            if let Some(found) = found {
                return Ok((found, alone, observed));
            }
        }
        Err(self.nobody(manifests))
    }

    /// A user that cannot be read because of the permissions of the token: the reading tells the reason as
    /// that of one user of many.
    async fn is_denied(&self, user: &UserKey) -> Option<Failure> {
        let again = self.reader.users(std::slice::from_ref(user)).await.remove(0);
        again.err().filter(|failure| failure.is_denied()).map(Failure::Graph)
    }

    /// What the word can be. A user principal name has an `@`, and an id can be either's.
    fn kinds(&self) -> Vec<SubjectKind> {
        let word = &self.args.subject;
        match self.args.kind {
            Some(Kind::User) => vec![SubjectKind::User],
            Some(Kind::Group) => vec![SubjectKind::Group],
            None if word.contains('@') || word.parse::<GroupId>().is_ok() => {
                vec![SubjectKind::User, SubjectKind::Group]
            }
            None => vec![SubjectKind::Group],
        }
    }

    /// Not found on two reads. Near names are looked for where that costs nothing: in the manifests and the
    /// journal.
    fn nobody(&self, manifests: &[Declared]) -> Failure {
        let word = &self.args.subject;
        let what = match self.kinds().as_slice() {
            [SubjectKind::User] => "user",
            [SubjectKind::Group] => "group",
            _ => "user or group",
        };
        let mut known: BTreeSet<String> = self.running.names.keys().cloned().collect();
        for declared in manifests {
            let users = declared.users.iter().filter_map(|entry| match &entry.who {
                Who::User(key) => Some(key.to_string()),
                Who::Selected(_) => None,
            });
            known.extend(users.chain(declared.groups.iter().map(|entry| entry.group.to_string())));
        }
        known.remove(word);
        let hint = match did_you_mean(word, known.iter().map(String::as_str)) {
            Some(near) => format!("did you mean `{near}`?"),
            None if !word.contains('@') => {
                "name a user by its user principal name or object id, a group by its display name or object id"
                    .to_owned()
            }
            None => "is it spelt as in the tenant, and the token one of that tenant?".to_owned(),
        };
        Failure::other(format!("the tenant knows no {what} `{word}` (two reads)"), hint)
    }
}

/// Where the word leads, as the id of a subject; none where the tenant does not know it.
fn found<T: Copy + ToString>(
    lookup: Lookup<T>,
    subject: impl Fn(T) -> SubjectId,
    word: &str,
) -> Result<Option<SubjectId>, Failure> {
    match lookup {
        Lookup::Found(id) => Ok(Some(subject(id))),
        Lookup::NotFound => Ok(None),
        Lookup::Ambiguous(ids) => {
            let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
            let message = format!("{} groups are called `{word}`: {}", ids.len(), ids.join(", "));
            Err(Failure::other(message, "explain the id of the one that is meant"))
        }
        Lookup::Unread(reason) => Err(unread(word, &reason)),
    }
}

fn unread(word: &str, reason: &str) -> Failure {
    Failure::other(
        format!("`{word}` could not be read: {reason}"),
        "run again; when it stays so, `advaudit doctor` looks for the cause",
    )
}
