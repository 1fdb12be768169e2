//! Personal words at rest: the keys of networks and people, and details sealed with them.
//!
//! Invariant: words can be read only with the keys of all the people that they are about. A missing key is an erased
//! one.

mod cipher;
mod folder;
mod key;
mod keys;
mod limits;
mod private;
mod root_key;
mod seal;
mod stored;
mod swapped;

pub use folder::KeyFolder;
pub use key::{KEY_BYTES, Key, new_key, random};
pub use keys::{
    Doomed, ERASED, Incarnation, Keys, KeysError, NETWORK_KEYS, PERSON_KEYS, SharedKey, make_tables, unwrap, wrap,
};
pub use limits::KEYS_PAGES_BYTES_MAX;
pub use private::{folder_of, is_exposed, write_private};
pub use root_key::{RootKeyError, make_root_key, read_root_key};
pub use seal::{Binding, Sealed};
pub use stored::{Stored, decode_all, encode_all, erase};
pub use swapped::SwappedFile;
#[cfg(feature = "faults")]
pub use swapped::faults;
