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
use crate::model::PhoneNumberId;

/// The account at WhatsApp whose templates they are.
#[derive(Clone, Debug)]
pub struct Account {
    pub client: Client,
    pub business_account: String,
    /// Our number: what WhatsApp tells about "the number" is about this one.
    pub phone_number_id: PhoneNumberId,
}
