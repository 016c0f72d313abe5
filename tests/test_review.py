"""A draft as people see it: every rule beside its words, every doubt in the table and the file."""

import asyncio
from pathlib import Path

import pytest
from click.testing import CliRunner
from drafts import FOUND, RULES, TEXT, WRONG, Reads, processes, quoted

from govbot.chartering import DraftRules, FoundProcess, Quoted
from govbot.cli import main
from govbot.constitution import Constitution
from govbot.drafting import Draft, FoundProcesses, draft
from govbot.readingfile import load_reading, read_reading
from govbot.review import Row, as_yaml, counted, review

CONSTITUTION = Constitution(TEXT)
FIRST, NONE = processes(FOUND), processes()


def drafted(*rules: DraftRules, found: FoundProcesses = FIRST, text: str = TEXT) -> Draft:
    return asyncio.run(draft(Constitution(text), Reads([found], *rules), 10_000))


def rows(found: Draft) -> dict[str, Row]:
    return {row.rule: row for row in review(found, CONSTITUTION)}


def test_every_rule_has_its_value_its_words_and_whether_they_carry_it() -> None:
    found = rows(drafted(RULES))
    lasts = found["motion.stages.vote.lasts"]
    assert (lasts.value, lasts.section, lasts.held, lasts.findings) == (
        "6 days", "section-2", "grounded", ()
    )  # fmt: skip
    assert (lasts.before, lasts.text, lasts.after) == (
        "", "A motion is open for 6 days.", "At least 3 members must vote."
    )  # fmt: skip
    quorum = found["motion.stages.vote.outcomes.1"]
    assert quorum.before == "A motion is open for 6 days."
    assert quorum.after == "Members agree or disagree."
    assert found["motion.opened_by"].value == "'member' in roles"
    assert found["motion.stages.vote.inputs.vote"].value == "agree, disagree by 'member' in roles"
    assert found["motion.stages.vote.outcomes.1"].value == "votes < 3: no quorum"
    assert found["motion"].value == "Motion"
    assert all(row.grounded for row in found.values() if row.text)


def test_what_the_lint_finds_stands_at_its_rule_or_in_a_row_of_its_own() -> None:
    found = rows(drafted(WRONG))
    assert found["motion.vote"].text == "" and "motion.stages.vote.lasts" not in found
    ends, tie = found["motion.vote"].findings
    assert ends.startswith("error: the stage never ends")
    assert "does not say what happens with agree = 0, disagree = 3" in tie
    text = TEXT.replace("6 days.", "6 days. However, in winter it is open for longer.")
    winter = drafted(RULES, text=text)
    row = next(r for r in review(winter, Constitution(text)) if r.rule.endswith("lasts"))
    assert not row.grounded and "However, in winter" in row.held and row.findings == ()


def test_a_quote_without_a_place_in_the_charter_is_shown_too() -> None:
    abstaining = quoted("agree", "Members agree or disagree.")
    more = RULES.model_copy(update={"abstaining": abstaining, "choices": abstaining})
    text = TEXT.replace("Members agree or disagree.", "Members agree, disagree or pass.")
    whole = "Members agree, disagree or pass."
    passing = {"abstaining": quoted("pass", whole), "choices": quoted("agree, disagree", whole)}
    found = drafted(more.model_copy(update=passing), text=text)
    beside = [r for r in review(found, Constitution(text)) if "no place" in r.value]
    assert [row.rule for row in beside] == ["motion, abstaining", "motion, choices"]
    assert "  # Beside, abstaining: section-2: “Members agree, disagree or pass.”" in as_yaml(found)


def test_figures_count_rules_with_quotes_and_everything_noted() -> None:
    assert counted(drafted(RULES), CONSTITUTION) == (7, 0, 0)
    ghost = FoundProcess(title="Coup", quote="Anyone may seize power.")
    both = processes(ghost, FOUND)
    grounded, not_grounded, noted = counted(drafted(WRONG, found=both), CONSTITUTION)
    assert (grounded, not_grounded) == (6, 0) and noted >= 2


def test_the_file_has_what_stands_in_the_way_above_each_process() -> None:
    found = drafted(WRONG)
    lines = as_yaml(found).splitlines()
    at = lines.index("  motion:")
    above = "\n".join(lines[:at])
    assert "  # Not grounded: lasts: “A motion is open for 9 days.” does not stand" in above
    assert "  # error: vote: the stage never ends: it has no `lasts`" in above
    assert lines[0].startswith("# Drafted by a model; nobody has ratified it.")
    assert read_reading(as_yaml(found), "draft") == found.reading


