"""What can go wrong outside, as one tree.

::

    ConnectorError              code, sentences in Dutch and English, facts; no row's value
    ├── StoreError              an object store could not do what was asked
    │   ├── NoSuchObject
    │   ├── ObjectConflict      the key exists with other content; keys are immutable
    │   └── StoreUnavailable    it does not answer now, also after several tries
    ├── DeliveryError           the whole delivery cannot be read: its owner must correct it
    ├── SourceChanged           a stored file is no longer what was registered
    ├── JobError                the child process did not finish its work
    │   ├── JobDied             ended from outside, or fell over
    │   ├── JobCancelled
    │   ├── JobLimit            time, memory, file size or processor budget used up
    │   └── DiskFull
    └── PlanError               what was asked of the child was itself wrong

The texts stand in one table, so that a page, the API and the command line say the same. A fact in
a text is a number, a file's place in its list or a column name, never a value from a row: an error
must not tell the reader what a filter took away.
"""

from collections.abc import Mapping

Fact = str | int | float

TEXTS: Mapping[str, tuple[str, str]] = {
    "no-such-object": (
        "Er is geen bestand met de sleutel `{key}`.",
        "there is no file under the key `{key}`",
    ),
    "object-conflict": (
        "Onder `{key}` staat al een ander bestand; een sleutel wordt nooit overschreven.",
        "another file already stands under the key `{key}`; a key is never overwritten",
    ),
    "bad-key": (
        "`{key}` kan geen sleutel zijn: gebruik letters, cijfers, punt, streepje en `/`.",
        "`{key}` cannot be a key: use letters, digits, dot, dash and slash",
    ),
    "bad-object": (
        "`{key}` kan geen naam van een object zijn: geen lege delen, geen `..`, hoogstens 1024"
        " bytes.",
        "`{key}` cannot be an object's name: no empty parts, no `..`, at most 1024 bytes",
    ),
    "unknown-store": (
        "Het adres `{url}` noemt geen opslag die hier bestaat; gebruik een pad, file:// of s3://.",
        "the address `{url}` names no storage that exists here; use a path, file:// or s3://",
    ),
    "store-unavailable": (
        "De opslag `{bucket}` antwoordt niet of geeft een fout, ook na herhaald proberen. Probeer"
        " het later opnieuw.",
        "the storage `{bucket}` does not answer or gives an error, also after several tries; try"
        " again later",
    ),
    "store-refused": (
        "De opslag `{bucket}` laat ons niet toe. De beheerder moet de sleutels nakijken.",
        "the storage `{bucket}` does not let us in; an operator must check its keys",
    ),
    "not-found": (
        "Het aangeleverde bestand is er niet. Lever het opnieuw aan.",
        "the delivered file is not there; deliver it again",
    ),
    "empty-file": (
        "Het bestand is leeg. Lever een bestand met ten minste één regel gegevens.",
        "the file is empty; deliver a file with at least one row of data",
    ),
    "not-parquet": (
        "Dit is geen leesbaar Parquet-bestand. Controleer of het volledig is overgezet.",
        "this is not a readable Parquet file; check that it was transferred completely",
    ),
    "not-json": (
        "Dit is geen leesbare JSON: na record {record} klopt de opbouw niet.",
        "this is not readable JSON: its structure breaks off after record {record}",
    ),
    "no-records": (
        "In het JSON-bestand staat geen lijst op de plaats `{records}`.",
        "the JSON file has no list at `{records}`",
    ),
    "not-csv": (
        "Dit is niet als CSV te lezen. Sla het op met een kopregel en één scheidingsteken.",
        "this cannot be read as CSV; save it with a header row and one separator",
    ),
    "not-utf8": (
        "Het bestand is geen UTF-8 (eerste fout bij byte {byte}). Sla het op als UTF-8.",
        "the file is not UTF-8 (first fault at byte {byte}); save it as UTF-8",
    ),
    "compressed": (
        "Gecomprimeerde bestanden nemen we niet aan. Pak het eerst uit.",
        "compressed files are not accepted; unpack it first",
    ),
    "record-too-long": (
        "Regel of record {record} is langer dan {limit} bytes. Splits of verwijder dit record.",
        "line or record {record} is longer than {limit} bytes; split or remove it",
    ),
    "too-many-columns": (
        "Het bestand heeft {columns} kolommen; hoogstens {limit} kan.",
        "the file has {columns} columns; the most is {limit}",
    ),
    "no-such-column": (
        "De kolom `{column}` uit de beschrijving komt niet in het bestand voor.",
        "the mapping names the column `{column}`, which the file does not have",
    ),
    "too-many-values": (
        "Kolom `{column}` heeft meer dan {limit} verschillende waarden; is dit de juiste kolom?",
        "column `{column}` has more than {limit} different values; is it the right column?",
    ),
    "too-many-groups": (
        "De kolommen met rechten vormen samen meer dan {limit} combinaties.",
        "the rights columns together form more than {limit} combinations",
    ),
    "bad-path": (
        "`{path}` is geen pad: {problem}.",
        "`{path}` is not a path: {problem}",
    ),
    "source-changed": (
        "Een bronbestand is veranderd sinds de registratie. De beheerder moet het herstellen.",
        "a source file has changed since it was registered; an operator must restore it",
    ),
    "place-changed": (
        "Het bestand `{key}` in uw eigen opslag is veranderd sinds u het aanmeldde. Er is niets"
        " afgegeven; meld het opnieuw aan als nieuwe aanlevering.",
        "the file `{key}` in your own storage has changed since you registered it; nothing was"
        " given out, register it anew as a new delivery",
    ),
    "cancelled": ("De taak is geannuleerd.", "the job was cancelled"),
    "time-limit": (
        "De taak duurde langer dan {seconds} seconden en is gestopt.",
        "the job took longer than {seconds} seconds and was stopped",
    ),
    "memory-limit": (
        "De taak had meer geheugen nodig dan toegestaan.",
        "the job needed more memory than it is allowed",
    ),
    "size-limit": (
        "De uitvoer werd groter dan toegestaan.",
        "the output grew beyond what is allowed",
    ),
    "disk-full": (
        "De schijf is vol. Er is niets half achtergebleven; maak ruimte en probeer het opnieuw.",
        "the disk is full; nothing was left half-done, make room and try again",
    ),
    "job-failed": (
        "De taak kon dit bestand niet verwerken. Er is niets half achtergebleven.",
        "the job could not process this file; nothing was left half-done",
    ),
    "job-died": (
        "De taak is onverwacht gestopt. Er is niets half achtergebleven.",
        "the job stopped unexpectedly; nothing was left half-done",
    ),
    "bad-plan": (
        "De opdracht klopt niet: {problem}.",
        "the plan is wrong: {problem}",
    ),
    "beyond-engine": (
        "Van {what} is niet bewezen dat dit rekenprogramma er hetzelfde van maakt als DuckDB. Er is"
        " niets afgegeven; de beheerder kan `VRIJGAVE_ENGINE=duckdb` kiezen.",
        "of {what} it is not proven that this engine makes the same of it as DuckDB; nothing was"
        " given out, an operator may choose `VRIJGAVE_ENGINE=duckdb`",
    ),
    "no-engine": (
        "Het rekenprogramma `{engine}` is hier niet geïnstalleerd. Installeer `vrijgave[cluster]`.",
        "the engine `{engine}` is not installed here; install `vrijgave[cluster]`",
    ),
}


