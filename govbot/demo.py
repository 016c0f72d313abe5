"""The demonstration: three constitutions, one code, time passing on a set clock.

Owns the script only: who says what, and when. Everything it shows is what the bot really did.
"""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape

from govbot.app import Bot, found, open_bot, verify_folder
from govbot.config import Settings
from govbot.parts import Announcement, Reply
from govbot.records import Member, Request
from govbot.surfaces import answered
from govbot.testing import SetClock
from govbot.tools.dates import when
from govbot.verify import Report

START = datetime(2026, 2, 7, 9, 0, tzinfo=UTC)


class _Stage:
    """One community on a set clock, its chat printed as it would look."""

    def __init__(self, console: Console, clock: SetClock, model: str = "") -> None:
        self.console, self.clock, self.said = console, clock, 0
        self.model = model
        self.bot: Bot | None = None

    async def announce(self, told: Announcement) -> None:
        self.console.print("[bold blue]govbot announces[/bold blue]")
        self._block(told.text)

    def _block(self, text: str) -> None:
        for line in text.split("\n"):
            self.console.print(f"  [dim]│[/dim] {escape(line)}", highlight=False, soft_wrap=True)
        self.console.print()

    def at(self, month: int, day: int, hour: int, minute: int = 0) -> None:
        self.clock.set(datetime(2026, month, day, hour, minute, tzinfo=UTC))

    async def wait(self, by: timedelta) -> None:
        """Lets time pass, and what falls due in it happen."""
        self.clock.advance(by)
        self.console.print(f"[dim]— {when(self.clock())} —[/dim]\n")
        assert self.bot is not None
        await self.bot.scheduler.settle()

    async def says(self, name: str, text: str, freely: str = "") -> Reply:
        """A member speaks: in a charter's phrase, or with a model as people do (`freely`)."""
        text = freely if self.model and freely else text
        reply = await self._sends(name, f"@govbot {text}", text=text)
        if self.model and freely and reply.entry is None and reply.choices:
            pick = reply.choices[
                0
            ]  # what the model read is done when the member says that it is so
            return await self._sends(name, f"(presses “{pick.label}”)", action=pick.action)
        return reply

    async def _sends(self, name: str, shown: str, **said: Any) -> Reply:
        assert self.bot is not None
        roles = self.bot.settings.members[name]
        member = Member(id=f"local:{name}", name=name, roles=roles)
        self.said += 1
        request = Request(id=f"demo:{self.said}", member=member, **said)
        self.console.print(f"[bold cyan]@{name}[/bold cyan] [dim]{when(self.clock())}[/dim]")
        self._block(shown)
        reply = await answered(request, self.bot.agent.handle)
        self.console.print("[bold green]govbot[/bold green]")
        self._block(reply.text)
        await self.bot.scheduler.settle()
        return reply

    async def meet(self) -> None:
        """Everybody has been seen before anything is opened, so that all are on its roll."""
        assert self.bot is not None
        for name, roles in self.bot.settings.members.items():
            member = Member(id=f"local:{name}", name=name, roles=roles)
            await self.bot.agent.meet(member)


Script = Callable[[_Stage], Awaitable[None]]


async def _walk_through(stage: _Stage) -> None:
    """The seed of it all: Process 125, from a message to its audit."""
    await stage.says("bob", "I propose that the weekly call moves to Tuesdays")
    stage.at(2, 8, 10)
    await stage.says("carol", "I urgently propose that we pause sign-ups until the spam stops")
    stage.at(2, 8, 18, 30)
    await stage.says(
        "alice",
        "I propose we change the moderation policy to require 2 moderators for bans",
        "Hi all, here is a proposal: we change the moderation policy to require 2 moderators for"
        " bans",
    )
    stage.at(2, 9, 10, 15)
    await stage.says(
        "bob", "I vote agree on proposal 125", "My vote on proposal 125 is: I agree with it"
    )
    stage.at(2, 10, 14, 22)
    await stage.says("carol", "I vote agree on 125", "Ich stimme Vorschlag 125 zu (agree)")
    stage.at(2, 11, 9, 45)
    await stage.says(
        "dave",
        "vote disagree on #125 because two are hard to find at night",
        "Please put me down as disagree on 125, two are hard to find at night",
    )
    await stage.wait(timedelta(days=3, hours=8, minutes=45))
    stage.at(2, 14, 18, 31)
    await stage.says("eve", "I vote disagree on 125")
    stage.at(2, 15, 9)
    await stage.says("eve", "why did 125 pass?")


async def _block(stage: _Stage) -> None:
    """A block under consensus: nothing in the code knows what a block is."""
    await stage.says("alice", "I propose that chat logs are shown to new members")
    await stage.wait(timedelta(days=3))
    await stage.says("bob", "I consent to 126")
    await stage.says("frank", "I block proposal 126")
    await stage.says("frank", "I block 126 because it violates our privacy principles")
    await stage.says("carol", "why is 126 not adopted?")
    await stage.wait(timedelta(days=7))


async def _jury(stage: _Stage) -> None:
    """A jury drawn by lot, its verdicts hidden until all have spoken."""
    opened = await stage.says("alice", "I complain about mallory because they deleted my posts")
    assert stage.bot is not None and opened.process is not None
    drawn = stage.bot.memory.get_process(opened.process).drawn["jurors"]
    jurors = [juror.partition(":")[2] for juror in drawn]
    for name in jurors:
        await stage.says(name, "I serve on the jury in 127")
    await stage.says("mallory", "evidence on 127: the posts were advertisements")
    await stage.wait(timedelta(days=5))
    for n, name in enumerate(jurors):
        finding = "dismissed" if n == 1 else "upheld"
        await stage.says(name, f"I find 127 {finding} because I read what both sides sent")
    for name in jurors[:3]:
        await stage.says(name, "I say warning on 127")
    await stage.wait(timedelta(days=2))


async def _play(
    console: Console, folder: Path, settings: Settings, template: str, first: int, script: Script,
    model: str,
) -> Report:  # fmt: skip
    clock = SetClock(START)
    stage = _Stage(console, clock, model)
    await found(folder, settings, template, clock, first)
    stage.bot = await open_bot(folder, stage.announce, clock, model)
    await stage.meet()
    await script(stage)
    await stage.bot.close()
    return verify_folder(folder, [])


def _members(names: str, **more: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    return {name: more.get(name, ("member",)) for name in names.split()}


async def play(console: Console, folder: Path, model: str = "") -> bool:
    """Plays all three communities into `folder`; whether each of them verifies.

    With a `model` the members of the first speak freely.
    """
    parts: tuple[tuple[str, str, dict[str, tuple[str, ...]], str, int, Script], ...] = (
        ("Example Community", "A standard proposal, by majority",
         _members("alice bob carol dave eve"), "example", 123, _walk_through),
        ("Consensus Collective", "A block, under consensus",
         _members("alice bob carol frank"), "consensus", 126, _block),
        ("Jury Commons", "A complaint, before a jury drawn by lot",
         _members("alice bob carol dave eve frank grace heidi mallory"),
         "community-jury", 127, _jury),
    )  # fmt: skip
    sound = True
    for name, title, members, template, first, script in parts:
        console.rule(f"[bold]{title}[/bold]")
        console.print()
        place = folder / template
        settings = Settings(name=name, members=members)
        report = await _play(console, place, settings, template, first, script, model)
        sound = sound and report.sound
        verdict = "[green]sound[/green]" if report.sound else "[red]not sound[/red]"
        console.print(
            f"Verified: {report.entries} entries, {verdict}. Audits: {place / 'audits'}\n"
        )
    return sound
