"""The service's settings: the only reader of the environment.

Every field is an environment variable with the prefix ``VRIJGAVE_`` (``VRIJGAVE_DATABASE_URL``), or
stands in the file that ``VRIJGAVE_<NAME>_FILE`` names, or in a file of the variable's name in the
folder ``VRIJGAVE_SECRETS_DIR``. The defaults run the whole product on one machine with nothing to
configure.
"""

import os
from datetime import date
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    Field,
    HttpUrl,
    SecretStr,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from connectors.fetching import LOOPBACK, Networks
from registry.addresses import is_secure


def _words(told: object) -> object:
    return told.split() if isinstance(told, str) else told


def _issuer(name: str) -> str:
    if not is_secure(name):
        raise ValueError(f"`{name}` is no https address, nor http on this machine")
    return name


def _named_files() -> dict[str, str]:
    """Variables whose values are in files, as ``VRIJGAVE_<NAME>_FILE`` names them."""
    return {
        name.lower().removesuffix("_file"): _content(name, Path(path))
        for name, path in os.environ.items()
        if name.upper().startswith("VRIJGAVE_") and name.upper().endswith("_FILE")
    }


def _content(name: str, path: Path) -> str:
    try:
        return path.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{name} names a file that cannot be read: {error}") from None


class Place(BaseModel, frozen=True, extra="forbid"):
    """A bucket of an archive's own, whose files are read where they stand.

    :param archive: short name of the archive whose it is.
    :param url: s3://bucket/prefix
    :param country: where it stands (ISO 3166-1).
    :param endpoint: address of an S3 server that is not Amazon's.
    :param bucket_region: as its provider names it.
    :param patience: seconds to try again while it does not answer.
    """

    archive: str
    url: Annotated[str, Field(pattern=r"^s3://[^/]+")]
    country: Annotated[str, Field(pattern="^[A-Z]{2}$")]
    endpoint: str = ""
    bucket_region: str = "us-east-1"
    access_key: str = ""
    secret_key: SecretStr = SecretStr("")
    patience: Annotated[float, Field(gt=0, le=300)] = 20.0


class SignInProvider(BaseModel, frozen=True, extra="forbid"):
    """An OpenID provider through which people sign in.

    :param issuer: as it names itself.
    :param title: as people know it.
    :param client_id: what it knows this service by.
    :param scope: what is asked of it.
    :param domains: domains of e-mail addresses that it speaks for: whoever it says has such an
        address gets the seat of that address.
    :param groups_claim: the claim that lists a person's groups.
    :param groups: short name of an organisation per group; where there are any, nobody comes in for
        an organisation without being in its group.
    :param second_factor: values of `amr` or `acr` that mean a second factor was used.
    :param step_up: `acr_values` to ask for where one is needed and was not used.
    """

    issuer: Annotated[str, AfterValidator(_issuer)]
    title: Annotated[str, Field(min_length=1, max_length=60)]
    client_id: str
    client_secret: SecretStr = SecretStr("")
    scope: Annotated[str, Field(pattern=r"^openid( [!-~]+)*$")] = "openid email profile"
    domains: tuple[Annotated[str, Field(pattern=r"^[a-z0-9.-]+$")], ...] = ()
    groups_claim: str = "groups"
    groups: dict[str, str] = Field(default_factory=dict)
    second_factor: tuple[str, ...] = ("mfa",)
    step_up: str = ""


