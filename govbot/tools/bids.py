"""Judging bids: which qualify, what each scores, who is awarded.

Owns the reading of a bid's fields, the aggregates a score may ask for, the order of tie-breaks and
the account of an award. Pure and exact: `qualify` and `score` are expressions of a charter, which
reach nothing but the fields. Promises that the order of bids changes nothing, that every bid is
either scored or listed with the reason why not, and that no bid can pass off a field of its own as
something the rules know.

This is a sealed-bid scoring rule as in procurement (Che 1993, "Design Competition through
Multidimensional Auctions"): the formula is known before, the best score wins.
"""

import difflib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any, TypeVar

from govbot.errors import MemberError
from govbot.expression import ExpressionError, evaluate, holds, names_in, parse
from govbot.tools.results import (
    Exact,
    Round,
    Spoilt,
    TallyResult,
    Tie,
    TieBreaker,
    exact,
    fill_seats,
    gap,
    leveled,
    listed,
    shown,
    told,
)
from govbot.tools.weights import looks_like_number, number_of

TIME = "time"
COUNT = "bids"
MOST_TOLD = 30
MOST_RULES = 20

_NAMED_BY = ("id", "bidder")
_AGGREGATES: Mapping[str, Callable[..., Any]] = {"lowest_": min, "highest_": max}
T = TypeVar("T")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class _NotCounted(Exception):
    """Why a bid is left out; members see it."""


@dataclass(frozen=True, slots=True)
class Bid:
    """A bid as it is judged: the fields that a rule asks for, made exact. `place` is from 1."""

    name: str
    place: int
    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Rule:
    """A way to part bids that are level: by a field, least or most first."""

    text: str
    field: str
    most: bool

    def groups(self, level: Iterable[str], bids: Mapping[str, Bid]) -> list[list[str]]:
        """Best first, those it leaves level together; who has no such number comes last."""
        found: dict[Exact, list[str]] = {}
        without: list[str] = []
        for name in sorted(level):
            value = bids[name].fields.get(self.field)
            # A True is an int to `isinstance`, and no number here.
            known = type(value) in (int, Fraction)
            (found.setdefault(value, []) if known else without).append(name)  # type: ignore[arg-type]  # known says so
        ordered = [found[value] for value in sorted(found, reverse=self.most)]
        return [*ordered, without] if without else ordered


def judge_bids(
    bids: Iterable[Mapping[str, Any]], *, score: str, qualify: str | None = None,
    tie_break: Sequence[str] = (), seats: int = 1, breaker: TieBreaker,
    known: Mapping[str, Any] | None = None,
) -> TallyResult:  # fmt: skip
    """Awards `seats` bids: of those for which `qualify` holds, the ones of the highest `score`.

    A bid is a mapping of fields, named by its `id`, else by its `bidder`. Numbers are whole or
    text such as "12.50" or "1/3". `time` is a number, or a moment with its zone ("2026-02-08T18:30
    Z"), which counts as seconds since 1970. Both expressions know a bid's fields and whatever
    `known` adds. The score also knows `lowest_price` and `highest_price`, so of every field, of
    the bids that qualify, and how many `bids` do; a bid's own field of such a name is not seen.

    `tie_break` parts level bids that cannot all be awarded: "earliest", "latest", "lowest:price",
    "highest:rating", in this order. "draw" is always the last, by `breaker`, whose order, if it
    has one, comes before the draw. A bid that has no number there comes after those that have.
    """
    if type(seats) is not int or seats < 1:
        raise MemberError(f"{str(seats)[:40]} bids cannot be awarded; give a whole number from 1")
    rules = tuple(map(_rule, _listed_rules(tie_break)))
    needed = _checked(qualify, score) | {rule.field for rule in rules}
    read, spoilt = _read(bids, needed)
    given = dict(known or {})
    qualified = _judged(read, spoilt, lambda bid: _qualified(bid, qualify, given))
    names = given | _aggregates(qualified.values(), score)
    scores = _judged(qualified.values(), spoilt, lambda bid: _scored(bid, score, names))
    levels = leveled(scores)
    winners = _awarded(levels, seats, rules, qualified, breaker)
    left_out = tuple(spoilt[place] for place in sorted(spoilt))
    table = _table(levels, scores)
    result = TallyResult(
        method="bids", winners=winners, ranking=levels, counts=scores, ballots=len(scores),
        rounds=(Round(counts=scores, text=table, elected=winners),) if scores else (),
        ties=tuple(breaker.ties), spoilt=left_out, margin=gap(levels, scores, seats),
    )  # fmt: skip
    bar = [f"To qualify: {qualify.strip()}."] if qualify else []
    story = [*bar, f"Score: {score.strip()}.", table, told(breaker.ties), _award(winners, seats)]
    return replace(result, explanation=" ".join(filter(None, [*story, _left_out(left_out)])))


