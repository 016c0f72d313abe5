"""Grounding: whether the text carries what somebody says it says.

Owns the finding of a quote in spite of how it is set (white space, hyphens and quotation marks,
emphasis, letter-spacing), the whole sentences round it, the exceptions beside it, and the comparing
of its numbers with those said. Pure. Promises that what is located stands in the text word for
word, that no word or number is cut, and that what is said has no number the quote has not. What
passes is called grounded, never true: whether the words mean it is for people to judge.
"""

import html
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, Literal, NamedTuple

from govbot.charter import Charter, DrawRule, MetricWeights, TallyRule, citations_in
from govbot.constitution import Constitution, Section
from govbot.effects import OutcomeRule
from govbot.numbers import Quantity, is_time, quantities, same, stem
from govbot.passages import line_at, spans_of
from govbot.records import Citation, Record
from govbot.shapes import Condition, Lasts

# Words that open an exception, by language. Another language is another line.
EXCEPTIONS: Mapping[str, tuple[str, ...]] = {
    "en": (
        "unless", "except", "excepting", "exception", "exceptions", "provided that",
        "notwithstanding", "however", "but not", "only if", "only when", "other than", "save for",
        "save that", "subject to", "does not apply", "do not apply", "excluding",
    ),
}  # fmt: skip
# Those that speak of the sentence before wherever they stand; others only at the head of theirs.
_BACKWARD = frozenset("however exception exceptions notwithstanding".split()) | {
    "does not apply", "do not apply",
}  # fmt: skip
# These turn the sentence they stand in: a quote that leaves one out says the contrary.
NEGATIONS: Mapping[str, tuple[str, ...]] = {
    "en": ("not", "never", "cannot", "nor", "no", "neither", "nobody", "none", "without"),
}

_INVISIBLE = frozenset("\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\ufeff\u180e\u061c") | {
    chr(n) for n in (*range(0x202A, 0x202F), *range(0x2066, 0x206A))
}
_QUOTES = frozenset("'\"´“”„‟«»‹›″′‘’‚‛＂＇")
_DASHES = frozenset("-‐‑‒–—―−﹘﹣－")
_EMPHASIS = frozenset("*_~`")
_SAME = {"…": "...", "ﬁ": "fi", "ﬂ": "fl", "ﬀ": "ff", "ﬃ": "ffi", "ﬄ": "ffl"}
# What a reader of the rendered text does not see: as a gap (marks of lists, breaks, cells), or at
# all (escapes, tags, where links lead).
_GAPS = re.compile(
    r"(?m:^[ \t]*(?:(?:[-*+>]|\d{1,3}[.)]|#{1,6})[ \t]+)+)|(?m:[ \t]#+[ \t]*$)|(?<!\\)\|"
    r"|</?(?:br|p|li|ul|ol|td|th|tr|div|h\d)\b[^<>]{0,300}>"
)
_UNSEEN = re.compile(
    r"<!--.*?-->|</?[a-zA-Z][^<>]{0,300}>|\]\([^()\s]{0,500}\)|\]\[[^\[\]]{0,100}\]"
    r"|\\(?=[!-/:-@\[-`{-~])|!?\[(?=[^\[\]]{1,500}\][(\[])",
    re.DOTALL,
)
_ENTITY = re.compile(r"&(?:#\d{1,7}|#x[0-9a-f]{1,6}|[a-z][a-z0-9]{1,30});", re.IGNORECASE)
_NUMERAL = re.compile(r"^[ \t>#*+-]*(\d{1,3}[.)])[ \t]", re.MULTILINE)
_BROKEN = re.compile("\u00ad[ \\t]*\r?\n[ \\t]*")  # a word goes on in the next line
_SPACED = re.compile(r"(?<!\w)[^\W\d_] [^\W\d_](?!\w)")
_GROUPED = re.compile(r"(?<=\d)[\u00a0\u2009\u202f](?=\d{3}(?!\d))")
_EXPRESSION_TEXTS = re.compile(r"'[^']*'|\"[^\"]*\"")
_TIMES_SIGN = re.compile(r"\s\*\s|(?<=\w)\*(?=\w)")  # no emphasis
_TIMED = re.compile(r"minute|hour|day|week|month|year", re.IGNORECASE)
_NEAR = 60  # how much of what is left out an objection shows

