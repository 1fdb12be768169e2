// Verification: a log only grew, an entry is in it, and who signed that or sent it. Nothing here asks a server.
export { Growth, Receipt, SignedCheckpoint, type Checkpoint } from "./checkpoint.js";
export { readEvidence, verifyEvidence, type Evidence } from "./evidence.js";
export { Note, VerifierKey } from "./note.js";
export { leafHash, nodeHash, verifyConsistency, verifyInclusion, type Size } from "./tree.js";
export { verifyWebhook, type CloudEvent, type WebhookHeaders, type WebhookOptions } from "./webhook.js";
