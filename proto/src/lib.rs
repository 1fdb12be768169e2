//! The wire format `kith.v1`: messages, and gRPC clients and servers as features.
//!
//! The `.proto` files beside this crate are the contract; nothing here adds meaning to them.

/// Messages and services of `kith.v1`.
#[allow(missing_docs, clippy::pedantic, reason = "generated code; the .proto files carry the documentation")]
pub mod v1 {
    include!(concat!(env!("OUT_DIR"), "/kith.v1.rs"));
}

/// The compiled descriptor set of `kith.v1`, for server reflection.
pub const DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/kith.v1.bin"));

/// The `domain` of every `google.rpc.ErrorInfo` that Kith sends.
pub const ERROR_DOMAIN: &str = "kith.v1";
