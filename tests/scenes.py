"""Cards of every kind, each of a real process brought to where it shows what it is about."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from community import CONSENSUS, JURY, START, Town, live
from test_balloting import COUNT, MEMBERS, POLLS, STAND, TEXT, WHO, ballot, poll, reading

from govbot.cards import card
from govbot.parts import Card
from govbot.records import Give, Manage, Open

PROPOSAL = "I propose that bans need two moderators"
Script = Callable[[Town], Awaitable[None]]


@dataclass(frozen=True)
class Scene:
    """What happens, under a template's rules or under a charter of its own."""

    script: Script
    template: str = "example"
    charter: dict[str, Any] | None = None
    people: str = "alice bob carol dave eve"
    roles: tuple[tuple[str, tuple[str, ...]], ...] = ()


def card_in(town: Town, number: int = 1) -> Card:
    process, memory = town.process(number), town.bot.memory
    return card(process, memory.constitution(process.constitution), memory.community)


def played(scene: Scene, folder: Path) -> Card:
    """The card as it stands at the end of a scene."""
    found: list[Card] = []

    async def script(town: Town) -> None:
        await scene.script(town)
        found.append(card_in(town))

    live(folder / "town", script, rules_of(scene, folder), scene.people, dict(scene.roles))
    return found[0]


def rules_of(scene: Scene, folder: Path) -> str:
    if scene.charter is None:
        return scene.template
    path = folder / "club.md"
    path.write_text(TEXT)
    (folder / "club.reading.yaml").write_text(reading(scene.charter))
    return str(path)


async def said(town: Town, lines: str) -> None:
    """A message a line, `who: what`; each must be taken."""
    for line in lines.strip().splitlines():
        who, _, what = line.strip().partition(": ")
        reply = await town.say(who, what)
        assert reply.ok, reply.text


def saying(lines: str, days: int = 0) -> Script:
    async def script(town: Town) -> None:
        await said(town, lines)
        if days:
            await town.until(START + timedelta(days=days))

    return script


# --- the scenes ---------------------------------------------------------------------------

VOTES = f"""
alice: {PROPOSAL}
alice: I vote agree on 1
bob: I vote agree on 1
carol: I vote disagree on 1 because two are hard to find at night
"""
LOST = f"""
alice: {PROPOSAL}
bob: I vote agree on 1
carol: I vote disagree on 1
"""
BLOCKED = "alice: I propose that chat logs are shown to new members"
POLL = "alice: poll: which of them?"
HOSTILE = (
    "**@everyone** click [here](https://evil.example) <@1> <#2> <@&3> ||spoiler|| ```code```"
    " # head \u202egnp.exe al\u200bice z\u0300\u0301\u0302\u0303\u0304\u0305\u0306algo\n"
    "# A heading\n- a list\n1. another\n> a quote\n-# small\n```py\nprint('code')\n```\n"
    "<t:0:R> <:smile:1> </vote:1> discord.gg/evil `tick` ~~gone~~ __under__ \\_(o)_/¯"
)


LONG = "Stars *everywhere*: a text as long as it may be. " * 81


async def _long(town: Town) -> None:
    action = Open(type="standard_proposal", fields={"proposal_text": LONG.strip()})
    assert (await town.say("alice", action=action)).ok


async def _hostile(town: Town) -> None:
    # As a form gives it: what is typed as a message has its unseen characters folded away.
    action = Open(type="standard_proposal", fields={"proposal_text": HOSTILE})
    assert (await town.say("alice", action=action)).ok


async def _paused(town: Town) -> None:
    await said(town, f"alice: {PROPOSAL}")
    town.roles["bob"] = ("member", "moderator")
    pause = Manage(process=1, act="pause", reason="a question of order")
    reply = await town.say("bob", action=pause)
    assert reply.ok, reply.text


async def _blocked(town: Town) -> None:
    await said(town, BLOCKED)
    await town.until(START + timedelta(days=3))
    await said(town, "frank: I block 1 because it violates our privacy principles")
    await town.until(START + timedelta(days=10))


async def _drawn(town: Town) -> None:
    await said(
        town,
        "alice: I complain about @bob because they deleted the archive\nbob: evidence on 1: no",
    )


async def _hidden(town: Town) -> None:
    await _drawn(town)
    await town.until(START + timedelta(days=5))
    for juror in town.process().drawn["jurors"][:2]:
        give = Give(process=1, input="verdict", value="upheld", reason="secret thought")
        assert (await town.say(juror.removeprefix("local:"), action=give)).ok


def _elected() -> dict[str, Any]:
    """Whoever stands can be chosen, in one vote."""
    stand = {"kind": "stand", "who": WHO, "cite": STAND, "phrases": ["I stand"]}
    vote = ballot("choice", choices_from="stand")
    del vote["choices"]
    return poll([stand, vote], {"method": "plurality", "of": "ballot"})


def _petition() -> dict[str, Any]:
    sign = {"kind": "signature", "who": WHO, "cite": MEMBERS, "phrases": ["I sign {process}"]}
    charter = poll([sign], {})
    stage = charter["stages"][0]
    del stage["tally"], stage["lasts"]
    stage["ends_early"] = {"when": "signatures >= 3", "cite": POLLS}
    stage["outcomes"] = [{"otherwise": "carried", "cite": COUNT}]
    return charter


BUDGET = {"costs": {"ana": 5, "bo": 5, "cy": 5}, "budget": 10}
SCENES: dict[str, Scene] = {
    "open_with_votes": Scene(saying(VOTES)),
    "open_without_votes": Scene(saying(f"alice: {PROPOSAL}")),
    "no_deadline": Scene(
        saying(f"{POLL}\nbob: I sign 1\ncarol: I sign 1"), charter=_petition()
    ),
    "paused": Scene(_paused, roles=(("bob", ("member", "moderator")),)),
    "ended_passed": Scene(saying(VOTES, days=6)),
    "ended_rejected": Scene(saying(LOST, days=6)),
    "ended_blocked": Scene(_blocked, CONSENSUS, people="alice bob carol frank"),
    "jury_drawn": Scene(_drawn, JURY, people="alice bob carol dave eve frank grace"),
    "hidden": Scene(_hidden, JURY, people="alice bob carol dave eve frank grace"),
    "ranked": Scene(
        saying(f"{POLL}\nalice: ballot: ana > bo\nbob: ballot: bo > cy > ana"),
        charter=poll([ballot("ranking")], {"method": "schulze", "seats": 2}),
    ),
    "approvals": Scene(
        saying(f"{POLL}\nalice: ballot: ana and bo\nbob: ballot: ana\ncarol: ballot: cy, ana"),
        charter=poll([ballot("approvals")], {"method": "approval", "seats": 2}),
    ),
    "budget": Scene(
        saying(f"{POLL}\nalice: ballot: ana and bo\nbob: ballot: cy"),
        charter=poll([ballot("approvals")], {"method": "greedy-budget", "options": BUDGET}),
    ),
    "scores": Scene(
        saying(f"{POLL}\nalice: ballot: ana 5, bo 3"),
        charter=poll([ballot("scores")], {"method": "score"}),
    ),
    "election": Scene(
        saying(f"{POLL}\nbob: I stand\ncarol: I stand\nalice: ballot: @carol"),
        charter=_elected(),
    ),
    "hostile_title": Scene(_hostile),
    "long_text": Scene(_long),
}  # fmt: skip