# What a share is counted among: everybody, or those who took part. Voters are either.
_EVERYBODY = frozenset("all entire total eligible registered whole every".split())
_PARTAKERS = frozenset(
    "cast casting vote votes voted voting present participate participated participating".split()
)
_VOTERS = frozenset("voter voters".split())
_OF_NOTHING = frozenset("the a an of their its those that this these our who".split())


class Place(Record):
    """Where a quote stands: offsets into its section's text, whatever section was named.

    `also` are other sections that have the same words; where the one named has them there are none.
    """

    section: Section
    start: int
    end: int
    named: str
    also: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The words verbatim, as the text has them."""
        return self.section.text[self.start : self.end]

    @property
    def citation(self) -> Citation:
        """A citation that holds: the section where it stands, and its words there."""
        return Citation(section=self.section.id, quote=self.text)


class Beside(Record):
    """An exception next to a quote and outside it.

    `binds` says that it limits the quote; one within the next sentence may limit only that.
    """

    marker: str
    text: str
    where: Literal["same sentence", "next sentence"]
    binds: bool = True


class Grounding(Record):
    """How far the text carries what was said.

    `grounded` is said of a quote that stands where it is said to; `passes` asks for no objections.
    `exceptions` are those of the objections that only name what limits the words beside them.
    """

    status: Literal["grounded", "elsewhere", "missing"]
    said: str
    citation: Citation
    place: Place | None = None
    surrounding: str = ""  # the whole sentences or list items round the quote
    objections: tuple[str, ...] = ()
    exceptions: tuple[str, ...] = ()

    @property
    def passes(self) -> bool:
        return self.status == "grounded" and not self.objections

    @property
    def correction(self) -> Citation | None:
        """The citation that was meant, where the quote stands in one other section only."""
        if self.status != "elsewhere" or self.place is None or self.place.also:
            return None
        return self.place.citation


# --- folding: the same words however they are set ------------------------------------------


class _Folded(NamedTuple):
    """A text with its setting folded, and for each character where it came from."""

    text: str
    origins: tuple[int, ...]

    def find(self, wanted: str) -> Iterator[tuple[int, int]]:
        """Where the words stand in the unfolded text, cutting no word and no number."""
        at = self.text.find(wanted)
        while at >= 0:
            end = at + len(wanted)
            if not _cuts(self.text, at) and not _cuts(self.text, end):
                yield self.origins[at], self.origins[end - 1] + 1
            at = self.text.find(wanted, at + 1)


def _cuts(text: str, at: int) -> bool:
    """Whether a word or a number goes on across this place."""
    before, after = text[max(at - 2, 0) : at], text[at : at + 2]
    if not before or not after:
        return False
    joined = _wordlike(before[-1]) and _wordlike(after[0])
    figure = len(after) > 1 and before[-1].isdigit() and after[0] in ".,/" and after[1].isdigit()
    decimal = len(before) > 1 and before[0].isdigit() and before[1] in ".,/" and after[0].isdigit()
    return joined or figure or decimal


def _wordlike(char: str) -> bool:
    return unicodedata.category(char)[0] in "LMN"


@lru_cache(maxsize=2048)
def _fold(text: str, seen: bool) -> _Folded:
    """The text with its setting folded; with `seen`, as it looks when it is rendered."""
    instead = {n: "" for m in _BROKEN.finditer(text) for n in range(*m.span())}
    if seen:
        instead |= {n: "" for m in _UNSEEN.finditer(text) for n in range(*m.span())}
        instead |= {n: " " for m in _GAPS.finditer(text) for n in range(*m.span())}
        for m in _ENTITY.finditer(text):
            shown = "".join(map(_shown, html.unescape(m[0])))
            instead |= {**dict.fromkeys(range(*m.span()), ""), m.start(): shown}
    pieces: list[tuple[str, int]] = []
    for n, char in enumerate(text):
        for each in instead[n] if n in instead else _shown(char):
            _add(pieces, each, n)
    if pieces and pieces[-1][0] == " ":
        pieces.pop()
    return _Folded("".join(char for char, _ in pieces), tuple(n for _, n in pieces))


def _shown(char: str) -> str:
    if char.isascii() and char.isalnum():
        return char
    if char.isspace():
        return " "
    if char in _INVISIBLE or char in _EMPHASIS:
        return ""
    if char in _QUOTES:
        return "'"
    if char in _DASHES:
        return "-"
    return _SAME.get(char) or unicodedata.normalize("NFD", char)


def _add(pieces: list[tuple[str, int]], char: str, n: int) -> None:
    """Adds a character; white space and dashes once, and no white space round a dash."""
    last = pieces[-1][0] if pieces else " "
    if char == " " and last in " -":
        return
    if char == "-" and last == " " and pieces:
        pieces.pop()
        last = pieces[-1][0] if pieces else " "
    if not (char == "-" and last == "-"):
        pieces.append((char, n))


def _spaced(folded: _Folded, wanted: str) -> Iterator[tuple[int, int]]:
    """Where the words stand if `o f` is `of`: blanks differ between single letters only."""
    if not (_SPACED.search(folded.text) or _SPACED.search(wanted)):
        return
    kept = [n for n, char in enumerate(folded.text) if char != " "]
    squeezed, sought = folded.text.replace(" ", ""), wanted.replace(" ", "")
    at = squeezed.find(sought)
    while at >= 0:
        first, last = kept[at], kept[at + len(sought) - 1] + 1
        whole = not _cuts(folded.text, first) and not _cuts(folded.text, last)
        if whole and _apart_alike(folded.text[first:last], wanted):
            yield folded.origins[first], folded.origins[last - 1] + 1
        at = squeezed.find(sought, at + 1)


def _apart_alike(one: str, other: str) -> bool:
    """Whether blanks that only one of them has stand between single letters of it."""
    (blanks, loose), (theirs, their_loose) = _blanks(one), _blanks(other)
    return blanks - theirs <= loose and theirs - blanks <= their_loose


def _blanks(text: str) -> tuple[set[int], set[int]]:
    """Where blanks stand, counted without blanks, and which of them part single letters."""
    places = {n: n - before for before, n in enumerate(i for i, c in enumerate(text) if c == " ")}
    loose = (m.start() + 1 for m in re.finditer(rf"(?={_SPACED.pattern})", text))
    return set(places.values()), {places[n] for n in loose}


# --- where a quote stands ------------------------------------------------------------------


def locate(constitution: Constitution, citation: Citation) -> Place | None:
    """Where the quote stands: in the section it names, else in the first that has it."""
    named = constitution.section(citation.section)
    found = _within(named, citation.quote) if named else None
    if named and found:
        return Place(section=named, start=found[0], end=found[1], named=citation.section)
    others = [
        (section, span)
        for section in constitution.sections
        if (span := _within(section, citation.quote))
    ]
    if not others:
        return None
    (section, (start, end)), also = others[0], tuple(other.id for other, _ in others[1:])
    return Place(section=section, start=start, end=end, named=citation.section, also=also)


def _within(section: Section, quote: str) -> tuple[int, int] | None:
    """The first place of a section with these words; one with the very same setting before all."""
    at, text = section.text.find(quote), section.text
    if at >= 0 and quote.strip() and not _cuts(text, at) and not _cuts(text, at + len(quote)):
        before = len(quote) - len(quote.lstrip())
        return at + before, at + len(quote.rstrip())
    for find in (_Folded.find, _spaced):
        for seen in (False, True):
            wanted = _fold(quote, seen).text
            if any(map(_wordlike, wanted)):
                spans = find(_fold(text, seen), wanted)
                for start, end in spans:
                    if not seen or _marked(text, (start, end), quote):
                        entity = _ENTITY.match(text, end - 1)
                        return start, entity.end() if entity else end
    return None


def _marked(text: str, span: tuple[int, int], quote: str) -> bool:
    """Whether the numbers of list items in a quote, where it has them, are those of the text."""
    line = text.rfind("\n", 0, span[0]) + 1
    marks = iter(_NUMERAL.findall(text[line : span[1]]))
    return all(mark in marks for mark in _NUMERAL.findall(quote))  # each after the one before


def whole_sentences(place: Place) -> str:
    """The quote widened to whole sentences and list items, white space folded."""
    start, end = _widened(place)
    return " ".join(place.section.text[start:end].split())


def _widened(place: Place) -> tuple[int, int]:
    text = place.section.text
    spans = [span for span in _passages(text) if span[0] < place.end and place.start < span[1]]
    for edge in (place.start, place.end - 1):
        if not any(first <= edge < last for first, last in spans):
            first, last = line_at(text, edge)
            spans.append((min(first, edge), last))
    return min(first for first, _ in spans), max(last for _, last in spans)


@lru_cache(maxsize=512)
def _passages(text: str) -> tuple[tuple[int, int], ...]:
    return tuple(spans_of(text))


# --- what stands beside it -----------------------------------------------------------------


def _pattern(table: Mapping[str, tuple[str, ...]]) -> re.Pattern[str]:
    words = sorted({word for words in table.values() for word in words}, key=len, reverse=True)
    each = "|".join(r"\s+".join(map(re.escape, word.split())) for word in words)
    return re.compile(rf"(?<!\w)(?:{each})(?!\w)", re.IGNORECASE)


_EXCEPTION, _NEGATION = _pattern(EXCEPTIONS), _pattern(NEGATIONS)


def exceptions_near(place: Place) -> list[Beside]:
    """Exceptions in the quote's own sentences, outside it, and in the sentence after them."""
    text = place.section.text
    start, end = _widened(place)
    sides = [(start, place.start, end), (place.end, end, end)]
    found = [
        Beside(marker=_told(m[0]), text=_told(text[m.start() : until]), where="same sentence")
        for first, last, until in sides
        for m in _EXCEPTION.finditer(text, first, last)
    ]
    for first, last in _next(text, place.end, end):
        found += [
            Beside(
                marker=_told(m[0]), text=_told(text[first:last]), where="next sentence",
                binds=_speaks_back(m[0], text[first : m.start()]),
            )
            for m in _EXCEPTION.finditer(text, first, last)
        ]  # fmt: skip
    return found


