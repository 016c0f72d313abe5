"""The constitution: Markdown as sections that can be cited and searched.

Owns sections, their stable ids, the digest of a version, full-text search and what a citation must
satisfy. Knows nothing of rules or processes. Promises that a citation holds exactly when its words
stand in its section of this version, white space folded and nothing else.
"""

import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from markdown_it import MarkdownIt
from pysqlite3 import dbapi2 as sqlite3

from govbot.errors import OperatorError
from govbot.records import Citation, Record, digest

MAX_BYTES = 4_000_000

# Words that say how a question is asked, not what it is about.
_STOP = frozenset(
    "a about after all am an and any are as at be been before but by can could did do does for"
    " from had has have how i if in into is it its may me must my no not of on or our shall she he"
    " should so some than that the their them then there these they this to us was we were what"
    " when where which who whom whose why will with would you your".split()
)
_WORD = re.compile(r"\w+")
_ROMAN = re.compile(r"(?=[ivxlc])c{0,3}(?:xc|xl|l?x{0,3})(?:ix|iv|v?i{0,3})", re.IGNORECASE)
_NUMBERED = re.compile(
    r"(?:(?P<word>article|section|chapter|part|title|rule|annex|appendix|clause|paragraph)\s+|§+\s*)?"
    r"(?P<number>\d+(?:\.\d+)*|[ivxlc]+(?=[.:)\s—–-]|$)|[a-z](?=[.:)]\s))[.:)]?(?=\s|$|[—–-])",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"(?<=[.!?])(?=\s)")
_ITEM = re.compile(r"^\s*(?:[-*+]|\d+[.)]|>|\|)\s+")


class Section(Record):
    """A heading and the text up to the next heading of any level. Lines count from 1."""

    id: str
    title: str
    path: tuple[str, ...]
    level: int
    first: int
    last: int
    text: str

    @property
    def breadcrumb(self) -> str:
        return " › ".join(self.path)


class Guidance(Record):
    """What the constitution says on a question: quotes, where they stand, how well they fit."""

    answer: str
    sections: tuple[Section, ...]
    citations: tuple[Citation, ...]
    confidence: Literal["high", "medium", "low", "none"]


class _Heading(Record):
    title: str
    level: int
    line: int  # from 0


def _fold(text: str) -> str:
    return " ".join(text.split())


def _front_matter(lines: list[str]) -> int:
    """How many lines a leading YAML block takes."""
    if lines and lines[0].strip() == "---":
        for n, line in enumerate(lines[1:], 1):
            if line.strip() in ("---", "..."):
                return n + 1
    return 0


def _headings(lines: list[str], skipped: int) -> Iterator[_Heading]:
    """Headings of the document itself; those inside quotes, lists and code are not."""
    source = "\n".join([""] * skipped + lines[skipped:])
    tokens = MarkdownIt("commonmark").parse(source)
    for token, inline in zip(tokens, tokens[1:], strict=False):
        if token.type == "heading_open" and token.level == 0 and token.map:
            title = _fold("".join(_visible(child) for child in inline.children or []))
            yield _Heading(title=title, level=int(token.tag[1]), line=token.map[0])


def _visible(token: object) -> str:
    kind, content = getattr(token, "type", ""), str(getattr(token, "content", ""))
    return content if kind in ("text", "code_inline") else " " if kind.endswith("break") else ""


def _number(title: str) -> tuple[str, str] | None:
    """The word and number a heading carries: ('article', '3') of 'Article III: Proposals'."""
    found = _NUMBERED.match(title)
    if found is None:
        return None
    word, number = (found["word"] or "").lower(), found["number"].lower()
    bare = not word and not title.startswith("§")
    if number[0].isalpha():
        if _ROMAN.fullmatch(number) and (len(number) > 1 or number in "ivx"):
            return word, str(_roman(number))
        return None if bare and len(number) > 1 else (word, number)
    return word, number


def _roman(text: str) -> int:
    worth = {"i": 1, "v": 5, "x": 10, "l": 50, "c": 100}
    values = [worth[letter] for letter in text]
    pairs = zip(values, [*values[1:], 0], strict=True)
    return sum(-value if value < following else value for value, following in pairs)


def _slug(title: str) -> str:
    words = _WORD.findall(unicodedata.normalize("NFC", title).casefold().replace("_", " "))
    return "-".join(words)[:80] or "section"


