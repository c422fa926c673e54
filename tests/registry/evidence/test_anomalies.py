"""What stands out: each rule speaks on what it is for, and is silent just below its threshold."""

from typing import Any

from registry.audit.entry import Entry
from registry.evidence.anomalies import Finding, Looked, Thresholds, find, network_of

LIMITS = Thresholds(volume_factor=5, volume_bytes=1000, denials=3, dormant_days=90)


def entry(number: int, act: str, day: str = "2026-11-23", **said: Any) -> Entry:
    """An entry of the start-up's reading; its id tells its number."""
    ids = {"access": "acc", "agreement": "agr", "extract": "ext", "dataset": "ds"}
    ids |= {name: said.pop(name) for name in [*said] if name in {*ids, "environment", "decision"}}
    who = said.pop("organisation", "org")
    for_whom = said.pop("to", None)
    if for_whom:
        ids["organisation"] = for_whom
    return Entry(
        f"e{number}", f"{day}T09:00:00.000Z", act, "arc", number, None, who, ids, dict(said)
    )


def found(before: list[Entry], period: list[Entry], **countries: str) -> list[tuple[str, Any]]:
    """Rule and evidence of everything that stands out."""
    looked = Looked(before, period, LIMITS, countries)
    return [(one.rule, one.evidence) for one in find(looked)]


def test_volume_is_held_to_an_agreements_own_days() -> None:
    """More than five times its median day; the first days of an agreement have no baseline."""
    usual = [entry(n, "access:closed", f"2026-11-0{n}", bytes=300) for n in range(1, 4)]
    below = [entry(8, "access:closed", bytes=1500)]
    above = [entry(8, "access:closed", bytes=800), entry(9, "access:closed", bytes=701)]
    assert found(usual, below) == []
    assert found(usual, above) == [("volume", ("e8", "e9"))]
    assert found([], above) == []
    [one] = find(Looked(usual, above, LIMITS, {}))
    assert one == Finding("volume", "agr", 1501, 1500, ("e8", "e9"))


def test_a_new_country_or_environment_shows_once() -> None:
    """The first place of all is not new; another environment is, and another country more so."""
    first = entry(1, "access:opened", environment="env1")
    again, other, abroad = (
        entry(n, "access:opened", environment=where)
        for n, where in ((2, "env1"), (3, "env2"), (4, "env3"))
    )
    places = {"env1": "NL", "env2": "NL", "env3": "US"}
    assert found([], [first], **places) == []
    assert found([first], [again, other, abroad, abroad], **places) == [
        ("new-environment", ("e3",)),
        ("new-country", ("e4",)),
    ]


def test_a_new_network_shows_once() -> None:
    """The first of all is not new, nor another address of it; what was erased says nothing."""
    addresses = {"a1": "192.0.2.1", "a2": "192.0.2.200", "a3": "198.51.100.7", "a4": "2001:db8::1"}
    networks = {name: network_of(address) for name, address in addresses.items()}
    assert networks["a4"] == "2001:db8::/48"
    assert network_of("testclient") == ""
    reads = [entry(n, "access:opened", access=f"a{n}") for n in (1, 2, 3, 3, 4, 5)]
    looked = Looked(reads[:1], reads[1:], LIMITS, {}, networks)
    assert [(one.rule, one.about, one.evidence) for one in find(looked)] == [
        ("new-network", "org", ("e3",)),
        ("new-network", "org", ("e4",)),
    ]
    assert find(Looked([], reads[:1], LIMITS, {}, networks)) == []


def test_reading_after_a_notice_shows_and_a_cleaned_extract_does_not() -> None:
    """Evidence is the notice and the reading; revoked agreements count as well."""
    ordered = entry(1, "extract:ordered", extract="old")
    notice = entry(2, "notice:sent", to="org")
    old = entry(4, "access:opened", extract="old")
    assert found([ordered, notice], [old]) == [("after-notice", ("e2", "e4"))]
    clean = [entry(3, "extract:ordered", extract="new"), entry(5, "access:opened", extract="new")]
    assert found([ordered, notice], clean) == []
    assert found([], [entry(2, "notice:sent", to="another"), old]) == []
    tried = entry(6, "access:refused", reasons=["agreement-revoked"])
    assert found([entry(5, "agreement:revoked")], [tried]) == [("after-notice", ("e5", "e6"))]


def test_refusals_show_by_their_reason_and_by_their_number() -> None:
    """Residency and foreign networks at once, others from a number on."""
    assert found([], [entry(1, "access:refused", reasons=["service-elsewhere"])]) == [
        ("residency", ("e1",))
    ]
    assert found([], [entry(1, "access:refused", reasons=["other-network"])]) == [
        ("foreign-network", ("e1",))
    ]
    denied = [entry(n, "request:decided", outcome="deny") for n in (1, 2)]
    assert found([], denied) == []
    assert found([], [*denied, entry(3, "extract:refused", reasons=["no-items"])]) == [
        ("many-denials", ("e1", "e2", "e3"))
    ]
    assert found([], [entry(n, "request:decided", outcome="permit") for n in range(9)]) == []


def test_a_dormant_agreement_that_wakes_shows() -> None:
    """Ninety days after it was last read or accepted."""
    accepted = entry(1, "agreement:accepted", "2026-08-01")
    read = entry(2, "access:opened", "2026-08-25")
    late, early = entry(3, "access:opened", "2026-11-23"), entry(3, "access:opened", "2026-11-22")
    assert found([accepted, read], [late]) == [("dormant", ("e2", "e3"))]
    assert found([accepted, read], [early]) == []
    assert found([accepted], [early]) == [("dormant", ("e1", "e3"))]


def test_a_decision_that_came_out_otherwise_shows() -> None:
    """An alarm of a replay waits for the next review."""
    same, other = (
        entry(n, "decision:replayed", identical=identical, decision="dec")
        for n, identical in ((1, True), (2, False))
    )
    assert found([], [same, other]) == [("replay-differs", ("e2",))]
