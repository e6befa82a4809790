"""The documentation as a site: built without a warning, and made of nothing from elsewhere."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from .site import ROOT, build

#: What a page or a stylesheet loads by itself, in distinction from what a reader may follow.
LOADED = re.compile(
    r"""<(?:script|img|iframe|source|video|audio|embed)\b[^>]*?\bsrc\s*=\s*["']?([^"'\s>]+)"""
    r"""|<link\b(?![^>]*\brel=["']?canonical)[^>]*?\bhref\s*=\s*["']?([^"'\s>]+)"""
    r"""|url\(\s*["']?([^"')]+)|@import\s+["']([^"']+)"""
)


def loaded(text: str) -> list[str]:
    """What a page or stylesheet loads from another host."""
    found = (next(filter(None, match.groups())) for match in LOADED.finditer(text))
    return [where for where in found if re.match(r"(?:https?:)?//", where)]


def test_the_site_is_whole_and_loads_nothing_from_elsewhere(tmp_path: Path) -> None:
    done = build(ROOT, "html", tmp_path)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
    site = tmp_path / "site"
    assert 'url=docs/index.html"' in (site / "index.html").read_text()
    pages = list(site.rglob("*.html"))
    assert len(pages) > 50
    files = [*pages, *site.rglob("*.css"), *site.rglob("*.svg")]
    from_elsewhere = {
        str(file.relative_to(site)): where
        for file in files
        if (where := loaded(file.read_text(encoding="utf-8")))
    }
    assert from_elsewhere == {}
    assert loaded('<script defer src="https://cdn.example/x.js"> <a href="https://a.example">')
    assert loaded("@import 'https://fonts.example/a.css'; b { c: url(//fonts.example/d) }")


def test_what_is_wrong_with_a_page_is_an_error(tmp_path: Path) -> None:
    root = tmp_path / "tree"
    (root / "docs").mkdir(parents=True)
    shutil.copy(ROOT / "docs" / "conf.py", root / "docs")
    shutil.copytree(ROOT / "docs" / "_templates", root / "docs" / "_templates")
    (root / "docs" / "other.md").write_text("# Other\n\n## A heading\n")
    (root / "docs" / "index.md").write_text(first_page("[a](other.md#a-heading)"))
    done = build(root, "dummy", tmp_path / "right")
    assert (done.returncode, done.stderr) == (0, "")
    faults = {
        "[a](nowhere.md)": "nowhere.md",
        "[a](other.md#no-heading)": "no-heading",
        "![a](images/nowhere.png)": "nowhere.png",
    }
    (root / "docs" / "unlisted.md").write_text("# Nobody leads here\n")
    (root / "docs" / "index.md").write_text(first_page("\n\n".join(faults), "missing"))
    done = build(root, "dummy", tmp_path / "wrong")
    assert done.returncode == 1
    for said in (*faults.values(), "document 'docs/missing'", "isn't included in any toctree"):
        assert said in done.stderr


def first_page(text: str, *more: str) -> str:
    """A first page that says `text` and leads to the other one, and to `more`."""
    return "\n".join(["# First", "", text, "", "```{toctree}", "other", *more, "```", ""])
