"""Pictures of every page for docs/images, and how long each takes to its first paint.

`python -m tests.console.screenshots docs/images` makes them anew.
"""

from __future__ import annotations

import shutil
import statistics
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from descope_mcp.catalog.catalog import load
from descope_mcp.store.store import Store
from tests.console.pages import enter, visit, with_policy
from tests.console.stocked import stocked

_PAINT = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime"
#: So often each page is looked at for its first paint, of which the median counts.
_LOOKS = 5


def _painted(page: Page) -> float:
    """After how many milliseconds a page was first seen."""
    for _ in range(100):
        if at := page.evaluate(_PAINT):
            return float(at)
        page.wait_for_timeout(20)
    raise TimeoutError(page.url)


def main(into: Path) -> None:
    """Make the pictures."""
    into.mkdir(parents=True, exist_ok=True)
    catalog, program = load(), shutil.which("chromium") or shutil.which("chromium-browser")
    paints: dict[str, list[float]] = {}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        for scheme in ("light", "dark"):
            place = Path(tempfile.mkdtemp())
            store = Store(place / "state", place / "config" / "key")
            with with_policy(catalog, store) as console:
                context = browser.new_context(
                    color_scheme=scheme,  # type: ignore[arg-type]
                    viewport={"width": 390, "height": 720},
                    timezone_id="Europe/Berlin",
                    locale="en-GB",
                )
                page = enter(console, context)
                for one in stocked(store):
                    visit(console, page, one)
                    page.screenshot(path=into / f"console-{one.name}-{scheme}.png")
                    # A secret is there once.
                    for _ in range(_LOOKS if one.name != "revealed" else 1):
                        if one.name != "revealed":
                            visit(console, page, one)
                        paints.setdefault(one.name, []).append(_painted(page))
                context.close()
            shutil.rmtree(place)
        browser.close()
    for name, times in paints.items():
        sys.stdout.write(f"{name:12} {statistics.median(times):.0f} ms, at most {max(times):.0f}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
