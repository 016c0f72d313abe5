"""A reading carried over to a changed text: what still stands, what only changed its numbers.

Owns the comparing of a quoted sentence with the one that took its place, and the putting of new
numbers into the rules that rest on it. Pure. Promises that no charter is carried over of which one
quote is gone, that a number is only put in where the old sentence had the old one, and that every
rule that was touched is named, for people to check: nothing made here has any force.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache
from typing import Any, NamedTuple

from pydantic import ValidationError

from govbot.charter import Charter, Reading, citations_in, effects_of
from govbot.constitution import Constitution
from govbot.effects import StartProcess
from govbot.grounding import ground_charter
from govbot.numbers import Quantity, is_time, quantities, same
from govbot.passages import spans_of
from govbot.records import Citation, Record, plain

# The parts of a rule that its own quote must carry.
NUMBERED = ("value", "when", "who", "count", "seats", "cap", "options", "computed", "weights")
# Those of a rule that decides by them: their quote may not change a number they do not hold.
DECIDING = ("value", "when", "count", "method")
_IN_QUOTES = re.compile(r"'[^']*'|\"[^\"]*\"")
_TIMED = re.compile(r"minute|hour|day|week|month|year", re.IGNORECASE)
_HOLE = "\0"


class Step(Record):
    """One rule that rests on a sentence whose numbers changed; empty values: it holds none."""

    type: str
    where: str
    old: Citation
    new: Citation
    before: str = ""
    after: str = ""


class Stale(Record):
    """A charter that has to be read again, and the sentence that makes it so."""

    type: str
    where: str
    quote: str
    why: str


class Rereading(Record):
    """A reading of the new text, as far as the old one can be carried over."""

    reading: Reading
    steps: tuple[Step, ...] = ()
    stale: tuple[Stale, ...] = ()


class _Lost(Exception):
    """A rule cannot be carried over."""

    def __init__(self, where: str, quote: str, why: str) -> None:
        super().__init__(why)
        self.where, self.quote, self.why = where, quote, why


def reread(reading: Reading, old: Constitution, new: Constitution) -> Rereading:
    """The reading of `old` as a reading of `new`; what could not be carried over is left out."""
    charters: dict[str, Charter] = {}
    steps: list[Step] = []
    stale: list[Stale] = []
    for type, charter in reading.processes.items():
        try:
            charters[type], made = _carried(type, charter, old, new)
            steps += made
        except _Lost as lost:
            stale.append(Stale(type=type, where=lost.where, quote=lost.quote, why=lost.why))
    stale += _orphans(charters)
    kept = {each.type for each in stale}
    roles = {role: placed(cite, old, new) for role, cite in reading.roles.items()}
    terms = {
        name: term.model_copy(update={"cite": cite})
        for name, term in reading.terms.items()
        if (cite := placed(term.cite, old, new)) is not None
    }
    return Rereading(
        reading=Reading(
            constitution=new.digest, drafted_by=reading.drafted_by, terms=terms,
            roles={role: cite for role, cite in roles.items() if cite is not None},
            processes={type: each for type, each in charters.items() if type not in kept},
        ),
        steps=tuple(step for step in steps if step.type not in kept), stale=tuple(stale),
    )  # fmt: skip


def placed(citation: Citation, old: Constitution, new: Constitution) -> Citation | None:
    """The citation where its words stand in the new text, with other numbers if need be."""
    if (still := stands(citation, old, new)) is not None:
        return still
    try:
        return _replaced("", citation, old, new).new
    except _Lost:
        return None


def stands(citation: Citation, old: Constitution, new: Constitution) -> Citation | None:
    """The citation where the same words stand now, though their section may have moved.

    Where a text says the same in several sections and one of them has changed, what the others say
    is not what the changed one said.
    """
    if new.holds(citation):
        return citation
    before, after = (_holding(citation.quote, text) for text in (old, new))
    if len(after) < len(before) or citation.section not in before:
        return None
    return Citation(section=after[before.index(citation.section)], quote=citation.quote)


def _holding(quote: str, text: Constitution) -> list[str]:
    """The sections with these words, in their order."""
    return [s.id for s in text.sections if text.holds(Citation(section=s.id, quote=quote))]


def _orphans(charters: dict[str, Charter]) -> list[Stale]:
    """Charters that start a process type that is gone, and those that start them."""
    found: list[Stale] = []
    while True:
        before = len(found)
        for type, charter in list(charters.items()):
            for effect in effects_of(charter):
                if isinstance(effect, StartProcess) and effect.start_process.type not in charters:
                    started = effect.start_process.type
                    why = f"it starts {started!r}, which has to be read again itself"
                    found.append(Stale(type=type, where="", quote=charter.cite.quote, why=why))
                    del charters[type]
                    break
        if len(found) == before:
            return found


# --- one charter ---------------------------------------------------------------------------


@dataclass
class _Carrying:
    """One charter on its way into another text."""

    type: str
    old: Constitution
    new: Constitution
    steps: list[Step] = field(default_factory=list)
    held: set[tuple[Any, ...]] = field(default_factory=set)  # changed numbers some rule holds
    open: list[tuple[str, str, "_Pair"]] = field(default_factory=list)  # those a rule lacks

    def value(self, value: Any, path: str) -> Any:
        if isinstance(value, Mapping):
            return self.rule(value, path)
        if isinstance(value, list):
            return [self.value(item, _beneath(path, item, n)) for n, item in enumerate(value, 1)]
        return value

    def rule(self, rule: Mapping[str, Any], path: str) -> dict[str, Any]:
        made = {name: self.value(item, _joined(path, name)) for name, item in rule.items()}
        for name in ("cite", "objecting"):
            if _is_citation(rule.get(name)):
                cite = Citation.model_validate(rule[name])
                made |= self.resting(made, _joined(path, name), cite, name)
        return made

    def resting(
        self, rule: Mapping[str, Any], path: str, cite: Citation, name: str
    ) -> dict[str, Any]:
        """A rule's citation in the new text, and its values with the numbers changed there."""
        if (still := stands(cite, self.old, self.new)) is not None:
            return {name: still.model_dump()}
        found = _replaced(path, cite, self.old, self.new)
        parts = [part for part in NUMBERED if part in rule] if name == "cite" else []
        values = {part: self.numbered(rule[part], found, path) for part in parts}
        changed = [part for part in parts if values[part] != rule[part]]
        where = path.rpartition(".")[0]
        self.steps.append(
            Step(
                type=self.type, where=where, old=cite, new=found.new,
                before="; ".join(_said(rule[part]) for part in changed),
                after="; ".join(_said(values[part]) for part in changed),
            )
        )  # fmt: skip
        if any(part in rule and not isinstance(rule[part], bool) for part in DECIDING):
            self.open += [(where, cite.quote, pair) for pair in found.pairs if pair.changed]
        return {name: found.new.model_dump(), **values}

    def numbered(self, value: Any, found: "_Replaced", path: str) -> Any:
        """A value, or the values in it, with the changed numbers put in."""
        if isinstance(value, Mapping):
            return {name: self.numbered(item, found, path) for name, item in value.items()}
        if isinstance(value, list):
            return [self.numbered(item, found, path) for item in value]
        if isinstance(value, bool) or not isinstance(value, int | str):
            return value
        text = str(value)
        made, held = _renumbered(text, found, path)
        self.held |= {pair.key for pair in held}
        return int(made) if isinstance(value, int) and made.isdigit() else made


