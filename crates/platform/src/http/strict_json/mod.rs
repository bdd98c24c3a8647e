//! The strict reading of JSON behind [`super::Json`]: first the text ([`parse`]), then the shape ([`decode`]).
//! serde's messages are rewritten in terms of field and constraint ([`describe`]).

mod decode;
mod describe;
mod parse;
mod plain;
#[cfg(test)]
mod tests;
mod text;

pub(super) use self::{
    decode::decode,
    describe::{describe, dotted},
    parse::parse,
    text::{Text, TextError},
};
