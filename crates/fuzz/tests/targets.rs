//! Every target with its corpus, and with some thousand inputs made of it and of nothing.

#![expect(
    clippy::unwrap_used,
    reason = "a corpus that cannot be read should stop the test"
)]

use std::{fs, path::PathBuf};

use fuzz::TARGETS;
use proptest::{
    collection::vec,
    prelude::*,
    sample::{Index, select},
    test_runner::{Config, TestRunner},
};

/// Generated inputs of a target in one run of the tests.
const CASES: u32 = 2_000;
/// The longest input made of nothing, in bytes.
const INPUT_BYTES_MAX: usize = 600;

/// The inputs of a target's corpus, by file.
fn corpus(target: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("corpus")
        .join(target);
    let mut inputs: Vec<(PathBuf, Vec<u8>)> = fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| {
            let path = entry.unwrap().path();
            let input = fs::read(&path).unwrap();
            (path, input)
        })
        .collect();
    inputs.sort();
    assert!(!inputs.is_empty(), "{target} has no corpus");
    inputs
}

/// One change of an input.
#[derive(Clone, Debug)]
enum Change {
    Put(Index, u8),
    Insert(Index, Vec<u8>),
    Cut(Index, Index),
    Repeat(Index, Index, usize),
}

fn change() -> impl Strategy<Value = Change> {
    let index = any::<Index>;
    let bytes = prop_oneof![
        vec(any::<u8>(), 1..8),
        select(vec![
            "\"", "\\u0000", "{", "[", ",", ":", "&*a", "\u{200b}", "-", "9999", "%00", "."
        ])
        .prop_map(|text| text.as_bytes().to_vec()),
    ];
    prop_oneof![
        (index(), any::<u8>()).prop_map(|(at, byte)| Change::Put(at, byte)),
        (index(), bytes).prop_map(|(at, bytes)| Change::Insert(at, bytes)),
        (index(), index()).prop_map(|(from, to)| Change::Cut(from, to)),
        (index(), index(), 2_usize..40)
            .prop_map(|(from, to, times)| Change::Repeat(from, to, times)),
    ]
}

fn apply(mut input: Vec<u8>, changes: &[Change]) -> Vec<u8> {
    for change in changes {
        let at = |index: &Index, input: &[u8]| index.index(input.len() + 1);
        let span = |from: &Index, to: &Index, input: &[u8]| {
            let (from, to) = (at(from, input), at(to, input));
            from.min(to)..from.max(to)
        };
        match change {
            Change::Put(place, byte) => {
                let place = at(place, &input);
                match input.get_mut(place) {
                    Some(known) => *known = *byte,
                    None => input.push(*byte),
                }
            }
            Change::Insert(place, bytes) => {
                let place = at(place, &input);
                input.splice(place..place, bytes.iter().copied());
            }
            Change::Cut(from, to) => {
                input.drain(span(from, to, &input));
            }
            Change::Repeat(from, to, times) => {
                let span = span(from, to, &input);
                let part = input[span.clone()].repeat(*times);
                input.splice(span, part);
            }
        }
    }
    input
}

fn check(name: &str) {
    let corpus = corpus(name);
    for (path, input) in &corpus {
        eprintln!("{}", path.display());
        fuzz::run(name, input);
    }
    let inputs: Vec<Vec<u8>> = corpus.into_iter().map(|(_, input)| input).collect();
    let changed = (select(inputs), vec(change(), 1..5));
    let generated = prop_oneof![
        4 => changed.prop_map(|(input, changes)| apply(input, &changes)),
        1 => vec(any::<u8>(), 0..INPUT_BYTES_MAX),
    ];
    let config = Config {
        cases: CASES,
        failure_persistence: None,
        ..Config::default()
    };
    let outcome = TestRunner::new(config).run(&generated, |input| {
        fuzz::run(name, &input);
        Ok(())
    });
    if let Err(found) = outcome {
        panic!("{name}: {found}");
    }
}

macro_rules! targets {
    ($($name:ident)*) => {
        $(#[test]
        fn $name() {
            check(stringify!($name));
        })*

        #[test]
        fn every_target_is_run() {
            let known: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
            assert_eq!(known, [$(stringify!($name)),*]);
        }
    };
}

targets!(json yaml cursors tokens query events dates);
