"""`vrijgave demo` and `vrijgave generate`: see the whole job, make data to try things with."""

from pathlib import Path
from typing import Annotated

import typer


def add_to(app: typer.Typer) -> None:
    """Mount the commands."""
    app.command("demo")(demo)
    app.command("generate")(generate)


def demo(
    no_serve: Annotated[
        bool, typer.Option("--no-serve", help="Stop after the job, with its exit status.")
    ] = False,
    home: Annotated[Path, typer.Option(help="Folder of its database and files.")] = Path("var"),
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port on 127.0.0.1.")] = 8000,
    items: Annotated[int, typer.Option(min=1000, help="Items of the first collection.")] = 50_000,
) -> None:
    """Run the whole job on made data, step by step; a second run goes on where it was."""
    from registry.demo.run import demonstrate

    demonstrate(home, port, items, serve=not no_serve, say=_say)


def _say(line: str) -> None:
    print(line, flush=True)


def generate(
    file: Annotated[Path, typer.Argument(help="File to write: .parquet, .csv or .jsonl.")],
    items: Annotated[int, typer.Option(min=1)] = 1000,
    seed: Annotated[int, typer.Option(help="The same seed gives the same collection.")] = 1,
    faults: Annotated[int, typer.Option(min=0, help="Rows made to be refused on import.")] = 0,
) -> None:
    """Write a made-up newsreel collection, and beside it the mapping to import it by."""
    import json

    from catalog.mapping import dump_mapping
    from registry.demo import generator

    generator.write(file, items, seed=seed, faults=faults)
    mapping = file.with_suffix(".mapping.json")
    mapping.write_text(json.dumps(dump_mapping(generator.mapping()), indent=2, ensure_ascii=False))
    print(f"{items} items in {file}, its mapping in {mapping}")
