"""The port for a surface that serves many communities, each where its members are.

Owns what the surface may ask of them and what they tell it. A community is a `House` whose members
the surface keeps up to date. Each has a name the surface gave it (a server's id, a space's); it is
opened when it is first needed.
"""

from collections.abc import Iterable, Mapping
from typing import Protocol

from govbot.parts import Acted, Announcement, Errand
from govbot.records import Member
from govbot.surfaces import House


class Community(House, Protocol):
    """One of them, open."""

    zone: str

    async def meet(self, members: Iterable[Member]) -> None:
        """Records what the platform says of these members, where it is new."""
        ...

    def members(self) -> Mapping[str, Member]:
        """Whom the community knows, by id, with the roles their platform gave them."""
        ...

    def roles(self) -> Mapping[str, str]:
        """The roles its rules speak of, each with the words that say who has it."""
        ...

    def rules(self) -> tuple[bytes, bytes]:
        """The constitution in force and its reading, as files."""
        ...

    def doubts(self) -> tuple[str, ...]:
        """What the lint finds in the reading in force, a sentence each."""
        ...

    async def ratify(self, reading: bytes, by: Member) -> str:
        """Puts another reading of the constitution in force, in somebody's name; what changed.

        Raises an OperatorError that says why, where it cannot be.
        """
        ...


class Listener(Protocol):
    """What a surface wants to hear of its communities."""

    async def opened(self, name: str, community: Community) -> None:
        """A community was opened; nothing falls due in it before this returns."""
        ...

    def changed(self, name: str, process: int) -> None:
        """A process is not as it was; said often, so it must cost nothing."""
        ...

    def ruled(self, name: str) -> None:
        """Other rules are in force."""
        ...

    async def announce(self, name: str, told: Announcement) -> None:
        """Tells a community. An OSError means it did not get through; it is tried again."""
        ...

    async def act(self, name: str, errand: Errand) -> Acted:
        """Carries out an effect in the chat; what it cannot do it says. An OSError: try again."""
        ...


class Communities(Protocol):
    """All of them; none is open until it is asked for or has something due."""

    listener: Listener | None

    def known(self) -> tuple[str, ...]:
        """The names of those that were founded."""
        ...

    async def community(self, name: str) -> Community | None:
        """The community of this name, opened if need be; None where nobody founded one."""
        ...

    def is_open(self, name: str) -> bool: ...

    async def found(self, name: str, title: str, template: str, zone: str) -> Community: ...

    def templates(self) -> Mapping[str, Mapping[str, str]]:
        """What a community can start from: by name, the roles it speaks of."""
        ...

    def due(self, name: str) -> Mapping[int, str]:
        """The deadlines of its open processes, without opening it."""
        ...
