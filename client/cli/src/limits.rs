//! Every limit of the command line, in one place.

use std::time::Duration;

/// Bytes of a file with a token that are read; one that is longer holds none.
pub(crate) const TOKEN_FILE_BYTES_MAX: u64 = 4_096;
/// Bytes of a file with a proof that are read: more than any proof has.
pub(crate) const PROOF_FILE_BYTES_MAX: u64 = 1024 * 1024;
/// Attempts at a call: somebody waits for it.
pub(crate) const CALL_ATTEMPTS_MAX: u32 = 4;
/// Attempts in a row of an import: a server that starts again is worth waiting for, about ten seconds.
pub(crate) const UPLOAD_ATTEMPTS_MAX: u32 = 10;
/// Batches of an import that wait between the thread that prepares them and the connection.
pub(crate) const BATCHES_WAITING_MAX: usize = 8;
/// How long an answer is waited for without a word.
pub(crate) const ANSWER_SILENT_MAX: Duration = Duration::from_secs(4);
/// How long another process that has a replica is waited for without a word.
pub(crate) const FILE_SILENT_MAX: Duration = Duration::from_secs(1);
/// Merges in a row that are followed from one id.
pub(crate) const MERGES_FOLLOWED_MAX: usize = 64;
/// Rows of a table unless more are asked for.
pub(crate) const TABLE_ROWS_DEFAULT: u32 = 50;
/// Columns of text are not made narrower than this.
pub(crate) const SHORTENED_WIDTH_MIN: usize = 16;
/// A terminal that says that it is narrower does not know.
pub(crate) const TERMINAL_WIDTH_MIN: usize = 20;
/// Candidates that an ambiguous name lists.
pub(crate) const CANDIDATES_TOLD_MAX: usize = 10;
/// Pairs of people who may be one that are named in one remark.
pub(crate) const LOOKALIKES_TOLD_MAX: usize = 3;
/// Refusals of an import that are told to people one by one.
pub(crate) const REFUSALS_TOLD_MAX: usize = 20;
/// Keys at fault that a check of a plugin shows.
pub(crate) const CHECK_FAULTS_TOLD_MAX: usize = 10;
/// Keys at fault that a try of a plugin shows.
pub(crate) const TRY_FAULTS_TOLD_MAX: usize = 5;
/// Rows that are not as they should be that a case of a plugin shows.
pub(crate) const DIFFERENCES_TOLD_MAX: usize = 10;
