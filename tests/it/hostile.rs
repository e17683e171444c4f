//! Files from elsewhere, some of them made to hurt: each ends in a clear error, soon, and in bounded memory.

use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Output};

use advaudit::clock::Clock;
use advaudit::model::SignedDuration;

const HEAD: &str = "apiVersion: advaudit/v1\ntenant: contoso.onmicrosoft.com\n";

/// What `advaudit check` says of a file with these bytes: its exit code and both streams.
fn check(bytes: &[u8]) -> (Option<i32>, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.yaml");
    std::fs::write(&path, bytes).unwrap();
    told(&check_path(&path))
}

fn check_path(path: &Path) -> Output {
    let clock = Clock::system();
    let begun = clock.ticks();
    // A machine with less memory than a hostile file asks for.
    let script = format!("ulimit -v 4000000; exec \"{}\" check \"$0\"", env!("CARGO_BIN_EXE_advaudit"));
    let output = Command::new("sh").arg("-c").arg(script).arg(path).env_clear().output().unwrap();
    let taken = clock.ticks() - begun;
    assert!(taken < SignedDuration::from_secs(30), "{} took {taken}", path.display());
    output
}

fn told(output: &Output) -> (Option<i32>, String) {
    let text = [output.stdout.as_slice(), &output.stderr].concat();
    let text = String::from_utf8(text).unwrap();
    assert!(!text.contains("panicked"), "{text}");
    let obeyed = |c: char| c.is_control() && c != '\n';
    assert!(!text.contains(obeyed), "a terminal would obey it: {text:?}");
    (output.status.code(), text)
}

fn refused(bytes: &[u8], words: &str) {
    let (code, text) = check(bytes);
    assert_eq!(code, Some(1), "{words}: {text}");
    assert!(text.contains(words), "{words}: {}", text.chars().take(2000).collect::<String>());
    assert!(text.len() < 2_000_000, "{words}: {} bytes", text.len());
}

#[test]
fn deep_nesting_is_told_at_its_place() {
    for deep in ["users: [[[", "users:\n  - - - ", "users: {a: {a: ", "users:\n? ? ? "] {
        let (head, unit) = deep.split_at(deep.rfind(['[', '-', '{', '?']).unwrap());
        let unit = if unit.starts_with('{') { "{a: " } else { unit };
        refused(format!("{HEAD}{head}{}", unit.repeat(100_000)).as_bytes(), "nested deeper than 32 levels");
    }
}

#[test]
fn an_alias_bomb_is_not_unfolded() {
    let mut bomb = format!("{HEAD}a: &a [x,x,x,x,x,x,x,x,x,x]\n");
    for (name, before) in ('b'..='i').zip('a'..) {
        let ten = vec![format!("*{before}"); 10].join(",");
        writeln!(bomb, "{name}: &{name} [{ten}]").unwrap();
    }
    assert!(bomb.len() < 500);
    refused(bomb.as_bytes(), "the alias `*a` is not allowed");
}

#[test]
fn a_hundred_thousand_anchors_or_tags_in_one_line_are_told_soon() {
    for unit in ["&a x,", "!t x,"] {
        let text = format!("{HEAD}users: [{}]\n", unit.repeat(200_000));
        refused(text.as_bytes(), "are not listed");
    }
}

#[test]
fn a_scalar_of_a_hundred_megabytes_is_too_long_and_is_not_shown() {
    let long = "x".repeat(100_000_000);
    refused(
        format!("{HEAD}users:\n  - user: a@x.com\n    reason: {long}\n").as_bytes(),
        "longer than 1000 characters",
    );
    refused(
        format!("{HEAD}users:\n  - user: a@x.com\n    reason: \"{long}\n").as_bytes(),
        "this quote is never closed",
    );
}

#[test]
fn what_is_too_large_or_no_file_is_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let huge = folder.path().join("huge.yaml");
    std::fs::File::create(&huge).unwrap().set_len(1 << 30).unwrap();
    let (code, text) = told(&check_path(&huge));
    assert!(code == Some(1) && text.contains("it is larger than 128 MiB"), "{text}");
    let pipe = folder.path().join("pipe.yaml");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    for path in [pipe.as_path(), Path::new("/dev/zero")] {
        let (code, text) = told(&check_path(path));
        assert!(code == Some(1) && text.contains("it is no file"), "{text}");
    }
}

