"""The tamper-evident audit log: what an auditor needs to check it, pure and light.

Importing this loads no database, no web framework and no DuckDB. Services write through
:mod:`registry.audit.log`. FORMAT.md states every byte.
"""

from registry.audit.acts import Act, VocabularyError
from registry.audit.entry import Entry, MalformedEntry

__all__ = ["Act", "Entry", "MalformedEntry", "VocabularyError"]
