//! The key files: the root key, the keys that it wraps, and the key that signs checkpoints.

pub(crate) mod erasures_file;
pub(crate) mod key_file;
pub(crate) mod place;
pub(crate) mod root_key;
pub(crate) mod rotation;
pub(crate) mod signing_key;
