"""The smallest server that shakes hands: one tool, and on stderr what it was told."""  # noqa: N999 - it is told from other servers by its name

import json
import os
import sys

TOOL = {"name": "one", "inputSchema": {"type": "object"}}
print("told", *sys.argv[1:], os.environ.get("TOLD", ""), file=sys.stderr)  # noqa: T201
for line in sys.stdin:
    message = json.loads(line)
    if "id" not in message:
        continue
    answer: dict[str, object] = {"jsonrpc": "2.0", "id": message["id"]}
    if message["method"] == "initialize":
        answer["result"] = {
            "protocolVersion": "2025-11-25",
            "capabilities": {"tools": {}},
            "serverInfo": {"name": "stub", "version": "1"},
        }
    elif message["method"] == "tools/list":
        answer["result"] = {"tools": [TOOL]}
    else:
        answer["error"] = {"code": -32601, "message": "unknown"}
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()
