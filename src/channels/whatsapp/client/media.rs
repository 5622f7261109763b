//! Files: given to WhatsApp, asked about, and fetched from where WhatsApp says.
//!
//! An address to fetch from comes over the wire, so it is distrusted: only WhatsApp's hosts, only TLS, no redirects, the
//! address behind the name checked at the moment of connecting, and never more bytes or time than asked for. Does not
//! look into files or store them.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE};
use reqwest::multipart::{Form, Part};
use reqwest::redirect::Policy;
use reqwest::{Response, StatusCode, Url};

use super::call::{broken, incomplete, text};
use super::{CallFailure, Client, Deadlines, USER_AGENT};
use crate::channels::whatsapp::errors::Retry;
use crate::model::{FailureScope, PhoneNumberId};
use crate::security::addresses;

/// Where WhatsApp keeps files: these hosts, and the ones below the domains.
const MEDIA_HOSTS: [&str; 1] = ["lookaside.fbsbx.com"];
const MEDIA_DOMAINS: [&str; 2] = [".fbcdn.net", ".whatsapp.net"];

/// A hundred megabytes over a slow line.
const UPLOAD_TIME_MAX: Duration = Duration::from_mins(5);

/// How much of a file is taken, and for how long.
#[derive(Clone, Copy, Debug)]
pub struct DownloadLimits {
    pub bytes_max: u64,
    /// From the call to the last byte.
    pub time_max: Duration,
}

/// A file to be given to WhatsApp.
#[derive(Clone, Debug)]
pub struct Upload {
    pub bytes: Bytes,
    pub mime: String,
    pub filename: String,
}

/// Where a file is for the next five minutes, and what WhatsApp says of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MediaLocation {
    pub url: String,
    pub mime: Option<String>,
    /// As WhatsApp writes it; what it is the hash of is not documented.
    pub sha256: Option<String>,
    pub bytes: Option<u64>,
}

/// A file that is being fetched.
#[derive(Debug)]
pub struct Download {
    response: Response,
    left: u64,
}

impl Client {
    /// Gives WhatsApp a file to be sent; it keeps the file for 30 days under the id.
    pub async fn upload_media(
        &self,
        number: &PhoneNumberId,
        upload: Upload,
    ) -> Result<String, CallFailure> {
        let mime = upload.mime.clone();
        let part = Part::stream(upload.bytes)
            .file_name(upload.filename)
            .mime_str(&upload.mime)
            .map_err(|_| CallFailure::new(Retry::Never, "The type of the file is not one."))?;
        let form = Form::new()
            .text("messaging_product", "whatsapp")
            .text("type", mime)
            .part("file", part);
        let url = self.url(&[number.as_str(), "media"]);
        let call = self.http.post(url).timeout(UPLOAD_TIME_MAX).multipart(form);
        let answer = self.ask(call).await?;
        text(&answer, "id").ok_or_else(incomplete)
    }

    /// Gives WhatsApp's reviewers a sample for a template's header; returns its handle.
    pub async fn upload_sample(&self, app_id: &str, upload: Upload) -> Result<String, CallFailure> {
        let mut url = self.url(&[app_id, "uploads"]);
        url.query_pairs_mut()
            .append_pair("file_name", &upload.filename)
            .append_pair("file_length", &upload.bytes.len().to_string())
            .append_pair("file_type", &upload.mime);
        let session = self.ask(self.http.post(url)).await?;
        let session = text(&session, "id").ok_or_else(incomplete)?;
        let call = self
            .http
            .post(self.session_url(&session))
            .timeout(UPLOAD_TIME_MAX)
            .header("file_offset", "0")
            .header(CONTENT_TYPE, "application/octet-stream")
            .body(upload.bytes);
        let answer = self.ask(call).await?;
        text(&answer, "h").ok_or_else(incomplete)
    }

    /// The id of a session brings its own query.
    fn session_url(&self, session: &str) -> Url {
        let (path, query) = match session.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (session, None),
        };
        let mut url = self.url(&[path]);
        url.set_query(query);
        url
    }

    /// Where a file can be fetched. Files of customers are there for seven days.
    pub async fn media_url(
        &self,
        number: &PhoneNumberId,
        media_id: &str,
    ) -> Result<MediaLocation, CallFailure> {
        let mut url = self.url(&[media_id]);
        url.query_pairs_mut()
            .append_pair("phone_number_id", number.as_str());
        let body = self.ask(self.http.get(url)).await.map_err(gone)?;
        Ok(MediaLocation {
            url: text(&body, "url").ok_or_else(incomplete)?,
            mime: text(&body, "mime_type"),
            sha256: text(&body, "sha256"),
            bytes: text(&body, "file_size").and_then(|bytes| bytes.parse().ok()),
        })
    }

    /// Takes a file that was uploaded away from WhatsApp.
    pub async fn delete_media(&self, media_id: &str) -> Result<(), CallFailure> {
        let url = self.url(&[media_id]);
        self.ask(self.http.delete(url))
            .await
            .map(drop)
            .map_err(gone)
    }

    /// Begins to fetch a file. Our token goes along: WhatsApp's hosts ask for it, and no other host is called.
    pub async fn download(
        &self,
        url: &str,
        limits: DownloadLimits,
    ) -> Result<Download, CallFailure> {
        let url = Url::parse(url).map_err(|_| refused("is not a web address"))?;
        let http = match door(&self.base, &url).map_err(refused)? {
            Door::ThisMachine => &self.http,
            Door::Internet => self
                .guarded
                .as_ref()
                .ok_or_else(|| refused("is not the simulator's"))?,
        };
        let call = http
            .get(url)
            .timeout(limits.time_max)
            .header(AUTHORIZATION, self.authorization.clone());
        let response = call.send().await.map_err(|error| broken(&error))?;
        opened(response, limits.bytes_max)
    }
}

