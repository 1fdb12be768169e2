//! All limits of reading lists.

use kith_core::timestamp::Timestamp;

/// Rows of a list that show what separates its columns.
pub(crate) const ROWS_SAMPLED_MAX: usize = 1_000;
/// The least number of rows and columns of what is taken for a matrix.
pub(crate) const MATRIX_SIZE_MIN: usize = 3;
/// Rows with digits in their ids after which a first row without one is a heading.
pub(crate) const NUMBERED_ROWS_MIN: usize = 2;
/// Without a time zero, numbers that mean earlier times (1980-01-01) rather count from something else than 1970.
pub(crate) const UNIX_TIME_MIN: Timestamp = Timestamp::from_millis(315_532_800_000);
/// Letters of a cell that a refusal quotes.
pub(crate) const QUOTED_LETTERS_MAX: usize = 40;
/// New organisations with one person each that a list may have before they could be names taken for organisations.
pub(crate) const LONE_ORGANISATIONS_MAX: usize = 9;

/// Bytes of a file of contacts, unpacked: phones put photos into their exports.
pub const CONTACTS_FILE_BYTES_MAX: usize = 256 * 1024 * 1024;
/// Records of a file of contacts.
pub(crate) const CARDS_MAX: usize = 200_000;
/// Bytes of a card without photos, sounds and keys, and of a row of a table.
pub(crate) const CARD_BYTES_MAX: usize = 256 * 1024;
/// Bytes of a property of a card that could be taken, and of a cell.
pub(crate) const PROPERTY_BYTES_MAX: usize = 64 * 1024;
/// Properties of a card, columns of a table, and values of a record or of several that are joined.
pub(crate) const PROPERTIES_MAX: usize = 1_000;
/// Rows of a table among which its header is looked for.
pub(crate) const HEADER_ROWS_MAX: usize = 20;
/// Quotes without an end after which a table is not read on: the rest is read again after each.
pub(crate) const OPEN_QUOTES_MAX: usize = 16;
/// Bytes of an e-mail address (RFC 5321, 4.5.3.1).
pub(crate) const EMAIL_BYTES_MAX: usize = 254;
/// Bytes of a link that is taken.
pub(crate) const LINK_BYTES_MAX: usize = 2_000;
/// Digits of the longest telephone number (E.164).
pub(crate) const PHONE_DIGITS_MAX: usize = 15;
/// Digits of the shortest telephone number that is taken.
pub(crate) const PHONE_DIGITS_MIN: usize = 3;
/// Digits of the shortest telephone number that tells people apart.
pub(crate) const PHONE_KEY_DIGITS_MIN: usize = 7;
/// People whom a record may be, of those that are told.
pub(crate) const CANDIDATES_MAX: usize = 16;
/// Letters of the beginnings of words by which names are taken for forms of one: Ada and A., Jürgen and Juergen.
pub(crate) const NAME_LETTERS_MAX: usize = 2;

/// Bytes of a calendar, unpacked.
pub const CALENDAR_FILE_BYTES_MAX: usize = 256 * 1024 * 1024;
/// Events of a calendar.
pub(crate) const CALENDAR_EVENTS_MAX: usize = 200_000;
/// Dates of a series: a meeting of every day for 27 years.
pub(crate) const INSTANCES_MAX: usize = 10_000;
/// Dates of all series of a calendar together: each is held in memory until it is recorded.
pub(crate) const CALENDAR_INSTANCES_MAX: usize = 1_000_000;
/// Times at which an event may repeat in a day.
pub(crate) const REPEATS_A_DAY_MAX: usize = 24;
/// The most people of the network that a meeting has by default: with more, not everybody meets everybody.
pub const MEETING_PEOPLE_DEFAULT: usize = 20;

/// Messages of a mailbox: each that is a follow-up is held in memory until it is recorded.
pub(crate) const MAILS_MAX: u64 = 1_000_000;
/// Bytes of a line of a header.
pub(crate) const HEADER_BYTES_MAX: usize = 64 * 1024;
/// Bytes of the headers of a message that are kept.
pub(crate) const HEADERS_BYTES_MAX: usize = 256 * 1024;
/// Bytes of the id of a message: a line of a header has no more (RFC 5322, 2.1.1).
pub(crate) const MESSAGE_ID_BYTES_MAX: usize = 998;
/// The most recipients of a message that is a follow-up: mail to more people is for nobody in particular.
pub(crate) const MAIL_RECIPIENTS_MAX: usize = 20;
