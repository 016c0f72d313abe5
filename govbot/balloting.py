"""Ballots of a process: what one may hold, and how those of a stage are counted.

Owns the shapes of ballots (rankings, approvals, scores, forms) and the step from members' standing
ballots to one call of `tally`, kept as a calculation. Pure. Promises that ballots are grouped and
put in order before they are kept, so that a record of a count does not tell who gave which.
"""

from collections.abc import Callable, Container, Iterable, Mapping
from fractions import Fraction
from typing import Any

from govbot.charter import InputRule, TallyRule
from govbot.records import Calculation, canonical, plain
from govbot.tools import call
from govbot.tools.results import Exact
from govbot.tools.weights import number_of, overspent

Standing = Mapping[str, tuple[Any, int]]  # member -> (value, how often it was given)

BALLOTS = ("ranking", "approvals", "scores", "form")


def candidates(rule: InputRule, inputs: Mapping[str, Standing]) -> tuple[str, ...]:
    """What may be chosen: the charter's choices, or what members gave as another kind of input.

    Where that kind takes no value, whoever gave it stands ("I stand for the board").
    """
    if rule.choices_from is None:
        return rule.choices
    given = inputs.get(rule.choices_from, {})
    return tuple(sorted({name for who, (value, _) in given.items() for name in _named(who, value)}))


def counted_names(
    rule: InputRule, inputs: Mapping[str, Standing], ballots: Mapping[str, Any]
) -> tuple[str, ...]:
    """Who or what a count is about. Where a ballot takes a member, anybody on the roll can be
    named; counted are those who are, so that nobody wins a seat without a single voice."""
    if rule.takes == "member":
        return tuple(sorted(set(ballots.values())))
    return candidates(rule, inputs)


def _named(who: str, value: Any) -> tuple[str, ...]:
    if isinstance(value, tuple | list):
        return tuple(map(str, value))
    return (who if value is True else str(value),)


# --- may it stand? -----------------------------------------------------------------------


def ballot_problem(
    rule: InputRule, value: Any, names: tuple[str, ...], options: Mapping[str, Any]
) -> str:
    """What is wrong with a ballot, or nothing. `options` are those of the stage's tally."""
    match rule.takes:
        case "ranking":
            return _ranking_problem(value, names)
        case "approvals":
            return _approvals_problem(value, names, options.get("most"))
        case "scores":
            return _scores_problem(value, names, options)
    return ""


def _known(named: Iterable[Any], names: tuple[str, ...]) -> str:
    seen = set[str]()
    for name in named:
        if not isinstance(name, str) or name not in names:
            return f"names {str(name)[:80]!r}, which cannot be chosen; choose {_or(names)}"
        if name in seen:
            return f"names {name!r} twice"
        seen.add(name)
    return ""


def _or(names: tuple[str, ...]) -> str:
    return " or ".join(names[:20]) or "nobody: nobody stands yet"


def _ranking_problem(value: Any, names: tuple[str, ...]) -> str:
    if not isinstance(value, list | tuple) or not value:
        return f"ranks {_or(names)}, best first, as in “A > B > C”"
    tiers = [tier if isinstance(tier, list | tuple) else [tier] for tier in value]
    if not all(tiers):
        return "has a rank with nobody in it"
    return _known((name for tier in tiers for name in tier), names)


def _approvals_problem(value: Any, names: tuple[str, ...], most: Any) -> str:
    if not isinstance(value, list | tuple):
        return f"names those you approve of: {_or(names)}"
    if isinstance(most, int) and len(value) > most:
        return f"names {len(value)}; at most {most} may be named"
    return _known(value, names)


