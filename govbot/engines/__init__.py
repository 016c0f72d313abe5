"""The port that puts entries in order and keeps them.

An engine seals facts into one chain and stores the bytes. It knows no rules: whether a fact may be
recorded was asked before. Promises that what `Pending.durable` has returned is never lost, that
a fact's id is kept once however often it is sent, and that what is stored is never changed.
"""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Protocol

from govbot.records import Entry, Fact


class Pending(Protocol):
    """A fact that has its place in the ledger and may not have reached the disk yet."""

    @property
    def entry(self) -> Entry: ...

    async def durable(self) -> Entry:
        """The entry, once it survives a power cut; OperatorError if it could not be stored."""
        ...


class Engine(Protocol):
    """One community's ledger, open for writing by this process alone."""

    on_durable: Callable[[list[Entry]], None] | None
    """Called with what has become durable, in order, before those who wait for it are told."""

    on_lost: Callable[[], None] | None
    """Called when what was pending could not be stored and has lost its place again."""

    @property
    def size(self) -> int:
        """How many entries have their place, durable or not."""
        ...

    @property
    def head(self) -> str:
        """The digest of the last of them; GENESIS when there is none."""
        ...

    @property
    def last_at(self) -> datetime | None: ...

    def append(self, fact: Fact) -> Pending:
        """Gives the fact its place at once. An id that has one keeps it, and nothing is stored."""
        ...

    def find(self, id: str) -> Entry | None: ...

    def entry(self, n: int) -> Entry | None: ...

    def read(self, after: int = -1, process: str | None = None) -> Iterator[tuple[int, bytes]]:
        """Durable entries in order, all or those of a process, as the exact bytes stored."""
        ...

    def history(self, process: str) -> Iterator[Entry]:
        """The entries of one process in order, durable or not."""
        ...

    def checkpoint(self) -> str:
        """A signed note over every durable entry."""
        ...

    async def close(self) -> None: ...
