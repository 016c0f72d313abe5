"""The redline: two constitutions as a lawyer marks them up, for a terminal and as HTML.

Owns which words are struck and which are underlined, article by article, with what stays folded
away. Pure. Promises that the words that are kept and struck are the old text, those kept and
underlined the new one, and that nothing in either can become markup.
"""

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

from govbot.amendments import lines_of
from govbot.constitution import Constitution

CONTEXT = 1  # unchanged lines shown around a change

Mark = Literal["same", "struck", "added", "heading", "folded"]


@dataclass(frozen=True)
class Piece:
    """Some words in a row, and what becomes of them."""

    mark: Mark
    text: str


Line = tuple[Piece, ...]


def redline(old: Constitution, new: Constitution) -> list[Line]:
    """The lines to show: where, what is struck, what is added; one line for all that is folded."""
    return list(_folded(list(_lines(old, new))))


def words_of(text: str) -> list[str]:
    """Words, marks and the white space between them; together they are the text again."""
    return re.findall(r"\s+|\w+|[^\w\s]", text)


def marked(old: str, new: str) -> Line:
    """One stretch of text against another, word by word."""
    before, after = words_of(old), words_of(new)
    pieces: list[Piece] = []
    for tag, i, j, k, m in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if tag == "equal":
            pieces.append(Piece("same", "".join(before[i:j])))
            continue
        pieces += [Piece("struck", "".join(before[i:j]))] if j > i else []
        pieces += [Piece("added", "".join(after[k:m]))] if m > k else []
    return tuple(_joined(pieces))


def _joined(pieces: list[Piece]) -> Iterator[Piece]:
    """A blank kept alone between two changes reads as part of them."""
    struck, added, held = "", "", False
    for n, piece in enumerate(pieces):
        between = piece.mark == "same" and not piece.text.strip() and held and n + 1 < len(pieces)
        if piece.mark == "same" and not between:
            yield from _pair(struck, added)
            struck, added, held = "", "", False
            yield piece
            continue
        held = True
        struck += piece.text if piece.mark != "added" else ""
        added += piece.text if piece.mark != "struck" else ""
    yield from _pair(struck, added)


def _pair(struck: str, added: str) -> Iterator[Piece]:
    if struck:
        yield Piece("struck", struck)
    if added:
        yield Piece("added", added)


# --- which lines ---------------------------------------------------------------------------------


def _lines(old: Constitution, new: Constitution) -> Iterator[tuple[str, Line]]:
    """Every line of both, each with the heading it stands under."""
    before, after = lines_of(old.text), lines_of(new.text)
    for tag, i, j, k, m in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if tag == "equal":
            for n in range(k, m):
                yield _place(new, n + 1), (Piece("same", after[n].rstrip("\r\n")),)
            continue
        place = _place(new, k + 1) if m > k else _place(old, i + 1)
        for line in _split(marked("".join(before[i:j]), "".join(after[k:m]))):
            yield place, line


def _split(pieces: Line) -> Iterator[Line]:
    """Pieces line by line."""
    line: list[Piece] = []
    for piece in pieces:
        for n, part in enumerate(re.split(r"\r?\n", piece.text)):
            if n:
                yield tuple(line)
                line = []
            if part:
                line.append(Piece(piece.mark, part))
    if line:
        yield tuple(line)


def _place(constitution: Constitution, line: int) -> str:
    found = (s for s in constitution.sections if s.first <= line <= s.last)
    return next((section.breadcrumb for section in found), "")


def _folded(lines: list[tuple[str, Line]]) -> Iterator[Line]:
    """What is changed with a little of what is around it; the rest as one line that says so."""
    changed = [n for n, (_, line) in enumerate(lines) if any(p.mark != "same" for p in line)]
    shown = {n + step for n in changed for step in range(-CONTEXT, CONTEXT + 1)}
    place, hidden = "", 0
    for n, (where, line) in enumerate(lines):
        if n not in shown:
            hidden += 1
            continue
        if hidden:
            yield (Piece("folded", f"… {hidden} unchanged line{'s' if hidden > 1 else ''} …"),)
            hidden = 0
        if where != place:
            yield (Piece("heading", where),)
            place = where
        yield line
    if hidden and changed:
        yield (Piece("folded", f"… {hidden} unchanged line{'s' if hidden > 1 else ''} …"),)


# --- shown -----------------------------------------------------------------------------------

STYLES: dict[Mark, str] = {
    "same": "", "struck": "red strike", "added": "green underline", "heading": "bold",
    "folded": "dim",
}  # fmt: skip


def plain_lines(lines: list[Line]) -> Iterator[str]:
    """For where there are no colours: [-struck-] and {+added+}."""
    around = {"struck": ("[-", "-]"), "added": ("{+", "+}")}
    for line in lines:
        yield "".join(
            f"{around.get(p.mark, ('', ''))[0]}{p.text}{around.get(p.mark, ('', ''))[1]}"
            for p in line
        )


_PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
body {{ max-width: 46rem; margin: 2rem auto; padding: 0 1rem; font: 1rem/1.6 Georgia, serif; }}
h1 {{ font-size: 1.4rem; }}
h2 {{ font-size: 1.1rem; margin: 1.5rem 0 .3rem; }}
p {{ margin: 0; min-height: 1.6em; white-space: pre-wrap; }}
.folded {{ color: #595959; font-style: italic; }}
del {{ color: #9c1c1c; background: #fdecec; text-decoration: line-through; }}
ins {{ color: #14532d; background: #e9f7ec; text-decoration: underline; }}
code {{ overflow-wrap: anywhere; }}
@media (prefers-color-scheme: dark) {{
  body {{ background: #171717; color: #e8e8e8; }}
  .folded {{ color: #a8a8a8; }}
  del {{ color: #ffb4b4; background: #3c1717; }}
  ins {{ color: #b6f0c4; background: #123020; }}
}}
</style>
</head>
<body>
<h1>{title}</h1>
<p>From <code>{old}</code><br>to <code>{new}</code></p>
{body}
</body>
</html>
"""


def as_html(old: Constitution, new: Constitution) -> str:
    """The redline as one file that needs nothing else."""
    body = "\n".join(_tagged(line) for line in redline(old, new)) or "<p>Nothing differs.</p>"
    return _PAGE.format(
        title=html.escape(f"{new.title}: what changes"), old=html.escape(old.digest),
        new=html.escape(new.digest), body=body,
    )  # fmt: skip


def _tagged(line: Line) -> str:
    if line and line[0].mark == "heading":
        return f"<h2>{html.escape(line[0].text)}</h2>"
    if line and line[0].mark == "folded":
        return f'<p class="folded">{html.escape(line[0].text)}</p>'
    tags = {"struck": "del", "added": "ins"}
    inner = "".join(
        f"<{tag}>{html.escape(piece.text)}</{tag}>"
        if (tag := tags.get(piece.mark))
        else html.escape(piece.text)
        for piece in line
    )
    return f"<p>{inner}</p>"
