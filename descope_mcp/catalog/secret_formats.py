"""Secrets that can be told by their form alone, since those who issue them document it.

Each begins with letters that nothing else begins with, and goes on with random ones. Every pattern
is bounded or possessive, and each starts with a plain letter: a text is gone through once.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import NamedTuple


class Format(NamedTuple):
    """A form: what it `begins` with, word for word, and what comes after that.

    With `open` the beginning is an address or the like, and stays to be seen.
    """

    issuer: str
    begins: tuple[str, ...]
    rest: str
    open: bool = False


FORMATS = (
    # RFC 7468 and OpenSSH; what follows a key whose end is cut off is taken for a part of it.
    Format(
        "PEM",
        ("-----BEGIN ",),
        r"[A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----(?:[^-]|-(?!----END ))*+"
        r"(?:-----END [A-Z0-9 ]{0,60}-----)?",
    ),
    # The same in base64, as in a kubeconfig: neither a certificate nor a public key.
    Format("PEM", ("LS0tLS1CRUdJTiB",), r"(?!DRVJU|QVUJM)[A-Za-z0-9+/_-]{40,}={0,2}"),
    Format("age", ("AGE-SECRET-KEY-1",), r"[0-9A-Z]{50,}"),
    Format("Airtable", ("pat",), r"[A-Za-z0-9]{14}\.[0-9a-f]{64}"),
    # Classes of a style sheet begin so too, with words.
    Format(
        "Anthropic, OpenAI",
        ("sk-",),
        r"(?=[\w-]{0,200}\d)(?=[\w-]{0,200}[A-Z])(?:[a-z]{2,8}-[\w-]{20,}|[A-Za-z0-9]{32,})",
    ),
    Format("Atlassian", ("ATATT3", "ATCTT3"), r"[\w=-]{50,}"),
    Format("AWS", ("AKIA", "ASIA"), r"(?=[A-Z]{0,15}\d)[A-Z0-9]{16}(?![A-Za-z0-9])"),
    Format("Databricks", ("dapi",), r"[0-9a-f]{32}"),
    Format("DigitalOcean", ("dop_v1_", "doo_v1_", "dor_v1_"), r"[0-9a-f]{64}"),
    Format("Discord", (".com/api/webhooks/",), r"\d{10,20}/[\w-]{40,}", open=True),
    Format("GitHub", ("ghp_", "gho_", "ghu_", "ghs_", "ghr_"), r"[A-Za-z0-9]{30,}"),
    Format("GitHub", ("github_pat_",), r"\w{50,}"),
    Format("GitLab", ("glpat-", "gldt-", "glrt-", "glptt-", "glcbt-", "gloas-"), r"[\w.-]{20,}"),
    Format("Google", ("AIza",), r"[\w-]{35}"),
    Format("Google", ("GOCSPX-",), r"[\w-]{20,}"),
    Format("Google", ("ya29.",), r"[\w.-]{20,}"),
    Format("Google", ("1//0",), r"[\w-]{35,}"),
    Format("Grafana", ("glsa_", "glc_"), r"[\w+/=]{32,}"),
    Format("HashiCorp", ("hvs.", "hvb.", "hvr."), r"[\w-]{24,}"),
    Format("Hugging Face", ("hf_",), r"[A-Za-z0-9]{30,}"),
    Format("Linear", ("lin_api_",), r"[A-Za-z0-9]{32,}"),
    Format("Mailgun", ("key-",), r"[0-9a-f]{32}"),
    Format("Microsoft", ("webhook.office.com/webhookb2/",), r"[\w@/-]{40,}", open=True),
    Format("New Relic", ("NRAK-",), r"[A-Z0-9]{27}"),
    Format("npm", ("npm_",), r"[A-Za-z0-9]{36}"),
    Format("Postman", ("PMAK-",), r"[0-9a-f]{24}-[0-9a-f]{34}"),
    Format("PyPI", ("pypi-Ag",), r"[\w-]{50,}"),
    Format("SendGrid", ("SG.",), r"[\w-]{16,32}\.[\w-]{30,}"),
    Format("Shopify", ("shpat_", "shpca_", "shppa_", "shpss_"), r"[0-9a-fA-F]{32}"),
    Format("Slack", ("xoxa-", "xoxb-", "xoxe-", "xoxe.", "xoxo-"), r"[A-Za-z0-9.-]{10,}"),
    Format("Slack", ("xoxp-", "xoxr-", "xoxs-"), r"[A-Za-z0-9.-]{10,}"),
    Format("Slack", ("xapp-",), r"\d-[A-Za-z0-9-]{20,}"),
    Format(
        "Slack", ("hooks.slack.com/",), r"(?:services|workflows|triggers)/[\w/-]{20,}", open=True
    ),
    Format("Square", ("sq0atp-", "sq0csp-"), r"[\w-]{22,}"),
    Format("Stripe", ("sk_live_", "sk_test_", "rk_live_", "rk_test_"), r"[A-Za-z0-9_]{16,}"),
    Format("Stripe, Svix", ("whsec_",), r"[A-Za-z0-9+/=]{24,}"),
    Format("Supabase", ("sbp_",), r"[0-9a-f]{40}"),
    Format("Telegram", ("bot",), r"\d{8,10}:[\w-]{35}", open=True),
)


@cache
def _pattern() -> re.Pattern[str]:
    """All of them, by their first letters: most places of a text are passed at a glance.

    Compiled for the first text: that takes longer than to load the module, and lists need none.
    """
    by_letter: dict[str, list[str]] = {}
    for one in FORMATS:
        rest = f"({one.rest})" if one.open else one.rest
        for begin in one.begins:
            by_letter.setdefault(begin[0], []).append(re.escape(begin[1:]) + rest)
    return re.compile("|".join(f"{re.escape(k)}(?:{'|'.join(v)})" for k, v in by_letter.items()))


#: What may stand before a first letter: no letter or digit, but for an escape of JSON or of a URL.
_BEFORE = re.compile(r"(?:\A|[^A-Za-z0-9]|\\[nrt]|%[0-9A-Fa-f]{2})\Z")


def without_formats(text: str, keep: Callable[[str], str]) -> str:
    """A copy of `text` with what has such a form replaced by what `keep` returns for it."""

    def change(match: re.Match[str]) -> str:
        start = match.start()
        if text[start].isalnum() and not _BEFORE.search(text, max(0, start - 3), start):
            return match[0]
        secret = match.start(match.lastindex or 0)
        return f"{text[start:secret]}{keep(text[secret : match.end()])}"

    return _pattern().sub(change, text)
