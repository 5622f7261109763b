//! Lists in pages: `limit` says how many, `after` where to go on.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::problem::Problem;
use super::repeat;

/// Items of one page, unless the caller wants others.
const LIMIT: u16 = 50;
const LIMIT_MAX: u16 = 200;

/// One page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Page<T> {
    pub(super) items: Vec<T>,
    /// Give it as `after` for the next page; null on the last.
    #[schema(required = true)]
    pub(super) next: Option<String>,
}

impl<T: DeserializeOwned> Page<T> {
    /// The page that a use case made, whose items it calls `name`.
    pub(super) fn of(mut made: Value, name: &str) -> Result<Self, Problem> {
        let next = made["next"].as_str().map(str::to_owned);
        let items = repeat::read(made[name].take())?;
        Ok(Self { items, next })
    }
}

impl<T: DeserializeOwned> Page<T> {
    /// A list that is never so long that it would need pages.
    pub(super) fn all(rows: &[impl Serialize]) -> Result<Self, Problem> {
        let items: Result<_, _> = rows.iter().map(repeat::shown).collect();
        Ok(Self {
            items: items?,
            next: None,
        })
    }
}

/// Which page.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Which {
    /// Items of the page.
    #[serde(default = "limit", deserialize_with = "read_limit")]
    #[param(value_type = Option<u16>, minimum = 1, maximum = 200, default = 50)]
    pub(super) limit: u16,
    /// `next` of the page before.
    #[param(value_type = Option<String>, format = Uuid)]
    pub(super) after: Option<Uuid>,
}

impl Which {
    /// One more than is shown, so that it is known whether there is a next page.
    pub(super) fn rows(&self) -> i64 {
        i64::from(self.limit) + 1
    }

    /// The page of `rows`, which are as [`Which::rows`] asked, as the API describes them.
    pub(super) fn shown<R: Serialize, T: DeserializeOwned>(
        &self,
        rows: Vec<R>,
        id: impl Fn(&R) -> Uuid,
    ) -> Result<Page<T>, Problem> {
        let page = self.page(rows, (id, |row| repeat::shown(&row)));
        let items: Result<Vec<T>, Problem> = page.items.into_iter().collect();
        Ok(Page {
            items: items?,
            next: page.next,
        })
    }

    /// The page of `rows`, which are as [`Which::rows`] asked.
    pub(super) fn page<R, T>(
        &self,
        mut rows: Vec<R>,
        (id, show): (impl Fn(&R) -> Uuid, impl Fn(R) -> T),
    ) -> Page<T> {
        let more = rows.len() > usize::from(self.limit);
        rows.truncate(usize::from(self.limit));
        let next = rows.last().filter(|_| more).map(|row| id(row).to_string());
        Page {
            items: rows.into_iter().map(show).collect(),
            next,
        }
    }
}

pub(super) fn limit() -> u16 {
    LIMIT
}

/// Parameters of a query are texts.
pub(super) fn read_limit<'de, D: Deserializer<'de>>(from: D) -> Result<u16, D::Error> {
    let text = String::deserialize(from)?;
    let number: Option<u16> = text.parse().ok();
    let fits = number.filter(|number| (1..=LIMIT_MAX).contains(number));
    fits.ok_or_else(|| serde::de::Error::custom("a number from 1 to 200 is expected"))
}
