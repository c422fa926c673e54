"""The demonstration's job: what archives, a start-up and an auditor do, over HTTP.

Every step first looks whether it was done, so that a run that was stopped goes on where it was.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from catalog.mapping import dump_mapping
from registry.audit.verifying import verify_file
from registry.client.errors import Refused
from registry.client.http import Service
from registry.client.pull import Pulled, pull
from registry.demo import generator
from registry.demo.caller import Caller
from registry.demo.participants import Participant

Say = Callable[[str], None]


@dataclass(frozen=True)
class Collection:
    """A dataset that one of the archives brings in."""

    archive: str
    slug: str
    title_nl: str
    title_en: str
    file: str
    items: int
    seed: int
    automatic: bool

    @property
    def name(self) -> str:
        """``archive/dataset``."""
        return f"{self.archive}/{self.slug}"


def collections(items: int) -> tuple[Collection, Collection]:
    """A large one whose clear cases are agreed at once, and one whose archive decides itself."""
    return (
        Collection(
            "polderarchief", "bioscoopjournaals", "Bioscoopjournaals 1908-2012",
            "Cinema newsreels 1908-2012", "bioscoopjournaals.parquet", items, 1, True,
        ),
        Collection(
            "omroep-de-dijk", "streekjournaal", "Streekjournaal", "Regional newsreel",
            "streekjournaal.csv", max(100, items // 10), 2, False,
        ),
    )  # fmt: skip


@dataclass
class Job:
    """Runs the steps and says what each did and how long it took."""

    origin: str
    cast: dict[str, Participant]
    folder: Path
    keys: tuple[str, ...]
    say: Say

    def run(self, items: int) -> None:
        """All of it, in order."""
        first, second = collections(items)
        for collection in (first, second):
            self._publish(collection)
        self._precheck(first)
        agreement = self._agree((first, second))
        self._extract(agreement)
        self._refuse_overseas(first)
        self._verify_log()

    def _caller(self, slug: str) -> Caller:
        return Caller(self.origin, self.cast[slug].token)

    @contextmanager
    def _step(self, words: str) -> Iterator[list[str]]:
        started = time.perf_counter()
        results: list[str] = []
        yield results
        seconds = time.perf_counter() - started
        self.say(f"{seconds:7.2f} s  {words}")
        for result in results:
            self.say(f"           {result}")

    # --- the archives --------------------------------------------------------------------------

    def _publish(self, collection: Collection) -> None:
        archive = self._caller(collection.archive)
        own = [d for d in archive.listed("/datasets") if d["name"] == collection.name]
        if own and own[0]["state"] == "published":
            self.say(f"           {collection.name} is published already")
            return
        with self._step(f"{collection.archive} registers {collection.name}"):
            dataset = own[0]["id"] if own else self._register(archive, collection)
        with self._step("  makes and delivers its file") as told:
            delivery = self._deliver(archive, collection, dataset, told)
        with self._step("  maps the columns and sees the dry run") as told:
            report = self._check(archive, delivery, told)
        with self._step("  declares what is sensitive, confirms terms, sets the place") as told:
            self._declare(archive, collection, dataset, delivery, told)
        with self._step("  publishes") as told:
            wanted = {"delivery_id": delivery}
            edition = archive.post(f"/datasets/{dataset}/editions", wanted)["edition"]
            told.append(f"{collection.name}@{edition['number']}: {report['items']} items")

    def _register(self, archive: Caller, collection: Collection) -> str:
        new = {
            "slug": collection.slug,
            "title_nl": collection.title_nl,
            "title_en": collection.title_en,
        }
        registered: str = archive.post("/datasets", new)["id"]
        return registered

    def _deliver(
        self, archive: Caller, collection: Collection, dataset: str, told: list[str]
    ) -> str:
        file = self.folder / collection.file
        if not file.exists():
            generator.write(file, collection.items, seed=collection.seed)
        told.append(f"{file}: {collection.items} items, {file.stat().st_size:,} bytes")
        delivered: str = archive.upload(f"/datasets/{dataset}/deliveries", file)["id"]
        return delivered

    def _check(self, archive: Caller, delivery: str, told: list[str]) -> dict[str, Any]:
        path = f"/deliveries/{delivery}"
        if archive.get(path)["state"] in {"received", "failed"}:
            archive.put(f"{path}/mapping", dump_mapping(generator.mapping()))
        archive.wait(path, {"checked"})
        report: dict[str, Any] = archive.get(f"{path}/report")
        told.append(f"{report['accepted']} rows accepted, {report['refused']} refused")
        told += [f"{line['rows']:>7}  {line['code']}" for line in report["rights"][:5]]
        return report

    def _declare(
        self, archive: Caller, collection: Collection, dataset: str, delivery: str, told: list[str]
    ) -> None:
        by_column = {"kinds": dict.fromkeys(_SENSITIVE, "column")}
        archive.put(f"/datasets/{dataset}/declarations", by_column)
        terms = archive.get(f"/deliveries/{delivery}/suggested-terms")
        confirmed = [{**line, "confirmed": True} for line in terms["lines"]]
        terms = {**terms, "lines": confirmed, "automatic": collection.automatic}
        archive.put(f"/datasets/{dataset}/terms", terms)
        archive.put(f"/datasets/{dataset}/residency", {"process": ["EU"]})
        gaps = archive.get(f"/datasets/{dataset}/undeclared")["gaps"]
        told.append(f"{len(confirmed)} lines of terms confirmed, {len(gaps)} things undeclared")

    # --- the start-ups -------------------------------------------------------------------------

    def _precheck(self, collection: Collection) -> None:
        question = {**_PURPOSE, "datasets": [collection.name], "country": "NL"}
        with self._step("anyone asks: may I train a commercial generative model in NL?") as told:
            asked = {**question, "operator_country": "NL"}
            answer = Caller(self.origin, None).post("/precheck", asked)["datasets"][0]
            shares = answer["shares"]
            told.append(
                f"{answer['outcome']}: {shares['permit']} % yes, {shares['review']} % ask,"
                f" {shares['deny']} % no"
            )
            told += [
                f"{reason['share']:>3} %  {reason['text']['en']}"
                for reason in answer["reasons"][:4]
            ]

    def _agree(self, wanted: tuple[Collection, ...]) -> str:
        """The id of an agreement in force on the first collection."""
        startup = self._caller("taalmeester")
        in_force = [a for a in startup.listed("/agreements") if a["state"] == "in_force"]
        if in_force:
            self.say("           taalmeester has an agreement already")
            return str(in_force[-1]["id"])
        with self._step("taalmeester files a request over both datasets") as told:
            filed = startup.post(
                "/requests",
                {
                    "datasets": [collection.name for collection in wanted],
                    "environment_id": self.cast["taalmeester"].environment_id,
                    "use": _PURPOSE["use"],
                },
            )
            told += [
                f"{d['dataset']} {d['part']}: {d['state']}, {d['items']} items"
                for d in filed["decisions"]
            ]
        agreement = filed["agreements"][0]
        with self._step("  reads and accepts the agreement on the clear part"):
            read = startup.get(f"/agreements/{agreement['id']}")
            startup.post(f"/agreements/{agreement['id']}/acceptance", {"digest": read["digest"]})
        self._answer_inbox(wanted[1])
        return str(agreement["id"])

    def _answer_inbox(self, collection: Collection) -> None:
        archive = self._caller(collection.archive)
        with self._step(f"{collection.archive} answers its inbox") as told:
            for waiting in archive.listed("/inbox"):
                decision = waiting["decision"]
                yes = decision["part"] == "permit"
                said = {"approve": yes, "answer": "" if yes else _NO}
                archive.post(f"/decisions/{decision['id']}/review", said)
                told.append(
                    f"{decision['part']}: {'yes' if yes else 'no'}, {decision['items']} items"
                )

    def _extract(self, agreement: str) -> Pulled:
        startup = self._caller("taalmeester")
        done = [
            e
            for e in startup.listed("/extracts")
            if e["agreement_id"] == agreement and e["state"] in {"ready", "running", "ordered"}
        ]
        with self._step("taalmeester orders an extract; DuckDB cuts it") as told:
            extract = done[0] if done else startup.post(f"/agreements/{agreement}/extracts", {})
            ready = startup.wait(f"/extracts/{extract['id']}", {"ready", "failed"})
            told.append(f"{ready['state']}: {ready['rows']} rows, {ready['bytes']:,} bytes")
        with self._step("  pulls it, checking every hash and the signature") as told:
            with Service(self.origin, self.cast["taalmeester"].token) as service:
                target = self.folder / "extract"
                pulled = pull(service, extract["id"], target, _Quiet(), key=self.keys[0])
            told.append(f"extract verified: {pulled.rows} rows in {pulled.folder}")
        return pulled

    def _refuse_overseas(self, collection: Collection) -> None:
        overseas = self._caller("overseas-models")
        with self._step("overseas-models asks for the same, processing in the US") as told:
            filed = overseas.post(
                "/requests",
                {
                    "datasets": [collection.name],
                    "environment_id": self.cast["overseas-models"].environment_id,
                    "use": _PURPOSE["use"],
                },
            )
            for decision in filed["decisions"]:
                reason = decision["lines"][0]["text"]["en"] if decision["lines"] else ""
                told.append(f"{decision['state']}: {decision['items']} items. {reason}")
        with self._step("  and tries taalmeester's agreement") as told:
            theirs = self._caller("taalmeester").listed("/agreements")[0]["id"]
            try:
                overseas.get(f"/agreements/{theirs}")
            except Refused as refused:
                told.append(f"refused: {refused.sentence.splitlines()[0]}")

    # --- the auditor ---------------------------------------------------------------------------

    def _verify_log(self) -> None:
        auditor = self._caller("toets-en-partners")
        export = self.folder / "audit.jsonl"
        with self._step("toets-en-partners takes the log out and checks it offline") as told:
            auditor.download("/audit/exports", {}, export)
            good, sentences = verify_file(export, [self.keys[1]], [], "en")
            told.extend(sentences)
            if not good:
                raise RuntimeError("the audit log does not verify")


_SENSITIVE = (
    "rights",
    "rightsholder",
    "embargo",
    "opt_out",
    "personal_data",
    "personal_content",
    "source_protection",
    "media_address",
)
_PURPOSE = {"use": "train.gen", "user_class": "commercial"}
_NO = "Eerst moeten de makers toestemming geven. Vraag het volgend jaar opnieuw."


class _Quiet:
    """No progress bar: the step's time says it."""

    def waiting(self, percent: int) -> None:
        """Nothing."""

    def part(self, name: str, there: int, of: int) -> None:
        """Nothing."""
