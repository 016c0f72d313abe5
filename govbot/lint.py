"""Is a reading sound? What people should know before they ratify it.

Owns the checks of charters against their constitution: quotes, numbers, names, roles, and what the
outcomes do at the boundaries (nobody votes, a tie, one vote more). Decides nothing: errors keep a
reading from coming into force, warnings and notes are for people. Speaks of the constitution's own
sections, since it is there that most findings are mended.
"""

import re
from collections.abc import Iterator, Mapping
from fractions import Fraction
from itertools import product
from typing import Any, Literal

from govbot.charter import Charter, Reading, Stage, TallyRule, citations_in, effects_of, identifier
from govbot.constitution import Constitution
from govbot.effects import GrantRole, OutcomeRule, RevokeRole
from govbot.expression import ExpressionError, holds, names_in
from govbot.grounding import ground_charter
from govbot.numbers import numbers_in as numbers_in
from govbot.records import Citation, Record
from govbot.shapes import Lasts
from govbot.switches import Resuming, Suspending
from govbot.tools.dates import parse_duration

STAGE_NAMES = frozenset({"eligible", "turnout", "inputs", "days_open", "opener"})
MOST_TRIALS = 6000
MOST_SEATS = 5  # winners that are tried at once

_ROLE = re.compile(r"""['"]([^'"]+)['"]\s+(?:not\s+)?in\s+roles""")


class Finding(Record):
    """One thing found: how grave, where in the reading, and what."""

    level: Literal["error", "warning", "note"]
    where: str
    what: str


def lint(reading: Reading, constitution: Constitution) -> list[Finding]:
    """Everything found, gravest first."""
    found = [*_version(reading, constitution), *_quotes(reading, constitution)]
    found += _switching(reading)
    for type, charter in reading.processes.items():
        found += _charter(type, charter, reading)
        found += _grounds(type, charter, constitution)
        for stage in charter.stages:
            found += _stage(f"{type}.{stage.name}", charter, stage)
            found += _outcomes(f"{type}.{stage.name}", charter, stage, constitution)
    order = {"error": 0, "warning": 1, "note": 2}
    return sorted(found, key=lambda finding: order[finding.level])


def errors(reading: Reading, constitution: Constitution) -> list[Finding]:
    return [finding for finding in lint(reading, constitution) if finding.level == "error"]


# --- words and numbers ---------------------------------------------------------------------


def _version(reading: Reading, constitution: Constitution) -> Iterator[Finding]:
    if reading.constitution != constitution.digest:
        yield Finding(
            level="error",
            where="constitution",
            what=f"the reading is of another text: it names {reading.constitution}, and this"
            f" constitution is {constitution.digest}; read it again",
        )


def _quotes(reading: Reading, constitution: Constitution) -> Iterator[Finding]:
    for where, citation in citations_in(reading):
        if constitution.holds(citation):
            continue
        elsewhere = constitution.find(citation.quote)
        hint = f"; it stands in {elsewhere.id}" if elsewhere else ""
        yield Finding(
            level="error",
            where=where,
            what=f"{citation.section} does not say “{citation.quote}”{hint}",
        )


def _grounds(type: str, charter: Charter, constitution: Constitution) -> Iterator[Finding]:
    """What the text near each quote holds against the value that rests on it."""
    for path, found in ground_charter(constitution, charter):
        if found.status == "grounded":  # a quote that stands elsewhere, or nowhere, is an error
            where = f"{type}.{path}".removesuffix(".cite")
            for objection in found.objections:
                yield Finding(level="warning", where=where, what=objection)


def _unquoted(where: str, said: str, citation: Citation | None) -> Iterator[Finding]:
    """A number that decides needs a quote; 0 and 1 count nothing by themselves."""
    wanted = numbers_in(re.sub(r"'[^']*'|\"[^\"]*\"", "", said)) - {Fraction(0), Fraction(1)}
    if wanted and citation is None:
        yield Finding(level="warning", where=where, what=f"“{said}” has a number and no quote")


# --- names, roles, ends --------------------------------------------------------------------


def _charter(type: str, charter: Charter, reading: Reading) -> Iterator[Finding]:
    declared = set(reading.roles)
    for where, who in _whos(charter):
        for role in sorted(set(_ROLE.findall(who)) - declared):
            yield Finding(
                level="error", where=f"{type}.{where}", what=f"the role {role!r} is not declared"
            )
    for effect in effects_of(charter):
        change = (
            effect.grant_role if isinstance(effect, GrantRole)
            else effect.revoke_role if isinstance(effect, RevokeRole) else None
        )  # fmt: skip
        if change is not None and change.role not in declared:
            yield Finding(
                level="error", where=type, what=f"the role {change.role!r} is not declared"
            )
    if not charter.phrases:
        yield Finding(
            level="note", where=type, what="no phrase opens it; only buttons and commands can"
        )
    yield from _reachable(type, charter)


