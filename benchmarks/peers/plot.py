"""A bar chart as SVG, readable on light and dark pages."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

_WIDTH, _LABEL, _BAR, _GAP, _TOP = 760, 230, 22, 10, 40
_OURS, _OTHERS, _TEXT = "#2563eb", "#94a3b8", "#64748b"


def bars(
    title: str, shown: Sequence[tuple[str, float, str, bool]], *, logarithmic: bool = False
) -> str:
    """One bar for each label, value, text and whether it is ours."""
    height = _TOP + len(shown) * (_BAR + _GAP)
    room = _WIDTH - _LABEL - 110
    scale = (lambda v: math.log10(v + 1)) if logarithmic else float
    longest = max((scale(value) for _, value, _, _ in shown), default=1) or 1
    note = " (logarithmic)" if logarithmic else ""
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img" '
        f'font-family="system-ui, sans-serif" font-size="13" fill="{_TEXT}">',
        f"<title>{escape(title)}</title>",
        f'<text x="0" y="18" font-size="15" font-weight="600">{escape(title + note)}</text>',
    ]
    for number, (label, value, text, own) in enumerate(shown):
        y = _TOP + number * (_BAR + _GAP)
        width = max(scale(value) / longest * room, 1)
        colour = _OURS if own else _OTHERS
        lines += [
            f'<text x="{_LABEL - 10}" y="{y + 15}" text-anchor="end">{escape(label)}</text>',
            f'<rect x="{_LABEL}" y="{y}" width="{width:.1f}" height="{_BAR}" rx="3" '
            f'fill="{colour}"/>',
            f'<text x="{_LABEL + width + 8:.1f}" y="{y + 15}">{escape(text)}</text>',
        ]
    return "\n".join([*lines, "</svg>"]) + "\n"
