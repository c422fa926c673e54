"""Lines to copy and paste that read an extract in the clients we know, with the credential.

The pages, the API, the manifest and the README show these same lines, and tests run them against
the real clients.
"""

from dataclasses import dataclass

TOKEN_PLACE = "YOUR-TOKEN"  # noqa: S105 -- the place where the reader's token goes


DELTA_SCHEMA, DELTA_TABLE = "vrijgave", "items"
"""The one table of an extract, as Delta Sharing names it."""


@dataclass(frozen=True)
class Snippet:
    """Lines for one client: its name, the language they are written in, and the text."""

    client: str
    language: str
    text: str


def part_address(origin: str, extract_id: str, number: int) -> str:
    """Where a part is read; `origin` has no slash at its end."""
    return f"{origin}/v1/extracts/{extract_id}/parts/{number}"


def linked_address(origin: str, extract_id: str, number: int, signed: str) -> str:
    """Where a part is read without a header, by a signed link."""
    return f"{part_address(origin, extract_id, number)}?link={signed}"


def snippets(
    origin: str, extract_id: str, parts: int, token: str = TOKEN_PLACE
) -> tuple[Snippet, ...]:
    """The lines for every client we know, for an extract of this many parts."""
    extract = f"{origin}/v1/extracts/{extract_id}"
    addresses = [part_address(origin, extract_id, number) for number in range(1, parts + 1)]
    listed = "".join(f'    "{address}",\n' for address in addresses)
    python = f'headers = {{"Authorization": "Bearer {token}"}}\nparts = [\n{listed}]\n'
    return (
        Snippet("pandas", "python", _PANDAS + python + _PANDAS_READ),
        Snippet("DuckDB", "sql", _duckdb(f"{extract}/", addresses, token)),
        Snippet("Polars", "python", _polars(extract, token)),
        Snippet("PyArrow", "python", _PYARROW + python + _PYARROW_READ),
        Snippet("Hugging Face datasets", "python", _DATASETS + python + _DATASETS_READ),
        Snippet("Delta Sharing", "python", _delta(origin, extract_id, token)),
        Snippet(
            "vrijgave", "shell", f"VRIJGAVE_TOKEN={token} vrijgave pull {extract} -o extract\n"
        ),
    )


_PANDAS = "import pandas as pd\n\n"
_PANDAS_READ = (
    "frame = pd.concat(pd.read_parquet(part, storage_options=headers) for part in parts)\n"
)
_PYARROW = "import fsspec\nimport pyarrow as pa\nimport pyarrow.parquet as pq\n\n"
_PYARROW_READ = (
    'http = fsspec.filesystem("https", headers=headers)\n'
    "table = pa.concat_tables(pq.read_table(http.open(part)) for part in parts)\n"
)
_DATASETS = "from datasets import load_dataset\n\n"
_DATASETS_READ = (
    'options = {"headers": headers}\n'
    'data = load_dataset("parquet", data_files=parts, storage_options=options, split="train")\n'
)


def _duckdb(scope: str, addresses: list[str], token: str) -> str:
    listed = "".join(f"  '{address}',\n" for address in addresses).removesuffix(",\n")
    return (
        "INSTALL httpfs; LOAD httpfs;\n"
        f"CREATE SECRET vrijgave (TYPE http, BEARER_TOKEN '{token}', SCOPE '{scope}');\n"
        f"SELECT * FROM read_parquet([\n{listed}\n]);\n"
    )


def _polars(extract: str, token: str) -> str:
    """Polars sends no header of ours, so it reads by a signed link of an hour."""
    return (
        "import json\nimport urllib.request\n\nimport polars as pl\n\n"
        f'headers = {{"Authorization": "Bearer {token}", "Content-Type": "application/json"}}\n'
        f'links = "{extract}/links"\n'
        "asked = urllib.request.Request(links, b'{\"minutes\": 60}', headers)\n"
        "with urllib.request.urlopen(asked) as answer:\n"
        '    parts = [part["address"] for part in json.load(answer)["parts"]]\n'
        "frame = pl.scan_parquet(parts).collect()\n"
    )


def _delta(origin: str, extract_id: str, token: str) -> str:
    return (
        "import json\nfrom pathlib import Path\n\nimport delta_sharing\n\n"
        "profile = {\n"
        '    "shareCredentialsVersion": 1,\n'
        f'    "endpoint": "{origin}/delta-sharing",\n'
        f'    "bearerToken": "{token}",\n'
        "}\n"
        'Path("vrijgave.share").write_text(json.dumps(profile))\n'
        f'table = "vrijgave.share#{extract_id}.{DELTA_SCHEMA}.{DELTA_TABLE}"\n'
        "frame = delta_sharing.load_as_pandas(table)\n"
    )
