"""Which template is advised: every answer gets advice, every template can be advised."""

import os
import subprocess
import sys
from itertools import product
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from govbot import init_command
from govbot.app import choosing, dispute_templates, governance_templates, open_view
from govbot.choosing import load_choosing
from govbot.cli import main
from govbot.errors import OperatorError


def every_answer() -> list[dict[str, str]]:
    questions = choosing().questions
    given = product(*([answer.name for answer in each.answers] for each in questions))
    return [dict(zip([each.name for each in questions], one, strict=True)) for one in given]


def test_three_short_questions_are_asked() -> None:
    questions = choosing().questions
    assert len(questions) == 3
    for each in questions:
        assert each.asks.endswith("?") and len(each.asks) <= 60
        assert all(len(answer.says) <= 60 for answer in each.answers)


def test_every_answer_leads_to_templates_that_ship_and_every_template_has_its_answers() -> None:
    advised = [choosing().advise(answers) for answers in every_answer()]
    assert {first.template for first, _ in advised} == set(governance_templates())
    assert {second.template for _, second in advised} == set(dispute_templates())
    for advice in (each for pair in advised for each in pair):
        assert advice.because.endswith(".") and len(advice.because) <= 140


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody is there to be asked."""
    monkeypatch.setattr(init_command, "on_terminal", lambda: True)


def init(*arguments: str | Path, answers: str = "") -> Result:
    return CliRunner().invoke(main, ["init", *map(str, arguments)], input=answers)


def types(folder: Path) -> set[str]:
    return set(open_view(folder).community.charters)


def picked(**answers: str) -> str:
    """The numbers of these answers, as an admin types them."""
    places = [
        [answer.name for answer in each.answers].index(answers[each.name]) + 1
        for each in choosing().questions
        if each.name in answers
    ]
    return "".join(f"{place}\n" for place in places)


CONSENT = {"deciding": "agreement", "carrying": "volunteers"}


@pytest.mark.usefixtures("asked")
def test_what_is_advised_is_founded_when_the_admin_confirms_it(tmp_path: Path) -> None:
    answers = picked(**CONSENT, settling="jury") + "\n\n"
    made = init(tmp_path / "c", answers=answers)
    assert made.exit_code == 0, made.output
    assert "I recommend 'consensus'. Everyone decides together" in made.output
    assert "For disputes I recommend 'community-jury'. Members drawn by lot" in made.output
    assert "is founded in" in made.output
    text = (tmp_path / "c" / "constitutions" / "constitution.md").read_text()
    assert "## Article 1" in text and "## Rule 1" in text


@pytest.mark.usefixtures("asked")
def test_an_admin_may_choose_otherwise_than_advised(tmp_path: Path) -> None:
    answers = picked(**CONSENT, settling="jury") + "nonsense\nconsensus\nnone\n"
    made = init(tmp_path / "c", answers=answers)
    assert made.exit_code == 0 and "'nonsense' is not " in made.output
    assert init(tmp_path / "d", "--template", "consensus").exit_code == 0
    assert types(tmp_path / "c") == types(tmp_path / "d")


@pytest.mark.usefixtures("asked")
def test_what_was_said_on_the_command_line_is_not_asked_again(tmp_path: Path) -> None:
    made = init(tmp_path / "c", "--disputes", "community-jury", answers=picked(**CONSENT) + "\n")
    assert made.exit_code == 0 and "How should disputes" not in made.output
    named = init(tmp_path / "d", "--template", "consensus", "--disputes", "community-jury")
    assert named.exit_code == 0 and "?" not in named.output
    assert types(tmp_path / "c") == types(tmp_path / "d")


def test_without_a_terminal_it_says_what_to_name(tmp_path: Path) -> None:
    told = init(tmp_path / "c")
    names = ", ".join(sorted(governance_templates()))
    assert told.exit_code == 2 and told.stdout == ""
    assert told.stderr == f"govbot: name what to start from with --template: {names}\n"
    assert not (tmp_path / "c").exists()


@pytest.mark.parametrize(
    ("told", "falsely", "says"),
    [
        ('deciding = ["agreement"]', 'deciding = ["maybe"]', "has the answer 'maybe'"),
        ('when = { deciding = ["agreement"] }', "when = { tea = [] }\nx = 1", "Extra inputs"),
        ("[[governance]]\n", "[[governance\n", "choosing.toml cannot be read"),
    ],
)
def test_questions_that_do_not_fit_their_advice_are_refused(
    told: str, falsely: str, says: str, tmp_path: Path
) -> None:
    shipped = Path(__file__).parent.parent / "templates" / "choosing.toml"
    text, place = shipped.read_text(), tmp_path / "choosing.toml"
    assert told in text
    place.write_text(text.replace(told, falsely))
    with pytest.raises(OperatorError) as fault:
        load_choosing(place)
    assert says in str(fault.value) and "\n" not in str(fault.value)


def test_the_last_advice_suits_everybody(tmp_path: Path) -> None:
    place = tmp_path / "choosing.toml"
    place.write_text(
        """\
questions = [{ name = "q", asks = "?", answers = [{ name = "a", says = "A" }, { name = "b", says = "B" }] }]
governance = [{ template = "x", when = { q = ["a"] }, because = "." }]
disputes = [{ template = "y", because = "." }]
"""  # noqa: E501
    )
    with pytest.raises(OperatorError, match="the last advice must suit whoever nothing else suits"):
        load_choosing(place)


def test_on_a_real_terminal_it_asks(tmp_path: Path) -> None:
    ours, theirs = os.openpty()
    command = [sys.executable, "-m", "govbot", "init", str(tmp_path / "c")]
    with subprocess.Popen(command, stdin=theirs, stdout=subprocess.PIPE, text=True) as asking:
        os.write(ours, (picked(**CONSENT, settling="jury") + "\n\n").encode())
        told, _ = asking.communicate(timeout=60)
    os.close(ours)
    os.close(theirs)
    assert asking.returncode == 0 and told.count("?") >= 3 and "is founded in" in told
