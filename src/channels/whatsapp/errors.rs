//! What WhatsApp's error codes mean for staff, and what they mean for sending again. The table is data.
//!
//! Goes by the code alone: the HTTP status, title and subcode of the same error differ from place to place. Its
//! sentences never repeat what WhatsApp wrote, which may hold a customer's number.

use crate::model::FailureScope::{self, Item, Number, Operator, Recipient};
use Retry::{After, Backoff, Few, Never};

/// Whether the same call can be made again after a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    Never,
    /// A few times only: it may be a passing fault, it may be the message.
    Few,
    /// With growing pauses, as often as patience allows.
    Backoff,
    /// After this many seconds at the earliest, then with growing pauses.
    After(u32),
}

/// One row of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Meaning {
    /// Codes from `first` to `last`.
    pub first: i64,
    pub last: i64,
    pub retry: Retry,
    pub scope: FailureScope,
    /// One plain sentence: what happened.
    pub what: &'static str,
    /// One plain sentence: what to do.
    pub advice: &'static str,
}

impl Meaning {
    /// What happened and what to do.
    pub fn sentence(&self) -> String {
        format!("{} {}", self.what, self.advice)
    }

    /// How long to wait before the next try, where the table says so.
    pub fn wait_ms(&self) -> Option<u64> {
        match self.retry {
            After(seconds) => Some(u64::from(seconds) * 1_000),
            Never | Few | Backoff => None,
        }
    }

    /// Whether the message is kept for another try: a passing fault, or one that ends when the operator acts.
    pub fn keeps_message(&self) -> bool {
        self.retry != Never || self.scope == Operator
    }
}

/// The meaning of `code`; one that is not in the table gets a few tries.
pub fn meaning(code: i64) -> Meaning {
    let exact = |row: &&Meaning| (row.first..=row.last).contains(&code);
    *TABLE.iter().find(exact).unwrap_or(&Meaning {
        first: code,
        last: code,
        ..UNKNOWN
    })
}

const UNKNOWN: Meaning = row(
    (0, 0),
    Few,
    Item,
    "WhatsApp gave an error that this program does not know.",
    "Look the code up in WhatsApp's documentation.",
);

const fn row(
    (first, last): (i64, i64),
    retry: Retry,
    scope: FailureScope,
    what: &'static str,
    advice: &'static str,
) -> Meaning {
    Meaning {
        first,
        last,
        retry,
        scope,
        what,
        advice,
    }
}

const fn one(
    code: i64,
    retry: Retry,
    scope: FailureScope,
    what: &'static str,
    advice: &'static str,
) -> Meaning {
    row((code, code), retry, scope, what, advice)
}

const TOKEN: &str = "Put a valid token of a system user into WHATSAPP_ACCESS_TOKEN.";
const ACCESS: &str =
    "Give the system user access to the WhatsApp account and its token both WhatsApp permissions.";
const META: &str = "Open WhatsApp Manager and follow what it says there.";
const LATER: &str = "It is tried again by itself.";
const RULES: &str =
    "Report it: the program or the rule pack made a message that WhatsApp does not take.";
const TEMPLATE: &str = "Compare the template in WhatsApp Manager with what is sent.";
const NUMBER: &str = "Register the number in WhatsApp Manager.";

