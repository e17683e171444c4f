//! A tenant that outlives the process: its file, which is never changed, and a log of what was done
//! to it.
//!
//! The log is lines of JSON. The first says for which text it is; then come writes and deeds, each with
//! its time, and at the end of a command a line with the time it ended. Opening a tenant replays its
//! writes at their times, which yields the same tenant, because nothing in it depends on anything
//! but the file, the writes and the time.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::deed::Done;
use super::file::Unusable;
use super::tenant::{Counters, Happened, OnChange, Tenant, Written};
use crate::model::Timestamp;

/// Why a tenant could not be opened or kept.
#[derive(Debug, thiserror::Error)]
pub enum CannotSave {
    /// The tenant file is wrong.
    #[error("{0}")]
    File(#[from] Unusable),
    /// The log could not be read or written.
    #[error("the sandbox's log {path} cannot be used: {error}")]
    Log {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// The log holds something that this program would not have written.
    #[error("the sandbox's log {path} cannot be used: line {line}: {problem}; `--sandbox-reset` starts over")]
    Line {
        /// Which file.
        path: PathBuf,
        /// Which line, counted from 1.
        line: usize,
        /// What is wrong with it.
        problem: String,
    },
}

/// A tenant as the last command left it.
#[derive(Debug)]
pub struct Opened {
    /// The tenant. It writes down by itself what is done to it.
    pub tenant: Tenant,
    /// Where its log is; tell it the time when the command ends.
    pub saved: Saved,
    /// When virtual time goes on. None where the file names no time and nothing was done yet: then
    /// the time is the real one.
    pub start: Option<Timestamp>,
    /// Whether nothing of an earlier command is left.
    pub fresh: bool,
    /// Something that whoever runs the command should know, one sentence.
    pub notice: Option<String>,
}

/// The log of a tenant.
#[derive(Debug)]
pub struct Saved {
    path: PathBuf,
}

/// A line of the log.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Line {
    /// The first line: which text the rest is about.
    File { sha256: String },
    /// A write that was done.
    Write { written: Written, counters: Counters },
    /// Something that a test did past the wire.
    Deed { done: Done, counters: Counters },
    /// A command ended.
    Time { at: Timestamp, counters: Counters },
}

impl Saved {
    /// Opens the tenant of that file as the last command left it. `dir` is the state folder, and
    /// `reset` starts over. A text that was changed starts over as well, because writes to another
    /// tenant mean nothing to this one.
    pub fn open(dir: &Path, file: &Path, text: &str, reset: bool) -> Result<Opened, CannotSave> {
        let mut tenant = Tenant::read(text)?;
        let saved = Saved { path: log_path(dir, file) };
        let sha256 = hex(&Sha256::digest(text));
        let known = if reset { Vec::new() } else { saved.lines()? };
        let same = matches!(known.first(), Some(Line::File { sha256: own }) if *own == sha256);
        let mut end = tenant.start();
        if same {
            end = end.max(saved.replay(&mut tenant, &known[1..])?);
        } else {
            saved.begin(&sha256)?;
        }
        let changed = !same && !known.is_empty();
        let notice = changed.then(|| {
            format!(
                "{} was changed: the sandbox starts over, without what was done to it before",
                file.display()
            )
        });
        tenant.on_change(saved.listener()?);
        Ok(Opened { tenant, saved, start: end, fresh: !same, notice })
    }

    /// A folder for what else is remembered of this tenant. Nothing is made here.
    pub fn folder(&self) -> PathBuf {
        self.path.with_extension("")
    }

    /// Writes down when a command ended, so that time does not run backwards in the next.
    pub fn ended(&self, tenant: &Tenant, now: Timestamp) -> Result<(), CannotSave> {
        let line = Line::Time { at: now, counters: tenant.counters() };
        let mut file = self.append()?;
        write_line(&mut file, &line).map_err(|error| self.failed(error))
    }

    /// Does again what was done; returns the last time that was written down.
    fn replay(&self, tenant: &mut Tenant, lines: &[Line]) -> Result<Option<Timestamp>, CannotSave> {
        let mut end = None;
        for (number, line) in (2..).zip(lines) {
            let problem =
                |problem: String| CannotSave::Line { path: self.path.clone(), line: number, problem };
            let (at, counters) = match line {
                Line::Write { written, counters } => {
                    tenant.replay(written).map_err(|refusal| problem(refusal.message))?;
                    (written.at, counters)
                }
                Line::Deed { done, counters } => {
                    let again = tenant.administrate(&done.deed, done.at);
                    again.map_err(|refusal| problem(refusal.message))?;
                    (done.at, counters)
                }
                Line::Time { at, counters } => (*at, counters),
                Line::File { .. } => return Err(problem("a second first line".to_owned())),
            };
            tenant.set_counters(*counters);
            end = end.max(Some(at));
        }
        Ok(end)
    }

