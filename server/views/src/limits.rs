//! Every limit of the plugin host, in one place.

use std::time::Duration;

/// Bytes of a component.
pub const COMPONENT_BYTES_MAX: usize = kith_core::limits::COMPONENT_BYTES_MAX;
// Bounds on the shape of a component: each is at least twice the value of the largest Rust, Python or JavaScript
// component that the toolkit makes, which is given.

/// Functions of a component. Python: 13,484.
pub const FUNCTIONS_MAX: u64 = 30_000;
/// Bytes of one function. Python: 426,843.
pub const FUNCTION_BYTES_MAX: u64 = 1_000_000;
/// Parameters and locals of one function. Python: 273.
pub const LOCALS_MAX: u64 = 1_000;
/// Nested blocks in one function. Python: 782.
pub const NESTING_MAX: u64 = 2_000;
/// Locals times loops of one function: what a compiler carries into loops grows with this. JavaScript: 30,012.
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
/// Nested components. All three: 2.
pub const COMPONENT_DEPTH_MAX: u64 = 8;
/// Instances of components within a component. Python: 2.
pub const COMPONENT_INSTANCES_MAX: u64 = 64;
/// Functions lifted or lowered between a component and its surroundings. Python: 5.
pub const CANONICAL_FUNCTIONS_MAX: u64 = 256;
/// Bytes of address space of a process that compiles one component. Python and JavaScript take 725 MiB, of which half
/// is in memory.
pub const COMPILE_MEMORY_BYTES_MAX: u64 = 1024 * 1024 * 1024;
/// Bytes of the code of one component.
pub const CODE_BYTES_MAX: u64 = 128 * 1024 * 1024;
/// Bytes of the file of compiled functions at which it is begun anew.
pub(crate) const FUNCTIONS_FILE_BYTES_MAX: u64 = 1024 * 1024 * 1024;
/// Bytes of the functions that one compilation adds to those of its author. All of a plugin in Python take 45 MiB, in JavaScript 33.
pub const PACK_BYTES_MAX: usize = 96 * 1024 * 1024;
/// Bytes of one author's compiled functions: those of a plugin in Python and of one in JavaScript fit. A compiling process
/// holds them in memory.
pub const AUTHOR_PACKS_BYTES_MAX: u64 = 160 * 1024 * 1024;
/// Packs of one author's compiled functions.
pub const AUTHOR_PACKS_MAX: usize = 64;
/// Bytes of all authors' compiled functions.
pub const PACKS_BYTES_MAX: u64 = 1024 * 1024 * 1024;
/// Packs of all authors' compiled functions.
pub const PACKS_MAX: usize = 4_096;
/// Bytes of such a pack that are in memory at once on their way to or from a compiling process.
pub const PACK_PIECE_BYTES: u64 = 256 * 1024;
/// Bytes of one key's state.
pub const STATE_BYTES_MAX: usize = 64 * 1024;
/// Bytes of one row, its values and evidence together.
pub const ROW_BYTES_MAX: usize = 16 * 1024;
/// Rows of one key.
pub const KEY_ROWS_MAX: usize = 1_000;
/// Events in one call of a plugin.
pub const CALL_EVENTS_MAX: usize = 1_024;
/// Bytes passed to one call of a plugin, not counting the first key.
pub const CALL_BYTES_MAX: usize = 256 * 1024;
/// Keys read in one call of a plugin.
pub const CALL_KEYS_MAX: usize = 1_024;
/// Bytes that one call of a view's plugin may return, except for the rows of a single key; the state of one key fits.
pub const CALL_RESULT_BYTES: usize = 256 * 1024;
/// Bytes that a call for the rows of a single key may return: 1,000 of 16 KiB fit.
pub const CALL_RESULT_BYTES_MAX: usize = 32 * 1024 * 1024;
/// Bytes that a plugin may return as its manifest, or when it is configured.
pub const DESCRIBE_BYTES_MAX: usize = 1024 * 1024;
/// Keys that are processed at once before their results are handed on.
pub const KEYS_AT_ONCE: usize = 256;
/// Bytes of the states of these keys, before folding, at which no more keys are added.
pub const STATES_AT_ONCE_BYTES: usize = 64 * 1024;
/// Bytes of states and rows that a following view holds before it hands them on, unless it has the large part.
pub const FOLLOWING_WORK_BYTES: usize = 256 * 1024;
/// Bytes that the view with the large part may hold: 256 states of 64 KiB twice, and the rows of one key.
pub const FOLLOWING_LARGE_WORK_BYTES: usize = 65 * 1024 * 1024;
/// Bytes of rows that a question, a report or a comparison holds, unless it has the large part.
pub const ASKING_WORK_BYTES: usize = 8 * 1024 * 1024;
/// Bytes that the one with the large part may hold.
pub const ASKING_LARGE_WORK_BYTES: usize = 224 * 1024 * 1024;
/// Entries of keys that are folded again together.
pub const ANEW_ENTRIES_AT_ONCE: usize = 2_048;
/// Entries that are read at once when a key is folded again.
pub(crate) const ANEW_READ_ENTRIES: usize = 1_024;
/// Bytes of the entries of all batches that views process at a time, beyond the minimum of each. What is derived from
/// them takes about twice as much in addition.
pub const BATCHES_BYTES_MAX: usize = 24 * 1024 * 1024;
/// Bytes of memory in which all views together process more than one batch in a transaction while they are far behind.
pub const RUNS_BYTES_DEFAULT: usize = 192 * 1024 * 1024;
/// The same for the views of a replica.
pub const RUNS_BYTES_REPLICA: usize = 32 * 1024 * 1024;
/// Bytes of the entries of one batch of a view, however many views are working.
pub const BATCH_BYTES_MIN: usize = 64 * 1024;
/// Entries in one batch of a view.
pub const BATCH_ENTRIES_MAX: usize = 8_192;
/// Bytes of entries in one batch of a view.
pub const BATCH_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Events in one batch of a view, counting an entry once for each of its keys; the first entry may exceed it.
pub const BATCH_EVENTS_MAX: usize = 64 * 1_024;
/// Batches of a view between two transactions that are synced to disk.
pub const BATCHES_PER_SYNC_MAX: u32 = 16;
/// The longest that an entry waits for the log to be quiet.
pub(crate) const GATHER_WAIT_MAX: Duration = Duration::from_secs(1);
/// How long others wait for the turn of a view: longer than a batch of any view takes on a busy computer, and short enough
/// that a slow plugin does not hold up others.
pub(crate) const TURN_MAX: Duration = Duration::from_secs(5);
/// How often a view that waits for its turn looks whether somebody needs it sooner.
pub(crate) const TURN_LOOK: Duration = Duration::from_millis(50);
/// The longest that a view that is being built waits for memory for a run, before it processes a single batch.
pub(crate) const RUN_WAIT_MAX: Duration = Duration::from_secs(5);
/// Batches that it processes after having waited in vain, before it waits again.
pub(crate) const RUN_WAIT_BATCHES: u32 = 16;
/// The longest that a run takes; after a longer one, as of a slow plugin, the next has half as many batches.
pub(crate) const RUN_TIME_MAX: Duration = Duration::from_secs(30);
/// Keys whose rows as of the next day a view makes before it looks for new entries: some hundredths of a second.
pub(crate) const DAY_STEP_KEYS: usize = 4_096;
/// The longest pause of a view after a temporary failure.
pub(crate) const FAILURE_PAUSE_MAX: Duration = Duration::from_mins(1);
/// Fuel of one call, roughly one unit per instruction; the same for every call, so that batching makes no difference.
pub const CALL_FUEL_MAX: u64 = 400_000_000;
/// Wall-clock limit of one call, in epochs.
pub const CALL_EPOCHS_MAX: u64 = 20;
/// Small steps of a computation between two checks whether it was cancelled.
pub const STEPS_PER_CHECK: usize = 1_024;
/// Milliseconds of one epoch.
pub const EPOCH_MS: u64 = 100;
/// Fuel of one computation of a report.
pub const REPORT_FUEL_MAX: u64 = 20_000_000_000;
/// Wall-clock limit of one computation of a report, in epochs.
pub const REPORT_EPOCHS_MAX: u64 = 300;
/// Bytes of a report's memory by default. A report that needs more fails, and says so; nothing else depends on it.
pub const REPORT_MEMORY_BYTES_DEFAULT: usize = 160 * 1024 * 1024;
/// Bytes of the rows that are passed to a report, by default.
pub const REPORT_INPUT_BYTES_DEFAULT: usize = 96 * 1024 * 1024;
/// Bytes of the rows that are passed to a report that no configuration can exceed.
pub const REPORT_INPUT_BYTES_MAX: usize = 128 * 1024 * 1024;
/// Rows of a report.
pub const REPORT_ROWS_MAX: usize = 100_000;
/// Rows that one row of a report may name as evidence.
pub const REPORT_EVIDENCE_MAX: usize = 1_000;
/// Remarks of a report.
pub const REPORT_REMARKS_MAX: usize = 8;
/// Bytes of one of them.
pub const REPORT_REMARK_BYTES_MAX: usize = 300;
/// Views that a report may read.
pub const REPORT_INPUTS_MAX: usize = 8;
/// Bytes of a report's rows: 8 for each value and each row named as evidence, and the texts.
pub const REPORT_ROWS_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Bytes that a report may return as the sandbox counts them, which is at least the bytes of the rows.
pub const REPORT_RESULT_BYTES_MAX: usize = 96 * 1024 * 1024;
/// The same for a report that does not have the large part.
pub const REPORT_RESULT_BYTES: usize = 2 * 1024 * 1024;
/// Bytes of a plugin's memory by default.
pub const MEMORY_BYTES_DEFAULT: usize = 64 * 1024 * 1024;
/// Bytes of a plugin's memory that no configuration can exceed.
pub const MEMORY_BYTES_MAX: usize = 256 * 1024 * 1024;
/// Plugin instances that live at once, over all views and queries.
pub const INSTANCES_MAX: u32 = 256;
/// Instances of following views; the remaining ones are for questions and installations.
pub const FOLLOWING_INSTANCES_MAX: usize = 192;
/// Bytes of memory of all instances of following views, unless a single plugin may have more.
pub const FOLLOWING_BYTES_MAX: usize = 128 * 1024 * 1024;
/// Bytes of memory of all instances for questions and installations, unless a single plugin may have more.
pub const ASKING_BYTES_MAX: usize = 192 * 1024 * 1024;
/// Keys in quarantine at which a view stops.
pub const QUARANTINED_KEYS_MAX: usize = 100;
/// Share of the keys in quarantine at which a view stops: one in this many.
pub const QUARANTINED_SHARE_MAX: u64 = 100;
/// Number of keys from which the share applies.
pub const QUARANTINED_SHARE_KEYS_MIN: u64 = 1_000;
/// Keys in quarantine at which a view stops even before the head: it would only continue to fail.
pub const QUARANTINED_KEYS_LAST: usize = 10_000;
/// Keys in quarantine that are reported.
pub(crate) const QUARANTINED_TOLD_MAX: usize = 100;
/// Differences that a check of a plugin reports in full.
pub(crate) const DIFFERENCES_TOLD_MAX: usize = 20;
/// Keys that a plugin may fail on before a check of it stops.
pub(crate) const CHECK_FAILING_KEYS_MAX: usize = 8;
/// A state that would reach its limit after fewer events than this grows too fast.
pub const STATE_EVENTS_MIN: u64 = 5_000;
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
/// Rows in a page by default.
pub const PAGE_ROWS_DEFAULT: usize = 100;
/// Rows in a page.
pub const PAGE_ROWS_MAX: usize = 10_000;
/// The most bytes of rows in a page when sent: it may end early, but has at least one row.
pub const PAGE_BYTES_MAX: usize = 3 * 1024 * 1024;
/// Texts that rows may have one of in a column.
pub const ONLY_TEXTS_MAX: usize = 64;
/// Bytes of such a text, or of the column's name.
pub const ONLY_TEXT_BYTES_MAX: usize = 256;
/// Days of which a row is traced at once.
pub const TRACE_POINTS_MAX: usize = 400;
/// Days between two of them.
pub const TRACE_STEP_DAYS_MAX: u32 = 36_525;
/// Bytes of the rows of one trace, when sent.
pub const TRACE_BYTES_MAX: usize = 2 * 1024 * 1024;
/// Moves that are kept while rows are compared, beyond those asked for.
pub(crate) const MOVES_KEPT: usize = 4_096;
/// The most bytes of rows that a watcher of a view receives at once, when sent; at least one row is sent.
pub const CHANGES_BYTES_MAX: usize = 256 * 1024;
/// Bytes of entries in one explanation.
pub const EVIDENCE_BYTES_MAX: usize = 2 * 1024 * 1024;
/// When to query a view again that is being built.
pub const RETRY_BUILDING: Duration = Duration::from_millis(500);
/// When to ask again for a position that has not been reached yet.
pub const RETRY_LAGGING: Duration = Duration::from_millis(500);
/// Entries of a key, newest first, whose share is computed.
pub const SHARES_MAX: usize = 200;
/// Cached tables of all views and reports: of views as of other days and positions, and of reports.
pub const TABLES_KEPT_MAX: usize = 256;
/// Bytes of all these tables together.
pub const TABLES_KEPT_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Bytes of a view's file by default, unless the log is large.
pub const VIEW_FILE_BYTES_DEFAULT: u64 = 1024 * 1024 * 1024;
/// A view's file may be this many times as large as the log, if that is more.
pub const VIEW_FILE_LOG_FACTOR: u64 = 4;
/// Bytes that redb may use for the pages of all views, beyond the minimum of each.
pub const STORE_CACHES_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Bytes that redb may use for a view's pages, however many views there are.
pub const STORE_CACHE_BYTES_MIN: usize = 256 * 1024;
/// Bytes that redb may use by default for a view's pages while there are few views.
pub const STORE_CACHE_BYTES_DEFAULT: usize = 8 * 1024 * 1024;
