"""Panels drawn by lot: with quotas, weights, exclusions, alternates and seats that are declined.

Pure. Promises that a panel follows from its arguments alone, on every machine and whatever order
they come in, and that with quotas it is the one panel a plain rule names: go through the people by
ticket and take each with whom the panel can still be completed. How that is found out is nobody's
business; any other exact solver finds the same panel.
"""

import hashlib
import unicodedata
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from fractions import Fraction
from typing import Any

from govbot.errors import MemberError
from govbot.records import plain
from govbot.tools.draws import candidates_of, ticket
from govbot.tools.results import Exact, listed

MOST_TICKETS = 1_000
MOST_TICKETS_TOGETHER = 1_000_000
# Some ten seconds; three attributes need a thousandth.
MOST_WORK = 3_000_000
MOST_MOVES = 100
MOST_TURNS = 100

Quotas = Mapping[str, Mapping[str, Sequence[int]]]
Profile = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Declined:
    """Who gave up a seat, and who has it now: nobody where there was none to give up.

    Only where the quotas leave no other way are others `released`, and some sit `instead`.
    """

    name: str
    successor: str | None = None
    released: tuple[str, ...] = ()
    instead: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Panel:
    """Who was drawn, in order, and all that is needed to see why.

    `tickets` has everyone who could be drawn, the lowest ticket first; `passed_over` those of them
    who come before a member by ticket and do not sit because of the quotas.
    """

    seats: int
    seed: str
    members: tuple[str, ...]
    alternates: tuple[str, ...]
    excluded: Mapping[str, str]
    declined: tuple[Declined, ...]
    passed_over: tuple[str, ...]
    tickets: Mapping[str, str]
    explanation: str

    def plain(self) -> dict[str, Any]:
        """As JSON."""
        return dict(plain(asdict(self)))


def draw_panel(
    pool: Sequence[str],
    seats: int,
    *,
    seed: str,
    strata: Mapping[str, Mapping[str, str]] | None = None,
    quotas: Quotas | None = None,
    weights: Mapping[str, int] | None = None,
    excluded: Mapping[str, str] | None = None,
    alternates: int = 0,
    declined: Sequence[str] = (),
) -> Panel:
    """A panel of `seats` people of the pool, drawn by lot.

    Without weights a person's ticket is that of `random_select`, and so is the panel without
    quotas. With weights (who is not named has 1) a person has that many tickets, the SHA-256 of
    `govbot-weighted-v1`, the seed, the name and the ticket's number from 1, with line breaks
    between them, and the best one counts: at each seat everyone's chance is their share of the
    tickets of those not yet drawn.

    `quotas` are the least and the most seats for each value of one attribute or of several at
    once, as {"gender": {"woman": [2, 3], "man": [2, 3]}}; `strata` say who is what, as
    {"ana": {"gender": "woman"}}. The people are gone through by ticket, and each is taken with
    whom the panel can still be completed so that every quota holds. Whom the quotas ask for and
    the pool has few of is then drawn more often than others, as in every draw with quotas
    (Flanigan et al., "Fair algorithms for selecting citizens' assemblies", Nature 596, 2021).

    `excluded` is why somebody of the pool cannot sit. `alternates` are the next by ticket, fewer
    if nobody is left. Each who `declined`, in that order, gives up the seat to the first by ticket
    with whom the quotas hold, and the others keep theirs; if no panel has them all, those drawn
    first keep theirs first.
    """
    people = _people(pool, seed)
    reasons = _reasons(people, excluded or {})
    drawable = [name for name in people if name not in reasons]
    _check_counts(seats, alternates, drawable, reasons)
    _check_declined(drawable, declined)
    tickets = _tickets(people, drawable, seed, weights)
    order = sorted(drawable, key=lambda name: (tickets[name], name))
    rules = _rules(drawable, seats, strata or {}, quotas or {})
    members, history = _seated(order, rules, declined)
    away = {*members, *declined}
    last = max(tickets[name] for name in members)
    rest = [name for name in order if name not in away]
    panel = Panel(
        seats=seats,
        seed=seed,
        members=tuple(members),
        alternates=tuple(rest[:alternates]),
        excluded=reasons,
        declined=history,
        passed_over=tuple(name for name in rest if tickets[name] < last),
        tickets={name: tickets[name] for name in order},
        explanation="",
    )
    story = _explained(panel, _held(members, rules), weights is not None)
    return replace(panel, explanation=story)


