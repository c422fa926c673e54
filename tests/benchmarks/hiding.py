"""What is hidden takes as long to refuse as what is absent: time tells nothing either."""

import random
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.benchmarks._approved import approved
from tests.benchmarks.line import Line
from tests.support.service import Person

ASKED = {"ci": 300, "full": 2000}
"""Requests for each of the two, of each kind of thing."""
LARGEST = 0.05
_SECRET = "beeldarchief/geheim"


def run(size: str) -> Iterator[Line]:
    """Requests for hidden and absent things in turn, by someone whom they are not for."""
    with tempfile.TemporaryDirectory() as folder, approved(Path(folder), 2_000) as ready:
        ready.accept()
        extract = ready.extract()["id"]
        service = ready.service
        person = ("--person", "Bo", "--email", "bo@rivaal.example")
        link = service.run("organisations", "add", "Rivaal", "--role", "user", *person)
        rival = service.sign_in(link)
        archive = service.sign_in(service.run("sign-in-link", "ada@beeldarchief.example"))
        archive.post("/datasets", {"slug": "geheim", "title_nl": "Geheim", "title_en": "Secret"})
        hidden = {
            "extract": f"/extracts/{extract}",
            "part": f"/extracts/{extract}/parts/1",
            "agreement": f"/agreements/{ready.agreement['id']}",
            "environment": f"/environments/{ready.environment}",
            "decision": f"/decisions/{ready.agreement['decision_id']}/record",
            "draft": f"/archives/{_SECRET.replace('/', '/datasets/')}",
        }
        for name, path in hidden.items():
            yield _line(name, *_medians(rival, path, ASKED[size]))


def _medians(rival: Person, path: str, count: int) -> tuple[float, float]:
    """Median milliseconds of the hidden and of absent things, in an order by chance."""
    parts = path.split("/")
    place = 4 if parts[1] == "archives" else 2
    kind, _, rest = parts[place].rpartition("_")
    draw = random.Random(1)
    taken: dict[bool, list[float]] = {True: [], False: []}
    for number in range(count + 20):
        for absent in draw.sample((True, False), 2):
            made = "".join(draw.choices("0123456789abcdefghijklmnopqrstuv", k=len(rest)))
            asked = [*parts]
            if absent:
                asked[place] = f"{kind}_{made}" if kind else made
            started = time.perf_counter()
            status = rival.http.get("/".join(asked)).status_code
            if number >= 20:  # what is asked first warms caches
                taken[absent].append((time.perf_counter() - started) * 1000)
            assert status == 404, f"{path}: {status}"
    return statistics.median(taken[False]), statistics.median(taken[True])


def _line(name: str, hidden: float, absent: float) -> Line:
    ratio = hidden / absent
    return Line(
        f"hiding: median refusal of a hidden {name}, beside one that is not there",
        round(hidden, 3),
        "ms",
        peer=round(absent, 3),
        ratio=round(ratio, 3),
        goal="0.95 < ratio < 1.05",
        holds=abs(ratio - 1) < LARGEST,
    )