class ConnectorError(Exception):
    """A failure outside, with a code that programs and a sentence that people can use.

    `code` is a key of `TEXTS`; `facts` fills its placeholders; `nl` and `en` are the sentences.
    """

    def __init__(self, code: str, **facts: Fact) -> None:
        self.code = code
        self.facts: dict[str, Fact] = facts
        nl, en = TEXTS[code]
        self.nl, self.en = nl.format(**facts), en.format(**facts)
        super().__init__(self.en)

    def __reduce__(self) -> tuple[object, ...]:
        """Survive pickling, so that a durable job can store its error."""
        return _rebuild, (type(self), self.code, self.facts)


class StoreError(ConnectorError):
    """An object store could not do what was asked."""


class NoSuchObject(StoreError):
    """Nothing stands under this key."""


class ObjectConflict(StoreError):
    """The key exists with other content."""


class StoreUnavailable(StoreError):
    """The store does not answer now; later may help."""


class DeliveryError(ConnectorError):
    """The delivery as a whole cannot be read."""


class SourceChanged(ConnectorError):
    """A stored file no longer has the hash it was registered with."""


class JobError(ConnectorError):
    """The child process did not finish its work."""


class JobDied(JobError):
    """The child process was ended from outside, or fell over; another try may go well."""


class JobCancelled(JobError):
    """Someone asked the job to stop."""


class JobLimit(JobError):
    """A budget of time, memory, processor or output was used up."""


class DiskFull(JobError):
    """There was no room left to write."""


class PlanError(ConnectorError):
    """What was asked of the child process was itself wrong."""


_CLASSES: Mapping[str, type[ConnectorError]] = {
    "no-such-object": NoSuchObject,
    "object-conflict": ObjectConflict,
    "bad-key": StoreError,
    "bad-object": StoreError,
    "unknown-store": StoreError,
    "store-refused": StoreError,
    "store-unavailable": StoreUnavailable,
    "source-changed": SourceChanged,
    "place-changed": SourceChanged,
    "cancelled": JobCancelled,
    "time-limit": JobLimit,
    "memory-limit": JobLimit,
    "size-limit": JobLimit,
    "disk-full": DiskFull,
    "job-failed": JobError,
    "job-died": JobDied,
    "bad-plan": PlanError,
    "beyond-engine": PlanError,
    "no-engine": PlanError,
}


def error(code: str, **facts: Fact) -> ConnectorError:
    """The error of this code, in its own class; codes not listed there concern a delivery."""
    return _CLASSES.get(code, DeliveryError)(code, **facts)


def _rebuild(kind: type[ConnectorError], code: str, facts: Mapping[str, Fact]) -> ConnectorError:
    return kind(code, **facts)
