//! Writes `proto/released.binpb`: what the breaking-change test compares with. Run at each release.

use std::{fs, io, path::Path};

fn main() -> io::Result<()> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../proto/released.binpb");
    fs::write(path, contracts::DESCRIPTORS)
}
