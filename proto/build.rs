//! Compiles `kith.v1` without protoc.

use prost::Message;
use std::{env, fs, path::PathBuf};

const FILES: [&str; 13] = [
    "kith/v1/event.proto",
    "kith/v1/errors.proto",
    "kith/v1/log.proto",
    "kith/v1/directory.proto",
    "kith/v1/view.proto",
    "kith/v1/plugin.proto",
    "kith/v1/audit.proto",
    "kith/v1/network.proto",
    "kith/v1/admin.proto",
    "kith/v1/session.proto",
    "kith/v1/records.proto",
    "kith/v1/members.proto",
    "kith/v1/webhook.proto",
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    for file in FILES {
        println!("cargo:rerun-if-changed={file}");
    }
    let descriptors = protox::compile(FILES, ["."])?;
    let out = PathBuf::from(env::var("OUT_DIR")?);
    fs::write(out.join("kith.v1.bin"), descriptors.encode_to_vec())?;
    tonic_prost_build::configure()
        .client_mod_attribute(".", "#[cfg(feature = \"client\")]")
        .server_mod_attribute(".", "#[cfg(feature = \"server\")]")
        // Stored bytes are shared, not copied, on their way to and from the wire.
        .bytes(".kith.v1.NewEvent.event")
        .bytes(".kith.v1.Entry.event")
        .bytes(".kith.v1.ReadResponse.entries")
        .bytes(".kith.v1.SubscribeResponse.entries")
        .bytes(".kith.v1.GetInclusionProofResponse.entry")
        .bytes(".kith.v1.Evidence.entry")
        .bytes(".kith.v1.BackupResponse.data")
        .bytes(".kith.v1.InstallPluginRequest.data")
        .bytes(".kith.v1.FetchComponentResponse.data")
        .compile_fds(descriptors)?;
    Ok(())
}
