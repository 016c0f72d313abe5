"""What the surface is handed: the communities behind its guilds, and what it tells them.

Owns the two seams between Discord and the rest of the house. A community is a `House` whose
members the surface keeps up to date; communities are found by the guild's id, opened when they are
first needed.
"""

from collections.abc import Iterable, Mapping
from typing import Protocol

from govbot.records import Announcement, Member
from govbot.surfaces import House


class Community(House, Protocol):
    """One guild's community, open."""

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


class Listener(Protocol):
    """What a surface wants to hear of its communities."""

    async def opened(self, guild: str, community: Community) -> None:
        """A community was opened; nothing falls due in it before this returns."""
        ...

    def changed(self, guild: str, process: int) -> None:
        """A process is not as it was; said often, so it must cost nothing."""
        ...

    async def announce(self, guild: str, told: Announcement) -> None:
        """Tells a community. An OSError means it did not get through; it is tried again."""
        ...


class Communities(Protocol):
    """Every guild's community; none is open until it is asked for or has something due."""

    listener: Listener | None

    def known(self) -> tuple[str, ...]:
        """The guilds that have a community."""
        ...

    async def community(self, guild: str) -> Community | None:
        """The guild's community, opened if need be; None where nobody founded one."""
        ...

    async def found(self, guild: str, name: str, template: str, zone: str) -> Community: ...

    def templates(self) -> Mapping[str, Mapping[str, str]]:
        """What a community can start from: by name, the roles it speaks of."""
        ...

    def due(self, guild: str) -> Mapping[int, str]:
        """The deadlines of a guild's open processes, without opening its community."""
        ...
