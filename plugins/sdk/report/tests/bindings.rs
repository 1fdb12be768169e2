//! `src/bindings.rs` is what the generator makes of the contract, byte for byte.
//!
//! To renew it after a new version of the generator:
//! `KITH_RENEW=1 cargo test -p kith-report-sdk --test bindings`.

use std::fs;
use std::path::Path;

use wit_bindgen_core::wit_parser::Resolve;
use wit_bindgen_core::{Files, WorldGenerator as _};
use wit_bindgen_rust::Opts;

const HEADER: &str = "// @generated from plugins/wit/report-v1 by tests/bindings.rs: do not edit.\n";

#[test]
fn bindings_are_what_the_contract_says() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let file = root.join("src/bindings.rs");
    let made = generate(&root.join("../../wit/report-v1"));
    if std::env::var_os("KITH_RENEW").is_some() {
        fs::write(&file, &made).expect("the bindings can be written");
    }
    let kept = fs::read_to_string(&file).expect("the bindings are checked in");
    assert!(kept == made, "src/bindings.rs is stale: run this test with KITH_RENEW=1");
}

fn generate(wit: &Path) -> String {
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_path(wit).expect("the contract parses");
    let world = resolve.select_world(&[package], Some("plugin")).expect("the world is there");
    let mut files = Files::default();
    let options = Opts {
        format: true,
        pub_export_macro: true,
        export_macro_name: Some("__export_bindings".into()),
        default_bindings_module: Some("$crate::bindings".into()),
        ..Opts::default()
    };
    options.build().generate(&mut resolve, world, &mut files).expect("bindings can be made");
    let (_, bytes) = files.iter().next().expect("one file is made");
    HEADER.to_owned() + std::str::from_utf8(bytes).expect("source is text")
}
