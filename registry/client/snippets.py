"""Lines to copy and paste that read an extract in pandas and in DuckDB, with the credential.

The pages, the manifest's answer and the README show these same lines, and tests run them against
the real clients.
"""

from dataclasses import dataclass

TOKEN_PLACE = "YOUR-TOKEN"  # noqa: S105 -- the place where the reader's token goes


@dataclass(frozen=True)
class Snippet:
    """Lines for one client: its name, the language they are written in, and the text."""

    client: str
    language: str
    text: str


def part_address(origin: str, extract_id: str, number: int) -> str:
    """Where a part is read; `origin` has no slash at its end."""
    return f"{origin}/v1/extracts/{extract_id}/parts/{number}"


def snippets(
    origin: str, extract_id: str, parts: int, token: str = TOKEN_PLACE
) -> tuple[Snippet, ...]:
    """The lines for every client we know, for an extract of this many parts."""
    addresses = [part_address(origin, extract_id, number) for number in range(1, parts + 1)]
    return (
        Snippet("pandas", "python", _pandas(addresses, token)),
        Snippet("DuckDB", "sql", _duckdb(f"{origin}/v1/extracts/{extract_id}/", addresses, token)),
        Snippet("vrijgave", "shell", _pull(f"{origin}/v1/extracts/{extract_id}", token)),
    )


def _pandas(addresses: list[str], token: str) -> str:
    listed = "".join(f'    "{address}",\n' for address in addresses)
    return (
        "import pandas as pd\n\n"
        f'headers = {{"Authorization": "Bearer {token}"}}\n'
        f"parts = [\n{listed}]\n"
        "frame = pd.concat(pd.read_parquet(part, storage_options=headers) for part in parts)\n"
    )


def _duckdb(scope: str, addresses: list[str], token: str) -> str:
    listed = "".join(f"  '{address}',\n" for address in addresses).removesuffix(",\n")
    return (
        "INSTALL httpfs; LOAD httpfs;\n"
        f"CREATE SECRET vrijgave (TYPE http, BEARER_TOKEN '{token}', SCOPE '{scope}');\n"
        f"SELECT * FROM read_parquet([\n{listed}\n]);\n"
    )


def _pull(address: str, token: str) -> str:
    return f"VRIJGAVE_TOKEN={token} vrijgave pull {address} -o extract\n"
