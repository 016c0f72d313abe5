"""The front door: what a surface may ask, what it is told, and what it is never told."""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from community import JURY, START, Town, live
from scenes import PROPOSAL, SCENES, Scene, card_in, played, rules_of, said
from test_balloting import ballot, poll

from govbot.records import Give, Member, Request
from govbot.surfaces import Blank, House

VOTE = Give(process=1, input="vote", value="agree")


def door(town: Town) -> House:
    found: House = town.bot.house
    return found


def test_the_front_door_of_a_bot_is_a_house(tmp_path: Path) -> None:
    async def script(town: Town) -> None:
        _: House = town.bot.house
        assert door(town).name == "Testers"

    live(tmp_path / "town", script)


def test_what_can_be_opened_comes_from_the_charters_with_what_they_ask_for(tmp_path: Path) -> None:
    async def script(town: Town) -> None:
        (complaint,) = door(town).openable()
        assert (complaint.type, complaint.title) == ("complaint", "Complaint")
        assert complaint.says == "Any member may bring a complaint against another member."
        assert complaint.blanks == (
            Blank(name="complaint", label="account of what happened", type="text"),
            Blank(name="respondent", label="member it is about", type="member"),
        )

    live(tmp_path / "town", script, JURY)


def test_what_nobody_may_open_is_not_offered(tmp_path: Path) -> None:
    charter = poll([ballot("choice")], {"method": "plurality"})
    charter["opened_by"]["who"] = "False"

    async def script(town: Town) -> None:
        assert door(town).openable() == ()

    live(tmp_path / "town", script, rules_of(Scene(script, charter=charter), tmp_path))


def test_what_can_be_given_follows_the_stage(tmp_path: Path) -> None:
    async def script(town: Town) -> None:
        house = door(town)
        assert house.giveable(1) == ()
        await said(town, f"alice: {PROPOSAL}")
        vote, comment = house.giveable(1)
        assert (vote.kind, vote.takes, vote.choices, vote.labels) == (
            "vote", "choice", ("agree", "disagree", "abstain"), ("Agree", "Disagree", "Abstain"),
        )  # fmt: skip
        assert vote.changeable and not vote.many and not vote.hidden
        assert (comment.kind, comment.takes, comment.many) == ("comment", "text", True)
        await town.until(START + timedelta(days=6))
        assert house.giveable(1) == ()

    live(tmp_path / "town", script)


def test_reasons_and_secrecy_are_told_to_who_asks_for_them(tmp_path: Path) -> None:
    async def script(town: Town) -> None:
        await SCENES["hidden"].script(town)
        (verdict,) = door(town).giveable(1)
        assert verdict.hidden and verdict.reasons == ("upheld", "dismissed")

    live(tmp_path / "town", script, JURY, SCENES["hidden"].people)


FORM = {"price": {"type": "number"}, "note": {"required": False, "most": 100}}


@pytest.mark.parametrize(
    ("rule", "tally", "found"),
    [
        (ballot("approvals"), {"method": "approval", "options": {"most": 2}}, {"most": 2}),
        (ballot("ranking"), {"method": "schulze"}, {"most": None, "limits": ""}),
        (ballot("scores"), {"method": "quadratic", "options": {"credits": 9}},
         {"limits": "9 credits to spend"}),
        (ballot("scores"), {"method": "score", "options": {"lowest": 0, "highest": 5}},
         {"limits": "from 0 to 5", "choices": ("ana", "bo", "cy")}),
        (ballot("form", form=FORM), {"method": "bids", "options": {"score": "price"}},
         {"blanks": (Blank(name="note", label="note", required=False, most=100),
                     Blank(name="price", label="price", type="number"))}),
    ],
)  # fmt: skip
def test_ballots_say_what_they_must_keep_to(
    rule: dict[str, Any], tally: dict[str, Any], found: dict[str, Any], tmp_path: Path
) -> None:
    async def script(town: Town) -> None:
        await said(town, "alice: poll: which?")
        (given,) = door(town).giveable(1)
        assert {name: getattr(given, name) for name in found} == found

    played(Scene(script, charter=poll([rule], tally)), tmp_path)


def test_members_who_stand_are_choices_shown_by_name(tmp_path: Path) -> None:
    async def script(town: Town) -> None:
        await SCENES["election"].script(town)
        _, vote = door(town).giveable(1)
        assert (vote.choices, vote.labels) == (("local:bob", "local:carol"), ("@bob", "@carol"))

    played(Scene(script, charter=SCENES["election"].charter), tmp_path)