// One row a line reads as the table it is.
#[rustfmt::skip]
#[expect(clippy::unreadable_literal, reason = "codes are searched for as WhatsApp writes them")]
const TABLE: [Meaning; 84] = [
    one(0, Never, Operator, "WhatsApp could not tell who is calling.", TOKEN),
    one(1, Few, Item, "WhatsApp found the call wrong or failed itself.", LATER),
    one(2, Backoff, Number, "WhatsApp is overloaded for the moment.", LATER),
    one(3, Never, Operator, "The app lacks a capability or permission for this call.", ACCESS),
    one(4, After(300), Number, "The app has made too many calls.", LATER),
    one(10, Never, Operator, "The token lacks a permission.", ACCESS),
    one(33, Never, Operator, "The phone number id is wrong, deleted or not open to this token.", "Check WHATSAPP_PHONE_NUMBER_ID."),
    one(100, Never, Item, "WhatsApp refused a part of the message as wrong, unknown or too long.", RULES),
    one(104, Never, Operator, "WhatsApp saw no access token.", TOKEN),
    one(190, Never, Operator, "The access token has expired or was revoked.", TOKEN),
    row((200, 299), Never, Operator, "The token may not do this.", ACCESS),
    one(368, Never, Operator, "WhatsApp has restricted the account for breaking a policy.", META),
    one(80007, After(900), Number, "The account has reached its limit of management calls.", LATER),
    one(130403, Never, Recipient, "This customer is blocked by us.", "Unblock the customer to write to them."),
    one(130429, After(1), Number, "Messages are sent faster than WhatsApp allows.", LATER),
    one(130472, Never, Item, "WhatsApp held the message back for an experiment with this customer.", "Reach the customer in another way."),
    one(130497, Never, Item, "This account may not write to customers in that country.", "Reach the customer in another way."),
    one(131000, Few, Item, "WhatsApp failed for a reason it does not give.", LATER),
    one(131005, Never, Operator, "The token may not do this.", ACCESS),
    one(131008, Never, Item, "A part of the message is missing.", RULES),
    one(131009, Never, Item, "A part of the message has a value that WhatsApp does not take, or it is about a message that is too old.", RULES),
    one(131016, Backoff, Number, "WhatsApp's service is not available for the moment.", LATER),
    one(131021, Never, Item, "The message was addressed to our own number.", "Write to another number."),
    one(131026, Never, Item, "WhatsApp cannot deliver to this customer: no WhatsApp, an old app or terms not accepted.", "Reach the customer in another way."),
    one(131030, Never, Item, "The test number may not write to this customer yet.", "Add the customer's number to the test recipients in the App Dashboard."),
    one(131031, Never, Operator, "WhatsApp has locked the account, or the two-step PIN does not fit.", META),
    one(131035, Never, Item, "An incoming message was not kept because our service could not be reached in time.", "Keep the service reachable; ask the customer to write again."),
    one(131036, Never, Item, "The message could not be sent again to one of the customer's devices.", "Nothing needs to be done."),
    one(131037, Never, Operator, "The display name of our number is not approved.", META),
    one(131042, Never, Operator, "WhatsApp found no valid means of payment for the account.", "Put the payment method right in WhatsApp Manager."),
    one(131045, Never, Operator, "Our number is not registered.", NUMBER),
    one(131047, Never, Item, "More than 24 hours have passed since the customer last wrote.", "Send an approved template, or wait until the customer writes."),
    one(131048, After(3_600), Number, "Too many messages of this number were blocked or reported by customers.", "Stop broadcasts and look at the quality rating in WhatsApp Manager."),
    one(131049, After(86_400), Item, "WhatsApp holds back marketing for this customer for a while.", "Do not send it again at once."),
    one(131050, Never, Item, "The customer does not want marketing messages.", "Record the opt-out."),
    one(131051, Never, Item, "WhatsApp does not support this type of message.", RULES),
    one(131052, Never, Item, "The customer's file could not be fetched or is too large.", "Ask the customer to send it again, smaller."),
    one(131053, Never, Item, "WhatsApp could not use our file.", "Check the file's type, size and address."),
    one(131055, Never, Item, "This way of sending is not open for this kind of message.", RULES),
    one(131056, After(6), Recipient, "This customer was sent too many messages in a short time.", LATER),
    one(131057, After(60), Number, "WhatsApp is working on our account.", LATER),
    one(131059, Few, Item, "A list was read from a place that no longer exists.", "Read the list again from its start."),
    one(131060, Never, Item, "The message is not available any more.", "Ask the customer to send it again."),
    one(131062, Never, Item, "This kind of message needs a phone number, and only the user id is known.", "Ask the customer for the phone number."),
    one(131063, Never, Item, "Marketing templates are switched off for this account.", META),
    one(131064, After(3_600), Number, "WhatsApp limits the account because templates were filed under a wrong category.", META),
    one(132000, Never, Item, "The template was given the wrong number of values.", TEMPLATE),
    one(132001, Never, Item, "The template does not exist in this language or is not approved.", TEMPLATE),
    one(132005, Never, Item, "The template is too long once its values are filled in.", "Shorten the values."),
    one(132007, Never, Item, "The template's content breaks a policy.", TEMPLATE),
    one(132008, Never, Item, "A value of the template has the wrong form.", TEMPLATE),
    one(132012, Never, Item, "A value of the template has the wrong form.", TEMPLATE),
    one(132015, After(10_800), Item, "WhatsApp has paused the template because of its quality.", "Wait until it is active again, or improve it."),
    one(132016, Never, Item, "WhatsApp has switched the template off for good.", "Make a new template."),
    one(132018, Never, Item, "A value of the template holds a line break, a tab or too many spaces.", "Write the value on one line."),
    one(132068, Never, Item, "The form is blocked.", META),
    one(132069, After(3_600), Item, "The form may be sent only a few times an hour.", LATER),
    one(133000, Never, Operator, "Taking the number off WhatsApp did not finish.", "Deregister the number once more."),
    one(133004, Backoff, Number, "WhatsApp's server is not available for the moment.", LATER),
    one(133005, Never, Operator, "The two-step PIN is wrong.", "Use the right PIN or set a new one in WhatsApp Manager."),
    one(133006, Never, Operator, "Our number must be verified first.", "Verify the number in WhatsApp Manager."),
    row((133008, 133009), After(3_600), Operator, "The two-step PIN was tried too often or too fast.", "Wait as long as WhatsApp Manager says."),
    one(133010, Never, Operator, "Our number is not registered.", NUMBER),
    one(133015, After(300), Number, "Our number was deleted a moment ago.", "Wait five minutes before registering it again."),
    one(133016, After(3_600), Operator, "Our number was registered too often.", "Wait up to 72 hours."),
    one(134011, Never, Item, "The terms for payments are not accepted.", META),
    row((134100, 134102), Never, Item, "This is only open to the marketing API.", RULES),
    one(135000, Few, Item, "WhatsApp refused the message without a reason.", RULES),
    one(137000, Never, Item, "The customer's identity on WhatsApp has changed.", "Make sure who the customer is before writing again."),
    row((139100, 139103), Never, Item, "The list of blocked customers could not be changed.", "Read the list again and repeat."),
    one(141002, Never, Item, "The template is not approved.", TEMPLATE),
    row((147001, 147004), Never, Item, "The name chosen for our number cannot be used.", META),
    one(2388019, Never, Item, "The account has as many templates as WhatsApp allows.", "Delete templates that are not used."),
    one(2388023, Never, Item, "A template of this name was deleted a short while ago.", "Choose another name, or wait until 30 days have passed."),
    one(2388024, Never, Item, "A template of this name exists in this language.", "Change that one, or choose another name."),
    one(2388039, Never, Item, "The template cannot be changed as it stands now.", "Wait for its review, or a day since it was last changed."),
    one(2388040, Never, Item, "A text of the template is longer than WhatsApp allows.", "Shorten it."),
    one(2388047, Never, Item, "The header of the template is not one that WhatsApp takes.", "Give it at most 60 characters, one value and a sample."),
    one(2388072, Never, Item, "The body of the template is not one that WhatsApp takes.", "Give every value a sample, in order from 1."),
    one(2388073, Never, Item, "The footer of the template is not one that WhatsApp takes.", "Give it at most 60 characters and no values."),
    one(2388293, Never, Item, "The template has too many values for so few words.", "Write more words around them."),
    one(2388299, Never, Item, "The template begins or ends with a value.", "Put words before the first and after the last value."),
    one(2_494_100, After(60), Number, "WhatsApp is working on our number.", LATER),
    row((2_593_107, 2_593_109), Never, Item, "The history of the phone app was not shared.", "Nothing needs to be done."),
];

