//! Components that are refused, each for its reason.

use super::harness::{HOSTILE, HOSTILE_TEXT, Lab, MemoryLog, builtin, component};
use crate::{CacheKey, Compiling, Config, KnownFunctions, Refused, SandboxLimits, Views, compile_component, limits};
use sha2::{Digest, Sha256};
use std::{collections::BTreeSet, fs, os::unix::fs::PermissionsExt, path::PathBuf, sync::Arc};

fn refusal(component: &[u8], settings: &str) -> String {
    Lab::open().views.inspect(component, settings).unwrap_err().to_string()
}

#[test]
fn what_is_no_plugin_is_refused_with_the_reason() {
    let check = |component: &[u8], settings: &str, expected: &str| {
        let found = refusal(component, settings);
        assert!(found.contains(expected), "{found}");
    };
    check(b"\0asm\x0d\0\x01\0rubbish", "{}", "not a WebAssembly component");
    check(b"#!/bin/sh", "{}", "not a WebAssembly component that can run here: it does not begin like one");
    check(&component("(module)"), "{}", "it is a core module");
    check(&component("(component)"), "{}", "exports []");
    check(&component("(component (import \"clock\" (func)))"), "{}", "imports clock");
    check(&component("(component (instance $i) (export \"kith:view/view@2.0.0\" (instance $i)))"), "{}", "view@2.0.0");
    check(&component("(component (instance $i) (export \"kith:view/view@1.0.0\" (instance $i)))"), "{}", "describe");
    check(&HOSTILE, "refuse", "refuses the settings: refuse");
    check(builtin("strength"), "{\"half_life_days\":0}", "refuses the settings");
    let manifest = HOSTILE_TEXT.replace("\"met\"", "\"mit\"");
    check(&component(&manifest), "{}", "`mit` is not a kind");
}

#[test]
fn a_component_that_is_too_large_is_refused_unread() {
    let found = Lab::open().views.inspect(&vec![0; limits::COMPONENT_BYTES_MAX + 1], "{}");
    assert_eq!(found, Err(Refused::TooLarge { found: limits::COMPONENT_BYTES_MAX + 1 }));
}

/// The files of compiled code.
fn cached(lab: &Lab) -> Vec<PathBuf> {
    let mut files: Vec<_> = fs::read_dir(lab.folder.path().join("cache")).unwrap().map(|f| f.unwrap().path()).collect();
    files.sort();
    files
}

fn config_with(lab: &Lab, secret: [u8; 32]) -> Config {
    Config { cache_key: CacheKey::new(secret), ..Lab::config(&lab.folder, SandboxLimits::default()) }
}

#[test]
fn compiled_components_are_kept_and_damaged_ones_compiled_anew() {
    let lab = Lab::open();
    drop(lab.view(&HOSTILE, "{}", &MemoryLog::empty()));
    let [file] = &cached(&lab)[..] else { panic!("one component was compiled") };
    let whole = fs::read(file).unwrap();
    for damage in [0, whole.len() / 2, whole.len() - 1] {
        let mut bytes = whole.clone();
        bytes[damage] ^= 1;
        fs::write(file, &bytes).unwrap();
        drop(lab.view(&HOSTILE, "{}", &MemoryLog::empty()));
        assert_eq!(fs::read(file).unwrap().len(), whole.len());
    }
    fs::write(file, b"short").unwrap();
    drop(lab.view(&HOSTILE, "{}", &MemoryLog::empty()));
    assert_eq!(fs::read(file).unwrap().len(), whole.len());
}

#[test]
fn code_is_kept_when_a_plugin_is_used_and_not_when_it_is_looked_at() {
    let lab = Lab::open();
    lab.views.inspect(&component("(component)"), "{}").unwrap_err();
    lab.views.inspect(&HOSTILE, "{}").unwrap();
    assert!(cached(&lab).is_empty());
    drop(lab.view(&HOSTILE, "{}", &MemoryLog::empty()));
    assert_eq!(cached(&lab).len(), 1);
}

