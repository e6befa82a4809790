"""``python -m benchmarks.sdk_suites``: run the suites, keep what was found, write the page.

Each suite is of a checkout that the caller has made and prepared (`suites` says how, where
something lacks): ``--python`` of Descope's python-sdk, ``--node`` of node-sdk, ``--core`` of
descope-js. What is not given stays as it was found last. ``--page`` only writes
``docs/sandbox-sdks.md`` from what is kept. The one of Python takes some five minutes.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import httpx
from anyio.from_thread import start_blocking_portal

from benchmarks.sdk_suites import page, results, suites
from benchmarks.sdk_suites.delivery import deliver
from descope_mcp.catalog.catalog import Catalog, load
from descope_mcp.pytest_plugin import DescopeSandbox
from descope_mcp.sandbox.engine.snapshot import Snapshot
from descope_mcp.sandbox.http.serve import running
from descope_mcp.sandbox.seeds import organisations

#: The password policy that the end-to-end tests of the Python SDK ask of their project.
_POLICY = {
    "enabled": True,
    "minLength": 9,
    "lowercase": True,
    "uppercase": True,
    "nonAlphanumeric": True,
}


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--python", type=Path, metavar="CHECKOUT")
    parser.add_argument("--node", type=Path, metavar="CHECKOUT")
    parser.add_argument("--core", type=Path, metavar="CHECKOUT")
    parser.add_argument("--page", action="store_true", help="run nothing")
    given = parser.parse_args()
    if not given.page:
        if not (given.python or given.node or given.core):
            parser.error("name a checkout, or give --page")
        try:
            found = list(_found(given.python, given.node, given.core))
        except suites.NotReady as error:
            sys.exit(f"benchmarks.sdk_suites: {error}")
        new = results.Results(f"{datetime.now(UTC):%Y-%m-%d}", found)
        if results.KEPT.exists():
            new = results.together(new, results.read())
        results.write(new)
    page.PAGE.write_text(page.written(page.PAGE.read_text(encoding="utf-8"), results.read()))
    print(page.summary(results.read()))


def _found(python: Path | None, node: Path | None, core: Path | None) -> Iterator[results.Suite]:
    catalog = load()
    with sandbox(catalog) as box:
        if python:
            ran = suites.python_units(python.resolve())
            yield results.noted("Python, unit tests", ran, deliver(ran.sent, box, catalog))
            box.reset()
            _set_policy(box)
            ran = suites.python_end_to_end(python.resolve(), box.environment)
            yield results.whole("Python, end to end", ran)
        if node:
            ran = suites.node(node.resolve())
            yield results.noted("Node", ran, deliver(ran.sent, box, catalog))
        if core:
            ran = suites.core(core.resolve())
            yield results.noted("Core of Node and browsers", ran, deliver(ran.sent, box, catalog))


@contextmanager
def sandbox(catalog: Catalog) -> Iterator[DescopeSandbox]:
    """A sandbox with control interface, in another thread."""
    state = organisations.acme()
    seeds = {**organisations.SEEDS, "": Snapshot(state).state}
    served = running(catalog.routes(), state, seeds=seeds)
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(served) as local:
        yield DescopeSandbox(local.url, local.project_id, local.management_key)


def _set_policy(box: DescopeSandbox) -> None:
    bearer = f"Bearer {box.project_id}:{box.management_key}"
    httpx.post(
        f"{box.url}/v1/mgmt/password/settings", json=_POLICY, headers={"authorization": bearer}
    ).raise_for_status()


if __name__ == "__main__":
    main()
