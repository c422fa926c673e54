"""What stands out in a log: small rules over entries, each with its threshold and its evidence.

A rule looks at the entries of a period beside those of some time before it (the baseline), knows
nothing but the entries, and says which of them made it speak. Thresholds are data and stand in the
report, so that anyone can apply the rules again.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from ipaddress import ip_address, ip_network
from statistics import median

from registry.audit.acts import Act
from registry.audit.entry import Entry

MOST_EVIDENCE = 20
"""Entry ids that a finding names; it counts them all."""


@dataclass(frozen=True)
class Thresholds:
    """From where on something stands out.

    :param volume_factor: a day's bytes of an agreement against the median of its own days before.
    :param volume_bytes: bytes a day below which volume never stands out.
    :param denials: refusals of one organisation in a period.
    :param dormant_days: days without reading after which an agreement that wakes stands out.
    """

    volume_factor: int = 5
    volume_bytes: int = 100_000_000
    denials: int = 10
    dormant_days: int = 90


@dataclass(frozen=True)
class Finding:
    """What a rule saw.

    :param about: id of the agreement, organisation or decision that it is about.
    :param measured: the number that passed the threshold; 1 where once is enough.
    :param evidence: ids of the entries, oldest first, at most :data:`MOST_EVIDENCE`.
    """

    rule: str
    about: str
    measured: int
    threshold: int
    evidence: tuple[str, ...]


@dataclass(frozen=True)
class Looked:
    """What rules look at: entries before a period and in it, in order, and facts beside the log.

    :param countries: country of each environment.
    :param networks: network that each access came from, where its address is still kept.
    """

    before: Sequence[Entry]
    period: Sequence[Entry]
    thresholds: Thresholds
    countries: Mapping[str, str]
    networks: Mapping[str, str] = field(default_factory=dict)

    def all(self) -> Iterator[tuple[bool, Entry]]:
        """Every entry, with whether it is of the period."""
        yield from ((False, one) for one in self.before)
        yield from ((True, one) for one in self.period)


def _finding(
    rule: str, about: str, entries: Iterable[Entry], measured: int = 1, threshold: int = 1
) -> Finding:
    ids = tuple(one.id for one in entries)[:MOST_EVIDENCE]
    return Finding(rule, about, measured, threshold, ids)


def _moment(entry: Entry) -> datetime:
    return datetime.fromisoformat(entry.time)


def _count(value: object) -> int:
    return value if isinstance(value, int) else 0


def volume(looked: Looked) -> Iterator[Finding]:
    """An agreement that read far more in a day than on its own days before."""
    days: dict[str, Counter[str]] = defaultdict(Counter)
    sources: dict[tuple[str, str], list[Entry]] = defaultdict(list)
    recent: set[tuple[str, str]] = set()
    for within, entry in looked.all():
        if entry.act == Act.ACCESS_CLOSED:
            key = (entry.ids["agreement"], entry.time[:10])
            days[key[0]][key[1]] += _count(entry.facts["bytes"])
            sources[key].append(entry)
            if within:
                recent.add(key)
    limits = looked.thresholds
    for agreement, day in sorted(recent):
        earlier = [octets for other, octets in days[agreement].items() if other < day]
        usual = median(earlier) if earlier else 0
        limit = max(limits.volume_bytes, int(limits.volume_factor * usual))
        if earlier and days[agreement][day] > limit:
            read = days[agreement][day]
            yield _finding("volume", agreement, sources[agreement, day], read, limit)


def new_place(looked: Looked) -> Iterator[Finding]:
    """An organisation that reads from an environment or country it never read from before."""
    seen: dict[str, set[str]] = defaultdict(set)
    for within, entry in looked.all():
        if entry.act != Act.ACCESS_OPENED or entry.organisation is None:
            continue
        known = seen[entry.organisation]
        place = entry.ids.get("environment", "")
        country = looked.countries.get(place, "")
        if within and known and country and country not in known:
            yield _finding("new-country", entry.organisation, [entry])
        elif within and known and place not in known:
            yield _finding("new-environment", entry.organisation, [entry])
        known.update(filter(None, (place, country)))


def network_of(address: str) -> str:
    """The network that an address is told apart by: a /24, in IPv6 a /48; empty for no address."""
    try:
        version = ip_address(address).version
    except ValueError:
        return ""
    return str(ip_network(f"{address}/{24 if version == 4 else 48}", strict=False))


def new_network(looked: Looked) -> Iterator[Finding]:
    """An organisation that reads from a network it never read from before."""
    seen: dict[str, set[str]] = defaultdict(set)
    for within, entry in looked.all():
        network = looked.networks.get(entry.ids.get("access", ""), "")
        if entry.act != Act.ACCESS_OPENED or entry.organisation is None or not network:
            continue
        known = seen[entry.organisation]
        if within and known and network not in known:
            yield _finding("new-network", entry.organisation, [entry])
        known.add(network)


ELSEWHERE = frozenset({"other-network", "other-environment"})
"""Why a reading is refused that comes from another network than the environment's."""


