"""Files of ballots: each format as people write it, and what is said of those cut short."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from govbot.cli import main
from govbot.errors import MemberError
from govbot.tools.ballotfiles import Contest, read_contest
from govbot.tools.methods import count

BLT = """\
4 2          # four candidates, two seats
-2           # Bo has withdrawn
3 1 3 4 0
2.5 4 1=3 0
1 - 3 0
1/2 1 0
0
"Ana"
"Bo"
"Cy"
"Dé"
"The board"
"""
PREFLIB = """\
# FILE NAME: x.toi
# TITLE: A vote
# NUMBER ALTERNATIVES: 3
# ALTERNATIVE NAME 1: Ana
# ALTERNATIVE NAME 2: Bo
# ALTERNATIVE NAME 3: Cy
2: 1,{2,3}
1: 3
"""
OLD = "3\n1,Ana\n2,Bo\n3,Cy\n3,3,2\n2,1,{2,3}\n1,3\n"
PB = """\
META
key;value
description;Our town
budget;100,5
vote_type;approval
rule;greedy
PROJECTS
project_id;cost;name
1;60;Park
2;50;Bus
VOTES
voter_id;vote
1;1,2
2;2
3;
"""
RANKS = "voter,Ana,Bo,Cy\nv1,1,2,\nv2,2,1,no opinion\nv3,1,1,2\n"
ROWS = "rank 1,rank 2,rank 3,count\nAna,Bo,,3\nCy,-,Ana,2\n"
JSON = {
    "title": "J", "method": "irv", "seats": 1, "candidates": ["Ana", "Bo", "Cy"],
    "ballots": [[3, [0, 1]], [2, [[1, 2], 0]]],
}  # fmt: skip


def contest(text: str, name: str, reads: Any = None) -> Contest:
    return read_contest(text, name, reads)


def test_blt_has_seats_weights_ties_skips_withdrawn_and_a_title() -> None:
    read = contest(BLT, "x.blt")
    assert (read.candidates, read.seats, read.title) == (("Ana", "Bo", "Cy", "Dé"), 2, "The board")
    assert read.withdrawn == ("Bo",) and read.method == "stv-scottish"
    assert [b if isinstance(b, list) else b["ranking"] for b in read.ballots] == [
        ["Ana", "Cy", "Dé"], ["Dé", ["Ana", "Cy"]], ["Cy"], ["Ana"]
    ]  # fmt: skip
    assert str(read.ballots[1]["weight"]) == "5/2"


@pytest.mark.parametrize(("text", "name"), [(PREFLIB, "x.toi"), (OLD, "x.toc")])
def test_preflib_is_read_with_today_s_headers_and_the_old(text: str, name: str) -> None:
    read = contest(text, name)
    assert read.candidates == ("Ana", "Bo", "Cy")
    assert read.ballots == [{"ranking": ["Ana", ["Bo", "Cy"]], "weight": 2}, ["Cy"]]


def test_pabulib_has_costs_and_a_budget() -> None:
    read = contest(PB, "x.pb")
    assert read.options == {"costs": {"1": "60", "2": "50"}, "budget": "100.5"}
    assert read.method == "greedy-budget" and len(read.ballots) == 3
    assert count(read.ballots, read.method, candidates=read.candidates, **read.options).winners == (
        "2",
    )


@pytest.mark.parametrize(
    ("reads", "first"),
    [
        ("ranking", ["Ana", "Bo"]),
        ("scores", {"scores": {"Ana": 1, "Bo": 2}, "weight": 1}),
        ("approvals", ["Ana", "Bo"]),
    ],
)
def test_a_table_of_numbers_means_what_the_method_reads(reads: str, first: Any) -> None:
    read = contest(RANKS, "x.csv", reads)
    assert read.candidates == ("Ana", "Bo", "Cy") and read.ballots[0] == first


def test_a_row_may_be_a_ranking_with_a_count() -> None:
    read = contest(ROWS, "x.csv", "ranking")
    assert read.ballots == [
        {"ranking": ["Ana", "Bo"], "weight": 3}, {"ranking": ["Cy", "Ana"], "weight": 2}
    ]  # fmt: skip
    assert contest("Ana,Bo\nBo,Ana\nAna\n", "x.csv").ballots == [
        ["Ana", "Bo"],
        ["Bo", "Ana"],
        ["Ana"],
    ]
    assert contest("vote\nagree\nagree\n", "x.csv", "choice").ballots == [["agree"], ["agree"]]


def test_json_is_read_with_its_own_method_and_totals_alone_are_enough() -> None:
    read = contest(json.dumps(JSON), "x.json")
    assert read.method == "irv"
    assert read.ballots[1] == {"ranking": [["Bo", "Cy"], "Ana"], "count": 2}
    totals = {"candidates": ["A", "B"], "approvals": [3, 5], "method": "approval, top one"}
    read = contest(json.dumps(totals), "x.json")
    assert count(read.ballots, read.method).winners == ("B",)


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("x.blt", "", "is empty"),
        ("x.txt", "hello", "the formats known are blt, csv"),
        ("x.blt", "4\n", "line 1: the first line must be"),
        ("x.blt", "2 1\n1 1 2 0\n", "cut short"),
        ("x.blt", '2 1\n1 1 2 0\n0\n"A"\n', "names for 2 candidates"),
        ("x.blt", '2 1\n1 3 0\n0\n"A"\n"B"\n', "line 2: there is no candidate 3"),
        ("x.blt", "2 1\n1 1 2\n", "line 2: a ballot must be"),
        ("x.blt", "2 1\n-1e9 1 0\n", "line 2"),
        ("x.blt", "2 1\nnan 1 0\n", "nan"),
        ("x.blt", "2 1\n0 1 0\n", "above 0"),
        ("x.toi", "# TITLE: x\n", "no candidates are named"),
        ("x.toi", PREFLIB + "1: 1,{2\n", "line 9: a brace is not closed"),
        ("x.toi", PREFLIB + "1: 1,9\n", "line 9: there is no candidate 9"),
        ("x.toi", PREFLIB + "one: 1\n", "line 9: 'one' is no count"),
        ("x.toi", PREFLIB + "1,2\n", "line 9: an order must be"),
        ("x.pb", PB.partition("VOTES")[0], "cut short"),
        ("x.pb", PB.replace("approval", "cumulative"), "cumulative votes"),
        ("x.csv", "Ana,Bo\n1,2,3\n", "3 cells under 2 names"),
        ("x.csv", "rank 1,count\nAna,x\n", "line 2: the count is 'x'"),
        ("x.json", "{", "cut short"),
        ("x.json", "[]", '"candidates"'),
        ("x.json", '{"candidates": ["A"], "method": "irv"}', 'has no "ballots"'),
        ("x.json", '{"candidates": ["A"], "ballots": [[1, [7]]]}', "ballot 1"),
        ("x.json", '{"candidates": ["A"], "ballots": [3]}', "ballot 1"),
        ("x.json", '{"candidates": ["A", ""], "ballots": []}', "candidate 2 has no name"),
    ],
)
def test_a_file_in_the_wrong_shape_is_told_with_its_line(name: str, text: str, says: str) -> None:
    with pytest.raises(MemberError) as told:
        contest(text, name)
    assert says in str(told.value) and str(told.value).startswith(name)


@given(st.text(max_size=200), st.sampled_from(["blt", "csv", "json", "pb", "toi"]))
def test_any_text_is_read_or_refused(text: str, ending: str) -> None:
    try:
        read = contest(text, f"x.{ending}")
        count(read.ballots, "irv", candidates=read.candidates)
    except MemberError:
        pass


# --- the command ------------------------------------------------------------------------------


def tally(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["tally", *map(str, arguments)])


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / "x.blt").write_text(BLT)
    (tmp_path / "x.json").write_text(json.dumps(JSON))
    (tmp_path / "x.csv").write_text(RANKS)
    (tmp_path / "x.toi.gz").write_bytes(gzip.compress(PREFLIB.encode()))
    (tmp_path / "bad.csv").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "cut.toi.gz").write_bytes(gzip.compress(PREFLIB.encode())[:-9])
    return tmp_path


def test_the_command_prints_winners_and_the_story(files: Path) -> None:
    told = tally(files / "x.blt", "--explain")
    assert told.exit_code == 0, told.output
    assert "Elected: Ana, Dé" in told.output or "Elected: Dé, Ana" in told.output
    assert "Stage 1: 2 to elect" in told.output
    assert "Elected: Ana" in tally(files / "x.toi.gz", "--method", "schulze").output


def test_the_command_prints_json_and_draws(files: Path) -> None:
    told = tally(files / "x.json", "--json", "--svg", files / "x.svg")
    data = json.loads(told.output)
    assert data["winners"] == ["Ana"] and data["method"] == "irv" and data["title"] == "J"
    assert (files / "x.svg").read_text().startswith("<svg")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["x.csv"], "add --method"),
        (["x.csv", "--method", "shulze"], "did you mean 'schulze'?"),
        (["x.csv", "--method", "schulze", "--option", "unrank=apart"], "'unranked'"),
        (["x.csv", "--method", "schulze", "--option", "apart"], "name=value"),
        (["x.csv", "--method", "stv-meek", "--seats", "9"], "only 3 candidates"),
        (["none.csv", "--method", "irv"], "there is no file"),
        (["bad.csv", "--method", "irv"], "not UTF-8"),
        (["cut.toi.gz", "--method", "irv"], "cut short"),
    ],
)
def test_the_command_says_in_a_sentence_what_is_wrong(
    arguments: list[str], says: str, files: Path
) -> None:
    told = tally(files / arguments[0], *arguments[1:])
    assert told.exit_code == 2 and says in told.stderr and told.stderr.count("\n") == 1
