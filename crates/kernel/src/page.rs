use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::Invalid;

pub const DEFAULT_PAGE_SIZE: u32 = 50;
pub const MAX_PAGE_SIZE: u32 = 500;

/// An opaque place in a list: the sort key of the last row of the page before, as base64url of JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Cursor(pub String);

impl Cursor {
    pub fn encode<K: Serialize>(key: &K) -> Self {
        Self(URL_SAFE_NO_PAD.encode(to_json(key)))
    }

    pub fn decode<K: DeserializeOwned>(&self) -> Result<K, Invalid> {
        let invalid = || Invalid("is not a cursor of this list; start again without it".into());
        let bytes = URL_SAFE_NO_PAD.decode(&self.0).map_err(|_| invalid())?;
        serde_json::from_slice(&bytes).map_err(|_| invalid())
    }
}

fn to_json<K: Serialize>(key: &K) -> Vec<u8> {
    serde_json::to_vec(key).expect("sort keys are plain values, which always serialise")
}

/// What a caller asks of a list: how many rows at most, and after which.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct PageRequest {
    pub limit: Option<u32>,
    pub cursor: Option<Cursor>,
}

impl PageRequest {
    /// The number of rows, 1 to [`MAX_PAGE_SIZE`]; [`DEFAULT_PAGE_SIZE`] when none was asked for.
    pub fn limit(&self) -> u32 {
        self.limit.unwrap_or(DEFAULT_PAGE_SIZE).clamp(1, MAX_PAGE_SIZE)
    }

    /// One row more than the page, so that the store knows whether another page follows.
    pub fn fetch(&self) -> i64 {
        i64::from(self.limit()) + 1
    }

    /// The sort key to continue after, if this is not the first page.
    pub fn after<K: DeserializeOwned>(&self) -> Result<Option<K>, Invalid> {
        self.cursor.as_ref().filter(|cursor| !cursor.0.is_empty()).map(Cursor::decode).transpose()
    }
}

/// One page of a list.
#[derive(Clone, Debug, Serialize)]
pub struct Page<T> {
    pub items: Vec<T>,
    /// Pass it as `cursor` for the next page; null on the last.
    pub next_cursor: Option<Cursor>,
}

impl<T> Page<T> {
    /// Makes a page of what [`PageRequest::fetch`] brought: cuts the extra row and remembers where the page ended.
    pub fn cut<K: Serialize>(mut rows: Vec<T>, request: &PageRequest, key: impl FnOnce(&T) -> K) -> Self {
        let limit = request.limit() as usize;
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next_cursor = if more { rows.last().map(|row| Cursor::encode(&key(row))) } else { None };
        Self { items: rows, next_cursor }
    }

    pub fn map<U>(self, f: impl FnMut(T) -> U) -> Page<U> {
        Page { items: self.items.into_iter().map(f).collect(), next_cursor: self.next_cursor }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_knows_whether_another_follows() {
        let request = PageRequest { limit: Some(2), cursor: None };
        let page = Page::cut(vec![1, 2, 3], &request, |n| *n);
        assert_eq!(page.items, [1, 2]);
        assert_eq!(page.next_cursor.unwrap().decode::<i32>().unwrap(), 2);
        assert!(Page::cut(vec![1, 2], &request, |n| *n).next_cursor.is_none());
    }

    #[test]
    fn a_foreign_cursor_is_refused() {
        assert!(Cursor("%%%".into()).decode::<i32>().is_err());
        assert!(Cursor::encode(&"text").decode::<i32>().is_err());
    }
}
