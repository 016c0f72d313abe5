"""Real contests: the official outcome, and what `govbot tally` makes of the same ballots."""

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from conftest import SHARED

from govbot.contests import count_contest, load_contest
from govbot.tools.results import TallyResult

ELECTIONS = SHARED / "elections"
INDEX: list[dict[str, Any]] = (
    json.loads((ELECTIONS / "INDEX.json").read_text()) if ELECTIONS.is_dir() else []
)
ORACLES = [contest["id"] for contest in INDEX if contest["oracle"]]
OFFICIAL = {contest["id"]: set(map(str, contest["official_winners"])) for contest in INDEX}
# Ranked fourth, and kept from a seat by a cap on seats for one employer, which ballots do not tell.
PASSED_OVER = {"condorcet_kubernetes/steering-2017": ["Michael Rubin"]}


def file_of(id: str) -> Path:
    return next(ELECTIONS.glob(f"{id}.json*"))


def counted(id: str) -> TallyResult:
    contest = load_contest(file_of(id), "", lambda done: None)
    return count_contest(contest, "", 0, passed_over=PASSED_OVER.get(id, []))


@pytest.mark.skipif(not ORACLES, reason="needs ../shared/data beside the checkout")
@pytest.mark.parametrize("id", ORACLES or ["none"])
def test_the_winners_are_the_official_ones(id: str) -> None:
    result = counted(id)
    assert set(result.winners) == OFFICIAL[id]
    assert result.explanation and result.svg().startswith("<svg")


def test_there_are_contests_of_every_family(shared: Path) -> None:
    families = {id.partition("/")[0] for id in ORACLES}
    assert len(ORACLES) >= 60 and len(families) == 8


def test_scottish_stages_are_exact_to_the_fifth_decimal(shared: Path) -> None:
    checked = 0
    for id in (id for id in ORACLES if id.startswith("stv_scottish/")):
        data = json.loads(file_of(id).read_text())
        result, official = counted(id), data["official"]
        assert result.quota == official["quota"]
        for stage, totals in zip(result.rounds, official["stage_totals"], strict=False):
            for name, total in zip(data["candidates"], totals, strict=True):
                assert stage.counts.get(name, 0) == Fraction(total), (id, name)
                checked += 1
    assert checked > 250


def test_a_published_ranking_is_found_again(shared: Path) -> None:
    file = file_of("condorcet_debian/gr-2019-002-systemd")
    result = count_contest(load_contest(file, "schulze", lambda done: None), "schulze", 0)
    ranking = json.loads(file.read_text())["official"]["ranking"]
    assert [name for level in result.ranking for name in level] == ranking


def test_without_the_employer_cap_the_fourth_ranked_is_seated(shared: Path) -> None:
    id = "condorcet_kubernetes/steering-2017"
    plain = count_contest(load_contest(file_of(id), "", lambda done: None), "", 0)
    official = json.loads(file_of(id).read_text())["official"]
    assert set(plain.winners) - OFFICIAL[id] == {"Michael Rubin"}
    assert [name for level in plain.ranking for name in level][:7] == official["ranking"][:7]


def test_contests_that_are_no_oracle_are_read_and_say_what_they_lack(shared: Path) -> None:
    assert counted("condorcet_debian/dpl-2006").winners  # its tied ballots are missing
    contest = load_contest(file_of("stv_other/nixos-sc-2024"), "", lambda done: None)
    assert contest.method == "" and len(count_contest(contest, "stv-scottish", 0).winners) == 7