class Settings(BaseSettings):
    """Frozen settings; each description is shown by ``vrijgave config show``."""

    model_config = SettingsConfigDict(
        env_prefix="VRIJGAVE_",
        frozen=True,
        extra="forbid",
        secrets_dir=os.environ.get("VRIJGAVE_SECRETS_DIR"),
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """A variable itself before the file that another names, before the secrets folder."""
        named = EnvSettingsSource(settings_cls)
        named.env_vars = _named_files()
        return init_settings, env_settings, named, file_secret_settings

    home: Annotated[Path, Field(description="Folder of the database, files and keys.")] = Path(
        "var"
    )
    database_url: Annotated[
        str, Field(description="SQLAlchemy URL; empty means SQLite in the home folder.")
    ] = ""
    base_url: Annotated[
        HttpUrl, Field(description="Address under which people and machines reach the service.")
    ] = HttpUrl("http://127.0.0.1:8000")
    tls_in_front: Annotated[
        bool, Field(description="A proxy with TLS stands before the service.")
    ] = False
    patience_seconds: Annotated[
        float,
        Field(
            description="Seconds in which a client must have sent a request's headers, and may"
            " stall within a body; a reader may stall six times as long.",
            gt=0,
        ),
    ] = 10.0
    rate_client: Annotated[
        int, Field(description="Requests a minute of one token or session; 0: no bound.", ge=0)
    ] = 30_000
    rate_network: Annotated[
        int,
        Field(description="Requests a minute of one address (IPv6: /64); 0: no bound.", ge=0),
    ] = 60_000
    rate_signing_in: Annotated[
        int,
        Field(
            description="Requests a minute of one address (IPv6: /64) to sign up, sign in or get a"
            " token; 0: no bound.",
            ge=0,
        ),
    ] = 60
    token_issuers: Annotated[
        tuple[Annotated[str, AfterValidator(_issuer)], ...],
        NoDecode,
        BeforeValidator(_words),
        Field(
            description="Issuers whose access tokens machines may show (RFC 9068), as each names"
            " itself, separated by spaces."
        ),
    ] = ()
    outbound_networks: Annotated[
        tuple[IPv4Network | IPv6Network, ...],
        NoDecode,
        BeforeValidator(_words),
        Field(
            description="Closed networks (CIDR, separated by spaces) in which webhooks, issuers and"
            " witnesses may be; without, only the open internet is asked."
        ),
    ] = ()
    sign_in_providers: Annotated[
        dict[Annotated[str, Field(pattern="^[a-z0-9][a-z0-9-]{0,59}$")], SignInProvider],
        Field(
            description="OpenID providers through which people sign in: a JSON object of providers"
            " by name, with issuer, title, client_id, client_secret, scope, domains, groups_claim,"
            " groups, second_factor and step_up; best a file in the secrets folder."
        ),
    ] = Field(default_factory=dict)
    second_factor_roles: Annotated[
        tuple[Literal["archive", "user", "auditor", "operator"], ...],
        NoDecode,
        BeforeValidator(_words),
        Field(
            description="Roles that must sign in with a second factor, separated by spaces; holds"
            " as soon as there is a provider."
        ),
    ] = ("archive", "auditor", "operator")
    witness_policy: Annotated[
        Path | None,
        Field(
            description="File that names the log's witnesses and their quorum (C2SP tlog-policy)."
        ),
    ] = None
    security_contact: Annotated[
        str,
        Field(
            description="Where to report a weakness (mailto: or https:), told in security.txt.",
            pattern=r"^((mailto:|https://)[!-~]+)?$",
        ),
    ] = ""
    security_contact_until: Annotated[
        date | None,
        Field(description="Last day on which that contact is answered; needed for security.txt."),
    ] = None
    store_region: Annotated[
        str, Field(description="Country where this service stores and processes (ISO 3166-1).")
    ] = "NL"
    node_region: Annotated[
        str,
        Field(description="Country where this very process runs; empty: where the store is."),
    ] = ""
    store: Annotated[
        str,
        Field(
            description="Where files are kept: a folder or s3://bucket/prefix; empty means `files`"
            " in the home folder."
        ),
    ] = ""
    store_endpoint: Annotated[
        str, Field(description="Address of an S3 server that is not Amazon's.")
    ] = ""
    store_bucket_region: Annotated[
        str, Field(description="Region of the bucket, as its provider names it.")
    ] = "us-east-1"
    store_access_key: Annotated[str, Field(description="Access key of the bucket.")] = ""
    store_secret_key: Annotated[SecretStr, Field(description="Secret key of the bucket.")] = (
        SecretStr("")
    )
    places: Annotated[
        dict[Annotated[str, Field(pattern="^[a-z0-9][a-z0-9-]{0,59}$")], Place],
        Field(
            description="Archives' own buckets that are read where they stand: a JSON object of"
            " places by name, with archive, url, country, endpoint, bucket_region, access_key and"
            " secret_key; as it holds secrets, best a file in the secrets folder."
        ),
    ] = Field(default_factory=dict)
    accel_prefix: Annotated[
        str,
        Field(
            description="Internal location of the front server that sends the files"
            " (X-Accel-Redirect); empty: this service sends them.",
            pattern=r"^(/[A-Za-z0-9_/-]+)?$",
        ),
    ] = ""
    upload_limit_bytes: Annotated[
        int, Field(description="Largest delivery taken, in bytes.", gt=0)
    ] = 20 * 1024**3
    smtp_host: Annotated[
        str, Field(description="Mail server; empty: messages stay in the outbox.")
    ] = ""
    smtp_port: Annotated[int, Field(description="Port of the mail server.", ge=1, le=65535)] = 587
    smtp_security: Annotated[
        Literal["none", "starttls", "tls"],
        Field(description="How the way to the mail server is secured."),
    ] = "starttls"
    smtp_user: Annotated[str, Field(description="User at the mail server; empty: none.")] = ""
    smtp_password: Annotated[SecretStr, Field(description="Password of that user.")] = SecretStr("")
    smtp_sender: Annotated[
        str,
        Field(description="Address that mail comes from.", pattern=r"^([^@\s<>]+@[^@\s<>]+)?$"),
    ] = ""
    retention_people_months: Annotated[
        int, Field(description="Months after which people who no longer come are erased.", ge=1)
    ] = 60
    retention_addresses_months: Annotated[
        int, Field(description="Months that network addresses of readings are kept.", ge=1)
    ] = 60
    retention_messages_months: Annotated[
        int, Field(description="Months that messages to people are kept.", ge=1)
    ] = 60
    retention_claims_months: Annotated[
        int, Field(description="Months that who made a decided claim is kept.", ge=1)
    ] = 60
    engine: Annotated[
        Literal["duckdb", "daft"],
        Field(description="What cuts extracts: duckdb, or daft (install `vrijgave[cluster]`)."),
    ] = "duckdb"
    engine_cluster: Annotated[
        str, Field(description="Address of the Ray cluster that daft runs on; empty: here.")
    ] = ""
    extract_slots: Annotated[int, Field(description="Extracts cut at once.", ge=1, le=64)] = 2
    extract_quota_bytes: Annotated[
        int, Field(description="Bytes of extracts an organisation may have; 0: no bound.", ge=0)
    ] = 0
    extract_memory_mb: Annotated[
        int, Field(description="DuckDB's memory for one extract, in MB.", ge=64)
    ] = 512
    extract_seconds: Annotated[
        int, Field(description="Longest time one extract may take, in seconds.", ge=1)
    ] = 3600

    @model_validator(mode="after")
    def _mail_is_whole(self) -> Self:
        if self.smtp_host and not self.smtp_sender:
            raise ValueError("smtp_sender is missing: name the address that mail comes from")
        if self.smtp_user and self.smtp_security == "none":
            raise ValueError("smtp_user needs smtp_security starttls or tls: its password is read")
        return self

    @property
    def roles_without_links(self) -> frozenset[str]:
        """Roles for which a link by e-mail is too little to sign in with."""
        return frozenset(self.second_factor_roles if self.sign_in_providers else ())

    @property
    def sqlalchemy_url(self) -> str:
        """The database's URL with the default filled in."""
        return self.database_url or f"sqlite:///{self.home.absolute() / 'vrijgave.sqlite'}"

    @property
    def on_loopback(self) -> bool:
        """Whether the service is reached on this machine only, as in a demonstration."""
        return self.base_url.host in {"127.0.0.1", "localhost", "[::1]"}

    @property
    def closed_networks(self) -> Networks:
        """Networks that are asked besides the open internet; this machine's own where it is."""
        return self.outbound_networks + (LOOPBACK if self.on_loopback else ())

    @property
    def node(self) -> str:
        """Country where this very process runs."""
        return self.node_region or self.store_region

    @property
    def regions(self) -> frozenset[str]:
        """Countries in which the bytes stand and pass: the store's and this node's."""
        return frozenset({self.store_region, self.node})

    @property
    def origin(self) -> str:
        """Scheme, host and port of :attr:`base_url`, without a slash at the end."""
        return str(self.base_url).rstrip("/")
