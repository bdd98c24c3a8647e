//! The audit log as comma-separated values (RFC 4180), such that a spreadsheet runs no cell and no text is lost.

use platform::error::Result;
use uuid::Uuid;

use super::AuditItem;

/// Characters that begin a formula in a spreadsheet, full-width ones included; and the apostrophe, which marks a cell
/// that was kept from running.
const MARKED: [char; 12] = [
    '=', '+', '-', '@', '\t', '\r', '\n', '\'', '＝', '＋', '－', '＠',
];

const COLUMNS: [&str; 16] = [
    "id",
    "sequence",
    "eventType",
    "entityType",
    "entityId",
    "dealId",
    "userId",
    "onBehalfOf",
    "ipAddress",
    "requestId",
    "causeEventId",
    "idempotencyKey",
    "version",
    "createdAt",
    "before",
    "after",
];

/// The names of the columns.
pub(super) fn heading() -> Result<Vec<u8>> {
    record(&COLUMNS.map(str::to_owned))
}

/// One row of the log.
pub(super) fn line(item: &AuditItem) -> Result<Vec<u8>> {
    let id = |id: &Option<Uuid>| id.map(|id| id.to_string()).unwrap_or_default();
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    record(&[
        item.id.to_string(),
        item.sequence.to_string(),
        item.event_type.clone(),
        item.entity_type.clone(),
        item.entity_id.to_string(),
        id(&item.deal_id),
        item.user_id.to_string(),
        id(&item.on_behalf_of),
        text(&item.ip_address),
        text(&item.request_id),
        id(&item.cause_event_id),
        text(&item.idempotency_key),
        item.version.to_string(),
        item.created_at.clone(),
        item.before.to_string(),
        item.after.to_string(),
    ])
}

fn record(cells: &[String; 16]) -> Result<Vec<u8>> {
    let mut writer = csv::WriterBuilder::new()
        .terminator(csv::Terminator::CRLF)
        .from_writer(Vec::new());
    let marked = cells.iter().map(|cell| marked(cell));
    writer.write_record(marked).map_err(anyhow::Error::from)?;
    let written = writer
        .into_inner()
        .map_err(|error| anyhow::anyhow!("{error}"))?;
    Ok(written)
}

/// The cell with an apostrophe in front if a spreadsheet would run it. A number would not run, and stays as it is. An
/// import removes one apostrophe from every cell that begins with one, and has what was written.
fn marked(cell: &str) -> String {
    if cell.starts_with(MARKED) && !is_number(cell) {
        format!("'{cell}")
    } else {
        cell.to_owned()
    }
}

fn is_number(cell: &str) -> bool {
    let digits = cell.strip_prefix('-').unwrap_or(cell);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    [whole, fraction]
        .iter()
        .all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What our import does with a cell.
    fn read(cell: &str) -> String {
        cell.strip_prefix('\'').unwrap_or(cell).to_owned()
    }

    #[test]
    fn a_cell_is_marked_where_a_spreadsheet_would_run_it_and_nowhere_else() {
        let cases = [
            ("plain", "plain", "nothing special"),
            ("=1+1", "'=1+1", "a formula"),
            ("-2", "-2", "a number stays a number"),
            ("-2.50", "-2.50", "with places as well"),
            (
                "-2+cmd|' /C calc'!A0",
                "'-2+cmd|' /C calc'!A0",
                "a formula that begins like a number",
            ),
            ("-", "'-", "a sign alone"),
            ("'tis", "''tis", "an apostrophe of its own is kept"),
            ("＝1", "'＝1", "full-width signs run as well"),
            ("", "", "nothing"),
        ];
        for (cell, expected, why) in cases {
            assert_eq!(marked(cell), expected, "{why}");
        }
    }

    proptest! {
        #[test]
        fn whatever_was_written_is_read_again(cells in proptest::array::uniform16("['=+@a,\"\\r\\n0-9.-]{0,8}|\\PC{0,8}")) {
            let written = record(&cells)?;
            let mut reader = csv::ReaderBuilder::new()
                .has_headers(false)
                .from_reader(written.as_slice());
            let line = reader.records().next().unwrap().unwrap();
            let again: Vec<String> = line.iter().map(read).collect();
            prop_assert_eq!(again, cells.to_vec());
        }
    }
}
