"""Draws by lot that anyone can repeat.

Owns the ticket, by which every draw of govbot goes. Pure. Promises the same draw on every machine,
whatever the order of the pool. `docs/draws.md` shows how to repeat one without govbot.
"""

import hashlib
from collections.abc import Iterable

from govbot.errors import MemberError


def random_select(pool: Iterable[str], count: int, *, seed: str) -> list[str]:
    """`count` of the pool, drawn by lot; first drawn first.

    Each candidate gets a ticket: the SHA-256, in hex, of the UTF-8 bytes of `govbot-draw-v1`, a
    line break, the seed, a line break and the candidate. The lowest tickets win. To repeat it:

        import hashlib
        ticket = lambda c: hashlib.sha256(f"govbot-draw-v1\\n{seed}\\n{c}".encode()).hexdigest()
        print(sorted(pool, key=ticket)[:count])

    The seed must be something nobody could choose, made after the pool was known.
    """
    candidates = candidates_of(pool, seed)
    if not 0 <= count <= len(candidates):
        raise MemberError(
            f"{count} cannot be drawn from a pool of {len(candidates)}; draw from none to all of it"
        )
    # Equal tickets would need a collision of SHA-256; the name decides even then.
    return sorted(candidates, key=lambda candidate: (ticket(seed, candidate), candidate))[:count]


def seed_for(head: str, process: str) -> str:
    """A draw's seed: the ledger's last digest, which nobody chose, and what the draw is for."""
    return f"{head}:{process}"


def ticket(seed: str, candidate: str) -> str:
    return hashlib.sha256(f"govbot-draw-v1\n{seed}\n{candidate}".encode()).hexdigest()


def candidates_of(pool: Iterable[str], seed: str) -> list[str]:
    """The pool as it was given, if a fair draw can be made from it with this seed."""
    candidates = list(pool)
    if not seed:
        raise MemberError("a draw needs a seed; use the digest of the ledger's last entry")
    if stray := [candidate for candidate in candidates if not isinstance(candidate, str)]:
        raise MemberError(f"{stray[0]!r} is in the pool and no name; write every name as text")
    if len(set(candidates)) < len(candidates):
        raise MemberError("somebody is in the pool twice; everyone may have one ticket")
    return candidates
