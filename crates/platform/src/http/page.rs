//! Lists in pages: `{items, nextCursor}`, a bounded `limit`, and cursors that nobody needs to understand.
//!
//! A cursor names the last item by the values that the list is sorted by. It is bound to the list it came
//! from, its sort and its filters; anywhere else it is 400 `CURSOR_INVALID`. It is no secret and grants
//! nothing: what a page shows is decided anew by the caller's session.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::rejection::Rejection;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use sha2::{Digest as _, Sha256};
use utoipa::ToSchema;

use crate::error::Result;

/// Items of a page unless asked otherwise.
pub const LIMIT_DEFAULT: u32 = 25;
/// Most items of a page.
pub const LIMIT_MAX: u32 = 100;

/// One page of a list.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Page<T> {
    /// The items, in the order asked for.
    pub items: Vec<T>,
    /// Where the next page begins; `null` at the end.
    pub next_cursor: Option<String>,
}

/// How a list is cut: how many items, and after which.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cut<P> {
    /// Items of this page. Fetch one more than that, to know whether there is another page.
    pub limit: u32,
    /// The position behind which the page begins; `None` at the beginning.
    pub after: Option<P>,
    scope: String,
}

#[derive(Serialize, Deserialize)]
struct Cursor<P> {
    /// Digest of the list, its sort and its filters.
    s: String,
    /// The last item's position.
    p: P,
}

impl<P: Serialize + DeserializeOwned> Cut<P> {
    /// Reads `limit` and `cursor`. `list` names the list and its sort (`deals:-createdAt`); `filters` is
    /// whatever the list is filtered by.
    pub fn read(
        list: &str,
        filters: &impl Serialize,
        limit: Option<u32>,
        cursor: Option<&str>,
    ) -> Result<Self> {
        let limit = limit.unwrap_or(LIMIT_DEFAULT);
        if !(1..=LIMIT_MAX).contains(&limit) {
            let message = format!("limit is 1 to {LIMIT_MAX}");
            return Err(Rejection::field("limit", "range", message).into());
        }
        let scope = scope(list, filters)?;
        let after = cursor.map(|cursor| position(cursor, &scope)).transpose()?;
        Ok(Self {
            limit,
            after,
            scope,
        })
    }

    /// How many rows to fetch: one more than the page takes.
    pub fn fetch(&self) -> u64 {
        u64::from(self.limit) + 1
    }

    /// Makes the page out of the rows fetched; `position_of` names an item's place in the order.
    pub fn page<T>(&self, mut items: Vec<T>, position_of: impl Fn(&T) -> P) -> Result<Page<T>> {
        let limit = usize::try_from(self.limit).map_err(anyhow::Error::from)?;
        let more = items.len() > limit;
        items.truncate(limit);
        let last = items.last().filter(|_| more);
        let next_cursor = last
            .map(|last| self.cursor(position_of(last)))
            .transpose()?;
        Ok(Page { items, next_cursor })
    }

    fn cursor(&self, position: P) -> Result<String> {
        let cursor = Cursor {
            s: self.scope.clone(),
            p: position,
        };
        let text = serde_json::to_vec(&cursor).map_err(anyhow::Error::from)?;
        Ok(URL_SAFE_NO_PAD.encode(text))
    }
}

impl<T> Page<T> {
    /// The page with each item turned into something else.
    pub fn map<U>(self, turn: impl FnMut(T) -> U) -> Page<U> {
        Page {
            items: self.items.into_iter().map(turn).collect(),
            next_cursor: self.next_cursor,
        }
    }
}

fn scope(list: &str, filters: &impl Serialize) -> Result<String> {
    let filters = serde_json::to_string(filters).map_err(anyhow::Error::from)?;
    let digest = Sha256::digest(format!("{list}\n{filters}"));
    Ok(URL_SAFE_NO_PAD.encode(&digest[..9]))
}

fn position<P: DeserializeOwned>(cursor: &str, scope: &str) -> Result<P, Rejection> {
    let bytes = URL_SAFE_NO_PAD
        .decode(cursor)
        .map_err(|_| Rejection::CursorInvalid)?;
    let cursor: Cursor<P> = serde_json::from_slice(&bytes).map_err(|_| Rejection::CursorInvalid)?;
    if cursor.s == scope {
        Ok(cursor.p)
    } else {
        Err(Rejection::CursorInvalid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;

    type ByName = (String, u32);

    fn cut(
        list: &str,
        filter: &str,
        limit: Option<u32>,
        cursor: Option<&str>,
    ) -> Result<Cut<ByName>> {
        Cut::read(list, &filter, limit, cursor)
    }

    fn next_cursor() -> String {
        let first = cut("deals:name", "ACTIVE", Some(2), None).unwrap();
        let rows = vec!["a", "b", "c"];
        first
            .page(rows, |name| ((*name).to_owned(), 7))
            .unwrap()
            .next_cursor
            .unwrap()
    }

    #[test]
    fn a_cursor_leads_behind_the_last_item() {
        let second = cut("deals:name", "ACTIVE", Some(2), Some(&next_cursor())).unwrap();
        assert_eq!(second.after, Some(("b".to_owned(), 7)));
        let page = second
            .page(vec!["c"], |name| ((*name).to_owned(), 7))
            .unwrap();
        assert_eq!((page.items, page.next_cursor), (vec!["c"], None));
    }

    #[test]
    fn a_cursor_of_another_list_sort_or_filter_is_refused() {
        let cursor = next_cursor();
        for (list, filter, cursor) in [
            ("deals:-name", "ACTIVE", cursor.as_str()),
            ("tasks:name", "ACTIVE", cursor.as_str()),
            ("deals:name", "CLOSED", cursor.as_str()),
            ("deals:name", "ACTIVE", ""),
            ("deals:name", "ACTIVE", "%%%"),
            ("deals:name", "ACTIVE", "e30"),
        ] {
            let refused = cut(list, filter, None, Some(cursor));
            assert!(
                matches!(refused, Err(Error::Rejected(Rejection::CursorInvalid))),
                "{list} {filter} {cursor}"
            );
        }
    }

    #[test]
    fn the_limit_is_one_to_a_hundred() {
        assert_eq!(cut("l", "", None, None).unwrap().limit, 25);
        for odd in [0, 101] {
            assert!(cut("l", "", Some(odd), None).is_err());
        }
    }
}