    /// The lines of the log; none where there is no log. A line without its end was being written
    /// when the process died: the write was not answered, so it may as well not have happened.
    fn lines(&self) -> Result<Vec<Line>, CannotSave> {
        let text = match std::fs::read_to_string(&self.path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(self.failed(error)),
        };
        let whole = text.rfind('\n').map_or("", |end| &text[..=end]);
        if whole.len() < text.len() {
            std::fs::write(&self.path, whole).map_err(|error| self.failed(error))?;
        }
        let parse = |(number, line): (usize, &str)| {
            serde_json::from_str(line).map_err(|error| CannotSave::Line {
                path: self.path.clone(),
                line: number,
                problem: error.to_string(),
            })
        };
        (1..).zip(whole.lines()).map(parse).collect()
    }

    /// An empty log for that text.
    fn begin(&self, sha256: &str) -> Result<(), CannotSave> {
        let folder = self.path.parent().map_or(Ok(()), std::fs::create_dir_all);
        folder.map_err(|error| self.failed(error))?;
        let mut file = File::create(&self.path).map_err(|error| self.failed(error))?;
        write_line(&mut file, &Line::File { sha256: sha256.to_owned() }).map_err(|error| self.failed(error))
    }

    /// Writes down each write before it is answered, and each deed.
    fn listener(&self) -> Result<OnChange, CannotSave> {
        let mut file = self.append()?;
        Ok(Box::new(move |happened, counters| {
            let line = match *happened {
                Happened::Write(written) => Line::Write { written: written.clone(), counters },
                Happened::Deed(done) => Line::Deed { done: done.clone(), counters },
            };
            // A full disk is no reason to stop what is being tried on the tenant. `ended` cannot
            // write either and says so.
            let _ = write_line(&mut file, &line);
        }))
    }

    fn append(&self) -> Result<File, CannotSave> {
        OpenOptions::new().append(true).open(&self.path).map_err(|error| self.failed(error))
    }

