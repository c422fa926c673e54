"""Checking a file an auditor was given (export, population, receipt), and the words for it."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from registry.audit.checkpoint import Checkpoint, UntrustedNote, VerifierKey, open_checkpoint
from registry.audit.population_check import FIRST_BYTES, told, verify_population
from registry.audit.receipts import FIRST_LINE, verify_receipt
from registry.audit.verification import verify_export
from registry.errors import InvalidInput, RegistryError, Text

Result = tuple[bool, list[str]]

NOT_AS_SIGNED, TROUBLE = 1, 2
"""Exit status where something is not what the log signed, and where it could not be checked."""


class UnreadableFile(InvalidInput):
    """A file that is not there or cannot be read."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(
            "unreadable-file",
            Text(f"`{path}` is niet te lezen: {reason}.", f"`{path}` cannot be read: {reason}."),
        )


def verify_file(
    file: Path, keys: Sequence[str], checkpoints: Sequence[Path], language: str
) -> Result:
    """Check an export, a population or a receipt; whether all is well, and sentences that say so.

    :param keys: verifier keys, or names of files that hold one.
    :param checkpoints: files with checkpoints that the auditor holds already.
    :raises RegistryError: a key, a checkpoint or the file itself is not what it should be.
    """
    known = [VerifierKey.parse(key if "+" in key else _text(Path(key))) for key in keys]
    held = [open_checkpoint(_text(path), known) for path in checkpoints]
    try:
        with file.open("rb") as opened:
            start = opened.read(len(FIRST_LINE))
            if start == FIRST_LINE.encode():
                return _receipt(_text(file), known, language)
            if start.startswith(FIRST_BYTES):
                return _population(file, known, held, language)
            opened.seek(0)
            result = verify_export(opened, known, held)
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


def _receipt(text: str, keys: Sequence[VerifierKey], language: str) -> Result:
    entry, checkpoint = verify_receipt(text, keys)
    return True, [_proven(entry.act, entry.id, checkpoint).in_language(language)]


def _population(
    file: Path, keys: Sequence[VerifierKey], held: Sequence[Checkpoint], language: str
) -> Result:
    report, result = verify_population(file, keys, held)
    return result.ok, [told(report).in_language(language), *result.sentences(language)]


def _proven(act: str, entry_id: str, checkpoint: Checkpoint) -> Text:
    origin, size = checkpoint.head.origin, checkpoint.size
    return Text(
        f"In orde: `{act}` ({entry_id}) staat in `{origin}`, ondertekend bij {size} regels.",
        f"Good: `{act}` ({entry_id}) stands in `{origin}`, signed at {size} entries.",
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """The offline verifier as a program of its own: one file, Python and ``cryptography``.

    :returns: 0 where all is as it was signed, 1 where it is not, 2 where it could not be checked.
    """
    parser = argparse.ArgumentParser(
        prog="vrijgave-verify",
        description="Check an export, a population or a receipt of a Vrijgave audit log, offline.",
    )
    parser.add_argument(
        "file", type=Path, help="an export, a population, or a receipt (.tlog-proof)"
    )
    parser.add_argument(
        "--key",
        action="append",
        required=True,
        help="the log's verifier key, or a file that holds it; may be repeated",
    )
    parser.add_argument(
        "--checkpoint", action="append", type=Path, default=[], help="a checkpoint held already"
    )
    parser.add_argument("--lang", choices=["nl", "en"], default="en", help="language")
    given = parser.parse_args(arguments)
    try:
        good, sentences = verify_file(given.file, given.key, given.checkpoint, given.lang)
    except RegistryError as problem:
        words = f"{problem.text.in_language(given.lang)} {problem.help.in_language(given.lang)}"
        sys.stderr.write(words.rstrip() + "\n")
        return exit_status(problem)
    sys.stdout.write("\n".join(sentences) + "\n")
    return 0 if good else NOT_AS_SIGNED
