"""Finding operations by words: BM25F over the fields of the records.

The weights of the fields and the two constants of BM25 (Robertson and Zaragoza, 2009) were chosen
on queries that the regression set does not hold.
"""

from __future__ import annotations

import difflib
import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable

import snowballstemmer

from descope_mcp.catalog.catalog import Catalog
from descope_mcp.catalog.operation import Operation
from descope_mcp.catalog.record import Effect

_K1 = 1.2
_B = 0.6
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_STOP = frozenset(
    "a an and are as at be by can do for from has have how i in into is it its me my need of on or "
    "our please so some that the their them they this to up us want was we what when which who "
    "will with would you your all any".split()
)
_SAME = {
    "remove": "delete", "drop": "delete", "erase": "delete", "destroy": "delete", "wipe": "delete",
    "purge": "delete", "get": "load", "fetch": "load", "show": "load", "view": "load",
    "read": "load", "retrieve": "load", "display": "load", "list": "load", "find": "search",
    "look": "search", "query": "search", "lookup": "search", "add": "create", "make": "create",
    "new": "create", "insert": "create", "register": "create", "change": "update",
    "modify": "update", "edit": "update", "alter": "update", "block": "disable",
    "organization": "tenant", "organisation": "tenant", "org": "tenant", "customer": "tenant",
    "company": "tenant", "workspace": "tenant", "account": "user", "member": "user",
    "person": "user", "people": "user", "somebody": "user", "someone": "user", "mail": "email",
    "text": "sms", "bulk": "batch", "many": "batch", "multiple": "batch", "several": "batch",
    "login": "signin", "logon": "signin", "signout": "logout", "revoke": "revoke",
}  # fmt: skip


class Index:
    """An inverted index of a catalog. Building it takes some 50 ms, a query one or two."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._stem = snowballstemmer.stemmer("english").stemWord
        self._same = {self._stem(a): self._stem(b) for a, b in _SAME.items()}
        self._names = list(catalog)
        self._postings: dict[str, list[tuple[int, float]]] = defaultdict(list)
        titles = {name: t.title for t in catalog.toolsets for name in t.operations}
        weights = [self._weigh(catalog[name], titles[name]) for name in self._names]
        lengths = [sum(w.values()) for w in weights]
        average = sum(lengths) / max(len(lengths), 1)
        for number, words in enumerate(weights):
            scale = 1 - _B + _B * lengths[number] / average
            for word, weight in words.items():
                self._postings[word].append((number, weight / scale))

    def search(
        self, query: str, *, toolset: str = "", effect: Effect | None = None, limit: int = 6
    ) -> list[Operation]:
        """The operations that fit `query` best, best first; none if no word is known."""
        scores: dict[int, float] = defaultdict(float)
        for word, share in self._expand(query):
            postings = self._postings[word]
            rarity = math.log(1 + (len(self._names) - len(postings) + 0.5) / (len(postings) + 0.5))
            for number, weight in postings:
                scores[number] += share * rarity * weight * (_K1 + 1) / (weight + _K1)
        best = sorted(scores, key=lambda number: (-scores[number], number))
        found = (self._catalog[self._names[number]] for number in best)
        fits = (
            o for o in found if toolset in ("", o.toolset) and (effect is None or o.effect == effect)
        )
        return [operation for operation, _ in zip(fits, range(limit), strict=False)]

    def _expand(self, query: str) -> Iterable[tuple[str, float]]:
        """The query's words, once each, with what they count; a misspelt one is corrected."""
        for word in dict.fromkeys(self._words(query)):
            if word in self._postings:
                yield word, 1.0
            elif len(word) > 3:
                near = difflib.get_close_matches(word, self._postings, n=1, cutoff=0.8)
                yield from ((other, 0.7) for other in near)

    def _weigh(self, operation: Operation, toolset: str) -> Counter[str]:
        fields = (
            (3.0, operation.title),
            (2.5, operation.name),
            (2.0, " ".join(operation.aliases)),
            (1.0, operation.description),
            (0.8, toolset),
            (0.6, operation.path),
            (0.4, " ".join(operation.places)),
            (0.2, " ".join(operation.answer_fields)),
        )
        weights: Counter[str] = Counter()
        for weight, text in fields:
            for word in self._words(text):
                weights[word] += weight  # type: ignore[assignment]
        return weights

    def _words(self, text: str) -> Iterable[str]:
        text = re.sub(r"[Ss]ign[- ]?([Ii]n|[Uu]p|[Oo]ut)", r"sign\1", text).replace("nOTP", "notp")
        for match in _WORD.findall(text.replace("signIn", "signin").replace("SignIn", "signin")):
            word = match.lower()
            if word not in _STOP:
                stem = self._stem(word)
                yield self._same.get(stem, stem)
