//! The worked examples of `date-vectors.yaml`: the engine must agree with every one.

#![expect(clippy::unwrap_used, reason = "the file is part of the test")]

use domain::{
    calendar::{Calendars, FEDERAL},
    dates::{Counting, DayCount, Direction, Roll, resolve},
};
use saphyr::{LoadableYamlNode, Yaml};
use time::{Date, macros::format_description};

fn text<'a>(vector: &'a Yaml<'_>, field: &str) -> Option<&'a str> {
    vector.as_mapping_get(field)?.as_str()
}

fn date(vector: &Yaml<'_>, field: &str) -> Date {
    Date::parse(
        text(vector, field).unwrap(),
        format_description!("[year]-[month]-[day]"),
    )
    .unwrap()
}

#[test]
fn every_worked_example_comes_out_as_written() {
    let documents = Yaml::load_from_str(include_str!("date-vectors.yaml")).unwrap();
    let vectors = documents[0]
        .as_mapping_get("vectors")
        .unwrap()
        .as_sequence()
        .unwrap();
    assert_eq!(vectors.len(), 11);
    for vector in vectors {
        let counting = Counting {
            offset_days: i32::try_from(
                vector
                    .as_mapping_get("offset_days")
                    .unwrap()
                    .as_integer()
                    .unwrap(),
            )
            .unwrap(),
            day_count: DayCount::parse(text(vector, "calendar").unwrap()).unwrap(),
            business_calendar: text(vector, "business_calendar")
                .unwrap_or(FEDERAL)
                .to_owned(),
            roll: Roll::both(Direction::parse(text(vector, "roll").unwrap()).unwrap()),
        };
        let result = resolve(date(vector, "anchor"), &counting, &Calendars::standard());
        let (id, note) = (text(vector, "id").unwrap(), text(vector, "note").unwrap());
        assert_eq!(result, Ok(date(vector, "expected")), "{id}: {note}");
    }
}
