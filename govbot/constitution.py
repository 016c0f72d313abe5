"""The constitution: Markdown as sections that can be cited and searched.

Owns sections, their stable ids, the digest of a version, full-text search and what a citation must
satisfy. Knows nothing of rules or processes. Promises that a citation holds exactly when its words
stand in its section of this version, white space folded and nothing else, and that whatever it
quotes by itself holds.
"""

import html
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Literal

from markdown_it import MarkdownIt
from markdown_it.token import Token
from pysqlite3 import dbapi2 as sqlite3

from govbot.errors import OperatorError
from govbot.passages import TAG, TAGGED, blocks_of, flows, line_at, spans_of
from govbot.records import Citation, Record, digest

MAX_BYTES = 4_000_000
MAX_TERMS = 40
MAX_QUERY = 4000
MOST_QUOTED = 3  # sections in an answer, and passages of each
MOST_ANNOUNCED = 5

# Words that say how a question is asked, not what it is about.
_STOP = frozenset(
    "a about after all am an and any anyone are aren as at be been before but by can could did"
    " didn do does doesn doing don for from had has have having he her him his how i if in into"
    " is isn it its ll long many may me might much must my no not of often on or ought our ours"
    " shall she should so some someone than that the their them then there these they this those"
    " to us ve was wasn we were what when where whether which who whom whose why will with won"
    " would you your yours".split()
)
_ROMAN = re.compile(r"(?=.)c{0,3}(?:xc|xl|l?x{0,3})(?:ix|iv|v?i{0,3})", re.IGNORECASE)
_NUMBERED = re.compile(
    r"(?:(?P<word>article|section|chapter|part|title|rule|annex|appendix|schedule|clause|paragraph"
    r"|amendment|step|phase)\s+|(?P<sign>§+)\s*)?"
    r"(?P<number>\d{1,3}(?:\.\d{1,3})*[a-z]?|[ivxlc]+|[a-z])(?=[.:)]?(?:\s|$|[—–]))",
    re.IGNORECASE,
)
_SET_APART = re.compile(r"[.:)]|\s*[—–]|\s+-\s|$")


class Section(Record):
    """A heading and its own text: the lines up to the next heading. Lines count from 1.

    `path` leads from the outermost ancestor to the section itself. The document's own title (one
    unnumbered level-1 heading at its head) is left out of it: it does not say where one is.
    """

    id: str
    title: str
    path: tuple[str, ...]
    level: int  # 0 for text that stands under no heading
    first: int
    last: int
    text: str

    @property
    def breadcrumb(self) -> str:
        return " › ".join(self.path)


class Guidance(Record):
    """What the constitution says on a question: quotes, where they stand, how well they fit.

    With confidence `none` there are no citations, and `sections` are the nearest by their titles.
    """

    answer: str
    sections: tuple[Section, ...]
    citations: tuple[Citation, ...]
    confidence: Literal["high", "medium", "low", "none"]


