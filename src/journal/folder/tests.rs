//! A journal in a real folder, and what can happen to it there.

use std::path::Path;
use std::rc::Rc;

use super::*;
use crate::journal::chain::{JournalError, Loaded};
use crate::journal::log::{Journal, load};
use crate::journal::record::Entry;
use crate::model::{RunId, TenantId};

const TENANT: TenantId = TenantId(uuid::Uuid::from_u128(7));

fn finished(code: u8) -> Entry {
    Entry::RunFinished { exit_code: code }
}

fn started(tenant: TenantId) -> Entry {
    let (command, tool_version) = ("apply".to_owned(), "0".to_owned());
    Entry::RunStarted {
        command,
        tool_version,
        tenant,
        plan_sha256: None,
        manifest_sha256: None,
        out_of_sync: None,
        allowed: Vec::new(),
    }
}

async fn open(store: &Rc<Folder>) -> Result<(Journal, Loaded), JournalError> {
    Journal::open(store.clone(), TENANT, RunId(uuid::Uuid::nil())).await
}

async fn append(journal: &mut Journal, entry: Entry) -> Result<u64, JournalError> {
    journal.append(entry, Timestamp::UNIX_EPOCH).await.map(|record| record.seq)
}

async fn folder_with_three() -> (tempfile::TempDir, Rc<Folder>) {
    let folder = tempfile::tempdir().expect("a folder");
    let store = Rc::new(Folder::new(folder.path().join("tenant")));
    let (mut journal, _) = open(&store).await.expect("opens");
    for code in [0, 4, 0] {
        append(&mut journal, finished(code)).await.expect("appends");
    }
    (folder, store)
}

fn edit(store: &Folder, change: impl FnOnce(String) -> String) {
    let path = store.disk.path().join(JOURNAL);
    let text = std::fs::read_to_string(&path).expect("text");
    std::fs::write(path, change(text)).expect("written");
}

async fn count(store: &Folder) -> usize {
    load(store, Some(TENANT)).await.expect("loads").records.len()
}

async fn refusal(store: &Folder) -> String {
    load(store, Some(TENANT)).await.expect_err("cannot be read").to_string()
}

#[tokio::test]
async fn what_was_appended_is_read_again_and_numbered_on() {
    let (_keep, store) = folder_with_three().await;
    let (mut journal, loaded) = open(&store).await.expect("opens");
    assert_eq!(loaded.records.len(), 3);
    assert_eq!(append(&mut journal, finished(0)).await.expect("appends"), 4);
    assert_eq!(count(&store).await, 4);
}

#[tokio::test]
async fn a_torn_last_record_is_reported_and_cut_off_by_the_next_one() {
    let (_keep, store) = folder_with_three().await;
    edit(&store, |text| text[..text.len() - 20].to_owned());
    let (mut journal, loaded) = open(&store).await.expect("opens");
    assert_eq!((loaded.records.len(), loaded.torn > 0), (2, true));
    append(&mut journal, finished(0)).await.expect("appends");
    assert_eq!(count(&store).await, 3);
}

#[tokio::test]
async fn a_damaged_middle_is_an_error_that_names_the_record_and_the_way_out() {
    let (_keep, store) = folder_with_three().await;
    edit(&store, |text| text.replacen("\"exit_code\":4", "\"exit_code\":", 1));
    let error = refusal(&store).await;
    assert!(error.contains("record 2 is damaged") && error.contains("advaudit heal MANIFEST"), "{error}");
}

#[tokio::test]
async fn an_edited_record_is_noticed() {
    let (_keep, store) = folder_with_three().await;
    edit(&store, |text| text.replacen("\"exit_code\":4", "\"exit_code\":0", 1));
    let error = refusal(&store).await;
    assert!(error.contains("record 3") && error.contains("edited"), "{error}");
}

