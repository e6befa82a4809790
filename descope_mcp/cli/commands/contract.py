"""`descope-mcp contract`: a new version of Descope's contract, beside the records of this one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from descope_mcp.catalog.catalog import sources
from descope_mcp.catalog.errors import SpecError
from descope_mcp.cli import options
from descope_mcp.cli.display import output

#: So many places that speak of an operation are shown; `--json` has all.
_MOST_PLACES = 6


@click.group("contract")
def command() -> None:
    """Compare the contract that the records are made for with another."""


@command.command("diff")
@click.argument("new", type=click.Path(path_type=Path))
@options.as_json
def diff(new: Path, as_json: bool) -> None:
    """Show what is different in NEW, an OpenAPI document (JSON or YAML), and which records it hits.

    Nothing is changed. NEW may have the defects that `tool_specs/repairs.yaml` corrects.
    """
    # The compiler and its YAML parser are for this command alone.
    from descope_mcp.catalog.build.contract_update import new_contract
    from descope_mcp.catalog.build.contract_update.difference import difference
    from descope_mcp.catalog.build.yaml_source import read_yaml

    specs = sources()
    repairs = read_yaml(specs / "repairs.yaml")
    old, _ = new_contract.repaired(new_contract.read_document(specs / "openapi.json"), repairs)
    later, unfit = new_contract.repaired(new_contract.read_document(new), repairs)
    found = difference(old, later)
    places = new_contract.mentions(found, specs)
    if as_json:
        for name, endpoint in found.added.items():
            output.row({"operation": name, "change": "added", "endpoint": endpoint.key})
        for name, endpoint in found.removed.items():
            row: dict[str, Any] = {"operation": name, "change": "removed"}
            output.row({**row, "endpoint": endpoint.key, "look_at": places[name]})
        for name, lines in found.changed.items():
            row = {"operation": name, "change": "changed"}
            output.row({**row, "differences": list(lines), "look_at": places[name]})
        for text in unfit:
            output.row({"change": "repair", "problem": text})
        return
    for name, endpoint in found.added.items():
        click.echo(f"+ {name}  {endpoint.key}")
    for name, endpoint in found.removed.items():
        click.echo(f"- {name}  {endpoint.key}{_looked_at(places[name])}")
    for name, lines in found.changed.items():
        click.echo(f"~ {name}{_looked_at(places[name])}")
        for line in lines:
            click.echo(f"    {line}")
    for text in unfit:
        click.echo(f"! {text}")
    numbers = (
        f"{len(found.added)} added, {len(found.removed)} removed, {len(found.changed)} changed"
    )
    fits = f"; {len(unfit)} part(s) of repairs fit no longer" if unfit else ""
    click.echo(f"{numbers}{fits}", err=True)


@command.command("update")
@click.argument("new", type=click.Path(path_type=Path))
@options.json_lines
def update(new: Path) -> None:
    """Put NEW in the place of the contract, with drafts for what has no record yet.

    A draft is denied, whatever the policy says, until a person fills it in. What else the records
    have to be changed for is listed, by file and line.
    """
    from descope_mcp.catalog.build.compile import compile_catalog
    from descope_mcp.catalog.build.contract_update import draft, new_contract
    from descope_mcp.catalog.build.yaml_source import read_yaml

    specs = sources()
    document = new_contract.read_document(new)
    later, _ = new_contract.repaired(document, read_yaml(specs / "repairs.yaml"))
    drafts = draft.write(later.endpoints.values(), specs)
    new_contract.write_document(document, specs / "openapi.json")
    for name, file in drafts.items():
        output.said(f"{name}: a draft in operations/{file}", operation=name, draft=file)
    try:
        compile_catalog(specs)
    except SpecError as error:
        for problem in str(error).splitlines():
            output.said(problem, problem=problem)
        click.echo("The catalog compiles when these are corrected.", err=True)


def _looked_at(places: list[str]) -> str:
    shown = "".join(f"\n    see {place}" for place in places[:_MOST_PLACES])
    more = len(places) - _MOST_PLACES
    return shown + (f"\n    and {more} more" if more > 0 else "")
