"""The stories: every template is played from its first evening to its awkward ends."""

import asyncio
from pathlib import Path

import pytest

from govbot.app import dispute_templates, governance_templates, templates
from govbot.config import reading_beside
from govbot.errors import OperatorError
from govbot.readingfile import load_reading
from govbot.stories import Played, gaps, load_story, play, read_story

HOME = Path(__file__).parent
STORIES = {path.stem: path for path in sorted((HOME / "stories").glob("*.md"))}
STORIES.pop("README")
EXAMPLE = templates()["example"]

SMALL = """\
# Tea: a story

| who | roles |
|---|---|
| alice | member |
| bob | member |

## A vote

Somebody is thirsty.

### 2 March 2026, 18:00

**alice** I propose that tea is
served at four

> Your standard proposal is open
> as Process #1

**bob** I vote agree on 1

### 9 March 2026, 18:00

> announced: Process #1 has ended: PASSED

**bob** I vote disagree on 1

> ended on March 8, 2026 at 18:00 UTC

## In the end

| process | outcome |
|---|---|
| #1 | passed |

| who | roles |
|---|---|
| bob | member |

### The audit of #1

> agree = 1
"""


def played(text: str, folder: Path) -> Played:
    return asyncio.run(play(read_story(text, "tea.md"), str(EXAMPLE), folder / "town"))


@pytest.mark.parametrize("name", sorted(STORIES))
def test_a_story_ends_as_it_is_told_and_shows_everything(name: str, tmp_path: Path) -> None:
    story, template = load_story(STORIES[name]), templates()[name]
    found = asyncio.run(play(story, str(template), tmp_path / "town"))
    assert not found.faults, "\n\n".join(found.faults)
    missing = gaps(story, load_reading(reading_beside(template)), found)
    assert not missing, f"{story.name}: " + "; ".join(missing)


@pytest.mark.parametrize("name", sorted(STORIES))
def test_a_story_is_the_same_where_government_and_disputes_are_together(
    name: str, tmp_path: Path
) -> None:
    forms, ways = sorted(governance_templates()), sorted(dispute_templates())
    place = forms.index(name) if name in forms else ways.index(name)
    pair = forms[place % len(forms)], ways[place % len(ways)]
    found = asyncio.run(play(load_story(STORIES[name]), pair[0], tmp_path / "town", pair[1]))
    assert not found.faults, f"under {' and '.join(pair)}: " + "\n\n".join(found.faults)


def test_a_story_that_is_true_has_no_fault(tmp_path: Path) -> None:
    found = played(SMALL, tmp_path)
    assert not found.faults
    assert found.types == {"standard_proposal"}
    assert found.outcomes == {("standard_proposal", "passed")}


@pytest.mark.parametrize(
    ("told", "falsely", "line", "says"),
    [
        ("> as Process #1", "> as Process #2", 18, "the reply to alice is: @alice Your standard"),
        ("ended: PASSED", "ended: REJECTED", 24, "what was announced is: Process #1 has ended"),
        ("| #1 | passed |", "| #1 | rejected |", 34, "#1 is passed, not rejected"),
        ("| #1 | passed |", "| #2 | passed |", 34, "#2 is not there"),
        ("| bob | member |\n\n###", "| bob | chair |\n\n###", 38, "bob has the roles member"),
        ("> agree = 1", "> agree = 2", 42, "the audit of #1 is"),
        ("**bob** I vote agree on 1", "**bob** I vote maybe on 1", 20, "nothing came of what bob"),
        ("**bob** I vote agree on 1", "**eve** I vote agree on 1", 20, "'eve' is not among"),
        ("**bob** I vote agree on 1", "**juror 1 of #1** I agree", 20, "no 'juror 1 of #1'"),
    ],
)
def test_what_is_told_falsely_is_named_with_its_line(
    told: str, falsely: str, line: int, says: str, tmp_path: Path
) -> None:
    assert SMALL.count(told) == 1
    faults = played(SMALL.replace(told, falsely), tmp_path).faults
    first = next(fault for fault in faults if says in fault)
    assert first.startswith(f"tea.md, line {line}: ")


