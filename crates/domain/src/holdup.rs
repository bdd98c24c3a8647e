//! Who holds a task up, in sentences.
//!
//! Only the words: [`crate::plan`] decides which tasks hold it up, and the database what the reader may know of them.

use time::Date;

use crate::party::PartyRole;

/// More tasks than this are not named one by one.
const NAMED_MAX: usize = 3;

/// A task that holds another one up and waits for nothing itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holdup<'a> {
    /// The reader may not see it: the part that owns it is all it learns.
    Hidden {
        /// The part that owns it.
        owner_role: Option<PartyRole>,
    },
    /// The reader sees it.
    Shown {
        /// What is to be done.
        title: &'a str,
        /// Who is to do it.
        holder: Holder<'a>,
        /// The day since which it could have been done.
        since: Option<Date>,
        /// The day on which it is due.
        due: Option<Date>,
    },
}

/// Who is to do a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holder<'a> {
    /// Somebody with a name, and the part that they play, if they play one.
    Person {
        /// Their full name.
        name: &'a str,
        /// Their part in the deal.
        role: Option<PartyRole>,
    },
    /// A part that nobody plays yet.
    Role(PartyRole),
    /// Nobody has been named.
    Nobody,
}

impl Holdup<'_> {
    /// What the waiting task waits for, and who holds it up since when. `today` decides what is late, and which dates
    /// need no year.
    #[must_use]
    pub fn sentence(&self, today: Date) -> String {
        match self {
            Self::Hidden { owner_role } => format!("Waiting for {}.", owner(*owner_role)),
            Self::Shown {
                title,
                holder,
                since,
                due,
            } => {
                let holds = match holder {
                    Holder::Nobody => "nobody has taken it on".to_owned(),
                    named => format!("{} holds it up", named.phrase()),
                };
                let times = times(*since, *due, today);
                format!("Waiting for \"{title}\": {holds}{times}.")
            }
        }
    }

    /// Who, and with what, in the middle of a sentence.
    fn phrase(&self) -> String {
        match self {
            Self::Hidden { owner_role } => owner(*owner_role),
            Self::Shown {
                title,
                holder: Holder::Nobody,
                ..
            } => format!("\"{title}\" (nobody has taken it on)"),
            Self::Shown { title, holder, .. } => format!("{} with \"{title}\"", holder.phrase()),
        }
    }

    fn times(&self, today: Date) -> String {
        match self {
            Self::Hidden { .. } => String::new(),
            Self::Shown { since, due, .. } => times(*since, *due, today),
        }
    }
}

impl Holder<'_> {
    fn phrase(&self) -> String {
        match self {
            Self::Person { name, role } => match role {
                Some(role) => format!("{name} ({})", role.in_words()),
                None => (*name).to_owned(),
            },
            Self::Role(role) => format!("the {}", role.in_words()),
            Self::Nobody => "nobody".to_owned(),
        }
    }
}

