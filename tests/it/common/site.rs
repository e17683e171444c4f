//! A folder with a manifest, a simulated tenant and a state folder: everything that a story needs.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use advaudit::model::{SignedDuration, Timestamp};
use advaudit::sandbox::{Deed, Opened, Saved, Tenant};
use serde_json::Value;
use tempfile::TempDir;

use super::tenant::People;
use super::{Ran, advaudit, repository};

/// What every tenant of a test begins with.
pub const TENANT: &str = "\
tenant: {id: c0450000-0000-4000-8000-000000000001, domain: contoso.onmicrosoft.com, domains: [contoso.com]}
now: 2026-11-22T09:00:00Z
licenses: [SPE_E5, ENTERPRISEPREMIUM]
";

/// What every manifest of a test begins with.
pub const MANIFEST: &str = "apiVersion: advaudit/v1\ntenant: contoso.onmicrosoft.com\n";

/// A date before which everybody in a tenant file got its licenses.
pub const T: &str = "2026-11-20T00:00:00Z";

/// The tenant of the tests.
pub const TENANT_ID: &str = "c0450000-0000-4000-8000-000000000001";

/// A manifest, a simulated tenant and a state folder.
pub struct Site {
    folder: TempDir,
    manifest: PathBuf,
    tenant: PathBuf,
}

impl Site {
    /// A site whose manifest and tenant begin as all do.
    pub fn new(manifest: &str, tenant: &str) -> Site {
        let folder = tempfile::tempdir().expect("a folder");
        let site = Site {
            manifest: folder.path().join("manifest.yaml"),
            tenant: folder.path().join("tenant.yaml"),
            folder,
        };
        site.declare(manifest);
        std::fs::write(&site.tenant, format!("{TENANT}{tenant}")).expect("written");
        site
    }

    /// An example, with a state folder of its own. Names files as a reader of the examples would.
    pub fn example(name: &str) -> Site {
        let own = |file: &str| PathBuf::from(format!("examples/{name}/{file}.yaml"));
        let folder = tempfile::tempdir().expect("a folder");
        Site { folder, manifest: own("manifest"), tenant: own("tenant") }
    }

    /// These two files of the repository, with a state folder of its own.
    pub fn of_files(manifest: &str, tenant: &str) -> Site {
        let folder = tempfile::tempdir().expect("a folder");
        Site { folder, manifest: manifest.into(), tenant: tenant.into() }
    }