# --- what the charter says -------------------------------------------------------------------


def _checked(qualify: str | None, score: str) -> set[str]:
    """The fields the expressions ask for, once both can be read."""
    needed: set[str] = set()
    for what, text in (("qualify", qualify), ("score", score)):
        if text is None and what == "qualify":
            continue
        if not isinstance(text, str):
            raise MemberError(f"{what} is no text; write it as an expression, such as 'price'")
        try:
            parse(text)
        except ExpressionError as error:
            raise MemberError(f"{what} cannot be read: {error}") from None
        needed |= names_in(text)
    late = sorted(name for name in names_in(qualify or "True") if _is_aggregate(name))
    if late:
        raise MemberError(
            f"qualify asks for {late[0]!r}, which is known only of bids that qualify; use it in"
            " the score"
        )
    wanted = {_field_of(name) if _is_aggregate(name) else name for name in needed}
    return {name for name in wanted if name}


def _is_aggregate(name: str) -> bool:
    return name == COUNT or name.startswith(tuple(_AGGREGATES))


def _field_of(aggregate: str) -> str:
    return "" if aggregate == COUNT else aggregate.partition("_")[2]


def _listed_rules(tie_break: Sequence[str]) -> list[str]:
    if isinstance(tie_break, str) or len(tie_break) > MOST_RULES:
        raise MemberError(f"the tie-break is no list of at most {MOST_RULES} rules; write one")
    rules = list(tie_break)
    if rules and rules[-1] == "draw":
        rules.pop()
    if "draw" in rules:
        raise MemberError("a draw leaves nothing level; put it last, or leave it out")
    return rules


def _rule(text: Any) -> _Rule:
    """'earliest', 'latest', 'lowest:price' or 'lowest price', 'highest:rating'."""
    if not isinstance(text, str):
        raise MemberError(f"{str(text)[:40]!r} is no tie-break; write it as text")
    if text in ("earliest", "latest"):
        return _Rule(f"the {text} {TIME}", TIME, text == "latest")
    kind, _, field = text.strip().replace(" ", ":", 1).partition(":")
    field = field.strip(" :")
    if kind not in ("lowest", "highest") or not field.isidentifier():
        known = ("earliest", "latest", "lowest:price", "highest:price", "draw")
        near = difflib.get_close_matches(text, known, 1, 0.5)
        hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(known)}"
        raise MemberError(f"there is no tie-break {text[:40]!r}; {hint}")
    return _Rule(f"the {kind} {field}", field, kind == "highest")


# --- reading bids ----------------------------------------------------------------------------


def _read(
    bids: Iterable[Mapping[str, Any]], needed: set[str]
) -> tuple[list[Bid], dict[int, Spoilt]]:
    """Bids by name, and by place those with a field that cannot be read."""
    read: dict[str, Bid] = {}
    spoilt: dict[int, Spoilt] = {}
    seen: set[str] = set()
    stamped: set[bool] = set()
    for place, given in enumerate(bids, 1):
        name = _name(given, place)
        if name in seen:
            raise MemberError(f"two bids are called {name!r}; give each an id of its own")
        seen.add(name)
        try:
            read[name] = Bid(name, place, _fields(given, needed))
        except _NotCounted as why:
            spoilt[place] = Spoilt(place, f"{name}: {why}")
        else:
            if TIME in read[name].fields:
                stamped.add(_is_moment(given[TIME]))
    if len(stamped) > 1:
        raise MemberError(
            "some bids give their time as a moment and some as a number; write all in one way"
        )
    return [read[name] for name in sorted(read)], spoilt


