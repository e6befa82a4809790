"""The words by which secrets are called: one list for fields, headers, settings and addresses.

They are patterns to be put into others, to be matched without regard to case.
"""

from __future__ import annotations

#: Keys that open something. Public keys, site keys and keys of translations open nothing.
KEYS = (
    "(?:api|private|secret|access|account|auth|sign(?:ing)?|encrypt(?:ion)?|write|master|server"
    "|service|shared|storage|deploy|functions?|subscription|integration|routing|license)[-_]?key"
)
#: What is said of nothing but secrets.
SECRETS = "secret|passw|pass[-_]?(?:phrase|code)|jwt|cleartext|bearer|hmac|credential"
