"""Where rules can lead: a bounded walk through the states of every charter.

Owns the warnings that no single rule shows: stages nothing ends, outcomes no community of a size
can reach, holders of a role who alone decide on that role, powers nobody can object to. Pure.
Promises to look at no more than a bounded number of states, and to say so where that was too few.
What it does not find may still be there: communities are small numbers here, and inputs are those
around the numbers that the rules name.
"""

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import product
from typing import Any

from govbot.charter import Charter, InputRule, Reading, Stage, effects_of, identifier
from govbot.constitution import Constitution
from govbot.effects import CarryOut, EffectRule, GrantRole, OutcomeRule, RevokeRole
from govbot.expression import ExpressionError, holds, names_in
from govbot.lint import Finding
from govbot.numbers import numbers_in
from govbot.records import Citation, Member

SIZES = (0, 1, 2, 3, 7, 50)  # how many may take part: nobody, one, two, three, a handful, many
MOST_STATES = 40_000  # looked at in one charter
MOST_TRIALS = 3000  # ways one stage may go, for one size
AMENDING = "amend_constitution"
_TEXTS = re.compile(r"'([^']*)'|\"([^\"]*)\"")

Names = Mapping[str, Any]


def explore(
    reading: Reading, constitution: Constitution, members: Iterable[Member] = (),
    before: Reading | None = None, most: int = MOST_STATES,
) -> list[Finding]:  # fmt: skip
    """What the rules can come to. `members` are those there now, `before` the rules in force."""
    found: list[Finding] = []
    people = tuple(members)
    for type, charter in reading.processes.items():
        found += _Walk(type, charter, constitution, people, most).findings()
    found += _locked(reading, constitution)
    found += _unappealed(reading, constitution)
    found += _unamendable(reading, before) if before is not None else ()
    return list(dict.fromkeys(found))


def _warning(where: str, what: str) -> Finding:
    return Finding(level="warning", where=where, what=what)


def _words(citation: Citation | None, constitution: Constitution) -> str:
    """A section and what it says, at the head of a warning."""
    section = constitution.section(citation.section) if citation else None
    if citation is None or section is None:
        return "The constitution"
    return f"{section.breadcrumb} (“{citation.quote}”)"


# --- the states of one charter -------------------------------------------------------------


