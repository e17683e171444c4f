//! Real object stores behind [`Objects`]: Azure Blob Storage, S3 and Google Cloud Storage, by the
//! `object_store` crate, configured by the variables that it documents.

use std::cell::Cell;
use std::sync::Arc;
use std::time::Duration;

use object_store::aws::AmazonS3Builder;
use object_store::azure::MicrosoftAzureBuilder;
use object_store::gcp::GoogleCloudStorageBuilder;
use object_store::path::Path;
use object_store::{BackoffConfig, Error, ObjectStore, ObjectStoreExt, RetryConfig};
use object_store::{PutMode, PutOptions, UpdateVersion};

use super::address::{Address, Kind};
use super::bucket_error::Words;
use super::objects::{Expect, Object, Objects, Put, Version};
use super::store::{Later, StoreError};

/// What is larger is no journal, not even one that was copied there as a single object.
const LARGEST_BYTES: u64 = 8 * 1024 * 1024 * 1024;

/// A place in an object store.
pub struct Bucket {
    address: Address,
    words: Words,
    patient: Arc<dyn ObjectStore>,
    brief: Arc<dyn ObjectStore>,
    /// The last request was not answered.
    is_silent: Cell<bool>,
}

/// A place in an object store that cannot be used as the environment describes it.
#[derive(Debug, thiserror::Error)]
#[error("cannot use {place}: {cause}")]
pub struct CannotOpen {
    place: String,
    cause: String,
}

/// How long a request may take.
#[derive(Clone, Copy)]
struct Patience {
    /// One attempt.
    attempt: &'static str,
    connect: &'static str,
    /// After this no further attempt begins.
    again_for: Duration,
    again: usize,
}

/// As long as the store answers: half a minute in all, which is less than a lease lasts.
const PATIENT: Patience =
    Patience { attempt: "10s", connect: "5s", again_for: Duration::from_secs(20), again: 20 };
/// Once it does not answer, until it does: whoever is off must be turned on whether that can be written
/// down or not, and not after half a minute for every record.
const BRIEF: Patience = Patience { attempt: "3s", connect: "2s", again_for: Duration::ZERO, again: 0 };

impl Patience {
    fn retries(self) -> RetryConfig {
        RetryConfig {
            backoff: BackoffConfig { max_backoff: Duration::from_secs(5), ..BackoffConfig::default() },
            max_retries: self.again,
            retry_timeout: self.again_for,
        }
    }
}

impl Bucket {
    /// The place, with credentials and endpoint from these environment variables. Asks for nothing yet.
    pub fn open(address: Address, variables: &[(String, String)]) -> Result<Bucket, CannotOpen> {
        let words = Words::new(address.kind, variables);
        let cannot = |cause: String| CannotOpen { place: address.to_string(), cause };
        words.missing(variables).map_or(Ok(()), |cause| Err(cannot(cause)))?;
        let open = |patience| {
            build(&address, variables, patience).map_err(|error| cannot(words.misconfigured(&error)))
        };
        let (patient, brief) = (open(PATIENT)?, open(BRIEF)?);
        Ok(Bucket { patient, brief, words, is_silent: Cell::new(false), address })
    }

    fn store(&self) -> &dyn ObjectStore {
        if self.is_silent.get() { &*self.brief } else { &*self.patient }
    }

    fn path(&self, name: &str) -> Path {
        Path::from(format!("{}/{name}", self.address.prefix))
    }

    fn failed(&self, what: &'static str, name: &str, error: &Error) -> StoreError {
        let told = self.words.tell(error);
        self.is_silent.set(told.is_silence());
        let place = format!("{}/{name}", self.address).trim_end_matches('/').to_owned();
        StoreError::Failed { what, place, cause: told.to_string() }
    }

    fn version(&self, e_tag: Option<String>, generation: Option<String>) -> Version {
        let version = if self.address.kind == Kind::Google { generation } else { e_tag };
        // One that no object has: the next conditional put is refused, and says that this cannot go on.
        Version(version.unwrap_or_else(|| "none".into()))
    }

    async fn get_now(&self, name: &str) -> Result<Option<Object>, StoreError> {
        let failed = |error: &Error| self.failed("read", name, error);
        let read = match self.store().get(&self.path(name)).await {
            Err(error) if self.words.tell(&error).is_absence() => {
                self.is_silent.set(false);
                return Ok(None);
            }
            read => read.map_err(|error| failed(&error))?,
        };
        let version = self.version(read.meta.e_tag.clone(), read.meta.version.clone());
        if read.meta.size > LARGEST_BYTES {
            let (what, place) = ("read", format!("{}/{name}", self.place()));
            return Err(StoreError::Failed { what, place, cause: "it is larger than any journal".into() });
        }
        let bytes = read.bytes().await.map_err(|error| failed(&error))?.to_vec();
        self.is_silent.set(false);
        Ok(Some(Object { bytes, version }))
    }

    async fn put_now(&self, name: &str, bytes: Vec<u8>, expect: Expect) -> Result<Put, StoreError> {
        let mode = match expect {
            Expect::Absent => PutMode::Create,
            Expect::Version(Version(version)) => {
                PutMode::Update(UpdateVersion { e_tag: Some(version.clone()), version: Some(version) })
            }
        };
        match self.store().put_opts(&self.path(name), bytes.into(), PutOptions::from(mode)).await {
            Ok(done) => {
                self.is_silent.set(false);
                Ok(Put::Done(self.version(done.e_tag, done.version)))
            }
            Err(error) if self.words.tell(&error).is_conflict() => {
                self.is_silent.set(false);
                Ok(Put::Conflict)
            }
            Err(error) => Err(self.failed("write", name, &error)),
        }
    }

