"""Checking a file an auditor was given (export, population, receipt), and the words for it."""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from registry.audit.checkpoint import (
    LARGEST_NOTE,
    Checkpoint,
    UntrustedNote,
    VerifierKey,
    open_checkpoint,
)
from registry.audit.packs import is_pack, verify_pack
from registry.audit.population_check import FIRST_BYTES, verify_population
from registry.audit.population_check import told as told_of
from registry.audit.quorum import WitnessPolicy
from registry.audit.receipts import FIRST_LINE, verify_receipt
from registry.audit.verification import verify_export
from registry.errors import InvalidInput, RegistryError, Text

Result = tuple[bool, list[str]]
_SIGNED = "\n\n— ".encode()
"""What every signed note has before its first signature."""

NOT_AS_SIGNED, TROUBLE = 1, 2
"""Exit status where something is not what the log signed, and where it could not be checked."""


class UnreadableFile(InvalidInput):
    """A file that is not there or cannot be read."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(
            "unreadable-file",
            Text(f"`{path}` is niet te lezen: {reason}.", f"`{path}` cannot be read: {reason}."),
        )


@dataclass(frozen=True)
class _Trust:
    """What an auditor holds already, having got it by another way than from the log."""

    keys: tuple[VerifierKey, ...]
    checkpoints: tuple[Checkpoint, ...]
    policy: WitnessPolicy | None


def _trust(keys: Sequence[str], checkpoints: Sequence[Path], policy: Path | None) -> _Trust:
    texts = [key if "+" in key else _text(Path(key)) for key in keys]
    known = tuple(VerifierKey.parse(line) for text in texts for line in text.split("\n") if line)
    held = tuple(open_checkpoint(_text(path), known) for path in checkpoints)
    return _Trust(known, held, WitnessPolicy.parse(_text(policy)) if policy else None)


def verify_file(
    file: Path,
    keys: Sequence[str],
    checkpoints: Sequence[Path],
    language: str,
    policy: Path | None = None,
) -> Result:
    """Check an export, population, evidence pack, receipt or checkpoint: whether it holds, and why.

    :param keys: verifier keys, or names of files with one on each line.
    :param checkpoints: files with checkpoints that the auditor holds already.
    :param policy: a file that says which witnesses must have seen the last checkpoint.
    :raises RegistryError: one of the files is not what it should be.
    """
    trust = _trust(keys, checkpoints, policy)
    try:
        with file.open("rb") as opened:
            start = opened.read(LARGEST_NOTE)
            if start.startswith(FIRST_LINE.encode()):
                return _receipt(_text(file), trust, language)
            if start.startswith(FIRST_BYTES) and is_pack(file):
                good, told = verify_pack(file, trust.keys)
                return good, [text.in_language(language) for text in told]
            if start.startswith(FIRST_BYTES):
                return _population(file, trust, language)
            if not start.startswith(b"{") and _SIGNED in start:
                return _checkpoint(_text(file), trust, language)
            opened.seek(0)
            result = verify_export(opened, trust.keys, trust.checkpoints, trust.policy)
    except OSError as error:
        raise UnreadableFile(file, error.strerror or "?") from None
    return result.ok, result.sentences(language)


def exit_status(problem: RegistryError) -> int:
    """The exit status that tells a broken proof from a file that could not be read."""
    return NOT_AS_SIGNED if isinstance(problem, UntrustedNote) else TROUBLE


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise UnreadableFile(path, error.strerror or "?") from None
    except UnicodeDecodeError:
        raise UnreadableFile(path, "UTF-8") from None


def _population(file: Path, trust: _Trust, language: str) -> Result:
    report, result = verify_population(file, trust.keys, trust.checkpoints)
    return result.ok, [told_of(report).in_language(language), *result.sentences(language)]


def _receipt(text: str, trust: _Trust, language: str) -> Result:
    entry, checkpoint = verify_receipt(text, trust.keys)
    origin, size = checkpoint.head.origin, checkpoint.size
    proven = Text(
        f"`{entry.act}` ({entry.id}) staat in `{origin}`, ondertekend bij {size} regels.",
        f"`{entry.act}` ({entry.id}) stands in `{origin}`, signed at {size} entries.",
    )
    return _judged(proven, checkpoint, trust, language)


def _checkpoint(text: str, trust: _Trust, language: str) -> Result:
    checkpoint = open_checkpoint(text, trust.keys)
    origin, size = checkpoint.head.origin, checkpoint.size
    signed = Text(
        f"`{origin}` heeft {size} regels ondertekend.", f"`{origin}` has signed {size} entries."
    )
    return _judged(signed, checkpoint, trust, language)


def _judged(proven: Text, checkpoint: Checkpoint, trust: _Trust, language: str) -> Result:
    """What holds of a checkpoint beside its signature: one history, and enough witnesses."""
    told, good = [proven], True
    for held in trust.checkpoints:
        if (held.head.origin, held.size) == (checkpoint.head.origin, checkpoint.size):
            good &= held.root == checkpoint.root
    if not good:
        told.append(_two_histories(checkpoint.size))
    if trust.policy is not None:
        enough, said = trust.policy.judge(checkpoint.note, checkpoint.size)
        told.append(said)
        good &= enough
    verdict = Text("In orde.", "Good.") if good else Text("NIET in orde.", "NOT good.")
    return good, [text.in_language(language) for text in [*told, verdict]]


def _two_histories(size: int) -> Text:
    return Text(
        f"Er zijn twee ondertekende controlepunten van {size} regels met verschillende wortels:"
        " het logboek heeft twee geschiedenissen getoond.",
        f"There are two signed checkpoints of {size} entries with different roots:"
        " the log has shown two histories.",
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """The offline verifier as a program of its own: one file, Python and ``cryptography``.

    :returns: 0 where all is as it was signed, 1 where it is not, 2 where it could not be checked.
    """
    parser = argparse.ArgumentParser(
        prog="vrijgave-verify",
        description="Check what was taken out of a Vrijgave audit log, offline.",
        epilog="Exit status: 0 all is as it was signed, 1 it is not, 2 it could not be checked.",
    )
    parser.add_argument(
        "file", type=Path, help="an export, population, evidence pack, receipt or checkpoint"
    )
    parser.add_argument(
        "--key",
        action="append",
        required=True,
        help="the log's verifier key, or a file with one on each line; may be repeated",
    )
    parser.add_argument(
        "--checkpoint", action="append", type=Path, default=[], help="a checkpoint held already"
    )
    parser.add_argument("--policy", type=Path, help="which witnesses there must be (tlog-policy)")
    parser.add_argument("--lang", choices=["nl", "en"], default="en", help="language")
    given = parser.parse_args(arguments)
    try:
        good, sentences = verify_file(
            given.file, given.key, given.checkpoint, given.lang, given.policy
        )
    except RegistryError as problem:
        words = f"{problem.text.in_language(given.lang)} {problem.help.in_language(given.lang)}"
        sys.stderr.write(words.rstrip() + "\n")
        return exit_status(problem)
    sys.stdout.write("\n".join(sentences) + "\n")
    return 0 if good else NOT_AS_SIGNED
