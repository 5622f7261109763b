//! Our templates and WhatsApp's: which of them are the same, submitting what is missing, following what changes.
//!
//! A template is sent only while WhatsApp has approved exactly the text that the rules have. Who sends reads the links that
//! are made here.

mod diff;
mod link;
mod submit;
mod sync;
pub mod updates;

pub use link::{Remote, filed_under, links};
pub use submit::{Submitted, submit};
pub use sync::{Summary, SyncError, relink, start, sync};

use crate::channels::whatsapp::Client;

/// The account at WhatsApp whose templates they are.
#[derive(Clone, Debug)]
pub struct Account {
    pub client: Client,
    pub business_account: String,
}