    async fn list_now(&self, folder: &str) -> Result<Vec<String>, StoreError> {
        let path = self.path(folder);
        let listed = self.store().list_with_delimiter(Some(&path)).await;
        let listed = listed.map_err(|error| self.failed("list", folder, &error))?;
        self.is_silent.set(false);
        let objects = listed.objects.iter().map(|object| &object.location);
        let names = objects.chain(&listed.common_prefixes).filter_map(|path| path.filename());
        Ok(names.map(str::to_owned).collect())
    }
}

/// One builder after the other, alike except for their types.
fn build(
    address: &Address,
    variables: &[(String, String)],
    patience: Patience,
) -> Result<Arc<dyn ObjectStore>, Error> {
    let settings = |begin: &'static str| {
        let own = variables.iter().filter(move |(name, _)| name.starts_with(begin));
        let own = own.map(|(name, value)| (name.to_ascii_lowercase(), value.as_str()));
        own.chain([
            ("timeout".to_owned(), patience.attempt),
            ("connect_timeout".to_owned(), patience.connect),
        ])
    };
    let bucket = &address.bucket;
    Ok(match address.kind {
        Kind::Azure => {
            let builder = MicrosoftAzureBuilder::new().with_retry(patience.retries());
            let builder = settings("AZURE_").fold(builder, |builder, (name, value)| match name.parse() {
                Ok(key) => builder.with_config(key, value),
                Err(_) => builder,
            });
            Arc::new(builder.with_container_name(bucket).build()?)
        }
        Kind::Amazon => {
            let builder = AmazonS3Builder::new().with_retry(patience.retries());
            let builder = settings("AWS_").fold(builder, |builder, (name, value)| match name.parse() {
                Ok(key) => builder.with_config(key, value),
                Err(_) => builder,
            });
            Arc::new(builder.with_bucket_name(bucket).build()?)
        }
        Kind::Google => {
            let builder = GoogleCloudStorageBuilder::new().with_retry(patience.retries());
            let builder = settings("GOOGLE_").fold(builder, |builder, (name, value)| match name.parse() {
                Ok(key) => builder.with_config(key, value),
                Err(_) => builder,
            });
            Arc::new(builder.with_bucket_name(bucket).build()?)
        }
    })
}

impl Objects for Bucket {
    fn place(&self) -> String {
        self.address.to_string()
    }

    fn get<'a>(&'a self, name: &'a str) -> Later<'a, Option<Object>> {
        Box::pin(self.get_now(name))
    }

    fn put<'a>(&'a self, name: &'a str, bytes: Vec<u8>, expect: Expect) -> Later<'a, Put> {
        Box::pin(self.put_now(name, bytes, expect))
    }

    fn list<'a>(&'a self, folder: &'a str) -> Later<'a, Vec<String>> {
        Box::pin(self.list_now(folder))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::address::{Named, named};

    fn bucket(state: &str, variables: &[(&str, &str)]) -> Bucket {
        let Ok(Named::Objects(address)) = named(state) else { panic!("{state} is no address") };
        let own = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Bucket::open(address, &own.collect::<Vec<_>>()).expect("configured")
    }

    fn google() -> Bucket {
        bucket("gs://audit", &[("GOOGLE_SKIP_SIGNATURE", "true"), ("GOOGLE_BASE_URL", "https://localhost:1")])
    }

    fn amazon() -> Bucket {
        bucket("s3://audit/prod", &[("AWS_ACCESS_KEY_ID", "a"), ("AWS_SECRET_ACCESS_KEY", "b")])
    }

    #[test]
    fn google_counts_generations_and_the_others_have_tags() {
        let version = |bucket: &Bucket| bucket.version(Some("tag".into()), Some("7".into()));
        assert_eq!(version(&google()), Version("7".into()));
        assert_eq!(version(&amazon()), Version("tag".into()));
    }

    #[test]
    fn everything_is_below_the_prefix() {
        assert_eq!(google().path("t/lease.json").as_ref(), "t/lease.json");
        assert_eq!(amazon().path("t/lease.json").as_ref(), "prod/t/lease.json");
        assert_eq!(amazon().path("").as_ref(), "prod");
    }

    #[test]
    fn another_bucket_of_the_environment_is_not_taken() {
        let named = [("AWS_BUCKET", "other"), ("AWS_ACCESS_KEY_ID", "a"), ("AWS_SECRET_ACCESS_KEY", "b")];
        assert_eq!(bucket("s3://audit/prod", &named).place(), "s3://audit/prod");
        assert!(format!("{}", bucket("s3://audit", &named).patient).contains("audit"));
    }

    #[tokio::test]
    async fn a_store_that_is_silent_is_asked_briefly_until_it_answers() {
        let plain = [("AWS_ENDPOINT_URL", "http://127.0.0.1:1"), ("AWS_ALLOW_HTTP", "true")];
        let silent = bucket("s3://audit", &[&plain[..], &[("AWS_SKIP_SIGNATURE", "true")]].concat());
        silent.is_silent.set(true);
        let error = silent.get("t/lease.json").await.expect_err("nobody listens").to_string();
        assert!(error.starts_with("cannot read s3://audit/t/lease.json: Connection refused"), "{error}");
        assert!(
            error.ends_with("is the network there, and AWS_REGION (or AWS_ENDPOINT_URL) right?"),
            "{error}"
        );
        assert!(silent.is_silent.get());
    }
}
