"""fastmcp serving an OpenAPI document, as its documentation shows. Run by its own Python.

``fastmcp_server.py DOCUMENT [--search] [--http PORT]``; the API's address and key are in the
environment as for this project.
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path

import httpx2
from fastmcp import FastMCP
from fastmcp.server.transforms.search import BM25SearchTransform

parser = argparse.ArgumentParser()
parser.add_argument("document", type=Path)
parser.add_argument("--search", action="store_true")
parser.add_argument("--http", type=int)
given = parser.parse_args()
key = f"{os.environ['DESCOPE_PROJECT_ID']}:{os.environ['DESCOPE_MANAGEMENT_KEY']}"
client = httpx2.AsyncClient(
    base_url=os.environ["DESCOPE_BASE_URL"], headers={"Authorization": f"Bearer {key}"}
)
server = FastMCP.from_openapi(json.loads(given.document.read_text()), client=client, name="peer")
if given.search:
    server.add_transform(BM25SearchTransform())
if given.http:
    server.run(transport="http", host="127.0.0.1", port=given.http, show_banner=False)
else:
    server.run(show_banner=False)
