//! A journal in an object store: what is put together, and who is refused. The lease is tested with
//! its patience, in `lease::tests`.

use super::*;
use crate::journal::chain::{JournalError, Loaded};
use crate::journal::folder::Folder;
use crate::journal::log::{Journal, load};
use crate::journal::record::Entry;
use crate::journal::testing::{Fault, Memory};
use crate::model::RunId;

const TENANT: TenantId = TenantId(uuid::Uuid::from_u128(7));

fn finished(code: u8) -> Entry {
    Entry::RunFinished { exit_code: code }
}

/// An entry that fills a good part of a segment.
fn long(number: usize) -> Entry {
    Entry::LeaseBroken { owner: format!("{number}: {}", "x".repeat(20_000)) }
}

fn store(memory: &Memory) -> Rc<Shared> {
    Rc::new(Shared::new(Rc::new(memory.clone()), TENANT))
}

async fn open(memory: &Memory, run: u128) -> (Journal, Loaded) {
    let run = RunId(uuid::Uuid::from_u128(run));
    Journal::open(store(memory), TENANT, run).await.expect("opens")
}

async fn append(journal: &mut Journal, entry: Entry) -> Result<u64, JournalError> {
    journal.append(entry, Timestamp::UNIX_EPOCH).await.map(|record| record.seq)
}

/// The exit codes in the journal, which has to follow from itself.
async fn codes(memory: &Memory) -> Vec<u8> {
    let loaded = load(&*store(memory), Some(TENANT)).await.expect("loads");
    assert_eq!(loaded.torn, 0);
    let code = |entry: &Entry| match entry {
        Entry::RunFinished { exit_code } => *exit_code,
        _ => 99,
    };
    loaded.records.iter().map(|record| code(&record.entry)).collect()
}

fn segments(memory: &Memory) -> Vec<String> {
    memory.names().into_iter().filter(|name| name.contains("/journal/")).collect()
}

fn segment(number: u32) -> String {
    format!("{TENANT}/journal/{number:08}.jsonl")
}

#[tokio::test]
async fn what_was_appended_is_read_by_another_machine() {
    let memory = Memory::default();
    let (mut journal, loaded) = open(&memory, 1).await;
    assert!(loaded.records.is_empty());
    for code in [0, 4] {
        append(&mut journal, finished(code)).await.expect("appends");
    }
    let (mut again, loaded) = open(&memory, 2).await;
    assert_eq!(loaded.records.len(), 2);
    assert_eq!(append(&mut again, finished(5)).await.expect("appends"), 3);
    assert_eq!(codes(&memory).await, [0, 4, 5]);
    assert_eq!(segments(&memory), [segment(1)]);
}

#[tokio::test]
async fn segments_put_together_are_the_journal_of_a_folder_byte_for_byte() {
    let (memory, folder) = (Memory::by_bytes(), tempfile::tempdir().expect("a folder"));
    let run = RunId(uuid::Uuid::from_u128(1));
    let (mut shared, _) = open(&memory, 1).await;
    let local: Rc<dyn Store> = Rc::new(Folder::new(folder.path().to_owned()));
    let (mut local, _) = Journal::open(local, TENANT, run).await.expect("opens");
    for number in 0..12 {
        for journal in [&mut shared, &mut local] {
            append(journal, long(number)).await.expect("appends");
        }
    }
    let names = segments(&memory);
    assert_eq!(names, [segment(1), segment(2), segment(3)]);
    let whole: Vec<u8> = names.iter().flat_map(|name| memory.bytes(name)).collect();
    assert_eq!(whole, std::fs::read(folder.path().join("journal.jsonl")).expect("a journal"));
}

#[tokio::test]
async fn a_journal_that_was_copied_from_a_folder_goes_on_however_long_it_is() {
    let (memory, copy) = (Memory::default(), Memory::default());
    let (mut journal, _) = open(&memory, 1).await;
    for number in 0..12 {
        append(&mut journal, long(number)).await.expect("appends");
    }
    let mut whole = store(&memory).load().await.expect("loads");
    // A crash of the machine that it was copied from.
    whole.extend_from_slice(b"{\"v\":1,\"se");
    copy.place_by_hand(&segment(1), &whole);
    let (mut journal, loaded) = open(&copy, 2).await;
    assert_eq!((loaded.records.len(), loaded.torn), (12, 10));
    assert_eq!(append(&mut journal, finished(0)).await.expect("appends"), 13);
    assert_eq!(append(&mut journal, finished(1)).await.expect("appends"), 14);
    assert_eq!(segments(&copy), [segment(1), segment(2)]);
    assert_eq!(codes(&copy).await[12..], [0, 1]);
}

