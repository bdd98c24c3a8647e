//! One crypto provider for the whole process. Two would make rustls panic at run time.

use rustls::crypto::ring::default_provider;

/// Installs the provider unless that is done. Everything here that opens connections calls it.
pub fn ensure_provider() {
    // An error says that there is one already.
    let _installed = default_provider().install_default();
}
