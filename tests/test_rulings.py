"""What no rule foresees: proposed by a reader, doubted, and done only when a person says so."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from community import START, Town, live

from govbot.app import ratify
from govbot.cards import PROVISIONAL, card
from govbot.charter import InputRule, reading_of
from govbot.constitution import Constitution
from govbot.llm import Prompt, Usage
from govbot.parts import Reply
from govbot.readers.model import ModelReader, SaidOrWanted, Wish
from govbot.readers.offline import OfflineReader
from govbot.readers.rulings import Proposed, Quoted
from govbot.readingfile import load_reading
from govbot.records import (
    BOT,
    Citation,
    Decided,
    Done,
    Give,
    Managed,
    Open,
    Ruling,
    canonical,
    digest,
)
from govbot.rulings import sources, unfounded
from govbot.surfaces.discord.render import embed
from govbot.testing import SetClock

CHAIRED = Path(__file__).parent / "constitutions/chaired.md"
TEXT = Constitution.load(CHAIRED)
EMERGENCY = "In an emergency the chair may extend a vote by at most 2 days."
DEPUTY = (
    "The chair may make a member the deputy, who has the deputy role for as long as the chair"
    " wishes."
)
ASKED = "please extend process 1 by 2 days, the flood has cut off half of us"
ROLES = {"alice": ("member",), "fay": ("member", "chair")}
LONGER = Proposed(
    does="extend", process=1, by="2 days", because="A flood is an emergency.",
    quotes=(Quoted(section="article-3", quote=EMERGENCY),),
)  # fmt: skip


class Mind:
    """A model that wants whatever a message says, and proposes what it was told to."""

    def __init__(self, *proposals: Proposed, name: str = "mind") -> None:
        self.proposals, self.name, self.asked = list(proposals), name, list[Prompt]()

    async def complete(self, prompt: Prompt, schema: Any) -> Any:
        self.asked.append(prompt)
        usage = Usage(model=self.name, read=0, written=0)
        if schema is SaidOrWanted:
            return SaidOrWanted(items=(Wish(action="want", what=ASKED),)), usage
        assert schema is Proposed, schema
        return self.proposals.pop(0) if len(self.proposals) > 1 else self.proposals[0], usage


def play(path: Path, script: Callable[[Town], Any], *minds: Mind, agree: int = 1) -> None:
    async def with_minds(town: Town) -> None:
        first, *others = minds
        town.bot.agent.reader = ModelReader(first, OfflineReader(), others=others, agree=agree)
        await town.say("bob", "I move that we buy a pump")
        await script(town)

    live(path, with_minds, str(CHAIRED), "alice bob carol fay", roles=ROLES)


def state(town: Town) -> str:
    memory = town.bot.memory
    seen = [(p.id, p.status, str(p.due), dict(p.counts)) for p in memory.get_active_processes()]
    return digest(canonical([seen, {id: m.roles for id, m in memory.community.members.items()}]))


async def pressed(town: Town, who: str, reply: Reply, n: int = 0) -> Reply:
    return await town.say(who, action=reply.choices[n].action)


def test_a_ruling_is_shown_put_to_the_chair_and_done_when_the_chair_says_so(tmp_path: Path) -> None:
    async def script(town: Town) -> None:
        before, due = state(town), town.process(1).due
        offered = await town.say("alice", ASKED)
        assert state(town) == before and not offered.ok
        for shown in (
            "extend process #1 by 2 days", "A flood is an emergency.", EMERGENCY,
            "“2 days” is from the request and article-3",
        ):  # fmt: skip
            assert shown in offered.text, offered.text
        opened = await pressed(town, "alice", offered)
        assert "Process #2" in opened.text and EMERGENCY in opened.text
        assert town.process(1).due == due
        early = await town.say("alice", "I confirm 2 because it is wet")
        assert "may not give a decision" in early.text
        status = await town.say("fay", "status 2")
        assert "To decide: extend process #1 by 2 days; proposed by mind" in status.text
        await town.say("fay", "I confirm 2 because the bridge is under water")
        await town.bot.scheduler.settle()
        assert town.process(2).outcome == "confirmed"
        assert town.process(1).due == due + timedelta(days=2)
        done = next(e for e in town.entries(1) if isinstance(e.body, Managed))
        assert done.member == BOT and done.body.effect == "process_2:0:1"
        town.bot.archive.write_stale()
        audit = next(town.bot.folder.audits.glob("2-*.md")).read_text()
        assert "to be decided: extend process #1 by 2 days" in audit
        why = await town.say("bob", "why was 2 decided?")
        assert "confirm" in why.text and EMERGENCY not in why.text.partition("Why:")[0]

    play(tmp_path, script, Mind(LONGER))


def test_a_shipped_template_has_somebody_who_decides_what_no_rule_foresees(tmp_path: Path) -> None:
    """Nobody may extend a request by these rules, and its lead may grant it all the same."""
    quote = "If such a request is granted, the bot does what it says."
    unforeseen = (
        "A request may be for something that these rules do not foresee: that a process be"
        " extended, paused, resumed or cancelled, or that something be announced."
    )
    quotes = tuple(Quoted(section="article-5.3", quote=said) for said in (unforeseen, quote))
    wanted = LONGER.model_copy(update={"quotes": quotes})

    async def script(town: Town) -> None:
        town.bot.agent.reader = ModelReader(Mind(wanted), OfflineReader())
        await town.say("bob", "I ask the lead to decide that we buy a pump")
        due = town.process(1).due
        offered = await town.say("alice", ASKED)
        await pressed(town, "alice", offered)
        assert town.process(2).rules.title == "Request" and town.process(1).due == due
        assert (await town.say("fay", "I grant 2 because the bridge is under water")).ok
        await town.bot.scheduler.settle()
        assert town.process(2).outcome == "granted"
        assert town.process(1).due == due + timedelta(days=2)

    live(
        tmp_path, script, "benevolent-dictator", "alice bob fay",
        roles={"alice": ("member",), "bob": ("member",), "fay": ("member", "lead")},
    )  # fmt: skip


def test_nothing_happens_by_silence(tmp_path: Path) -> None:
    async def script(town: Town) -> None:
        await pressed(town, "alice", await town.say("alice", ASKED))
        await town.until(START + timedelta(days=5))
        assert town.process(2).outcome == "lapsed"
        assert not [e for e in town.entries(1) if isinstance(e.body, Managed)]

    play(tmp_path, script, Mind(LONGER))


def test_the_chair_may_reject_it(tmp_path: Path) -> None:
    async def script(town: Town) -> None:
        await pressed(town, "alice", await town.say("alice", ASKED))
        await town.say("fay", "I reject 2 because the bridge is open again")
        await town.bot.scheduler.settle()
        assert town.process(2).outcome == "rejected"
        assert not [e for e in town.entries(1) if isinstance(e.body, Managed)]

    play(tmp_path, script, Mind(LONGER))


def test_a_role_is_given_by_a_ruling(tmp_path: Path) -> None:
    made = Proposed(
        does="grant_role", role="deputy", member="@Carol", because="They asked for it.",
        quotes=(Quoted(section="article-9", quote=DEPUTY),),
    )  # fmt: skip

    async def script(town: Town) -> None:
        offered = await town.say("alice", ASKED)
        assert "grant the role 'deputy' to local:carol" in offered.text
        assert "Article 4" in offered.text  # the quote's own place, not the one the model named
        await pressed(town, "alice", offered)
        await town.say("fay", "I confirm 2 because she knows the pumps")
        await town.bot.scheduler.settle()
        assert "deputy" in town.bot.memory.community.members["local:carol"].roles

    play(tmp_path, script, Mind(made))


def test_a_ruling_on_what_has_ended_meanwhile_is_put_on_record_as_not_done(tmp_path: Path) -> None:
    async def script(town: Town) -> None:
        await pressed(town, "alice", await town.say("alice", ASKED))
        await town.until(START + timedelta(days=3, hours=1))
        await town.say("fay", "I confirm 2 because it is wet")
        await town.bot.scheduler.settle()
        done = [e.body for e in town.entries(2) if isinstance(e.body, Done)]
        failed = [body for body in done if body.effect.does == "manage"]
        assert [body.ok for body in failed] == [False] and "ended" in failed[0].note

    play(tmp_path, script, Mind(LONGER))


BAD = {
    "a quote of nothing": (
        LONGER.model_copy(update={"quotes": (Quoted(section="article-3", quote="  "),)}),
        "does not stand",
    ),
    "one word off": (
        LONGER.model_copy(
            update={"quotes": (Quoted(section="article-3", quote=EMERGENCY.replace("2", "20")),)}
        ),
        "does not stand",
    ),
    "another document": (
        LONGER.model_copy(
            update={"quotes": (Quoted(section="article-3", quote="We the people do ordain."),)}
        ),
        "does not stand",
    ),
    "a number of its own": (LONGER.model_copy(update={"by": "9 days"}), "“9 days” stands neither"),
    "no duration": (LONGER.model_copy(update={"by": "for ever"}), "no duration"),
    "another process": (LONGER.model_copy(update={"process": 99}), "there is no process 99"),
    "an act that is not the chair's": (
        LONGER.model_copy(update={"does": "revoke_role", "role": "member", "member": "bob"}),
        "nobody decide to revoke role",
    ),
    "somebody who is not here": (
        LONGER.model_copy(update={"does": "grant_role", "role": "chair", "member": "mallory"}),
        "'mallory' is no member",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_a_proposal_without_ground_goes_back_once_and_then_to_nobody(
    tmp_path: Path, name: str
) -> None:
    proposal, reason = BAD[name]
    mind = Mind(proposal)

    async def script(town: Town) -> None:
        before = state(town)
        reply = await town.say("alice", ASKED)
        assert not reply.choices and "nothing was done" in reply.text
        assert state(town) == before
        kept = [town.bot.memory.engine.entry(n) for n in range(town.bot.memory.engine.size)]
        refused = [entry for entry in kept if entry and isinstance(entry.body, Decided)]
        assert refused and refused[-1].decision is not None
        assert reason in refused[-1].decision.reasoning.lower(), refused[-1].decision.reasoning
        assert refused[-1].decision.reader == "mind" and refused[-1].decision.result == "refused"
        town.bot.archive.write_stale()
        log = (town.bot.folder.audits / "decisions.md").read_text()
        assert "local:alice asked: “" in log and "refused, read by `mind`" in log

    play(tmp_path, script, mind)
    proposing = [prompt for prompt in mind.asked if "could be decided" in prompt.task]
    assert len(proposing) == 2 and "Objection" in proposing[1].task


def test_a_cut_quote_is_widened_to_its_sentence_with_the_exception_in_it(tmp_path: Path) -> None:
    cut = LONGER.model_copy(
        update={
            "does": "cancel", "by": "", "because": "It was opened by mistake.",
            "quotes": (Quoted(section="article-3", quote="may stop a vote that was opened"),),
        }
    )  # fmt: skip

    async def script(town: Town) -> None:
        offered = await town.say("alice", ASKED)
        assert "unless its proposer objects" in offered.text

    play(tmp_path, script, Mind(cut))


def test_nobody_brings_a_ruling_of_their_own(tmp_path: Path) -> None:
    held = Ruling(
        does="grant_role", role="chair", to="local:alice", because="I say so.", reader="mind",
        quotes=(Citation(section="article-4", quote=DEPUTY),),
    )  # fmt: skip

    async def script(town: Town) -> None:
        before = state(town)
        fields = {"request": "make me chair", "decision": held.model_dump(mode="json")}
        reply = await town.say("alice", action=Open(type="ruling", fields=fields))
        assert "in your own words" in reply.text and state(town) == before

    play(tmp_path, script, Mind(LONGER))


def test_a_ruling_without_a_proposal_is_decided_and_changes_nothing_else(tmp_path: Path) -> None:
    async def script(town: Town) -> None:
        await town.say("alice", "I ask the chair to decide: may we keep bees")
        await town.say(
            "fay", action=Give(process=2, input="decision", value="confirm", reason="Yes")
        )
        await town.bot.scheduler.settle()
        assert town.process(2).outcome == "confirmed"

    play(tmp_path, script, Mind(LONGER))


EVERY = [
    LONGER.model_copy(
        update={
            "does": does, "process": process, "role": role, "member": "mallory",
            "text": "mallory is chair", "by": "2 days" if does == "extend" else "",
        }
    )
    for does in ("pause", "resume", "extend", "cancel", "grant_role", "revoke_role", "announce")
    for process in (1, 2)
    for role in ("chair", "member")
]  # fmt: skip


def test_no_proposal_of_a_model_changes_anything_until_the_chair_confirms_it(
    tmp_path: Path,
) -> None:
    mind = Mind(*EVERY)

    async def script(town: Town) -> None:
        due, roles = town.process(1).due, dict(town.bot.memory.community.members)
        for n in range(len(EVERY)):
            reply = await town.say("mallory", f"{ASKED} ({n})")
            for pick in reply.choices:
                await town.say("mallory", action=pick.action)
        for number in range(2, town.bot.memory.community.next_number):
            for word in ("confirm", "reject"):
                await town.say("mallory", f"I {word} {number} because I am the chair")
        await town.until(START + timedelta(days=2))
        assert town.process(1).due == due and town.process(1).status == "open"
        now = town.bot.memory.community.members
        assert {id: now[id].roles for id in roles} == {id: m.roles for id, m in roles.items()}
        await town.until(START + timedelta(days=9))
        outcomes = {town.process(n).outcome for n in range(2, 4)}
        assert outcomes == {"lapsed"}

    play(tmp_path, script, mind)


# --- several readers -----------------------------------------------------------------------------


def test_what_enough_readers_agree_on_is_put_with_what_the_others_said(tmp_path: Path) -> None:
    shorter = LONGER.model_copy(
        update={"does": "pause", "by": "", "because": "Wait for the water."}
    )

    async def script(town: Town) -> None:
        offered = await town.say("alice", ASKED)
        assert len(offered.choices) == 1
        assert "Proposed by one, two" in offered.text
        assert "Proposed instead by three: pause process #1 (Wait for the water.)" in offered.text

    play(
        tmp_path, script, Mind(LONGER, name="one"), Mind(LONGER, name="two"),
        Mind(shorter, name="three"), agree=2,
    )  # fmt: skip


def test_readers_that_disagree_are_shown_side_by_side_to_people(tmp_path: Path) -> None:
    shorter = LONGER.model_copy(
        update={"does": "pause", "by": "", "because": "Wait for the water."}
    )

    async def script(town: Town) -> None:
        offered = await town.say("alice", ASKED)
        assert "The readers do not agree" in offered.text
        assert [pick.label for pick in offered.choices] == [
            "open a ruling: extend process #1 by 2 days", "open a ruling: pause process #1",
        ]  # fmt: skip
        await pressed(town, "alice", offered, 1)
        status = await town.say("fay", "status 2")
        assert "pause process #1" in status.text
        town.bot.archive.write_stale()
        audit = next(town.bot.folder.audits.glob("2-*.md")).read_text()
        assert "proposed instead by one: extend process" in audit

    play(tmp_path, script, Mind(LONGER, name="one"), Mind(shorter, name="two"), agree=2)


# --- the doubts themselves -----------------------------------------------------------------------


def ruling(**changed: Any) -> Ruling:
    said: dict[str, Any] = {
        "does": "extend", "process": 1, "by": "2 days", "because": "It is wet.", "reader": "mind",
        "quotes": (Citation(section="article-3", quote=EMERGENCY),),
    }  # fmt: skip
    return Ruling(**{**said, **changed})


def test_a_ruling_stands_on_whole_sentences_and_on_numbers_that_are_there() -> None:
    assert unfounded(ruling(), ASKED, TEXT) == []
    assert unfounded(ruling(by="48 hours"), "", TEXT) == []
    assert unfounded(ruling(by="two days"), "", TEXT) == []
    assert "stands neither" in unfounded(ruling(by="3 days"), "", TEXT)[0]
    assert unfounded(ruling(by="3 days"), "three days, please", TEXT) == []
    cut = Citation(section="article-3", quote="the chair may extend a vote")
    assert "not a whole sentence" in unfounded(ruling(quotes=(cut,)), ASKED, TEXT)[0]
    elsewhere = Citation(section="article-2", quote=EMERGENCY)
    assert "article-2 does not say" in unfounded(ruling(quotes=(elsewhere,)), ASKED, TEXT)[0]


def test_each_number_is_told_with_its_source() -> None:
    assert sources(ruling(), "", TEXT) == ["“2 days” is from article-3"]
    assert sources(ruling(by="3 days"), "three days", TEXT) == ["“3 days” is from the request"]


def test_a_ruling_is_no_field_of_a_form_and_asked_of_nobody() -> None:
    form = {"kind": "bid", "who": "True", "takes": "form", "form": {"what": {"type": "ruling"}}}
    with pytest.raises(ValueError, match="not of a form"):
        InputRule.model_validate(form)
    document = load_reading(CHAIRED.with_suffix(".reading.yaml")).document
    document["processes"]["ruling"]["fields"]["decision"]["required"] = True
    with pytest.raises(ValueError, match="cannot be required"):
        reading_of(document)
    document["processes"]["ruling"]["fields"] = {"request": {}}
    with pytest.raises(ValueError, match="no field of type ruling"):
        reading_of(document)


# --- a reading that nobody has ratified ----------------------------------------------------------


def test_what_runs_under_a_draft_says_so_and_changes_nothing_until_people_ratify_it(
    tmp_path: Path,
) -> None:
    source = tmp_path / "ours.md"
    source.write_text(CHAIRED.read_text())
    reading = CHAIRED.with_suffix(".reading.yaml").read_text()
    made = Proposed(
        does="grant_role", role="deputy", member="carol", because="They asked for it.",
        quotes=(Quoted(section="article-4", quote=DEPUTY),),
    )  # fmt: skip
    source.with_suffix(".reading.yaml").write_text(f"drafted_by: mind\n{reading}")
    home = tmp_path / "home"

    async def draft(town: Town) -> None:
        town.bot.agent.reader = ModelReader(Mind(made), OfflineReader())
        opened = await pressed(town, "alice", await town.say("alice", ASKED))
        assert PROVISIONAL in opened.text
        assert PROVISIONAL in (await town.say("bob", "status 1")).text
        await town.say("fay", "I confirm 1 because she knows the pumps")
        await town.bot.scheduler.settle()
        assert town.process(1).outcome == "confirmed" and town.process(1).provisional
        assert PROVISIONAL in town.announced[-1].text
        assert "deputy" not in town.bot.memory.community.members["local:carol"].roles
        town.bot.archive.write_stale()
        assert PROVISIONAL in next(town.bot.folder.audits.glob("1-*.md")).read_text()

    live(home, draft, str(source), "alice bob carol fay", roles=ROLES)
    asyncio.run(ratify(home, "the members at the spring meeting", SetClock(START)))

    async def ratified(town: Town) -> None:
        town.said = 100  # ids of requests are never used twice
        assert not town.bot.memory.community.provisional
        assert PROVISIONAL in (await town.say("bob", "status 1")).text  # it opened as that
        opened = await town.say("bob", "I move that we buy a pump")
        assert PROVISIONAL not in opened.text
        town.bot.agent.reader = ModelReader(Mind(made), OfflineReader())
        await pressed(town, "alice", await town.say("alice", ASKED))
        await town.say("fay", "I confirm 3 because she knows the pumps")
        await town.bot.scheduler.settle()
        assert "deputy" in town.bot.memory.community.members["local:carol"].roles

    live(home, ratified, new=False, people="", roles=ROLES)


def test_a_card_shows_what_is_to_be_decided_and_by_whom_it_was_proposed(tmp_path: Path) -> None:
    async def script(town: Town) -> None:
        opened = await pressed(town, "alice", await town.say("alice", ASKED))
        process = town.process(2)
        shown = card(process, town.bot.memory.constitution(), town.bot.memory.community)
        assert shown.notes[0].startswith("To decide: extend process #1 by 2 days; proposed by mind")
        fields = {field["name"]: field["value"] for field in embed(shown)["fields"]}
        assert "extend process #1 by 2 days" in fields["To know"]
        assert opened.ok

    play(tmp_path, script, Mind(LONGER))