def _speaks_back(marker: str, before: str) -> bool:
    return _told(marker).casefold() in _BACKWARD or len(before.split()) < 3


def _next(text: str, quoted: int, end: int) -> list[tuple[int, int]]:
    """The sentence after a quoted one; a heading has none."""
    passages = _passages(text)
    if not any(first < quoted <= last for first, last in passages):
        return []
    return [span for span in passages if span[0] >= end][:1]


def _negated(place: Place) -> list[str]:
    """Words just outside a quote that turn it: the `not` of “may not | vote”."""
    start, end = _widened(place)
    text = place.section.text
    before = text[start : place.start].split()[-6:]
    after = text[place.end : end].split()[:3]
    return [word for words in (before, after) for word in _NEGATION.findall(" ".join(words))]


def _told(text: str) -> str:
    return " ".join(text.split())


# --- numbers -------------------------------------------------------------------------------


def rendered(text: str) -> str:
    """A text as it looks when it is shown, in one line."""
    return _fold(_GROUPED.sub(",", text), True).text


def _numbers(text: str, start: int = 0, end: int | None = None) -> list[Quantity]:
    """The numbers of a part of a text, as it looks rendered; offsets are those of the text."""
    folded = _fold(_GROUPED.sub(",", text[start:end]), True)
    return [
        number.model_copy(update={
            "start": start + folded.origins[number.start],
            "end": start + folded.origins[number.end - 1] + 1,
        })
        for number in quantities(folded.text)
    ]  # fmt: skip


