"""What a query says: what it looks for, what shall be done, to how many, and who speaks."""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from descope_mcp.catalog.search.words import Concepts, concepts, says_nothing, split, stem

_LOOKING = frozenset({"list", "search", "load"})
#: What a question wants, by how it begins.
_QUESTIONS = tuple(
    (re.compile(begins), wants)
    for begins, wants in (
        (r"(?:which|who|whose) ", frozenset({"list", "search"})),
        (r"(?:what|where) ", _LOOKING),
        (r"(?:\w+ )?\w+ (?:who|whose|that|with|without) ", _LOOKING),
        (r"(?:when|how (?:many|much|long|often|far|is|are|does)) ", frozenset({"load", "list"})),
        (
            r"(?:is|are|does|did|has|have|may|would|can (?!you|i |we )|do (?!not|n))",
            frozenset({"check", "load"}),
        ),
    )
)
_POLITE = re.compile(
    r"^(?:how (?:do|can|could|would|should|to)\b(?: i| we| you)?|"
    r"(?:can|could|would) (?:i|we|you)\b|(?:i|we)(?: would|'d) like to|please|"
    r"(?:i|we) (?:want|need|have|wish) to|let'?s|help me)\s+"
)
#: A number of things, unless it is a part of a name.
_NUMBER = re.compile(r"(?<![\w.])(?:[2-9]|[1-9]\d+)(?= [a-z])")
_SEVERAL = "several"
#: Who signs in speaks of oneself, and of codes, links and protocols.
_AS_USER = re.compile(
    r"\b(?:my|me|mine|i|myself|end[- ]user|(?:sign|log)(?:s|ging|ing)?[- ]?(?:in|up|out)|otp|"
    r"passkey|webauthn|magic|enchanted|verify|oauth2?|oidc|saml|code|jwks|fedcm|notp|tokens?)\b"
)
#: What stands for itself in a query, and what it is.
_LITERALS = (
    (re.compile(r"\S+@\S+\.\w+"), " user "),
    (re.compile(r"\b\d{1,3}(?:\.\d{1,3}){3}(?:/\d+)?\b"), " ip address "),
    (re.compile(r"\b(?:[a-z0-9-]+\.)+(?:com|org|net|io|dev|example|co|de)\b"), " domain "),
)
#: What may stand between two wishes.
_BETWEEN = re.compile(r"[,;:+]\s|\.\s|\b(?:and|then|plus|also|or)\b", re.IGNORECASE)
#: A wish has so many words that say something, or it may be a part of the one before.
_LEAST_WORDS = 2
_NAME = re.compile(r"(?<=\s)[A-Z]\w*")

#: Units that one thing may be found by, and what each counts.
Wanted = tuple[tuple[str, float], ...]


class Query(NamedTuple):
    """A query as it is understood. Actions and marks are names of concepts.

    `words` are those that say something, `misspelt` those of them that stand for other words, which
    are given; `unknown` are the rest of what no record has.
    """

    wanted: tuple[Wanted, ...]
    actions: frozenset[str]
    marks: frozenset[str]
    as_user: bool
    words: tuple[str, ...] = ()
    misspelt: Mapping[str, Sequence[str]] = MappingProxyType({})
    unknown: tuple[str, ...] = ()


