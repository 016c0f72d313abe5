"""What members read: the rule behind every report, and nothing that is still hidden."""

from datetime import timedelta
from pathlib import Path

from community import JURY, START, Town, live

from govbot.records import Give
from govbot.replies import refusal, sentence

PROPOSAL = "I propose that bans need two moderators"


def test_sentences_start_large_and_end_once() -> None:
    assert sentence("the vote is over") == "The vote is over."
    assert sentence("Is it?") == "Is it?"
    assert sentence("it says “no”") == "It says “no”"
    assert sentence("") == ""
    assert refusal(["one", "two."]) == "One. Two."


def test_an_opening_names_its_number_deadline_and_rules(tmp_path: Path) -> None:
    async def script(town: Town) -> None:
        text = (await town.say("alice", PROPOSAL)).text
        for part in (
            "@alice", "Process #1", "Type: Standard proposal", "February 14, 2026 at 18:30 UTC",
            "Open to 5 members: agree / disagree / abstain", "More Agree than Disagree votes",
        ):  # fmt: skip
            assert part in text, part

    live(tmp_path / "town", script)


def test_a_vote_s_reply_has_the_tally_in_exact_tenths(tmp_path: Path) -> None:
    async def script(town: Town) -> None:
        await town.say("alice", PROPOSAL)
        for name, choice in (("alice", "agree"), ("bob", "agree"), ("carol", "disagree")):
            reply = await town.say(name, f"I vote {choice} on 1")
        assert "- Agree: 2 (66.7%)" in reply.text
        assert "- Disagree: 1 (33.3%)" in reply.text
        assert "- Abstain: 0\n" in reply.text
        assert "You can change it until then" in reply.text
        assert [choice.label for choice in reply.choices] == ["Agree", "Disagree", "Abstain"]

    live(tmp_path / "town", script)


def test_what_is_hidden_shows_in_no_reply_until_the_end(tmp_path: Path) -> None:
    people = "alice bob carol dave eve frank grace"

    async def script(town: Town) -> None:
        await town.say("alice", "I complain about @bob because of the archive")
        await town.until(START + timedelta(days=5))
        juror = town.process().drawn["jurors"][0].removeprefix("local:")
        give = Give(process=1, input="verdict", value="upheld", reason="secret thought")
        said = await town.say(juror, action=give)
        status = await town.say("carol", "status of 1")
        for text in (said.text, status.text):
            assert "upheld" not in text.lower() and "secret thought" not in text
        assert "stays hidden until the end" in said.text and "Verdict: 1 given" in status.text
        await town.until(START + timedelta(days=9))
        assert "Upheld: 1" in town.announced[-1].text

    live(tmp_path / "town", script, JURY, people)


def test_a_refusal_names_the_rule_and_the_listing_what_is_open(tmp_path: Path) -> None:
    async def script(town: Town) -> None:
        assert (await town.say("eve", "status")).text.startswith("No process is open")
        await town.say("alice", PROPOSAL)
        listing = (await town.say("eve", "status")).text
        assert "#1" in listing and "until February 14, 2026" in listing
        cancelled = await town.say("bob", "cancel 1 because I dislike it")
        assert not cancelled.ok and "cancel" in cancelled.text

    live(tmp_path / "town", script)
