"""Counting in a process: a charter with each method, from what members type to the outcome."""

import json
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from community import START, Town, live

from govbot.constitution import Constitution
from govbot.errors import OperatorError
from govbot.lint import lint
from govbot.readingfile import read_reading
from govbot.records import StageEnded
from govbot.tools.methods import METHODS

TEXT = """\
# Club

## Article 1: Members

Everyone with the member role is a member and may vote.

## Article 2: Polls

Any member may open a poll, which runs 3 days.
Its ballots are counted as this article says, and 2 seats are filled.

## Article 3: Board

Members may stand for 1 day. The 2 winners form the board.
"""
MEMBERS = {"section": "article-1", "quote": "Everyone with the member role is a member"}
POLLS = {"section": "article-2", "quote": "Any member may open a poll, which runs 3 days."}
COUNT = {
    "section": "article-2",
    "quote": "Its ballots are counted as this article says, and 2 seats are filled.",
}  # fmt: skip
STAND = {"section": "article-3", "quote": "Members may stand for 1 day."}
BOARD = {"section": "article-3", "quote": "The 2 winners form the board."}
WHO = "'member' in roles"


def ballot(takes: str, **more: Any) -> dict[str, Any]:
    lists = {"choices": ["ana", "bo", "cy"]} if takes != "form" else {}
    phrase = "ballot: {choice}" if takes == "choice" else "ballot: {ballot}"
    return {
        "kind": "ballot", "who": WHO, "cite": MEMBERS, "takes": takes, "phrases": [phrase],
        "changeable": {"value": True}, **lists, **more,
    }  # fmt: skip


def poll(inputs: list[dict[str, Any]], tally: Mapping[str, Any], **stage: Any) -> dict[str, Any]:
    return {
        "title": "Poll", "cite": POLLS, "phrases": ["poll: {question}"],
        "opened_by": {"who": WHO, "cite": POLLS},
        "fields": {"question": {}}, "named_after": "question",
        "stages": [{
            "name": "poll", "lasts": {"value": "3 days", "cite": POLLS}, "inputs": inputs,
            "tally": {"cite": COUNT, **tally},
            "outcomes": [
                {"when": "winner == 'ana'", "outcome": "ana", "cite": COUNT},
                {"when": "size(winners) > 0", "outcome": "another", "cite": COUNT},
                {"otherwise": "nobody", "cite": COUNT},
            ], **stage,
        }],
    }  # fmt: skip


def reading(*charters: dict[str, Any]) -> str:
    """A reading's file; JSON is YAML too."""
    named = {f"poll{n or ''}": charter for n, charter in enumerate(charters)}
    roles = {"member": MEMBERS, "board": BOARD}
    digest = Constitution(TEXT).digest
    return json.dumps({"constitution": digest, "roles": roles, "processes": named})