class _Ids:
    """Ids from headings: numbers where the author gave them, words otherwise, never twice.

    'Article 3' is `article-3`; 'Section 3.1', 'Section 1' and '3.1' beneath it are `article-3.1`;
    'II. Quorum' is `section-2`. A title met again takes its parent's id in front.
    """

    def __init__(self) -> None:
        self._taken: set[str] = set()
        self._above: list[tuple[int, str, str, str]] = []  # level, id, word, number

    def next(self, heading: _Heading) -> str:
        while self._above and self._above[-1][0] >= heading.level:
            self._above.pop()
        word, number, id = self._numbered(heading.title)
        parent = self._above[-1][1] if self._above else ""
        id = self._free(id or _slug(heading.title), parent)
        self._above.append((heading.level, id, word, number))
        return id

    def _numbered(self, title: str) -> tuple[str, str, str]:
        found = _number(title)
        if found is None:
            return "", "", ""
        word, number = found
        for _, _, above_word, above_number in reversed(self._above):
            if above_number:
                word = above_word
                if not number.startswith(above_number + "."):
                    number = f"{above_number}.{number}"
                break
        word = word or "section"
        return word, number, f"{word}-{number}"

    def _free(self, id: str, parent: str) -> str:
        if id in self._taken and parent:
            id = f"{parent}/{id}"
        found, n = id, 1
        while found in self._taken:
            n += 1
            found = f"{id}~{n}"
        self._taken.add(found)
        return found


def _sections(text: str) -> tuple[Section, ...]:
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    skipped = _front_matter(lines)
    headings = list(_headings(lines, skipped))
    ids, made = _Ids(), []
    path: list[tuple[int, str]] = []
    before = headings[0].line if headings else len(lines)
    if any(line.strip() for line in lines[skipped:before]):
        id = "preamble" if headings else "text"
        head = _Heading(title=id.capitalize(), level=7, line=skipped)
        made.append(_section(ids.next(head), head, (head.title,), lines, before))
    ends = [*(following.line for following in headings[1:]), *([len(lines)] if headings else [])]
    for heading, end in zip(headings, ends, strict=True):
        while path and path[-1][0] >= heading.level:
            path.pop()
        path.append((heading.level, heading.title))
        crumbs = tuple(title for _, title in path)
        # The document's own title says nothing about where in it something stands.
        crumbs = (
            crumbs[1:] if len(crumbs) > 1 and path[0][0] == 1 and _one_title(headings) else crumbs
        )
        made.append(_section(ids.next(heading), heading, crumbs, lines, end))
    return tuple(made)


def _one_title(headings: list[_Heading]) -> bool:
    return sum(1 for heading in headings if heading.level == 1) == 1


def _section(
    id: str, heading: _Heading, path: tuple[str, ...], lines: list[str], end: int
) -> Section:
    return Section(
        id=id, title=heading.title, path=path, level=heading.level,
        first=heading.line + 1, last=end, text="\n".join(lines[heading.line : end]).strip("\n"),
    )  # fmt: skip


