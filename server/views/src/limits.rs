//! Every limit of the plugin host, in one place.

use std::time::Duration;

/// Bytes of a component.
pub const COMPONENT_BYTES_MAX: usize = kith_core::limits::COMPONENT_BYTES_MAX;
// Bounds on the shape of a component: each at least twice what the largest component of Rust, Python or JavaScript has
// that the toolkit makes, which is named.

/// Functions of a component. Python: 13,484.
pub const FUNCTIONS_MAX: u64 = 30_000;
/// Bytes of one function. Python: 426,843.
pub const FUNCTION_BYTES_MAX: u64 = 1_000_000;
/// Parameters and locals of one function. Python: 273.
pub const LOCALS_MAX: u64 = 1_000;
/// Blocks within each other in one function. Python: 782.
pub const NESTING_MAX: u64 = 2_000;
/// Locals times loops of one function: what a compiler carries into loops grows with it. JavaScript: 30,012.
pub const LOOP_LOCALS_MAX: u64 = 64_000;
/// Locals times blocks of one function. JavaScript: 463,736.
pub const BLOCK_LOCALS_MAX: u64 = 1_000_000;
/// Values that the branches and blocks of one function carry. JavaScript: 1,435.
pub const BRANCH_VALUES_MAX: u64 = 4_000;
/// Locals times loops, over all functions. JavaScript: 267,360.
pub const LOOP_LOCALS_TOTAL_MAX: u64 = 600_000;
/// Locals times blocks, over all functions. JavaScript: 7,307,674.
pub const BLOCK_LOCALS_TOTAL_MAX: u64 = 15_000_000;
/// Core modules of a component. Python: 38.
pub const MODULES_MAX: u64 = 80;
/// Instances of core modules that one instance of a component makes. Python: 38.
pub const CORE_INSTANCES_MAX: u32 = 80;
/// Tables of a component. Python: 2.
pub const TABLES_MAX: u32 = 8;
/// Functions in one table of a component.
pub(crate) const TABLE_ELEMENTS_MAX: usize = 65_536;
/// Components within each other. All three: 2.
pub const COMPONENT_DEPTH_MAX: u64 = 8;
/// Instances of components within a component. Python: 2.
pub const COMPONENT_INSTANCES_MAX: u64 = 64;
/// Functions between a component and what is around it. Python: 5.
pub const CANONICAL_FUNCTIONS_MAX: u64 = 256;
/// Bytes of memory of a process that compiles one component.
pub const COMPILE_MEMORY_BYTES_MAX: u64 = 768 * 1024 * 1024;
/// Bytes of the code of one component.
pub const CODE_BYTES_MAX: u64 = 128 * 1024 * 1024;
/// Bytes of one key's state.
pub const STATE_BYTES_MAX: usize = 64 * 1024;
/// Bytes of one row, its values and evidence together.
pub const ROW_BYTES_MAX: usize = 16 * 1024;
/// Rows of one key.
pub const KEY_ROWS_MAX: usize = 1_000;
/// Events in one call of a plugin.
pub const CALL_EVENTS_MAX: usize = 1_024;
/// Bytes handed over in one call of a plugin, the first key apart.
pub const CALL_BYTES_MAX: usize = 256 * 1024;
/// Keys read in one call of a plugin.
pub const CALL_KEYS_MAX: usize = 1_024;
/// Bytes that one call of a view's plugin may hand back, rows of a single key apart; the state of one key fits.
pub const CALL_RESULT_BYTES: usize = 256 * 1024;
/// Bytes that a call for the rows of a single key may hand back: 1,000 of 16 KiB fit.
pub const CALL_RESULT_BYTES_MAX: usize = 32 * 1024 * 1024;
/// Bytes that a plugin may hand back when it is asked what it is, or is configured.
pub const DESCRIBE_BYTES_MAX: usize = 1024 * 1024;
/// Keys that are worked on between two hand-ons.
pub const KEYS_AT_ONCE: usize = 256;
/// Bytes of their states, as they are before, from which on no more keys are taken to them.
pub const STATES_AT_ONCE_BYTES: usize = 64 * 1024;
/// Bytes of states and rows that a view which follows holds between two hand-ons, unless it has the large part.
pub const FOLLOWING_WORK_BYTES: usize = 256 * 1024;
/// Bytes that the one view which has the large part may hold: 256 states of 64 KiB twice, and the rows of one key.
pub const FOLLOWING_LARGE_WORK_BYTES: usize = 65 * 1024 * 1024;
/// Bytes of rows that a question, a report or a comparison holds, unless it has the large part.
pub const ASKING_WORK_BYTES: usize = 8 * 1024 * 1024;
/// Bytes that the one that has the large part may hold.
pub const ASKING_LARGE_WORK_BYTES: usize = 224 * 1024 * 1024;
/// Entries of keys that are folded anew together.
pub const ANEW_ENTRIES_AT_ONCE: usize = 2_048;
/// Entries that are read at once when a key is folded anew.
pub(crate) const ANEW_READ_ENTRIES: usize = 1_024;
/// Bytes of the entries of all batches that views take in at a time, beyond the least that each has. What is made of them
/// takes about twice as much again.
pub const BATCHES_BYTES_MAX: usize = 24 * 1024 * 1024;
/// Bytes of entries that one transaction of a view may have however many views are at work.
pub const BATCH_BYTES_MIN: usize = 64 * 1024;
/// Entries in one transaction of a view.
pub const BATCH_ENTRIES_MAX: usize = 8_192;
/// Bytes of entries in one transaction of a view.
pub const BATCH_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Events in one transaction of a view, an entry counted for each key it comes under; the first entry apart.
pub const BATCH_EVENTS_MAX: usize = 64 * 1_024;
/// Transactions of a view between two that reach the disk.
pub const BATCHES_PER_SYNC_MAX: u32 = 16;
/// The longest that an entry waits for the log to be quiet.
pub(crate) const GATHER_WAIT_MAX: Duration = Duration::from_secs(1);
/// The longest that a view waits for its turn. One that has much to do, or a plugin that is slow, does not hold up others.
pub(crate) const TURN_WAIT_MAX: Duration = Duration::from_secs(1);
/// The longest pause of a view after a failure that may pass.
pub(crate) const FAILURE_PAUSE_MAX: Duration = Duration::from_mins(1);
/// Fuel of one call, roughly one unit an instruction; the same for every call, so that batches never decide.
pub const CALL_FUEL_MAX: u64 = 400_000_000;
/// Wall-clock limit of one call, in epochs.
pub const CALL_EPOCHS_MAX: u64 = 20;
/// Small steps of a computation after which it looks whether somebody still waits for it.
pub const STEPS_PER_CHECK: usize = 1_024;
/// Milliseconds of one epoch.
pub const EPOCH_MS: u64 = 100;
/// Fuel of one computation of a report.
pub const REPORT_FUEL_MAX: u64 = 20_000_000_000;
/// Wall-clock limit of one computation of a report, in epochs.
pub const REPORT_EPOCHS_MAX: u64 = 300;
/// Rows of a report.
pub const REPORT_ROWS_MAX: usize = 100_000;
/// Rows that one row of a report names as evidence.
pub const REPORT_EVIDENCE_MAX: usize = 1_000;
/// Views that a report is computed from.
pub const REPORT_INPUTS_MAX: usize = 8;
/// Bytes of a report's rows: 8 for each value and each row named as evidence, and the texts.
pub const REPORT_ROWS_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Bytes that a report may hand back as the sandbox counts them, at least those of the rows.
pub const REPORT_RESULT_BYTES_MAX: usize = 96 * 1024 * 1024;
/// The same for a report that does not have the large part.
pub const REPORT_RESULT_BYTES: usize = 2 * 1024 * 1024;
/// Bytes of a plugin's memory, unless configured otherwise.
pub const MEMORY_BYTES_DEFAULT: usize = 64 * 1024 * 1024;
/// Bytes of a plugin's memory that no configuration can exceed.
pub const MEMORY_BYTES_MAX: usize = 256 * 1024 * 1024;
/// Plugin instances that live at once, over all views and queries.
pub const INSTANCES_MAX: u32 = 256;
/// Instances of views that follow their networks: the others are there for questions and installations.
pub const FOLLOWING_INSTANCES_MAX: usize = 192;
/// Bytes of memory of all instances that follow, unless a single plugin may have more.
pub const FOLLOWING_BYTES_MAX: usize = 128 * 1024 * 1024;
/// Bytes of memory of all instances that answer or are installed, unless a single plugin may have more.
pub const ASKING_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Keys in quarantine at which a view stops.
pub const QUARANTINED_KEYS_MAX: usize = 100;
/// Share of the keys in quarantine at which a view stops: one in so many.
pub const QUARANTINED_SHARE_MAX: u64 = 100;
/// Keys from which on the share counts.
pub const QUARANTINED_SHARE_KEYS_MIN: u64 = 1_000;
/// Keys in quarantine at which a view stops wherever it is: it would only go on failing.
pub const QUARANTINED_KEYS_LAST: usize = 10_000;
/// Keys in quarantine that are told.
pub(crate) const QUARANTINED_TOLD_MAX: usize = 100;
/// Differences that a check of a plugin tells in full.
pub(crate) const DIFFERENCES_TOLD_MAX: usize = 20;
/// Bytes of a plugin's message that are kept.
pub const MESSAGE_BYTES_MAX: usize = 512;
/// Columns of a view.
pub const FIELDS_MAX: usize = 64;
/// Routes of a view.
pub const ROUTES_MAX: usize = 64;
/// Bytes of a view's or column's name.
pub const NAME_BYTES_MAX: usize = 64;
/// Bytes of a column's description.
pub const ABOUT_BYTES_MAX: usize = 1_024;
/// Bytes of a settings schema.
pub const SETTINGS_SCHEMA_BYTES_MAX: usize = 64 * 1024;
/// Rows in a page unless asked otherwise.
pub const PAGE_ROWS_DEFAULT: usize = 100;
/// Rows in a page.
pub const PAGE_ROWS_MAX: usize = 10_000;
/// Bytes of rows in a page, as they are sent at the most: it ends early, but has one row at least.
pub const PAGE_BYTES_MAX: usize = 3 * 1024 * 1024;
/// Moves that are kept while rows are compared, beyond those asked for.
pub(crate) const MOVES_KEPT: usize = 4_096;
/// Bytes of rows that whoever watches a view is told at once, as they are sent at the most; one row comes in any case.
pub const CHANGES_BYTES_MAX: usize = 256 * 1024;
/// Bytes of entries that one explanation gives.
pub const EVIDENCE_BYTES_MAX: usize = 2 * 1024 * 1024;
/// When to ask again a view that is being built.
pub const RETRY_BUILDING: Duration = Duration::from_millis(500);
/// When to ask again for a position that is not there yet.
pub const RETRY_LAGGING: Duration = Duration::from_millis(500);
/// Entries of a key, newest first, whose share is computed.
pub const SHARES_MAX: usize = 200;
/// Tables that are kept, of all views and reports: of views as of other days and positions, and of reports.
pub const TABLES_KEPT_MAX: usize = 256;
/// Bytes of those tables, of all together.
pub const TABLES_KEPT_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Bytes of a view's file, unless configured otherwise or the log is large.
pub const VIEW_FILE_BYTES_DEFAULT: u64 = 1024 * 1024 * 1024;
/// A view's file may have so many times the bytes of the log, if that is more.
pub const VIEW_FILE_LOG_FACTOR: u64 = 4;
/// Bytes that redb may use for the pages of all views, beyond the least that each has.
pub const STORE_CACHES_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Bytes that redb may use for a view's pages however many views there are.
pub const STORE_CACHE_BYTES_MIN: usize = 256 * 1024;
/// Bytes that redb may use for a view's pages where views are few, unless configured otherwise.
pub const STORE_CACHE_BYTES_DEFAULT: usize = 8 * 1024 * 1024;
