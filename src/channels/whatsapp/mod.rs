//! The WhatsApp Cloud API: signatures, webhooks in, messages out, and what its errors mean.

mod client;
pub mod errors;
pub mod handshake;
pub mod signature;
mod webhook;

pub use client::{
    CallFailure, Client, Connection, Deadlines, Download, DownloadLimits, MediaLocation,
    MetaTemplate, NumberInfo, SubmittedTemplate, TemplateButtonText, TemplateDraft,
    TemplateHeaderText, TemplatePage, TemplateTexts, Upload, template_parameters,
};
pub use webhook::{ELEMENT_DEPTH_MAX, ELEMENTS_PER_PORTION_MAX, ParseError, account_update, parse};
