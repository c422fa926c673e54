"""Which witnesses must have seen a checkpoint: C2SP tlog-policy, read from a text file.

A log can show two people two histories, each sound by itself. Witnesses, run by others, sign only
checkpoints that extend the last one they saw; enough of them on a checkpoint is what nobody can
have on two histories at once.
"""

import re
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from registry.audit.checkpoint import (
    COSIGNATURE,
    ED25519,
    MalformedNote,
    VerifierKey,
    signers,
)
from registry.errors import InvalidInput, Text

LARGEST_POLICY = 100_000
NONE = "none"
_COUNT = re.compile(r"[1-9][0-9]{0,3}")


class MalformedPolicy(InvalidInput):
    """A witness policy that does not say what it must."""

    def __init__(self, line: int, nl: str, en: str) -> None:
        super().__init__(
            "malformed-witness-policy",
            Text(
                f"Regel {line} van het getuigenbeleid: {nl}.",
                f"Line {line} of the witness policy: {en}.",
            ),
            Text(
                "Schrijf het zoals C2SP tlog-policy: `witness naam sleutel adres`,"
                " `group naam aantal leden…`, `quorum naam`.",
                "Write it as C2SP tlog-policy says: `witness name key url`,"
                " `group name count members…`, `quorum name`.",
            ),
        )


@dataclass(frozen=True)
class Witness:
    """One witness of a policy.

    :param url: its submission prefix; empty where the policy is only for checking.
    """

    name: str
    key: VerifierKey
    url: str = ""


@dataclass(frozen=True)
class WitnessPolicy:
    """Who may witness, and how many of them it takes.

    :param groups: of each group, how many of which members it takes.
    :param quorum: the witness or group that decides; ``none`` asks for nobody.
    """

    logs: tuple[VerifierKey, ...]
    witnesses: tuple[Witness, ...]
    groups: dict[str, tuple[int, tuple[str, ...]]]
    quorum: str

    @classmethod
    def parse(cls, text: str) -> "WitnessPolicy":
        """Read a policy; :class:`MalformedPolicy` names the line that is wrong."""
        return _Reader().read(text)

    def witnessed_by(self, note: str) -> list[str]:
        """The names of the policy's witnesses that have cosigned a checkpoint.

        :raises UntrustedNote: a cosignature that claims to be of one of them is wrong.
        """
        good = set(signers(note, [one.key for one in self.witnesses]))
        return [one.name for one in self.witnesses if one.key in good]

    def judge(self, note: str, size: int) -> tuple[bool, Text]:
        """Whether enough witnesses have seen a checkpoint, and the sentence that says who.

        :raises UntrustedNote: a cosignature that claims to be of one of them is wrong.
        """
        names = self.witnessed_by(note)
        listed, many = ", ".join(names) or "–", len(self.witnesses)
        nl = f"Het controlepunt van {size} is gezien door {len(names)} van {many} getuigen"
        en = f"The checkpoint of {size} was seen by {len(names)} of {many} witnesses"
        if self.reached(set(names)):
            return True, Text(f"{nl}: {listed}.", f"{en}: {listed}.")
        return False, Text(
            f"{nl} ({listed}): minder dan het beleid vraagt.",
            f"{en} ({listed}): fewer than the policy asks.",
        )

    def reached(self, names: AbstractSet[str]) -> bool:
        """Whether these witnesses together are enough."""
        return self.quorum == NONE or self._holds(self.quorum, names)

    def _holds(self, name: str, names: AbstractSet[str]) -> bool:
        if name not in self.groups:
            return name in names
        least, members = self.groups[name]
        return sum(self._holds(member, names) for member in members) >= least


class _Reader:
    """One pass over a policy's lines; names must be defined before they are used."""

    def __init__(self) -> None:
        self.logs: list[VerifierKey] = []
        self.witnesses: list[Witness] = []
        self.groups: dict[str, tuple[int, tuple[str, ...]]] = {}
        self.members: set[str] = set()
        self.quorum = ""
        self.at = 0

    def read(self, text: str) -> WitnessPolicy:
        if len(text) > LARGEST_POLICY:
            raise self._wrong("het bestand is te groot", "the file is too large")
        for self.at, line in enumerate(text.split("\n"), 1):
            words = re.split(r"[ \t]+", line.strip(" \t"))
            if words[0] and not words[0].startswith("#"):
                self._line(words)
        if not self.quorum:
            raise self._wrong("er staat geen `quorum`", "there is no `quorum`")
        return WitnessPolicy(tuple(self.logs), tuple(self.witnesses), self.groups, self.quorum)

    def _line(self, words: list[str]) -> None:
        match words:
            case ["log", key, *rest] if len(rest) <= 1:
                self.logs.append(self._key(key, ED25519))
            case ["witness", name, key, *rest] if len(rest) <= 1:
                self._new(name)
                self.witnesses.append(Witness(name, self._key(key, COSIGNATURE), *rest))
            case ["group", name, least, *members] if members:
                self._group(name, least, members)
            case ["quorum", name] if not self.quorum:
                if name != NONE:
                    self._known(name)
                self.quorum = name
            case _:
                raise self._wrong("dit is geen regel ervan", "this is no line of one")

    def _wrong(self, nl: str, en: str) -> MalformedPolicy:
        return MalformedPolicy(self.at, nl, en)

    def _key(self, text: str, algorithm: int) -> VerifierKey:
        try:
            key = VerifierKey.parse(text)
        except MalformedNote as problem:
            raise self._wrong(problem.text.nl.rstrip("."), problem.text.en.rstrip(".")) from None
        if key.algorithm != algorithm:
            raise self._wrong("de sleutel is van een andere soort", "the key is of another kind")
        if key.public in {one.public for one in (*self.logs, *(w.key for w in self.witnesses))}:
            raise self._wrong("deze sleutel staat er al", "this key is there already")
        return key

    def _new(self, name: str) -> None:
        if name == NONE or name in self.groups or name in {one.name for one in self.witnesses}:
            raise self._wrong(f"de naam `{name}` is al bezet", f"the name `{name}` is taken")

    def _known(self, name: str) -> None:
        if name not in self.groups and name not in {one.name for one in self.witnesses}:
            raise self._wrong(f"`{name}` is nog niet genoemd", f"`{name}` is not defined yet")

    def _group(self, name: str, least: str, members: list[str]) -> None:
        self._new(name)
        for member in members:
            self._known(member)
            if member in self.members:
                raise self._wrong(f"`{member}` is al ergens lid", f"`{member}` is a member already")
            self.members.add(member)
        count = {"any": 1, "all": len(members)}.get(least) or (
            int(least) if _COUNT.fullmatch(least) else 0
        )
        if not 1 <= count <= len(members):
            raise self._wrong(
                f"`{least}` is geen aantal leden", f"`{least}` is no number of members"
            )
        self.groups[name] = (count, tuple(members))
