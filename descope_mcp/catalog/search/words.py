"""From text to the units that the search compares: stems of words, and concepts.

A unit is a stem, or a concept with ``#`` before its name. A concept
(``tool_specs/synonyms.yaml``) stands for all words and phrases that mean the same here:
*remove*, *erase* and *get rid of* are ``#delete``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_WHO = (
    r"me|him|her|them|us|people|users?|(?:a|the) (?:user|person)|"
    r"someone|somebody|everyone|everybody"
)
_SIGN = re.compile(
    rf"\b(?:sign|log)(?:s|ed|ing|ged|ging)?[- ]?(?:(?:{_WHO}) )?(in|up|out|on|off)(?:s|to)?\b|"
    r"(?<![a-z])sign(in|up|out)|Sign(In|Up|Out)|(?-i:\bLog(in|out)(?=[A-Z]))",
    re.IGNORECASE,
)
#: How the sign-in is written that `_SIGN` finds.
_SIGNED = {"on": "in", "off": "out"}
_OWN = re.compile(r"(?<=\w)['\u2019](?:s|t|re|ve|ll|d|m)\b|(?<=[a-z])[-](?=[a-z])", re.IGNORECASE)
_SAYS_NOTHING = (
    "a about actually additional after again already also am an and any are as at be because "
    "been before being but by can cannot could do does done existing extra for from had has "
    "have he her here hers him his how i if in instead into is it its just let may me might "
    "must my myself need needs not now of on once one only onto or other our out own per "
    "please same shall she should so some still such than that the their them then there "
    "these they this those through to too under up us use using very via want wants was we "
    "were what when where whether which while who whom whose why will with within without "
    "would yet you your "
)
#: Products whose words people bring along; their names say nothing of what is wanted.
_PRODUCTS = (
    "acme auth0 authentik clerk cognito descope firebase frontegg fusionauth keycloak kinde "
    "stytch supabase workos "
)
_STOP = frozenset([*_SAYS_NOTHING.split(), *_PRODUCTS.split()])


def split(text: str) -> list[str]:
    """The words of a text in lower case, CamelCase split, *sign in* and the like as one word."""
    joined = _SIGN.sub(_one_word, text)
    return [match.lower() for match in _WORD.findall(_OWN.sub(" ", joined))]


def _one_word(found: re.Match[str]) -> str:
    how = next(filter(None, found.groups())).lower()
    return f" sign{_SIGNED.get(how, how)} "


def words(text: str) -> Iterator[str]:
    """The stems of a text's words, without the words that say nothing."""
    return (stem(word) for word in split(text) if word not in _STOP)


def says_nothing(word: str) -> bool:
    """Whether a word is left out of searches."""
    return word in _STOP


# Bounded by the words of the catalog and of the queries of one process.
@cache
def stem(word: str) -> str:
    """The stem of a word in lower case."""
    return str(_stemmer().stemWord(word))


@cache
def _stemmer() -> Any:
    # Its many languages take a while to import; only a search pays for that.
    import snowballstemmer

    return snowballstemmer.stemmer("english")


class Concepts:
    """The concepts by the words and phrases that mean them.

    `members` are the words and phrases of each concept, separated by commas.
    """

    def __init__(self, members: Mapping[str, str]) -> None:
        self._of: dict[tuple[str, ...], list[str]] = {}
        for concept, said in members.items():
            for phrase in {concept, *said.split(",")}:
                key = tuple(stem(word) for word in split(phrase))
                named = self._of.setdefault(key, [])
                if f"#{concept}" not in named:
                    named.append(f"#{concept}")
        self._longest = max(map(len, self._of))
        self._starts = {key[0] for key in self._of if len(key) > 1}

    def known(self, one: str) -> bool:
        """Whether a stem means a concept."""
        return (one,) in self._of

    def of_word(self, one: str) -> list[str]:
        """The concepts of a stem."""
        return self._of.get((one,), [])

    def of_phrases(self, stems: list[str]) -> Iterator[tuple[int, int, list[str]]]:
        """The phrases of a text: where they begin, how many words they have, what they mean."""
        for start, first in enumerate(stems):
            if first in self._starts:
                for size in range(min(self._longest, len(stems) - start), 1, -1):
                    named = self._of.get(tuple(stems[start : start + size]))
                    if named:
                        yield start, size, named
                        break

    def units(self, text: str) -> Iterable[str]:
        """Every stem and every concept of a text, repeated as in the text."""
        plain = split(text)
        stems = [stem(word) for word in plain]
        for word, one in zip(plain, stems, strict=True):
            if word not in _STOP:
                yield one
                yield from self.of_word(one)
        for _, _, named in self.of_phrases(stems):
            yield from named


def concepts(synonyms: Mapping[str, Mapping[str, str]]) -> Concepts:
    """The concepts of all groups of ``synonyms.yaml``."""
    together: dict[str, str] = {}
    for group in synonyms.values():
        for name, members in group.items():
            together[name] = f"{together[name]},{members}" if name in together else members
    return Concepts(together)