# --- who can be drawn ------------------------------------------------------------------------


def _people(pool: Sequence[str], seed: str) -> list[str]:
    if isinstance(pool, str):
        raise MemberError(f"{pool[:60]!r} is no pool; give the names as a list")
    people = candidates_of(pool, seed)
    for name in people:
        if not name or any("\ud800" <= letter <= "\udfff" for letter in name):
            raise MemberError(f"{name[:60]!r} is no name that can be written; mend the pool")
    seen: dict[str, str] = {}
    for name in sorted(people):
        same = seen.setdefault(unicodedata.normalize("NFC", name), name)
        if same != name:
            raise MemberError(
                f"{ascii(same)} and {ascii(name)} in the pool look the same and differ in their"
                " letters; write one name per person"
            )
    return people


def _reasons(people: Sequence[str], excluded: Mapping[str, str]) -> dict[str, str]:
    known = set(people)
    for name, reason in sorted(excluded.items()):
        if name not in known:
            raise MemberError(f"{name!r} is excluded and not in the pool; check the name")
        if not isinstance(reason, str) or not reason.strip():
            raise MemberError(f"{name!r} is excluded without a reason; say why")
    return dict(sorted(excluded.items()))


def _check_counts(
    seats: int, alternates: int, drawable: Sequence[str], reasons: Mapping[str, str]
) -> None:
    if type(seats) is not int or seats < 1:
        raise MemberError(f"{seats!r} seats cannot be drawn; give a whole number from 1")
    if type(alternates) is not int or alternates < 0:
        raise MemberError(f"{alternates!r} alternates cannot be drawn; give a whole number from 0")
    if not drawable:
        why = "everyone in it is excluded" if reasons else "nobody is in it"
        raise MemberError(f"nobody can be drawn from the pool, for {why}; widen it")


def _check_declined(drawable: Sequence[str], declined: Sequence[str]) -> None:
    if isinstance(declined, str):
        raise MemberError(f"{declined[:60]!r} is no list; give those who declined as a list")
    known = set(drawable)
    for name in declined:
        if name not in known:
            raise MemberError(f"{name!r} declined and could not be drawn; check the name")
    if len(set(declined)) < len(declined):
        raise MemberError("somebody declined twice; name everyone once, in the order they did")


def _tickets(
    people: Sequence[str], drawable: Sequence[str], seed: str, weights: Mapping[str, int] | None
) -> dict[str, str]:
    if weights is None:
        return {name: ticket(seed, name) for name in drawable}
    known = set(people)
    for name, weight in sorted(weights.items()):
        if name not in known:
            raise MemberError(f"{name!r} has a weight and is not in the pool; check the name")
        if type(weight) is not int or not 1 <= weight <= MOST_TICKETS:
            raise MemberError(
                f"{name!r} cannot have the weight {weight!r}; give whole numbers from 1 to"
                f" {MOST_TICKETS}, and exclude whoever may not be drawn"
            )
    together = sum(weights.get(name, 1) for name in drawable)
    if together > MOST_TICKETS_TOGETHER:
        raise MemberError(
            f"these weights are {together} tickets and at most {MOST_TICKETS_TOGETHER} are drawn"
            " from; divide the weights"
        )
    return {name: _best(seed, name, weights.get(name, 1)) for name in drawable}


def _best(seed: str, name: str, weight: int) -> str:
    start = f"govbot-weighted-v1\n{seed}\n{name}\n"
    numbers = range(1, weight + 1)
    return min(hashlib.sha256(f"{start}{number}".encode()).hexdigest() for number in numbers)


