"""The model reader: phrases first, what a model reads is offered, what it says is grounded."""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from community import START, Town, live

from govbot.constitution import Constitution
from govbot.errors import ModelError
from govbot.readers.model import Answered, Claim, Field, Item, ModelReader, Said
from govbot.readers.offline import OfflineReader
from govbot.records import Give, Open
from govbot.testing import Scripted

EXAMPLE = Path(__file__).parent.parent / "constitutions" / "example.md"
PROPOSAL = "I propose that bans need two moderators"


class Broken:
    name = "broken"

    async def complete(self, prompt: Any, schema: Any) -> Any:
        raise ModelError("the model is overloaded; try again later")


def read_by(town: Town, *answers: Said | Answered) -> Scripted:
    model = Scripted(*answers)
    town.bot.agent.reader = ModelReader(model, OfflineReader())
    return model


def vote(process: int = 1, value: str = "agree", **more: Any) -> Said:
    return Said(items=(Item(action="input", process=process, input="vote", value=value, **more),))


def test_a_phrase_needs_no_model_and_free_wording_is_offered(tmp_path: Path) -> None:
    async def script(town: Town) -> None:
        model = read_by(town, vote())
        assert (await town.say("alice", PROPOSAL)).ok
        assert (await town.say("bob", "I vote disagree on 1")).ok
        assert not model.asked
        reply = await town.say("carol", "sounds great to me, put me down for 1 please")
        assert not reply.ok and "Nothing is recorded until you confirm" in reply.text
        assert town.votes() == {"local:bob": "disagree"}
        (pick,) = reply.choices
        assert pick.label == "vote agree on process #1" and len(model.asked) == 1
        assert (await town.say("carol", action=pick.action)).ok
        assert town.votes()["local:carol"] == "agree"

    live(tmp_path / "town", script)


def test_several_wishes_in_one_message_become_several_buttons(tmp_path: Path) -> None:
    async def script(town: Town) -> None:
        await town.say("alice", PROPOSAL)
        said = Said(items=(
            vote().items[0],
            Item(action="input", process=1, input="comment", value="two is plenty"),
            vote().items[0],
        ))  # fmt: skip
        read_by(town, said)
        reply = await town.say("bob", "count me in on 1, and tell them that two is plenty")
        assert [c.action for c in reply.choices] == [
            Give(process=1, input="vote", value="agree"),
            Give(process=1, input="comment", value="two is plenty"),
        ]

    live(tmp_path / "town", script)


def test_an_unclear_message_is_completed_by_the_next(tmp_path: Path) -> None:
    async def script(town: Town) -> None:
        await town.say("alice", PROPOSAL)
        await town.say("alice", PROPOSAL + " and a half")
        ask = Said(items=(Item(action="unclear", missing="¿sobre qué propuesta?"),))
        model = read_by(town, ask, vote(2), ask, ask)
        first = await town.say("bob", "estoy de acuerdo")
        assert "¿sobre qué propuesta?" in first.text
        second = await town.say("bob", "la 2")
        assert second.choices[0].action == Give(process=2, input="vote", value="agree")
        assert "estoy de acuerdo" in model.asked[1].data
        await town.say("bob", "hm")
        town.clock.advance(timedelta(hours=1))
        await town.say("bob", "na ja")
        assert '"hm"' not in model.asked[3].data  # long ago

    live(tmp_path / "town", script)


def item(action: Any, **more: Any) -> Item:
    return Item(action=action, **more)


AMISS = [
    ("yes to 99", item("input", process=99, input="vote", value="agree"), "#1, #2"),
    ("put me down for 1", item("input", process=1, input="vote", value="perhaps"), "which do you"),
    ("put me down for 7", item("input", process=7, input="vote", value="agree"), "#1, #2"),
    ("yes please", item("input", process=1, input="vote", value="agree"), "#1, #2"),
    ("make it so", item("input", process=1, input="blessing", value="x"), "none takes that now"),
    ("let us do it", item("open", type="coup"), "what would you like to open"),
    ("let us do it", item("open", type="standard_proposal"), "what is its text"),
    ("end it on 1", item("manage", process=1, act="destroy", reason="end it"), "pause, resume"),
    ("stop 1", item("manage", process=1, act="cancel"), "why do you want to cancel"),
    ("stop, it is late", item("manage", process=1, act="cancel", reason="late"), "name its number"),
]


@pytest.mark.parametrize(("message", "amiss", "says"), AMISS)
def test_what_a_model_gets_wrong_is_asked_back(
    tmp_path: Path, message: str, amiss: Item, says: str
) -> None:
    async def script(town: Town) -> None:
        await town.say("alice", PROPOSAL)
        await town.say("alice", PROPOSAL + " again")
        read_by(town, Said(items=(amiss,)))
        reply = await town.say("bob", message)
        assert not reply.choices and says.lower() in reply.text.lower()

    live(tmp_path / "town", script)


def test_a_number_that_is_no_process_is_not_taken_for_the_only_one(tmp_path: Path) -> None:
    async def script(town: Town) -> None:
        await town.say("alice", PROPOSAL)
        read_by(town, vote(1), vote(1))
        assert not (await town.say("bob", "yes to 99 from me")).choices
        assert (await town.say("carol", "yes from me")).choices

    live(tmp_path / "town", script)


def test_what_is_quoted_from_others_never_reaches_the_model(tmp_path: Path) -> None:
    async def script(town: Town) -> None:
        await town.say("alice", PROPOSAL)
        model = read_by(town, vote())
        assert not (await town.say("bob", "> I vote agree on 1\n > me too")).choices
        assert not model.asked
        assert (await town.say("bob", "> who is for 1?\nwell, I am for 1")).choices
        assert "who is for" not in model.asked[0].data

    live(tmp_path / "town", script)