#[test]
fn other_encodings_are_named() {
    let text = format!("{HEAD}users: [zo\u{eb}@x.com]\n");
    let le: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let be: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
    for bytes in [[&[0xff, 0xfe], le.as_slice()].concat(), [&[0xfe, 0xff], be.as_slice()].concat(), le, be] {
        refused(&bytes, "is UTF-16 text");
    }
    let latin: Vec<u8> = text.chars().map(|char| char as u8).collect();
    refused(&latin, "byte 67, in line 3, is wrong");
    refused(&[0; 1000], "unexpected character");
    assert_eq!(
        check(format!("\u{feff}{HEAD}users: [a@x.com]\n").as_bytes()).0,
        Some(0),
        "a mark is no fault"
    );
}

#[test]
fn a_million_slips_are_counted_and_a_thousand_are_listed() {
    let slips = "  - {usr: a@x.com}\n".repeat(1_000_000);
    refused(format!("{HEAD}users:\n{slips}").as_bytes(), "there are 999000 more of them");
    let twice = "  - user@contoso.com\n".repeat(100_000);
    refused(format!("{HEAD}users:\n{twice}").as_bytes(), "named twice");
    let keys: String = (0..100_000).map(|at| format!("k{at}: 1\n")).collect();
    refused(format!("{HEAD}{keys}").as_bytes(), "there are 99000 more of them");
}

#[test]
fn a_line_of_a_megabyte_is_not_shown_whole() {
    let users: String = (0..100_000).map(|at| format!("a{at}@x.com, ")).collect();
    let (code, text) = check(format!("{HEAD}users: [{users}{{usr: b}}]\n").as_bytes());
    assert_eq!(code, Some(1));
    assert!(text.contains("m.yaml:3:") && text.len() < 5000, "{} bytes", text.len());
}

#[test]
fn escapes_of_a_terminal_in_names_and_keys_do_not_reach_it() {
    for line in [
        "users: [\"\\e[2Jb@x.com\", \"c\\u202e@x.com\"]",
        "groups: [\"\\x9b31m\", \"\\e]0;x\\a\"]",
        "\"\\e[31mkey\": 1",
        "users: [\"\u{9b}31m@x.com\"]",
        "users: [\u{1b}[2J]",
        "users: &\u{9b} [a@x.com]",
    ] {
        assert_eq!(check(format!("{HEAD}{line}\n").as_bytes()).0, Some(1), "{line}");
    }
}

#[test]
fn a_journal_that_is_none_is_refused_and_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let own = folder.path().join("c0450000-0000-4000-8000-000000000001");
    std::fs::create_dir_all(&own).unwrap();
    let journal = own.join("journal.jsonl");
    let deep = format!("{}\n", "[".repeat(1_000_000));
    let long = format!("{{\"v\":1,\"x\":\"{}\"}}\n", "x".repeat(80_000_000));
    let unknown = "{\"v\":1,\"seq\":1,\"at\":\"2026-01-01T00:00:00Z\",\"run\":\"00000000-0000-4000-8000-000000000001\",\
                   \"prev\":\"\",\"entry\":{\"kind\":\"\\u001b[2J\"}}\n";
    let binary: Vec<u8> = (0..100_000_u32).map(|at| (at * 7 % 256) as u8).collect();
    for (bytes, words) in [
        (deep.as_bytes(), "recursion limit exceeded"),
        (long.as_bytes(), "longer than 64 MiB"),
        (unknown.as_bytes(), "unknown variant"),
        (b"\xef\xbb\xbf{}\n", "byte order mark"),
        (b"{\"level\":\"info\",\"msg\":\"another program\"}\n", "missing field"),
        (b"{\"v\":2}\n", "Use the newer advaudit"),
        (binary.as_slice(), "is damaged"),
    ] {
        std::fs::write(&journal, bytes).unwrap();
        let mut status = Command::new(env!("CARGO_BIN_EXE_advaudit"));
        let (code, text) =
            told(&status.args(["status", "--state"]).arg(folder.path()).env_clear().output().unwrap());
        assert!(code == Some(1) && text.contains(words), "{words}: {text}");
        assert!(text.len() < 2000 && text.contains("nothing was written"), "{text}");
        assert!(std::fs::read(&journal).unwrap() == bytes, "{words}: it was changed");
    }
}

#[test]
fn a_journal_that_is_a_device_is_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let own = folder.path().join("c0450000-0000-4000-8000-000000000001");
    std::fs::create_dir_all(&own).unwrap();
    std::os::unix::fs::symlink("/dev/zero", own.join("journal.jsonl")).unwrap();
    let mut status = Command::new(env!("CARGO_BIN_EXE_advaudit"));
    let (code, text) =
        told(&status.args(["status", "--state"]).arg(folder.path()).env_clear().output().unwrap());
    assert!(code == Some(1) && text.contains("a pipe or a device"), "{text}");
}
