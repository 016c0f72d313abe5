"""Provisional: replaced by the port's own."""

from typing import Any

from govbot.agent import Agent
from govbot.archive import Archive
from govbot.balloting import candidates
from govbot.charter import InputRule
from govbot.memory import Memory
from govbot.records import Bar, Card, Deadline, Quote, Reply, Request, Tally
from govbot.replies import choices
from govbot.state import Process, electorate
from govbot.surfaces import Blank, Giveable, Openable
from govbot.tools.dates import when


class AgentHouse:
    def __init__(self, agent: Agent, memory: Memory, archive: Archive) -> None:
        self.agent, self.memory, self.archive = agent, memory, archive
        self.name = memory.community.name

    async def handle(self, request: Request) -> Reply:
        return await self.agent.handle(request)

    def openable(self) -> tuple[Openable, ...]:
        return tuple(
            Openable(
                type=name,
                title=charter.title,
                says=charter.cite.quote,
                blanks=tuple(
                    Blank(name=n, label=r.label or n, type=r.type, required=r.required, most=r.most)
                    for n, r in charter.fields.items()
                ),
            )
            for name, charter in self.memory.community.charters.items()
        )

    def _process(self, number: int) -> Process | None:
        return self.memory.process(f"process_{number}")

    def giveable(self, process: int) -> tuple[Giveable, ...]:
        found = self._process(process)
        if found is None or found.status != "open":
            return ()
        return tuple(self._giveable(found, rule) for rule in found.now.inputs)

    def _giveable(self, process: Process, rule: InputRule) -> Giveable:
        return Giveable(
            process=process.number,
            kind=rule.kind,
            takes=rule.takes,
            choices=candidates(rule, process.inputs),
            reasons=rule.reason_required_for,
            blanks=tuple(
                Blank(name=n, label=r.label or n, type=r.type, required=r.required, most=r.most)
                for n, r in rule.form.items()
            ),
            many=rule.many,
            changeable=rule.changeable.value,
            hidden=rule.hidden,
        )

    def card(self, process: int) -> Card | None:
        found = self._process(process)
        if found is None:
            return None
        return Card(
            process=found.number,
            title=found.title,
            type=found.rules.title,
            opener=found.opener,
            stage=found.now.title or found.stage,
            status="open" if found.status == "unopened" else found.status,
            outcome=found.outcome or "",
            text=str(next(iter(found.fields.values()), "")),
            deadline=Deadline(at=found.due, said=when(found.due) if found.due else "No deadline"),
            tallies=tuple(self._tally(found, rule) for rule in found.now.inputs),
            rules=tuple(
                Quote(place=r.cite.section, words=r.cite.quote)
                for r in found.now.outcomes
                if r.cite
            ),
            choices=choices(found),
        )

    def _tally(self, process: Process, rule: InputRule) -> Tally:
        hidden = rule.hidden and process.status != "ended"
        return Tally(
            input=rule.kind,
            given=process.counts.get(rule.kind, 0),
            eligible=process.eligible.get(rule.who),
            hidden=hidden,
            bars=()
            if hidden
            else tuple(
                Bar(label=c, count=process.counts.get(f"{rule.kind}:{c}", 0)) for c in rule.choices
            ),
        )

    def open(self) -> tuple[Card, ...]:
        cards = (self.card(p.number) for p in self.memory.get_active_processes())
        return tuple(card for card in cards if card is not None)

    def standing(self, process: int, kind: str, member: str) -> Any:
        found = self._process(process)
        return found.given(kind, member) if found else None

    def waiting(self, process: int) -> tuple[str, ...]:
        found = self._process(process)
        ballot = found.now.ballot if found and found.status == "open" else None
        if found is None or ballot is None:
            return ()
        given: Any = found.inputs.get(ballot.kind, {})
        return tuple(id for id in electorate(found, ballot.who) if id not in given)

    def audit(self, process: int) -> bytes | None:
        found = self._process(process)
        return self.archive.render(found).encode() if found else None