impl Download {
    /// The type that the sender of the file gave it.
    pub fn mime(&self) -> Option<&str> {
        self.response.headers().get(CONTENT_TYPE)?.to_str().ok()
    }

    /// The next bytes; nothing at the end.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, CallFailure> {
        let chunk = self.response.chunk().await;
        let Some(chunk) = chunk.map_err(|error| broken(&error))? else {
            return Ok(None);
        };
        let bytes = u64::try_from(chunk.len()).unwrap_or(u64::MAX);
        self.left = self.left.checked_sub(bytes).ok_or_else(too_large)?;
        Ok(Some(chunk))
    }
}

fn opened(response: Response, bytes_max: u64) -> Result<Download, CallFailure> {
    let status = response.status();
    if status.is_redirection() {
        return Err(refused("leads elsewhere, which is not followed"));
    }
    if status == StatusCode::NOT_FOUND {
        return Err(CallFailure::new(
            Retry::Few,
            "The address of the file is no longer valid. Ask WhatsApp for a new one.",
        ));
    }
    if !status.is_success() {
        let retry = if status.is_client_error() {
            Retry::Never
        } else {
            Retry::Backoff
        };
        let message = format!("WhatsApp did not give the file (HTTP {}).", status.as_u16());
        return Err(CallFailure::new(retry, &message));
    }
    if response
        .content_length()
        .is_some_and(|bytes| bytes > bytes_max)
    {
        return Err(too_large());
    }
    Ok(Download {
        response,
        left: bytes_max,
    })
}

fn gone(failure: CallFailure) -> CallFailure {
    let message = "WhatsApp does not have the file any more: it keeps those of customers for seven days, ours for 30.";
    failure.when_nothing_there(FailureScope::Item, message)
}

fn too_large() -> CallFailure {
    CallFailure::new(Retry::Never, "The file is larger than is taken.")
}

fn refused(why: &str) -> CallFailure {
    let message = format!("The address of the file {why}. It was not called.");
    CallFailure::new(Retry::Never, &message)
}

/// Through which client an address may be called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Door {
    /// The simulator, which is the API itself and on this machine.
    ThisMachine,
    /// Everything else: with TLS, to public addresses.
    Internet,
}

/// Whether `url` may be called at all, given where the API is.
fn door(api: &Url, url: &Url) -> Result<Door, &'static str> {
    if !url.username().is_empty() || url.password().is_some() {
        return Err("carries a name or password");
    }
    if api.scheme() == "http" && is_loopback(api) && url.origin() == api.origin() {
        return Ok(Door::ThisMachine);
    }
    if url.scheme() != "https" {
        return Err("is not protected by TLS");
    }
    // A number would not be looked up, and so not be checked.
    let host = url.domain().ok_or("has a number in the place of a name")?;
    let is_api = url.origin() == api.origin();
    let is_media = MEDIA_HOSTS.contains(&host)
        || MEDIA_DOMAINS
            .iter()
            .any(|domain| host.len() > domain.len() && host.ends_with(domain));
    if !is_api && !is_media {
        return Err("is not one of WhatsApp's");
    }
    if !is_api && url.port_or_known_default() != Some(443) {
        return Err("has an odd port");
    }
    Ok(Door::Internet)
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let number = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || number
            .parse()
            .is_ok_and(|address: IpAddr| address.is_loopback())
}

/// A client that connects to public addresses only. Machines without certificates have no use for one: none is made when
/// the API itself is called without TLS.
pub(super) fn guarded(
    base: &Url,
    deadlines: Deadlines,
) -> reqwest::Result<Option<reqwest::Client>> {
    if base.scheme() != "https" {
        return Ok(None);
    }
    reqwest::Client::builder()
        .user_agent(USER_AGENT)
        .connect_timeout(deadlines.connect)
        .https_only(true)
        .redirect(Policy::none())
        .retry(reqwest::retry::never())
        .no_proxy()
        .referer(false)
        .dns_resolver(Arc::new(PublicOnly))
        .build()
        .map(Some)
}

/// Looks names up and keeps the public addresses. What is connected to is what was checked: there is no second look-up.
#[derive(Debug)]
struct PublicOnly;

