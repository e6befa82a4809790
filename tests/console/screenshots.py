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
from tests.console.pages import enter, policy, tour
from tests.console.world import acting

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
            rules = policy(catalog)
            with acting(catalog, store, rules, shadow=rules) as world:
                context = browser.new_context(
                    color_scheme=scheme,  # type: ignore[arg-type]
                    viewport={"width": 390, "height": 720},
                    timezone_id="Europe/Berlin",
                    locale="en-GB",
                )
                page = enter(world.console, context)
                for name in tour(world, page):
                    page.screenshot(path=into / f"console-{name}-{scheme}.png")
                    paints.setdefault(name, []).append(_painted(page))
                    # Some are there once: what a form has led to is not led to again.
                    if name not in ("revealed", "undo", "undone", "undo-plan", "undone-plan"):
                        for _ in range(_LOOKS - 1):
                            page.reload()
                            paints[name].append(_painted(page))
                context.close()
            shutil.rmtree(place)
        browser.close()
    for name, times in paints.items():
        sys.stdout.write(f"{name:12} {statistics.median(times):.0f} ms, at most {max(times):.0f}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
