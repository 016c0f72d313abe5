"""The commands as a shell sees them: what they print, where, and with which exit code."""

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from govbot import __version__
from govbot.cli import main


def run(*arguments: str | Path, input: str | None = None) -> Result:
    return CliRunner().invoke(main, [str(each) for each in arguments], input=input)


@pytest.fixture
def town(tmp_path: Path) -> Path:
    """A founded community with one open proposal and a vote."""
    place = tmp_path / "our town"
    people = ("--member", "alice=member", "--member", "bob=member,moderator")
    made = run("init", place, "--template", "example", *people)
    assert made.exit_code == 0, made.output
    lines = "/as alice\nI propose that tea is served at four\n/as bob\nI vote agree on 1\n/quit\n"
    chatted = run("chat", "--dir", place, input=lines)
    assert chatted.exit_code == 0, chatted.output
    return place


def test_help_and_version_answer() -> None:
    shown = run("--help")
    assert shown.exit_code == 0 and "govbot demo" in shown.output
    assert __version__ in run("--version").output
    assert run("nonsense").exit_code == 2


def test_init_says_what_it_made_and_what_is_next(tmp_path: Path) -> None:
    made = run("init", tmp_path / "c", "--template", "consensus", "--zone", "Europe/Berlin")
    assert made.exit_code == 0
    for part in ("is founded", "constitution.md", "signing key", "govbot chat --dir"):
        assert part in made.output
    assert (tmp_path / "c" / ".govbot" / "key").stat().st_mode & 0o777 == 0o600
    again = run("init", tmp_path / "c")
    assert again.exit_code == 2 and "already is a community" in again.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("init", "x", "--template", "consensu"), "there is no template 'consensu'"),
        (("init", "x", "--zone", "Mars/Olympus"), "Mars/Olympus"),
        (("verify", "nowhere"), "nowhere"),
        (("chat", "--dir", "nowhere"), "nowhere"),
        (("ask", "--dir", "nowhere", "who?"), "nowhere"),
        (("process", "list", "--dir", "nowhere"), "nowhere"),
        (("constitution", "lint", "nowhere.md"), "nowhere"),
        (("rebuild", "--dir", "nowhere"), "nowhere"),
        (("audit", "--dir", "nowhere"), "nowhere"),
    ],
)
def test_what_cannot_be_done_is_one_sentence_on_stderr_and_two(
    arguments: tuple[str, ...], says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    told = run(*arguments)
    assert told.exit_code == 2
    assert told.stdout == "" and told.stderr.startswith("govbot: ") and says in told.stderr
    assert told.stderr.count("\n") == 1 and "Traceback" not in told.stderr


def test_a_chat_through_a_pipe_has_no_colours_and_shows_the_buttons(town: Path) -> None:
    lines = "/as alice\n/status 1\n/2\nnonsense words\n/why 1\n"
    said = run("chat", "--dir", town, input=lines)
    assert said.exit_code == 0 and "\x1b" not in said.output
    assert "/1 Agree  /2 Disagree  /3 Abstain" in said.output
    assert "Your vote has been recorded: disagree" in said.output
    assert "I did not understand that" in said.output
    assert run("verify", town).exit_code == 0


def test_ask_answers_in_the_constitution_s_words(town: Path) -> None:
    answer = run("ask", "--dir", town, "who may open a proposal?")
    assert answer.exit_code == 0 and "“Any member may open a proposal.”" in answer.output
    nothing = run("ask", "--dir", town, "zyxw?")
    assert nothing.exit_code == 1 and "found nothing" in nothing.output
    as_json = json.loads(run("ask", "--dir", town, "--json", "who may open a proposal?").output)
    assert as_json["citations"]


def test_processes_are_listed_and_shown(town: Path) -> None:
    listed = run("process", "list", "--dir", town).output
    assert re.match(r"#1 tea is served at four \(standard_proposal: open, discussion, due", listed)
    (row,) = json.loads(run("process", "list", "--dir", town, "--json").output)
    assert row["number"] == 1 and row["status"] == "open"
    assert "Agree: 1" in run("process", "show", "1", "--dir", town).output
    missing = run("process", "show", "9", "--dir", town)
    assert missing.exit_code == 2 and "9" in missing.stderr


def test_the_constitution_is_shown_whole_and_in_parts(town: Path) -> None:
    assert "article-3.1  Article 3" in run("constitution", "show", "--dir", town).output
    assert "6 days minimum" in run("constitution", "show", "article-3.1", "--dir", town).output
    missing = run("constitution", "show", "article-99", "--dir", town)
    assert missing.exit_code == 2 and "article-99" in missing.stderr


def test_lint_is_clean_for_what_ships_and_one_for_what_is_wrong(town: Path) -> None:
    clean = run("constitution", "lint", "--dir", town)
    assert clean.exit_code == 0 and "0 errors" in clean.output
    text = next((town / "constitutions").glob("*.md"))
    text.write_text(text.read_text() + "\nMore.\n")
    wrong = run("constitution", "lint", "--dir", town)
    assert wrong.exit_code == 1 and "error: constitution: the reading is of another" in wrong.output
    assert json.loads(run("constitution", "lint", text, "--json").output)[0]["level"] == "error"


def test_audit_prints_one_or_writes_those_behind(town: Path) -> None:
    printed = run("audit", "1", "--dir", town)
    assert printed.output.startswith("# Process 1: tea is served at four")
    (kept,) = (town / "audits").glob("1-*.md")
    assert kept.read_text() == printed.output
    kept.unlink()
    assert "1 audits written" in run("audit", "--dir", town).output and kept.exists()


def test_verify_is_zero_when_sound_and_one_when_not(town: Path) -> None:
    sound = run("verify", town)
    assert sound.exit_code == 0 and sound.output.rstrip().endswith("Sound.")
    assert json.loads(run("verify", town, "--json").output)["faults"] == []
    (kept,) = (town / "audits").glob("1-*.md")
    kept.write_text(kept.read_text().replace("agree", "disagree", 1))
    broken = run("verify", town)
    assert broken.exit_code == 1 and f"audits/{kept.name}: line" in broken.output


def test_rebuild_makes_the_same_tables_again(town: Path) -> None:
    (town / ".govbot" / "memory.db").unlink()
    assert run("rebuild", "--dir", town).exit_code == 0
    assert run("verify", town).exit_code == 0


def test_an_argument_that_is_no_text_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    made = run("init", tmp_path / "ours", "--template", "consensus", "--name", "a\udcffb")
    assert made.exit_code == 2 and "is not UTF-8; write it in UTF-8" in made.output
    assert not (tmp_path / "ours").exists()


def test_names_of_any_script_name_folders_and_communities(tmp_path: Path) -> None:
    place = tmp_path / "ü \u202e 社区"
    made = run("init", place, "--template", "example", "--name", "Café [red]社区")
    assert made.exit_code == 0 and run("verify", place).exit_code == 0


def test_a_community_starts_from_a_constitution_of_one_s_own(tmp_path: Path) -> None:
    home = Path(__file__).parent.parent / "templates" / "governance"
    for name in ("consensus.md", "consensus.reading.yaml"):
        (tmp_path / name.replace("consensus", "ours")).write_text((home / name).read_text())
    made = run("init", tmp_path / "c", "--template", tmp_path / "ours.md")
    assert made.exit_code == 0 and run("verify", tmp_path / "c").exit_code == 0
    missing = run("init", tmp_path / "d", "--template", tmp_path / "none.md")
    assert missing.exit_code == 2 and "none.md" in missing.stderr
    assert (
        "did you mean 'consensus'" in run("init", tmp_path / "d", "--template", "consensu").stderr
    )
