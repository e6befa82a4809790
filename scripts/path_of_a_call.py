"""The picture of the path of a call, drawn from the stages that it names."""

from __future__ import annotations

from typing import NamedTuple
from xml.sax.saxutils import escape


class Stage(NamedTuple):
    """A module of the path, and what it does; ``asks`` marks those of a person's word."""

    module: str
    does: str
    asks: bool = False


#: In the order in which a call meets them.
STAGES = (
    Stage("server/tool_calls.py", "an MCP tool call becomes a call of an operation"),
    Stage("call/assessment/examine.py", "which operation? are the arguments valid? is it denied?"),
    Stage("guard/preview/preview.py", "what it would hit is read, and what hangs on that"),
    Stage("guard/preview/comparison/merge.py", "what a replace leaves out is filled in"),
    Stage("guard/policy/decision.py", "allow, deny, or ask a person"),
    Stage("guard/question/compose/call.py", "the question, the consequence first", asks=True),
    Stage(
        "server/asking/ask_and_run.py",
        "a form in the client, or a request with a number",
        asks=True,
    ),
    Stage(
        "guard/consent/confirmation.py", "the yes: for this call, once, as things are", asks=True
    ),
    Stage("call/audit_record.py", "the intent is on disk before the request leaves"),
    Stage("call/send.py", "one authenticated request; secrets become handles"),
    Stage("call/evidence/observed.py", "what has become different, and for whom"),
    Stage("server/answers/tool_result.py", "the answer, of a bounded size"),
)
_WIDTH, _STEP, _TOP, _LEFT, _BOX = 820, 46, 54, 40, 34


def drawn() -> str:
    """The picture, in SVG."""
    height = _TOP + _STEP * len(STAGES) + 44
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img" '
        'aria-labelledby="title">',
        '<title id="title">The path of a call, from the agent to Descope and back</title>',
        f'<rect width="{_WIDTH}" height="{height}" rx="8" fill="#ffffff"/>',
        '<g font-family="system-ui, sans-serif" font-size="14" fill="#1f2937">',
        f'<text x="{_LEFT}" y="32" font-weight="bold">agent</text>',
    ]
    for place, stage in enumerate(STAGES):
        y = _TOP + place * _STEP
        fill, edge = ("#fef3c7", "#b45309") if stage.asks else ("#eff6ff", "#1d4ed8")
        parts += [
            f'<path d="M{_LEFT + 20} {y - 12}v10m-4 -5l4 5l4 -5" fill="none" stroke="#6b7280"/>',
            f'<rect x="{_LEFT}" y="{y}" width="{_WIDTH - 2 * _LEFT}" height="{_BOX}" rx="5" '
            f'fill="{fill}" stroke="{edge}"/>',
            f'<text class="module" x="{_LEFT + 12}" y="{y + 22}" font-size="13" '
            f'font-family="ui-monospace, monospace">{escape(stage.module)}</text>',
            f'<text x="{_LEFT + 310}" y="{y + 22}">{escape(stage.does)}</text>',
        ]
    end = _TOP + _STEP * len(STAGES)
    parts += [
        f'<path d="M{_LEFT + 20} {end - 12}v10m-4 -5l4 5l4 -5" fill="none" stroke="#6b7280"/>',
        f'<text x="{_LEFT}" y="{end + 18}" font-weight="bold">agent</text>',
        f'<text x="{_LEFT + 60}" y="{end + 18}" fill="#b45309">Amber: only where a person has to '
        "be asked.</text>",
        "</g>",
        "</svg>",
        "",
    ]
    return "\n".join(parts)
