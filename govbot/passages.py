"""Passages: the sentences, list items and table rows that a text is made of.

Owns what ends a sentence, in Markdown and in the HTML that authors mix into it. Pure. Promises that
a passage is a part of the text as it stands, that passages come in order and do not overlap, and
that only marks, tags and the text's own heading are left out.
"""

import re
from collections.abc import Iterator
from itertools import accumulate

from markdown_it import MarkdownIt
from markdown_it.token import Token

_MARKERS = re.compile(r"[ \t]*(?:(?:[-*+>]|\d{1,9}[.)]|#{1,6})[ \t]+)*")
_STOPPED = re.compile(r"[.!?](?:[\"'”’»)\]*_]|</[a-z]+>)*(?=\s)|[。！？][」』）”]*")
# Headings and text that an author wrote in HTML instead of Markdown.
TAGGED = re.compile(r"[ \t]*<h(?P<level>[1-6])\b[^<>]*>(?P<title>.*?)</h(?P=level)>[ \t]*", re.I)
TAG = re.compile(r"<[^<>]*>")
_SETS_APART = re.compile(
    r"</?(?:p|div|h\d|[ou]l|li|d[ltd]|table|t(?:head|body|foot|r)|caption|blockquote|section|article"
    r"|header|footer|details|summary|br|hr)\b[^<>]*>",
    re.IGNORECASE,
)
_SHORTENED = frozenset("e.g i.e etc cf vs art arts sec para approx incl mr mrs ms dr".split())
_BEFORE_FIGURES = frozenset(("no", "nos"))  # "no. 5"; else it is a word like any other


def blocks_of(text: str, env: dict[str, object]) -> list[Token]:
    """Blocks only: what stands inside a line costs time and moves no section."""
    return MarkdownIt("commonmark").enable("table").disable("inline").parse(text, env)


def flows(block: str) -> bool:
    """Whether HTML holds text for people: no comment, no instruction, no code."""
    return re.match(r"\s*<(?!pre\b|script\b|style\b|textarea\b)/?[a-z]", block, re.I) is not None


def spans_of(text: str) -> list[tuple[int, int]]:
    """Where the passages of a section's text begin and end, in order, its own heading left out."""
    lines = text.split("\n")
    starts = list(accumulate((len(line) + 1 for line in lines), initial=0))
    found: list[tuple[int, int]] = []
    for token in blocks_of(text, {}):
        if token.map is None or (token.type == "heading_open" and token.level == 0):
            continue
        first, last = token.map
        if token.type in ("paragraph_open", "heading_open"):
            found += _sentences(text, starts[first], starts[last] - 1)
        elif token.type == "html_block" and flows(token.content):
            found += _tagged(text, starts[first], starts[last] - 1)
        elif token.type in ("tr_open", "fence", "code_block", "html_block"):
            if token.type == "fence":
                first, last = first + 1, first + 1 + token.content.count("\n")
            rows = range(first, min(last, len(lines)))
            found += [(starts[row], starts[row + 1] - 1) for row in rows if lines[row].strip()]
    return found


def _tagged(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """The sentences of a block of HTML, parted where its tags part them."""
    own = TAGGED.match(text, start, end)
    start = own.end() if own and not text[:start].strip() else start
    for apart in [*_SETS_APART.finditer(text, start, end), None]:
        until = apart.start() if apart else end
        words = text[start:until]
        if TAG.sub("", words).strip():
            start += len(words) - len(words.lstrip())
            yield from _sentences(text, start, start + len(words.strip()))
        start = apart.end() if apart else end


def _sentences(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    markers = _MARKERS.match(text, start, end)
    start = markers.end() if markers else start
    for stop in _STOPPED.finditer(text, start, end):
        if _ends_sentence(text, start, stop.start(), stop.end()):
            yield start, stop.end()
            start = stop.end()
    if text[start:end].strip():
        yield start, end


def _ends_sentence(text: str, start: int, stop: int, after: int) -> bool:
    following = text[after : after + 100].lstrip()[:1]
    word = (text[max(start, stop - 20) : stop].split() or [""])[-1].strip("(“\"'*_").lower()
    figured = word in _BEFORE_FIGURES and following.isdigit()
    if following.islower() or word in _SHORTENED or figured:
        return False
    return not (len(word) == 1 and word.isalpha()) and not (
        word.isdigit() and text[start:stop].strip() == word
    )


def line_at(text: str, position: int) -> tuple[int, int]:
    """Where the words of a line begin, after its markers, and where they end."""
    end = text.find("\n", position)
    markers = _MARKERS.match(text, text.rfind("\n", 0, position) + 1)
    return markers.end() if markers else position, end if end >= 0 else len(text)
