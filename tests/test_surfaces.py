"""Surfaces: every request gets a reply, the keyboard speaks for whom it says, and no rules here."""

import asyncio
import io
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from rich.console import Console
from scenes import SCENES, played

from govbot.config import Settings
from govbot.errors import OperatorError
from govbot.parts import Announcement, Card, Choice, Reply, Says
from govbot.records import Ask, Give, Member, Request, Show
from govbot.replies import spoken
from govbot.surfaces import SORRY, Capabilities, answered, serve
from govbot.surfaces.terminal import Terminal
from govbot.testing import MemorySurface

ALICE = Member(id="local:alice", name="alice", roles=("member",))
SETTINGS = Settings(
    name="Town", members={"alice": ("member",), "bob": ("moderator",)}, newcomers=("guest",)
)


def request(id: str = "1", text: str = "hello") -> Request:
    return Request(id=id, member=ALICE, text=text)


def test_every_request_is_answered_in_order() -> None:
    async def handle(asked: Request) -> Reply:
        return Reply(text=asked.text.upper())

    chat = MemorySurface(request("1", "a"), request("2", "b"))
    asyncio.run(serve(chat, handle))
    assert [(asked.id, reply.text) for asked, reply in chat.sent] == [("1", "A"), ("2", "B")]


@pytest.mark.parametrize("fault", [OperatorError("the disk is full; free some"), KeyError("oops")])
def test_a_fault_of_the_bot_is_an_apology_and_a_line_in_the_log(
    fault: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    async def handle(asked: Request) -> Reply:
        raise fault

    reply = asyncio.run(answered(request(), handle))
    assert (reply.text, reply.ok) == (SORRY, False)
    assert "request 1" in caplog.text
    assert str(fault) not in reply.text


Handle = Callable[[Request], Awaitable[Reply]]


def typed(
    monkeypatch: pytest.MonkeyPatch, lines: str, *replies: Reply
) -> tuple[list[Request], str]:
    """What the terminal makes of these lines, and what it shows."""
    monkeypatch.setattr(sys, "stdin", io.StringIO(lines))
    console = Console(file=io.StringIO(), width=100)
    terminal = Terminal(SETTINGS, console, lambda id: f"audits/{id}.md")
    got: list[Request] = []

    async def chat() -> None:
        answers = iter(replies)
        async for asked in terminal.inbox():
            got.append(asked)
            await terminal.send(asked, next(answers, Reply(text="ok")))
        await terminal.announce(Announcement(id="a", process="process_1", text="It [bold]passed"))

    asyncio.run(chat())
    return got, console.file.getvalue()  # type: ignore[attr-defined]


def test_who_speaks_comes_from_the_command_never_from_the_message(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    got, _ = typed(monkeypatch, "hi\n/as bob\nI am alice\n/as @zoé\nhey\n/quit\nnever read\n")
    assert [(r.member.id, r.member.roles, r.text) for r in got] == [
        ("local:alice", ("member",), "hi"),
        ("local:bob", ("moderator",), "I am alice"),
        ("local:zoé", ("guest",), "hey"),
    ]
    assert len({asked.id for asked in got}) == 3


def test_commands_are_intents_and_unknown_ones_show_the_help(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    got, shown = typed(monkeypatch, "/status\n/status #3\n/why 3\n/dance\n/who\n\n   \n")
    assert [r.action for r in got] == [
        Show(process=None), Show(process=3), Ask(question="/why 3", process=3)
    ]  # fmt: skip
    assert shown.count("speak as somebody else") == 2 and "@bob (moderator)" in shown


def test_buttons_are_numbered_and_ask_for_a_reason_where_one_is_needed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    block = Give(process=1, input="answer", value="block")
    choices = (Choice(label="Block", action=block, reason=True),)
    got, shown = typed(
        monkeypatch, "/1\nhello\n/1\nit harms us\n/2\n", Reply(text="t", choices=choices),
        Reply(text="done", choices=choices),
    )  # fmt: skip
    assert "/1 Block" in shown and shown.count("no such choice now") == 2
    assert got[1].action == block.model_copy(update={"reason": "it harms us"})


def test_what_members_write_cannot_style_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    _, shown = typed(monkeypatch, "x\n", Reply(text="[red]not red[/red]", process="process_9"))
    assert "[red]not red[/red]" in shown and "It [bold]passed" in shown
    assert "audits/process_9.md" in shown and "\x1b" not in shown


def shown_of(monkeypatch: pytest.MonkeyPatch, card: Card, *more: Says) -> str:
    parts = (card, *more)
    reply = Reply(text=spoken(parts), process="process_1", parts=parts, choices=card.choices)
    shown = typed(monkeypatch, "/status 1\n", reply)[1]
    return " ".join(shown.replace("│", " ").split())


def test_one_process_is_shown_as_its_card_with_bars(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    card = played(SCENES["open_with_votes"], tmp_path)
    shown = shown_of(monkeypatch, card)
    for part in (
        "Process #1: bans need two moderators", "Standard proposal by @alice",
        "Stage: Discussion and vote", "Deadline: February 14, 2026 at 18:30 UTC",
        "Agree ▰▰▰▰▰▰▰▱▱▱ 2 66.7%", "Disagree ▰▰▰▱▱▱▱▱▱▱ 1 33.3%", "Abstain ▱▱▱▱▱▱▱▱▱▱ 0",
        "Open to 5 members: agree / disagree / abstain",
        "More Agree than Disagree votes”", "/1 Agree",
        "audits/process_1.md",
    ):  # fmt: skip
        assert part in shown, part
    assert shown.count("bans need two moderators") == 1
    why = shown_of(monkeypatch, card, Says(text="\nWhy: because of the rule"))
    assert "▰" in why and "Why: because of the rule" in why
    assert "More Agree than Disagree" not in why  # the decision quotes its own rules


def test_a_card_has_no_bars_of_what_is_hidden(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    shown = shown_of(monkeypatch, played(SCENES["hidden"], tmp_path))
    assert "- Verdict: 2 given" in shown and "▰" not in shown and "secret" not in shown


def test_a_hostile_title_stays_words_in_the_terminal(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    card = played(SCENES["hostile_title"], tmp_path)
    hostile = card.model_copy(update={"title": f"\x1b[31m[red]x[/red] {card.title}"})
    shown = shown_of(monkeypatch, hostile)
    assert "\x1b" not in shown and "\u202e" not in shown
    assert "⟨U+202E⟩" in shown and "⟨U+001B⟩" in shown and "[red]x[/red]" in shown


def test_a_keyboard_picks_by_number() -> None:
    assert Terminal.capabilities == Capabilities(buttons=True)