def test_cards_are_of_any_process_and_of_all_that_have_not_ended(tmp_path: Path) -> None:
    async def script(town: Town) -> None:
        house = door(town)
        assert house.card(1) is None and house.open() == ()
        for _ in range(3):
            await said(town, f"alice: {PROPOSAL}")
        assert house.card(2) == card_in(town, 2)
        assert [card.process for card in house.open()] == [1, 2, 3]
        assert (await town.say("alice", "cancel 2 because it is the same")).ok
        assert [card.process for card in house.open()] == [1, 3]

    live(tmp_path / "town", script)


def test_all_open_processes_are_told_of_however_many(tmp_path: Path) -> None:
    async def script(town: Town) -> None:
        fields = {"proposal_text": "one of many"}
        create = town.bot.memory.create_process
        await asyncio.gather(
            *(create("standard_proposal", fields, "local:alice", at=START, id=f"p{n}")
              for n in range(205))
        )  # fmt: skip
        assert len(door(town).open()) == 205

    live(tmp_path / "town", script)


def test_each_sees_what_they_have_standing_and_nobody_else_s(tmp_path: Path) -> None:
    async def script(town: Town) -> None:
        house = door(town)
        await said(town, f"alice: {PROPOSAL}\nbob: I vote agree on 1\nbob: I vote disagree on 1")
        assert house.standing(1, "vote", "local:bob") == "disagree"
        assert house.standing(1, "vote", "local:carol") is None
        assert house.standing(2, "vote", "local:bob") is None
        await said(town, "bob: comment on 1: one\nbob: comment on 1: two")
        assert house.standing(1, "comment", "local:bob") == "two"
        assert house.standing(1, "comment", "local:carol") is None

    live(tmp_path / "town", script)


def test_a_signature_stands_as_given(tmp_path: Path) -> None:
    async def script(town: Town) -> None:
        await SCENES["no_deadline"].script(town)
        assert door(town).standing(1, "signature", "local:bob") is True
        assert door(town).standing(1, "signature", "local:dave") is None

    played(Scene(script, charter=SCENES["no_deadline"].charter), tmp_path)


def test_those_are_waited_for_who_may_vote_and_have_not(tmp_path: Path) -> None:
    async def script(town: Town) -> None:
        house = door(town)
        assert house.waiting(1) == ()
        await said(town, f"alice: {PROPOSAL}\nbob: I vote agree on 1\neve: I vote abstain on 1")
        assert house.waiting(1) == ("local:alice", "local:carol", "local:dave")
        await town.bot.agent.meet(town.member("late"))  # who came later is not on the roll
        assert "local:late" not in house.waiting(1)
        await town.until(START + timedelta(days=6))
        assert house.waiting(1) == ()

    live(tmp_path / "town", script)


def test_only_those_drawn_are_waited_for_and_nobody_for_evidence(tmp_path: Path) -> None:
    async def script(town: Town) -> None:
        house = door(town)
        await said(town, "alice: I complain about @bob because of the archive")
        assert house.waiting(1) == ()
        await town.until(START + timedelta(days=5))
        jurors = town.process().drawn["jurors"]
        assert house.waiting(1) == tuple(sorted(jurors))
        give = Give(process=1, input="verdict", value="upheld", reason="so it is")
        assert (await town.say(jurors[0].removeprefix("local:"), action=give)).ok
        assert house.waiting(1) == tuple(sorted(jurors[1:]))

    live(tmp_path / "town", script, JURY, SCENES["hidden"].people)


def test_a_paused_process_waits_for_nobody(tmp_path: Path) -> None:
    async def script(town: Town) -> None:
        await SCENES["paused"].script(town)
        assert door(town).waiting(1) == () and door(town).giveable(1) == ()

    played(Scene(script, roles=SCENES["paused"].roles), tmp_path)


def test_an_audit_is_the_file_s_text_and_hides_what_is_hidden(tmp_path: Path) -> None:
    async def script(town: Town) -> None:
        house = door(town)
        assert house.audit(1) is None
        await SCENES["hidden"].script(town)
        audit = (house.audit(1) or b"").decode()
        assert audit.startswith("# Process 1: ") and "hidden until the end" in audit
        assert "secret thought" not in audit

    live(tmp_path / "town", script, JURY, SCENES["hidden"].people)


def test_whatever_is_handled_lets_time_be_looked_at_again(tmp_path: Path) -> None:
    async def script(town: Town) -> None:
        keeping = asyncio.create_task(town.bot.scheduler.run())
        await asyncio.sleep(0)  # it sleeps for an hour now
        alice = Member(id="local:alice", name="alice", roles=("member",))
        house = door(town)
        assert (await house.handle(Request(id="a", member=alice, text=PROPOSAL))).ok
        town.clock.set(START + timedelta(days=6))
        assert not (await house.handle(Request(id="b", member=alice, action=VOTE))).ok
        async with asyncio.timeout(5):
            while not town.announced:
                await asyncio.sleep(0.01)
        keeping.cancel()

    live(tmp_path / "town", script)
