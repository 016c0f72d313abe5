"""The front door of one community: everything a surface may ask or do, and no more.

Owns what a surface may know: what can be opened and given, how processes stand, who is still to be
reminded. Changes nothing but through the agent. Promises that nothing it tells of anybody but the
member asking is hidden by a charter.
"""

from collections.abc import Callable, Mapping
from typing import Any

from govbot.agent import Agent
from govbot.archive import Archive
from govbot.cards import card, choosable, labelled
from govbot.charter import Charter, FieldRule, InputRule
from govbot.expression import ExpressionError, holds, names_in
from govbot.parts import Card, Reply
from govbot.records import Given, Request
from govbot.state import Process, electorate
from govbot.surfaces import Blank, Giveable, Openable

EVERY = -1  # as a limit: none


def _nothing() -> None:
    pass


class FrontDoor:
    """A `govbot.surfaces.House`. `changed` is called when something may have been recorded."""

    def __init__(
        self, agent: Agent, archive: Archive, changed: Callable[[], None] = _nothing
    ) -> None:
        self.agent, self.memory, self.archive = agent, agent.memory, archive
        self.changed = changed

    @property
    def name(self) -> str:
        return self.memory.community.name

    async def handle(self, request: Request) -> Reply:
        try:
            return await self.agent.handle(request)
        finally:
            self.changed()

    # --- what can be done ---------------------------------------------------------------

    def openable(self) -> tuple[Openable, ...]:
        """The process types that somebody can open, by their names."""
        charters = self.memory.community.charters.items()
        return tuple(
            Openable(
                type=type,
                title=charter.title,
                says=" ".join(charter.cite.quote.split()),
                blanks=_blanks(charter.fields),
            )
            for type, charter in charters
            if _somebody_opens(charter)
        )

    def giveable(self, process: int) -> tuple[Giveable, ...]:
        """What the present stage takes, in the charter's order; nothing of what does not run."""
        found = self._process(process)
        if found is None or found.status != "open":
            return ()
        return tuple(_giveable(found, rule) for rule in found.now.inputs)

    # --- how things stand ---------------------------------------------------------------

    def card(self, process: int) -> Card | None:
        found = self._process(process)
        return self._card(found) if found is not None else None

    def open(self) -> tuple[Card, ...]:
        return tuple(self._card(found) for found in self.memory.get_active_processes(EVERY))

    def audit(self, process: int) -> bytes | None:
        found = self._process(process)
        return self.archive.render(found).encode() if found is not None else None

    def standing(self, process: int, kind: str, member: str) -> Any:
        """What this member has standing, for their own eyes; of texts the last one."""
        found = self._process(process)
        value = found.given(kind, member) if found is not None else None
        if found is None or value is not True:
            return value
        return self._last_given(found.id, kind, member)

    def waiting(self, process: int) -> tuple[str, ...]:
        """Whom to remind, each alone: who has voted is told by it, so it is never to be shown.

        What may be given many times, such as evidence, nobody is waited for.
        """
        found = self._process(process)
        ballot = found.now.ballot if found is not None and found.status == "open" else None
        if found is None or ballot is None or ballot.many:
            return ()
        admitted = electorate(found, ballot.who)
        return tuple(sorted(id for id in admitted if found.given(ballot.kind, id) is None))

    def _process(self, number: int) -> Process | None:
        return self.memory.process(f"process_{number}")

    def _card(self, process: Process) -> Card:
        constitution = self.memory.constitution(process.constitution)
        return card(process, constitution, self.memory.community)

    def _last_given(self, id: str, kind: str, member: str) -> Any:
        """State keeps of a text only that there is one; the ledger has it."""
        for entry in reversed(self.memory.history(id)):
            body = entry.body
            if isinstance(body, Given) and (body.input, entry.member) == (kind, member):
                return True if body.value is None else body.value
        return None


def _somebody_opens(charter: Charter) -> bool:
    """Whether a member ever may; what only an outcome starts has a rule that says no outright."""
    who = charter.opened_by.who
    try:
        return bool(names_in(who)) or holds(who, {})
    except ExpressionError:
        return False


def _blanks(fields: Mapping[str, FieldRule]) -> tuple[Blank, ...]:
    return tuple(
        Blank(
            name=name,
            label=rule.label or name.replace("_", " "),
            type="text" if rule.type == "amendment" else rule.type,  # it is said in words
            required=rule.required,
            most=rule.most,
        )
        for name, rule in fields.items()
        if rule.type != "ruling"  # that comes from a reader
    )


def _giveable(process: Process, rule: InputRule) -> Giveable:
    names = choosable(process, rule)
    counted = process.now.tally if process.now.ballot == rule else None
    options = counted.options if counted is not None else {}
    most = options.get("most")
    return Giveable(
        process=process.number,
        kind=rule.kind,
        takes=rule.takes,
        choices=names,
        labels=tuple(labelled(process, rule, name) for name in names),
        reasons=rule.reason_required_for,
        blanks=_blanks(rule.form),
        many=rule.many,
        changeable=rule.changeable.value,
        hidden=rule.hidden,
        most=most if isinstance(most, int) else None,
        limits=_limits(options),
    )


def _limits(options: Mapping[str, Any]) -> str:
    """What scores must keep to, in words."""
    words = (("lowest", "from {}"), ("highest", "to {}"))
    scale = " ".join(said.format(options[name]) for name, said in words if name in options)
    purse = f"{options['credits']} credits to spend" if "credits" in options else ""
    return ", ".join(each for each in (scale, purse) if each)