@pytest.fixture
def club(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Lives in a club with this charter."""

    def live_with(charter: dict[str, Any], script: Any, **more: Any) -> None:
        path = tmp_path / "club.md"
        path.write_text(TEXT)
        (tmp_path / "club.reading.yaml").write_text(reading(charter))
        monkeypatch.setattr("govbot.app.templates", lambda: {"club": path})
        live(tmp_path / "town", script, "club", **more)

    return live_with


# Three for ana, two for bo, in the words of each kind of ballot.
SAID = {
    "choice": ["ana", "ana", "ana", "bo", "bo"],
    "ranking": ["ana > bo > cy", "ana > cy", "ana", "bo > ana", "bo = cy > ana"],
    "approvals": ["ana and bo", "ana", "ana, cy", "bo", "cy"],
    "scores": ["ana 5, bo 3", "ana: 5", "ana 4, cy 1", "bo 5, ana 1", "bo 5"],
    "votes": ["ana 3, bo -1", "ana 2", "ana 3", "bo 2", "bo 3, cy -1"],
    "form": ["price 10, days 3", "price 12, days 1", "price 11, days 2", "price 30, days 9"],
}
OPTIONS: dict[str, dict[str, Any]] = {
    "quadratic": {"credits": 10},
    "consent": {"yes": "ana", "no": "cy"},
    "schulze-debian": {"default": "cy"},
    "greedy-budget": {"costs": {"ana": 5, "bo": 5, "cy": 5}, "budget": 5},
    "bids": {"score": "lowest_price / price + 1/days", "qualify": "price < 20"},
}


@pytest.mark.parametrize("method", sorted(METHODS))
def test_every_method_runs_in_a_charter(method: str, club: Any) -> None:
    reads = METHODS[method].reads
    takes = "scores" if reads == "votes" else reads
    form = {"form": {"price": {"type": "number"}, "days": {"type": "number"}}}
    rule = ballot(takes, **(form if takes == "form" else {}))
    charter = poll([rule], {"method": method, "options": OPTIONS.get(method, {})})

    async def script(town: Town) -> None:
        await town.say("alice", "poll: who is it")
        for name, said in zip("alice bob carol dave eve".split(), SAID[reads], strict=False):
            reply = await town.say(name, f"ballot: {said}")
            assert reply.ok, reply.text
        await town.until(START + timedelta(days=3))
        (ended,) = [e for e in town.entries() if isinstance(e.body, StageEnded)]
        assert ended.decision is not None
        (tally,) = [c for c in ended.decision.calculations if c.tool == "tally"]
        assert tally.arguments["method"] == method
        assert f"Counted by {method}:" in town.announced[-1].text
        if method == "bids":
            assert town.process().drawn["winners"] == ("local:bob",)
        else:
            assert town.process().outcome == "ana"
        shown = json.dumps(tally.arguments["ballots"])
        assert method == "bids" or "local:" not in shown  # a count does not tell who voted how

    club(charter, script)


def test_a_board_is_nominated_elected_and_given_its_role(club: Any) -> None:
    stand = {"kind": "stand", "who": WHO, "cite": STAND, "phrases": ["I stand"]}
    rank = ballot("ranking", choices_from="stand")
    del rank["choices"]
    charter = poll([], {"method": "irv"})
    charter["stages"] = [
        {"name": "nominate", "lasts": {"value": "1 day", "cite": STAND}, "inputs": [stand],
         "outcomes": [{"otherwise": "nominated", "next": "vote", "cite": STAND}]},
        {"name": "vote", "carries": ["stand"], "lasts": {"value": "3 days", "cite": POLLS},
         "inputs": [rank],
         "tally": {"method": "stv-scottish", "seats": 2, "named": "board", "cite": BOARD},
         "outcomes": [
             {"when": "size(board) == 2", "outcome": "elected", "cite": BOARD,
              "effects": [{"grant_role": {"role": "board", "to": "board"}}]},
             {"otherwise": "nobody", "cite": BOARD}]},
    ]  # fmt: skip

    async def script(town: Town) -> None:
        await town.say("alice", "poll: the board")
        for name in ("alice", "bob", "carol"):
            assert (await town.say(name, "I stand")).ok
        await town.until(START + timedelta(days=1))
        ranked = (
            "@carol > @alice",
            "carol, bob, alice",
            "alice then carol",
            "bob > carol",
            "carol",
        )
        for name, said in zip("alice bob carol dave eve".split(), ranked, strict=True):
            reply = await town.say(name, f"ballot: {said}")
            assert reply.ok, reply.text
        wrong = await town.say("dave", "ballot: @dave > @bob")
        assert not wrong.ok and "cannot be chosen" in wrong.text
        assert town.votes(kind="ballot")["local:dave"] == ["local:bob", "local:carol"]
        await town.until(START + timedelta(days=4))
        board = town.process().drawn["board"]
        assert "local:carol" in board and len(board) == 2
        for id in board:
            assert "board" in town.bot.memory.community.members[id].roles

    club(charter, script)


@pytest.mark.parametrize(
    ("standing", "voting", "tally", "board"),
    [
        ("alice", "@alice", {"seats": 2}, ("local:alice",)),
        ("", "", {"seats": 2}, ()),
        ("alice", "@alice", {"seats": "1 / (turnout - turnout)"}, ()),
        ("alice", "", {"seats": 2}, ()),
    ],
)
def test_a_count_that_fills_no_seat_still_ends_its_stage(
    standing: str, voting: str, tally: dict[str, Any], board: tuple[str, ...], club: Any
) -> None:
    stand = {"kind": "stand", "who": WHO, "cite": STAND, "phrases": ["I stand"]}
    rank = ballot("ranking", choices_from="stand")
    del rank["choices"]
    rule = {"method": "stv-scottish", "of": "ballot", "named": "board", **tally}
    charter = poll([stand, rank], rule)
    charter["stages"][0]["outcomes"] = [{"otherwise": "counted", "cite": COUNT}]

    async def script(town: Town) -> None:
        await town.say("alice", "poll: the board")
        if standing:
            assert (await town.say(standing, "I stand")).ok
        if voting:
            assert (await town.say("bob", f"ballot: {voting}")).ok
        await town.until(START + timedelta(days=3))
        assert (town.process().status, town.process().drawn["board"]) == ("ended", board)

    club(charter, script)


@pytest.mark.parametrize(
    ("tally", "winner"),
    [
        ({}, "bo"),
        ({"weights": "2 if 'elder' in roles else 1"}, "ana"),
        ({"weights": "1/3 if 'elder' in roles else 1"}, "bo"),
        ({"weights": "0 if 'elder' in roles else 1"}, "bo"),
        ({"weights": "nonsense"}, ""),
        ({"delegated_by": "proxy"}, "ana"),
        ({"delegated_by": "proxy", "cap": 1}, "bo"),
    ],
)
def test_weights_and_delegations_decide_as_the_charter_says(
    tally: dict[str, Any], winner: str, club: Any
) -> None:
    proxy = {
        "kind": "proxy", "who": WHO, "cite": MEMBERS, "takes": "member",
        "changeable": {"value": True}, "phrases": ["{member} votes for me"],
    }  # fmt: skip
    charter = poll([ballot("choice"), proxy], {"method": "plurality", "of": "ballot", **tally})
    roles = {"alice": ("member", "elder")}

    async def script(town: Town) -> None:
        await town.say("alice", "poll: who is it")
        for name, choice in (("alice", "ana"), ("bob", "bo"), ("carol", "bo")):
            assert (await town.say(name, f"ballot: {choice}")).ok
        for name, said in (("dave", "@eve votes for me"), ("eve", "@alice votes for me")):
            assert (await town.say(name, said)).ok
        await town.until(START + timedelta(days=3))
        if tally.get("weights") == "2 if 'elder' in roles else 1":
            assert town.process().drawn["winners"] in (("ana",), ("bo",))  # two each: drawn
            assert "draw by lot" in town.announced[-1].text
        else:
            assert town.process().drawn["winners"] == ((winner,) if winner else ())
        if "delegated_by" in tally:
            assert "alice" in town.announced[-1].text

    club(charter, script, roles=roles)


def test_metrics_weigh_from_a_member_s_facts() -> None:
    metric = {"metric": "trust", "coefficient": "1/2", "rise": "0.7", "fall": "0.5"}
    rule = poll([ballot("choice")], {"method": "plurality",
                "weights": {"metrics": [metric], "ceiling": 2}})  # fmt: skip
    assert read_reading(reading(rule), "club").processes["poll"].stages[0].tally is not None


@pytest.mark.parametrize(
    ("takes", "tally", "says"),
    [
        ("choice", {"method": "pluralty"}, "did you mean 'plurality'?"),
        ("ranking", {"method": "schulze", "options": {"unrankd": "apart"}}, "'unranked'"),
        ("choice", {"method": "irv"}, "irv counts ranking"),
        ("choice", {"method": "majority", "of": "vote"}, "is missing"),
        ("choice", {"method": "majority", "seats": 0}, "seats"),
        ("choice", {"method": "majority", "tie_break": ["zoe"]}, "'zoe'"),
        ("choice", {"method": "majority", "delegated_by": "proxy"}, "'proxy'"),
        ("choice", {"method": "majority", "weights": "2 +"}, "weights"),
        (
            "choice",
            {"method": "majority", "weights": {"metrics": [{"metric": "t"}], "ceiling": 2}},
            "coefficient",
        ),
    ],
)
def test_a_charter_that_cannot_be_counted_does_not_load(
    takes: str, tally: dict[str, Any], says: str
) -> None:
    with pytest.raises(OperatorError, match="line 1") as told:
        read_reading(reading(poll([ballot(takes)], tally)), "club")
    assert says in str(told.value)


def test_the_lint_asks_a_count_s_numbers_of_its_quote() -> None:
    def warned(seats: int) -> str:
        rule = poll([ballot("approvals")], {"method": "approval", "seats": seats})
        found = lint(read_reading(reading(rule), "club"), Constitution(TEXT))
        return " ".join(f.what for f in found if f.level == "warning")

    assert "“3” does not stand in the quote" in warned(3)
    assert "does not stand in the quote" not in warned(2)


@pytest.mark.parametrize(
    ("takes", "said", "says"),
    [
        ("ranking", "ana > ana", "twice"),
        ("ranking", "ana > zoe", "cannot be chosen"),
        ("approvals", "ana, zoe", "cannot be chosen"),
        ("approvals", "ana, bo, cy", "at most 2"),
        ("scores", "ana 9", "from 0 to 5"),
        ("scores", "ana", "gives each a number"),
        ("votes", "ana 3, bo -8", "spends 3² + (-8)² = 73 credits of 50"),
    ],
)
def test_a_ballot_that_could_not_be_counted_is_refused_at_once(
    takes: str, said: str, says: str, club: Any
) -> None:
    method = {"ranking": "irv", "approvals": "approval", "scores": "score", "votes": "quadratic"}
    options = {
        "approvals": {"most": 2}, "scores": {"lowest": 0, "highest": 5}, "votes": {"credits": 50}
    }.get(takes, {})  # fmt: skip
    rule = ballot("scores" if takes == "votes" else takes)
    charter = poll([rule], {"method": method[takes], "options": options})

    async def script(town: Town) -> None:
        await town.say("alice", "poll: who is it")
        reply = await town.say("bob", f"ballot: {said}")
        assert not reply.ok and says in reply.text
        assert town.votes(kind="ballot") == {}

    club(charter, script)