# --- quotas ----------------------------------------------------------------------------------


@dataclass(slots=True)
class _Rules:
    """What a panel must be, what everyone is (by the attributes with quotas), and the work done."""

    seats: int
    quotas: Quotas
    profiles: Mapping[str, Profile]
    work: int = 0

    def bounds(self) -> Iterator[tuple[int, str, str, int, int]]:
        """Each quota: its attribute's place in a profile and name, the value, least and most."""
        for place, attribute in enumerate(sorted(self.quotas)):
            for value, (least, most) in sorted(self.quotas[attribute].items()):
                yield place, attribute, value, least, most

    def spend(self, work: int) -> None:
        self.work += work
        if self.work > MOST_WORK:
            raise MemberError(
                "these quotas are too entangled to be decided; use fewer attributes or wider quotas"
            )


def _rules(
    drawable: Sequence[str], seats: int, strata: Mapping[str, Mapping[str, str]], quotas: Quotas
) -> _Rules:
    for attribute, bounds in quotas.items():
        for value, bound in bounds.items():
            _check_bound(attribute, value, bound)
    profiles = {
        name: tuple(_value(name, strata, attribute, quotas) for attribute in sorted(quotas))
        for name in sorted(drawable)
    }
    return _Rules(seats, quotas, profiles)


def _check_bound(attribute: str, value: str, bound: Sequence[int]) -> None:
    numbers = list(bound) if isinstance(bound, list | tuple) else []
    whole = len(numbers) == 2 and all(type(number) is int for number in numbers)
    if not whole or not 0 <= numbers[0] <= numbers[1]:
        raise MemberError(
            f"the quota {bound!r} for {attribute} {value!r} is none; give the least and the most"
            " seats as two whole numbers, the lower first"
        )


def _value(
    name: str, strata: Mapping[str, Mapping[str, str]], attribute: str, quotas: Quotas
) -> str:
    value = strata.get(name, {}).get(attribute)
    if value is None:
        raise MemberError(f"nothing says which {attribute} {name!r} has; add it or drop its quotas")
    # Silence is no permission: a slip such as 'Woman' would otherwise be bound by nothing.
    if value not in quotas[attribute]:
        raise MemberError(
            f"{name!r} has the {attribute} {value!r}, for which there is no quota; add one, which"
            " may be as wide as all seats"
        )
    return value


def _check_each(order: Sequence[str], rules: _Rules) -> None:
    """Names a quota, or the quotas of one attribute, that cannot be met whatever the others are."""
    there = Counter((at, value) for name in order for at, value in enumerate(rules.profiles[name]))
    fewest, largest = Counter[str](), Counter[str]()
    for place, attribute, value, least, most in rules.bounds():
        if there[place, value] < least:
            raise MemberError(
                f"the quota for {attribute} {value!r} cannot be met: it asks for at least {least}"
                f" and only {there[place, value]} can be drawn; lower it"
            )
        fewest[attribute] += least
        largest[attribute] += min(most, there[place, value])
    for attribute in sorted(rules.quotas):
        least, most = fewest[attribute], largest[attribute]
        if not least <= rules.seats <= most:
            said = f"ask for at least {least}" if least > rules.seats else f"allow at most {most}"
            raise MemberError(
                f"the quotas for {attribute} cannot be met: they {said} of {rules.seats} seats;"
                " change the quotas or the seats"
            )


def _held(members: Sequence[str], rules: _Rules) -> list[str]:
    """How many seats each quota got, in words."""
    had = Counter((at, each) for name in members for at, each in enumerate(rules.profiles[name]))
    return [
        f"{had[place, value]} with {attribute} {value} ({least} to {most})"
        for place, attribute, value, least, most in rules.bounds()
    ]


# --- who sits --------------------------------------------------------------------------------


