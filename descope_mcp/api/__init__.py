"""The authenticated way to Descope; the only layer that knows httpx."""

import sys

# httpx has a command line of its own and, where its libraries are installed, loads it with all of
# them: a third of what importing it takes. It goes without where that cannot be imported.
sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]
