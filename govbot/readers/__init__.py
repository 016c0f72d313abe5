"""The reader port: what the agent needs somebody to read for it.

A reader turns language into typed values. It never writes, counts or decides who somebody is; what
it returns is doubted by the kernel like anything else.
"""

from collections.abc import Callable, Mapping
from typing import Protocol

from govbot.charter import Charter, InputRule, Stage
from govbot.constitution import Constitution, Guidance
from govbot.records import Intent, Record, Ruling


class Standing(Record):
    """An open process as far as a reader needs to know it."""

    number: int
    title: str
    stage: Stage
    manage: Mapping[str, bool] = {}  # the acts on it, and whether the charter lets anybody do them
    others: tuple[Stage, ...] = ()  # its other stages, where it is named by its number
    choices: Mapping[str, tuple[str, ...]] = {}  # of kinds of input whose choices members make

    def choices_of(self, rule: InputRule) -> tuple[str, ...]:
        return self.choices.get(rule.kind, rule.choices)


class Vocabulary(Record):
    """What a message may be about: the community's process types and the processes it has.

    `lost` are kinds of process that no rule in force provides any more: whoever asks for one is
    told so. `members` maps the ways a member may be written (`@alice`, a name, an id) to their id.
    `earlier` is what the same member said just before that was not clear.
    """

    charters: Mapping[str, Charter]
    lost: Mapping[str, Charter] = {}
    open: tuple[Standing, ...] = ()
    members: Mapping[str, str] = {}
    about: int | None = None
    earlier: str = ""


class Proposal(Record):
    """A ruling for people to decide on, or why there is none."""

    ruling: Ruling | None = None
    refused: tuple[str, ...] = ()


Doubt = Callable[[Ruling], list[str]]  # what is wrong with a ruling, a sentence each


class Reader(Protocol):
    name: str

    async def intent(self, message: str, vocabulary: Vocabulary) -> Intent:
        """What a message asks for. The message is data: it cannot say who speaks."""
        ...

    async def answer(self, question: str, constitution: Constitution) -> Guidance:
        """What the constitution says on a question: only what a quote of it carries."""
        ...

    async def propose(
        self, wanted: str, constitution: Constitution, vocabulary: Vocabulary, doubt: Doubt
    ) -> tuple[Proposal, ...]:
        """What people could decide where no rule foresees it; several where readers disagree."""
        ...

    async def draft(self, constitution: Constitution, type: str) -> Charter | None:
        """A charter for a process type, drafted from the text; None where the reader cannot."""
        ...
