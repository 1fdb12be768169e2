//! Which calls are compared in two worlds, and which are not: every call of `kith.v1` is in one of the lists.

/// Calls whose answers must be the same in two worlds that differ only in what the caller must not see. The suite makes
/// each of them.
pub const COMPARED: [&str; 24] = [
    "Append",
    "AppendStream",
    "CertifyView",
    "DiffPlugin",
    "DigestView",
    "ExplainRow",
    "FetchComponent",
    "GetCheckpoint",
    "GetConsistencyProof",
    "GetInclusionProof",
    "GetPerson",
    "Head",
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
pub const APART: [(&str, &str); 13] = [
    ("ActivatePlugin", "changes a plugin and answers with the position of that change"),
    ("Backup", "gives whole networks to the server's owner alone"),
    ("CreateNetwork", "makes an empty network"),
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
