//! Several tenants: a folder of manifests, a folder of simulated tenants with the same names, and a state.

use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;

use super::{Ran, advaudit};

/// A folder with all of that.
pub struct Tenants {
    folder: TempDir,
}

impl Tenants {
    /// Without any tenant yet.
    pub fn new() -> Tenants {
        let folder = tempfile::tempdir().expect("a folder");
        for name in ["manifests", "sandboxes"] {
            std::fs::create_dir(folder.path().join(name)).expect("made");
        }
        Tenants { folder }
    }

    /// One for each word `name:manifest`, with the users of [`Tenants::add`] declared.
    pub fn of(words: &str) -> Tenants {
        let tenants = Tenants::new();
        for word in words.split(' ') {
            let (name, users) = word.split_once(':').expect("a name and users");
            tenants.add(name, users);
        }
        tenants
    }

    /// A tenant and its manifest. The tenant has users who are on, off, without a license and unreadable; `users`
    /// says by these words who is declared.
    pub fn add(&self, name: &str, users: &str) {
        let number = std::fs::read_dir(self.path("sandboxes")).expect("a folder").count() + 1;
        self.write(
            &format!("sandboxes/{name}.yaml"),
            &format!(
                "tenant: {{id: {}, domain: {name}.onmicrosoft.com, domains: [{name}.com]}}\nnow: \
                 2026-11-22T09:00:00Z\nlicenses: [SPE_E5]\nusers:\n  - {{upn: on@{name}.com, licenses: [SPE_E5]}}\n  - \
                 {{upn: off@{name}.com, licenses: [{{license: SPE_E5, off: [M365_ADVANCED_AUDITING]}}]}}\n  - \
                 bare@{name}.com\n  - {{upn: unread@{name}.com, unreadable: 403, licenses: [SPE_E5]}}\n",
                id(number)
            ),
        );
        let users: String = users.split('+').map(|user| format!("  - {user}@{name}.com\n")).collect();
        self.write(&format!("manifests/{name}.yaml"), &manifest(&format!("{name}.com"), &users));
    }

    /// Another file.
    pub fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).expect("written");
    }

    /// A file or folder in it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The file of a simulated tenant.
    pub fn sandbox(&self, name: &str) -> PathBuf {
        self.path(&format!("sandboxes/{name}.yaml"))
    }

    /// A command in that folder, with its state.
    pub fn command(&self, words: &str) -> Command {
        let mut args: Vec<&str> = words.split(' ').collect();
        args.extend(["--state", "state"]);
        let mut command = advaudit(&args);
        command.current_dir(self.folder.path());
        command
    }

    /// Runs one.
    pub fn run(&self, words: &str) -> Ran {
        Ran::of(&mut self.command(words))
    }

    /// Plans all manifests, each on its own simulated tenant.
    pub fn plan(&self, options: &str) -> Ran {
        self.run(format!("plan manifests --sandbox sandboxes {options}").trim_end())
    }
}

/// The tenant id of the simulated tenant with that number.
pub fn id(number: usize) -> String {
    format!("c0450000-0000-4000-8000-{number:012}")
}

/// A manifest of that tenant, with those lines under `users`.
pub fn manifest(tenant: &str, users: &str) -> String {
    format!("apiVersion: advaudit/v1\ntenant: {tenant}\nusers:\n{users}")
}