def test_a_process_that_the_end_leaves_out_is_named(tmp_path: Path) -> None:
    more = "**bob** I propose that we add cake\n\n### 9 March"
    faults = played(SMALL.replace("### 9 March", more), tmp_path).faults
    assert any("the table at the end lacks #2 (" in fault for fault in faults)


def test_what_falls_due_between_two_times_happens_when_it_falls_due(tmp_path: Path) -> None:
    late = SMALL.replace("### 9 March 2026, 18:00", "### 9 June 2026, 18:00")
    assert not played(late, tmp_path).faults  # the stage still ended on the 8th of March


def test_people_of_the_lot_are_told_by_their_place(tmp_path: Path) -> None:
    more = "| bob | member |\n| carol | member |\n\n## A vote"
    said = SMALL.replace("| bob | member |\n\n## A vote", more).replace(
        "**bob** I vote agree on 1",
        "**bystander 1 of #1** I vote agree on 1\n\n> @{bystander 1 of #1} Your vote",
    )
    assert not played(said, tmp_path).faults


@pytest.mark.parametrize(
    ("told", "falsely", "says"),
    [
        ("### 9 March", "### 1 March", "line 22: '1 March 2026, 18:00' is not after"),
        ("### 9 March", "### 39 March", "line 22: there is no time '39 March 2026, 18:00'"),
        ("### 9 March 2026, 18:00", "### Later", "line 22: 'Later' is no heading of a story"),
        ("### The audit of #1", "### Audits", "line 40: 'Audits' is no heading of a story"),
        ("### The audit of #1\n", "", "line 41: say first whose audit"),
        ("| process | outcome |", "| what | outcome |", "line 32: a table here is"),
        ("| #1 | passed |", "| 1 | passed |", "line 34: '1' is no process; write “#1”"),
        ("| #1 | passed |", "| #1 |", "line 32: a table has a head"),
        ("Somebody is thirsty.", "> Thirst", "line 10: nothing has happened above"),
        ("**alice** I", "> Aha\n\n**alice** I", "line 14: a reply needs a message above it"),
        ("> agree = 1", "**bob** bye", "line 42: a message is “**name** words”"),
        ("> agree = 1", ">", "line 42: words that must be found"),
        ("# Tea: a story\n", "\n", "line 1: the story has no title"),
        ("| alice | member |\n| bob | member |\n\n## A", "\n## A", "line 3: a table has a head"),
    ],
)
def test_a_story_that_cannot_be_read_says_where(told: str, falsely: str, says: str) -> None:
    assert told in SMALL
    with pytest.raises(OperatorError) as fault:
        read_story(SMALL.replace(told, falsely, 1), "tea.md")
    assert says in str(fault.value)


def test_a_story_that_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match="none.md cannot be read"):
        load_story(tmp_path / "none.md")


def test_what_a_story_does_not_show_is_told_unless_it_says_why(tmp_path: Path) -> None:
    found, reading = played(SMALL, tmp_path), load_reading(reading_beside(EXAMPLE))
    missing = gaps(read_story(SMALL, "tea.md"), reading, found)
    assert "no standard_proposal ends or goes on as “rejected”" in missing
    assert any(each.startswith("no ") and each.endswith("is opened") for each in missing)
    excused = "Not shown here: rejected, `urgent_proposal.passed` and passed, because of tea.\n\n##"
    told = gaps(read_story(SMALL.replace("## In", f"{excused} In", 1), "tea.md"), reading, found)
    assert not [each for each in told if "rejected" in each]
    wrong = SMALL.replace("## In", "Not shown here: drunk, because of tea.\n\n## In", 1)
    assert "line 30: 'drunk' is no outcome of its reading" in gaps(
        read_story(wrong, "tea.md"), reading, found
    )
    shown = "Not shown here: standard_proposal.passed, because of tea.\n\n## In"
    assert "line 30: 'standard_proposal.passed' is shown after all" in gaps(
        read_story(SMALL.replace("## In", shown, 1), "tea.md"), reading, found
    )
