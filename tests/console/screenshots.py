"""Pictures of every page for docs/images, and how long each takes to its first paint.

`python -m tests.console.screenshots docs/images` makes them anew.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from descope_mcp.catalog.catalog import load
from descope_mcp.store.store import Store
from tests.console.pages import enter, visit, with_policy
from tests.console.stocked import stocked

_PAINT = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0"
#: A phone's screen; and a desk's, of which fewer pictures are kept.
_SCREENS = {"": (390, 720), "wide-": (1100, 800)}


def main(into: Path) -> None:
    """Make the pictures."""
    into.mkdir(parents=True, exist_ok=True)
    catalog, program = load(), shutil.which("chromium") or shutil.which("chromium-browser")
    paints: dict[str, list[float]] = {}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        for screen, (width, height) in _SCREENS.items():
            for scheme in ("light", "dark"):
                place = Path(tempfile.mkdtemp())
                store = Store(place / "state", place / "config" / "key")
                with with_policy(catalog, store) as console:
                    context = browser.new_context(
                        color_scheme=scheme,  # type: ignore[arg-type]
                        viewport={"width": width, "height": height},
                        timezone_id="Europe/Berlin",
                        locale="en-GB",
                    )
                    page = enter(console, context)
                    for one in stocked(store):
                        visit(console, page, one)
                        page.wait_for_timeout(50)
                        paints.setdefault(one.name, []).append(page.evaluate(_PAINT))
                        page.screenshot(path=into / f"console-{screen}{one.name}-{scheme}.png")
                    context.close()
                shutil.rmtree(place)
        browser.close()
    for name, times in paints.items():
        sys.stdout.write(f"{name:12} {', '.join(f'{time:.0f}' for time in times)} ms\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
