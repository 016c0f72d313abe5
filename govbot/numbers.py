"""Numbers as a text says them, and when two of them say the same.

Owns the reading of figures, number words, fractions, percentages and spans of time, each with its
unit and the place it stands. Pure. Promises that a value is exact, that nothing is taken for a
number that only looks like one (a section's number, a mark of a list, "the third of May", "a
majority"), and that a unit is compared with its number. Words are English; figures, percent signs
and the commonest words for days are read in other languages too.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from itertools import takewhile
from typing import NamedTuple

from govbot.records import Record

_UNITS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen"
    " sixteen seventeen eighteen nineteen"
).split()
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
_SMALL = {
    **{word: value for value, word in enumerate(_UNITS)},
    **{word: 20 + 10 * place for place, word in enumerate(_TENS)},
}
_GREAT = {"thousand": 10**3, "million": 10**6, "billion": 10**9}
_PARTS = {
    "half": 2, "third": 3, "quarter": 4, "fourth": 4, "fifth": 5, "sixth": 6, "seventh": 7,
    "eighth": 8, "ninth": 9, "tenth": 10, "twelfth": 12, "twentieth": 20, "hundredth": 100,
}  # fmt: skip
_PLURALS = {**{f"{word}s": n for word, n in _PARTS.items() if word != "half"}, "halves": 2}
_VULGAR = {
    "½": "1/2", "⅓": "1/3", "⅔": "2/3", "¼": "1/4", "¾": "3/4", "⅕": "1/5", "⅖": "2/5", "⅗": "3/5",
    "⅘": "4/5", "⅙": "1/6", "⅚": "5/6", "⅐": "1/7", "⅛": "1/8", "⅜": "3/8", "⅝": "5/8", "⅞": "7/8",
    "⅑": "1/9", "⅒": "1/10",
}  # fmt: skip
_OFTEN = {"once": 1, "twice": 2, "thrice": 3}

# Words for time, and which of the names below each is.
_TIMES = {
    word: unit
    for unit, words in {
        "minutes": "minute minutes min mins minuten minutos",
        "hours": "hour hours hr hrs h heure heures stunde stunden hora horas",
        "days": "day days d jour jours tag tage tagen día días",
        "weeks": "week weeks wk wks w semaine semaines woche wochen semana semanas",
        "months": "month months mois monat monate monaten mes meses",
        "years": "year years yr yrs an ans année années jahr jahre jahren año años",
        "seconds": "seconds secs",
    }.items()
    for word in words.split()
}
_ARTICLED = {"minute", "hour", "day", "week", "month", "year", "fortnight"}  # "a week"
_FORTNIGHTS = {"fortnight", "fortnights"}
_BUSINESS = {"business", "working", "week"}
_ADJECTIVES = frozenset(
    "calendar full whole clear consecutive further additional extra more other single".split()
)
# What a unit is a measure of, and how many of the smallest of its kind it has.
_MEASURES = {
    "seconds": ("time", 1), "minutes": ("time", 60), "hours": ("time", 3600),
    "days": ("time", 86_400), "weeks": ("time", 604_800),
    "months": ("calendar", 1), "years": ("calendar", 12),
    "business days": ("business days", 1), "percent": ("percent", 1), "ordinal": ("ordinal", 1),
}  # fmt: skip
_PERSONS = frozenset("people person persons member members individual individuals human".split())
_IRREGULAR = frozenset("people children staff".split())
_NOT_UNITS = frozenset(
    "a an the this that these those of to or and for in on at by with from as is are was were be"
    " if unless until within after before per each every else not than then any all it its who"
    " which whose more fewer less must may shall will can has have had yes does always"
    " plus minus".split()
)
_PERCENT = frozenset("percent pct prozent procent pourcent".split())
_REFERENCES = frozenset(
    "section sections sec article articles art arts clause clauses chapter part parts rule rules"
    " title annex appendix schedule paragraph paragraphs para phase phases step steps version"
    " amendment amendments bylaw bylaws page note figure table dep pep rfc msc".split()
)
_SHORTENED = frozenset("sec art arts para no nos".split())  # they end in a point
_CURRENCIES = frozenset("$€£¥")
_JOINS = frozenset(", and or to & - – ( )".split())
_MORE = frozenset("more fewer less greater higher".split())
_MAJORITIES = frozenset("majority supermajority vote votes approval quorum".split())
# Where the words end that say what a share is of.
_ENDING = frozenset(
    "to in for at on by is are was were be must shall may should will can if unless or have has do"
    " does did excluding except".split()
)
_LEADING_HALF = frozenset("first second other latter former last better".split())

_TOKEN = re.compile(
    r"(?P<figure>\d{1,3}(?:[,'’\u00a0\u2009\u202f]\d{3})+(?!,?\d)(?:\.\d+)?"
    r"|\d+(?:\.\d+)+|(?<![\w.)])\.\d+|\d+,\d{1,2}(?=\s?(?:[%％]|prozent|procent|pour|por))|\d+)"
    rf"|(?P<vulgar>[{''.join(_VULGAR)}])|(?P<word>[^\W\d_]+(?:['’][^\W\d_]+)?)|(?P<mark>\S)",
    re.IGNORECASE,
)
_LIST_MARK = re.compile(r"^[ \t>]*(?:[-*+][ \t]+)?\(?\d{1,3}[.)](?=[ \t]+\S)", re.MULTILINE)


class Quantity(Record):
    """A number in a text: its value in its unit, and where it stands there.

    `unit` is a span of time in the plural ("days", "business days"), "percent", "ordinal" (5th),
    what is counted ("members", "times"), or empty. `of` is what a share is a share of. Fifty
    percent has the value 50, the unit "percent" and the share 1/2. `places` is how many digits
    it shows after the point.
    """

    value: Fraction
    unit: str
    of: str = ""
    places: int = 0
    start: int
    end: int
    text: str

    @property
    def share(self) -> Fraction:
        return self.value / 100 if self.unit == "percent" else self.value


def quantities(text: str) -> list[Quantity]:
    """Every number of a text, in its order."""
    return list(_quantities(text))


@lru_cache(maxsize=4096)
def _quantities(text: str) -> tuple[Quantity, ...]:
    """One sentence carries many rules, and is asked for with each of them."""
    return tuple(_Reader(text).read())


def same(a: Quantity, b: Quantity) -> bool:
    """Whether two numbers say the same: 48 hours and 2 days, two-thirds and 66.7 %.

    A percentage or a decimal may be the rounding, to the digits it shows, of a fraction that no
    decimal can write. A bare number is any count of things, but no time and no percentage.
    """
    (kind, size), (other, width) = _measure(a.unit), _measure(b.unit)
    if "percent" in (kind, other):
        return {kind, other} <= {"percent", ""} and (a.share == b.share or _rounded(a, b))
    if kind == other:
        return a.value * size == b.value * width or (not kind and _rounded(a, b))
    counted = not {kind, other} & {measure for measure, _ in _MEASURES.values()}
    return counted and "" in (kind, other) and a.value == b.value


def is_time(unit: str) -> bool:
    return _measure(unit)[0] in ("time", "calendar", "business days")


def numbers_in(text: str) -> set[Fraction]:
    """The values of a text's numbers, whatever their units, and of the words they are made of."""
    return {value for number in quantities(text) for value in (number.value, *_words_of(number))}


