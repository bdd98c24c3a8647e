//! Lists in pages: `{items, nextCursor}`, a bounded `limit`, and cursors that nobody needs to understand.
//!
//! A cursor names the last item by the values that the list is sorted by. A keyed digest binds it to the list it
//! came from, its sort, its filters and the organization; anywhere else, and altered in any way, it is 400
//! `CURSOR_INVALID`, so a position is always one that a service made. It is no secret and grants nothing: what a page
//! shows is decided by the caller's session.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::rejection::Rejection;
use ring::hmac;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{auth::ServiceKeys, db::Tx, error::Result};

/// Items of a page unless asked otherwise.
pub const LIMIT_DEFAULT: u32 = 25;
/// Most items of a page.
pub const LIMIT_MAX: u32 = 100;
/// Bytes of the long texts on one page, at most: a page with more ends early, and has one item at least.
pub const PAGE_BYTES_MAX: usize = 1024 * 1024;
/// A cursor as it comes, in bytes. The longest that is made holds a name of 200 characters.
pub const CURSOR_BYTES_MAX: usize = 2_048;
/// The digest at the beginning of a cursor, in bytes.
const DIGEST_BYTES: usize = 32;

/// One page of a list.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Page<T> {
    /// The items, in the order asked for.
    pub items: Vec<T>,
    /// Where the next page begins; `null` at the end.
    pub next_cursor: Option<String>,
}

/// Makes and checks the cursors of a service's lists.
#[derive(Clone, Debug)]
pub struct Cursors(hmac::Key);

impl Cursors {
    /// With a key that all replicas of the service derive from its own.
    pub fn new(keys: &ServiceKeys) -> Self {
        Self::with_key(keys.derive("cursors"))
    }

    /// With a given key.
    pub fn with_key(key: hmac::Key) -> Self {
        Self(key)
    }

    /// Reads `limit` and `cursor` of a list of the session's organization. `list` names the list and its sort
    /// (`deals:-createdAt`); `filters` is whatever the list is filtered by, its deal included.
    ///
    /// # Errors
    /// 400 on `limit`, `CURSOR_INVALID`.
    pub fn cut<P: Serialize + DeserializeOwned>(
        &self,
        tx: &Tx,
        list: &str,
        filters: &impl Serialize,
        limit: Option<u32>,
        cursor: Option<&str>,
    ) -> Result<Cut<P>> {
        self.cut_in(tx.actor().organization_id, list, filters, limit, cursor)
    }

    /// As [`Cursors::cut`], of an organization by its id.
    ///
    /// # Errors
    /// As [`Cursors::cut`].
    pub fn cut_in<P: Serialize + DeserializeOwned>(
        &self,
        organization_id: Uuid,
        list: &str,
        filters: &impl Serialize,
        limit: Option<u32>,
        cursor: Option<&str>,
    ) -> Result<Cut<P>> {
        let scope = self.scope(organization_id, list, filters)?;
        Ok(Cut::read(scope, limit, cursor)?)
    }

    fn scope(&self, organization_id: Uuid, list: &str, filters: &impl Serialize) -> Result<Scope> {
        let text = serde_json::to_string(&(organization_id, list, filters));
        Ok(Scope {
            key: self.0.clone(),
            text: text.map_err(anyhow::Error::from)?,
        })
    }
}

/// What a cursor is bound to.
#[derive(Clone)]
struct Scope {
    key: hmac::Key,
    /// Organization, list with its sort, and filters, as JSON.
    text: String,
}

impl Scope {
    /// The input of a position's digest. JSON texts one after another cannot be read in two ways.
    fn message(&self, position: &[u8]) -> Vec<u8> {
        [self.text.as_bytes(), position].concat()
    }

    fn cursor(&self, position: &impl Serialize) -> Result<String> {
        let position = serde_json::to_vec(position).map_err(anyhow::Error::from)?;
        let digest = hmac::sign(&self.key, &self.message(&position));
        Ok(URL_SAFE_NO_PAD.encode([digest.as_ref(), &position].concat()))
    }

