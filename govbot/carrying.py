"""What a reading still says of another version of its constitution.

Owns which charters, roles and terms carry over to a changed text, where their quotes stand now,
what an amendment comes to when it is adopted, and the words that tell people of it. Pure, so that
anyone can derive it again. Promises that whatever rests on a sentence that has changed is left out
and named with that sentence, never guessed anew.
"""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any, Literal

from pydantic import ValidationError

from govbot.amendments import Inapplicable, applied, changes, merged, short
from govbot.charter import Charter, Reading, Term, citations_in, effects_of
from govbot.constitution import Constitution
from govbot.effects import StartProcess
from govbot.passages import spans_of
from govbot.records import Amendment, Citation

MOST_LINES = 40  # of a change that are told in a chat; the audit has all of it
ALIKE = 2  # of a sentence, one part in so many must be alike for another to be what became of it


@dataclass(frozen=True)
class Stale:
    """Something that has to be read again: the sentence it rested on, and what became of it."""

    what: Literal["rules", "role", "term"]
    name: str
    title: str
    place: str
    was: str
    now: str = ""
    starts: str = ""  # where no sentence changed: the process type that it starts and that is stale

    @property
    def told(self) -> str:
        named = (
            f"{self.title} ({self.what})" if self.what == "rules" else f"{self.what} {self.name}"
        )
        if self.starts:
            return f"{named}: it starts {self.starts}, which must be read again"
        became = f"now reads “{self.now}”" if self.now else "is no longer there"
        return f"{named}: {self.place} said “{self.was}”, which {became}"


@dataclass(frozen=True)
class Carried:
    """A reading of the new text, and what of the old one is not in it."""

    reading: Reading
    stale: tuple[Stale, ...]


def carried(reading: Reading, before: Constitution, after: Constitution) -> Carried:
    """The reading of `before` as far as `after` carries it."""
    places = _Places(before, after)
    stale: list[Stale] = []
    charters = {
        name: rules
        for name, charter in reading.processes.items()
        if (rules := places.charter(name, charter, stale)) is not None
    }
    while orphans := list(_orphans(charters)):
        for name, starts in orphans:
            title = charters.pop(name).title
            stale.append(Stale("rules", name, title, "", "", starts=starts))
    roles = {
        role: kept
        for role, cite in reading.roles.items()
        if (kept := places.citation("role", role, role, cite, stale)) is not None
    }
    terms = {
        name: Term(who=term.who, cite=kept)
        for name, term in reading.terms.items()
        if (kept := places.citation("term", name, name, term.cite, stale)) is not None
    }
    made = Reading(
        constitution=after.digest, drafted_by=reading.drafted_by, terms=terms, roles=roles,
        processes=charters,
    )  # fmt: skip
    return Carried(made, tuple(stale))


def _orphans(charters: Mapping[str, Charter]) -> Iterator[tuple[str, str]]:
    """Charters whose outcomes start a process type that is not among them."""
    for name, charter in charters.items():
        for effect in effects_of(charter):
            if isinstance(effect, StartProcess) and effect.start_process.type not in charters:
                yield name, effect.start_process.type
                break


class _Places:
    """Where the quotes of one version stand in another."""

    def __init__(self, before: Constitution, after: Constitution) -> None:
        self.before, self.after = before, after
        self._known: dict[Citation, Citation | None] = {}

    def of(self, cite: Citation) -> Citation | None:
        """The citation in the new text; None where its sentence has changed or gone."""
        if cite not in self._known:
            self._known[cite] = self._sought(cite)
        return self._known[cite]

    def _sought(self, cite: Citation) -> Citation | None:
        placed = self.after.placed(cite)
        if placed is None:
            return None
        stood, stands = self._homes(self.before, cite), self._homes(self.after, cite)
        if cite.section in stood and len(stood) == len(stands):
            # Renumbered articles keep their order; the same words in two of them stay apart.
            placed = Citation(section=stands[stood.index(cite.section)], quote=cite.quote)
        elif not self.after.holds(cite):
            return None  # the words were there more often before: whose they are cannot be told
        whole = self.before.around(cite)
        return placed if whole in ("", self.after.around(placed)) else None

    def _homes(self, constitution: Constitution, cite: Citation) -> list[str]:
        quote = cite.quote
        ids = (section.id for section in constitution.sections)
        return [id for id in ids if constitution.holds(Citation(section=id, quote=quote))]

    def charter(self, name: str, charter: Charter, stale: list[Stale]) -> Charter | None:
        cites = dict.fromkeys(cite for _, cite in citations_in(charter))
        for cite in cites:
            if self.of(cite) is None:
                stale.append(self._stale("rules", name, charter.title, cite))
                return None
        if all(self.of(cite) == cite for cite in cites):
            return charter
        document = charter.model_dump(mode="json", exclude_defaults=True)
        return Charter.model_validate(self._moved(document))

    def citation(
        self, what: Literal["role", "term"], name: str, title: str, cite: Citation,
        stale: list[Stale],
    ) -> Citation | None:  # fmt: skip
        if (placed := self.of(cite)) is None:
            stale.append(self._stale(what, name, title, cite))
        return placed

    def _moved(self, value: Any) -> Any:
        """A charter's document with every citation where its words stand now."""
        if isinstance(value, dict):
            if set(value) == set(Citation.model_fields):
                found = self.of(Citation.model_validate(value))
                return found.model_dump(mode="json") if found is not None else value
            return {name: self._moved(item) for name, item in value.items()}
        return [self._moved(item) for item in value] if isinstance(value, list) else value

    def _stale(
        self, what: Literal["rules", "role", "term"], name: str, title: str, cite: Citation
    ) -> Stale:
        section = self.before.section(cite.section)
        place = section.breadcrumb if section is not None else cite.section
        was = self.before.around(cite) or " ".join(cite.quote.split())
        return Stale(what, name, title, place, was, self._became(cite.section, was))

    def _became(self, id: str, was: str) -> str:
        """The sentence of the new text that is most like this one, if any is like it at all."""
        section = self.after.section(id)
        nearby = [section] if section is not None else []
        best, most = "", 0.0
        for each in (*nearby, *self.after.sections):
            for first, last in spans_of(each.text):
                sentence = " ".join(each.text[first:last].split())
                alike = SequenceMatcher(None, was.split(), sentence.split()).ratio()
                if alike > most:
                    best, most = sentence, alike
            if ALIKE * most >= 1 and each is section:
                break  # its own section comes first
        return best if ALIKE * most >= 1 else ""