def _words_of(number: Quantity) -> Iterator[Fraction]:
    for word in re.findall(r"[^\W\d_]+", number.text.casefold()):
        if word in _SMALL:
            yield Fraction(_SMALL[word])


def _measure(unit: str) -> tuple[str, int]:
    if unit in _MEASURES or not unit:
        return _MEASURES.get(unit, ("", 1))
    return ("people" if unit in _PERSONS else stem(unit)), 1


def stem(word: str) -> str:
    """What `votes`, `voters` and `voting` have in common."""
    word = word.casefold()
    word = word.removesuffix("ship") if len(word) > 7 else word
    for ending in ("ings", "ing", "ers", "ies", "er", "ed", "es", "s", "e", "y"):
        if word.endswith(ending) and len(word) - len(ending) > 2:
            return word.removesuffix(ending)
    return word


def _plural(word: str) -> str:
    if word.endswith("s") or word in _IRREGULAR:
        return word
    return f"{word[:-1]}ies" if re.search(r"[^aeiou]y$", word) else f"{word}s"


def _rounded(a: Quantity, b: Quantity) -> bool:
    return _rounds(a, b) or _rounds(b, a)


def _rounds(shown: Quantity, exact: Quantity) -> bool:
    """Whether one shows the digits of the other, which has too many to be shown."""
    places = shown.places + (2 if shown.unit == "percent" else 0)
    rest = exact.share.denominator
    for factor in (2, 5):
        while rest % factor == 0:
            rest //= factor
    return places > 1 and rest > 1 and round(exact.share, places) == shown.share


