//! Cursors: any text in the place of one, and those that are made.

use domain::rejection::Rejection;
use platform::{
    error::Error,
    http::page::{CURSOR_BYTES_MAX, Cursors, Cut},
};
use ring::hmac;
use uuid::Uuid;

use crate::cost::Allowance;

const ALLOWANCE: Allowance = Allowance {
    memory: (10_000, 4),
    steps: (100, 0),
};

/// The position of a cursor: a name, and what orders equal names.
type Place = (String, Option<i64>, Uuid);

/// A longer name is in no list, in characters.
const NAME_LENGTH_MAX: usize = 200;

fn cut(list: &str, cursor: Option<&str>) -> Result<Cut<Place>, Error> {
    let cursors = Cursors::with_key(hmac::Key::new(hmac::HMAC_SHA256, &[7; 32]));
    cursors.cut_in(Uuid::from_u128(1), list, &(), Some(1), cursor)
}

pub(crate) fn run(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let read = ALLOWANCE.hold(text.as_bytes(), || cut("list", Some(&text)));
    assert!(
        matches!(read, Err(Error::Rejected(Rejection::CursorInvalid))),
        "nobody else makes a cursor of ours: {text}"
    );
    let name: String = text.chars().take(NAME_LENGTH_MAX).collect();
    let place: Place = (
        name,
        input.first().map(|byte| i64::from(*byte)),
        Uuid::nil(),
    );
    let first = cut("list", None).expect("the first page");
    let page = first
        .page(vec![(), ()], |()| place.clone())
        .expect("a page");
    let cursor = page.next_cursor.expect("another page");
    if cursor.len() <= CURSOR_BYTES_MAX {
        let next = cut("list", Some(&cursor)).expect("a cursor of ours");
        assert_eq!(next.after, Some(place));
        assert!(cut("another list", Some(&cursor)).is_err());
    } else {
        let controls = place.0.chars().filter(|sign| sign.is_control()).count();
        assert!(
            controls > 0,
            "a name without control characters fits: {}",
            place.0
        );
    }
}