@dataclass
class _Walk:
    """One charter, walked for communities of several sizes."""

    type: str
    charter: Charter
    constitution: Constitution
    people: tuple[Member, ...]
    most: int
    looked: int = 0
    full: bool = False
    reached: dict[int | None, set[tuple[str, int]]] = field(default_factory=dict)

    def findings(self) -> Iterator[Finding]:
        for size in SIZES:
            yield from self.walked(size)
        yield from self.silent()
        yield from self.unreached()
        if self.people:
            yield from self.walked(None)
            yield from self.impossible()
        if self.full:
            told = f"only some of its states were looked at (at most {self.most})"
            yield Finding(level="note", where=self.type, what=told)

    def walked(self, size: int | None) -> Iterator[Finding]:
        """Every stage that can be reached; `None` is the community as it is."""
        waiting, seen = [self.charter.stages[0].name], set[str]()
        leads: dict[str, set[str | None]] = {}
        here = self.reached.setdefault(size, set())
        while waiting:
            name = waiting.pop()
            if name in seen:
                continue
            seen.add(name)
            stage = self.charter.stage(name)
            leads[name] = set()
            if self.short(stage, size):
                leads[name].add(None)
                continue
            for position in self.ways(stage, size):
                here.add((name, position))
                rule = stage.outcomes[position]
                leads[name].add(rule.next)
                waiting += [rule.next] if rule.next else []
        yield from self.stuck(leads, size)

    def short(self, stage: Stage, size: int | None) -> bool:
        """Whether too few are there to be drawn, so that the process ends as its draw says."""
        return any(rule.count > self.eligible(rule.who, size) for rule in stage.draws.values())

    def eligible(self, who: str, size: int | None) -> int:
        drawn = [
            rule.count
            for stage in self.charter.stages
            for name, rule in stage.draws.items()
            if name in names_in(who)
        ]
        if size is None:
            all = [each for each in self.people if _admits(who, each.roles) is not False]
            return min([len(all), *drawn])
        return min([size, *drawn])

    def ways(self, stage: Stage, size: int | None) -> Iterator[int]:
        """The outcomes that some input leads to, each once."""
        found: set[int] = set()
        for names in self.trials(stage, size):
            try:
                early = stage.ends_early is not None and holds(stage.ends_early.when, names)
                if stage.lasts is None and not early:
                    continue
                position = _first(stage.outcomes, names)
            except ExpressionError:
                continue  # the lint tells of it
            if position is not None and position not in found:
                found.add(position)
                yield position

    def trials(self, stage: Stage, size: int | None) -> Iterator[Names]:
        asked = _asked(stage)
        counted = stage.ballot.kind if stage.tally and stage.ballot else ""
        counts = [
            (rule, part)
            for rule in stage.inputs
            for part in _parts(rule, asked, rule.kind == counted)
        ]
        values = [self.boundaries(rule, stage, size) for rule, _ in counts]
        while math.prod(map(len, values)) > MOST_TRIALS and any(len(each) > 2 for each in values):
            values = [each[:1] + each[2:] if len(each) > 2 else each for each in values]
            self.full = True
        for given in product(*values):
            tallied = dict(zip(counts_keys(counts), given, strict=True))
            if any(
                sum(n for (kind, _), n in tallied.items() if kind == rule.kind)
                > self.eligible(rule.who, size)
                for rule in stage.inputs
                if not rule.many
            ):
                continue
            for names in self.worlds(stage, size, tallied, asked):
                if self.looked >= self.most:
                    self.full = True
                    return
                self.looked += 1
                yield names

    def boundaries(self, rule: InputRule, stage: Stage, size: int | None) -> list[int]:
        """Nobody, somebody, about half, everybody, and around the numbers that decide."""
        there = self.eligible(rule.who, size)
        named = {n for said in _conditions(stage) for n in numbers_in(said)}
        near = {int(n) + step for n in named if n.denominator == 1 for step in (-1, 0, 1)}
        parts = {math.floor(n * there) + step for n in named if 0 < n < 1 for step in (0, 1)}
        most = max([there, *near]) if rule.many else there
        all = {0, 1, there // 2, there // 2 + 1, there - 1, there} | near | parts
        # The first and the last are never left out, whatever has to be.
        inner = sorted(n for n in all if 0 < n < most)
        return [0, *inner, most] if most > 0 else [0]

    def worlds(
        self, stage: Stage, size: int | None, tallied: Mapping[tuple[str, str], int],
        asked: frozenset[str],
    ) -> Iterator[Names]:  # fmt: skip
        names: dict[str, Any] = {"opener": "x"}
        for rule in stage.inputs:
            names |= {identifier(choice): 0 for choice in rule.choices}
            own = {part: n for (kind, part), n in tallied.items() if kind == rule.kind}
            names |= {part: n for part, n in own.items() if part}
            names[rule.counter] = sum(own.values())
        ballot = stage.ballot
        there = self.eligible(ballot.who, size) if ballot else 0
        voted = names[ballot.counter] if ballot else 0
        names |= {
            "eligible": there,
            "turnout": Fraction(min(voted, there), there) if there else 0,
            "inputs": sum(tallied.values()),
            **self.drawn(),
        }
        said = [each for rule in self.charter.stages for each in _conditions(rule)]
        unknown = [name for name in (*self.charter.fields, "days_open") if name in asked]
        for values in product(*(self.field(name, said) for name in unknown)):
            rest = dict.fromkeys(set(self.charter.fields) - set(unknown), "x")
            for won in _winning(stage, voted):
                yield {"days_open": 1, **rest, **names, **zip_names(unknown, values), **won}

    def drawn(self) -> Names:
        draws = {
            name: tuple(f"m{n}" for n in range(rule.count))
            for stage in self.charter.stages
            for name, rule in stage.draws.items()
        }
        counts = {each.tally.named: ("x",) for each in self.charter.stages if each.tally}
        return {**draws, **counts}

    def field(self, name: str, said: list[str]) -> list[Any]:
        """Values of a field around what the rules ask of it."""
        rule = self.charter.fields.get(name)
        if rule is None or rule.type == "number":
            whole = {int(n) for each in said for n in numbers_in(each) if n.denominator == 1}
            return sorted({0, 1} | {n + step for n in whole for step in (-1, 0, 1)})
        texts = {one or two for each in said if name in each for one, two in _TEXTS.findall(each)}
        return ["x", *sorted(texts)]

    # --- what it comes to ------------------------------------------------------------------

    def stuck(self, leads: Mapping[str, set[str | None]], size: int | None) -> Iterator[Finding]:
        """Stages from which no way leads to an end."""
        ending = {name for name, following in leads.items() if None in following}
        while more := {n for n, f in leads.items() if n not in ending and f & ending}:
            ending |= more
        for name in leads:
            if name not in ending and (size is None or size > 0):
                stage = self.charter.stage(name)
                words = _words(_cited(stage) or self.charter.cite, self.constitution)
                there = "the members there are now" if size is None else _people(size)
                yield _warning(
                    f"{self.type}.{name}", f"{words}: with {there}, nothing can end this stage"
                )
                return

    def silent(self) -> Iterator[Finding]:
        """A process that goes round and round while nobody takes part."""
        name: str | None = self.charter.stages[0].name
        seen: list[str] = []
        while name is not None and name not in seen:
            seen.append(name)
            stage = self.charter.stage(name)
            tallied = {(rule.kind, rule.counter): 0 for rule in stage.inputs}
            names = next(iter(self.worlds(stage, 1, tallied, _asked(stage))))
            try:
                position = _first(stage.outcomes, names)
            except ExpressionError:
                return
            if stage.lasts is None or position is None:
                return
            name = stage.outcomes[position].next
        if name is not None:
            words = _words(_cited(self.charter.stage(name)), self.constitution)
            round = " → ".join([*seen[seen.index(name) :], name])
            told = f"{words}: while nobody takes part it goes round without end ({round})"
            yield _warning(f"{self.type}.{name}", told)

    def unreached(self) -> Iterator[Finding]:
        """Outcomes of stages that can be reached, and that no size of a community reaches."""
        reached = {each for here in self.reached.values() for each in here}
        stages = {name for name, _ in reached}
        for stage in self.charter.stages:
            for position, rule in enumerate(stage.outcomes):
                if stage.name in stages and (stage.name, position) not in reached:
                    words = _words(rule.cite or _cited(stage), self.constitution)
                    named = rule.named or f"leading to {rule.next}"
                    told = f"{words}: nothing I tried leads to the outcome {named!r}"
                    yield _warning(f"{self.type}.{stage.name}", told)

    def impossible(self) -> Iterator[Finding]:
        """Outcomes that the community as it is cannot reach, and one of another size can."""
        now = self.reached[None]
        larger = {each for size in SIZES for each in self.reached[size]}
        for stage in self.charter.stages:
            for position, rule in enumerate(stage.outcomes):
                place = (stage.name, position)
                if place in larger and place not in now:
                    words = _words(rule.cite, self.constitution)
                    told = (
                        f"{words}: with the members there are now nobody can bring about"
                        f" {rule.named or rule.next!r}"
                    )
                    yield _warning(f"{self.type}.{stage.name}", told)


def counts_keys(counts: list[tuple[InputRule, str]]) -> list[tuple[str, str]]:
    return [(rule.kind, part) for rule, part in counts]


def zip_names(names: list[str], values: tuple[Any, ...]) -> Names:
    return dict(zip(names, values, strict=True))


def _conditions(stage: Stage) -> list[str]:
    early = [stage.ends_early.when] if stage.ends_early else []
    return [*early, *(rule.when for rule in stage.outcomes if rule.when is not None)]


def _asked(stage: Stage) -> frozenset[str]:
    return frozenset(name for said in _conditions(stage) for name in names_in(said))


def _parts(rule: InputRule, asked: frozenset[str], counted: bool) -> list[str]:
    """What of an input the conditions tell apart; the empty part is all the rest."""
    choices = [identifier(choice) for choice in rule.choices]
    told = [choice for choice in choices if choice in asked]
    summed = counted or asked & {rule.counter, "inputs", "turnout"}
    return told + ([""] if summed and len(told) < max(len(choices), 1) else [])


def _first(outcomes: tuple[OutcomeRule, ...], names: Names) -> int | None:
    for position, rule in enumerate(outcomes):
        if rule.when is None or holds(rule.when, names):
            return position
    return None


def _winning(stage: Stage, voted: int) -> Iterator[Names]:
    """Ways a count may come out: nobody, one of them, as many as there are seats."""
    if stage.tally is None:
        yield {}
        return
    ballot = stage.ballot
    names = ballot.choices if ballot is not None and ballot.choices else ("x",)
    seats = stage.tally.seats if isinstance(stage.tally.seats, int) else 2
    full = tuple(f"x{n}" for n in range(seats))
    for winners in ((), *((name,) for name in names), full) if voted else ((),):
        winner = winners[0] if winners else ""
        yield {"winner": winner, "winners": winners, stage.tally.named: winners}


def _cited(stage: Stage) -> Citation | None:
    cited = [rule.cite for rule in stage.outcomes if rule.cite]
    lasts = stage.lasts.cite if stage.lasts else None
    return lasts or next(iter(cited), None)


def _people(size: int) -> str:
    return f"{size} to take part" if size else "nobody to take part"


# --- roles ---------------------------------------------------------------------------------


def _admits(who: str, roles: tuple[str, ...]) -> bool | None:
    """Whether a rule admits holders of these roles; None where it asks for something else too."""
    if not names_in(who) <= {"roles"}:
        asked = re.findall(r"""['"]([^'"]+)['"]\s+in\s+roles""", who)
        return False if asked and not set(asked) & set(roles) else None
    try:
        return holds(who, {"roles": roles})
    except ExpressionError:
        return False


def _needs(who: str, role: str, roles: Iterable[str]) -> bool:
    """Whether nobody without this role is admitted."""
    return _admits(who, tuple(each for each in roles if each != role)) is False


def _without(charter: Charter, role: str, roles: Iterable[str]) -> bool:
    """Whether people without this role can open and decide it."""
    draws = {name: rule.who for stage in charter.stages for name, rule in stage.draws.items()}

    def needs(who: str) -> bool:
        drawn = [draws[name] for name in names_in(who) if name in draws]
        return _needs(who, role, roles) or any(_needs(each, role, roles) for each in drawn)

    ballots = [stage.ballot for stage in charter.stages if _decides(stage)]
    return not needs(charter.opened_by.who) and not all(
        needs(ballot.who) for ballot in ballots if ballot is not None
    )


def _decides(stage: Stage) -> bool:
    return stage.ballot is not None and len(stage.outcomes) > 1


def _changes(effect: EffectRule, role: str) -> bool:
    if isinstance(effect, GrantRole):
        return effect.grant_role.role == role
    return isinstance(effect, RevokeRole) and effect.revoke_role.role == role


def _locked(reading: Reading, constitution: Constitution) -> Iterator[Finding]:
    """Roles that only their own holders can give and take, where others have no say at all."""
    roles = tuple(reading.roles)
    for role in roles:
        changing = {
            type: charter
            for type, charter in reading.processes.items()
            if any(_changes(effect, role) for effect in effects_of(charter))
        }
        others = any(_without(charter, role, roles) for charter in reading.processes.values())
        open = [
            type
            for type, charter in reading.processes.items()
            if (type in changing or _amends(charter)) and _without(charter, role, roles)
        ]
        if changing and others and not open:
            charter = next(iter(changing.values()))
            words = _words(charter.opened_by.cite or charter.cite, constitution)
            yield _warning(
                ", ".join(changing),
                f"{words}: only those who have the role {role} can give or take it, and nobody else"
                " can undo that",
            )


# --- what must stay possible ---------------------------------------------------------------


def _amends(charter: Charter) -> bool:
    return any(AMENDING in type(effect).model_fields for effect in effects_of(charter))


def _unamendable(reading: Reading, before: Reading) -> Iterator[Finding]:
    """Rules that could be changed, and cannot be changed any more."""
    lost = [type for type, charter in before.processes.items() if _amends(charter)]
    if lost and not any(map(_amends, reading.processes.values())):
        cite = before.processes[lost[0]].cite
        yield _warning(
            ", ".join(lost),
            f"“{cite.quote}” no longer holds or has to be read again: nothing could change the"
            " constitution any more",
        )


def _unappealed(reading: Reading, constitution: Constitution) -> Iterator[Finding]:
    """Charters that change what somebody may do, of which nobody can complain."""
    for type, charter in reading.processes.items():
        changed = [rule for stage in charter.stages for rule in stage.outcomes if _power(rule)]
        if not changed or charter.objecting is not None or _subject(reading, type):
            continue
        words = _words(changed[0].cite or charter.cite, constitution)
        told = f"{words}: no rule says how to appeal or object to this"
        yield _warning(type, told)


def _power(rule: OutcomeRule) -> bool:
    return any(isinstance(effect, GrantRole | RevokeRole | CarryOut) for effect in rule.effects)


def _subject(reading: Reading, type: str) -> bool:
    """Whether a process of some other type is about one that it names.

    A number that no rule counts with names something: the process that is complained of.
    """
    return any(
        rule.type == "number" and name not in _counting(charter)
        for other, charter in reading.processes.items()
        if other != type
        for name, rule in charter.fields.items()
    )


def _counting(charter: Charter) -> set[str]:
    """The names that a charter's conditions and counts ask for."""
    said = [each for stage in charter.stages for each in _conditions(stage)]
    for tally in (stage.tally for stage in charter.stages if stage.tally is not None):
        said += [*tally.computed.values(), *([tally.seats] if isinstance(tally.seats, str) else [])]
    return {name for each in said for name in names_in(each)}