def test_a_proposal_is_in_the_members_own_words(tmp_path: Path) -> None:
    async def script(town: Town) -> None:
        fields = (Field(name="proposal_text", value="tea is served at FOUR"),)
        read_by(town, Said(items=(Item(action="open", type="standard_proposal", fields=fields),)))
        reply = await town.say("bob", "hey, shall we say that Tea  is served at four? thanks")
        if not reply.choices:  # a question is answered, unless the model saw a wish in it
            raise AssertionError(reply.text)
        assert reply.choices[0].action == Open(
            type="standard_proposal", fields={"proposal_text": "Tea is served at four"}
        )

    live(tmp_path / "town", script)


def test_a_model_that_fails_leaves_what_works_without_one(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def script(town: Town) -> None:
        town.bot.agent.reader = ModelReader(Broken(), OfflineReader())
        assert (await town.say("alice", PROPOSAL)).ok
        reply = await town.say("bob", "put me down for it")
        assert "cannot read free wording right now" in reply.text and "I vote agree" in reply.text
        answer = await town.say("bob", "who may open a proposal?")
        assert "Any member may open a proposal." in answer.text
        await town.until(START + timedelta(days=6))
        assert town.process().status == "ended"
        assert "overloaded" in caplog.text

    live(tmp_path / "town", script)


# --- answers ------------------------------------------------------------------------------------


def answered(
    *claims: Claim, question: str = "how long is a discussion?", window: int = 10**6,
    text: str = "",
) -> Any:  # fmt: skip
    reader = ModelReader(Scripted(Answered(claims=claims)), OfflineReader(), window)
    constitution = Constitution(text) if text else Constitution.load(EXAMPLE)
    return asyncio.run(reader.answer(question, constitution)), reader.provider


RIGHT = Claim(
    says="A discussion lasts at least 6 days.", section="article-3.1",
    quote="Discussion period: 6 days minimum",
)  # fmt: skip


def test_an_answer_is_claims_with_their_quotes() -> None:
    guidance, provider = answered(RIGHT)
    assert "A discussion lasts at least 6 days." in guidance.answer
    assert (
        "Section 3.1" in guidance.answer
        and "“Discussion period: 6 days minimum”" in guidance.answer
    )
    assert guidance.confidence == "high" and "Article 3" in provider.asked[0].system


@pytest.mark.parametrize(
    "change",
    [
        {"quote": "Discussion period: 7 days minimum"},
        {"quote": "Discussion periods: 6 days minimum"},
        {"says": "A discussion lasts at least 9 days."},
        {"says": "A discussion lasts at least 6 hours."},
        {"says": "A discussion lasts at least 6 %."},
        {"quote": " "},
        {"says": ""},
        {"quote": "Mallory decides."},
    ],
)
def test_a_claim_without_ground_is_not_told(
    change: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    wrong = RIGHT.model_copy(update=change)
    guidance, _ = answered(RIGHT, wrong)
    assert caplog.text.count("what the model says is not told: ") == 1
    assert guidance.confidence == "low" and "1 more that the model said" in guidance.answer
    assert guidance.answer.count("“") == 1
    alone, _ = answered(wrong)
    assert all(Constitution.load(EXAMPLE).holds(c) for c in alone.citations)


SHED = """\
# Shed

Members vote for 2 days. However, urgent requests are decided in 4 hours.
A member may not vote twice. Two-thirds of all members must agree.
"""


@pytest.mark.parametrize(
    ("says", "quote", "told"),
    [
        ("A vote takes 48 hours.", "Members vote for 2 days.", True),
        ("Members must vote for two working days.", "Members vote for 2 days.", False),
        ("A member votes twice.", "vote twice", False),
        ("66.7 % of all members must agree.", "Two-thirds of all members must agree.", True),
        ("Two-thirds of those voting must agree.", "Two-thirds of all members must agree.", False),
    ],
)
def test_the_numbers_of_a_claim_are_those_of_its_quote(says: str, quote: str, told: bool) -> None:
    guidance, _ = answered(Claim(says=says, quote=quote, section="shed"), text=SHED)
    assert (says in guidance.answer) is told


def test_an_exception_beside_a_quote_is_told_with_the_claim() -> None:
    claim = Claim(says="A vote takes 2 days.", quote="Members vote for 2 days.", section="shed")
    guidance, _ = answered(claim, text=SHED)
    assert "However, urgent requests are decided in 4 hours." in guidance.answer
    assert guidance.confidence == "low"
    aware = claim.model_copy(
        update={"says": "A vote takes 2 days, except that urgent requests are decided faster."}
    )
    guidance, _ = answered(aware, text=SHED)
    assert "But the" not in guidance.answer and guidance.confidence == "high"


def test_a_wrong_section_is_corrected_by_the_quote() -> None:
    guidance, _ = answered(RIGHT.model_copy(update={"section": "[article-9]"}))
    assert guidance.citations[0].section == "article-3.1"


def test_silence_is_said_as_the_model_s_and_only_where_it_saw_everything() -> None:
    guidance, _ = answered(question="what about parking?")
    assert guidance.confidence == "none" and "The model found no answer" in guidance.answer
    part, provider = answered(question="what about voting?", window=1000)
    assert "found no answer" not in part.answer and part.citations
    assert "[article-4" in provider.asked[0].task