def _name(bid: Any, place: int) -> str:
    if not isinstance(bid, Mapping):
        raise MemberError(f"bid {place} is no mapping of fields; write each field with its name")
    name = next((bid[key] for key in _NAMED_BY if bid.get(key) is not None), None)
    if isinstance(name, int) and not isinstance(name, bool) and 0 <= name < 10**30:
        return str(name)
    if not isinstance(name, str) or not name.strip():
        raise MemberError(f"bid {place} has no id and no bidder; say whose it is")
    return name


def _fields(bid: Mapping[str, Any], needed: set[str]) -> dict[str, Any]:
    """The fields that are asked for, exact; None counts as not there."""
    return {
        field: _value(field, bid[field])
        for field in sorted(needed)
        if bid.get(field) is not None and not _is_aggregate(field)
    }


def _value(field: str, value: Any) -> Any:
    if field in _NAMED_BY:
        return value if isinstance(value, str) else str(value)
    if field == TIME and _is_moment(value):
        return _seconds(value)
    if isinstance(value, list | tuple):
        return tuple(_plain(item, f"something in its {field!r}") for item in value)
    return _plain(value, f"its {field!r}")


def _plain(value: Any, what: str) -> Any:
    """A truth, a text or an exact number."""
    if isinstance(value, bool) or (isinstance(value, str) and not looks_like_number(value)):
        return value
    try:
        return number_of(value, what)
    except MemberError as error:
        raise _NotCounted(str(error)) from None


def _is_moment(value: Any) -> bool:
    return isinstance(value, datetime) or (isinstance(value, str) and not looks_like_number(value))


