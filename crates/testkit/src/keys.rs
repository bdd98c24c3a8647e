//! Ed25519 keys of tests, in the formats that services read.

use std::{env, fs, path::PathBuf};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use uuid::Uuid;

/// What a private key begins with in PKCS 8, before its 32 bytes.
const PKCS8_PREFIX: [u8; 16] = [
    0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
];

/// The private key that these 32 bytes make, as PKCS 8 (DER).
pub fn ed25519_private_key(bytes: [u8; 32]) -> Vec<u8> {
    PKCS8_PREFIX.into_iter().chain(bytes).collect()
}

/// Files with a private key of a service and with no service that it trusts. Deleted in the end.
#[derive(Debug)]
pub struct KeyFiles {
    directory: PathBuf,
}

impl KeyFiles {
    /// Writes them.
    ///
    /// # Panics
    /// When they cannot be written.
    #[expect(
        clippy::new_without_default,
        reason = "writes files, which nobody expects of a default"
    )]
    pub fn new() -> Self {
        let directory = env::temp_dir().join(format!("haushavn-keys-{}", Uuid::now_v7()));
        fs::create_dir_all(&directory).unwrap();
        let text = STANDARD.encode(ed25519_private_key([7; 32]));
        let pem = format!("-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----\n");
        fs::write(directory.join("own.key"), pem).unwrap();
        Self { directory }
    }

    /// The environment variables that give a service their paths.
    pub fn variables(&self) -> [(&'static str, String); 2] {
        let path = |path: PathBuf| path.to_string_lossy().into_owned();
        [
            (
                "HAUSHAVN_SERVICE_KEY_FILE",
                path(self.directory.join("own.key")),
            ),
            (
                "HAUSHAVN_TRUSTED_SERVICES_DIR",
                path(self.directory.clone()),
            ),
        ]
    }
}

impl Drop for KeyFiles {
    fn drop(&mut self) {
        let _gone = fs::remove_dir_all(&self.directory);
    }
}
