"""The promises that a checkup holds the stored state to, and what it says when one is broken."""

from dataclasses import dataclass
from enum import StrEnum

from registry.errors import Text


class Promise(StrEnum):
    """What must be so, whatever crashed."""

    SIGNED = "signed"
    """Entries, tree, checkpoints and the second head store tell one history."""
    RECORDED = "recorded"
    """Every act has its entry, and every entry its act, once."""
    WHOLE = "whole"
    """Every file that a row names is there, complete, with the hash it was registered with."""
    ALLOWED = "allowed"
    """No access before the agreement was accepted, none after it ended."""
    COUNTED = "counted"
    """Every byte that left belongs to a range of an access, and the log says how many."""


WORDS = {
    Promise.SIGNED: Text("ondertekend", "signed"),
    Promise.RECORDED: Text("vastgelegd", "recorded"),
    Promise.WHOLE: Text("heel", "whole"),
    Promise.ALLOWED: Text("toegestaan", "allowed"),
    Promise.COUNTED: Text("geteld", "counted"),
}


@dataclass(frozen=True)
class Finding:
    """One broken promise.

    :param subject: id of the row, or key of the file, that it is about.
    """

    promise: Promise
    subject: str
    text: Text
