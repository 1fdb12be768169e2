//! Each built-in plugin is a component that imports nothing and answers every call of the contract.

use kith_bundle::BUILTINS;
use wasmtime::component::{Component, Instance, Linker, Val};
use wasmtime::{Engine, Store};

const DAY: i32 = 20_000;

/// One component in a sandbox without any import.
struct Guest {
    store: Store<()>,
    instance: Instance,
}

impl Guest {
    fn new(engine: &Engine, bytes: &[u8]) -> Self {
        let component = Component::new(engine, bytes).expect("a component");
        assert_eq!(component.component_type().imports(engine).count(), 0, "imports");
        let mut store = Store::new(engine, ());
        let instance = Linker::new(engine).instantiate(&mut store, &component).expect("an instance");
        Self { store, instance }
    }

    fn call(&mut self, name: &str, arguments: &[Val]) -> Val {
        let store = &mut self.store;
        let interface = self.instance.get_export_index(&mut *store, None, "kith:view/view@1.0.0");
        let function = self.instance.get_export_index(&mut *store, interface.as_ref(), name);
        let function = self.instance.get_func(&mut *store, function.expect(name)).expect(name);
        let mut results = [Val::Bool(false)];
        function.call(&mut *store, arguments, &mut results).expect(name);
        let [result] = results;
        result
    }

    fn fold(&mut self, batch: &[u8]) -> Result<Vec<u8>, Val> {
        let batch = Val::List(batch.iter().copied().map(Val::U8).collect());
        let states = result(self.call("fold", &[batch]))?;
        let Some(Val::List(states)) = states else { panic!("{states:?}") };
        Ok(states.into_iter().map(byte).collect())
    }

    fn read(&mut self, as_of: i32, state: &[u8]) -> Vec<Val> {
        let bytes = u32::try_from(state.len()).expect("a small state");
        let slot = [("a", Val::U32(1)), ("b", Val::U32(2)), ("state", Val::U32(bytes))];
        let slots = Val::List(vec![Val::Record(slot.map(|(name, of)| (name.to_owned(), of)).into())]);
        let states = Val::List(state.iter().copied().map(Val::U8).collect());
        match result(self.call("read", &[Val::S32(as_of), slots, states])) {
            Ok(Some(Val::List(rows))) => rows,
            other => panic!("{other:?}"),
        }
    }
}

fn result(value: Val) -> Result<Option<Val>, Val> {
    match value {
        Val::Result(Ok(value)) => Ok(value.map(|value| *value)),
        Val::Result(Err(Some(error))) => Err(*error),
        other => panic!("{other:?} is not a result"),
    }
}

fn byte(value: Val) -> u8 {
    match value {
        Val::U8(byte) => byte,
        other => panic!("{other:?} is not a byte"),
    }
}

fn field(record: &Val, name: &str) -> Val {
    let Val::Record(fields) = record else { panic!("{record:?} is not a record") };
    fields.iter().find(|(field, _)| field == name).expect(name).1.clone()
}

fn text(text: &str) -> Val {
    Val::String(text.into())
}

/// A packed batch: the pair (1, 2) and one event of the first route, at position 7, noon of the day.
fn batch() -> Vec<u8> {
    let mut bytes = Vec::new();
    for half in [1_u16, 16, 40, 0] {
        bytes.extend(half.to_le_bytes());
    }
    for word in [1_u32, 1, 0, 0, 1, 2, 1, 0] {
        bytes.extend(word.to_le_bytes());
    }
    bytes.extend(7_u64.to_le_bytes());
    bytes.extend((i64::from(DAY) * 86_400_000 + 43_200_000).to_le_bytes());
    for word in [0_u32, 0, 9, 1, 0, 0] {
        bytes.extend(word.to_le_bytes());
    }
    bytes
}

/// Configures a plugin, folds one event and reads the row five days later.
fn only_row(name: &str) -> Val {
    let builtin = BUILTINS.iter().find(|builtin| builtin.name == name).expect(name);
    let mut guest = Guest::new(&Engine::default(), builtin.component);
    assert_eq!(field(&guest.call("describe", &[]), "name"), text(name));
    assert_eq!(result(guest.call("configure", &[text("{}")])), Ok(None));
    let states = guest.fold(&batch()).expect("a state");
    let (length, state) = states.split_first_chunk().expect("a length");
    assert_eq!(u32::from_le_bytes(*length) as usize, state.len());
    guest.read(DAY + 5, state).pop().expect("a row")
}

fn variant(case: &str, value: Val) -> Val {
    Val::Variant(case.into(), Some(Box::new(value)))
}

#[test]
fn strength_answers() {
    let row = only_row("strength");
    let Val::List(values) = field(&row, "values") else { panic!("{row:?}") };
    let Val::Variant(case, Some(score)) = &values[0] else { panic!("{row:?}") };
    let Val::Float64(score) = **score else { panic!("{row:?}") };
    // 100 ln(1 + 2^(-5/60) * 8 * 3 / (8 * 3 + 5)) / ln(1 + 1.5 / (1 - 2^(-1/60)))
    assert!(case == "number" && (score - 11.8296).abs() < 0.0001, "{score}");
    assert_eq!(values[2], variant("day", Val::S32(DAY)));
    assert_eq!(values[3], variant("integer", Val::S64(1)));
}

#[test]
fn introductions_answers() {
    let row = only_row("introductions");
    assert_eq!(field(&row, "item"), Val::Option(Some(Box::new(Val::U64(7)))));
    let expected = [
        variant("text", text("unanswered")),
        variant("integer", Val::S64(5)),
        variant("person", Val::U32(9)),
        variant("day", Val::S32(DAY)),
        Val::Variant("none".into(), None),
    ];
    assert_eq!(field(&row, "values"), Val::List(expected.into()));
}

#[test]
fn bad_calls_are_answered_not_trapped() {
    let engine = Engine::default();
    for builtin in kith_bundle::views() {
        let mut guest = Guest::new(&engine, builtin.component);
        let fault = guest.fold(&batch()).expect_err("not configured");
        assert_eq!(field(&fault, "slot"), Val::U32(u32::MAX));
        assert!(result(guest.call("configure", &[text(r#"{"no":1}"#)])).is_err());
        assert_eq!(result(guest.call("configure", &[text("{}")])), Ok(None));
        assert!(guest.fold(b"not a batch").is_err());
        let mut unknown_kind = batch();
        let kind = unknown_kind.len() - 8;
        unknown_kind[kind] = 9;
        let fault = guest.fold(&unknown_kind).expect_err("a kind that is not routed");
        assert_eq!(field(&fault, "slot"), Val::U32(0));
        assert_eq!(field(&fault, "event"), Val::Option(Some(Box::new(Val::U64(7)))));
    }
}

#[test]
fn components_are_small_and_name_no_folder_of_this_machine() {
    let here = env!("CARGO_MANIFEST_DIR").as_bytes();
    let root = &here[..here.len() - "/plugins/bundle".len()];
    for builtin in kith_bundle::views() {
        assert!(builtin.component.len() < 100_000, "{}: {}", builtin.name, builtin.component.len());
        assert!(!builtin.component.windows(root.len()).any(|part| part == root), "{}", builtin.name);
    }
}