def _uncounted(said: str, place: Place) -> Iterator[str]:
    """What the numbers of a quote do not carry of the numbers said."""
    around = _numbers(place.section.text, *_widened(place))
    quoted = [number for number in around if place.start <= number.start < place.end]
    for number in around:
        if number.start < place.start < number.end or number.start < place.end < number.end:
            yield f"the quote cuts “{_told(number.text)}” in two"
    wanted = _numbers(_TIMES_SIGN.sub(" × ", said))
    for number in wanted:
        alike = [each for each in quoted if _alike(number, each, said, place)]
        if not alike and not _needless(number, quoted) and not _in_fraction(number, wanted, quoted):
            beside = any(_alike(number, each, said, place) for each in around)
            yield _unfound(number, quoted, beside)
        elif alike and not any(_of_the_same(number, each) for each in alike):
            yield f"“{number.text}” is said of {number.of}; the quote says it of {alike[0].of}"


def _alike(said: Quantity, quoted: Quantity, text: str, place: Place) -> bool:
    """The same number; a bare one is of the time that the words about it speak of."""
    if same(said, quoted):
        return True
    if said.value != quoted.value:
        return False
    if not said.unit and is_time(quoted.unit):
        return bool(_TIMED.search(text))
    if not quoted.unit and is_time(said.unit):
        return said.unit.rstrip("s") in whole_sentences(place).casefold()
    return False


