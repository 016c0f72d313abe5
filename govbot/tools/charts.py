"""Pictures of a count, as SVG: bars for what everyone has, a flow of votes from round to round.

Pure, and in whole numbers, so the same count gives the same picture everywhere. Readable on light
and dark ground; what is to be seen stands in the picture's description too, for those who listen.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from xml.sax.saxutils import escape

_STYLE = (
    "text{font:13px system-ui,sans-serif;fill:#1f2328}"
    ".b,.n{fill:#9aa4b2}.w{fill:#1a7f37}.o{fill:#b35900}.l{fill:none;stroke:#6e7781;opacity:.35}"
    ".x{stroke:#b35900}.h{font-weight:600}"
    "@media(prefers-color-scheme:dark){text{fill:#e6edf3}.b,.n{fill:#6e7681}.w{fill:#3fb950}"
    ".o{fill:#f0883e}.l{stroke:#8b949e}.x{stroke:#f0883e}}"
)
_MARGIN, _ROW, _BAR = 16, 28, 360
_COLUMN, _NODE, _HEIGHT, _GAP = 190, 12, 420, 16
_LONGEST, _TITLE = 34, 70
LEFT = "no further choice"

Value = int | Fraction


@dataclass(frozen=True, slots=True)
class Bar:
    """What one candidate has: `label` as people read it; `chosen` ones stand out."""

    name: str
    value: Value
    label: str
    chosen: bool = False


@dataclass(frozen=True, slots=True)
class Column:
    """One round: its bars, and what moves on from it as (from, to, votes)."""

    bars: tuple[Bar, ...]
    moves: tuple[tuple[str, str, Value], ...] = ()
    out: tuple[str, ...] = ()


def _short(text: str, most: int = _LONGEST) -> str:
    clean = "".join(c if c.isprintable() else " " for c in text)
    return escape(clean if len(clean) <= most else clean[: most - 1] + "…")


def _picture(width: int, height: int, title: str, story: str, inside: Sequence[str]) -> str:
    told = escape("".join(c if c.isprintable() else " " for c in story))
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}"'
            f' width="{width}" height="{height}" role="img" aria-labelledby="t d">',
            f'<title id="t">{_short(title, _TITLE)}</title>',
            f'<desc id="d">{told}</desc>',
            f"<style>{_STYLE}</style>",
            *inside,
            "</svg>\n",
        ]
    )


def _text(x: int, y: int, text: str, kind: str = "", anchor: str = "start") -> str:
    marked = f' class="{kind}"' if kind else ""
    placed = "" if anchor == "start" else f' text-anchor="{anchor}"'
    most = _TITLE if kind == "h" and y < _ROW else _LONGEST
    return f'<text x="{x}" y="{y}"{marked}{placed}>{_short(text, most)}</text>'


def bars(title: str, story: str, rows: Sequence[Bar]) -> str:
    """A bar for each; the longest is the largest figure. Figures below nothing have no bar."""
    most = max((bar.value for bar in rows), default=0) or 1
    name_width = 8 * min(_LONGEST, max((len(bar.name) for bar in rows), default=0)) + 2 * _MARGIN
    inside = [_text(_MARGIN, _ROW - 6, title, "h")]
    for place, bar in enumerate(rows, 1):
        y = place * _ROW + 12
        length = max(0, int(_BAR * bar.value / most))
        kind = "w" if bar.chosen else "b"
        inside += [
            _text(name_width - _MARGIN // 2, y + 14, bar.name, "h" if bar.chosen else "", "end"),
            f'<rect class="{kind}" x="{name_width}" y="{y}" width="{length}" height="18" rx="2"/>',
            _text(name_width + length + 6, y + 14, bar.label),
        ]
    return _picture(name_width + _BAR + 120, (len(rows) + 1) * _ROW + 24, title, story, inside)


def flow(title: str, story: str, columns: Sequence[Column]) -> str:
    """Rounds from left to right; each candidate as high as their votes, bands for what moves."""
    most = max((sum((b.value for b in c.bars), Fraction(0)) for c in columns), default=0) or 1
    tops = [_tops(column, most) for column in columns]
    inside = [_text(_MARGIN, _ROW - 6, title, "h")]
    for place, (here, after) in enumerate(zip(columns, columns[1:], strict=False)):
        inside += _bands(place, here, after, tops[place], tops[place + 1], most)
    for place, column in enumerate(columns):
        inside.append(_text(_x(place), 2 * _ROW - 8, f"Round {place + 1}", "h"))
        inside += _nodes(place, column, tops[place], most)
    tallest = max((len(column.bars) for column in columns), default=0)
    height = 2 * _ROW + _HEIGHT + tallest * _GAP + _MARGIN
    return _picture(_x(len(columns)) + _MARGIN, height, title, story, inside)


def _x(place: int) -> int:
    return _MARGIN + place * _COLUMN


def _high(value: Value, most: Value) -> int:
    return max(0, int(_HEIGHT * value / most))


def _tops(column: Column, most: Value) -> dict[str, int]:
    tops, y = {}, 2 * _ROW
    for bar in column.bars:
        tops[bar.name] = y
        y += _high(bar.value, most) + _GAP
    return tops


def _nodes(place: int, column: Column, tops: Mapping[str, int], most: Value) -> list[str]:
    made = []
    for bar in column.bars:
        kind = "w" if bar.chosen else "o" if bar.name in column.out else "n"
        y, high = tops[bar.name], max(1, _high(bar.value, most))
        made.append(
            f'<rect class="{kind}" x="{_x(place)}" y="{y}" width="{_NODE}" height="{high}"/>'
        )
        text = f"{bar.name[: _LONGEST - 12]} {bar.label}"
        made.append(_text(_x(place) + _NODE + 5, y + 12, text, "h" if bar.chosen else ""))
    return made


def _bands(
    place: int, here: Column, after: Column, tops: Mapping[str, int], next_tops: Mapping[str, int],
    most: Value,
) -> list[str]:  # fmt: skip
    """What stays with its candidate, then what moves, each as thick as its votes."""
    leaving: dict[str, Value] = {}
    for source, _, votes in here.moves:
        leaving[source] = leaving.get(source, 0) + votes
    stays = [(b.name, b.name, b.value - leaving.get(b.name, 0)) for b in here.bars]
    from_y, to_y, made = dict(tops), dict(next_tops), []
    for source, target, votes in [*stays, *here.moves]:
        thick = _high(votes, most)
        if thick < 1 or source not in from_y or target not in to_y:
            continue
        x0, x1 = _x(place) + _NODE, _x(place + 1)
        y0, y1 = from_y[source] + thick // 2, to_y[target] + thick // 2
        middle = (x0 + x1) // 2
        kind = "l" if source == target else "l x"
        made.append(
            f'<path class="{kind}" stroke-width="{thick}"'
            f' d="M{x0} {y0}C{middle} {y0} {middle} {y1} {x1} {y1}"/>'
        )
        from_y[source] += thick
        to_y[target] += thick
    return made
