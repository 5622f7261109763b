//! How the outside speaks: WhatsApp, and a simulator that stands where WhatsApp would.
//!
//! Vendor JSON stops here.

pub mod simulator;
pub mod whatsapp;

use std::time::Duration;

/// A client for servers on this machine: no proxy, no redirects, no certificates.
pub fn local_client(call_time_max: Duration) -> reqwest::Result<reqwest::Client> {
    // An error means that a provider is there already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = reqwest::Client::builder()
        .timeout(call_time_max)
        .redirect(reqwest::redirect::Policy::none());
    builder.no_proxy().tls_certs_only([]).build()
}
