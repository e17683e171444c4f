//! Manifests named on the command line: files, read and validated.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Failure, files};
use crate::clock::Clock;
use crate::diag::{Code, Finding, Source};
use crate::manifest;
use crate::manifest::declared::Declared;
use crate::model::Timestamp;
use crate::observe::observed::Tenant;
use crate::plan::rollout;

/// The text of one manifest.
pub(super) fn source(path: &Path) -> Result<Arc<Source>, Failure> {
    let bytes = files::read(path).map_err(|cause| Failure::Read { path: path.to_owned(), cause })?;
    let name = path.display().to_string();
    if let Some(encoding) = other_encoding(&bytes) {
        return Err(Failure::other(format!("{name} is {encoding} text"), SAVE_AS_UTF_8));
    }
    match String::from_utf8(bytes) {
        Ok(text) => Ok(Arc::new(Source::new(name, text))),
        Err(error) => {
            let at = error.utf8_error().valid_up_to();
            let line = error.as_bytes()[..at].iter().filter(|byte| **byte == b'\n').count() + 1;
            let message = format!("{name} is not UTF-8 text: byte {}, in line {line}, is wrong", at + 1);
            Err(Failure::other(message, SAVE_AS_UTF_8))
        }
    }
}

const SAVE_AS_UTF_8: &str = "save it as UTF-8; an editor and PowerShell's `-Encoding utf8` can";

/// The encoding that Windows programs write, with the mark they begin with or without: a manifest begins
/// with a letter, a `#` or a `-`, which is a zero and a byte then.
fn other_encoding(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0xff, 0xfe, 0, 0, ..] | [0, 0, 0xfe, 0xff, ..] => Some("UTF-32"),
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => Some("UTF-16"),
        [0, a, 0, b, ..] | [a, 0, b, 0, ..] if *a != 0 && *b != 0 => Some("UTF-16"),
        _ => None,
    }
}

/// A valid manifest with its findings, or all that is wrong with it.
pub(super) fn read(path: &Path, now: Timestamp) -> Result<(Declared, Vec<Finding>), Failure> {
    parse(source(path)?, now).map_err(Failure::Manifest)
}

/// The manifest in a text, and what is to be told of it; all that can be told without a tenant.
pub(super) fn parse(source: Arc<Source>, now: Timestamp) -> Result<(Declared, Vec<Finding>), Vec<Finding>> {
    let (declared, mut findings) = manifest::read(source, now)?;
    findings.extend(rollout::lint(&declared, now));
    Ok((declared, findings))
}

/// Finds out, without asking anybody, whether a manifest can be used. Which dates are in the future is
/// for Graph's clock to say; where something else is wrong as well, the machine's is good enough to tell
/// all of it at once. Returns the tenant that it names.
pub(super) fn read_offline(path: &Path) -> Result<String, Failure> {
    let (declared, _) = match read(path, Timestamp::MAX) {
        Err(Failure::Manifest(_)) => read(path, Clock::system().now()),
        read => read,
    }?;
    Ok(declared.tenant.value)
}

/// A valid manifest of that tenant.
pub(super) fn read_for(
    path: &Path,
    tenant: &Tenant,
    now: Timestamp,
) -> Result<(Declared, Vec<Finding>), Failure> {
    let (declared, findings) = read(path, now)?;
    if tenant.is_named(&declared.tenant.value) {
        return Ok((declared, findings));
    }
    let message = format!(
        "the manifest is for `{}`, and the tenant that answers is {} ({})",
        declared.tenant.value, tenant.domain, tenant.id
    );
    let help = "use a token of the manifest's tenant, or correct `tenant`; nothing was changed";
    Err(Failure::Manifest(vec![
        Finding::new(Code::WrongTenant, message).at(&declared.tenant.place).help(help),
    ]))
}

/// The files that are meant: a folder stands for the manifests in it.
pub(super) fn files(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let mut files = Vec::new();
    for path in paths {
        if !path.is_dir() {
            files.push(path.clone());
            continue;
        }
        let inside = inside(path)?;
        if inside.is_empty() {
            return Err(Failure::other(
                format!("there is no manifest in the folder {}", path.display()),
                "manifests end in .yaml or .yml",
            ));
        }
        files.extend(inside);
    }
    Ok(files)
}

/// Refuses further manifests where a command takes one.
pub(super) fn just_one(command: &str, further: &[PathBuf]) -> Result<(), Failure> {
    if further.is_empty() {
        return Ok(());
    }
    Err(Failure::Usage(format!(
        "`{command}` takes one manifest, and these are {}: a tenant at a time; `plan` takes several",
        further.len() + 1
    )))
}

/// The files of YAML in a folder, by name.
pub(super) fn inside(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let io = |cause| Failure::Read { path: folder.to_owned(), cause };
    let mut inside = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(io)? {
        let own = entry.map_err(io)?.path();
        if own.extension().is_some_and(|end| end == "yaml" || end == "yml") {
            inside.push(own);
        }
    }
    inside.sort();
    Ok(inside)
}
