"""``python -m benchmarks.peers``: measure, keep the figures, write ``docs/comparison.md``.

It takes some twenty minutes, most of them for the peers' own work, and makes the peers'
environments first (``.cache/peers``). ``--only speed`` measures that part anew, for a machine with
nothing else to do; ``--page`` writes the page from the figures that are kept. ``--contract FILE``
gives the peers Descope's document with its descriptions, which ours leaves out.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from benchmarks.peers import page, results
from benchmarks.peers.contract import SPECS
from benchmarks.peers.environments import Missing
from benchmarks.peers.run import PARTS, Size, run


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--contract", type=Path, default=SPECS / "openapi.json")
    parser.add_argument("--only", choices=tuple(PARTS), help="keep the figures of the other parts")
    parser.add_argument("--page", action="store_true", help="measure nothing")
    given = parser.parse_args()
    for part in () if given.page else [given.only] if given.only else PARTS:
        try:
            measured = run(given.contract, Size(), part)
        except Missing as error:
            sys.exit(f"benchmarks.peers: {error}")
        if results.KEPT.exists():
            measured = results.together(measured, results.read())
        results.write(measured)
    if not results.KEPT.exists():
        sys.exit("benchmarks.peers: there are no figures; run it without --page first")
    page.write(results.read())
    print(page.PAGE.read_text(encoding="utf-8").split(page.BEGIN)[1].split(page.END)[0].strip())


if __name__ == "__main__":
    main()
