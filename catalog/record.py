"""One published dataset as every catalogue tells it: the record that all renderings are made of.

It has two layers of rights, which no rendering may mix: ``metadata_licence`` is for the record
itself, ``content`` for the items. It holds nothing that anyone may not see.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Words:
    """A text in Dutch and in English; either may be empty."""

    nl: str = ""
    en: str = ""

    def __bool__(self) -> bool:
        """Whether it says anything."""
        return bool(self.nl or self.en)


@dataclass(frozen=True, slots=True)
class Agent:
    """An organisation or a person, by address and name."""

    iri: str
    name: str
    kind: str = "organisation"


@dataclass(frozen=True, slots=True)
class Contact:
    """Whom to ask: a name with a mail address or a web address."""

    name: str
    address: str

    @property
    def by_mail(self) -> bool:
        """Whether the address is one of mail."""
        return "@" in self.address and not self.address.startswith("http")


@dataclass(frozen=True, slots=True)
class RecordColumn:
    """A content column of the edition; a withheld one is NULL in every extract."""

    name: str
    type: str
    title: Words
    withheld: bool


@dataclass(frozen=True, slots=True)
class Content:
    """What is known of the rights in the items.

    :param statements: canonical IRIs of rights statements, those of ten items or more.
    :param others: whether some items have other statements, or too few to be told.
    :param offer: the ODRL offer in force; None where nobody can ask for the items now.
    :param offer_iri: where the offer stands.
    :param digest: of the offer, ``sha256:…``.
    """

    statements: tuple[str, ...] = ()
    others: bool = False
    offer: Mapping[str, Any] | None = None
    offer_iri: str = ""
    digest: str = ""

    @property
    def access(self) -> str:
        """Its word in the European list of access rights: items always take an agreement."""
        return "RESTRICTED" if self.offer is not None else "NON_PUBLIC"


@dataclass(frozen=True, slots=True)
class Record:
    """A published dataset with one of its editions.

    :param id: the dataset's own id here, by which records sort from old to new.
    :param iri: its lasting address, which is also the page about it.
    :param name: ``archive/dataset``, and with ``@`` and the version its reference.
    :param version: the edition's number.
    :param modified: when anything in this record last changed.
    :param catalogue: address of the catalogue that it stands in.
    :param begins: first year or day that the items are about, ``ends`` the last; "" for unknown.
    """

    id: str
    iri: str
    name: str
    version: int
    title: Words
    description: Words
    publisher: Agent
    creators: tuple[Agent, ...]
    contact: Contact
    created: datetime
    issued: datetime
    modified: datetime
    metadata_licence: str
    content: Content
    items: int
    columns: tuple[RecordColumn, ...]
    catalogue: str
    keywords: tuple[tuple[str, str], ...] = ()
    """Each with its language."""
    themes: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    spatial: tuple[str, ...] = ()
    begins: str = ""
    ends: str = ""
    identifiers: tuple[str, ...] = ()

    @property
    def reference(self) -> str:
        """``archive/dataset@3``."""
        return f"{self.name}@{self.version}"

    @property
    def period(self) -> tuple[str, ...]:
        """First and last year or day that the items are about; nothing where neither is known."""
        return (self.begins, self.ends) if self.begins or self.ends else ()

    @property
    def mailbox(self) -> Contact | None:
        """Whom to ask, where that is by mail."""
        return self.contact if self.contact.by_mail else None

    @property
    def citation(self) -> str:
        """How the edition is cited (DataCite's recommended form)."""
        makers = "; ".join(agent.name for agent in self.creators)
        title = self.title.en or self.title.nl
        head = f"{makers} ({self.issued.year}): {title}. Edition {self.version}."
        return f"{head} {self.publisher.name}. {(*self.identifiers, self.iri)[0]}"

    @property
    def withheld(self) -> tuple[str, ...]:
        """Names of the columns that are NULL in every extract."""
        return tuple(column.name for column in self.columns if column.withheld)


RESTRICTIONS = {
    "content.access": ("toegang op aanvraag", "access on request"),
    "content.offer": ("de voorwaarden van het aanbod (ODRL)", "the terms of the offer (ODRL)"),
    "content.statements": ("rechtenverklaringen", "rights statements"),
    "content.others": ("items met andere verklaringen", "items with other statements"),
    "withheld": ("kolommen die leeg blijven", "columns that stay empty"),
}
"""What a record says that restricts use of the items, by field, in words."""


def restrictions(record: Record) -> frozenset[str]:
    """The fields of this record that restrict."""
    content = record.content
    said = {
        "content.access": True,
        "content.offer": content.offer is not None,
        "content.statements": bool(content.statements),
        "content.others": content.others,
        "withheld": bool(record.withheld),
    }
    return frozenset(field for field, applies in said.items() if applies)
