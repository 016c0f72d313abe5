"""The draw of the IETF's nominations committees: RFC 3797, as its chairs run it.

Pure. Promises the key, the digests and the selection of D. Eastlake, "Publicly Verifiable
Nominations Committee (NomCom) Random Selection", RFC 3797, June 2004, section 4, and of the
reference code there. For communities that draw from lotteries and stock markets of a later day;
`govbot.tools.draws` draws from the ledger.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from govbot.errors import MemberError

# The counter before and after the key has two bytes.
LARGEST_POOL = 65_535

_NUMBER = re.compile(r"(?P<whole>[0-9]{1,100})(?:\.(?P<part>[0-9]{0,100}))?")


@dataclass(frozen=True, slots=True)
class Pick:
    """One selection: the digest, by what its remainder was taken, and whom it found.

    `index` counts selections and `selected` the published pool, both from 1 as in the RFC.
    """

    index: int
    md5: str
    divisor: int
    selected: int
    name: str


@dataclass(frozen=True, slots=True)
class NomcomDraw:
    """The key that the sources make, and every pick in order."""

    key: str
    picks: tuple[Pick, ...]

    @property
    def selected(self) -> tuple[str, ...]:
        return tuple(pick.name for pick in self.picks)

    def plain(self) -> dict[str, Any]:
        """As JSON."""
        picks = [
            {
                "index": pick.index,
                "md5": pick.md5,
                "divisor": pick.divisor,
                "selected": pick.selected,
                "name": pick.name,
            }
            for pick in self.picks
        ]
        return {"key": self.key, "picks": picks, "selected": list(self.selected)}


def rfc3797(pool: Sequence[str], count: int, sources: Sequence[Sequence[int | str]]) -> NomcomDraw:
    """`count` of the pool by RFC 3797, in the order selected.

    The pool is a list in its published order, which decides. Each source is the list of its
    numbers, such as the balls of a lottery; whole numbers, or texts where there is a fraction
    ("8.25") or a leading zero. Announce the pool and the sources before their numbers are known.

    The RFC prescribes MD5, which is broken as a signature but not for this: to steer the draw one
    would have to choose the numbers of the sources.
    """
    candidates = list(pool)
    _check(candidates, count)
    key = key_of(sources)
    remaining = list(range(1, len(candidates) + 1))
    picks = []
    for index in range(count):
        digest = _md5(index, key)
        divisor = len(remaining)
        selected = remaining.pop(int(digest, 16) % divisor)
        picks.append(Pick(index + 1, digest, divisor, selected, candidates[selected - 1]))
    return NomcomDraw(key=key, picks=tuple(picks))


def key_of(sources: Sequence[Sequence[int | str]]) -> str:
    """The key string: each source's numbers from small to large, each ended by '.', then '/'.

    A number has no leading zeros and no trailing ones after its point; one with a fraction has
    its point inside: 8.250 is `8.25`, 9319 is `9319.`.
    """
    if not sources or not all(sources):
        raise MemberError("a draw by RFC 3797 needs sources; give each as a list of its numbers")
    return "".join(_canonical(source) for source in sources)


def _canonical(source: Sequence[int | str]) -> str:
    # A text is a sequence too, of its letters: "9319" would silently be four balls.
    if isinstance(source, str) or not isinstance(source, Sequence):
        raise MemberError(f"{source!r} is no source; give each source as a list of its numbers")
    numbers = sorted((_spelled(number) for number in source), key=Fraction)
    return "".join(numbers) + "/"


def _spelled(number: int | str) -> str:
    # A float would be another number than the one published, and True is no ball.
    if isinstance(number, bool) or not isinstance(number, int | str):
        raise MemberError(f"{number!r} is no number of a source; write it as text such as '8.25'")
    match = _NUMBER.fullmatch(str(number))
    if match is None:
        raise MemberError(
            f"{str(number)[:60]!r} is no number of a source; use digits and at most one point,"
            " since the RFC advises against letters and has no signs"
        )
    return f"{match['whole'].lstrip('0') or '0'}.{(match['part'] or '').rstrip('0')}"


def _md5(index: int, key: str) -> str:
    counter = index.to_bytes(2, "big")
    message = counter + key.encode("ascii") + counter
    return hashlib.md5(message, usedforsecurity=False).hexdigest().upper()


def _check(candidates: Sequence[str], count: int) -> None:
    if stray := [candidate for candidate in candidates if not isinstance(candidate, str)]:
        raise MemberError(f"{stray[0]!r} is in the pool and no name; write every name as text")
    if len(set(candidates)) < len(candidates):
        raise MemberError("somebody is in the pool twice; everyone may have one place in it")
    if len(candidates) > LARGEST_POOL:
        raise MemberError(f"a pool has at most {LARGEST_POOL} people; draw from parts of it")
    if type(count) is not int or not 0 <= count <= len(candidates):
        raise MemberError(
            f"{count!r} cannot be drawn from a pool of {len(candidates)}; draw from none to all"
        )