#[derive(Debug, thiserror::Error)]
#[error("the name leads to no public address")]
struct NotPublic;

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let public = public(found.map(|address| address.ip()));
            if public.is_empty() {
                return Err(NotPublic.into());
            }
            let addresses: Addrs = Box::new(public.into_iter().map(|ip| SocketAddr::new(ip, 0)));
            Ok(addresses)
        })
    }
}

fn public(found: impl Iterator<Item = IpAddr>) -> Vec<IpAddr> {
    found
        .filter(|address| addresses::is_public(*address))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const META: &str = "https://graph.facebook.com";
    const SIMULATOR: &str = "http://127.0.0.1:8123";

    fn through(api: &str, url: &str) -> Option<Door> {
        door(&Url::parse(api).unwrap(), &Url::parse(url).unwrap()).ok()
    }

    #[test]
    fn only_whatsapps_hosts_are_called() {
        for url in [
            "https://lookaside.fbsbx.com/whatsapp_business/attachments/?mid=1&hash=x",
            "https://LOOKASIDE.fbsbx.com:443/x",
            "https://scontent.xx.fbcdn.net/v/t1",
            "https://mmg.whatsapp.net/d/f/x",
            "https://graph.facebook.com/v24.0/1",
        ] {
            assert_eq!(through(META, url), Some(Door::Internet), "{url}");
        }
        for url in [
            "http://lookaside.fbsbx.com/x",
            "ftp://lookaside.fbsbx.com/x",
            "file:///etc/passwd",
            "data:text/plain,x",
            "https://lookaside.fbsbx.com:8443/x",
            "https://lookaside.fbsbx.com./x",
            "https://user@lookaside.fbsbx.com/x",
            "https://:secret@lookaside.fbsbx.com/x",
            "https://lookaside.fbsbx.com@evil.example/x",
            "https://lookaside.fbsbx.com.evil.example/x",
            "https://evil-fbcdn.net/x",
            "https://fbcdn.net.evil.example/x",
            "https://fbsbx.com/x",
            "https://.fbcdn.net/x",
            "https://www.facebook.com/x",
            "https://evil.example/?lookaside.fbsbx.com",
            "https://127.0.0.1/x",
            "https://2130706433/x",
            "https://0x7f.1/x",
            "https://[::1]/x",
            "https://[::ffff:127.0.0.1]/x",
            "https://169.254.169.254/latest/meta-data/",
            "https://localhost/x",
            "http://127.0.0.1:8123/x",
            "https://graph.facebook.com:444/x",
            "http://graph.facebook.com/x",
        ] {
            assert_eq!(through(META, url), None, "{url}");
        }
    }

    #[test]
    fn this_machine_is_called_only_when_the_api_is_here() {
        assert_eq!(
            through(SIMULATOR, "http://127.0.0.1:8123/x"),
            Some(Door::ThisMachine)
        );
        assert_eq!(
            through("http://[::1]:9", "http://[::1]:9/x"),
            Some(Door::ThisMachine)
        );
        assert_eq!(
            through("http://localhost:9", "http://localhost:9/x"),
            Some(Door::ThisMachine)
        );
        for (api, url) in [
            (SIMULATOR, "http://127.0.0.1:8124/x"),
            (SIMULATOR, "http://127.0.0.2:8123/x"),
            (SIMULATOR, "https://127.0.0.1:8123/x"),
            (SIMULATOR, "http://localhost:8123/x"),
            (SIMULATOR, "http://169.254.169.254/x"),
            ("http://10.0.0.5:80", "http://10.0.0.5:80/x"),
            ("http://api.example", "http://api.example/x"),
            ("https://10.0.0.5", "https://10.0.0.5/x"),
            ("https://127.0.0.1", "https://127.0.0.1/x"),
        ] {
            assert_eq!(through(api, url), None, "{api} {url}");
        }
    }

    #[test]
    fn of_a_names_addresses_the_public_ones_are_kept() {
        let addresses = |text: &str| -> Vec<IpAddr> {
            text.split_whitespace()
                .map(|ip| ip.parse().unwrap())
                .collect()
        };
        let mixed =
            addresses("127.0.0.1 157.240.22.53 ::ffff:10.0.0.1 2a03:2880::1 169.254.169.254");
        assert_eq!(
            public(mixed.into_iter()),
            addresses("157.240.22.53 2a03:2880::1")
        );
    }

    #[tokio::test]
    async fn a_name_that_leads_here_is_not_connected_to() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let _ = rustls::crypto::ring::default_provider().install_default();
        // As [`guarded`], but for certificates, which a bare machine may not have.
        let http = reqwest::Client::builder()
            .https_only(true)
            .no_proxy()
            .tls_certs_only([])
            .dns_resolver(Arc::new(PublicOnly))
            .build()
            .unwrap();
        let error = http
            .get(format!("https://localhost:{port}/x"))
            .send()
            .await
            .unwrap_err();
        assert!(error.is_connect(), "{error:?}");
        assert!(format!("{error:?}").contains("NotPublic"), "{error:?}");
        let called = listener.into_std().unwrap().accept();
        assert_eq!(called.unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
    }
}
