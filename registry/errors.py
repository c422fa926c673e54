"""The errors a service may raise, as one tree.

::

    RegistryError
    ├── InvalidInput          422  a field is wrong; says which and the way out
    ├── NotSignedIn           401  no valid credential came with the request
    ├── NotAllowed            403  known caller, not permitted; gives the reason
    ├── NotFound              404  nothing of that name that this caller may know of
    ├── NotAcceptable         406  not available in the form that is asked for
    ├── Conflict              409  the thing is not in a state in which this can be done
    ├── Gone                  410  it existed and was ended (lapsed, revoked, withdrawn)
    ├── TooLarge              413  more bytes, columns or rows than we take
    ├── TooManyRequests       429  a limit of this caller or network is reached
    ├── Unavailable           503  we cannot now; trying again later helps
    └── StorageFull           507  no room; nothing was half-written

A refusal to give data is *not* an error but a decision with reasons; these are for requests that
cannot be carried out as asked. Texts are one plain sentence in Dutch and in English.
"""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Text:
    """One sentence in the product's two languages."""

    nl: str
    en: str

    def in_language(self, language: str) -> str:
        """The Dutch text for ``nl``, else the English one."""
        return self.nl if language == "nl" else self.en


@dataclass(frozen=True)
class FieldProblem:
    """What is wrong with one field: its path (``terms.lines.0.statement``) and a sentence."""

    path: str
    text: Text


@dataclass(eq=False)
class RegistryError(Exception):
    """Something that could not be done; rendered as an RFC 9457 problem, a page or a CLI message.

    :param code: stable kebab-case name, the tail of the problem's ``type``.
    :param text: what happened and why, in one sentence.
    :param help: the way out; may be empty where there is none.
    :param fields: which fields are wrong, if any.
    :param headers: HTTP headers that belong to the answer (``Retry-After``, ``Content-Range``).
    """

    code: str
    text: Text
    help: Text = Text("", "")
    fields: tuple[FieldProblem, ...] = ()
    headers: dict[str, str] = field(default_factory=dict)

    status = 500

    def __str__(self) -> str:
        return f"{self.code}: {self.text.en}"


class InvalidInput(RegistryError):
    """A field is missing or wrong."""

    status = 422


class NotSignedIn(RegistryError):
    """No valid credential came with the request."""

    status = 401


class NotAllowed(RegistryError):
    """The caller is known and this is not permitted."""

    status = 403


class NotFound(RegistryError):
    """Nothing of that name that this caller may know of."""

    status = 404


class NotAcceptable(RegistryError):
    """Not available in the form that is asked for."""

    status = 406


class Conflict(RegistryError):
    """The thing is not in a state in which this can be done."""

    status = 409


class Gone(RegistryError):
    """It existed and was ended."""

    status = 410


class TooLarge(RegistryError):
    """More than we take."""

    status = 413


class TooManyRequests(RegistryError):
    """A limit of this caller or network is reached."""

    status = 429


class Unavailable(RegistryError):
    """Not possible now; later may help."""

    status = 503


class StorageFull(RegistryError):
    """No room; nothing was half-written."""

    status = 507
