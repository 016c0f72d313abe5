"""A community whose rules have locked themselves is told so, with the sections that could help."""

from pathlib import Path

from click.testing import CliRunner

from govbot.app import templates
from govbot.cli import main
from govbot.config import reading_beside
from govbot.lockout import stuck, told
from govbot.readingfile import load_reading
from govbot.records import Member
from tests.community import START, Town, live
from tests.gatehouse import gatehouse


def member(name: str, *roles: str) -> Member:
    return Member(id=f"local:{name}", name=name, roles=roles)


def test_a_process_that_nobody_can_open_names_the_rule_that_gives_the_role(tmp_path: Path) -> None:
    reading = load_reading(reading_beside(Path(gatehouse(tmp_path))))
    found = stuck(reading.processes, [member("ana", "member")], START)
    assert [(each.type, each.input) for each in found] == [("party", ""), ("party", "vote")]
    (help,) = found[0].helps
    assert (help.type, help.role, help.open) == ("giving", "key", True)
    assert told(found[0]) == (
        "Nobody can open “Party” any more: nobody has the role 'key'. “Motion to give a key” can"
        " still give it (article-1: “They get it when more members agree than disagree within 1"
        " day.”)."
    )
    assert not stuck(reading.processes, [member("ana", "member", "key")], START)


def test_where_no_rule_is_left_that_could_help_it_says_what_else_does(tmp_path: Path) -> None:
    reading = load_reading(reading_beside(Path(gatehouse(tmp_path))))
    found = stuck(reading.processes, [member("guest", "guest")], START)
    assert {each.type for each in found} == set(reading.processes)
    party = next(each for each in found if each.type == "party")
    assert "“Motion to give a key” would give it (article-1), and nobody can open that" in told(
        party
    )
    assert "force a repair" in told(party)


def test_a_board_without_anybody_is_locked_and_its_election_is_not() -> None:
    reading = load_reading(reading_beside(templates()["elected-board"]))
    found = stuck(reading.processes, [member(n, "member") for n in ("ana", "bo")], START)
    locked = {each.type for each in found if not each.input}
    assert "emergency_measure" in locked and "board_election" not in locked
    measure = next(each for each in found if each.type == "emergency_measure" and not each.input)
    assert [help.type for help in measure.helps if help.open] == ["board_election"]


def test_nobody_is_locked_out_of_what_only_a_running_process_knows() -> None:
    for name in ("jury", "petition", "consensus"):
        reading = load_reading(reading_beside(templates()[name]))
        everyone = [member(n, *reading.roles) for n in ("ana", "bo")]
        assert not [each for each in stuck(reading.processes, everyone, START) if each.missing]


def test_whoever_runs_into_it_is_told_in_chat_and_the_doctor_says_the_same(tmp_path: Path) -> None:
    folder = tmp_path / "ours"

    async def script(town: Town) -> None:
        reply = await town.say("alice", "open the gate for spring")
        assert not reply.ok
        assert "Nobody can open “Party” any more: nobody has the role 'key'." in reply.text

    live(folder, script, gatehouse(tmp_path))
    shown = CliRunner().invoke(main, ["doctor", "--dir", str(folder)])
    assert shown.exit_code == 1
    assert shown.output.startswith("Nobody can open “Party” any more")


def test_a_refusal_that_others_would_not_get_says_no_more(tmp_path: Path) -> None:
    async def script(town: Town) -> None:
        reply = await town.say("alice", "open the gate for spring")
        assert not reply.ok and "any more" not in reply.text

    live(tmp_path / "ours", script, gatehouse(tmp_path), roles={"bob": ("member", "key")})
    shown = CliRunner().invoke(main, ["doctor", "--dir", str(tmp_path / "ours"), "--json"])
    assert (shown.exit_code, shown.output.strip()) == (0, "[]")
