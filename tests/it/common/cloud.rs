//! Object stores on loopback: Azurite for Azure Blob Storage, moto for S3. Started when they are found,
//! shared by the tests that run at the same time, and ended with the last of them.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::rc::Rc;
use std::sync::{Arc, Mutex, Weak};

use advaudit::clock::Clock;
use advaudit::journal::address::{Named, named};
use advaudit::journal::bucket::Bucket;
use sha2::{Digest, Sha256};

/// Container and bucket of the tests.
const BUCKET: &str = "audit";
const ACCOUNT: &str = "advaudit";
/// The key of the account, and the same in Base64.
const KEY: [u8; 64] = *b"advaudit-tests--advaudit-tests--advaudit-tests--advaudit-tests--";
pub const KEY_TEXT: &str =
    "YWR2YXVkaXQtdGVzdHMtLWFkdmF1ZGl0LXRlc3RzLS1hZHZhdWRpdC10ZXN0cy0tYWR2YXVkaXQtdGVzdHMtLQ==";

/// Whose store is played.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Azure,
    S3,
}

/// An object store in a process of its own; ends with this value.
pub struct Server {
    child: Child,
    kind: Kind,
    /// `127.0.0.1:12345`.
    address: String,
}

static AZURE: Mutex<Weak<Server>> = Mutex::new(Weak::new());
static S3: Mutex<Weak<Server>> = Mutex::new(Weak::new());

impl Kind {
    /// The variable that names the program, and the program that is looked for without it.
    fn program(self) -> (&'static str, &'static str) {
        match self {
            Kind::Azure => ("ADVAUDIT_TEST_AZURITE", "azurite-blob"),
            Kind::S3 => ("ADVAUDIT_TEST_MOTO", "moto_server"),
        }
    }

    /// The store, if there is one on this machine. Says so where there is none; fails if it has to be.
    pub fn server(self) -> Option<Arc<Server>> {
        let shared = match self {
            Kind::Azure => &AZURE,
            Kind::S3 => &S3,
        };
        // A test that failed meanwhile has nothing to do with it.
        let mut shared = shared.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(server) = shared.upgrade() {
            return Some(server);
        }
        let (variable, name) = self.program();
        let program = std::env::var(variable).unwrap_or_else(|_| name.to_owned());
        match Server::start(self, &program) {
            Ok(server) => {
                let server = Arc::new(server);
                *shared = Arc::downgrade(&server);
                Some(server)
            }
            Err(why) => {
                let required = std::env::var("ADVAUDIT_TEST_STORES").is_ok_and(|text| text == "required");
                assert!(!required, "{program} has to run (ADVAUDIT_TEST_STORES=required): {why}");
                // Not by a macro: what those print of a test that passes is shown to nobody.
                let mut stderr = std::io::stderr();
                _ = writeln!(stderr, "skipped: {program} does not run ({why}); name it with {variable}");
                None
            }
        }
    }
}

impl Server {
    fn start(kind: Kind, program: &str) -> Result<Server, String> {
        let mut command = Command::new(program);
        match kind {
            Kind::Azure => command
                .args(["--blobPort", "0", "--inMemoryPersistence", "--skipApiVersionCheck"])
                .args(["--disableTelemetry", "--silent"])
                .env("AZURITE_ACCOUNTS", format!("{ACCOUNT}:{KEY_TEXT}"))
                .stdout(Stdio::piped())
                .stderr(Stdio::null()),
            Kind::S3 => {
                command.args(["-H", "127.0.0.1", "-p", "0"]).stdout(Stdio::null()).stderr(Stdio::piped())
            }
        };
        let mut child = command.spawn().map_err(|error| error.to_string())?;
        let address = match kind {
            Kind::Azure => listening(child.stdout.take().expect("a pipe")),
            Kind::S3 => listening(child.stderr.take().expect("a pipe")),
        };
        let Some(address) = address else {
            _ = child.kill();
            _ = child.wait();
            return Err("it ended without an address".into());
        };
        let server = Server { child, kind, address };
        server.make_bucket();
        Ok(server)
    }

