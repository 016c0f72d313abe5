"""Liquid democracy: whose vote counts for whom.

Owns the following of delegations to whoever votes in the end, the cap on what one voter may carry,
and the account of all weight that went or was lost. Pure, exact and linear in the delegations
(sorting aside). Promises that the order of its input changes nothing, and that what is carried and
what is lost together are the weight of everybody who voted or delegated.

The rules are those of Ford 2002 ("Delegative Democracy") and of Behrens, Kistner, Nitsche and
Swierczek 2014 ("The Principles of LiquidFeedback"): a delegation is passed on, a direct vote
suspends it, one for a topic comes before one for everything, and a circle carries nothing. Caps on
weight are those of Gölz, Kahng, Mackenzie and Procaccia 2018, arXiv:1808.01906.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal

from govbot.errors import MemberError
from govbot.records import plain
from govbot.tools.results import Exact, exact, listed
from govbot.tools.weights import number_of, said

MOST_NAMES = 12
MOST_SENTENCES = 20

Reason = Literal["capped", "cycle", "ineligible", "silent"]
# A mapping's keys are members or pairs of member and topic, mixed as they come.
Delegations = Mapping[Any, str] | Iterable["Delegation"]


@dataclass(frozen=True, slots=True)
class Delegation:
    """An entry: `member` lets `to` vote for them, on one topic or (None) on everything.

    Of two entries of one member on the same topic the one with the higher `n` holds. An entry to
    nobody (None) takes the delegation back: on a topic, that for everything holds again.
    """

    member: str
    to: str | None
    topic: str | None = None
    n: int = 0


@dataclass(frozen=True, slots=True)
class Lost:
    """Weight that nobody carries: why, whose, and `at` whom it got stuck.

    "cycle": `at` has all members of the circle, each delegating to the next and the last to the
    first. "silent": the one in `at` neither voted nor delegated. "ineligible": the one in `at` is
    not on the roll. "capped": the voter in `at` could carry no more.
    """

    reason: Reason
    at: tuple[str, ...]
    members: tuple[str, ...]
    weight: Exact


@dataclass(frozen=True, slots=True)
class Delegated:
    """Who votes with what weight, and what became of every delegation.

    `carried` is the weight of each voter, their own included. `by` names, for everybody who voted
    or delegated, the voter who carries their weight, None where it is lost. `to` is the
    delegations that were followed, `own` what each of these members weighs.
    """

    carried: Mapping[str, Exact]
    by: Mapping[str, str | None]
    lost: tuple[Lost, ...]
    to: Mapping[str, str]
    own: Mapping[str, Exact]
    left_out: tuple[str, ...] = ()

    @property
    def total(self) -> Exact:
        """The weight of everybody who voted or delegated: carried and lost."""
        return _sum(self.own.values())

    def chain(self, member: str) -> tuple[str, ...]:
        """From a member along the delegations to the end; a circle ends where it closes."""
        passed = {member: None}
        here = member
        while here in self.to:
            here = self.to[here]
            if here in passed:
                return (*passed, here)
            passed[here] = None
        return tuple(passed)

    def told(self, member: str) -> str:
        """Where the weight of one member went, in a sentence."""
        if member not in self.by:
            return f"{member} neither voted nor delegated."
        weight, voter = said(self.own[member]), self.by[member]
        if voter == member:
            return f"{member} voted with a weight of {said(self.carried[member])}."
        path = " → ".join(self.chain(member))
        if voter is not None:
            return f"{member}'s weight of {weight} went to {voter}: {path}."
        lost = next(each for each in self.lost if member in each.members)
        return f"{member}'s weight of {weight} is lost: {path}; {_why(lost)}."

    @property
    def explanation(self) -> str:
        """The account: whose weight went where, long lists cut short."""
        return " ".join(_sentences(self))

    def plain(self) -> dict[str, Any]:
        """As JSON; fractions are the text `p/q`."""
        return {
            "carried": plain(self.carried),
            "by": dict(self.by),
            "lost": [
                {"reason": lost.reason, "at": list(lost.at), "members": list(lost.members),
                 "weight": plain(lost.weight)}
                for lost in self.lost
            ],
            "left_out": list(self.left_out),
            "explanation": self.explanation,
        }  # fmt: skip


def resolve(
    delegations: Delegations, voters: Iterable[str], *, topic: str | None = None,
    weights: Mapping[str, Any] | None = None, cap: Any = None, members: Iterable[str] | None = None,
) -> Delegated:  # fmt: skip
    """Follows every delegation to a voter, and adds up what each voter carries.

    `delegations` maps a member, or a pair of member and topic, to the delegate; or they are
    `Delegation` entries, or mappings with the fields of one. Of those for topics only the ones
    for `topic` are looked at. `voters` voted themselves. `weights` are exact and 1 where nothing
    is said. `members` is the roll: with it nobody else carries or passes on anything, and
    delegations of others are left out.

    `cap` is the most that one voter may carry. A voter's own weight always counts in full. Beyond
    it, those with the fewest steps to the voter come first, of those with as many steps the one
    first by name; each is carried whole if the cap leaves room, else lost whole, and the next one
    is looked at.
    """
    direct = sorted({_name(voter, "a voter") for voter in voters})
    roll = None if members is None else {_name(member, "a member") for member in members}
    if roll is not None and (strange := [voter for voter in direct if voter not in roll]):
        raise MemberError(f"{strange[0]!r} voted and is not on the roll; leave that vote out")
    said_to = _in_force(_entries(delegations), topic)
    outside = sorted(m for m in said_to if roll is not None and m not in roll)
    voted = set(direct)
    to = {m: said_to[m] for m in sorted(said_to.keys() - voted - set(outside))}
    own = {m: _weight(weights, m) for m in sorted(voted | to.keys())}
    behind, stuck, circles = _followed(to, voted, roll)
    limit = None if cap is None else _cap(cap)
    carried, by = {}, dict.fromkeys(own)
    for voter in direct:
        taken, refused = _carried(voter, behind.get(voter, []), own, limit)
        carried[voter] = _sum(own[member] for member in taken)
        by.update(dict.fromkeys(taken, voter))
        if refused:
            stuck["capped", voter] = refused
    lost = tuple(
        Lost(reason, circles.get(at, (at,)), tuple(sorted(who)), _sum(own[m] for m in who))
        for (reason, at), who in sorted(stuck.items())
    )
    return Delegated(carried, by, lost, to, own, tuple(outside))


# --- which delegations hold ------------------------------------------------------------------


def _name(value: Any, what: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise MemberError(f"{str(value)[:40]!r} is {what} and no name; write names as text")
    return value


def _entries(delegations: Any) -> Iterator[Delegation]:
    if not isinstance(delegations, Mapping):
        for entry in delegations:
            yield entry if isinstance(entry, Delegation) else _kept(entry)
        return
    for key, to in delegations.items():
        member, topic = key if isinstance(key, tuple) and len(key) == 2 else (key, None)
        yield Delegation(member, to, topic)


def _kept(entry: Any) -> Delegation:
    """An entry as JSON keeps it."""
    try:
        return Delegation(**entry)
    except TypeError:
        raise MemberError(
            f"{str(entry)[:40]!r} is no delegation; give its member, to, topic and n"
        ) from None


def _in_force(entries: Iterable[Delegation], topic: str | None) -> dict[str, str]:
    """Each member's delegate: for the topic where there is one, else for everything."""
    latest: dict[tuple[str, str | None], Delegation] = {}
    for entry in entries:
        if entry.topic is not None and entry.topic != topic:
            continue
        _name(entry.member, "a member")
        if entry.to is not None:
            _name(entry.to, "a delegate")
        if type(entry.n) is not int:
            raise MemberError(f"{str(entry.n)[:40]!r} is no number of an entry; count them from 1")
        key = entry.member, entry.topic
        before = latest.setdefault(key, entry)
        if before.n == entry.n and before.to != entry.to:
            raise MemberError(
                f"{entry.member!r} delegated twice at {entry.n}, to {before.to!r} and {entry.to!r};"
                " number the entries in their order"
            )
        if entry.n > before.n:
            latest[key] = entry
    held: dict[str, str] = {}
    for (member, about), entry in latest.items():
        if entry.to is not None and (about is not None or member not in held):
            held[member] = entry.to
    return held