def _whos(charter: Charter) -> Iterator[tuple[str, str]]:
    yield "opened_by", charter.opened_by.who
    for name in ("pause", "extend", "cancel"):
        if (rule := getattr(charter.manage, name)) is not None:
            yield name, rule.who
    for stage in charter.stages:
        yield from ((f"{stage.name}.{rule.kind}", rule.who) for rule in stage.inputs)
        yield from ((f"{stage.name}.{name}", rule.who) for name, rule in stage.draws.items())


def _switching(reading: Reading) -> Iterator[Finding]:
    """A bot that people can switch off, they must be able to switch on again."""
    kinds = {n: {type(e) for e in effects_of(c)} for n, c in reading.processes.items()}
    if not any(Resuming in found for found in kinds.values()):
        for where, found in kinds.items():
            if Suspending in found:
                what = "it switches the bot off, and no process switches it on again"
                yield Finding(level="error", where=where, what=what)


def _reachable(type: str, charter: Charter) -> Iterator[Finding]:
    reached, waiting = set(), [charter.stages[0].name]
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            waiting += [rule.next for rule in charter.stage(name).outcomes if rule.next]
    for stage in charter.stages:
        if stage.name not in reached:
            yield Finding(
                level="error", where=f"{type}.{stage.name}", what="no outcome leads to this stage"
            )


def _stage(where: str, charter: Charter, stage: Stage) -> Iterator[Finding]:
    if stage.lasts is None and stage.ends_early is None:
        yield Finding(level="error", where=where, what="the stage never ends: it has no `lasts`")
    elif stage.lasts is None:
        yield Finding(
            level="warning", where=where, what="the stage ends only if its condition comes true"
        )
    yield from _lasting(where, stage.lasts)
    if stage.tally is not None:
        yield from _tallied(f"{where}.tally", stage.tally)
    for name, draw in stage.draws.items():
        yield from _unquoted(f"{where}.{name}", str(draw.count), draw.cite)
    known = _names(charter, stage)
    for expression, citation in _conditions(stage):
        for name in sorted(names_in(expression) - known):
            yield Finding(
                level="error", where=where, what=f"“{expression}” asks for {name!r}: unknown"
            )
        yield from _unquoted(where, expression, citation)


def _lasting(where: str, lasts: Lasts | None) -> Iterator[Finding]:
    if lasts is not None:
        if not any(parse_duration(lasts.value).values()):
            yield Finding(level="error", where=where, what="the stage ends as soon as it begins")
        yield from _unquoted(f"{where}.lasts", lasts.value, lasts.cite)


def _tallied(where: str, rule: TallyRule) -> Iterator[Finding]:
    """Numbers of a count decide too: seats, thresholds and budgets must stand in its quote."""
    numbers = [str(rule.seats), *map(str, rule.options.values()), *rule.computed.values()]
    yield from _unquoted(where, " ".join(n for n in numbers if any(map(str.isdigit, n))), rule.cite)


def _conditions(stage: Stage) -> Iterator[tuple[str, Citation | None]]:
    if stage.ends_early is not None:
        yield stage.ends_early.when, stage.ends_early.cite
    for rule in stage.outcomes:
        if rule.when is not None:
            yield rule.when, rule.cite


def _counted(stage: Stage) -> list[str]:
    names = [rule.counter for rule in stage.inputs]
    return names + [identifier(choice) for rule in stage.inputs for choice in rule.choices]


def _names(charter: Charter, stage: Stage) -> set[str]:
    draws = {name for each in charter.stages for name in each.draws}
    won = {each.tally.named for each in charter.stages if each.tally is not None}
    here = {"winner", "winners"} if stage.tally is not None else set()
    return {*STAGE_NAMES, *charter.fields, *draws, *won, *here, *_counted(stage)}


# --- what outcomes do at the boundaries ----------------------------------------------------


def _outcomes(
    where: str, charter: Charter, stage: Stage, constitution: Constitution
) -> Iterator[Finding]:
    chosen: dict[int, Mapping[str, Any]] = {}
    gap: Mapping[str, Any] | None = None
    for names in _trials(charter, stage):
        try:
            position = _first(stage.outcomes, names)
        except ExpressionError as error:
            yield Finding(level="error", where=where, what=f"at {_case(stage, names)}: {error}")
            return
        if position is None:
            gap = gap or names
        else:
            chosen.setdefault(position, names)
    section = _section_of(stage, constitution)
    if gap is not None:
        yield Finding(
            level="error",
            where=where,
            what=f"{section} does not say what happens {_case(stage, gap)}",
        )
    for position, rule in enumerate(stage.outcomes):
        if position not in chosen:
            named = rule.when or "otherwise"
            yield Finding(
                level="warning",
                where=where,
                what=f"the outcome “{named}” seems never to be reached",
            )
        elif rule.when is None and rule.cite is None and len(stage.outcomes) > 1:
            yield Finding(
                level="warning",
                where=where,
                what=f"{section} does not say what happens {_case(stage, chosen[position])};"
                f" the reading has {rule.named!r}",
            )


def _first(outcomes: tuple[OutcomeRule, ...], names: Mapping[str, Any]) -> int | None:
    for position, rule in enumerate(outcomes):
        if rule.when is None or holds(rule.when, names):
            return position
    return None