#[tokio::test]
async fn a_newer_version_is_left_alone() {
    let (_keep, store) = folder_with_three().await;
    edit(&store, |text| text.replace("{\"v\":1", "{\"v\":2"));
    let error = refusal(&store).await;
    assert!(error.contains("Use the newer advaudit"), "{error}");
}

#[tokio::test]
async fn a_journal_of_another_tenant_is_left_alone() {
    let (_keep, store) = folder_with_three().await;
    let (mut journal, _) = open(&store).await.expect("opens");
    append(&mut journal, started(TenantId(uuid::Uuid::from_u128(8)))).await.expect("appends");
    let error = refusal(&store).await;
    assert!(error.contains("record 4 is of tenant 00000000-0000-0000-0000-000000000008"), "{error}");
}

#[tokio::test]
async fn a_second_writer_is_noticed_and_its_records_stay() {
    let (_keep, store) = folder_with_three().await;
    let other = Rc::new(Folder::new(store.disk.path().to_owned()));
    let (mut one, _) = open(&store).await.expect("opens");
    let (mut two, _) = open(&other).await.expect("opens");
    append(&mut two, finished(0)).await.expect("appends");
    let refused = append(&mut one, finished(5)).await.expect_err("not the only writer");
    assert!(refused.is_conflict(), "{refused}");
    assert_eq!(count(&store).await, 4);
}

#[tokio::test]
async fn a_journal_that_was_taken_away_is_an_error_and_not_begun_anew() {
    let (_keep, store) = folder_with_three().await;
    let (mut journal, _) = open(&store).await.expect("opens");
    std::fs::remove_dir_all(store.disk.path()).expect("removed");
    let error = append(&mut journal, finished(0)).await.expect_err("it is gone").to_string();
    assert!(error.contains("cannot find") && error.contains("journal.jsonl"), "{error}");
}

#[tokio::test]
async fn a_place_that_cannot_be_a_folder_is_named() {
    let store = Rc::new(Folder::new(Path::new("/dev/null/state").to_owned()));
    let error = open(&store).await.err().expect("no folder").to_string();
    assert!(error.contains("cannot read /dev/null/state/journal.jsonl"), "{error}");
}

/// A disk that counts how often names were made to survive.
struct Counting(disk::Folder, Cell<u32>);

impl Disk for Counting {
    fn path(&self) -> &Path {
        self.0.path()
    }
    fn create(&self) -> io::Result<()> {
        self.0.create()
    }
    fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        self.0.read(name)
    }
    fn append(&self, name: &str, bytes: &[u8], new: bool) -> io::Result<()> {
        self.0.append(name, bytes, new)
    }
    fn length(&self, name: &str) -> io::Result<u64> {
        self.0.length(name)
    }
    fn cut(&self, name: &str, length: u64) -> io::Result<()> {
        self.0.cut(name, length)
    }
    fn sync(&self, name: &str) -> io::Result<()> {
        self.0.sync(name)
    }
    fn sync_names(&self) -> io::Result<()> {
        self.1.set(self.1.get() + 1);
        self.0.sync_names()
    }
    fn lock(&self, name: &str) -> io::Result<bool> {
        self.0.lock(name)
    }
    fn unlock(&self, name: &str) {
        self.0.unlock(name);
    }
    fn is_locked(&self, name: &str) -> bool {
        self.0.is_locked(name)
    }
}

/// Whoever made the journal may have been killed before its name was on the disk.
#[tokio::test]
async fn each_run_sees_to_it_once_that_the_name_of_the_journal_survives() {
    let (_folder, made) = folder_with_three().await;
    let disk = Counting(disk::Folder::new(made.disk.path().to_owned()), Cell::new(0));
    let store = Rc::new(Folder::on(disk));
    let (mut journal, _) =
        Journal::open(store.clone(), TENANT, RunId(uuid::Uuid::nil())).await.expect("opens");
    for _ in 0..2 {
        append(&mut journal, finished(0)).await.expect("appends");
    }
    assert_eq!(store.disk.1.get(), 1);
}
