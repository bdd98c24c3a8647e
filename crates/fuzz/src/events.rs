//! Events as they come from the broker, and as the outbox keeps them.

use contracts::event::Event;
use serde_json::Value;

use crate::cost::Allowance;

/// A list of empty messages is the dearest: each takes a whole structure for two bytes.
const ALLOWANCE: Allowance = Allowance {
    memory: (20_000, 400),
    steps: (300, 8),
};

pub(crate) fn run(input: &[u8]) {
    if let Ok((head, event)) = ALLOWANCE.hold(input, || Event::decode(input)) {
        let written = event.encode(&head);
        let (head_again, event_again) = Event::decode(&written).expect("what was written is read");
        assert_eq!(
            (&head_again.id, head_again.sequence),
            (&head.id, head.sequence)
        );
        assert_eq!(event_again.routing_key(), event.routing_key());
        assert_eq!(
            event_again.encode(&head_again),
            written,
            "writing it again changes nothing"
        );
    }
    // A type, a line break, and the event as JSON.
    let text = String::from_utf8_lossy(input);
    let Some((event_type, json)) = text.split_once('\n') else {
        return;
    };
    let Ok(value) = serde_json::from_str::<Value>(json) else {
        return;
    };
    let read = ALLOWANCE.hold(input, || Event::from_json(event_type, value));
    if let Ok(event) = read {
        let again = Event::from_json(event.routing_key(), event.to_json());
        assert_eq!(
            again.expect("what was written is read").to_json(),
            event.to_json()
        );
    }
}
