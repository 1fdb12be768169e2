//! Personal words at rest: the keys of networks and people, and details sealed with them.
//!
//! Invariant: words can be read only with the keys of all the people that they are about. A missing key is an erased
//! one.

mod cipher;
mod key;
mod keys;
mod limits;
mod seal;

pub use key::{KEY_BYTES, Key, new_key, random};
pub use keys::{Incarnation, Keys, KeysError, NETWORK_KEYS, PERSON_KEYS, SharedKey, make_tables, unwrap};
pub use seal::{Binding, Sealed, decode_all, encode_all};