/// Who holds up the task of this title, in one sentence. Without holdups it waits for nothing.
#[must_use]
pub fn summary(title: &str, holdups: &[Holdup<'_>], today: Date) -> String {
    let held_up = format!("\"{title}\" is held up by");
    match holdups {
        [] => format!("\"{title}\" waits for nothing."),
        [only] => format!("{held_up} {}{}.", only.phrase(), only.times(today)),
        several => format!("{held_up} {}.", listed(several)),
    }
}

fn listed(holdups: &[Holdup<'_>]) -> String {
    // Several hidden tasks of one part read alike; the phrase is said once.
    let mut phrases: Vec<String> = Vec::new();
    for phrase in holdups.iter().map(Holdup::phrase) {
        if !phrases.contains(&phrase) {
            phrases.push(phrase);
        }
    }
    let more = phrases.len().saturating_sub(NAMED_MAX);
    phrases.truncate(NAMED_MAX);
    match more {
        0 => {}
        1 => phrases.push("one more".to_owned()),
        more => phrases.push(format!("{more} more")),
    }
    match phrases.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
        None => String::new(),
    }
}

fn owner(role: Option<PartyRole>) -> String {
    role.map_or_else(
        || "somebody else".to_owned(),
        |role| format!("the {}", role.in_words()),
    )
}

/// ` since 3 March, due 10 March`: what is known of it, to go on a sentence with.
fn times(since: Option<Date>, due: Option<Date>, today: Date) -> String {
    let mut times = String::new();
    if let Some(since) = since {
        times.push_str(&format!(" since {}", spoken(since, today)));
    }
    if let Some(due) = due {
        let is = if due < today { "was due" } else { "due" };
        times.push_str(&format!(", {is} {}", spoken(due, today)));
    }
    times
}

/// `3 March`, with the year if it is another one.
fn spoken(date: Date, today: Date) -> String {
    let (day, month) = (date.day(), date.month());
    if date.year() == today.year() {
        format!("{day} {month}")
    } else {
        format!("{day} {month} {}", date.year())
    }
}

#[cfg(test)]
mod tests {
    use time::macros::date;

    use super::*;

    const TODAY: Date = date!(2026 - 03 - 09);
    const ROSA: Holder<'_> = Holder::Person {
        name: "Rosa Lind",
        role: Some(PartyRole::Lender),
    };

    fn shown<'a>(title: &'a str, holder: Holder<'a>) -> Holdup<'a> {
        Holdup::Shown {
            title,
            holder,
            since: Some(date!(2026 - 03 - 03)),
            due: Some(date!(2026 - 03 - 10)),
        }
    }

    fn hidden(owner_role: Option<PartyRole>) -> Holdup<'static> {
        Holdup::Hidden { owner_role }
    }

    #[test]
    fn each_holdup_is_told_down_to_the_person_as_far_as_is_known() {
        let person = |name| Holder::Person { name, role: None };
        let dated = |since, due| Holdup::Shown {
            title: "Appraisal",
            holder: ROSA,
            since,
            due,
        };
        for (holdup, sentence, why) in [
            (
                shown("Appraisal", ROSA),
                "Waiting for \"Appraisal\": Rosa Lind (lender) holds it up since 3 March, due 10 March.",
                "everything is known",
            ),
            (
                shown("Appraisal", person("Rosa Lind")),
                "Waiting for \"Appraisal\": Rosa Lind holds it up since 3 March, due 10 March.",
                "she plays no part in the deal",
            ),
            (
                shown("Survey", Holder::Role(PartyRole::TitleEscrow)),
                "Waiting for \"Survey\": the title company holds it up since 3 March, due 10 March.",
                "the deal has no such party yet",
            ),
            (
                shown("Survey", Holder::Nobody),
                "Waiting for \"Survey\": nobody has taken it on since 3 March, due 10 March.",
                "it is nobody's",
            ),
            (
                dated(None, None),
                "Waiting for \"Appraisal\": Rosa Lind (lender) holds it up.",
                "no dates",
            ),
            (
                dated(None, Some(date!(2026 - 03 - 08))),
                "Waiting for \"Appraisal\": Rosa Lind (lender) holds it up, was due 8 March.",
                "yesterday",
            ),
            (
                dated(Some(date!(2025 - 12 - 30)), Some(TODAY)),
                "Waiting for \"Appraisal\": Rosa Lind (lender) holds it up since 30 December 2025, due 9 March.",
                "due today is in time",
            ),
            (
                hidden(Some(PartyRole::Broker)),
                "Waiting for the broker.",
                "of a hidden task the part alone",
            ),
            (hidden(None), "Waiting for somebody else.", "not even that"),
        ] {
            assert_eq!(holdup.sentence(TODAY), sentence, "{why}");
        }
    }

    #[test]
    fn the_summary_names_whoever_holds_the_task_up() {
        let agent = shown("Sign", Holder::Role(PartyRole::BuyerAgent));
        let nobody = shown("Survey", Holder::Nobody);
        let broker = hidden(Some(PartyRole::Broker));
        let rosa = shown("Appraisal", ROSA);
        let cases: [(&[Holdup<'_>], &str, &str); 6] = [
            (&[], "\"Close\" waits for nothing.", "it is free"),
            (
                &[rosa],
                "\"Close\" is held up by Rosa Lind (lender) with \"Appraisal\" since 3 March, due 10 March.",
                "one",
            ),
            (&[broker], "\"Close\" is held up by the broker.", "hidden"),
            (
                &[rosa, nobody, broker],
                "\"Close\" is held up by Rosa Lind (lender) with \"Appraisal\", \"Survey\" (nobody has taken it on) and the broker.",
                "three",
            ),
            (
                &[broker, broker],
                "\"Close\" is held up by the broker.",
                "how many there are is not the reader's to know",
            ),
            (
                &[rosa, agent, broker, nobody, hidden(None)],
                "\"Close\" is held up by Rosa Lind (lender) with \"Appraisal\", the buyer's agent with \"Sign\", the broker and 2 more.",
                "too many to name",
            ),
        ];
        for (holdups, sentence, why) in cases {
            assert_eq!(summary("Close", holdups, TODAY), sentence, "{why}");
        }
    }
}