#[cfg(test)]
mod tests {
    use super::*;

    /// Every code of the reference with its retry word and scope, written down a second time.
    const REFERENCE: &str = "
        never operator: 0 3 10 33 104 190 200 201 250 299 368 131005 131031 131037 131042 131045 133000 133005 133006
            133010
        never item: 100 130472 130497 131008 131009 131021 131026 131030 131035 131036 131047 131050 131051 131052
            131053 131055 131060 131062 131063 132000 132001 132005 132007 132008 132012 132016 132018 132068 134011
            134100 134101 134102 137000 139100 139101 139102 139103 141002 147001 147002 147003 147004 2388019
            2388023 2388024 2388039 2388040 2388047 2388072 2388073 2388293 2388299 2593107 2593108 2593109
        never recipient: 130403
        few item: 1 131000 131059 135000 5 199 300 999999 -1
        backoff number: 2 131016 133004
        after-1 number: 130429
        after-6 recipient: 131056
        after-60 number: 131057 2494100
        after-300 number: 4 133015
        after-900 number: 80007
        after-3600 number: 131048 131064
        after-3600 operator: 133008 133009 133016
        after-3600 item: 132069
        after-10800 item: 132015
        after-86400 item: 131049";

    fn words(meaning: &Meaning) -> String {
        let retry = match meaning.retry {
            Never => "never".to_owned(),
            Few => "few".to_owned(),
            Backoff => "backoff".to_owned(),
            After(seconds) => format!("after-{seconds}"),
        };
        format!("{retry} {}", format!("{:?}", meaning.scope).to_lowercase())
    }