def _needless(number: Quantity, quoted: Sequence[Quantity]) -> bool:
    """None and one count nothing by themselves, unless the quote counts the same and differs."""
    if number.value not in (0, 1) or is_time(number.unit) or number.unit == "percent":
        return False
    return not number.unit or not any(number.unit == each.unit for each in quoted)


def _in_fraction(number: Quantity, wanted: Sequence[Quantity], quoted: Sequence[Quantity]) -> bool:
    """A part of a fraction that an expression multiplies out: `3 * agree >= 2 * votes`."""
    if number.unit or number.value.denominator != 1:
        return False
    bare = {each.value for each in wanted if not each.unit}
    parts = (each.share for each in quoted if each.share.denominator > 1)
    return any(
        {share.numerator, share.denominator} <= bare
        and number.value in (share.numerator, share.denominator)
        for share in parts
    )


def _of_the_same(said: Quantity, quoted: Quantity) -> bool:
    """Whether a share is said of those the quote says it of, as far as both say."""
    one, other = (set(each.of.split()) - _OF_NOTHING for each in (said, quoted))
    if not one or not other:
        return True
    shared = set(map(stem, one)) & set(map(stem, other))
    return bool(shared) and partaking(one) == partaking(other)


def partaking(words: set[str]) -> bool:
    """Whether it is those who take part that are counted among, and not everybody."""
    return bool(words & _PARTAKERS or (words & _VOTERS and not words & _EVERYBODY))


def _unfound(number: Quantity, quoted: Sequence[Quantity], beside: bool) -> str:
    if beside:
        return f"“{number.text}” stands beside the quote, not in it: quote the whole sentence"
    has = ", ".join(f"“{_told(each.text)}”" for each in quoted) or "no number"
    return f"“{number.text}” does not stand in the quote, which has {has}"


# --- grounding -----------------------------------------------------------------------------


def ground(constitution: Constitution, said: str, citation: Citation) -> Grounding:
    """How far a citation carries a rule's value or a sentence of an answer."""
    place = locate(constitution, citation)
    if place is None:
        missing = _missing(constitution, citation)
        return Grounding(status="missing", said=said, citation=citation, objections=(missing,))
    exceptions = tuple(dict.fromkeys(_ignored(said, place)))
    objections = [
        *_misplaced(constitution, place), *_uncounted(said, place), *exceptions,
        *_left_out(said, place),
    ]  # fmt: skip
    return Grounding(
        status="grounded" if place.section.id == citation.section else "elsewhere",
        said=said, citation=citation, place=place, surrounding=whole_sentences(place),
        objections=tuple(dict.fromkeys(objections)), exceptions=exceptions,
    )  # fmt: skip


def _missing(constitution: Constitution, citation: Citation) -> str:
    said = f"{citation.section} does not say “{_told(citation.quote)}”, and no other section does"
    if constitution.section(citation.section) is None:
        said = f"there is no section {citation.section!r}, and none says “{_told(citation.quote)}”"
    near = nearest(constitution, citation.quote)
    return f"{said}; the nearest is “{near}”" if near else said


