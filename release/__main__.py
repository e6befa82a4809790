"""``python -m release``: everything that is published, in ``dist/``.

``python -m release notes VERSION`` prints the release notes alone.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

import yaml

from release import bundle, components, distributions, image_entry, notes, project, registry_entry

#: The catalogue takes no other layout than this program's.
# What is built is ignored by git, and so would be by Prettier.
_FORMAT = ("npx", "--yes", "prettier@3.10.1", "--write", "--ignore-path=.prettierignore")
_PACK = ("npx", "--yes", "@anthropic-ai/mcpb@2.1.2")


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", nargs="?", choices=("all", "notes"), default="all")
    parser.add_argument("version", nargs="?", default=project.VERSION)
    parser.add_argument(
        "--repository",
        default="",
        help="where the source is published, https://github.com/ACCOUNT/REPOSITORY",
    )
    parser.add_argument("--icon", default="", help="URL of the icon in the image catalogue")
    given = parser.parse_args()
    try:
        if given.what == "notes":
            print(notes.notes(given.version))
        else:
            everything(project.ROOT / "dist", given.repository, given.icon)
    except LookupError as error:
        sys.exit(f"release: {error}")
    except subprocess.CalledProcessError as error:
        sys.exit(f"release: {' '.join(error.cmd[:4])} failed:\n{error.output}")


def everything(out: Path, repository: str, icon: str) -> None:
    """Make all files anew.

    Raises:
        LookupError: the changelog has no notes of this version, something is not committed, or
            the registry takes no entry from that repository; nothing was made.
        CalledProcessError: something cannot be built.
    """
    said = notes.notes(project.VERSION)
    if changed := distributions.uncommitted():
        raise LookupError(f"{', '.join(changed)}: not committed; published is what a commit has")
    if repository:
        registry_entry.check(repository)
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    wheel, _ = distributions.build(out, distributions.committed())
    (out / "RELEASE_NOTES.md").write_text(f"{said}\n", encoding="utf-8")
    _json(out / f"{project.NAME}-{project.VERSION}.cdx.json", components.bill())
    folder = out / "bundle"
    folder.mkdir()
    bundle.lay_out(folder, wheel)
    packed = out / f"{project.NAME}-{project.VERSION}.mcpb"
    for command in (("validate", str(folder)), ("pack", str(folder), str(packed))):
        distributions.said([*_PACK, *command])
    shutil.rmtree(folder)
    listed = registry_entry.registry_entry(repository, (packed.name, _digest(packed)))
    _json(out / "server.json", listed)
    catalogue = out / "image-catalogue"
    catalogue.mkdir()
    _json(catalogue / "tools.json", image_entry.tools())
    if repository:
        entry = image_entry.image_entry(repository, distributions.commit(), icon)
        (catalogue / "server.yaml").write_text(yaml.safe_dump(entry, sort_keys=False))
        distributions.said([*_FORMAT, str(catalogue / "server.yaml")])
    files = sorted(path for path in out.rglob("*") if path.is_file())
    sums = [f"{_digest(path)}  {path.relative_to(out)}\n" for path in files]
    (out / "SHA256SUMS").write_text("".join(sums))
    print("".join(sums), end="")


def _json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


if __name__ == "__main__":
    main()