class Constitution:
    """One version of a constitution, known by its digest. Never changes."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.digest = digest(text.encode())
        self.sections = _sections(text)
        self.title = next((s.title for s in self.sections if s.level), "Constitution")
        self._by_id = {section.id: section for section in self.sections}
        self._folded = {section.id: _fold(section.text) for section in self.sections}
        # The same few are asked for at every vote and in every audit.
        self._held: set[Citation] = set()
        self._around: dict[Citation, str] = {}
        self._built: _Index | None = None

    @classmethod
    def load(cls, path: str | Path) -> "Constitution":
        """A constitution from its file; OperatorError says what is wrong with the file."""
        raw = _read(Path(path))
        try:
            found = cls(raw.decode())
        except UnicodeDecodeError as error:
            where = f"not UTF-8 at byte {error.start}"
            raise OperatorError(f"{str(path)!r} is {where}; save it as UTF-8") from None
        if not found.sections:
            raise OperatorError(f"{str(path)!r} is empty; write your rules in it")
        return found

    def section(self, id: str) -> Section | None:
        return self._by_id.get(id)

    def find(self, quote: str) -> Section | None:
        """The first section with these words."""
        wanted = _fold(quote)
        return next((s for s in self.sections if wanted and wanted in self._folded[s.id]), None)

    def holds(self, citation: Citation) -> bool:
        """Whether the quote stands in its section, white space folded and nothing else."""
        if citation in self._held:
            return True
        wanted = _fold(citation.quote)
        if not wanted or wanted not in self._folded.get(citation.section, ""):
            return False
        self._held.add(citation)
        return True

    def placed(self, citation: Citation) -> Citation | None:
        """The citation if it holds, else one of the section where its words do stand."""
        if self.holds(citation):
            return citation
        stands = self.find(citation.quote)
        return Citation(section=stands.id, quote=citation.quote) if stands else None

    def around(self, citation: Citation) -> str:
        """The whole sentences or list items the quote stands in; empty if it does not hold."""
        if not self.holds(citation):
            return ""
        if citation not in self._around:
            self._around[citation] = self._sentences(citation)
        return self._around[citation]

    def _sentences(self, citation: Citation) -> str:
        text = self._by_id[citation.section].text
        words = map(re.escape, citation.quote.split())
        found = re.search(r"\s+".join(words), text)
        assert found, "folding and matching agree on what white space is"
        start, end = found.span()
        spans = [span for span in spans_of(text) if span[0] < end and start < span[1]]
        for edge in (start, end - 1):
            if not any(first <= edge < last for first, last in spans):
                first, last = line_at(text, edge)
                spans.append((min(first, start), last))
        return _fold(text[min(first for first, _ in spans) : max(last for _, last in spans)])

    def search(self, text: str, k: int = 5) -> list[Section]:
        """The sections that fit these words best; headings weigh more than what stands below."""
        terms = _terms(text)
        return [self.sections[n] for n in self._index.ranked(_any(terms), k)] if terms else []

    def query(self, question: str, context: str = "") -> Guidance:
        """What the text says on a question, in its own words. `context` only helps to rank."""
        terms = _terms(question)
        covered = self._index.covered("sections", terms)
        if not covered:
            return self._silence(terms, context)
        said = _words(question[:MAX_QUERY].casefold())
        best = self._best(terms, covered, _terms(context), said)
        quotes = [
            Citation(section=self.sections[n].id, quote=passage)
            for n in best
            for passage in self._index.quotable(n, terms, said) or [_title_line(self.sections[n])]
        ]
        return Guidance(
            answer="\n".join(f"{self._by_id[q.section].breadcrumb}: “{q.quote}”" for q in quotes),
            sections=tuple(self.sections[n] for n in best),
            citations=tuple(quotes),
            confidence=_confidence(covered[best[0]], len(terms)),
        )

    @property
    def _index(self) -> "_Index":
        if self._built is None:
            self._built = _Index(self.sections)
        return self._built

    def _best(
        self, terms: list[str], covered: Counter[int], context: list[str], said: list[str]
    ) -> list[int]:
        """The sections with most of the terms; a bare heading only where nothing else has them.

        Of those alike in that, the ones that say it in the question's own words.
        """
        wanted = f"({_any(terms)}) AND ({_any([*terms, *context])})"
        ranked = self._index.ranked(wanted, len(self.sections))
        ranked.sort(
            key=lambda n: (-covered[n], not self._index.passages[n], -self._index.echo(n, said))
        )
        most = covered[ranked[0]]
        silent = not self._index.passages[ranked[0]]
        kept = [n for n in ranked if 2 * covered[n] > most and (silent or self._index.passages[n])]
        return kept[:MOST_QUOTED]

    def _silence(self, terms: list[str], context: str) -> Guidance:
        near = self.search(context, MOST_QUOTED)
        if not near and terms:
            near = [self.sections[n] for n in self._index.ranked(_like(terms), MOST_QUOTED)]
        words = ", ".join(f"“{term}”" for term in terms[:10])
        answer = (
            f"I found nothing in the constitution for {words}; that does not prove that it says"
            " nothing about it."
            if terms
            else "I found no words in the question that I could look up in the constitution."
        )
        if near:
            answer += f" The nearest sections are: {'; '.join(s.breadcrumb for s in near)}."
        return Guidance(answer=answer, sections=tuple(near), citations=(), confidence="none")


def _read(path: Path) -> bytes:
    name = repr(str(path))
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise OperatorError(f"there is no file {name}; write it or correct the path") from None
    except IsADirectoryError:
        raise OperatorError(f"{name} is a directory; name the Markdown file in it") from None
    except PermissionError:
        raise OperatorError(f"{name} may not be read; let this account read it") from None
    except OSError as error:
        why = error.strerror or "unknown fault"
        raise OperatorError(f"{name} cannot be read ({why}); mend or move it") from None
    if len(raw) > MAX_BYTES:
        raise OperatorError(f"{name} is larger than {MAX_BYTES} bytes; shorten it")
    return raw


def _fold(text: str) -> str:
    return " ".join(text.split())


def _words(text: str) -> list[str]:
    """Runs of letters, their marks and digits, in any script."""
    return "".join(c if unicodedata.category(c)[0] in "LMN" else " " for c in text).split()


# --- from Markdown to sections -----------------------------------------------------------


class _Heading(Record):
    title: str
    level: int
    line: int  # from 0


def _sections(text: str) -> tuple[Section, ...]:
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    if len(lines) > 1 and not lines[-1]:
        lines.pop()  # what follows the last line break is no line
    skipped = _front_matter(lines)
    headings = list(_headings(lines, skipped))
    ids = _Ids()
    named = [ids.next(heading) for heading in headings]
    ends = [*(heading.line for heading in headings[1:]), len(lines)]
    made = [
        _section(id, heading, path, lines, end)
        for id, heading, path, end in zip(named, headings, _paths(headings), ends, strict=False)
    ]
    before = headings[0].line if headings else len(lines)
    if any(line.strip() for line in lines[skipped:before]):
        head = _Heading(title="Preamble" if headings else "Text", level=0, line=skipped)
        # Named last: a heading must keep its id when an introduction is written above it.
        made.insert(0, _section(ids.next(head), head, (head.title,), lines, before))
    return tuple(made)


def _front_matter(lines: list[str]) -> int:
    """How many lines a leading YAML block takes.

    Prose between two rules of hyphens is no YAML: taking it for such would hide it.
    """
    if lines[0].rstrip() != "---":
        return 0
    for n, line in enumerate(lines[1:], 1):
        if line.rstrip() in ("---", "..."):
            return n + 1
        if line.strip() and not re.match(
            r"[\w.\"'-]+[\"']?[ \t]*:(?:\s|$)|\s|#|-[ \t]|[}\]]", line
        ):
            return 0
    return 0


def _headings(lines: list[str], skipped: int) -> Iterator[_Heading]:
    """Headings of the document itself; those inside quotes, lists and code are not."""
    env: dict[str, object] = {}
    tokens = blocks_of("\n".join([""] * skipped + lines[skipped:]), env)
    inline = MarkdownIt("commonmark")
    for token, following in zip(tokens, [*tokens[1:], None], strict=False):
        if token.level or not token.map:
            continue
        if token.type == "heading_open" and following:
            content = inline.parseInline(following.content, env)[0].children or []
            title = _fold("".join(_visible(child) for child in content))
            yield _Heading(title=title or "Untitled", level=int(token.tag[1]), line=token.map[0])
        elif token.type == "html_block" and flows(token.content):
            for n in range(*token.map):
                if found := TAGGED.fullmatch(lines[n]):
                    title = _fold(html.unescape(TAG.sub("", found["title"])))
                    yield _Heading(title=title or "Untitled", level=int(found["level"]), line=n)


def _visible(token: Token) -> str:
    if token.type in ("softbreak", "hardbreak"):
        return " "
    return token.content if token.type in ("text", "code_inline", "image") else ""


def _paths(headings: list[_Heading]) -> Iterator[tuple[str, ...]]:
    top = [heading for heading in headings if heading.level == 1]
    named = len(top) == 1 and top[0] is headings[0] and _number(top[0].title) is None
    above: list[_Heading] = []
    for heading in headings:
        while above and above[-1].level >= heading.level:
            above.pop()
        above.append(heading)
        shown = above[1:] if named and len(above) > 1 else above
        yield tuple(ancestor.title for ancestor in shown)


def _section(
    id: str, heading: _Heading, path: tuple[str, ...], lines: list[str], end: int
) -> Section:
    return Section(
        id=id, title=heading.title, path=path, level=heading.level,
        first=heading.line + 1, last=end, text="\n".join(lines[heading.line : end]).strip("\n"),
    )  # fmt: skip


# --- ids ---------------------------------------------------------------------------------


class _Ids:
    """Ids from headings: numbers where the author gave them, words otherwise, never twice.

    'Article 3' is `article-3`; 'Section 3.1', 'Section 1', '3.1' and 'I.' beneath it are
    `article-3.1`, so a number keeps the word of its nearest numbered ancestor. At the top it keeps
    its own ('Rule 4' is `rule-4`), and '§ 4', '4.' and 'IV.' are `section-4`. Single letters are
    letters ('Appendix C' is `appendix-c`) but for I, V and X. A heading without a number is a slug
    of its words. An id met again takes its parent's id in front, then `~2`.
    """

    def __init__(self) -> None:
        self._taken: dict[str, int] = {}  # how often each was asked for
        self._above: list[tuple[int, str, str, str]] = []  # level, id, word, number

    def next(self, heading: _Heading) -> str:
        while self._above and self._above[-1][0] >= heading.level:
            self._above.pop()
        word, number = self._numbered(heading.title)
        parent = self._above[-1][1] if self._above else ""
        id = self._free(f"{word}-{number}" if number else _slug(heading.title), parent)
        self._above.append((heading.level, id, word, number))
        return id

    def _numbered(self, title: str) -> tuple[str, str]:
        found = _number(title)
        if found is None:
            return "", ""
        word, number = found
        for _, _, above_word, above_number in reversed(self._above):
            if above_number:
                within = number.startswith(above_number + ".")
                return above_word, number if within else f"{above_number}.{number}"
        return word or "section", number

    def _free(self, id: str, parent: str) -> str:
        if id in self._taken and parent:
            id = f"{parent}/{id}"
        n = self._taken[id] = self._taken.get(id, 0) + 1
        # A slug has neither `/` nor `~`, so what is made with them cannot meet one.
        return id if n == 1 else f"{id}~{n}"


def _number(title: str) -> tuple[str, str] | None:
    """The word and number a heading carries: ('article', '3') of 'Article III: Proposals'."""
    found = _NUMBERED.match(title)
    if found is None:
        return None
    word, number = (found["word"] or "").lower(), found["number"].lower()
    worded = bool(word or found["sign"])
    apart = bool(_SET_APART.match(title, found.end()))
    roman = number.isalpha() and _ROMAN.fullmatch(number) and (len(number) > 1 or number in "ivx")
    if not _is_number(found["number"], worded, apart, bool(roman)):
        return None
    return word, str(_roman(number)) if roman else number


def _is_number(written: str, worded: bool, apart: bool, roman: bool) -> bool:
    """Whether it is meant as a number: 'I propose' and 'Section a member reads' are words."""
    if written[-1].isdigit():
        return True
    if written[0].isdigit():
        return worded or apart
    if roman:
        return apart or (worded and written.isupper())
    return apart and len(written) == 1


def _roman(text: str) -> int:
    worth = {"i": 1, "v": 5, "x": 10, "l": 50, "c": 100}
    values = [worth[letter] for letter in text]
    pairs = zip(values, [*values[1:], 0], strict=True)
    return sum(-value if value < following else value for value, following in pairs)


def _slug(title: str) -> str:
    slug = "-".join(_words(unicodedata.normalize("NFC", title).casefold()))
    return slug[:80].rstrip("-") or "section"


# --- search ------------------------------------------------------------------------------


def _title_line(section: Section) -> str:
    """A heading as a quote of itself: its first line as written, without the marks."""
    if tagged := TAGGED.match(section.text):
        return _fold(tagged["title"]) or _fold(tagged[0])
    start, end = line_at(section.text, len(section.text) - len(section.text.lstrip()))
    return _fold(section.text[start:end].rstrip("# \t")) or _fold(section.text[:end])


class _Index:
    """Sections and their passages in SQLite FTS5, so that both are matched by the same stems."""

    def __init__(self, sections: Sequence[Section]) -> None:
        self.passages: list[range] = []
        self._texts: list[str] = []
        # Built once and only read after that, so any thread may ask.
        self._db = sqlite3.connect(":memory:", check_same_thread=False)
        tokens = 'tokenize="porter unicode61 remove_diacritics 2"'
        self._db.execute(f"create virtual table sections using fts5(title, above, body, {tokens})")
        self._db.execute(f"create virtual table passages using fts5(body, {tokens})")
        for n, section in enumerate(sections):
            found = [_fold(section.text[first:last]) for first, last in spans_of(section.text)]
            self.passages.append(range(len(self._texts), len(self._texts) + len(found)))
            self._texts += found
            row = (n, section.title, " ".join(section.path[:-1]), "\n".join(found))
            self._db.execute(
                "insert into sections(rowid, title, above, body) values (?,?,?,?)", row
            )
        self._spoken = [f" {' '.join(_words(text.casefold()))} " for text in self._texts]
        self._db.executemany(
            "insert into passages(rowid, body) values (?,?)", enumerate(self._texts)
        )

    def ranked(self, match: str, k: int) -> list[int]:
        found = self._db.execute(
            "select rowid from sections where sections match ?"
            " order by bm25(sections, 4, 2, 1), rowid limit ?",
            (match, max(k, 0)),
        )
        return [n for (n,) in found]

    def covered(self, table: Literal["sections", "passages"], terms: list[str]) -> Counter[int]:
        """How many of the terms each row has."""
        found: Counter[int] = Counter()
        for term in terms:
            rows = self._db.execute(
                f"select rowid from {table} where {table} match ?", (_any([term]),)
            )
            found.update(n for (n,) in rows)
        return found

    def echo(self, section: int, said: list[str]) -> int:
        """The most words in a row that one of its passages has in common with what was said."""
        return max((_echo(said, self._spoken[n]) for n in self.passages[section]), default=0)

    def quotable(self, section: int, terms: list[str], said: list[str]) -> list[str]:
        """Its passages with most of the terms, in their order; its first ones if none has any.

        One that ends in a colon brings what it announces.
        """
        here = self.passages[section]
        covered = self.covered("passages", terms)
        most = max((covered[n] for n in here), default=0)
        best = [n for n in here if covered[n] == most]
        best.sort(key=lambda n: -_echo(said, self._spoken[n]))
        best = best[:MOST_QUOTED]
        announced = [n for first in best for n in self._announced(first, here)]
        return list(dict.fromkeys(self._texts[n] for n in sorted({*best, *announced})))

    def _announced(self, first: int, here: range) -> Iterator[int]:
        if not self._texts[first].endswith(":"):
            return
        for n in here[here.index(first) + 1 :][:MOST_ANNOUNCED]:
            if self._texts[n].endswith(":"):
                return
            yield n


def _terms(text: str) -> list[str]:
    """The words that say what a text is about; quoted by whoever puts them into a query."""
    words = _words(text[:MAX_QUERY].casefold())
    kept = (w for w in words if w not in _STOP and not (len(w) == 1 and "a" <= w <= "z"))
    return list(dict.fromkeys(kept))[:MAX_TERMS]


def _echo(said: list[str], spoken: str) -> int:
    """How many words in a row of `said` stand in `spoken`, a text with a blank at both ends.

    Two words in a row are found anywhere; they count as none.
    """
    most = 2
    for start in range(len(said)):
        while (
            start + most < len(said) and f" {' '.join(said[start : start + most + 1])} " in spoken
        ):
            most += 1
    return most if most > 2 else 0


def _any(terms: Iterable[str]) -> str:
    return " OR ".join(f'"{term}"' for term in terms)


def _like(terms: list[str]) -> str:
    """Headings with words that begin like these."""
    return "title : (" + " OR ".join(f'"{t[: max(3, len(t) // 2)]}"*' for t in terms) + ")"


def _confidence(found: int, asked: int) -> Literal["high", "medium", "low"]:
    if found == asked:
        return "high"
    return "medium" if 2 * found >= asked else "low"
