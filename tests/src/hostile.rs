//! Plugins that misbehave.

use std::sync::LazyLock;

/// A plugin that misbehaves as its settings say.
pub static HOSTILE: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let text = include_str!("../../server/views/src/tests/hostile.wat");
    wat::parse_str(text).expect("it is WebAssembly text")
});

/// A plugin that returns 1,000 rows of 16 kB for every key.
pub static FAT: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let text = include_str!("../../server/views/src/tests/fat.wat");
    wat::parse_str(text).expect("it is WebAssembly text")
});

/// The ways in which [`HOSTILE`] fails on an entry with an attribute, each the name of a setting: it traps, loops,
/// allocates memory, faults, returns too large a state, no states, recurses endlessly, returns 2 GiB, or returns data
/// outside its memory.
pub const WAYS: [&str; 9] = ["t", "l", "g", "f", "s", "b", "d", "h", "o"];

/// A report on `strength` whose computation never ends.
pub static ENDLESS_REPORT: LazyLock<Vec<u8>> =
    LazyLock::new(|| wat::parse_str(ENDLESS_REPORT_TEXT).expect("it is WebAssembly text"));

const ENDLESS_REPORT_TEXT: &str = include_str!("endless_report.wat");
/// What it does for ever.
const ENDLESS_LOOP: &str = "(loop $for_ever (br $for_ever)) (unreachable)";

/// A report on `strength` that asks for 250 MiB of memory more than it has.
pub fn growing_report() -> Vec<u8> {
    let grow = "(drop (memory.grow (i32.const 4000))) (unreachable)";
    let text = ENDLESS_REPORT_TEXT.replace("\"loops\"", "\"grows\"").replace(ENDLESS_LOOP, grow);
    wat::parse_str(text).expect("it is WebAssembly text")
}

/// A report without rows, on the column `count` of the view `breaking`: a view of [`HOSTILE`]. It remarks the same text
/// several times.
pub fn remarking_report(remark: &str, times: usize) -> Vec<u8> {
    /// Where the pieces of the answer lie.
    const ANSWER: usize = 1_024;
    const LIST: usize = 1_100;
    const TEXT: usize = 2_048;
    let (mut answer, mut list) = (vec![0; 20], String::new());
    answer[12..16].copy_from_slice(&u32_bytes(LIST));
    answer[16..].copy_from_slice(&u32_bytes(times));
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("\\{byte:02x}")).collect::<Vec<_>>().concat();
    for _ in 0..times {
        list.push_str(&hex(&[u32_bytes(TEXT), u32_bytes(remark.len())].concat()));
    }
    let data = format!(
        r#"(data (i32.const {ANSWER}) "{}") (data (i32.const {LIST}) "{list}") (data (i32.const {TEXT}) "{}")"#,
        hex(&answer),
        hex(remark.as_bytes())
    );
    let text = ENDLESS_REPORT_TEXT
        .replace("\"loops\"", "\"notes\"")
        .replace("\"strength\"", "\"breaking\"")
        .replace("\"score\"", "\"count\"")
        .replace(ENDLESS_LOOP, &format!("(i32.const {ANSWER})"))
        .replace("(global $free ", &format!("{data} (global $free "));
    wat::parse_str(text).expect("it is WebAssembly text")
}

fn u32_bytes(number: usize) -> [u8; 4] {
    u32::try_from(number).expect("it is small").to_le_bytes()
}