# --- from text to numbers ----------------------------------------------------------------


class _Token(NamedTuple):
    kind: str  # "figure", "vulgar" (½), "word", "mark" or "end"
    text: str
    start: int
    end: int


class _Number(NamedTuple):
    """A number without its unit, and the first token after it."""

    value: Fraction
    after: int
    places: int = 0
    part: bool = False  # written as a fraction


@dataclass(frozen=True)
class _Unit:
    name: str = ""
    of: str = ""
    after: int = -1  # the first token after it, if it belongs to the number's own text


class _Reader:
    """Reads tokens from left to right; every method takes the place it begins at."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = [
            _Token(str(m.lastgroup), m[0].casefold(), m.start(), m.end())
            for m in _TOKEN.finditer(text)
        ]
        self.marks = {m.end() for m in _LIST_MARK.finditer(text)}
        self.referring = False  # whether the last number was one of a list of sections

    def read(self) -> Iterator[Quantity]:
        i = 0
        while i < len(self.tokens):
            number = self.number(i) or self.articled(i)
            if number is None:
                self.referring &= self.tokens[i].text in _JOINS
                i += 1
                continue
            found = self.quantity(i, number)
            if found is None:
                i = number.after
                continue
            yield found
            while self[i].kind != "end" and self[i].start < found.end:
                i += 1

    def __getitem__(self, i: int) -> _Token:
        inside = 0 <= i < len(self.tokens)
        return self.tokens[i] if inside else _Token("end", "", len(self.text), len(self.text))

    def flush(self, i: int) -> bool:
        """Whether a token follows the one before it without a gap."""
        return i > 0 and self[i].kind != "end" and self[i - 1].end == self[i].start

    def over_hyphen(self, i: int) -> int:
        """Past a hyphen that ties two words together."""
        tied = self[i].text in ("-", "‐", "‑", "–") and self.flush(i) and self[i + 1].kind != "end"
        return i + 1 if tied else i

    def number(self, i: int) -> _Number | None:
        token = self[i]
        if token.kind == "figure":
            return self.figure(i)
        if token.kind == "vulgar":
            return _Number(Fraction(_VULGAR[token.text]), i + 1, 0, True)
        if token.kind != "word" or self.glued(i):
            return None
        return self.often(i) or self.half(i) or self.spoken(i)

    def glued(self, i: int) -> bool:
        """Part of a name such as L2, choice_2 or v1.2."""
        before, after = self.text[: self[i].start][-1:], self.text[self[i].end :][:1]
        return before.isalnum() or before == "_" or after == "_"

    # --- figures --------------------------------------------------------------------------

    def figure(self, i: int) -> _Number | None:
        token = self[i]
        if self.glued(i) or token.end + 1 in self.marks or token.text.count(".") > 1:
            return None
        written = re.sub(r"(?<=\d)[,'’\u00a0\u2009\u202f](?=\d{3}(?!\d))", "", token.text)
        written = written.replace(",", ".")
        value, places = Fraction(written), len(written.partition(".")[2])
        following = self[i + 1].text
        if following in _VULGAR:
            return _Number(value + Fraction(_VULGAR[following]), i + 2)
        if following in _GREAT:
            return _Number(value * _GREAT[following], i + 2)
        if following in ("/", "⁄") or self[i - 1].text == "/":
            return self.divided(i, value)
        thirds = self.parts(int(value), i + 1) if not places else None
        return thirds or _Number(value, i + 1, places)

    def divided(self, i: int, value: Fraction) -> _Number | None:
        """`2/3`; the numbers of a date such as `1/3/2024` stay apart."""
        below, dated = self[i + 2], "/" in (self[i - 1].text, self[i + 3].text)
        if dated or below.kind != "figure" or self[i + 1].text not in ("/", "⁄"):
            nothing = not value and self[i - 1].text == "/"
            return None if nothing else _Number(value, i + 1)
        if not below.text.isdigit():
            return _Number(value, i + 1)
        if not int(below.text):
            return None
        return _Number(value / int(below.text), i + 3, 0, True)

    # --- words ----------------------------------------------------------------------------

    def often(self, i: int) -> _Number | None:
        """`twice`; `once` only where it counts, and not where it means `as soon as`."""
        word, before, after = self[i].text, self[i - 1].text, self[i + 1]
        if word not in _OFTEN:
            return None
        rate = after.text in ("per", "every", "each") or (
            after.text in ("a", "an") and self[i + 2].text in _TIMES
        )
        stated = before in ("least", "only", "than", "most", "exactly", "just")
        if word == "once" and not (rate or stated):
            return None
        return _Number(Fraction(_OFTEN[word]), i + 1)

    def half(self, i: int) -> _Number | None:
        if self[i].text != "half" or self[i - 1].text in _LEADING_HALF:
            return None
        if self[i + 1].text in ("a", "an") and self[i + 2].text == "dozen":
            return _Number(Fraction(6), i + 3)
        return _Number(Fraction(1, 2), i + 1, 0, True)

    def spoken(self, i: int) -> _Number | None:
        """`one hundred and twenty`, `two-thirds`, `a dozen`, `a third of`, `one and a half`."""
        if self[i].text in ("a", "an"):
            return self.indefinite(i)
        whole = self.whole(i)
        if whole is None or self.pronoun(i):
            return None
        value, after = whole
        if part := self.parts(value, after):
            return part
        if self[after].text == "and" and (more := self.fraction_after(after + 1)):
            return _Number(value + more.value, more.after)
        if self[after].text == "dozen":
            return _Number(Fraction(value * 12), after + 1)
        return _Number(Fraction(value), after)

    def pronoun(self, i: int) -> bool:
        """`no one`, `one another`, `one-on-one`."""
        before, after = self[i - 1].text, self[i + 1].text
        return self[i].text == "one" and (
            before == "no" or after == "another" or [t.text for t in self.tokens[i + 1 : i + 5]] ==
            ["-", "on", "-", "one"] or [t.text for t in self.tokens[max(i - 4, 0) : i]] ==
            ["one", "-", "on", "-"]
        )  # fmt: skip

    def indefinite(self, i: int) -> _Number | None:
        word = self[i + 1].text
        if word == "dozen":
            return _Number(Fraction(12), i + 2)
        if word == "hundred" or word in _GREAT:
            whole = self.whole(i)
            return _Number(Fraction(whole[0]), whole[1]) if whole else None
        part = _PARTS.get(word)
        if part and (word == "half" or self[i + 2].text == "of"):
            return _Number(Fraction(1, part), i + 2, 0, True)
        return None

    def parts(self, count: int, i: int) -> _Number | None:
        """`thirds` after `two`; `third` too where it cannot be a place in an order."""
        at = self.over_hyphen(i)
        word, following = self[at].text, self[self.over_hyphen(at + 1)].text
        below = _PLURALS.get(word)
        if word in _PARTS and (
            at > i or word in ("half", "quarter") or following == "of" or following in _MAJORITIES
        ):
            below = _PARTS[word]
        if below is None or count < 1 or following in ("party", "parties"):
            return None
        return _Number(Fraction(count, below), at + 1, 0, True)

    def fraction_after(self, i: int) -> _Number | None:
        """`a half` or `one-quarter` in `two and a half`."""
        count = self[i].text in ("a", "one")
        part = _PARTS.get(self[self.over_hyphen(i + 1)].text)
        if not count or part not in (2, 4):
            return None
        return _Number(Fraction(1, part), self.over_hyphen(i + 1) + 1, 0, True)

    def whole(self, i: int) -> tuple[int, int] | None:
        """A whole number in words, and where it ends."""
        total, limit, found = 0, 0, False
        while True:
            at = i if not found else self.over_and(i)
            group = self.below_thousand(at)
            if group is None:
                return (total, i) if found else None
            value, after = group
            great = _GREAT.get(self[self.over_hyphen(after)].text, 1)
            if found and (great >= limit or (at > i and self.begins_anew(after))):
                return total, i
            total, limit, found = total + value * great, great, True
            i = self.over_hyphen(after) + 1 if great > 1 else after
            if great == 1:
                return total, i

    def over_and(self, i: int) -> int:
        comma = i + 1 if self[i].text == "," else i
        return comma + 1 if self[comma].text == "and" else comma

    def begins_anew(self, i: int) -> bool:
        """Whether what was read is the head of another number: `one hundred and two hundred`."""
        word = self[self.over_hyphen(i)].text
        return word == "hundred" or word in _PLURALS

    def below_thousand(self, i: int) -> tuple[int, int] | None:
        if self[i].text == "a" and self[i + 1].text == "hundred":
            head: tuple[int, int] | None = (1, i + 1)
        elif self[i].text == "a" and self[i + 1].text in _GREAT:
            return 1, i + 1
        else:
            head = self.below_hundred(i)
        if head is None or self[self.over_hyphen(head[1])].text != "hundred":
            return head
        ranges = self[i - 1].text == "between"  # its `and` parts two numbers
        hundreds, i = head[0] * 100, self.over_hyphen(head[1]) + 1
        joined = self[i].text == "and"
        rest = self.below_hundred(i + 1 if joined else i)
        if rest is None or (joined and (ranges or self.begins_anew(rest[1]))):
            return hundreds, i
        return hundreds + rest[0], rest[1]

    def below_hundred(self, i: int) -> tuple[int, int] | None:
        value = _SMALL.get(self[i].text)
        if value is None:
            return None
        at = self.over_hyphen(i + 1)
        unit = _SMALL.get(self[at].text, 0)
        joined = self[i].text in _TENS and 0 < unit < 10
        return (value + unit, at + 1) if joined else (value, i + 1)

    # --- units ----------------------------------------------------------------------------

    def articled(self, i: int) -> _Number | None:
        """The `a` of `a week`; not that of `twice a week`, which says how often."""
        if self[i].text not in ("a", "an"):
            return None
        words = [self[n].text for n in range(i + 1, i + 4)]
        skipped = len(list(takewhile(lambda word: word in _ADJECTIVES, words[:2])))
        word = words[skipped].removesuffix("'s").removesuffix("’s")
        before = self[i - 1]
        rate = before.text in _OFTEN or before.text in _TIMES or before.text == "times"
        counted = self[i - 2].kind == "figure" or self[i - 2].text in _SMALL
        if word not in _ARTICLED or rate or (counted and before.kind == "word"):
            return None
        return _Number(Fraction(1), i + 1)

    def quantity(self, i: int, number: _Number) -> Quantity | None:
        value, after, start = number.value, number.after, self[i].start
        again = self.again(number)
        unit = self.unit(again or after, number)
        if self.refers(i, unit):
            self.referring = True
            return None
        self.referring = False
        end = self[(unit.after if unit.after > 0 else again or after) - 1].end
        if again is None and self[after].text == "(" and unit.after > 0:
            end = self[after - 1].end  # `five (6) days`: the second is a number of its own
        name = unit.name
        if name in _FORTNIGHTS:
            value, name = value * 14, "days"
        if self[i].text in _OFTEN:
            name = name or "times"
        if self[i - 1].text in _CURRENCIES and unit.after < 0:
            name = self[i - 1].text
        return Quantity(
            value=value, unit=name, of=unit.of, places=number.places, start=start, end=end,
            text=self.text[start:end],
        )  # fmt: skip

    def refers(self, i: int, unit: _Unit) -> bool:
        """Whether it only names a place in the text: `Section 3`, `Articles 3 and 4`."""
        if self[i].kind != "figure" or unit.after > 0:
            return False
        before = self[i - 1].text
        short = before == "." and self[i - 2].text in _SHORTENED
        return self.referring or short or before in _REFERENCES or before in ("§", "#")

    def again(self, number: _Number) -> int | None:
        """Where `(5)` ends that only repeats `five`."""
        inner = self.number(number.after + 1) if self[number.after].text == "(" else None
        if inner and inner.value == number.value and self[inner.after].text == ")":
            return inner.after + 1
        return None

    def unit(self, i: int, number: _Number) -> _Unit:
        if self[i].text == "(" and (inner := self.number(i + 1)) and self[inner.after].text == ")":
            i = inner.after + 1
        elif self[i].text == ")" and self[i - 2].text == "(":
            i += 1
        if self[i].kind == "word" and self.flush(i) and self[i].text in ("st", "nd", "rd", "th"):
            return _Unit("ordinal", after=i + 1)
        if self[i].text == "+" or (self[i].text == "or" and self[i + 1].text in _MORE):
            i += 1 if self[i].text == "+" else 2
        return (
            self.percent(i) or self.time(i, number) or self.ranged(i, number)
            or (self.share(i) if number.part or number.value < 1 else None) or self.noun(i, number)
        )  # fmt: skip

    def percent(self, i: int) -> _Unit | None:
        i = self.over_hyphen(i)
        two = (self[i].text, self[i + 1].text) in (
            ("per", "cent"), ("pour", "cent"), ("por", "ciento"),
        )  # fmt: skip
        if not two and self[i].text not in _PERCENT and self[i].text not in "%％٪":
            return None
        if self[i].kind == "end":
            return None
        after = i + 2 if two else i + 1
        return _Unit("percent", self.of(after), after)

    def time(self, i: int, number: _Number) -> _Unit | None:
        i = self.over_hyphen(i)
        if number.part:  # `half an hour`, `three quarters of a year`
            i = i + 1 if self[i].text == "of" and self[i + 1].text in ("a", "an") else i
            i = i + 1 if self[i].text in ("a", "an") else i
        business = False
        while self[i].text in _ADJECTIVES or self[i].text in _BUSINESS:
            if self[i].text == "week" and self[i + 1].text not in ("day", "days"):
                break
            business = business or self[i].text in _BUSINESS
            i = self.over_hyphen(i + 1)
        word = self[i].text.removesuffix("'s").removesuffix("’s")
        if word in _FORTNIGHTS:
            return _Unit(word, after=i + 1)
        name = "" if len(word) == 1 and self[i - 1].kind != "figure" else _TIMES.get(word, "")
        if word in ("weekday", "weekdays"):
            name, business = "days", True
        if business:
            return _Unit("business days", after=i + 1) if name == "days" else None
        return _Unit(name, after=i + 1) if name else None

    def ranged(self, i: int, number: _Number) -> _Unit | None:
        """The unit of `3` in `3 to 5 days` is that of `5`."""
        if number.part or self[i].text not in ("-", "–", "to", "or", "and"):
            return None
        following = self.number(i + 1)
        if following is None or following.part:
            return None
        unit = self.percent(following.after) or self.time(following.after, following)
        return _Unit(unit.name, unit.of) if unit else None

    def share(self, i: int) -> _Unit:
        return _Unit("", self.of(i))

    def of(self, i: int) -> str:
        """What a share is of: the words after `of`, to the next mark or number."""
        while self.flush(i) and self[i].text == "-" or self[i].text in _MAJORITIES:
            i += 1
        if self[i].text != "of":
            return ""
        words = takewhile(
            lambda token: token.kind == "word" and token.text not in _ENDING,
            self.tokens[i + 1 : i + 9],
        )
        return " ".join(token.text for token in words)

    def noun(self, i: int, number: _Number) -> _Unit:
        """What is counted: the first plural soon after the number, or the word tied to it."""
        tied = self.over_hyphen(i)
        if tied > i:
            thing = self[tied]
            counts = thing.kind == "word" and self.flush(tied) and thing.text not in _NOT_UNITS
            return _Unit(_plural(thing.text)) if counts else _Unit()
        words = takewhile(
            lambda token: token.kind == "word" and token.text not in _NOT_UNITS,
            self.tokens[i : i + 3],
        )
        for token in words:
            word = token.text.partition("'")[0].partition("’")[0]
            if number.value == 1:
                return _Unit(_plural(word))
            if (word.endswith("s") and not word.endswith("ss")) or word in _IRREGULAR:
                return _Unit(word)
        return _Unit()
