"""The pages about the templates are what their texts, readings and stories say."""

from pathlib import Path

import pytest

from govbot.app import checked, dispute_templates, governance_templates, templates
from govbot.errors import OperatorError
from govbot.handbook import BEGIN, page, pages
from govbot.stories import load_story

ROOT = Path(__file__).parent.parent
SHIPPED = {**governance_templates(), **dispute_templates()}


@pytest.fixture(scope="module")
def made() -> dict[Path, str]:
    return pages(ROOT)


@pytest.mark.parametrize("name", sorted(SHIPPED))
def test_a_template_s_page_is_true(name: str, made: dict[Path, str]) -> None:
    place = ROOT / "docs" / "templates" / f"{name}.md"
    assert place.read_text() == made[place], "run `python -m govbot.handbook`"


def test_the_readme_s_table_is_true(made: dict[Path, str]) -> None:
    assert (ROOT / "README.md").read_text() == made[ROOT / "README.md"], (
        "run `python -m govbot.handbook`"
    )


def test_no_page_is_left_of_a_template_that_is_gone() -> None:
    kept = {path.stem for path in (ROOT / "docs" / "templates").glob("*.md")}
    assert kept == set(SHIPPED)


def test_a_page_says_what_for_who_how_long_and_how_it_ends() -> None:
    path = SHIPPED["consensus"]
    shown = page(path, *checked(path), load_story(ROOT / "tests" / "stories" / "consensus.md"))
    lines = shown.splitlines()
    assert lines[0] == "# Consensus Constitution"
    assert "    govbot init ours --template consensus" in lines
    assert "We decide together, in the open" in shown.partition("## Roles")[0]
    row = next(line for line in lines if line.startswith("| Urgent proposal |"))
    assert "“Any member may bring an urgent proposal where waiting would do harm.”" in row
    assert "Urgent call: 24 hours, or until it is done" in row
    assert row.endswith("| stopped, adopted, lapsed |")
    assert "### A facilitator is found" in lines and "**fay** I accept the nomination in 1" in lines


def test_a_page_for_disputes_says_how_to_put_it_at_a_constitution_s_end() -> None:
    path = SHIPPED["community-jury"]
    shown = page(path, *checked(path), load_story(ROOT / "tests" / "stories" / path.name))
    assert "govbot init ours --template consensus --disputes community-jury" in shown
    assert "not heard" in next(line for line in shown.splitlines() if line[:12] == "| Complaint ")


def test_a_readme_without_a_place_for_the_table_is_told_so(tmp_path: Path) -> None:
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "stories").symlink_to(ROOT / "tests" / "stories")
    (tmp_path / "README.md").write_text(f"# Ours\n\n{BEGIN}\n")
    with pytest.raises(OperatorError, match="README.md lacks the lines"):
        pages(tmp_path)


def test_every_template_has_a_story_and_every_story_a_template() -> None:
    told = {path.stem for path in (ROOT / "tests" / "stories").glob("*.md")} - {"README"}
    assert told == set(SHIPPED) and set(SHIPPED) == set(templates()) - {"example"}