    fn position<P: DeserializeOwned>(&self, cursor: &str) -> Option<P> {
        if cursor.len() > CURSOR_BYTES_MAX {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(cursor).ok()?;
        let (digest, position) = bytes.split_at_checked(DIGEST_BYTES)?;
        hmac::verify(&self.key, &self.message(position), digest).ok()?;
        serde_json::from_slice(position).ok()
    }
}

/// How a list is cut: how many items, and after which.
#[derive(Clone)]
pub struct Cut<P> {
    /// Items of this page. Fetch one more than that, to know whether there is another page.
    pub limit: u32,
    /// The position behind which the page begins; `None` at the beginning.
    pub after: Option<P>,
    scope: Scope,
}

impl<P: Serialize + DeserializeOwned> Cut<P> {
    fn read(scope: Scope, limit: Option<u32>, cursor: Option<&str>) -> Result<Self, Rejection> {
        let limit = limit.unwrap_or(LIMIT_DEFAULT);
        if !(1..=LIMIT_MAX).contains(&limit) {
            let message = format!("limit is 1 to {LIMIT_MAX}");
            return Err(Rejection::field("limit", "range", message));
        }
        let after = match cursor {
            Some(cursor) => Some(scope.position(cursor).ok_or(Rejection::CursorInvalid)?),
            None => None,
        };
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
        self.page_of(items, more, position_of)
    }

    /// As [`Cut::page`], of items with texts that may be long: the page ends where `bytes_of` them exceed
    /// [`PAGE_BYTES_MAX`] together.
    pub fn page_in_bytes<T>(
        &self,
        mut items: Vec<T>,
        bytes_of: impl Fn(&T) -> usize,
        position_of: impl Fn(&T) -> P,
    ) -> Result<Page<T>> {
        let limit = usize::try_from(self.limit).map_err(anyhow::Error::from)?;
        let mut bytes = 0;
        let within = items.iter().take(limit).take_while(|item| {
            bytes += bytes_of(item);
            bytes <= PAGE_BYTES_MAX
        });
        let kept = within.count().max(1);
        let more = items.len() > kept;
        items.truncate(kept);
        self.page_of(items, more, position_of)
    }

    /// Makes the page out of rows that were not fetched up to the limit, but up to a number of bytes. `more` says whether
    /// there are others behind them.
    pub fn page_of<T>(
        &self,
        items: Vec<T>,
        more: bool,
        position_of: impl Fn(&T) -> P,
    ) -> Result<Page<T>> {
        let last = items.last().filter(|_| more);
        let next_cursor = last
            .map(|last| self.scope.cursor(&position_of(last)))
            .transpose()?;
        Ok(Page { items, next_cursor })
    }
}

impl<P: fmt::Debug> fmt::Debug for Cut<P> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Cut")
            .field("limit", &self.limit)
            .field("after", &self.after)
            .finish_non_exhaustive()
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

#[cfg(test)]
mod tests {
    use super::*;

    type ByName = (String, u32);

    fn cursors(byte: u8) -> Cursors {
        Cursors(hmac::Key::new(hmac::HMAC_SHA256, &[byte; 32]))
    }

    const ORGANIZATION: Uuid = Uuid::from_u128(1);

    fn cut(
        (list, filter): (&str, &str),
        limit: Option<u32>,
        cursor: Option<&str>,
    ) -> Result<Cut<ByName>, Rejection> {
        let scope = cursors(7).scope(ORGANIZATION, list, &filter).unwrap();
        Cut::read(scope, limit, cursor)
    }

    const BY_NAME: (&str, &str) = ("deals:name", "ACTIVE");

    fn next_cursor() -> String {
        let first = cut(BY_NAME, Some(2), None).unwrap();
        let rows = vec!["a", "b", "c"];
        first
            .page(rows, |name| ((*name).to_owned(), 7))
            .unwrap()
            .next_cursor
            .unwrap()
    }

    #[test]
    fn a_cursor_leads_behind_the_last_item() {
        let second = cut(BY_NAME, Some(2), Some(&next_cursor())).unwrap();
        assert_eq!(second.after, Some(("b".to_owned(), 7)));
        let page = second
            .page(vec!["c"], |name| ((*name).to_owned(), 7))
            .unwrap();
        assert_eq!((page.items, page.next_cursor), (vec!["c"], None));
    }

