//! Components that would cost too much to compile are refused before anything is compiled.

use super::harness::{HOSTILE_TEXT, Lab, component};
use crate::{Bound, Refused, plugin::shape::Shape};
use std::{
    fmt::Write,
    time::{Duration, Instant},
};

/// A component with functions whose locals are all used in the innermost of nested loops.
fn loops_of_locals(locals: usize, loops: usize, functions: usize) -> Vec<u8> {
    let mut uses = String::new();
    for local in 0..locals {
        write!(uses, "(local.set {local} (i64.add (local.get {local}) (i64.const 1)))").unwrap();
    }
    let body = format!("{}{uses}{}", "(loop ".repeat(loops), "(br_if 0 (i32.const 0)))".repeat(loops));
    let function = format!("(func (local {}) {body})", "i64 ".repeat(locals));
    component(&format!("(component (core module {}))", function.repeat(functions)))
}

fn refused(component: &[u8]) -> Bound {
    let lab = Lab::open();
    let begun = Instant::now();
    let found = lab.views.inspect(component, "{}");
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    match found {
        Err(Refused::Shape { bound, found }) if found > bound.max() => bound,
        other => panic!("{other:?}"),
    }
}

#[test]
fn compile_bombs_are_refused_within_a_second() {
    assert_eq!(refused(&loops_of_locals(300, 300, 1)), Bound::LoopLocals);
    assert_eq!(refused(&loops_of_locals(700, 700, 1)), Bound::LoopLocals);
    assert_eq!(refused(&loops_of_locals(2000, 20, 1)), Bound::Locals);
}

#[test]
fn many_functions_that_are_each_within_the_bounds_are_too_many_together() {
    assert_eq!(refused(&loops_of_locals(200, 100, 100)), Bound::LoopLocalsTotal);
    let functions = "(func)".repeat(40_000);
    assert_eq!(refused(&component(&format!("(component (core module {functions}))"))), Bound::Functions);
}

#[test]
fn parameters_count_as_locals_and_what_branches_carry_counts() {
    let (parameters, locals) = ("i64 ".repeat(900), "i64 ".repeat(101));
    let function = format!("(func (param {parameters}) (local {locals}))");
    assert_eq!(refused(&component(&format!("(component (core module {function}))"))), Bound::Locals);
    let results = "i64 ".repeat(500);
    let block = "(block (type $many) (unreachable) (br 0))";
    let drops = "drop ".repeat(500);
    let body = format!("{block} {drops}").repeat(9);
    let module = format!("(type $many (func (result {results}))) (func (unreachable) {body})");
    assert_eq!(refused(&component(&format!("(component (core module {module}))"))), Bound::BranchValues);
}

#[test]
fn deep_blocks_are_refused() {
    let body = format!("{}{}", "(block ".repeat(2_500), ")".repeat(2_500));
    assert_eq!(refused(&component(&format!("(component (core module (func {body})))"))), Bound::Nesting);
}

#[test]
fn instances_count_as_often_as_they_are_made() {
    let instances = "(core instance (instantiate $e))".repeat(30);
    let many = format!("(component $many (core module $e (func)) {instances})");
    let thrice = "(instance (instantiate $many))".repeat(3);
    assert_eq!(refused(&component(&format!("(component {many} {thrice})"))), Bound::CoreInstances);
    let mut doubled = "(component $c0)".to_owned();
    for level in 1..10 {
        let inner = format!("(alias outer 1 $c{} (component $c))", level - 1);
        let twice = "(instance (instantiate $c))".repeat(2);
        write!(doubled, "(component $c{level} {inner} {twice})").unwrap();
    }
    let whole = format!("(component {doubled} (instance (instantiate $c9)))");
    assert_eq!(refused(&component(&whole)), Bound::ComponentInstances);
}

#[test]
fn a_component_that_comes_from_elsewhere_is_not_instantiated() {
    let text = "(component (import \"c\" (component $c)) (instance (instantiate $c)))";
    assert_eq!(refused(&component(text)), Bound::ComponentInstances);
}

#[test]
fn tables_and_modules_are_bounded() {
    let tables = "(table 1 funcref)".repeat(9);
    assert_eq!(refused(&component(&format!("(component (core module {tables}))"))), Bound::Tables);
    let modules = "(core module)".repeat(81);
    assert_eq!(refused(&component(&format!("(component {modules})"))), Bound::Modules);
}

#[test]
fn real_plugins_have_at_most_half_of_each_bound() {
    for builtin in kith_bundle::BUILTINS {
        let shape = Shape::of(builtin.component).unwrap();
        for bound in Bound::ALL {
            assert!(shape.count(bound) * 2 <= bound.max(), "{}: {bound:?}", builtin.name);
        }
    }
}

#[test]
fn what_is_refused_is_named_with_its_limit() {
    let instances = "(core instance (instantiate $module))".repeat(81);
    let anchor = "(core instance $i (instantiate $module))";
    let text = HOSTILE_TEXT.replace(anchor, &format!("{anchor}{instances}"));
    let refused = Lab::open().views.inspect(&component(&text), "{}").unwrap_err();
    assert_eq!(refused.to_string(), "the component has 82 core instances; at most 80 are allowed");
}
