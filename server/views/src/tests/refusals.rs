//! Components that are refused, each with the reason.

use super::harness::{HOSTILE, HOSTILE_TEXT, Lab, builtin, component};
use crate::{Refused, SandboxLimits, Views, limits};

fn refusal(component: &[u8], settings: &str) -> String {
    Lab::open().views.inspect(component, settings).unwrap_err().to_string()
}

#[test]
fn what_is_no_plugin_is_refused_with_the_reason() {
    let check = |component: &[u8], settings: &str, expected: &str| {
        let found = refusal(component, settings);
        assert!(found.contains(expected), "{found}");
    };
    check(b"\0asm\x0d\0\x01\0rubbish", "{}", "no WebAssembly component");
    check(&component("(module)"), "{}", "no WebAssembly component");
    check(&component("(component)"), "{}", "exports []");
    check(&component("(component (import \"clock\" (func)))"), "{}", "imports clock");
    check(&component("(component (instance $i) (export \"kith:view/view@2.0.0\" (instance $i)))"), "{}", "view@2.0.0");
    check(&component("(component (instance $i) (export \"kith:view/view@1.0.0\" (instance $i)))"), "{}", "describe");
    check(&HOSTILE, "refuse", "refuses the settings: refuse");
    check(builtin("strength"), "{\"half_life_days\":0}", "refuses the settings");
    let manifest = HOSTILE_TEXT.replace("\"met\"", "\"mit\"");
    check(&component(&manifest), "{}", "`mit` is no kind");
}

#[test]
fn a_component_that_is_too_large_is_refused_unread() {
    let found = Lab::open().views.inspect(&vec![0; limits::COMPONENT_BYTES_MAX + 1], "{}");
    assert_eq!(found, Err(Refused::TooLarge { found: limits::COMPONENT_BYTES_MAX + 1 }));
}

#[test]
fn compiled_components_are_kept_and_damaged_ones_compiled_anew() {
    let lab = Lab::open();
    lab.views.inspect(&HOSTILE, "{}").unwrap();
    let cache = lab.folder.path().join("cache");
    let files = || std::fs::read_dir(&cache).unwrap().map(|file| file.unwrap().path()).collect::<Vec<_>>();
    let [file] = &files()[..] else { panic!("one component was compiled") };
    let whole = std::fs::read(file).unwrap();
    for damage in [0, whole.len() / 2, whole.len() - 1] {
        let mut bytes = whole.clone();
        bytes[damage] ^= 1;
        std::fs::write(file, &bytes).unwrap();
        let views = Views::open(Lab::config(&lab.folder, SandboxLimits::default())).unwrap();
        assert_eq!(views.inspect(&HOSTILE, "{}").unwrap().name(), "hostile");
        assert_eq!(std::fs::read(file).unwrap().len(), whole.len());
    }
    std::fs::write(file, b"short").unwrap();
    assert_eq!(lab.views.inspect(&HOSTILE, "{}").unwrap().name(), "hostile");
}

#[test]
fn built_in_plugins_are_taken() {
    let lab = Lab::open();
    for builtin in kith_bundle::BUILTINS {
        assert_eq!(lab.views.inspect(builtin.component, "{}").unwrap().name(), builtin.name);
    }
}