def _weight(weights: Mapping[str, Any] | None, member: str) -> Exact:
    if weights is None or member not in weights:
        return 1
    weight = number_of(weights[member], f"the weight of {member!r}")
    if weight < 0:
        raise MemberError(f"the weight of {member!r} is {said(weight)}; it cannot be below 0")
    return weight


def _cap(value: Any) -> Exact:
    cap = number_of(value, "the cap")
    if cap <= 0:
        raise MemberError(f"the cap is {said(cap)}; it must be above 0")
    return cap


def _sum(weights: Iterable[Exact]) -> Exact:
    total: Exact = 0
    for weight in weights:
        total += weight
    return exact(total)


# --- following them --------------------------------------------------------------------------

# Where a walk ends: why it goes no further, "" at a voter, and at whom; of a circle, its first.
End = tuple[Reason | Literal[""], str]
Stuck = dict[tuple[Reason, str], list[str]]
Behind = dict[str, list[tuple[int, str]]]


def _followed(
    to: Mapping[str, str], voted: set[str], roll: set[str] | None
) -> tuple[Behind, Stuck, dict[str, tuple[str, ...]]]:
    """Who is behind each voter and how many steps away, who got stuck where, and the circles.

    Everybody is walked over once: a walk stops where an earlier one has been, and takes its end.
    """
    ends: dict[str, tuple[End, int]] = {voter: (("", voter), 0) for voter in voted}
    behind: Behind = {}
    stuck: Stuck = {}
    circles: dict[str, tuple[str, ...]] = {}
    for start in to:
        walk: dict[str, int] = {}
        here = start
        while here not in ends and here in to and here not in walk:
            walk[here] = len(walk)
            here = to[here]
        if here in walk:
            circle = _from_first(list(walk)[walk[here] :])
            circles[circle[0]] = circle
            ends[here] = ("cycle", circle[0]), 0
        end, steps = ends.get(here) or (_dead_end(here, roll), 0)
        reason, at = end
        for member in reversed(walk):
            steps += 1
            ends[member] = end, steps
            if reason:
                stuck.setdefault((reason, at), []).append(member)
            else:
                behind.setdefault(at, []).append((steps, member))
    return behind, stuck, circles