def _is_citation(value: Any) -> bool:
    return isinstance(value, Mapping) and set(value) == {"section", "quote"}


def _joined(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _beneath(path: str, item: Any, n: int) -> str:
    named = item.get("name") or item.get("kind") if isinstance(item, Mapping) else None
    return _joined(path, str(named or n))


def _said(value: Any) -> str:
    return ", ".join(map(str, value.values())) if isinstance(value, Mapping) else str(value)


def _carried(
    type: str, charter: Charter, old: Constitution, new: Constitution
) -> tuple[Charter, list[Step]]:
    """The charter as one of the new text; _Lost names the sentence that is gone."""
    document = charter.model_dump(mode="json", exclude_defaults=True)
    carrying = _Carrying(type, old, new)
    made = carrying.rule(document, "")
    for where, quote, pair in carrying.open:
        if pair.key not in carrying.held:
            said = f"“{pair.old.text}” became “{pair.new.text}”, and no rule holds that number"
            raise _Lost(where, quote, said)
    if not carrying.steps and all(new.holds(cite) for _, cite in citations_in(charter)):
        return charter, []
    try:
        carried = Charter.model_validate(made)
    except ValidationError as error:
        first = str(error.errors()[0]["msg"]).removeprefix("Value error, ")
        raise _Lost("", charter.cite.quote, f"with the new numbers, {first}") from None
    _doubt(carrying.steps, charter, carried, old, new)
    return carried, carrying.steps


def _doubt(
    steps: list[Step], before: Charter, after: Charter, old: Constitution, new: Constitution
) -> None:
    """The new sentences must carry the new values as well as the old ones did theirs."""
    touched = {f"{step.where}.cite".lstrip(".") for step in steps}
    if not touched:
        return
    known = {path: len(found.objections) for path, found in ground_charter(old, before)}
    for path, found in ground_charter(new, after):
        if path in touched and len(found.objections) > known.get(path, 0):
            raise _Lost(path, found.citation.quote, found.objections[-1])


# --- one sentence --------------------------------------------------------------------------


class _Pair(NamedTuple):
    """A number of the old sentence, and the one in its place."""

    old: Quantity
    new: Quantity

    @property
    def changed(self) -> bool:
        return not same(self.old, self.new)

    @property
    def key(self) -> tuple[Any, ...]:
        return (self.old.value, self.old.unit, self.new.value, self.new.unit)


class _Replaced(NamedTuple):
    """A sentence that took the place of another, and their numbers."""

    new: Citation
    pairs: tuple[_Pair, ...]


class _Skeleton(NamedTuple):
    """A text with every number taken out; each hole keeps the number and where it stood."""

    text: str
    numbers: tuple[Quantity, ...]
    full: str

    def origin(self, at: int) -> int:
        """Where a place in the skeleton is in the full text."""
        holes = self.text[:at].count(_HOLE)
        taken = sum(len(each.text) - 1 for each in self.numbers[:holes])
        return at + taken


@lru_cache(maxsize=4096)
def _skeleton(text: str) -> _Skeleton:
    full = " ".join(text.split())
    numbers = tuple(quantities(full))
    parts, at = [], 0
    for each in numbers:
        parts.append(full[at : each.start])
        at = each.end
    return _Skeleton(_HOLE.join([*parts, full[at:]]), numbers, full)


@lru_cache(maxsize=512)
def _passages(text: str) -> tuple[str, ...]:
    return tuple(" ".join(text[first:last].split()) for first, last in spans_of(text))


def _replaced(where: str, cite: Citation, old: Constitution, new: Constitution) -> _Replaced:
    """The sentence of the new text that differs from the quoted one in its numbers alone."""
    quote = _skeleton(cite.quote)
    # What the old text has too did not take the place of anything.
    found = [each for each in _matches(cite, old, new) if not old.find(each.new.quote)]
    if not found or not quote.numbers:
        raise _Lost(where, cite.quote, "the sentence has changed or is gone")
    if len({each.pairs for each in found}) > 1:
        raise _Lost(where, cite.quote, "more than one sentence could have taken its place")
    return found[0]


def _matches(cite: Citation, old: Constitution, new: Constitution) -> Iterator[_Replaced]:
    """Sentences alike but for their numbers, in the section named, else in any."""
    quote, whole, named = _skeleton(cite.quote), old.around(cite), new.section(cite.section)
    before = old.section(cite.section)
    single = before is not None and whole in _passages(before.text)
    for sections in ((named,) if named else (), new.sections):
        found = [
            _Replaced(
                Citation(section=section.id, quote=words),
                tuple(_Pair(*pair) for pair in zip(quote.numbers, numbers, strict=True)),
            )
            for section in sections
            for text in (_passages(section.text) if single else (section.text,))
            if not single or _skeleton(text).text == _skeleton(whole).text
            for words, numbers in _alike(quote, _skeleton(text))
        ]
        if found:
            yield from found
            return


def _alike(quote: _Skeleton, text: _Skeleton) -> Iterator[tuple[str, tuple[Quantity, ...]]]:
    """Where the quote's words stand in a text with other numbers, cutting no word."""
    for at in (m.start() for m in re.finditer(re.escape(quote.text), text.text)):
        end = at + len(quote.text)
        edges = ((at - 1, at), (end - 1, end))
        cuts = (text.text[max(one, 0)] + text.text[two : two + 1] for one, two in edges if one >= 0)
        if not any(len(cut) > 1 and cut.isalnum() for cut in cuts):
            first = text.text[:at].count(_HOLE)
            numbers = text.numbers[first : first + len(quote.numbers)]
            yield text.full[text.origin(at) : text.origin(end)], numbers


# --- one value -----------------------------------------------------------------------------


def _renumbered(text: str, found: _Replaced, where: str) -> tuple[str, list[_Pair]]:
    """The text with the changed numbers put in, and which of them it holds."""
    spared = [m.span() for m in _IN_QUOTES.finditer(text)]
    said = [
        number
        for number in quantities(text.replace("*", "×"))
        if not any(first <= number.start < last for first, last in spared)
    ]
    parted = _parted(said, found.pairs)
    held: list[_Pair] = []
    for number in reversed(said):
        means = {
            _written(number, pair, text) if pair.changed else number.text: pair
            for pair in found.pairs
            if _means(number, pair.old, text)
        } or parted.get(number.value, {})
        if len(means) > 1 or None in means:
            why = f"“{number.text}” in “{text}” could be more than one number of the sentence"
            raise _Lost(where, found.new.quote, why)
        for written, pair in means.items():
            text = f"{text[: number.start]}{written}{text[number.end :]}"
            held.append(pair)
    return text, held


def _means(said: Quantity, quoted: Quantity, text: str) -> bool:
    """The same number; a bare one is of the time that the words about it speak of."""
    if same(said, quoted):
        return True
    bare = said.value == quoted.value and not said.unit and is_time(quoted.unit)
    return bare and _TIMED.search(text) is not None


def _written(said: Quantity, pair: _Pair, text: str) -> str | None:
    """The new number as the rule writes its own; None where it cannot be written so."""
    if is_time(said.unit):
        if not is_time(pair.new.unit) or pair.new.value.denominator != 1:
            return None
        one = pair.new.value == 1
        return f"{pair.new.value} {pair.new.unit.removesuffix('s') if one else pair.new.unit}"
    if is_time(pair.old.unit) and pair.old.unit != pair.new.unit:
        return None
    value = pair.new.share
    if value.denominator == 1:
        return str(value)
    written = str(plain(value))
    return written if "/" in said.text or said.text == text.strip() else f"({written})"


def _parted(
    said: Iterable[Quantity], pairs: Iterable[_Pair]
) -> Mapping[Fraction, Mapping[str | None, _Pair]]:
    """Parts of a fraction that an expression multiplies out: `3 * agree >= 2 * votes`."""
    bare = {number.value for number in said if not number.unit}
    found: dict[Fraction, dict[str | None, _Pair]] = {}
    for pair in pairs:
        old, new = pair.old.share, pair.new.share
        if old.denominator > 1 and {Fraction(old.numerator), Fraction(old.denominator)} <= bare:
            found.setdefault(Fraction(old.numerator), {})[str(new.numerator)] = pair
            found.setdefault(Fraction(old.denominator), {})[str(new.denominator)] = pair
    return found
