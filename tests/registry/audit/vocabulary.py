"""The tables of FORMAT.md section 6, made from acts.py.

``python -m tests.registry.audit.vocabulary`` writes them anew after a line was added there.
"""

from collections.abc import Iterable
from pathlib import Path

from registry.audit.acts import EVERYWHERE_FACTS, EVERYWHERE_IDS, FACTS, IDS, SHAPES

FORMAT = Path(__file__).parents[3] / "registry/audit/FORMAT.md"
MARK = "<!-- tables: written from acts.py; a test compares -->\n"


def tables() -> str:
    """Acts, ids and facts as three Markdown tables."""
    lines = [
        "### 6.1 Acts",
        "",
        "| act | ids it has | facts it has | ids it may have | facts it may have |",
        "|---|---|---|---|---|",
        f"| any act | – | – | {_cell(EVERYWHERE_IDS)} | {_cell(EVERYWHERE_FACTS)} |",
    ]
    for act, shape in SHAPES.items():
        more_ids = shape.all_ids - EVERYWHERE_IDS - shape.ids
        more_facts = shape.all_facts - EVERYWHERE_FACTS - shape.facts
        cells = (shape.ids, shape.facts, more_ids, more_facts)
        lines.append(f"| `{act}` | {' | '.join(_cell(names) for names in cells)} |")
    lines += ["", "### 6.2 Ids", "", "| id | of |", "|---|---|"]
    lines += [f"| `{name}` | {text} |" for name, text in IDS.items()]
    lines += ["", "### 6.3 Facts", "", "| fact | kind | what |", "|---|---|---|"]
    lines += [f"| `{name}` | {kind} | {text} |" for name, (kind, text) in FACTS.items()]
    return "\n".join(lines) + "\n"


def _cell(names: Iterable[str]) -> str:
    return " ".join(f"`{name}`" for name in sorted(names)) or "–"


if __name__ == "__main__":
    text, _, _ = FORMAT.read_text(encoding="utf-8").partition(MARK)
    FORMAT.write_text(f"{text}{MARK}\n{tables()}", encoding="utf-8")
