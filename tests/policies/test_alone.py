"""The package on its own, as others would use it: beside the standard library it needs pydantic."""

import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

NEEDED = ("pydantic", "pydantic_core", "annotated_types", "typing_extensions", "typing_inspection")

_PROGRAM = """
import sys
sys.path.insert(0, sys.argv[1])
from datetime import UTC, datetime
import policies
policy = policies.parse_policy({
    "@context": "http://www.w3.org/ns/odrl.jsonld",
    "@type": "Set",
    "uid": "https://example.org/p",
    "conflict": "prohibit",
    "permission": [{"uid": "#yes", "target": "a/b@1", "action": "use"}],
})
place = policies.Place("NL", "NL")
request = policies.Request("search", "research", None, None, "a/b@1", place, datetime.now(UTC))
print(policies.evaluate(policy, request).verdict({}).outcome)
foreign = {"registry", "catalog", "connectors", "duckdb", "sqlalchemy", "fastapi", "rdflib"}
print(sorted(foreign & set(sys.modules)))
"""


def test_policies_work_alone(tmp_path: Path) -> None:
    """In an interpreter without any other package, a policy is read and decides."""
    home = tmp_path / "home"
    for name in ("policies", *NEEDED):
        found = find_spec(name)
        assert found is not None
        assert found.origin is not None
        origin = Path(found.origin)
        if origin.name == "__init__.py":
            shutil.copytree(origin.parent, home / name)
        else:
            shutil.copy(origin, home / origin.name)
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", _PROGRAM, home], capture_output=True, text=True
    )
    assert done.stdout.split("\n")[:2] == ["permit", "[]"], done.stderr