def _seconds(value: str | datetime) -> Exact:
    """Seconds since 1970, exact to the microsecond."""
    try:
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    except ValueError:
        raise _NotCounted(
            f"its time is {str(value)[:40]!r}; write it as 2026-02-08T18:30:00Z or as a number"
        ) from None
    if moment.tzinfo is None:
        raise _NotCounted(f"its time {str(value)[:40]!r} has no zone; add Z for UTC")
    return exact(Fraction((moment - _EPOCH) // timedelta(microseconds=1), 10**6))


# --- judging ---------------------------------------------------------------------------------


def _judged(
    bids: Iterable[Bid], spoilt: dict[int, Spoilt], judge: Callable[[Bid], T]
) -> dict[str, T]:
    """What the judge says of each bid; those it cannot judge are left out with the reason."""
    found: dict[str, T] = {}
    for bid in bids:
        try:
            found[bid.name] = judge(bid)
        except _NotCounted as why:
            spoilt[bid.place] = Spoilt(bid.place, f"{bid.name}: {why}")
    return found


def _qualified(bid: Bid, qualify: str | None, known: Mapping[str, Any]) -> Bid:
    if qualify is not None and not _asked(qualify, {**bid.fields, **known}, holds):
        raise _NotCounted("it does not qualify")
    return bid


def _scored(bid: Bid, score: str, names: Mapping[str, Any]) -> Exact:
    value = _asked(score, {**bid.fields, **names}, evaluate)
    if type(value) not in (int, Fraction):
        raise _NotCounted("its score is no number")
    return exact(value)


def _asked(text: str, names: Mapping[str, Any], ask: Callable[..., Any]) -> Any:
    try:
        return ask(text, names)
    except ExpressionError as error:
        missing = sorted(names_in(text) - names.keys())
        if missing and str(error).endswith("is not known here"):
            raise _NotCounted(f"it has no {listed(map(repr, missing))}") from None
        raise _NotCounted(str(error)[:300]) from None


def _aggregates(bids: Iterable[Bid], score: str) -> dict[str, Any]:
    """The lowest and highest of the fields the score asks for, over the bids that qualify."""
    held = list(bids)
    found: dict[str, Any] = {COUNT: len(held)}
    for prefix, pick in _AGGREGATES.items():
        for name in sorted(names_in(score)):
            if name.startswith(prefix):
                values = [bid.fields.get(_field_of(name)) for bid in held]
                numbers = [value for value in values if type(value) in (int, Fraction)]
                found |= {name: pick(numbers)} if numbers else {}
    return found


def _awarded(
    levels: Sequence[Sequence[str]], seats: int, rules: Sequence[_Rule],
    bids: Mapping[str, Bid], breaker: TieBreaker,
) -> tuple[str, ...]:  # fmt: skip
    """The first `seats`; only bids that are level across that line are parted."""
    parted: list[Sequence[str]] = []
    taken = 0
    for level in levels:
        room = seats - taken
        across = 0 < room < len(level)
        parted += _parted(level, room, rules, bids, breaker) if across else [level]
        taken += len(level)
    return fill_seats(parted, seats, breaker)


def _parted(
    level: Sequence[str], room: int, rules: Sequence[_Rule], bids: Mapping[str, Bid],
    breaker: TieBreaker,
) -> list[list[str]]:  # fmt: skip
    """One level in order, each rule parting what the ones before it left across the line."""
    before: list[list[str]] = []
    across, after = sorted(level), list[list[str]]()
    spoken: list[tuple[str, list[str]]] = []
    for rule in rules:
        groups = rule.groups(across, bids)
        if len(groups) == 1:
            continue
        spoken.append((rule.text, across))
        cut = 0
        while room and len(groups[cut]) <= room:
            room -= len(groups[cut])
            cut += 1
        before, after = before + groups[:cut], groups[cut + bool(room) :] + after
        across = groups[cut] if room else []
        if not across:
            break
    start = len(breaker.ties)
    drawn = breaker.best_first(across, "the award")
    if any(tie.seed for tie in breaker.ties[start:]) and not breaker.seed:
        raise MemberError(
            f"{listed(across)} are level and a draw needs a seed; use the digest of the ledger's"
            " last entry"
        )
    order = [name for group in (*before, drawn, *after) for name in group]
    # The rules spoke before the lot did, though only the lot says in which order.
    breaker.ties[start:start] = [
        Tie(tuple(among), text, tuple(name for name in order if name in among))
        for text, among in spoken
    ]
    return [[name] for name in order]


# --- words -----------------------------------------------------------------------------------


def _table(levels: Sequence[Sequence[str]], scores: Mapping[str, Exact]) -> str:
    places = _places(sorted(set(scores.values())))
    rows = [f"{name} {shown(scores[name], places)}" for level in levels for name in level]
    if len(rows) > MOST_TOLD:
        rows = [*rows[:MOST_TOLD], f"{len(rows) - MOST_TOLD:,} more"]
    return f"Scores: {listed(rows)}.".replace("….", "…") if rows else "No bid could be scored."


def _places(values: Sequence[Exact]) -> int:
    """Enough decimals that scores which differ look different."""
    for places in (5, 10, 20):
        if len({shown(value, places) for value in values}) == len(values):
            return places
    return 40


def _award(winners: Sequence[str], seats: int) -> str:
    if 0 < len(winners) < seats:
        return f"Awarded: {listed(winners)}; {seats} could have been."
    return f"Awarded: {listed(winners)}."


def _left_out(spoilt: Sequence[Spoilt]) -> str:
    if not spoilt:
        return ""
    reasons = sorted(one.why for one in spoilt)
    more = [f"{len(reasons) - MOST_TOLD:,} more"] if len(reasons) > MOST_TOLD else []
    return f"Not counted: {'; '.join([*reasons[:MOST_TOLD], *more])}."
