"""A reading carried over to a changed text: what still stands, what only changed its numbers.

Owns the comparing of a quoted sentence with the one that took its place, and the putting of new
numbers into the rules that rest on it. Pure, so that anyone can derive it again. Promises that no
charter is carried over of which one quote is gone, that a number is only put in where the old
sentence had the old one, and that every rule that was touched, and whatever rests on a sentence
that has changed, is named, for people to check: nothing made here has any force.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from fractions import Fraction
from functools import lru_cache
from typing import Any, Literal, NamedTuple

from pydantic import ValidationError

from govbot.charter import Charter, Reading, Term, citations_in, effects_of
from govbot.constitution import Constitution
from govbot.effects import StartProcess
from govbot.grounding import ground_charter
from govbot.lint import errors
from govbot.numbers import Quantity, is_time, quantities, same
from govbot.passages import spans_of
from govbot.records import Citation, Record, plain

# The parts of a rule that its own quote must carry.
NUMBERED = (
    "value", "when", "who", "count", "seats", "cap", "options", "computed", "weights", "lasts",
    "effects",
)  # fmt: skip
ALIKE = 2  # of a sentence, one part in so many must be alike for another to be what became of it
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
    """Something that has to be read again: the sentence it rested on, and what became of it."""

    what: Literal["rules", "role", "term"]
    name: str
    title: str = ""
    place: str = ""
    was: str = ""
    now: str = ""
    why: str = ""  # beyond that its sentence has changed or is gone
    starts: str = ""  # where no sentence changed: the process type that it starts and that is stale

    @property
    def told(self) -> str:
        named = f"{self.title} ({self.what})" if self.title else f"{self.what} {self.name}"
        if self.starts:
            return f"{named}: it starts {self.starts}, which must be read again"
        became = f"now reads “{self.now}”" if self.now else "is no longer there"
        why = f" ({self.why})" if self.why else ""
        return f"{named}: {self.place} said “{self.was}”, which {became}{why}"


class Rereading(Record):
    """A reading of the new text, as far as the old one can be carried over."""

    reading: Reading
    steps: tuple[Step, ...] = ()
    stale: tuple[Stale, ...] = ()


class _Lost(Exception):
    """A rule cannot be carried over; without a reason, its sentence has changed or is gone."""

    def __init__(self, cite: Citation, why: str = "") -> None:
        super().__init__(why)
        self.cite, self.why = cite, why


def reread(
    reading: Reading, old: Constitution, new: Constitution, numbers: bool = True
) -> Rereading:
    """The reading of `old` as a reading of `new`; what could not be carried over is left out.

    Without `numbers` only what rests on unchanged sentences is carried over.
    """
    places = _Places(old, new, numbers)
    charters: dict[str, Charter] = {}
    steps: list[Step] = []
    stale: list[Stale] = []
    for type, charter in reading.processes.items():
        made = _carried(type, charter, places)
        if isinstance(made, list):
            found = (_stale("rules", type, charter.title, lost, places) for lost in made)
            stale += dict.fromkeys(found)  # several rules may rest on one sentence
        else:
            charters[type], taken = made
            steps += taken
    stale += _orphans(charters)
    for type, lost in _unsound(reading, charters, steps, places):
        stale.append(_stale("rules", type, charters.pop(type).title, lost, places))
    stale += _orphans(charters)
    roles, terms, gone = _named(reading, places)
    return Rereading(
        reading=Reading(
            constitution=new.digest, drafted_by=reading.drafted_by, terms=terms, roles=roles,
            processes=charters,
        ),
        steps=tuple(step for step in steps if step.type in charters), stale=(*stale, *gone),
    )  # fmt: skip


def _named(
    reading: Reading, places: "_Places"
) -> tuple[dict[str, Citation], dict[str, Term], list[Stale]]:
    """The roles and the terms of the new text, and those whose words are gone."""
    stale = list[Stale]()
    roles, terms = dict[str, Citation](), dict[str, Term]()
    for role, cite in reading.roles.items():
        if (kept := places.of(cite)) is not None:
            roles[role] = kept
        else:
            stale.append(_stale("role", role, "", _Lost(cite), places))
    for name, term in reading.terms.items():
        carrying = _Carrying(name, places)
        document = carrying.rule(term.model_dump(mode="json"), "")
        if carrying.lost:
            stale.append(_stale("term", name, "", carrying.lost[0], places))
        else:
            terms[name] = Term.model_validate(document)
    return roles, terms, stale


def _unsound(
    reading: Reading, charters: Mapping[str, Charter], steps: list[Step], places: "_Places"
) -> list[tuple[str, _Lost]]:
    """The charters that could not be ratified with their new numbers, each for one reason."""
    touched = {s.type: s.old for s in reversed(steps) if s.after and s.type in charters}
    if not touched:
        return []
    made = reading.model_copy(update={"constitution": places.new.digest, "processes": charters})
    known = {(each.where, each.what) for each in errors(reading, places.old)}
    why = {
        each.where.partition(".")[0]: each.what
        for each in errors(made, places.new)
        if (each.where, each.what) not in known
    }
    return [(type, _Lost(cite, why[type])) for type, cite in touched.items() if type in why]


def _orphans(charters: dict[str, Charter]) -> list[Stale]:
    """Takes out charters that start a process type that is gone, and those that start them."""
    found: list[Stale] = []
    while orphans := list(_starting_none(charters)):
        for name, starts in orphans:
            title = charters.pop(name).title
            found.append(Stale(what="rules", name=name, title=title, starts=starts))
    return found


def _starting_none(charters: Mapping[str, Charter]) -> Iterator[tuple[str, str]]:
    for name, charter in charters.items():
        for effect in effects_of(charter):
            if isinstance(effect, StartProcess) and effect.start_process.type not in charters:
                yield name, effect.start_process.type
                break


def _stale(
    what: Literal["rules", "role", "term"], name: str, title: str, lost: _Lost, places: "_Places"
) -> Stale:
    old, cite = places.old, lost.cite
    section = old.section(cite.section)
    was = old.around(cite) or " ".join(cite.quote.split())
    return Stale(
        what=what, name=name, title=title, why=lost.why, was=was,
        place=section.breadcrumb if section is not None else cite.section,
        now=_became(places.new, cite.section, was),
    )  # fmt: skip


def _became(new: Constitution, id: str, was: str) -> str:
    """The sentence of the new text that is most like this one, if any is like it at all."""
    section = new.section(id)
    nearby = [section] if section is not None else []
    best, most = "", 0.0
    for each in (*nearby, *new.sections):
        for sentence in _passages(each.text):
            alike = SequenceMatcher(None, was.split(), sentence.split()).ratio()
            if alike > most:
                best, most = sentence, alike
        if ALIKE * most >= 1 and each is section:
            break  # its own section comes first
    return best if ALIKE * most >= 1 else ""


class _Places:
    """Where the quotes of one version stand in another."""

    def __init__(self, old: Constitution, new: Constitution, numbers: bool) -> None:
        self.old, self.new, self.numbers = old, new, numbers
        self._known: dict[Citation, Citation | None] = {}

    def of(self, cite: Citation) -> Citation | None:
        """The citation in the new text, with other numbers if need be."""
        if (still := self.stands(cite)) is not None:
            return still
        try:
            return self.replaced(cite).new
        except _Lost:
            return None

    def replaced(self, cite: Citation) -> "_Replaced":
        """The sentence that took its place and differs in its numbers alone."""
        if not self.numbers:
            raise _Lost(cite)
        return _replaced(cite, self.old, self.new)

    def stands(self, cite: Citation) -> Citation | None:
        """The citation where the same words stand now; None where its sentence has changed."""
        if cite not in self._known:
            self._known[cite] = self._sought(cite)
        return self._known[cite]

    def _sought(self, cite: Citation) -> Citation | None:
        placed = self.new.placed(cite)
        if placed is None:
            return None
        stood, stands = self._homes(self.old, cite), self._homes(self.new, cite)
        if cite.section in stood and len(stood) == len(stands):
            # Renumbered articles keep their order; the same words in two of them stay apart.
            placed = Citation(section=stands[stood.index(cite.section)], quote=cite.quote)
        elif not self.new.holds(cite):
            return None  # the words were there more often before: whose they are cannot be told
        whole = self.old.around(cite)
        return placed if whole in ("", self.new.around(placed)) else None

    def _homes(self, constitution: Constitution, cite: Citation) -> list[str]:
        quote = cite.quote
        ids = (section.id for section in constitution.sections)
        return [id for id in ids if constitution.holds(Citation(section=id, quote=quote))]


# --- one charter ---------------------------------------------------------------------------


@dataclass
class _Carrying:
    """One charter on its way into another text."""

    type: str
    places: _Places
    steps: list[Step] = field(default_factory=list)
    lost: list[_Lost] = field(default_factory=list)
    held: set[tuple[Any, ...]] = field(default_factory=set)  # changed numbers some rule holds
    open: list[tuple[Citation, "_Pair"]] = field(default_factory=list)  # those a rule lacks

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
        if (still := self.places.stands(cite)) is not None:
            return {name: still.model_dump()}
        parts = [part for part in NUMBERED if part in rule] if name == "cite" else []
        try:
            found = self.places.replaced(cite)
            values = {part: self.numbered(rule[part], found, cite) for part in parts}
        except _Lost as lost:
            self.lost.append(lost)
            return {}
        changed = [pair for part in parts for pair in _differing(rule[part], values[part])]
        self.steps.append(
            Step(
                type=self.type, where=path.rpartition(".")[0], old=cite, new=found.new,
                before="; ".join(before for before, _ in changed),
                after="; ".join(after for _, after in changed),
            )
        )  # fmt: skip
        if name == "cite":  # how to object is told and ruled elsewhere
            self.open += [(cite, pair) for pair in found.pairs if pair.changed]
        return {name: found.new.model_dump(), **values}

    def numbered(self, value: Any, found: "_Replaced", cite: Citation) -> Any:
        """A value, or the values in it, with the changed numbers put in."""
        if isinstance(value, Mapping):
            if _is_citation(value.get("cite")):
                return value  # it rests on a sentence of its own
            return {name: self.numbered(item, found, cite) for name, item in value.items()}
        if isinstance(value, list):
            return [self.numbered(item, found, cite) for item in value]
        if isinstance(value, bool) or not isinstance(value, int | str):
            return value
        text = str(value)
        made, held = _renumbered(text, found, cite)
        self.held |= {pair.key for pair in held}
        return int(made) if isinstance(value, int) and made.isdigit() else made


def _is_citation(value: Any) -> bool:
    return isinstance(value, Mapping) and set(value) == {"section", "quote"}


def _joined(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _beneath(path: str, item: Any, n: int) -> str:
    named = item.get("name") or item.get("kind") if isinstance(item, Mapping) else None
    return _joined(path, str(named or n))


def _differing(before: Any, after: Any) -> Iterator[tuple[str, str]]:
    """The values in which two of one shape differ."""
    if isinstance(before, Mapping):
        for name in before:
            yield from _differing(before[name], after[name])
    elif isinstance(before, list):
        for one, other in zip(before, after, strict=True):
            yield from _differing(one, other)
    elif before != after:
        yield str(before), str(after)


def _carried(
    type: str, charter: Charter, places: _Places
) -> tuple[Charter, list[Step]] | list[_Lost]:
    """The charter as one of the new text, or the sentences that it has lost."""
    carrying = _Carrying(type, places)
    made = carrying.rule(charter.model_dump(mode="json", exclude_defaults=True), "")
    if carrying.lost:
        return carrying.lost
    for cite, pair in carrying.open:
        if pair.key not in carrying.held:
            said = f"“{pair.old.text}” became “{pair.new.text}”, and no rule holds that number"
            return [_Lost(cite, said)]
    if not carrying.steps and all(places.new.holds(cite) for _, cite in citations_in(charter)):
        return charter, []
    try:
        carried = Charter.model_validate(made)
    except ValidationError as error:
        first = str(error.errors()[0]["msg"]).removeprefix("Value error, ")
        rests_on = next((step.old for step in carrying.steps if step.after), charter.cite)
        return [_Lost(rests_on, f"with the new numbers, {first}")]
    doubted = list(_doubted(carrying.steps, charter, carried, places))
    return doubted or (carried, carrying.steps)


def _doubted(
    steps: list[Step], before: Charter, after: Charter, places: _Places
) -> Iterator[_Lost]:
    """The new sentences must carry the new values as well as the old ones did theirs."""
    touched = {f"{step.where}.cite".lstrip("."): step.old for step in steps}
    if not touched:
        return
    known = {path: len(found.objections) for path, found in ground_charter(places.old, before)}
    for path, found in ground_charter(places.new, after):
        if path in touched and len(found.objections) > known.get(path, 0):
            yield _Lost(touched[path], found.objections[-1])


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


def _replaced(cite: Citation, old: Constitution, new: Constitution) -> _Replaced:
    """The sentence of the new text that differs from the quoted one in its numbers alone."""
    quote = _skeleton(cite.quote)
    # What the old text has too did not take the place of anything.
    found = [each for each in _matches(cite, old, new) if not old.find(each.new.quote)]
    if not found or not quote.numbers:
        raise _Lost(cite)
    if len({each.pairs for each in found}) > 1:
        raise _Lost(cite, "more than one sentence could have taken its place")
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


def _renumbered(text: str, found: _Replaced, cite: Citation) -> tuple[str, list[_Pair]]:
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
        if None in means:
            raise _Lost(cite, f"the rule has “{number.text}” and cannot hold what it became")
        if len(means) > 1:
            why = f"“{number.text}” in “{text}” could be more than one number of the sentence"
            raise _Lost(cite, why)
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