def foreign_network(looked: Looked) -> Iterator[Finding]:
    """Readings refused since they came from a network that is not the environment's."""
    yield from _refusals(looked, "foreign-network", ELSEWHERE)


RESIDENCY = frozenset(
    {"not-permitted", "proof-expired", "secure-only", "secure-unproven", "service-elsewhere"}
)
"""Why a reading is refused for the place of processing."""


def residency(looked: Looked) -> Iterator[Finding]:
    """Readings refused for where they would be processed."""
    yield from _refusals(looked, "residency", RESIDENCY)


def _refusals(looked: Looked, rule: str, codes: frozenset[str]) -> Iterator[Finding]:
    found: dict[str, list[Entry]] = defaultdict(list)
    for entry in looked.period:
        if entry.act == Act.ACCESS_REFUSED and codes & _reasons(entry):
            found[entry.organisation or ""].append(entry)
    for organisation, entries in sorted(found.items()):
        yield _finding(rule, organisation, entries, len(entries))


def _reasons(entry: Entry) -> set[str]:
    reasons = entry.facts.get("reasons")
    return {str(code) for code in reasons} if isinstance(reasons, list) else set()


def after_notice(looked: Looked) -> Iterator[Finding]:
    """Reading, or trying to, after a removal notice or after the agreement was revoked.

    An extract ordered after the notice is free of what was withdrawn; earlier ones are not.
    """
    notices: dict[tuple[str, str], Entry] = {}
    revoked: dict[str, Entry] = {}
    ordered: dict[str, int] = {}
    for within, entry in looked.all():
        match entry.act:
            case Act.NOTICE_SENT:
                notices[entry.ids["dataset"], entry.ids.get("organisation", "")] = entry
            case Act.AGREEMENT_REVOKED:
                revoked[entry.ids["agreement"]] = entry
            case Act.EXTRACT_ORDERED:
                ordered[entry.ids["extract"]] = entry.number
            case Act.ACCESS_OPENED | Act.ACCESS_REFUSED if within:
                notice = notices.get((entry.ids.get("dataset", ""), entry.organisation or ""))
                if notice and ordered.get(entry.ids["extract"], 0) > notice.number:
                    notice = None
                told = notice or revoked.get(entry.ids.get("agreement", ""))
                if told is not None:
                    yield _finding("after-notice", entry.ids["extract"], [told, entry])


def many_denials(looked: Looked) -> Iterator[Finding]:
    """An organisation that is refused again and again."""
    refused: dict[str, list[Entry]] = defaultdict(list)
    for entry in looked.period:
        denied = entry.act == Act.REQUEST_DECIDED and entry.facts["outcome"] == "deny"
        if denied or entry.act in (Act.ACCESS_REFUSED, Act.EXTRACT_REFUSED):
            refused[entry.organisation or ""].append(entry)
    limit = looked.thresholds.denials
    for organisation, entries in sorted(refused.items()):
        if len(entries) >= limit:
            yield _finding("many-denials", organisation, entries, len(entries), limit)


def dormant(looked: Looked) -> Iterator[Finding]:
    """An agreement that is read again after a long silence."""
    last: dict[str, Entry] = {}
    limit = looked.thresholds.dormant_days
    for within, entry in looked.all():
        agreement = entry.ids.get("agreement", "")
        if entry.act == Act.ACCESS_OPENED:
            before = last.get(agreement)
            if within and before and _moment(entry) - _moment(before) >= timedelta(days=limit):
                silence = (_moment(entry) - _moment(before)).days
                yield _finding("dormant", agreement, [before, entry], silence, limit)
        if entry.act in (Act.ACCESS_OPENED, Act.AGREEMENT_ACCEPTED):
            last[agreement] = entry


def not_as_it_was(looked: Looked) -> Iterator[Finding]:
    """A decision that came out otherwise when it was made again."""
    for entry in looked.period:
        if entry.act == Act.DECISION_REPLAYED and entry.facts["identical"] is False:
            about = entry.ids.get("decision") or entry.ids.get("extract", "")
            yield _finding("replay-differs", about, [entry])


RULES: tuple[Callable[[Looked], Iterator[Finding]], ...] = (
    after_notice,
    residency,
    foreign_network,
    new_place,
    new_network,
    volume,
    many_denials,
    dormant,
    not_as_it_was,
)


def find(looked: Looked) -> list[Finding]:
    """All that stands out, by rule."""
    return [finding for rule in RULES for finding in rule(looked)]
