"""The image, built as `Dockerfile` says: its size, and that it lists tools without credentials.

``python -m benchmarks.image PROGRAM``, which is docker, podman or buildah; docker if none is named.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tarfile
import tempfile
import zlib
from pathlib import Path
from typing import IO, Any

_ROOT = Path(__file__).parents[1]
_NAME = "descope-mcp"
_AIM = 120.0
#: What a catalogue asks a server to list its tools.
ASKED: list[dict[str, Any]] = [
    {
        "id": 1,
        "method": "initialize",
        "params": {
            "protocolVersion": "2025-11-25",
            "capabilities": {},
            "clientInfo": {"name": "catalogue", "version": "1"},
        },
    },
    {"method": "notifications/initialized"},
    {"id": 2, "method": "tools/list", "params": {}},
]


def main() -> None:
    """Build, measure, run, print; exit 1 where the aim is missed."""
    builder = sys.argv[1] if len(sys.argv) > 1 else "docker"
    _run(builder, "bud" if builder == "buildah" else "build", "-t", _NAME, str(_ROOT))
    with tempfile.TemporaryDirectory() as folder:
        archive = Path(folder) / "image.tar"
        if builder == "buildah":
            _run(builder, "push", _NAME, f"docker-archive:{archive}")
        else:
            _run(builder, "save", "--output", str(archive), _NAME)
        files, packed = sizes(archive)
    print(f"files in the image        {files / 1e6:6.1f} MB (aim: below {_AIM:.0f})")
    print(f"packed, as it is pulled   {packed / 1e6:6.1f} MB")
    print(f"tools without credentials {len(_listed(builder)):6}")
    sys.exit(files / 1e6 >= _AIM)


def sizes(archive: Path) -> tuple[int, int]:
    """Bytes of the files of all layers, and of the layers packed (gzip, level 6)."""
    files = packed = 0
    with tarfile.open(archive) as image:
        manifest = image.extractfile("manifest.json")
        assert manifest
        for name in json.load(manifest)[0]["Layers"]:
            layer = image.extractfile(name)
            assert layer
            packed += _packed(layer)
            layer.seek(0)
            with tarfile.open(fileobj=layer) as members:
                files += sum(member.size for member in members if member.isfile())
    return files, packed


def _packed(layer: IO[bytes]) -> int:
    packer, length = zlib.compressobj(6, wbits=31), 0
    while chunk := layer.read(1 << 20):
        length += len(packer.compress(chunk))
    return length + len(packer.flush())


def _listed(builder: str) -> list[str]:
    """The tools that a container lists to whoever starts it with nothing."""
    if builder == "buildah":
        container = _run(builder, "from", "--pull-never", _NAME).strip()
        start = [builder, "run", container, "--", "descope-mcp", "serve"]
    else:
        start = [builder, "run", "--rm", "--interactive", "--network=none", _NAME, "serve"]
    given = "".join(json.dumps({"jsonrpc": "2.0", **one}) + "\n" for one in ASKED)
    said = subprocess.run(start, input=given, stdout=subprocess.PIPE, text=True, check=True).stdout
    if builder == "buildah":
        _run(builder, "rm", container)
    answers = [json.loads(line) for line in said.splitlines()]
    tools = next(answer for answer in answers if answer.get("id") == 2)["result"]["tools"]
    return [tool["name"] for tool in tools]


def _run(*command: str) -> str:
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout


if __name__ == "__main__":
    main()