#[test]
fn code_that_nobody_names_is_deleted_whoever_made_it() {
    let lab = Lab::open();
    drop(lab.view(&HOSTILE, "{}", &MemoryLog::empty()));
    drop(lab.view(builtin("help"), "{}", &MemoryLog::empty()));
    let cache = lab.folder.path().join("cache");
    let named: [u8; 32] = Sha256::digest(&*HOSTILE).into();
    let earlier = format!("{}-0123456789abcdef.cwasm", hex::encode(named));
    for other in [earlier.as_str(), "7-0.tmp", "notes.txt"] {
        fs::write(cache.join(other), b"x").unwrap();
    }
    assert_eq!(lab.views.retain_compiled(|digest| *digest == named).unwrap(), 4);
    let [file] = &cached(&lab)[..] else { panic!("one component is named") };
    assert!(file.to_str().unwrap().contains(&hex::encode(named)));
    assert_eq!(lab.views.retain_compiled(|_| false).unwrap(), 1);
    drop(lab.view(&HOSTILE, "{}", &MemoryLog::empty()));
    assert_eq!(cached(&lab).len(), 1, "what is used again is kept again");
}

#[test]
fn code_that_was_planted_without_the_key_is_not_run() {
    let (lab, evil) = (Lab::open(), Lab::open());
    let views = Views::open(config_with(&lab, [7; 32])).unwrap();
    assert!(views.find_compiled(&HOSTILE).unwrap().is_some());
    drop(evil.view(&HOSTILE, "{}", &MemoryLog::empty()));
    let [planted] = &cached(&evil)[..] else { panic!("one component was compiled") };
    fs::copy(planted, lab.folder.path().join("cache").join(planted.file_name().unwrap())).unwrap();
    let elsewhere = Compiling::Elsewhere { but_here: BTreeSet::new() };
    let with = |key| Config { compiling: elsewhere.clone(), ..config_with(&lab, key) };
    let found = |key| Views::open(with(key)).unwrap().find_compiled(&HOSTILE).unwrap().is_some();
    assert!(!found([7; 32]), "the checksum of another key counted");
    assert!(found([0; 32]), "with the key it was written with, it is code");
}

#[test]
fn folders_of_views_and_code_are_closed_to_others() {
    let folder = tempfile::tempdir().unwrap();
    let mode = |name: &str| fs::metadata(folder.path().join(name)).unwrap().permissions().mode() & 0o777;
    fs::create_dir(folder.path().join("cache")).unwrap();
    fs::set_permissions(folder.path().join("cache"), fs::Permissions::from_mode(0o777)).unwrap();
    let views = Views::open(Lab::config(&folder, SandboxLimits::default())).unwrap();
    assert_eq!((mode("cache"), mode("views")), (0o700, 0o700));
    drop(views);
}

#[test]
fn a_component_that_is_compiled_elsewhere_waits_for_its_code() {
    let lab = Lab::open();
    let compiling = Compiling::Elsewhere { but_here: BTreeSet::from([Sha256::digest(builtin("help")).into()]) };
    let views = Views::open(Config { compiling, ..config_with(&lab, [7; 32]) }).unwrap();
    assert_eq!(views.inspect(builtin("help"), "{}").unwrap().name(), "help");
    assert!(views.find_compiled(&HOSTILE).unwrap().is_none());
    assert_eq!(views.inspect(&HOSTILE, "{}"), Err(Refused::NotCompiled));
    let compiled =
        views.adopt(&HOSTILE, &compile_component(&HOSTILE, &Arc::new(KnownFunctions::default())).unwrap()).unwrap();
    assert_eq!(views.inspect(&HOSTILE, "{}").unwrap().name(), "hostile");
    drop(compiled);
    assert_eq!(views.inspect(&HOSTILE, "{}"), Err(Refused::NotCompiled), "code that nobody holds is dropped");
}

#[test]
fn built_in_plugins_are_taken() {
    let lab = Lab::open();
    for builtin in kith_bundle::BUILTINS {
        assert_eq!(lab.views.inspect(builtin.component, "{}").unwrap().name(), builtin.name);
    }
}