    /// Another file in its folder; its path.
    pub fn beside(&self, name: &str, text: &str) -> String {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).expect("written");
        path.to_str().expect("UTF-8").to_owned()
    }

    /// Replaces the manifest.
    pub fn declare(&self, manifest: &str) {
        self.write_manifest(&format!("{MANIFEST}{manifest}"));
    }

    /// Replaces the manifest, its head included.
    pub fn write_manifest(&self, text: &str) {
        std::fs::write(&self.manifest, text).expect("written");
    }

    pub fn manifest(&self) -> &str {
        self.manifest.to_str().expect("UTF-8")
    }

    pub fn tenant(&self) -> &str {
        self.tenant.to_str().expect("UTF-8")
    }

    pub fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    /// Runs a command on the tenant: a word with its options, without what every command needs.
    pub fn run(&self, command: &str) -> Ran {
        self.run_with(command, |_| {})
    }

    /// The same in words that may have spaces in them.
    pub fn run_words(&self, words: &[&str]) -> Ran {
        self.run_args(words, |_| {})
    }

    /// The same in an environment.
    pub fn run_with(&self, command: &str, prepare: impl FnOnce(&mut std::process::Command)) -> Ran {
        self.run_args(&command.split(' ').collect::<Vec<_>>(), prepare)
    }

    fn run_args(&self, words: &[&str], prepare: impl FnOnce(&mut std::process::Command)) -> Ran {
        let mut args = words.to_vec();
        args.extend(["--sandbox", self.tenant()]);
        let state = self.state();
        args.extend(["--state", state.to_str().expect("UTF-8")]);
        let mut command = advaudit(&args);
        prepare(&mut command);
        let mut ran = Ran::of(&mut command);
        ran.command = ran.command.split(" --state ").next().expect("a part").to_owned();
        ran
    }

    pub fn plan(&self) -> Ran {
        self.run(&format!("plan {}", self.manifest()))
    }

    pub fn apply(&self) -> Ran {
        self.run(&format!("apply {} --auto-approve", self.manifest()))
    }

    /// Applies, leaving whoever must wait off.
    pub fn apply_and_leave(&self) -> Ran {
        self.run(&format!("apply {} --auto-approve --no-wait", self.manifest()))
    }

    /// The changes that were done to the tenant, by the sandbox's own word.
    pub fn writes(&self) -> Vec<Write> {
        self.log().into_iter().filter_map(|line| Write::read(&line)).collect()
    }

    fn log(&self) -> Vec<Value> {
        let Ok(entries) = std::fs::read_dir(self.state().join("sandbox")) else { return Vec::new() };
        let mut lines = Vec::new();
        for path in entries.map(|entry| entry.expect("an entry").path()) {
            if path.extension().is_some_and(|end| end == "jsonl") {
                lines.extend(json_lines(&path));
            }
        }
        lines
    }

    /// The folder of the tenant's journal.
    pub fn journal_folder(&self) -> PathBuf {
        self.open().saved.folder().join(TENANT_ID)
    }

    /// The records of the journal.
    pub fn journal(&self) -> Vec<Value> {
        json_lines(&self.journal_folder().join("journal.jsonl"))
    }

    fn open(&self) -> Opened {
        let path = repository(self.tenant());
        let text = std::fs::read_to_string(&path).expect("a tenant");
        Saved::open(&self.state(), &path, &text, false).expect("opened")
    }

    /// Lets time pass between two commands.
    pub fn later(&self, minutes: i64) {
        let opened = self.open();
        let now = opened.start.expect("virtual time") + SignedDuration::from_mins(minutes);
        opened.saved.ended(&opened.tenant, now).expect("written down");
    }

    /// Somebody else does something between two commands.
    #[track_caller]
    pub fn somebody(&self, deed: impl FnOnce(&Tenant) -> Deed) {
        let Opened { mut tenant, start, .. } = self.open();
        let deed = deed(&tenant);
        let done = tenant.administrate(&deed, start.expect("virtual time"));
        done.unwrap_or_else(|refusal| panic!("{deed:?}: {refusal:?}"));
    }

    /// Everybody in the tenant, after all that was done to it has come through.
    pub fn people(&self) -> People {
        let Opened { mut tenant, start, .. } = self.open();
        let now = start.unwrap_or(Timestamp::UNIX_EPOCH) + SignedDuration::from_hours(24);
        People::of(&mut tenant, now)
    }

    /// Everybody in the tenant before anything was done to it.
    pub fn people_at_first(&self) -> People {
        let text = std::fs::read_to_string(repository(self.tenant())).expect("a tenant");
        let mut tenant = Tenant::read(&text).expect("a tenant");
        let now = tenant.start().expect("virtual time");
        People::of(&mut tenant, now)
    }
}

/// A change of licenses as the sandbox wrote it down.
#[derive(Clone, Debug)]
pub struct Write {
    pub at: Timestamp,
    pub id: String,
    /// The lists that were sent, by license.
    pub lists: BTreeMap<String, Vec<String>>,
    /// The licenses that it takes away. There must never be any.
    pub removes: usize,
}

impl Write {
    fn read(line: &Value) -> Option<Write> {
        let own = line.get("write")?.get("written")?;
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        let list = |license: &Value| {
            let off = license["disabledPlans"].as_array().expect("a list");
            (text(&license["skuId"]), off.iter().map(text).collect())
        };
        let add = own["body"]["addLicenses"].as_array().expect("a list");
        Some(Write {
            at: text(&own["at"]).parse().expect("a time"),
            id: text(&own["id"]),
            lists: add.iter().map(list).collect(),
            removes: own["body"]["removeLicenses"].as_array().expect("a list").len(),
        })
    }

    /// Whether it leaves the service plan on in every license that it writes.
    pub fn turns_on(&self) -> bool {
        self.lists.values().all(|off| !off.iter().any(|id| id == super::tenant::AUDITING))
    }
}

pub fn json_lines(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
}
