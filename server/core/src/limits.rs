//! Every limit of the event model and of a request, checked at the edge.

/// Bytes of one event.
pub const EVENT_BYTES_MAX: usize = 16 * 1024;
/// Events in one append.
pub const APPEND_EVENTS_MAX: usize = 1_000;
/// Bytes of one append, events and details together.
pub const APPEND_BYTES_MAX: usize = 1024 * 1024;
/// Events that led to one.
pub const CAUSED_BY_MAX: usize = 16;
/// Attributes of an event.
pub const ATTRIBUTES_MAX: usize = 32;
/// Bytes of an attribute's key.
pub const ATTRIBUTE_KEY_BYTES_MAX: usize = 64;
/// Bytes of an attribute's text.
pub const ATTRIBUTE_TEXT_BYTES_MAX: usize = 256;
/// Details of an event.
pub const DETAILS_MAX: usize = 8;
/// Bytes of a detail's text.
pub const DETAIL_TEXT_BYTES_MAX: usize = 4_096;
/// People in an event, and subjects of a detail.
pub const PEOPLE_MAX: usize = 64;
/// People that somebody follows up with or asks, in one event.
pub const OTHERS_MAX: usize = 63;
/// Bytes of a person's id.
pub const PERSON_ID_BYTES_MAX: usize = 64;
/// Bytes of an organisation's id.
pub const ORGANISATION_ID_BYTES_MAX: usize = 64;
/// Bytes of an organisation's name.
pub const ORGANISATION_NAME_BYTES_MAX: usize = 128;
/// Bytes of a person's role.
pub const PERSON_ROLE_BYTES_MAX: usize = 32;
/// Bytes of a network's name.
pub const NETWORK_NAME_BYTES_MAX: usize = 64;
/// Bytes of a category.
pub const CATEGORY_BYTES_MAX: usize = 32;
/// Bytes of a custom event's type.
pub const CUSTOM_TYPE_BYTES_MAX: usize = 64;
/// Bytes of free text in an administration event, except a plugin's settings.
pub const ADMINISTRATION_TEXT_BYTES_MAX: usize = 256;
/// Bytes of a plugin's settings in an event.
pub const SETTINGS_BYTES_MAX: usize = 8 * 1024;
/// Plugins of the network itself, not counting built-in views.
pub const PLUGINS_MAX: usize = 64;
/// Plugins of one organisation in a network; they do not count among the network's.
pub const ORGANISATION_PLUGINS_MAX: usize = 16;
/// Versions of one plugin that are kept; beyond that the oldest that no rollback needs is removed.
pub const PLUGIN_VERSIONS_MAX: usize = 8;
/// Bytes of a plugin's component.
pub const COMPONENT_BYTES_MAX: usize = 32 * 1024 * 1024;
/// Tokens of an organisation, or of none, that are open at the same time.
pub const TOKENS_OPEN_MAX: usize = 10_000;
/// Open feeds of one person.
pub const FEEDS_OPEN_MAX: usize = 16;
/// Open webhooks of one network.
pub const WEBHOOKS_OPEN_MAX: usize = 64;
/// Bytes of an attribute of text in a network that demands tokens.
pub const TOKEN_ATTRIBUTE_BYTES_MAX: usize = 64;
/// Bytes of the URI that a service signs in with.
pub const CERTIFICATE_URI_BYTES_MAX: usize = 256;
/// Days after which a replica that has not synced may be told to show no words.
pub const POLICY_REPLICA_DAYS_MAX: u32 = 3_650;
/// Holds of one person.
pub const HOLDS_MAX: usize = 64;
/// Entries in one list of a filter.
pub const FILTER_KINDS_MAX: usize = 32;
/// People in a filter.
pub const FILTER_PEOPLE_MAX: usize = 64;
/// Organisations in a filter.
pub const FILTER_ORGANISATIONS_MAX: usize = 64;
/// Entries in one answer of a read.
pub const READ_ENTRIES_MAX: u32 = 10_000;
/// Entries in one answer of a read without a limit.
pub const READ_ENTRIES_DEFAULT: u32 = 1_000;
/// Entries in one answer of a read that also returns hashes for omitted entries: up to 40 of 42 bytes for each gap.
pub const READ_ENTRIES_WITH_LEFT_OUT_MAX: u32 = 1_000;
/// Rows, people or organisations in one page.
pub const PAGE_ROWS_MAX: u32 = 10_000;
/// Milliseconds that an event may be in the future, unless configured otherwise: another clock may be a little fast.
pub const FUTURE_MS_MAX_DEFAULT: i64 = 60_000;
/// Milliseconds that a clock may be behind a log's last entry before it is reported: smaller clock corrections are
/// routine.
pub const CLOCK_BEHIND_MS_MAX: i64 = 60_000;
/// Bytes of an event's salt.
pub const EVENT_SALT_BYTES: usize = 16;
/// Bytes of a detail's salt.
pub const DETAIL_SALT_BYTES: usize = 32;
/// Bytes of an Ed25519 signature.
pub const SIGNATURE_BYTES: usize = 64;
/// Bytes of the name of a log in its checkpoints.
pub(crate) const ORIGIN_BYTES_MAX: usize = 256;
/// Maximum bytes of a signed note that is read: room for more than 16 signatures of the largest kind in use.
pub const NOTE_BYTES_MAX: usize = 128 * 1024;
/// Maximum bytes of a receipt that is read: a note, an entry in base64, and the longest proof.
pub(crate) const RECEIPT_BYTES_MAX: usize = NOTE_BYTES_MAX + 4 * EVENT_BYTES_MAX;
/// Maximum bytes of a growth that is read: a note and the longest proof.
pub(crate) const GROWTH_BYTES_MAX: usize = NOTE_BYTES_MAX + 8 * 1024;
/// Ids of people that a bundle of evidence can be about: of two people, with all that were merged into them.
pub const EVIDENCE_IDS_MAX: usize = 256;
/// Bytes of a line of a bundle of evidence: a note, or an entry with its details, in base64.
pub const EVIDENCE_LINE_BYTES_MAX: usize = 512 * 1024;
/// Entries to come that a bundle of evidence can name as those that erase its details, at any moment of its
/// verification.
pub(crate) const EVIDENCE_ERASURES_MAX: usize = 100_000;
/// Leaves that a decoded or received tree may claim to have: half of what a `u64` counts, so that no sum of a claimed
/// size and real leaves overflows.
pub const TREE_SIZE_MAX: u64 = 1 << 63;
/// Hashes of a tree that are read at once for a proof.
pub(crate) const READ_HASHES_MAX: u64 = 4_096;
