"""The keys that an auditor trusts while reading a log: those given, and those handed over to.

The old key signs the first checkpoint over the entry that names the new one (FORMAT.md section 3).
Whoever trusts the old key up to there may trust the new one from there on, and the old no longer.
"""

from collections.abc import Sequence

from registry.audit.checkpoint import (
    MalformedNote,
    UntrustedNote,
    VerifierKey,
    open_checkpoint,
    signers,
    split_note,
)
from registry.errors import Text


class KeyRing:
    """Which keys may sign the next checkpoint."""

    def __init__(self, keys: Sequence[VerifierKey]) -> None:
        self._trusted = list(keys)
        self._announced: list[tuple[int, str, str]] = []
        self._replaced: dict[str, int] = {}

    def __contains__(self, key: str) -> bool:
        return key in map(str, self._trusted)

    def announce(self, index: int, key: str, previous: str) -> None:
        """The log itself names a new key in this entry, which is not proven yet."""
        self._announced.append((index, key, previous))

    def settle(self, size: int) -> None:
        """A trusted checkpoint proves the entries before this size: what they hand over holds."""
        for index, key, previous in self._announced:
            if index < size and previous in self and previous not in self._replaced:
                self._replaced[previous] = index
                self._trust(key)

    def _trust(self, key: str) -> None:
        try:
            self._trusted.append(VerifierKey.parse(key))
        except MalformedNote:
            return  # names nobody, so nothing more can be signed: later checkpoints are refused

    def open(self, note: str) -> None:
        """Pass a checkpoint signed by a key that may; else :class:`UntrustedNote` says why."""
        open_checkpoint(note, self._trusted)
        good = [str(key) for key in signers(note, self._trusted)]
        if all(key in self._replaced for key in good):
            at = self._replaced[good[0]]
            raise UntrustedNote(
                f"Deze sleutel is bij regel {at} vervangen: {good[0]}.",
                f"This key was replaced at entry {at}: {good[0]}.",
            )

    def hint(self, note: str) -> Text:
        """Where the log announces a key that has signed this note, if it does."""
        made_by = {(each.name, each.key_id.hex()) for each in split_note(note)[1]}
        found = [one for one in self._announced if tuple(one[1].split("+")[:2]) in made_by]
        return Text(
            "".join(f" Regel {index} kondigt de sleutel aan: {key}" for index, key, _ in found),
            "".join(f" Entry {index} announces the key: {key}" for index, key, _ in found),
        )
