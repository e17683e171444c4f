//! Files that people name: written whole or not at all; read whole, within a bound, and only when they are files. A pipe that
//! nobody writes to would be waited for without end, and a device has none.

use std::fs::File;
use std::io::{Error, ErrorKind, Read, Result, Write};
use std::path::Path;

/// Half a million users with a reason each are some 80 MB.
const LARGEST_BYTES: u64 = 128 * 1024 * 1024;

/// All of a file.
pub(super) fn read(path: &Path) -> Result<Vec<u8>> {
    read_within(path, LARGEST_BYTES)
}

/// All of a file, as text.
pub(super) fn read_text(path: &Path) -> Result<String> {
    String::from_utf8(read(path)?).map_err(|error| {
        let at = error.utf8_error().valid_up_to() + 1;
        Error::new(ErrorKind::InvalidData, format!("it is not UTF-8 text: byte {at} is wrong"))
    })
}

/// Writes a file; whoever reads it meanwhile sees the old one, or all of the new one.
pub(super) fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    // A link stays one, and what it leads to is written.
    let path = &path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let name = path.file_name().ok_or_else(|| Error::new(ErrorKind::InvalidInput, "it names no file"))?;
    let part = path.with_file_name(format!(".{}.{}.part", name.to_string_lossy(), std::process::id()));
    let written = (|| {
        let mut file = File::create(&part)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        std::fs::rename(&part, path)
    })();
    if written.is_err() {
        // What is left of it is no use to anybody.
        _ = std::fs::remove_file(&part);
    }
    written
}

/// Writes a file that must not be there yet.
pub(super) fn write_new(path: &Path, bytes: &[u8]) -> Result<()> {
    File::options().write(true).create_new(true).open(path)?.write_all(bytes)
}

pub(super) fn read_within(path: &Path, most: u64) -> Result<Vec<u8>> {
    // Asked by its name, before it is opened: opening a pipe waits already.
    if !std::fs::metadata(path)?.is_file() {
        let why = "it is no file, but a folder, a pipe or a device; write it to a file first";
        return Err(Error::new(ErrorKind::InvalidInput, why));
    }
    let mut bytes = Vec::new();
    // One byte more tells a file that is too large from one that is just as large as may be.
    File::open(path)?.take(most + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        let why = format!("it is larger than {} MiB", most / 1024 / 1024);
        return Err(Error::new(ErrorKind::FileTooLarge, why));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_up_to_its_bound_and_no_further() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("file");
        std::fs::write(&path, vec![b'x'; 1024]).expect("written");
        assert_eq!(read_within(&path, 1024).expect("as large as may be").len(), 1024);
        let error = read_within(&path, 1023).expect_err("too large");
        assert_eq!(error.kind(), ErrorKind::FileTooLarge);
    }

    #[test]
    fn a_file_is_written_whole_or_not_at_all() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("file");
        for text in ["one", "two"] {
            write(&path, text.as_bytes()).expect("written");
            assert_eq!(read_text(&path).expect("text"), text);
        }
        assert!(write(&folder.path().join("nowhere/file"), b"x").is_err());
        std::fs::create_dir(folder.path().join("folder")).expect("a folder");
        assert!(write(&folder.path().join("folder"), b"x").is_err());
        assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 2, "no part is left");
    }

    #[test]
    fn a_folder_and_a_device_are_no_files() {
        for path in ["/dev/zero", "/"] {
            let error = read(Path::new(path)).expect_err("no file");
            assert!(error.to_string().contains("it is no file"), "{path}: {error}");
        }
        assert_eq!(read(Path::new("/nowhere")).expect_err("absent").kind(), ErrorKind::NotFound);
    }
}
