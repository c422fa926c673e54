"""One figure of a benchmark, as it stands on one line of ``bench-results.jsonl``."""

import json
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Line:
    """A measured value beside its peer's, the ratio between them and the goal it is held to.

    :param goal: what should hold, in words and figures (``ratio <= 1.10``); empty for a bare fact.
    :param holds: whether it does; ``None`` where there is no goal.
    """

    name: str
    value: float
    unit: str
    peer: float | None = None
    ratio: float | None = None
    goal: str = ""
    holds: bool | None = None

    def to_json(self) -> str:
        """One JSON object."""
        return json.dumps(asdict(self))