    fn failed(&self, error: io::Error) -> CannotSave {
        CannotSave::Log { path: self.path.clone(), error }
    }
}

/// One write for each line, so that a torn one is always the last.
fn write_line(file: &mut File, line: &Line) -> io::Result<()> {
    let mut text = serde_json::to_string(line)?;
    text.push('\n');
    file.write_all(text.as_bytes())
}

/// One log for each tenant file, wherever it is called from.
fn log_path(dir: &Path, file: &Path) -> PathBuf {
    let whole = file.canonicalize().unwrap_or_else(|_| file.to_owned());
    let digest = hex(&Sha256::digest(whole.to_string_lossy().as_bytes()));
    dir.join("sandbox").join(format!("{}.jsonl", &digest[..16]))
}

fn hex(digest: &[u8]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::super::deed::Deed;
    use super::super::testing::*;
    use super::*;
    use crate::model::SubjectId;

    const SLOW: &str = "\
now: 2026-11-22T09:00:00Z
groupProcessing: 100s
lag: 20s
licenses: [SPE_E5]
groups: [{name: Legal, id: 8a9b0c1d-0000-4000-8000-000000000002, licenses: [SPE_E5]}]
users: [{upn: a@contoso.com, licenses: [SPE_E5]}]
generate: {users: 10, group: Legal}
";

    fn open(dir: &Path, rest: &str, reset: bool) -> Opened {
        let file = dir.join("tenant.yaml");
        Saved::open(dir, &file, &format!("{TENANT}{rest}"), reset).expect("opened")
    }

    fn write(tenant: &mut Tenant, path: &str, off: bool, second: i64) {
        let off = if off { vec![AUDITING] } else { vec![] };
        let answer =
            tenant.handle(&post(&format!("/v1.0/{path}/assignLicense"), &assign(&off)), after(second));
        assert!(answer.status < 300, "{answer:?}");
    }

    const LEGAL: &str = "groups/8a9b0c1d-0000-4000-8000-000000000002";

    #[test]
    fn what_was_done_is_there_in_the_next_process_to_the_last_detail() {
        let dir = tempfile::tempdir().expect("a folder");
        let mut first = open(dir.path(), SLOW, false);
        write(&mut first.tenant, LEGAL, true, 0);
        write(&mut first.tenant, "users/a@contoso.com", true, 10);
        write(&mut first.tenant, LEGAL, false, 50);
        get_at(&mut first.tenant, "/v1.0/users", after(51));
        first.saved.ended(&first.tenant, after(60)).expect("written");
        get_at(&mut first.tenant, "/v1.0/users", after(60));

        let mut second = open(dir.path(), SLOW, false);
        assert_eq!(second.start, Some(after(60)));
        assert_eq!(second.notice, None);
        assert_eq!(second.tenant.writes(), first.tenant.writes());
        get_at(&mut second.tenant, "/v1.0/users", after(60));
        assert_eq!(second.tenant.counters(), first.tenant.counters());
        for second_now in [61, 120, 1000] {
            first.tenant.advance(after(second_now));
            second.tenant.advance(after(second_now));
            assert!(second.tenant.state == first.tenant.state, "at {second_now}");
        }
    }

    #[test]
    fn what_somebody_else_did_is_there_in_the_next_process_in_its_order() {
        let dir = tempfile::tempdir().expect("a folder");
        let mut first = open(dir.path(), SLOW, false);
        let user = first.tenant.user_named("a@contoso.com").expect("a user");
        let of = SubjectId::User(user);
        write(&mut first.tenant, "users/a@contoso.com", true, 0);
        first.tenant.administrate(&Deed::TurnOn { of, license: E5, plan: AUDITING }, after(5)).expect("on");
        write(&mut first.tenant, "users/a@contoso.com", true, 10);
        first.tenant.administrate(&Deed::DeleteUser { user }, after(15)).expect("there");

        let mut second = open(dir.path(), SLOW, false);
        assert_eq!(second.start, Some(after(15)));
        assert_eq!(second.tenant.writes().len(), 2, "a deed is no write");
        assert!(second.tenant.state == first.tenant.state);
        second.tenant.administrate(&Deed::RestoreUser { user }, after(20)).expect("deleted");
        assert!(!open(dir.path(), SLOW, false).tenant.truth(after(20)).users[&user].is_on);
    }

    #[test]
    fn time_starts_where_the_file_says_and_later_where_the_last_write_was() {
        let dir = tempfile::tempdir().expect("a folder");
        let mut first = open(dir.path(), SLOW, false);
        assert_eq!(first.start, Some("2026-11-22T09:00:00Z".parse().expect("a time")));
        write(&mut first.tenant, LEGAL, true, 7);
        drop(first); // a crash: nobody says when it ended
        assert_eq!(open(dir.path(), SLOW, false).start, Some(after(7)));
    }

    #[test]
    fn a_file_without_a_time_runs_in_real_time() {
        let dir = tempfile::tempdir().expect("a folder");
        assert_eq!(open(dir.path(), "users: [a@contoso.com]\n", false).start, None);
    }

    #[test]
    fn a_changed_file_starts_over_and_says_so() {
        let dir = tempfile::tempdir().expect("a folder");
        let mut first = open(dir.path(), SLOW, false);
        write(&mut first.tenant, LEGAL, true, 0);
        let changed = open(dir.path(), &SLOW.replace("100s", "90s"), false);
        assert!(changed.tenant.writes().is_empty());
        assert!(changed.notice.expect("a notice").contains("was changed"));
    }

    #[test]
    fn a_reset_starts_over() {
        let dir = tempfile::tempdir().expect("a folder");
        let mut first = open(dir.path(), SLOW, false);
        write(&mut first.tenant, LEGAL, true, 0);
        let reset = open(dir.path(), SLOW, true);
        assert!(reset.tenant.writes().is_empty() && reset.notice.is_none());
        assert_eq!(open(dir.path(), SLOW, false).tenant.writes().len(), 0);
    }

    #[test]
    fn a_torn_last_line_is_forgotten() {
        let dir = tempfile::tempdir().expect("a folder");
        let mut first = open(dir.path(), SLOW, false);
        write(&mut first.tenant, LEGAL, true, 0);
        let mut log = first.saved.append().expect("open");
        log.write_all(b"{\"write\":{\"wri").expect("written");
        let mut second = open(dir.path(), SLOW, false);
        assert_eq!(second.tenant.writes().len(), 1);
        write(&mut second.tenant, LEGAL, false, 9);
        assert_eq!(open(dir.path(), SLOW, false).tenant.writes().len(), 2);
    }

    #[test]
    fn a_lost_answer_is_still_done_in_the_next_process_and_not_lost_again() {
        let dir = tempfile::tempdir().expect("a folder");
        let text = format!("{SLOW}faults: [{{write: 1, answer: lost}}]\n");
        let mut first = open(dir.path(), &text, false);
        write(&mut first.tenant, LEGAL, true, 0);
        let mut second = open(dir.path(), &text, false);
        assert_eq!(second.tenant.writes().len(), 1);
        let path = format!("/v1.0/{LEGAL}/assignLicense");
        assert!(!second.tenant.handle(&post(&path, &assign(&[])), after(1)).lost);
    }
}