    #[test]
    fn a_page_of_long_texts_ends_early_and_the_next_one_goes_on() {
        let cut = cut(BY_NAME, Some(100), None).unwrap();
        let page = |sizes: &[usize]| {
            cut.page_in_bytes(sizes.to_vec(), |size| *size, |size| (size.to_string(), 7))
                .unwrap()
        };
        for (sizes, kept, more, why) in [
            (
                vec![10; 3],
                3,
                false,
                "short texts are bounded by their number",
            ),
            (vec![600 * 1024; 3], 1, true, "two are too many"),
            (vec![400 * 1024; 5], 2, true, "two fit"),
            (vec![PAGE_BYTES_MAX + 1; 2], 1, true, "one item at least"),
            (vec![PAGE_BYTES_MAX + 1], 1, false, "the last one"),
            (vec![], 0, false, "nothing"),
        ] {
            let page = page(&sizes);
            assert_eq!(
                (page.items.len(), page.next_cursor.is_some()),
                (kept, more),
                "{why}"
            );
        }
    }

    #[test]
    fn a_cursor_of_another_list_sort_or_filter_is_refused() {
        let cursor = next_cursor();
        for (list, cursor) in [
            (("deals:-name", "ACTIVE"), cursor.as_str()),
            (("tasks:name", "ACTIVE"), cursor.as_str()),
            (("deals:name", "CLOSED"), cursor.as_str()),
            (BY_NAME, ""),
            (BY_NAME, "%%%"),
            (BY_NAME, "e30"),
        ] {
            let refused = cut(list, None, Some(cursor));
            assert_eq!(
                refused.unwrap_err(),
                Rejection::CursorInvalid,
                "{list:?} {cursor}"
            );
        }
    }

    #[test]
    fn a_cursor_of_another_organization_or_service_is_refused() {
        let cursor = next_cursor();
        let (list, filter) = BY_NAME;
        let elsewhere = [
            cursors(7).scope(Uuid::from_u128(2), list, &filter).unwrap(),
            cursors(8).scope(ORGANIZATION, list, &filter).unwrap(),
        ];
        for scope in elsewhere {
            let refused = Cut::<ByName>::read(scope, None, Some(&cursor));
            assert_eq!(refused.unwrap_err(), Rejection::CursorInvalid);
        }
    }

    #[test]
    fn a_cursor_altered_in_any_byte_is_refused() {
        let bytes = URL_SAFE_NO_PAD.decode(next_cursor()).unwrap();
        for place in 0..bytes.len() {
            let mut altered = bytes.clone();
            altered[place] ^= 1;
            let refused = cut(BY_NAME, None, Some(&URL_SAFE_NO_PAD.encode(altered)));
            assert_eq!(refused.unwrap_err(), Rejection::CursorInvalid, "{place}");
        }
        let longer = "A".repeat(CURSOR_BYTES_MAX + 1);
        assert!(cut(BY_NAME, None, Some(&longer)).is_err());
    }

    #[test]
    fn the_longest_name_fits_into_a_cursor_and_the_cursor_into_a_query() {
        let page = cut(BY_NAME, Some(1), None).unwrap();
        let page = page
            .page(vec![(), ()], |()| ("🏠\"".repeat(100), 7))
            .unwrap();
        let cursor = page.next_cursor.unwrap();
        assert!(cursor.len() <= CURSOR_BYTES_MAX, "{}", cursor.len());
        assert!(cut(BY_NAME, None, Some(&cursor)).is_ok());
        const { assert!(2 * CURSOR_BYTES_MAX <= crate::http::query::QUERY_BYTES_MAX) };
    }

    #[test]
    fn the_limit_is_one_to_a_hundred() {
        assert_eq!(cut(("l", ""), None, None).unwrap().limit, 25);
        for odd in [0, 101] {
            assert!(cut(("l", ""), Some(odd), None).is_err());
        }
    }
}