def _seated(
    order: Sequence[str], rules: _Rules, declined: Sequence[str]
) -> tuple[list[str], tuple[Declined, ...]]:
    """The members in the order drawn, after everyone who declined did so in turn."""
    members = _taken(order, rules)
    gone: set[str] = set()
    history = []
    for name in declined:
        gone.add(name)
        if name not in members:
            history.append(Declined(name))
            continue
        # Who has a seat comes before who has none, so that nobody loses it without need.
        kept = [member for member in members if member != name]
        rest = [each for each in order if each not in gone and each not in members]
        try:
            members = _taken([*kept, *rest], rules)
        except MemberError as error:
            why = f"{name!r} declined, and the seat cannot be filled: {error}"
            raise MemberError(why) from None
        successor, *instead = (each for each in members if each not in kept)
        released = tuple(member for member in kept if member not in members)
        history.append(Declined(name, successor, released, tuple(instead)))
    return members, tuple(history)


def _taken(order: Sequence[str], rules: _Rules) -> list[str]:
    """The first of this order, one by one, with whom all seats can be filled within the quotas."""
    if len(order) < rules.seats:
        raise MemberError(
            f"there are {rules.seats} seats and only {len(order)} people who can be drawn; lower"
            " the seats or widen the pool"
        )
    if not rules.quotas:
        return list(order[: rules.seats])
    _check_each(order, rules)
    there = Counter(rules.profiles[name] for name in order)
    kinds = sorted(there)
    place = {kind: position for position, kind in enumerate(kinds)}
    whole = _Whole(kinds, rules)
    least, most = [0] * len(kinds), [there[kind] for kind in kinds]
    if not whole.possible(least, most):
        raise MemberError(_entangled(kinds, most, rules))
    members: list[str] = []
    for name in order:
        kind = place[rules.profiles[name]]
        if least[kind] == most[kind]:
            continue
        least[kind] += 1
        # The way found last may have room for this kind; if not, another is looked for.
        if whole.way[kind] < least[kind] and not whole.possible(least, most):
            # Whom the quotas keep out now they keep out for good: seats only get fewer.
            least[kind] -= 1
            most[kind] = least[kind]
            whole.close(kind, most[kind])
            continue
        members.append(name)
        if len(members) == rules.seats:
            break
    return members


def _entangled(kinds: Sequence[Profile], there: Sequence[int], rules: _Rules) -> str:
    """Names a quota without which the others could be met, if there is one."""
    for _, attribute, value, least, most in rules.bounds():
        wide = {**rules.quotas[attribute], value: (0, rules.seats)}
        without = replace(rules, quotas={**rules.quotas, attribute: wide})
        possible = _Whole(kinds, without).possible([0] * len(kinds), there)
        rules.work = without.work
        if possible:
            return (
                f"the quotas cannot all be met at once; without the one for {attribute} {value!r}"
                f" ({least} to {most}) they can, so widen it"
            )
    return "the quotas cannot all be met at once, nor without any one of them; widen several"