class Reader:
    """Reads queries in the words that an index knows.

    Args:
        synonyms: the content of ``synonyms.yaml``.
        known: the units of the index.
        correct: the words that a misspelt one stands for.
        concept: what a concept counts beside the word itself.
        part: what a word of a phrase counts that means something as a whole.
    """

    def __init__(
        self,
        synonyms: Mapping[str, Mapping[str, str]],
        known: Container[str],
        correct: Callable[[str], list[str]],
        *,
        concept: float,
        part: float,
    ) -> None:
        self._concepts: Concepts = concepts(synonyms)
        self._actions = frozenset(synonyms["actions"])
        self._counts = frozenset(synonyms["counts"])
        self._marks = self._counts | frozenset(synonyms["marks"])
        self._known = known
        self._correct = correct
        self._concept, self._part = concept, part

    def read(self, text: str) -> Query:
        """What `text` says."""
        for literal, what in _LITERALS:
            text = literal.sub(what, text)
        plain = list(self._corrected(text))
        stems = [stem(word) for word in plain]
        words = tuple(word for word in split(text) if not says_nothing(word) and len(word) > 1)
        foreign = [word for word in words if not self._is_known(word)]
        misspelt = {word: right for word in foreign if (right := self._correct(word))}
        unknown = tuple(word for word in foreign if word not in misspelt)
        return Query(
            tuple(self._wanted(plain, stems)),
            self._actions_of(text),
            self._marks_of(text, stems),
            bool(_AS_USER.search(text.lower())),
            words,
            misspelt,
            unknown,
        )

    def wishes(self, text: str) -> list[str]:
        """The parts of a text that each say what shall be done, and with what; at least two."""
        found: list[str] = []
        for part in _BETWEEN.split(text):
            plain = _POLITE.sub("", part.strip().lower())
            said = [word for word in split(plain) if not says_nothing(word)]
            acts = bool(said) and bool(self._meant(stem(said[0]), self._actions))
            if acts and len(said) >= _LEAST_WORDS:
                found.append(part)
            elif found:
                found[-1] = f"{found[-1]} {part}"
        return found if len(found) > 1 else []

    def units(self, text: str) -> set[str]:
        """Every stem and concept of a query, misspelt words put right."""
        return {*self._concepts.units(" ".join(self._corrected(text)))}

    def _wanted(self, plain: list[str], stems: list[str]) -> Iterator[Wanted]:
        """The things of a query, phrase by phrase and word by word."""
        within: set[int] = set()
        for start, size, named in self._concepts.of_phrases(stems):
            units = [u for u in named if u in self._known and u[1:] not in self._counts]
            if units:
                within.update(range(start, start + size))
                yield tuple((unit, 1.0) for unit in units)
        seen = set()
        for place, (word, one) in enumerate(zip(plain, stems, strict=True)):
            if says_nothing(word) or one in seen or self._meant(one, self._counts):
                continue
            seen.add(one)
            share = self._part if place in within else 1.0
            own = [(one, share)] if one in self._known else []
            more = [u for u in self._concepts.of_word(one) if u in self._known]
            if own or more:
                yield (*own, *((unit, self._concept * share) for unit in more))

    def _actions_of(self, text: str) -> frozenset[str]:
        """What shall be done: by the question word, else the first word, else any; else a look."""
        plain = _POLITE.sub("", text.strip().lower())
        for begins, wants in _QUESTIONS:
            if begins.match(plain):
                return wants
        stems = [stem(word) for word in self._corrected(plain)]
        found = [self._meant(one, self._actions) for one in stems]
        for start, _, units in self._concepts.of_phrases(stems):
            # Switched *off* says more than switched does.
            found[start] = self._actions.intersection(u[1:] for u in units) or found[start]
        if found and found[0]:
            return found[0]
        return frozenset().union(*found) or _LOOKING

    def _marks_of(self, text: str, stems: list[str]) -> frozenset[str]:
        phrases = [unit[1:] for _, _, units in self._concepts.of_phrases(stems) for unit in units]
        marks = self._marks.intersection(phrases).union(
            *(self._meant(s, self._marks) for s in stems)
        )
        return marks | {_SEVERAL} if _NUMBER.search(text) else marks

    def _meant(self, one: str, group: frozenset[str]) -> frozenset[str]:
        """The concepts of a group that a stem means."""
        return group.intersection(unit[1:] for unit in self._concepts.of_word(one))

    def _is_known(self, word: str) -> bool:
        one = stem(word)
        return one in self._known or self._concepts.known(one)

    def _corrected(self, text: str) -> Iterator[str]:
        """The words of a text; one that nobody knows is corrected, unless it is somebody's name."""
        names = {name.lower() for name in _NAME.findall(text)}
        for word in split(text):
            if self._is_known(word) or says_nothing(word):
                yield word
            elif word not in names:
                yield from self._correct(word)
