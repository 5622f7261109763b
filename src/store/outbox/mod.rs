//! The outbox: what waits to be sent, what is being sent, and what became of it.
//!
//! Replies and staff messages stand in the lane of their conversation, and one exchange writes what calls have come to and
//! claims the next ones, in one transaction. Notices stand beside the lanes and have an exchange of their own, so that they
//! keep no reply waiting. Whoever changes an item on behalf of a call names the call by its attempt, so that a sender that
//! was thought dead changes nothing.

mod dead;
mod exchange;
mod failed;
mod notices;
mod number;
mod pace;
mod read;

pub use dead::{Dead, DeadLetter, ItemStatus, Replayed};
pub use exchange::{Exchange, Send, SendResult, Terms, Verdict};
pub(super) use failed::{Failed, note_failed};
pub use notices::{
    Docket, FileAt, NoticeAct, NoticeCandidate, NoticeExchange, NoticeSend, NoticeTerms,
    TemplateLink, WaitsFor,
};
pub use number::{Number, NumberNews, NumberPause, NumberState, NumberUpdate, Said};
pub use read::OutboxItem;
