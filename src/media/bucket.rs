//! Files in a bucket of a store that speaks S3, by owner and content as in the folder: erasing somebody is erasing what
//! begins with their id.
//!
//! A file is there whole or not at all; that is the store's promise.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt};
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::path::Path;
use object_store::{ClientOptions, ObjectStore, ObjectStoreExt, RetryConfig};

use super::files::Contents;
use super::folder::{Hash, Owner};
use crate::security::Secret;

const AMAZON: &str = "amazonaws.com";
const CONNECT_MAX: Duration = Duration::from_secs(5);
/// The largest file over a slow line.
const CALL_MAX: Duration = Duration::from_mins(3);
/// Calls for one thing until it is given up; whoever asked comes again later.
const RETRIES_MAX: usize = 2;

/// Where the bucket is, and the key to it.
#[derive(Clone, Debug)]
pub struct BucketPlace {
    pub bucket: String,
    /// What the names of all files begin with; may be empty.
    pub prefix: String,
    /// The address of the store, or Amazon's.
    pub endpoint: String,
    pub region: String,
    pub key_id: Secret,
    pub secret: Secret,
}

/// A bucket. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Bucket {
    store: Arc<AmazonS3>,
    prefix: String,
}

impl BucketPlace {
    /// Reads `s3://bucket/prefix?endpoint=…&region=…`; the key is given apart.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        const SHAPE: &str =
            "must look like s3://bucket/prefix?endpoint=https://s3.example.org&region=af-south-1";
        let rest = text.strip_prefix("s3://").ok_or(SHAPE)?;
        let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (bucket, prefix) = place.split_once('/').unwrap_or((place, ""));
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./".contains(&byte);
        if bucket.is_empty() || !place.bytes().all(is_plain) || place.contains("..") {
            return Err(SHAPE);
        }
        let (mut endpoint, mut region) = (None, None);
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            match pair.split_once('=') {
                Some(("endpoint", value)) if is_address(value) => endpoint = Some(value),
                Some(("region", value)) if !value.is_empty() => region = Some(value),
                _ => return Err(SHAPE),
            }
        }
        if endpoint.is_none() && region.is_none() {
            return Err("needs an endpoint, or the region of a bucket at Amazon's");
        }
        let endpoint = endpoint.map_or(AMAZON, |endpoint| endpoint.trim_end_matches('/'));
        Ok(Self {
            bucket: bucket.to_owned(),
            prefix: prefix.trim_matches('/').to_owned(),
            endpoint: endpoint.to_owned(),
            region: region.unwrap_or("us-east-1").to_owned(),
            key_id: Secret::new(""),
            secret: Secret::new(""),
        })
    }
}

fn is_address(text: &str) -> bool {
    let host = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"));
    host.is_some_and(|host| !host.is_empty() && !host.contains(['@', '#', ' ']))
}

impl Bucket {
    pub fn connect(place: &BucketPlace) -> io::Result<Self> {
        // Somebody else may have been first.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = ClientOptions::new()
            .with_connect_timeout(CONNECT_MAX)
            .with_timeout(CALL_MAX)
            .with_allow_http(place.endpoint.starts_with("http://"));
        let retries = RetryConfig {
            max_retries: RETRIES_MAX,
            retry_timeout: CALL_MAX,
            ..RetryConfig::default()
        };
        let mut builder = AmazonS3Builder::new()
            .with_bucket_name(&place.bucket)
            .with_region(&place.region)
            .with_access_key_id(place.key_id.expose())
            .with_secret_access_key(place.secret.expose())
            .with_client_options(client)
            .with_retry(retries);
        if place.endpoint != AMAZON {
            builder = builder.with_endpoint(&place.endpoint);
        }
        Ok(Self {
            store: Arc::new(builder.build()?),
            prefix: place.prefix.clone(),
        })
    }

    pub(super) async fn put(&self, (owner, hash): (Owner, Hash), bytes: Bytes) -> io::Result<()> {
        let path = self.path(&format!("{owner}/{hash}"));
        self.store.put(&path, bytes.into()).await?;
        Ok(())
    }

    pub(super) async fn open(&self, owner: Owner, hash: Hash) -> io::Result<(u64, Contents)> {
        let found = self
            .store
            .get(&self.path(&format!("{owner}/{hash}")))
            .await?;
        let bytes = found.meta.size;
        let contents = found.into_stream().map_err(io::Error::from).boxed();
        Ok((bytes, contents))
    }

    pub(super) async fn erase(&self, owner: Owner) -> io::Result<()> {
        let prefix = self.path(&owner.to_string());
        let found = self.store.list(Some(&prefix));
        let places = found.map_ok(|file| file.location).boxed();
        let erased = self.store.delete_stream(places);
        Ok(erased.try_for_each(async |_| Ok(())).await?)
    }

    /// Made of the operator's prefix, ids and hashes.
    fn path(&self, name: &str) -> Path {
        Path::from(format!("{}/{name}", self.prefix))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_has_an_address_and_nothing_else_is_taken_for_one() {
        let read = |text: &str| {
            let place = BucketPlace::parse(text).ok()?;
            let BucketPlace {
                bucket,
                prefix,
                endpoint,
                region,
                ..
            } = place;
            Some([bucket, prefix, endpoint, region].join(" "))
        };
        for (text, expected) in [
            (
                "s3://files/town/a?endpoint=https://s3.example.org/&region=af-south-1",
                Some("files town/a https://s3.example.org af-south-1"),
            ),
            (
                "s3://files?endpoint=http://10.0.0.5:9000",
                Some("files  http://10.0.0.5:9000 us-east-1"),
            ),
            (
                "s3://files?region=af-south-1",
                Some("files  amazonaws.com af-south-1"),
            ),
            ("s3://files", None),
            ("s3://?region=x", None),
            ("s3://files/../x?region=x", None),
            ("https://files?region=x", None),
            ("s3://files?region=x&colour=red", None),
            ("s3://files?endpoint=s3.example.org", None),
            ("s3://files?endpoint=https://key:word@s3.example.org", None),
        ] {
            assert_eq!(read(text).as_deref(), expected, "{text}");
        }
    }
}
