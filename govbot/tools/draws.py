"""Draws by lot that anyone can repeat.

Pure. Promises the same draw on every machine, whatever the order of the pool.
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
    """
    candidates = list(pool)
    if not seed:
        raise MemberError("a draw needs a seed; use the digest of the ledger's last entry")
    if len(set(candidates)) < len(candidates):
        raise MemberError("somebody is in the pool twice; everyone may have one ticket")
    if not 0 <= count <= len(candidates):
        raise MemberError(f"{count} cannot be drawn from a pool of {len(candidates)}")
    return sorted(candidates, key=lambda candidate: (_ticket(seed, candidate), candidate))[:count]


def _ticket(seed: str, candidate: str) -> str:
    return hashlib.sha256(f"govbot-draw-v1\n{seed}\n{candidate}".encode()).hexdigest()


def seed_for(head: str, draw: str) -> str:
    """The seed of a draw: the ledger's last digest, which nobody chose, and the draw's own name."""
    return f"{head}:{draw}"
