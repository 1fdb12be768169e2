//! All limits of the command line.

use std::time::Duration;

/// Maximum size of a token file in bytes; a longer file does not contain a token.
pub(crate) const TOKEN_FILE_BYTES_MAX: u64 = 4_096;
/// Maximum size of a file of certificates, or of a key, in bytes: the system's list of authorities has 200 KiB.
pub(crate) const PEM_FILE_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// Maximum size of a proof file in bytes: more than any proof needs.
pub(crate) const PROOF_FILE_BYTES_MAX: u64 = 1024 * 1024;
/// Attempts at a call: somebody is waiting for it.
pub(crate) const CALL_ATTEMPTS_MAX: u32 = 4;
/// Consecutive attempts of an import, about ten seconds: enough for a server to restart.
pub(crate) const UPLOAD_ATTEMPTS_MAX: u32 = 10;
/// Consecutive attempts to import people while others change the directory: each reads it anew.
pub(crate) const MATCHES_ATTEMPTED_MAX: u32 = 5;
/// Prepared batches of an import that wait for the connection.
pub(crate) const BATCHES_WAITING_MAX: usize = 8;
/// How long to wait for an answer in silence.
pub(crate) const ANSWER_SILENT_MAX: Duration = Duration::from_secs(4);
/// How long to wait for a program that opens a browser.
pub(crate) const BROWSER_START_MAX: Duration = Duration::from_secs(2);
/// How long to wait in silence for another process that has the replica.
pub(crate) const FILE_SILENT_MAX: Duration = Duration::from_secs(1);
/// Consecutive merges that are followed from one id.
pub(crate) const MERGES_FOLLOWED_MAX: usize = 64;
/// Rows of a table by default.
pub(crate) const TABLE_ROWS_DEFAULT: u32 = 50;
/// Text columns are not made narrower than this.
pub(crate) const SHORTENED_WIDTH_MIN: usize = 16;
/// A smaller width reported by a terminal is ignored.
pub(crate) const TERMINAL_WIDTH_MIN: usize = 20;
/// Candidates listed for an ambiguous name.
pub(crate) const CANDIDATES_TOLD_MAX: usize = 10;
/// Pairs of possible duplicates named in one remark.
pub(crate) const LOOKALIKES_TOLD_MAX: usize = 3;
/// Refusals of an import that are printed individually.
pub(crate) const REFUSALS_TOLD_MAX: usize = 20;
/// Records of an import that its preview shows.
pub(crate) const RECORDS_PREVIEWED_MAX: usize = 10;
/// Organisations, and people, that the preview of an import names.
pub(crate) const PREVIEWED_TOLD_MAX: usize = 10;
/// Columns of a terminal that a name out of a file takes in a preview.
pub(crate) const NAME_SHOWN_MAX: usize = 60;
/// Failing keys shown by a check of a plugin.
pub(crate) const CHECK_FAULTS_TOLD_MAX: usize = 10;
/// Failing keys shown by a trial of a plugin.
pub(crate) const TRY_FAULTS_TOLD_MAX: usize = 5;
/// Differing rows shown for a test case of a plugin.
pub(crate) const DIFFERENCES_TOLD_MAX: usize = 10;
/// People, pairs and runs of positions of a bundle of evidence that are kept in memory, and listed in JSON.
pub(crate) const EVIDENCE_KEPT_MAX: usize = 1_000;
/// Those that are named in sentences.
pub(crate) const EVIDENCE_TOLD_MAX: usize = 10;