class _Whole:
    """Whether seats can be filled within quotas: whole numbers of each kind of people.

    Exact. A way is first looked for by swaps; that there is none is shown by the simplex for
    bounds of B. Dutertre and L. de Moura, "A Fast Linear-Arithmetic Solver for DPLL(T)", CAV 2006,
    section 3, and by branching where it finds parts of people. A kind's number is a variable from
    0; after them come the sums that are bound: one for each quota, and last all seats.
    """

    def __init__(self, kinds: Sequence[Profile], rules: _Rules) -> None:
        self.way = [0] * len(kinds)
        self._rules = rules
        self._low: list[int] = [0] * len(kinds)
        self._high: list[int] = [0] * len(kinds)
        self._sums: list[list[int]] = [[] for _ in kinds]
        self._attributes: list[list[int]] = [[] for _ in rules.quotas]
        # Every bound variable as a sum of the free ones: each row leaves out what is 0.
        self._rows: dict[int, dict[int, Exact]] = {}
        for place, _, value, least, most in rules.bounds():
            fitting = [n for n, kind in enumerate(kinds) if kind[place] == value]
            self._attributes[place].append(self._bind(fitting, least, most))
        self._seats = self._bind(range(len(kinds)), rules.seats, rules.seats)
        self._at: list[Exact] = [0] * len(self._low)

    def _bind(self, kinds: Iterable[int], least: int, most: int) -> int:
        """Binds the sum of these kinds, and says which variable it is."""
        bound = len(self._low)
        self._rows[bound] = dict.fromkeys(kinds, 1)
        for kind in self._rows[bound]:
            self._sums[kind].append(bound)
        self._low.append(least)
        self._high.append(most)
        return bound

    def possible(self, least: Sequence[int], most: Sequence[int]) -> bool:
        """Whether so many of each kind can sit; `way` then is one way to do it."""
        if not self._each_possible(least, most):
            return False
        if self._swapped(least, most):
            return True
        open_ways = [(list(least), list(most))]
        while open_ways:
            low, high = open_ways.pop()
            self._move_within(low, high)
            if not self._balanced():
                continue
            split = next((n for n in range(len(low)) if self._at[n].denominator != 1), None)
            if split is None:
                self.way = [int(each) for each in self._at[: len(low)]]
                return True
            below = self._at[split].__floor__()
            open_ways.append((_with(low, split, below + 1), high))
            open_ways.append((low, _with(high, split, below)))
        return False

    def _each_possible(self, least: Sequence[int], most: Sequence[int]) -> bool:
        """Whether the quotas of every attribute could be met if there were no others."""
        low, high = self._summed(least), self._summed(most)
        for sums in self._attributes:
            fewest = [max(self._low[n], low[n]) for n in sums]
            largest = [min(self._high[n], high[n]) for n in sums]
            if any(low > high for low, high in zip(fewest, largest, strict=True)):
                return False
            if not sum(fewest) <= self._low[self._seats] <= sum(largest):
                return False
        return True

    def _summed(self, numbers: Sequence[int]) -> dict[int, int]:
        found = dict.fromkeys(range(len(numbers), len(self._low)), 0)
        for kind, number in enumerate(numbers):
            if number:
                for each in self._sums[kind]:
                    found[each] += number
        return found

    def _swapped(self, least: Sequence[int], most: Sequence[int]) -> bool:
        """Whether a few moves from the last way, each the best there is, lead to another."""
        way = [min(max(now, least[n]), most[n]) for n, now in enumerate(self.way)]
        have = self._summed(way)
        recent: deque[int] = deque(maxlen=6)
        for _ in range(MOST_MOVES):
            if all(self._low[n] <= count <= self._high[n] for n, count in have.items()):
                self.way = way
                return True
            step = 1 if have[self._seats] < self._low[self._seats] else -1
            end = most if step > 0 else least
            able = [n for n in range(len(way)) if way[n] != end[n] and n not in recent]
            if not able:
                return False
            harm = {n: self._off(n, have[n] + step) - self._off(n, have[n]) for n in have}
            best = min(able, key=lambda kind: sum(harm[each] for each in self._sums[kind]))
            way[best] += step
            for each in self._sums[best]:
                have[each] += step
            recent.append(best)
            self._rules.spend(len(able))
        return False

    def _off(self, sum_: int, at: Exact) -> Exact:
        return max(self._low[sum_] - at, at - self._high[sum_], 0)

    def close(self, kind: int, number: int) -> None:
        """Fixes the number of a kind for good, so that its part of every sum need not be kept."""
        if kind not in self._rows:
            self._shift(kind, number - self._at[kind])
            for row in self._rows.values():
                row.pop(kind, None)

    def _move_within(self, low: Sequence[int], high: Sequence[int]) -> None:
        self._low[: len(low)], self._high[: len(high)] = low, high
        for free in range(len(self._at)):
            if free not in self._rows:
                within = min(max(self._at[free], self._low[free]), self._high[free])
                if within != self._at[free]:
                    self._shift(free, within - self._at[free])

    def _shift(self, free: int, by: Exact) -> None:
        self._at[free] += by
        for bound, row in self._rows.items():
            if free in row:
                self._at[bound] += row[free] * by

    def _balanced(self) -> bool:
        """Moves free variables until every sum is within its bounds, or says that none can."""
        turn = 0
        while True:
            beyond = [n for n in self._rows if self._off(n, self._at[n])]
            if not beyond:
                return True
            # The greatest fault is mended by what does most. That could go in circles, which
            # R. Bland's rule of 1977, the first of all that will do, never does.
            turn += 1
            patient = turn > MOST_TURNS
            bound = min(beyond) if patient else max(beyond, key=lambda n: self._off(n, self._at[n]))
            up = self._at[bound] < self._low[bound]
            row = self._rows[bound]
            able = [n for n, share in row.items() if self._room(n, (share > 0) == up)]
            if not able:
                return False
            free = min(able) if patient else max(able, key=lambda n: self._help(bound, n, up))
            goal = self._low[bound] if up else self._high[bound]
            self._shift(free, _over(goal - self._at[bound], row[free]))
            self._swap(bound, free)

    def _help(self, bound: int, free: int, up: bool) -> Exact:
        share = self._rows[bound][free]
        most = self._room(free, (share > 0) == up) * max(share, -share)
        return min(most, self._off(bound, self._at[bound]))

    def _room(self, free: int, up: bool) -> Exact:
        return self._high[free] - self._at[free] if up else self._at[free] - self._low[free]

    def _swap(self, bound: int, free: int) -> None:
        """The bound variable becomes free and the free one bound."""
        row = self._rows.pop(bound)
        share = row.pop(free)
        turned = {n: _over(-each, share) for n, each in row.items()} | {bound: _over(1, share)}
        for other in self._rows.values():
            times = other.pop(free, 0)
            if times:
                self._rules.spend(len(turned))
                _add(other, turned, times)
        self._rows[free] = turned