#[tokio::test]
async fn a_writer_that_has_lost_the_lease_is_refused_by_the_store() {
    for memory in [Memory::default(), Memory::by_bytes()] {
        let (mut stale, _) = open(&memory, 1).await;
        append(&mut stale, finished(1)).await.expect("appends");
        let (mut new, _) = open(&memory, 2).await;
        append(&mut new, finished(2)).await.expect("appends");
        for _ in 0..2 {
            let refused = append(&mut stale, finished(3)).await.expect_err("not the only writer");
            assert!(refused.is_conflict(), "{refused}");
        }
        append(&mut new, finished(4)).await.expect("goes on");
        assert_eq!(codes(&memory).await, [1, 2, 4]);
    }
}

#[tokio::test]
async fn a_stale_writer_is_refused_where_the_new_one_has_begun_another_segment() {
    let memory = Memory::default();
    let (mut stale, _) = open(&memory, 1).await;
    for number in 0..4 {
        append(&mut stale, long(number)).await.expect("appends");
    }
    let (mut new, _) = open(&memory, 2).await;
    append(&mut new, finished(2)).await.expect("appends");
    assert_eq!(segments(&memory), [segment(1), segment(2)]);
    let refused = append(&mut stale, finished(3)).await.expect_err("not the only writer");
    assert!(refused.is_conflict(), "{refused}");
    assert_eq!(codes(&memory).await, [99, 99, 99, 99, 2]);
}

#[tokio::test]
async fn an_answer_that_is_lost_loses_and_doubles_no_record() {
    use Fault::{AnswerLost, AskedTwice, Fine, Late, RequestLost};
    for faults in [
        vec![AnswerLost],
        vec![AskedTwice],
        vec![RequestLost],
        vec![RequestLost, AnswerLost],
        vec![Late],
        vec![Late, AskedTwice],
        vec![Fine, AnswerLost, AskedTwice, Late, RequestLost],
    ] {
        // The first segment, one that is written again, and one that is begun.
        for long_ones in [0, 1, 4] {
            let memory = Memory::by_bytes();
            let (mut journal, _) = open(&memory, 1).await;
            for number in 0..long_ones {
                append(&mut journal, long(number)).await.expect("appends");
            }
            memory.will(&faults);
            for code in 0..3 {
                append(&mut journal, finished(code))
                    .await
                    .unwrap_or_else(|error| panic!("{faults:?}: {error}"));
            }
            assert_eq!(codes(&memory).await[long_ones..], [0, 1, 2], "{faults:?} after {long_ones}");
        }
    }
}

#[tokio::test]
async fn a_record_that_could_not_be_written_gives_its_place_to_the_next() {
    use Fault::{AnswerLost, Late, RequestLost};
    for last in [RequestLost, Late, AnswerLost] {
        for long_ones in [0, 4] {
            let memory = Memory::default();
            let (mut journal, _) = open(&memory, 1).await;
            for number in 0..long_ones {
                append(&mut journal, long(number)).await.expect("appends");
            }
            memory.will(&[RequestLost, RequestLost, last]);
            let failed = append(&mut journal, finished(9)).await.expect_err("no answer");
            assert!(!failed.is_conflict() && failed.to_string().contains("did not answer"), "{failed}");
            for code in [1, 2] {
                append(&mut journal, finished(code)).await.expect("the store is back");
            }
            assert_eq!(codes(&memory).await[long_ones..], [1, 2], "{last:?} after {long_ones}");
        }
    }
}

#[tokio::test]
async fn a_silent_store_is_an_error_and_what_it_kept_goes_on_afterwards() {
    let memory = Memory::default();
    let (mut journal, _) = open(&memory, 1).await;
    append(&mut journal, finished(0)).await.expect("appends");
    memory.silent(true);
    for _ in 0..3 {
        let failed = append(&mut journal, finished(1)).await.expect_err("no answer");
        assert!(!failed.is_conflict(), "{failed}");
    }
    memory.silent(false);
    append(&mut journal, finished(2)).await.expect("appends");
    assert_eq!(codes(&memory).await, [0, 2]);
}

#[tokio::test]
async fn a_journal_that_was_taken_away_is_an_error_and_not_begun_anew() {
    let (memory, empty) = (Memory::default(), Memory::default());
    let (mut journal, _) = open(&memory, 1).await;
    append(&mut journal, finished(0)).await.expect("appends");
    memory.replace_by(&empty);
    let error = append(&mut journal, finished(1)).await.expect_err("it is gone");
    assert!(segments(&memory).is_empty(), "{error}");
}

#[tokio::test]
async fn a_part_that_is_missing_is_named() {
    let (memory, rest) = (Memory::default(), Memory::default());
    let (mut journal, _) = open(&memory, 1).await;
    for number in 0..5 {
        append(&mut journal, long(number)).await.expect("appends");
    }
    rest.place_by_hand(&segment(2), &memory.bytes(&segment(2)));
    let error = load(&*store(&rest), Some(TENANT)).await.expect_err("a gap").to_string();
    assert!(error.contains("00000001.jsonl: a part of the journal is missing"), "{error}");
}
