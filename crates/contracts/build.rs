//! Compiles `proto/` without protoc: protox parses it, prost-build writes the Rust types.

use std::{env, error::Error, fs, path::PathBuf};

use prost::Message;

const FILES: [&str; 5] = ["envelope", "deals", "tasks", "users", "notifications"];

fn main() -> Result<(), Box<dyn Error>> {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join("../../proto");
    println!("cargo::rerun-if-changed={}", root.display());

    let files: Vec<PathBuf> = FILES
        .iter()
        .map(|name| root.join(format!("haushavn/events/v1/{name}.proto")))
        .collect();
    let descriptors = protox::compile(&files, [&root])?;
    let out = PathBuf::from(env::var("OUT_DIR")?);
    fs::write(out.join("events.binpb"), descriptors.encode_to_vec())?;

    prost_build::Config::new()
        .type_attribute(".", "#[derive(serde::Serialize, serde::Deserialize)]")
        .type_attribute(".", "#[serde(rename_all = \"camelCase\", default)]")
        .compile_fds(descriptors)?;
    Ok(())
}