def nearest(constitution: Constitution, quote: str) -> str:
    """The sentence with most of a quote's words; empty where it has less than half of them."""
    words = set(map(stem, re.findall(r"\w+", quote)))
    best, most = "", len(words) / 2
    for section in constitution.sections:
        for first, last in _passages(section.text):
            sentence = section.text[first:last]
            shared = len(words & set(map(stem, re.findall(r"\w+", sentence))))
            if shared > most:
                best, most = _told(sentence), shared
    return best


def _misplaced(constitution: Constitution, place: Place) -> Iterator[str]:
    if place.section.id == place.named:
        return
    where = " and in ".join((place.section.id, *place.also))
    known = constitution.section(place.named) is not None
    not_there = f", not in {place.named}" if known else f"; there is no section {place.named!r}"
    yield f"the quote stands in {where}{not_there}"


def _ignored(said: str, place: Place) -> Iterator[str]:
    """Exceptions outside the quote that what is said does not speak of."""
    spoken = set(map(stem, re.findall(r"\w+", said)))
    aware = _EXCEPTION.search(said) is not None
    for beside in filter(lambda beside: beside.binds, exceptions_near(place)):
        words = re.findall(r"\w{4,}", beside.text.removeprefix(beside.marker))
        if not (aware and spoken & set(map(stem, words))):
            yield f"the {beside.where} has an exception outside the quote: “{_short(beside.text)}”"


def _left_out(said: str, place: Place) -> Iterator[str]:
    """Negations outside the quote where what is said has none."""
    if _NEGATION.search(said) is None:
        for word in _negated(place):
            yield f"“{word}” stands right beside the quote and is left out"


def _short(text: str) -> str:
    return text if len(text) <= 2 * _NEAR else f"{text[: 2 * _NEAR].rsplit(' ', 1)[0]} …"


def ground_claims(
    constitution: Constitution, claims: Sequence[tuple[str, Citation]]
) -> list[Grounding]:
    """The claims of an answer, each with how far its quote carries it."""
    return [ground(constitution, text, citation) for text, citation in claims]


def ground_charter(constitution: Constitution, charter: Charter) -> list[tuple[str, Grounding]]:
    """Every citation of a charter, by the path of its rule, with the value it is to carry."""
    return [
        (path, ground(constitution, _said(owner), citation))
        for (path, citation), owner in zip(citations_in(charter), owners_in(charter), strict=True)
    ]


def owners_in(value: Any) -> Iterator[Record | None]:
    """The rule of every citation, in the order of `citations_in`."""
    inner: Sequence[Any] = ()
    if isinstance(value, Record):
        inner = [getattr(value, name) for name in type(value).model_fields]
    elif isinstance(value, Mapping):
        inner = list(value.values())
    elif isinstance(value, tuple):
        inner = value
    for each in inner:
        if isinstance(each, Citation):
            yield value if isinstance(value, Record) else None
        else:
            yield from owners_in(each)


def _said(rule: Record | None) -> str:
    """The numbers a rule decides by, as text; the texts inside expressions are none."""
    return _EXPRESSION_TEXTS.sub("", " ; ".join(_values(rule)))


def _values(rule: Record | None) -> list[str]:
    match rule:
        case Lasts():
            return [rule.value]
        case Condition():
            return [rule.when]
        case OutcomeRule():
            return [rule.when or ""]
        case DrawRule():
            return [str(rule.count), rule.who]
        case TallyRule():
            return _tally(rule)
    return [getattr(rule, "who", "")]


def _tally(rule: TallyRule) -> list[str]:
    numbers = [str(rule.seats), *map(str, rule.options.values()), *rule.computed.values()]
    numbers += [str(rule.cap)] if rule.cap is not None else []
    if isinstance(rule.weights, MetricWeights):
        weights = (rule.weights.base, rule.weights.floor, rule.weights.ceiling)
        return [*numbers, *map(str, weights)]
    return [*numbers, rule.weights or ""]
