//! Which calls are compared in two worlds, and which are not: every call of `kith.v1` is in one of the lists.

/// Calls whose answers must be the same in two worlds that differ only in what the caller must not see. The suite makes
/// each of them.
pub const COMPARED: [&str; 28] = [
    "Append",
    "AppendStream",
    "CertifyView",
    "DiffPlugin",
    "DigestView",
    "ErasePerson",
    "ExplainRow",
    "Export",
    "FetchComponent",
    "GetCheckpoint",
    "GetConsistencyProof",
    "GetErasure",
    "GetInclusionProof",
    "GetPerson",
    "Head",
    "ListHolds",
    "ListNetworks",
    "ListOrganisations",
    "ListPeople",
    "ListPlugins",
    "ListTokens",
    "ListViews",
    "QueryView",
    "Read",
    "Subscribe",
    "TraceRow",
    "WatchView",
    "WhoAmI",
];

/// Calls that are not compared, and why.
pub const APART: [(&str, &str); 15] = [
    ("ActivatePlugin", "changes a plugin and answers with the position of that change"),
    ("Backup", "gives whole networks to the server's owner alone"),
    ("ChangeHold", "sets or lifts a hold and answers with the position of that change"),
    ("CreateNetwork", "makes an empty network"),
    ("EraseDetails", "erases details of an event that the caller may see; others are unknown to it as in every call"),
    ("GetStatus", "tells the server's owner alone, of networks nothing but names and heads"),
    ("InstallPlugin", "takes a plugin in; what it answers is what `ListPlugins` says of it"),
    ("IssueToken", "makes a token and answers with it"),
    ("OpenConsole", "makes a random code for the caller's own token"),
    ("PausePlugin", "changes a plugin and answers with the position of that change"),
    ("RemovePlugin", "changes a plugin and answers with the position of that change"),
    ("ResumePlugin", "changes a plugin and answers with the position of that change"),
    ("RevokeToken", "ends a token and answers with the position of that change"),
    ("RollbackPlugin", "changes a plugin and answers with the position of that change"),
    ("SignInOptions", "tells everybody what the settings say"),
];
