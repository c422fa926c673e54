"""Why what a caller shows is not believed: one wording, and the challenge of RFC 6750 and 9449."""

from registry.accounts import dpop
from registry.accounts.jwts import BadJwt
from registry.accounts.tables import Organisation
from registry.errors import NotSignedIn, Text

AGAIN = Text("Meld u opnieuw aan.", "Sign in again, or get a new token.")
_BEARER = 'Bearer error="invalid_token"'
_DPOP = f'DPoP error="{{}}", algs="{" ".join(dpop.ALGORITHMS)}"'


def not_signed_in(code: str, nl: str, en: str) -> NotSignedIn:
    """A credential of ours that counts no longer, or never did."""
    return NotSignedIn(
        f"credential-{code}",
        Text(f"Uw aanmelding {nl}.", f"Your credential {en}."),
        AGAIN,
        headers={"WWW-Authenticate": _BEARER},
    )


def refuse_organisation(organisation: Organisation) -> None:
    """Raise where the organisation is blocked."""
    if organisation.state == "blocked":
        raise not_signed_in(
            "organisation-blocked",
            "hoort bij een geblokkeerde organisatie",
            "is of a blocked organisation",
        )


def token_refused(wrong: BadJwt, scheme: str) -> NotSignedIn:
    """An access token of another issuer that does not hold."""
    challenge = _BEARER if scheme == "bearer" else _DPOP.format("invalid_token")
    return NotSignedIn(
        f"token-{wrong.code}",
        Text(f"Uw token telt hier niet. {wrong.text.nl}", f"The token is refused. {wrong.text.en}"),
        Text("Haal een nieuw token.", "Get a new token."),
        headers={"WWW-Authenticate": challenge},
    )


def proof_refused(wrong: BadJwt) -> NotSignedIn:
    """A DPoP proof that does not hold."""
    return NotSignedIn(
        f"proof-{wrong.code}",
        Text(
            f"Uw bewijs telt hier niet. {wrong.text.nl}", f"The proof is refused. {wrong.text.en}"
        ),
        Text("Maak voor elk verzoek een nieuw bewijs.", "Make a new proof for each request."),
        headers={"WWW-Authenticate": _DPOP.format("invalid_dpop_proof")},
    )


def unbound_refused(*, bound: bool) -> NotSignedIn:
    """A bound token without a proof by its key, or a proof for a token that is bound to none."""
    text = Text(
        "Dit token is gebonden aan een sleutel, en uw verzoek bewijst die niet.",
        "This token is bound to a key, which the request does not prove.",
    )
    if not bound:
        text = Text(
            "Dit token is aan geen sleutel gebonden.", "This token is not bound to any key."
        )
    return NotSignedIn(
        "token-unproven" if bound else "token-not-bound",
        text,
        Text(
            "Stuur een gebonden token als `Authorization: DPoP …` met een bewijs van zijn sleutel,"
            " een ander als `Bearer`.",
            "Send a bound token as `Authorization: DPoP …` with a proof by its key, another as"
            " `Bearer`.",
        ),
        headers={"WWW-Authenticate": _DPOP.format("invalid_token")},
    )
