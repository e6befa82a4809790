"""The bill of materials (CycloneDX 1.6): what an installation brings along, and what needs what."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import metadata
from typing import Any

from packaging.requirements import Requirement

from release import project

_SPACE = uuid.UUID("6f1d3f3e-8b0c-5a0e-9d0b-3a9c5f7e2d11")


@dataclass(frozen=True, slots=True)
class Component:
    """A package that an installation has."""

    name: str
    version: str
    license: str
    needs: tuple[str, ...]

    @property
    def purl(self) -> str:
        """Its package URL."""
        return f"pkg:pypi/{self.name}@{self.version}"


def closure() -> list[Component]:
    """What the package needs here, with all that those need; by name, without the package itself.

    The versions are those of this environment, which ``constraints.txt`` pins.

    Raises:
        PackageNotFoundError: the environment lacks one.
    """
    found: dict[str, Component] = {}
    left = [*_needs(project.NAME)]
    while left:
        name = left.pop()
        if name not in found:
            found[name] = _component(name)
            left += found[name].needs
    return [found[name] for name in sorted(found)]


def bill() -> dict[str, Any]:
    """The bill as CycloneDX has it. The same packages give the same text."""
    components = closure()
    own = Component(project.NAME, project.VERSION, project.LICENSE, _needs(project.NAME))
    purls = {one.name: one.purl for one in components}
    serial = uuid.uuid5(_SPACE, " ".join([own.purl, *purls.values()]))
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{serial}",
        "version": 1,
        "metadata": {"component": {**_entry(own), "type": "application"}},
        "components": [_entry(one) for one in components],
        "dependencies": [
            {"ref": one.purl, "dependsOn": sorted(purls[name] for name in one.needs)}
            for one in (own, *components)
        ],
    }


def _component(name: str) -> Component:
    about = metadata.metadata(name)
    stated = about.get_all("License-Expression", [""])
    return Component(name, about["Version"], stated[0], _needs(name))


def _needs(name: str) -> tuple[str, ...]:
    """What a package needs on this system, by the names of the index; extras where asked for."""
    return tuple(sorted(set(_named(metadata.requires(name) or []))))


def _named(requirements: Sequence[str], extra: str = "") -> Iterator[str]:
    for text in requirements:
        one = Requirement(text)
        if one.marker is None or one.marker.evaluate({"extra": extra}):
            yield (name := re.sub(r"[-_.]+", "-", one.name).lower())
            for asked in one.extras:
                yield from _named([r for r in metadata.requires(name) or [] if "extra" in r], asked)


def _entry(one: Component) -> dict[str, Any]:
    return {
        "type": "library",
        "bom-ref": one.purl,
        "name": one.name,
        "version": one.version,
        "purl": one.purl,
        **({"licenses": [{"expression": one.license}]} if one.license else {}),
    }