def _dead_end(here: str, roll: set[str] | None) -> End:
    return ("silent" if roll is None or here in roll else "ineligible"), here


def _from_first(circle: list[str]) -> tuple[str, ...]:
    """A circle as told whoever it was entered by: from its first member by name."""
    start = circle.index(min(circle))
    return (*circle[start:], *circle[:start])


def _carried(
    voter: str, behind: list[tuple[int, str]], own: Mapping[str, Exact], cap: Exact | None
) -> tuple[list[str], list[str]]:
    """Whom a voter carries, and who is too much for the cap."""
    taken, refused = [voter], list[str]()
    if cap is None:
        return taken + [member for _, member in behind], refused
    room = Fraction(cap) - own[voter]
    for _, member in sorted(behind):
        if own[member] > room:
            refused.append(member)
        else:
            taken.append(member)
            room -= own[member]
    return taken, refused


# --- words -----------------------------------------------------------------------------------


def _sentences(result: Delegated) -> list[str]:
    voters = len(result.carried)
    lost = _sum(each.weight for each in result.lost)
    carried = said(_sum(result.carried.values()))
    story = [
        f"{_many(voters, 'member')} voted and {_many(len(result.to), 'member')} delegated; of a"
        f" weight of {said(result.total)}, {carried} is carried and {said(lost)} lost."
    ]
    behind: dict[str, list[str]] = {}
    for member, voter in result.by.items():
        if voter is not None and voter != member:
            behind.setdefault(voter, []).append(member)
    story += (
        f"{voter} carries {said(result.carried[voter])}: {said(result.own[voter])} of their own and"
        f" {said(_sum(result.own[m] for m in behind[voter]))} of {_names(behind[voter])}."
        for voter in sorted(behind)[:MOST_SENTENCES]
    )
    story += _and_more(len(behind), "voter")
    story += (
        f"{said(each.weight)} of {_names(each.members)} is lost: {_why(each)}."
        for each in result.lost[:MOST_SENTENCES]
    )
    story += _and_more(len(result.lost), "loss", "losses")
    if result.left_out:
        story.append(f"Not on the roll, so left out: {_names(result.left_out)}.")
    return story


def _why(lost: Lost) -> str:
    first = lost.at[0]
    match lost.reason:
        case "cycle" if len(lost.at) == 1:
            return f"{first} delegated to themselves"
        case "cycle":
            return f"{_names(lost.at, ' → ')} → {first} is a circle, and none of them voted"
        case "silent":
            return f"{first} neither voted nor delegated"
        case "ineligible":
            return f"{first} is not on the roll"
        case "capped":
            return f"{first} may carry no more"


def _many(count: int, noun: str, plural: str = "") -> str:
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"


def _names(names: Iterable[str], between: str = "") -> str:
    held = list(names)
    shown = held[:MOST_NAMES]
    if len(held) > MOST_NAMES:
        shown.append(f"{len(held) - MOST_NAMES:,} more")
    return between.join(shown) if between else listed(shown)


def _and_more(count: int, noun: str, plural: str = "") -> list[str]:
    more = count - MOST_SENTENCES
    return [f"And {_many(more, noun, plural)} more."] if more > 0 else []