# --- what an amendment comes to ------------------------------------------------------------------


@dataclass(frozen=True)
class Adoption:
    """What comes into force: the text, the reading that goes with it, what must be read again."""

    constitution: Constitution
    reading: Reading
    stale: tuple[Stale, ...]
    merged: bool = False


def adoption(
    amendment: Amendment, base: Constitution, in_force: Constitution, reading: Reading
) -> Adoption | str:
    """What an adopted amendment comes to, or why it has to go back to people."""
    try:
        text = applied(base.text, amendment)
    except Inapplicable as error:
        return f"the amendment can no longer be applied: {error}"
    if base.digest == in_force.digest:
        return _adopted(Constitution(text), in_force, reading, amendment)
    if amendment.reading is not None:
        return (
            "the constitution has changed since, and the reading that the amendment brings along"
            " is of a text without that change"
        )
    both = merged(base.text, in_force.text, text)
    if not isinstance(both, str):
        where = "; ".join(
            f"line{'s' if c.last > c.first else ''} {c.where.removeprefix('line ')} of the version"
            f" it was written against now read “{_short(c.ours)}”, and the amendment has"
            f" “{_short(c.theirs)}”"
            for c in both
        )
        return f"the constitution has changed in the same place since: {where}"
    if both == in_force.text:
        return "the constitution says so already, by an amendment adopted since"
    found = _adopted(Constitution(both), in_force, reading, amendment)
    if isinstance(found, str):
        return found
    return Adoption(found.constitution, found.reading, found.stale, merged=True)


def _adopted(
    after: Constitution, in_force: Constitution, reading: Reading, amendment: Amendment
) -> Adoption | str:
    kept = carried(reading, in_force, after)
    if amendment.reading is None:
        return Adoption(after, kept.reading, kept.stale)
    try:
        brought = Reading.model_validate(amendment.reading)
    except ValidationError as error:
        return f"the reading that it brings along is not well-formed: {error.errors()[0]['msg']}"
    if brought.constitution != after.digest:
        return "the reading that it brings along is of another text"
    for where, cite in citations_in(brought):
        if not after.holds(cite):
            return f"the reading that it brings along quotes what is not there: {where}"
    gone = tuple(
        each
        for each in kept.stale
        if each.name not in {**brought.processes, **brought.roles, **brought.terms}
    )
    return Adoption(after, brought, gone)


def _short(text: str) -> str:
    folded = " ".join(text.split()) or "nothing"
    return folded if len(folded) <= 200 else folded[:199] + "…"


# --- in words --------------------------------------------------------------------------------

LOCKED = (
    "ATTENTION: after this no rule lets anybody amend the constitution any more. Only whoever runs"
    " the bot could adopt another one."
)


def warnings(
    before: Mapping[str, Charter], after: Mapping[str, Charter], stale: tuple[Stale, ...]
) -> list[str]:
    """What people must know before and after: a lock that nobody opens, rules that are lost."""
    could, can = (any(c.amends for c in side.values()) for side in (before, after))
    lines = [LOCKED] if could and not can else []
    if stale:
        lines.append("To be read again before they hold, since a sentence they rest on changes:")
        lines += [f"- {each.told}" for each in stale]
    return lines


def amendments_in(charter: Charter, fields: Mapping[str, Any]) -> list[Amendment]:
    """The amendments that an opening brings with it; what is none is `objections`' to say."""
    found = []
    for name, rule in charter.fields.items():
        if rule.type == "amendment" and name in fields:
            with suppress(ValidationError):
                found.append(Amendment.model_validate(fields[name]))
    return found


def shown(
    charter: Charter, fields: Mapping[str, Any], constitution: Constitution,
    charters: Mapping[str, Charter],
) -> Iterator[str]:  # fmt: skip
    """What a process would change, for those who decide; `charters` are those in force with it."""
    for amendment in amendments_in(charter, fields):
        reading = Reading(constitution=constitution.digest, processes=dict(charters))
        found = adoption(amendment, constitution, constitution, reading)
        if not isinstance(found, Adoption):
            yield f"This amendment cannot be carried out: {found}"
            continue
        yield f"What changes in the constitution (version {short(constitution.digest)}):"
        yield from limited(list(changes(constitution, found.constitution.text)))
        yield from warnings(charters, found.reading.processes, found.stale)
        if amendment.reading is not None:
            yield "It brings its own reading along: the rules that it sets out come into force."


def limited(lines: list[str]) -> list[str]:
    """A change's lines as far as a chat bears them."""
    left = len(lines) - MOST_LINES
    return [*lines[:MOST_LINES], f"… and {left} more lines"] if left > 0 else lines
