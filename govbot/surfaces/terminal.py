"""A community in a terminal: several members at one keyboard.

Only translates. `/as` changes who speaks; buttons become numbered choices. Who somebody is comes
from `/as` and the folder's settings, never from what is typed as a message.
"""

import asyncio
import sys
import uuid
from collections.abc import AsyncIterator, Callable
from typing import Protocol

from rich.console import Console, Group, RenderableType
from rich.markup import escape
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from govbot.cards import gauge
from govbot.config import Settings
from govbot.legible import legible
from govbot.parts import Announcement, Card, Choice, Part, Reply, Tally
from govbot.records import Ask, Give, Intent, Member, Request, Show
from govbot.replies import spoken
from govbot.surfaces import Capabilities

HELP = """\
Type a message as a member would: “I propose that …”, “vote agree on 1”, “who may vote?”
/as NAME        speak as somebody else        /who          who is here
/status [N]     open processes, or one        /why N        why it stands as it does
/1, /2, …       pick a numbered choice        /help, /quit"""


class _Lines(Protocol):
    async def read(self, prompt: str) -> str | None: ...


class _Prompt:
    """A prompt with history, for a person."""

    def __init__(self) -> None:
        from prompt_toolkit import PromptSession
        from prompt_toolkit.patch_stdout import patch_stdout

        self._session: PromptSession[str] = PromptSession()
        self._patched = patch_stdout

    async def read(self, prompt: str) -> str | None:
        try:
            with self._patched(raw=True):
                return await self._session.prompt_async(prompt)
        except (EOFError, KeyboardInterrupt):
            return None


class _Piped:
    """Lines from a pipe, for a script."""

    async def read(self, prompt: str) -> str | None:
        line = await asyncio.to_thread(sys.stdin.readline)
        return line.rstrip("\n") if line else None


class Terminal:
    """`audit` gives the path of a process's audit, for the link under a reply."""

    capabilities = Capabilities(buttons=True)  # by their numbers

    def __init__(self, settings: Settings, console: Console, audit: Callable[[str], str]) -> None:
        self.settings, self.console, self.audit = settings, console, audit
        self.choices: tuple[Choice, ...] = ()
        self.speaker = next(iter(settings.members), "you")
        self._lines: _Lines = _Prompt() if sys.stdin.isatty() else _Piped()

    async def inbox(self) -> AsyncIterator[Request]:
        self.console.print(f"[bold]{escape(self.settings.name)}[/bold]\n{escape(HELP)}\n")
        while (line := await self._lines.read(f"@{self.speaker}> ")) is not None:
            text = line.strip()
            if text in ("/quit", "/exit"):
                return
            if text.startswith("/"):
                if (request := await self._command(text)) is not None:
                    yield request
            elif text:
                yield self._request(text)

    def member(self, name: str) -> Member:
        """Somebody at this keyboard, with the roles the settings give them."""
        roles = self.settings.members.get(name, self.settings.newcomers)
        return Member(id=f"local:{name}", name=name, roles=roles)

    def _request(self, text: str, action: Intent | None = None) -> Request:
        return Request(
            id=f"local:{uuid.uuid4()}", member=self.member(self.speaker), text=text, action=action
        )

    async def _command(self, text: str) -> Request | None:
        word, _, rest = text[1:].partition(" ")
        rest = rest.strip()
        if word.isdigit():
            return await self._picked(int(word))
        if word == "as" and rest:
            self.speaker = rest.lstrip("@")[:60]
            self.choices = ()
        elif word == "who":
            here = ", ".join(f"@{n} ({', '.join(r)})" for n, r in self.settings.members.items())
            self.console.print(escape(here or "nobody is named in govbot.toml yet"))
        elif word in ("status", "why") and (not rest or rest.lstrip("#").isdigit()):
            number = int(rest.lstrip("#")) if rest else None
            why = word == "why" and number is not None
            action = Ask(question=text, process=number) if why else Show(process=number)
            return self._request(text, action)
        else:
            self.console.print(escape(HELP))
        return None

    async def _picked(self, number: int) -> Request | None:
        if not 1 <= number <= len(self.choices):
            self.console.print("There is no such choice now; ask for /status N first.")
            return None
        choice = self.choices[number - 1]
        action = choice.action
        if choice.reason and isinstance(action, Give):
            reason = await self._lines.read("Your reason: ")
            action = action.model_copy(update={"reason": reason or ""})
        return self._request(choice.label, action)

    async def send(self, to: Request, reply: Reply) -> None:
        colour = "green" if reply.ok else "yellow"
        shown = drawn(reply)
        if reply.process is not None:
            shown = Group(shown, Text(self.audit(reply.process), "dim"))
        self.console.print(Panel(shown, title="govbot", border_style=colour, title_align="left"))
        self.choices = reply.choices
        if self.choices:
            labels = (escape(legible(choice.label)) for choice in self.choices)
            told = (f"[bold]/{n}[/bold] {label}" for n, label in enumerate(labels, 1))
            self.console.print("  ".join(told))

    async def announce(self, told: Announcement) -> None:
        shown = Text(legible(told.text))
        self.console.print(
            Panel(shown, title="announcement", border_style="blue", title_align="left")
        )


# --- what replies look like -----------------------------------------------------------------


def drawn(reply: Reply) -> RenderableType:
    """A reply with a card in it as its parts, each drawn; any other as its text."""
    if not any(isinstance(part, Card) for part in reply.parts):
        return Text(legible(reply.text))
    alone = len(reply.parts) == 1  # else a decision follows, with the rules it rests on
    return Group(*(_part(part, alone) for part in reply.parts))


def _part(part: Part, alone: bool) -> RenderableType:
    return _card(part, alone) if isinstance(part, Card) else Text(legible(spoken((part,))))


def _card(card: Card, alone: bool) -> RenderableType:
    """The words of a card and its tallies as bars; if it is `alone`, its rules as well."""
    title, *said = spoken((card.model_copy(update={"tallies": ()}),)).split("\n")
    asked = [card.text] if card.text != card.title else []
    rules = [*card.takes, *(spoken((rule,)).strip() for rule in card.rules)] if alone else []
    blocks: list[list[RenderableType]] = [
        [Text(legible(title), "bold"), *(Text(legible(line)) for line in said)],
        [Text(legible(text)) for text in asked],
        [_tally(tally) for tally in card.tallies if tally.bars or tally.said],
        [Text(legible(line)) for line in card.chosen],
        [Text(legible(rule), "dim") for rule in rules],
    ]
    return Group(*(Padding(Group(*block), (0, 0, 1, 0)) for block in blocks if block))


def _tally(tally: Tally) -> RenderableType:
    if not tally.bars:
        return Group(*(Text(f"- {line}") for line in tally.said))
    table = Table.grid(padding=(0, 1))
    for bar in tally.bars:
        table.add_row(
            Text(legible(bar.label)),
            Text(gauge(bar.count, tally.given), "cyan"),
            Text(str(bar.count), justify="right"),
            Text(bar.share, "dim", justify="right"),
        )
    return table
