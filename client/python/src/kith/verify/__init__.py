"""Verification: a log only grew, an entry is in it, and who signed that or sent it. Nothing here asks a server."""

from kith.verify.checkpoint import Checkpoint, Growth, Receipt, TreeHead
from kith.verify.evidence import Evidence, read_evidence, verify_evidence
from kith.verify.note import Note, VerifierKey
from kith.verify.partial_tree import PartialTree, Subtree
from kith.verify.tree import leaf_hash, node_hash, verify_consistency, verify_inclusion
from kith.verify.webhook import verify_webhook

__all__ = [
    "Checkpoint",
    "Evidence",
    "Growth",
    "Note",
    "PartialTree",
    "Receipt",
    "Subtree",
    "TreeHead",
    "VerifierKey",
    "leaf_hash",
    "node_hash",
    "read_evidence",
    "verify_consistency",
    "verify_evidence",
    "verify_inclusion",
    "verify_webhook",
]