def _trials(charter: Charter, stage: Stage) -> Iterator[Mapping[str, Any]]:
    """Small worlds: every count from none to a few, and around the numbers the rules name."""
    conditions = [expression for expression, _ in _conditions(stage)]
    asked = _asked(stage, {name for each in conditions for name in names_in(each)})
    sizes = _sizes(conditions)
    while len(sizes) ** max(len(asked), 1) > MOST_TRIALS and len(sizes) > 3:
        sizes.pop(-2)
    for values in product(sizes, repeat=len(asked)):
        counts = dict(zip(asked, values, strict=True))
        given = sum(value for name, value in counts.items() if name in _choices(stage))
        nobody = set() if any(values) else {0}
        for eligible in sorted({max(given, 1), 2 * given + 1} | nobody):
            world = _world(charter, stage, counts, given, eligible)
            for winners, said in product(_winning(stage), _said(charter, conditions)):
                yield {**world, **winners, **said}


def _asked(stage: Stage, named: set[str]) -> list[str]:
    """The counts that conditions go by, each choice of its own or in a sum with others."""
    asked = sorted(named & set(_counts(stage)))
    for rule in stage.inputs:
        choices = [identifier(choice) for choice in rule.choices]
        if choices and not named & set(choices) and named & {rule.counter, "inputs", "turnout"}:
            asked.append(choices[0])
    return list(dict.fromkeys(asked))


def _several(rule: TallyRule, names: tuple[str, ...]) -> list[tuple[str, ...]]:
    """Two winners, and as many as there are seats."""
    seats = min(rule.seats, MOST_SEATS) if isinstance(rule.seats, int) else MOST_SEATS
    known = (*names, *(f"x{n}" for n in range(seats - len(names))))
    return [known[:n] for n in sorted({2, seats}) if 1 < n <= seats]


def _said(charter: Charter, conditions: list[str]) -> list[Mapping[str, Any]]:
    """Every way to fill in the fields that are one of some choices and that conditions ask for."""
    asked = {name for each in conditions for name in names_in(each)}
    fields = {n: rule.choices for n, rule in charter.fields.items() if rule.choices and n in asked}
    return [dict(zip(fields, said, strict=True)) for said in product(*fields.values())]


def _winning(stage: Stage) -> Iterator[Mapping[str, Any]]:
    """Every way a stage's count may come out, as far as its outcomes can tell."""
    if stage.tally is None:
        yield {}
        return
    ballot = stage.ballot
    names = ballot.choices if ballot is not None and ballot.choices else ("x",)
    several = _several(stage.tally, names)
    for winners in ((), *((name,) for name in names), *several):
        winner = winners[0] if winners else ""
        yield {"winner": winner, "winners": winners, stage.tally.named: winners}


def _counts(stage: Stage) -> list[str]:
    """What may be any number: votes for each choice, and how many further inputs there are."""
    further = [rule.counter for rule in stage.inputs if not rule.choices]
    return [*_choices(stage), *further]


def _choices(stage: Stage) -> list[str]:
    ballot = stage.ballot
    chosen = [identifier(c) for rule in stage.inputs for c in rule.choices]
    return chosen or ([ballot.counter] if ballot else [])


def _sizes(conditions: list[str]) -> list[int]:
    named = {
        int(n) for each in conditions for n in numbers_in(each) if n.denominator == 1 and n < 50
    }
    near = {n + step for n in named for step in (-1, 0, 1) if n + step >= 0}
    return sorted({0, 1, 2, 3} | near)


def _world(
    charter: Charter, stage: Stage, counts: Mapping[str, int], given: int, eligible: int
) -> Mapping[str, Any]:
    draws = {name: rule.count for each in charter.stages for name, rule in each.draws.items()}
    names: dict[str, Any] = dict.fromkeys(_counted(stage), 0)
    for rule in stage.inputs:
        names[rule.counter] = sum(counts.get(identifier(c), 0) for c in rule.choices)
    return {
        **{name: 0 if rule.type == "number" else "x" for name, rule in charter.fields.items()},
        **{name: tuple(f"m{i}" for i in range(count)) for name, count in draws.items()},
        **{each.tally.named: ("x",) for each in charter.stages if each.tally is not None},
        **names,
        **counts,
        "opener": "x",
        "eligible": eligible,
        "turnout": Fraction(given, eligible) if eligible else 0,
        "inputs": given,
        "days_open": 1,
    }


def _case(stage: Stage, names: Mapping[str, Any]) -> str:
    shown = {name: names[name] for name in _choices(stage)}
    if not any(shown.values()):
        return "when nobody takes part"
    top = [value for value in shown.values() if value]
    tie = "on a tie, " if len(top) > 1 and len(set(top)) == 1 else ""
    return tie + "with " + ", ".join(f"{name} = {value}" for name, value in shown.items())


def _section_of(stage: Stage, constitution: Constitution) -> str:
    cited = [rule.cite for rule in stage.outcomes if rule.cite]
    section = constitution.section(cited[0].section) if cited else None
    return section.breadcrumb if section else "the constitution"