@pytest.mark.parametrize(
    "said",
    ["x\ny: [", "\x00\x07\x1b[31m", "\u2028processes: {}\u2029", "\ufeff", "# " * 900, "{a}"],
)
def test_nothing_a_model_says_ends_a_comment(said: str) -> None:
    title = FoundProcess(title=said, quote=said)
    wrong = RULES.model_copy(update={"lasts": Quoted(value=said, quote=said), "voters": Quoted(
        value=said, quote="Members agree or disagree.")})  # fmt: skip
    named = FoundProcess(title=said, quote=FOUND.quote)
    found = drafted(wrong, found=processes(title, named))
    assert read_reading(as_yaml(found), "draft") == found.reading
    assert max(map(len, as_yaml(found).splitlines())) < 700


# --- the commands -------------------------------------------------------------------------------


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> list[Reads]:
    """The reader that any name names: the last of these."""
    readers: list[Reads] = []
    monkeypatch.setattr("govbot.llm.named.provider_named", lambda spoken, environ: readers[-1])
    return readers


def command(*words: object) -> str:
    done = CliRunner().invoke(main, ["constitution", *map(str, words)])
    assert done.exit_code == 0, done.output
    return done.output


def test_a_draft_is_shown_saved_and_linted(tmp_path: Path, model: list[Reads]) -> None:
    path = tmp_path / "garden.md"
    path.write_text(TEXT)
    model.append(Reads([FIRST], RULES))
    told = command("read", path, "--model", "any:model", "--at-most", 3, "--window", 5000)
    assert "Processes: 1. Rules grounded: 7, not: 0. Notes: 0." in told
    assert (
        "│ 6 days" in told
        and "│ grounded" in told
        and "section-2: " in told
        and "“A motion is" in told
    )
    assert "1 of 1: Motion" in told  # progress, where nobody sees a bar
    reading = load_reading(tmp_path / "garden.reading.yaml")
    assert list(reading.processes) == ["motion"]
    assert "0 errors" in command("lint", path)


def test_a_draft_never_takes_the_place_of_a_reading(tmp_path: Path, model: list[Reads]) -> None:
    path, beside = tmp_path / "garden.md", tmp_path / "garden.reading.yaml"
    path.write_text(TEXT)
    model.append(Reads([FIRST], RULES))
    command("read", path, "--model", "any:model")
    before = beside.read_bytes()
    model.append(Reads([NONE]))
    path.write_text(TEXT.replace("6 days", "[5 days]"))
    told = command("read", path, "--model", "any:model")
    new = beside.with_suffix(".draft.yaml")
    assert beside.read_bytes() == before and new.is_file()
    assert f"govbot constitution lint {path} --reading {new}" in told.replace("\n", "")
    assert "motion is read again" in told and "Processes: 0." in told
    assert "0 errors" in command("lint", path, "--reading", new)
    elsewhere = tmp_path / "drafts" / "mine.yaml"
    model.append(Reads([NONE]))
    command("read", path, "--model", "any:model", "--out", elsewhere)
    assert elsewhere.is_file()


def test_brackets_in_a_text_are_no_markup(tmp_path: Path, model: list[Reads]) -> None:
    path = tmp_path / "garden.md"
    path.write_text(TEXT.replace("6 days.", "6 days [/bold] [see](#there)."))
    quote = "A motion is open for 6 days [/bold] [see](#there)."
    found = FOUND.model_copy(update={"quote": quote})
    rules = RULES.model_copy(update={"lasts": quoted("6 days", quote)})
    model.append(Reads([processes(found)], rules))
    told = command("read", path, "--model", "any:model")
    assert "[/bold]" in told


def test_an_empty_answer_is_a_draft_of_nothing(tmp_path: Path, model: list[Reads]) -> None:
    path = tmp_path / "garden.md"
    path.write_text(TEXT)
    model.append(Reads([FIRST], DraftRules()))
    told = command("read", path, "--model", "any:model")
    assert "Processes: 0. Rules grounded: 0" in told and "Motion: " in told
    assert "0 errors" in command("lint", path)
