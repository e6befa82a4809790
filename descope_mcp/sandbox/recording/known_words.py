"""Words and runs of them, found in texts by the first: what is not in a text costs nothing."""

from __future__ import annotations

import re

_WORD = re.compile(r"\w+")
#: Shorter ones would be found in sentences; in quotes, as in a filter, they stand for themselves.
_SHORTEST_INSIDE = 4
_QUOTES = ('"', "'")


class KnownWords:
    """What takes the place of which words."""

    def __init__(self) -> None:
        self._marks: dict[str, str] = {}
        # By the first word of marks: how long such marks are, and where in them the word is.
        self._forms: dict[str, dict[tuple[int, int], None]] = {}

    def add(self, mark: str, stand_in: str) -> None:
        """Let `stand_in` take the place of `mark`; one that has no letter or digit is not found."""
        if first := _WORD.search(mark):
            self._marks[mark] = stand_in
            forms = self._forms.setdefault(first[0], {})
            if (form := (len(mark), first.start())) not in forms:
                # Of two that fit, the longer one is meant.
                self._forms[first[0]] = dict.fromkeys(sorted([*forms, form], reverse=True))

    def replaced(self, text: str) -> str:
        """The text with another word for each that is known."""
        done: list[str] = []
        end = 0
        for word in _WORD.finditer(text):
            for length, offset in self._forms.get(word[0], ()):
                start = word.start() - offset
                if start < end or not _is_whole(text, start, length):
                    continue
                if stand_in := self._marks.get(text[start : start + length]):
                    done += [text[end:start], stand_in]
                    end = start + length
                    break
        return "".join([*done, text[end:]]) if done else text


def _is_whole(text: str, start: int, length: int) -> bool:
    """Whether what is at that place ends with words, and is long enough to be known by itself."""
    end = start + length
    before, after = text[start - 1 : start], text[end : end + 1]
    if length < _SHORTEST_INSIDE:
        return before in _QUOTES and after == before
    return not _WORD.match(before) and not _WORD.match(after)
