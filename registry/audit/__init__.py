"""The tamper-evident audit log: what an auditor needs to check it, pure and light.

Importing this loads no database, no web framework and no DuckDB. Services write through
:mod:`registry.audit.log`. FORMAT.md states every byte.
"""

from registry.audit.acts import Act, VocabularyError
from registry.audit.checkpoint import (
    Checkpoint,
    MalformedNote,
    TreeHead,
    UntrustedNote,
    VerifierKey,
    open_checkpoint,
    open_note,
)
from registry.audit.entry import Entry, MalformedEntry
from registry.audit.findings import Finding, Tampering, Verification
from registry.audit.merkle import verify_consistency, verify_inclusion
from registry.audit.receipts import Receipt, verify_receipt
from registry.audit.verification import NoExport, verify_export

__all__ = [
    "Act",
    "Checkpoint",
    "Entry",
    "Finding",
    "MalformedEntry",
    "MalformedNote",
    "NoExport",
    "Receipt",
    "Tampering",
    "TreeHead",
    "UntrustedNote",
    "Verification",
    "VerifierKey",
    "VocabularyError",
    "open_checkpoint",
    "open_note",
    "verify_consistency",
    "verify_export",
    "verify_inclusion",
    "verify_receipt",
]