def _with(bounds: Sequence[int], place: int, value: int) -> list[int]:
    return [*bounds[:place], value, *bounds[place + 1 :]]


def _over(part: Exact, whole: Exact) -> Exact:
    """The exact quotient; an int where it is one, which is many times faster."""
    found = Fraction(part) / whole if whole not in (1, -1) else part * whole
    return found.numerator if found.denominator == 1 else found


def _add(row: dict[int, Exact], other: Mapping[int, Exact], times: Exact) -> None:
    for n, each in other.items():
        found = row.get(n, 0) + each * times
        if found:
            row[n] = found if found.denominator != 1 else found.numerator
        else:
            row.pop(n, None)


# --- the account -----------------------------------------------------------------------------


def _explained(panel: Panel, held: Sequence[str], weighted: bool) -> str:
    tag = "govbot-weighted-v1" if weighted else "govbot-draw-v1"
    names = "seed, the name and the number of each" if weighted else "seed and the name"
    story = [
        f"Drawn by lot for {panel.seats} among {len(panel.tickets)}: {listed(panel.members)}."
        f" Tickets are the SHA-256 of {tag}, the {names}; the lowest come first."
    ]
    if held:
        story.append(f"The quotas hold: {listed(held)}.")
    if panel.passed_over:
        story.append(f"Passed over, for the quotas: {listed(panel.passed_over)}.")
    if panel.alternates:
        story.append(f"Alternates, in order: {listed(panel.alternates)}.")
    story += [f"{name} was excluded: {reason.strip()}." for name, reason in panel.excluded.items()]
    story += [_declining(each) for each in panel.declined]
    return " ".join(story)


def _declining(each: Declined) -> str:
    if each.successor is None:
        return f"{each.name} declined and had no seat."
    story = f"{each.name} declined and {each.successor} took the seat"
    if each.released:
        story += (
            f"; since the quotas could not be met with all the others, {listed(each.instead)} took"
            f" the place of {listed(each.released)}"
        )
    return f"{story}."