def _scores_problem(value: Any, names: tuple[str, ...], options: Mapping[str, Any]) -> str:
    if not isinstance(value, Mapping) or not value:
        return f"gives each a number, as in “{names[0] if names else 'A'} 3”"
    lowest, highest = options.get("lowest"), options.get("highest")
    for name, mark in value.items():
        if isinstance(mark, bool) or not isinstance(mark, int):
            return f"gives {name} {str(mark)[:40]!r}; a whole number is needed"
        if isinstance(lowest, int) and mark < lowest or isinstance(highest, int) and mark > highest:
            return f"gives {name} {mark}; it goes from {lowest} to {highest}"
    if "credits" in options:
        purse = number_of(options["credits"], "the number of credits")
        if why := overspent(value.items(), purse):
            return f"{why.removeprefix('it ')}; spend less"
    return _known(value, names)


# --- counting ------------------------------------------------------------------------------


def count_ballots(
    rule: TallyRule,
    ballot: InputRule,
    names: tuple[str, ...],
    ballots: Mapping[str, Any],
    weights: Mapping[str, Exact],
    options: Mapping[str, Any],
    seats: int,
    seed: str,
) -> Calculation:
    """The one call of `tally` that counts a stage's ballots; its result is a `TallyResult`.

    `ballots` and `weights` are by member; whoever has no weight is not counted.
    """
    arguments: dict[str, Any] = {
        "ballots": grouped(ballot, ballots, weights),
        "method": rule.method,
        "seats": seats,
        "tie_break": list(rule.tie_break),
        "seed": seed,
        **{name: plain(value) for name, value in sorted(options.items())},
    }
    if ballot.takes != "form":
        # With fewer candidates than seats all of them are seated; the rest stay empty.
        arguments |= {"candidates": sorted(names), "seats": max(1, min(seats, len(names)))}
    return call("tally", arguments)


def grouped(
    ballot: InputRule, ballots: Mapping[str, Any], weights: Mapping[str, Exact]
) -> list[dict[str, Any]]:
    """Equal ballots once, with their weight, in an order that is nobody's; forms as they are."""
    if ballot.takes == "form":
        return [{"id": who, **ballots[who]} for who in sorted(ballots) if who in weights]
    key = "choice" if ballot.takes in ("choice", "member") else ballot.takes
    together: dict[bytes, tuple[Any, Exact]] = {}
    for who, value in ballots.items():
        if who in weights:
            spelled = canonical(plain(value))
            _, so_far = together.get(spelled, (value, 0))
            together[spelled] = (value, so_far + weights[who])
    return [
        {key: plain(value), "weight": plain(_whole(weight))}
        for _, (value, weight) in sorted(together.items())
    ]


def _whole(weight: Exact) -> Exact:
    return int(weight) if isinstance(weight, Fraction) and weight.denominator == 1 else weight


def delegate(
    given: Mapping[str, str], ballots: Iterable[str], weights: Mapping[str, Exact], cap: Any,
    roll: Container[str],
) -> Calculation:  # fmt: skip
    """The call that follows delegations to those who voted; whoever has no weight is left out."""
    arguments: dict[str, Any] = {
        "delegations": {who: given[who] for who in sorted(given) if who in weights},
        "voters": sorted(who for who in ballots if who in weights),
        "weights": {who: plain(_whole(weight)) for who, weight in sorted(weights.items())},
        "members": sorted({*weights, *(to for to in given.values() if to in roll)}),
    }
    return call("delegate_votes", arguments | ({"cap": cap} if cap is not None else {}))


def exact_of(value: Any) -> Exact:
    """A count as a calculation keeps it (`3`, or the text `3/2`) as a number again."""
    return Fraction(value) if isinstance(value, str) else int(value)


def weights_of(
    members: Iterable[str], weigh: Callable[[str], Any] | None
) -> tuple[dict[str, Exact], list[str]]:
    """Each member's weight, 1 where no rule weighs them; and those the rule gives none."""
    weights: dict[str, Exact] = {}
    without: list[str] = []
    for who in sorted(members):
        weight = 1 if weigh is None else weigh(who)
        good = isinstance(weight, int | Fraction) and not isinstance(weight, bool) and weight > 0
        if good:
            weights[who] = weight
        else:
            without.append(who)
    return weights, without