    #[test]
    fn every_code_has_its_class() {
        let mut class = String::new();
        let mut rows_seen = std::collections::BTreeSet::new();
        for line in REFERENCE.lines() {
            let codes = line.split_once(':').map_or(line, |(words, codes)| {
                words.trim().clone_into(&mut class);
                codes
            });
            for code in codes.split_whitespace() {
                let code: i64 = code.parse().unwrap();
                let meaning = meaning(code);
                assert_eq!(words(&meaning), class, "{code}");
                rows_seen.insert(meaning.first);
            }
        }
        for row in &TABLE {
            assert!(
                rows_seen.contains(&row.first),
                "{} is in no line of the reference",
                row.first
            );
        }
    }

    #[test]
    fn every_row_says_what_happened_and_what_to_do() {
        for row in TABLE.iter().chain([&UNKNOWN]) {
            for text in [row.what, row.advice] {
                assert!(
                    text.ends_with('.') && text.len() > 10,
                    "{}: {text}",
                    row.first
                );
                assert!(
                    text.chars().next().is_some_and(char::is_uppercase),
                    "{}: {text}",
                    row.first
                );
            }
        }
    }

    #[test]
    fn rows_are_in_order_and_do_not_overlap() {
        for pair in TABLE.windows(2) {
            assert!(
                pair[0].first <= pair[0].last && pair[0].last < pair[1].first,
                "{}",
                pair[1].first
            );
        }
    }

    #[test]
    fn an_operators_error_keeps_the_message_and_a_refusal_does_not() {
        assert!(meaning(190).keeps_message());
        assert!(meaning(130_429).keeps_message());
        assert!(meaning(424_242).keeps_message());
        assert!(!meaning(131_047).keeps_message());
        assert_eq!(meaning(131_056).wait_ms(), Some(6_000));
        assert_eq!(meaning(424_242).first, 424_242);
    }
}
