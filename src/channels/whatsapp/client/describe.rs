//! Asks WhatsApp who our number is: whether address, token and number id belong together.

use reqwest::header::AUTHORIZATION;

use super::{ANSWER_BYTES_MAX, Client, error_code, read_answer};
use crate::channels::whatsapp::errors;
use crate::model::PhoneNumberId;

impl Client {
    /// The number as WhatsApp shows it, or why it cannot be said, in words for the operator.
    pub async fn describe(&self, number: &PhoneNumberId) -> Result<String, String> {
        let mut url = self.url(&[number.as_str()]);
        url.set_query(Some("fields=display_phone_number,verified_name"));
        let call = self
            .http
            .get(url)
            .header(AUTHORIZATION, self.authorization.clone());
        let Ok(response) = call.send().await else {
            return Err(
                "WhatsApp could not be reached: check the network and WHATSAPP_API_URL".to_owned(),
            );
        };
        let status = response.status();
        let Ok(body) = read_answer(response, ANSWER_BYTES_MAX).await else {
            return Err(format!(
                "what answers at WHATSAPP_API_URL is not WhatsApp (HTTP {})",
                status.as_u16()
            ));
        };
        match error_code(&body) {
            Some(code) => Err(format!("{} ({code})", errors::meaning(code).sentence())),
            None if status.is_success() => {
                let said = |key: &str| body[key].as_str().unwrap_or("?").to_owned();
                Ok(format!(
                    "{} ({})",
                    said("display_phone_number"),
                    said("verified_name")
                ))
            }
            None => Err(format!(
                "WhatsApp refused the call (HTTP {})",
                status.as_u16()
            )),
        }
    }
}