    /// Where everything is, below a prefix of its own.
    pub fn state(&self, prefix: &str) -> String {
        match self.kind {
            Kind::Azure => format!("az://{BUCKET}/{prefix}"),
            Kind::S3 => format!("s3://{BUCKET}/{prefix}"),
        }
    }

    /// The environment that leads to it.
    pub fn variables(&self) -> Vec<(String, String)> {
        let url = format!("http://{}", self.address);
        let variables: &[(&str, &str)] = match self.kind {
            Kind::Azure => &[
                ("AZURE_STORAGE_ACCOUNT_NAME", ACCOUNT),
                ("AZURE_STORAGE_ACCOUNT_KEY", KEY_TEXT),
                ("AZURE_STORAGE_ENDPOINT", &format!("{url}/{ACCOUNT}")),
                ("AZURE_ALLOW_HTTP", "true"),
            ],
            Kind::S3 => &[
                ("AWS_ACCESS_KEY_ID", "tests"),
                ("AWS_SECRET_ACCESS_KEY", KEY_TEXT),
                ("AWS_REGION", "us-east-1"),
                ("AWS_ENDPOINT_URL", &url),
                ("AWS_ALLOW_HTTP", "true"),
            ],
        };
        variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    /// The objects below a prefix, without the program.
    pub fn objects(&self, prefix: &str) -> Rc<Bucket> {
        let Ok(Named::Objects(address)) = named(&self.state(prefix)) else { panic!("no address") };
        Rc::new(Bucket::open(address, &self.variables()).expect("configured"))
    }

    fn make_bucket(&self) {
        let answer = match self.kind {
            Kind::S3 => self.ask(&format!("PUT /{BUCKET} HTTP/1.1\r\n")),
            Kind::Azure => {
                let date = Clock::system().now().strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
                let headers = format!("x-ms-date:{date}\nx-ms-version:2021-08-06");
                let resource = format!("/{ACCOUNT}/{ACCOUNT}/{BUCKET}\nrestype:container");
                let signed =
                    base64(&hmac(&KEY, format!("PUT{}{headers}\n{resource}", "\n".repeat(12)).as_bytes()));
                self.ask(&format!(
                    "PUT /{ACCOUNT}/{BUCKET}?restype=container HTTP/1.1\r\n{}\r\nAuthorization: SharedKey \
                     {ACCOUNT}:{signed}\r\n",
                    headers.replace('\n', "\r\n")
                ))
            }
        };
        assert!(answer.starts_with("HTTP/1.1 20"), "no {BUCKET}: {answer}");
    }

    fn ask(&self, head: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).expect("it listens");
        let rest = format!("Host: {}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", self.address);
        stream.write_all(format!("{head}{rest}").as_bytes()).expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("answered");
        answer
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

/// Reads what a server says until it names its address; what it says later is read and forgotten.
fn listening(pipe: impl Read + Send + 'static) -> Option<String> {
    let mut lines = BufReader::new(pipe).lines();
    let address = lines.by_ref().map_while(Result::ok).find_map(|line| {
        let (_, rest) = line.split_once("http://")?;
        Some(rest.split_whitespace().next()?.trim_end_matches('/').to_owned())
    });
    std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
    address
}

/// HMAC-SHA256 with a key of one block, as the key of the account is.
fn hmac(key: &[u8; 64], text: &[u8]) -> Vec<u8> {
    let padded = |with: u8| key.map(|byte| byte ^ with);
    let inner = Sha256::new().chain_update(padded(0x36)).chain_update(text).finalize();
    Sha256::new().chain_update(padded(0x5c)).chain_update(inner).finalize().to_vec()
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for part in bytes.chunks(3) {
        let word =
            part.iter().fold(0_usize, |word, byte| word << 8 | usize::from(*byte)) << (8 * (3 - part.len()));
        let letters = (0..=part.len()).map(|at| char::from(LETTERS[word >> (18 - 6 * at) & 63]));
        text.extend(letters.chain(std::iter::repeat_n('=', 3 - part.len())));
    }
    text
}

#[test]
fn base64_of_a_key_is_its_text() {
    assert_eq!(base64(&KEY), KEY_TEXT);
}