class Constitution:
    """One version of a constitution, known by its digest."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.digest = digest(text.encode())
        self.sections = _sections(text)
        self._by_id = {section.id: section for section in self.sections}
        self._folded = {section.id: _fold(section.text) for section in self.sections}
        self._index: sqlite3.Connection | None = None

    @classmethod
    def load(cls, path: Path) -> "Constitution":
        """A constitution from its file; OperatorError says what is wrong with the file."""
        try:
            raw = path.read_bytes()
        except OSError as error:
            why = error.strerror or "unreadable"
            raise OperatorError(f"{path} cannot be read ({why}); name a Markdown file") from None
        if len(raw) > MAX_BYTES:
            raise OperatorError(f"{path} is larger than {MAX_BYTES} bytes; shorten it")
        try:
            text = raw.decode()
        except UnicodeDecodeError as error:
            where = error.start
            raise OperatorError(f"{path} is not UTF-8 at byte {where}; save it as UTF-8") from None
        if not text.strip("\ufeff \t\r\n"):
            raise OperatorError(f"{path} is empty; write your rules in it or use a template")
        return cls(text)

    @property
    def title(self) -> str:
        return next((s.title for s in self.sections if s.level < 7), "Constitution")

    def section(self, id: str) -> Section | None:
        return self._by_id.get(id)

    def find(self, quote: str) -> Section | None:
        """The first section with these words."""
        wanted = _fold(quote)
        return next((s for s in self.sections if wanted and wanted in self._folded[s.id]), None)

    def holds(self, citation: Citation) -> bool:
        """Whether the quote stands in its section, white space folded and nothing else."""
        wanted = _fold(citation.quote)
        return bool(wanted) and wanted in self._folded.get(citation.section, "")

    def around(self, citation: Citation) -> str:
        """The whole sentences or list items the quote stands in; empty if it does not hold."""
        if not self.holds(citation):
            return ""
        wanted = _fold(citation.quote)
        parts = list(_passages(self._by_id[citation.section].text))
        for size in range(1, len(parts) + 1):
            for start in range(len(parts) - size + 1):
                joined = " ".join(parts[start : start + size])
                if wanted in joined:
                    return joined
        return self._folded[citation.section]

    def search(self, text: str, k: int = 5) -> list[Section]:
        """The sections that fit these words best, by SQLite FTS5 with headings weighing more."""
        terms = _terms(text)
        if not terms or k < 1:
            return []
        wanted = " OR ".join(f'"{term}"' for term in terms)
        found = self._searchable().execute(
            "select id from sections where sections match ? order by bm25(sections, 0, 3, 1), rowid"
            " limit ?",
            (wanted, k),
        )
        return [self._by_id[id] for (id,) in found]

    def _searchable(self) -> sqlite3.Connection:
        if self._index is None:
            self._index = sqlite3.connect(":memory:")
            self._index.execute(
                "create virtual table sections using fts5(id unindexed, heading, body,"
                ' tokenize="porter unicode61 remove_diacritics 2")'
            )
            self._index.executemany(
                "insert into sections values (?,?,?)",
                [(s.id, s.breadcrumb, _body(s)) for s in self.sections],
            )
        return self._index

    def query(self, question: str, context: str = "") -> Guidance:
        """What the text says on a question, in its own words. `context` only helps to rank."""
        found = self.search(question, 3) or self.search(f"{question} {context}", 3)
        terms = _terms(question)
        if not found or not terms:
            return Guidance(answer=self._silent(), sections=(), citations=(), confidence="none")
        quotes = [
            Citation(section=section.id, quote=passage)
            for section in found
            for passage in self._best(section, terms)
        ]
        sections = tuple(s for s in found if any(q.section == s.id for q in quotes))
        if not quotes:
            return Guidance(
                answer=self._silent(), sections=tuple(found), citations=(), confidence="none"
            )
        said = [f"{self._by_id[q.section].breadcrumb}: “{q.quote}”" for q in quotes]
        return Guidance(
            answer="\n".join(said),
            sections=sections,
            citations=tuple(quotes),
            confidence=_confidence(terms, sections[0]),
        )

    def _best(self, section: Section, terms: list[str]) -> list[str]:
        """Its passages that have most of the terms, in their order; at most three."""
        stems = [_stem(term) for term in terms]
        passages = [p for p in _passages(_body(section)) if not p.startswith("#")]
        scored = [(sum(s in _stems(p) for s in stems), p) for p in passages]
        most = max((score for score, _ in scored), default=0)
        heading = sum(s in _stems(section.breadcrumb) for s in stems)
        if most == 0:
            return [p for _, p in scored[:2]] if heading else []
        best = [p for score, p in scored if score == most]
        return best[:3]

    def _silent(self) -> str:
        titles = ", ".join(s.breadcrumb for s in self.sections[:8])
        return (
            "I found nothing in the constitution for these words, which does not prove that it"
            f" says nothing. Its sections are: {titles}."
        )


def _body(section: Section) -> str:
    """The text without its heading line."""
    first, _, rest = section.text.partition("\n")
    return rest if _fold(first).lstrip("# ").startswith(section.title[:20]) else section.text


def _passages(text: str) -> Iterator[str]:
    """Sentences and list items, each with its white space folded; words stay as they are."""
    block: list[str] = []
    for line in [*text.split("\n"), ""]:
        if not line.strip() or _ITEM.match(line) or line.startswith("#"):
            yield from _split(" ".join(block))
            block = []
        if line.strip():
            block.append(_ITEM.sub("", line, count=1).strip())
    yield from _split(" ".join(block))


def _split(block: str) -> Iterator[str]:
    for sentence in _SENTENCE.split(_fold(block)):
        if sentence.strip():
            yield sentence.strip()


def _terms(text: str) -> list[str]:
    words = _WORD.findall(text[:4000].casefold())
    return list(dict.fromkeys(w for w in words if w not in _STOP and (len(w) > 1 or w.isdigit())))[
        :40
    ]


def _stem(word: str) -> str:
    """Rough, for choosing among sentences only."""
    for ending in ("ing", "ies", "ed", "es", "al", "s", "e", "y"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)]
    return word


def _stems(text: str) -> set[str]:
    return {_stem(word) for word in _WORD.findall(text.casefold())}


def _confidence(terms: list[str], best: Section) -> Literal["high", "medium", "low"]:
    stems = _stems(best.breadcrumb + " " + best.text)
    found = sum(_stem(term) in stems for term in terms)
    if found == len(terms):
        return "high"
    return "medium" if 2 * found >= len(terms) else "low"
