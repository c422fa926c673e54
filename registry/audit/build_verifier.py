"""Builds the auditors' offline verifier: one file that needs only Python and ``cryptography``.

``python -m registry.audit.build_verifier build/vrijgave-verify.pyz``
"""

import shutil
import sys
import tempfile
import zipapp
from pathlib import Path

ROOT = Path(__file__).parents[2]
MODULES = (
    "registry/__init__.py",
    "registry/errors.py",
    *(
        f"registry/audit/{name}.py"
        for name in (
            "__init__",
            "acts",
            "checkpoint",
            "entry",
            "findings",
            "glancing",
            "keyring",
            "lines",
            "merkle",
            "packs",
            "population_check",
            "populations",
            "quorum",
            "receipts",
            "strands",
            "values",
            "verification",
            "verifying",
            "zips",
        )
    ),
)
MAIN = """\
import sys

from registry.audit.verifying import main

sys.exit(main())
"""


def build(target: Path) -> None:
    """Write the verifier to ``target``; run it with ``python target``."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder)
        for name in MODULES:
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, source / name)
        (source / "__main__.py").write_text(MAIN, encoding="utf-8")
        zipapp.create_archive(source, target, interpreter="/usr/bin/env python3", compressed=True)


if __name__ == "__main__":
    build(Path(sys.argv[1]))
