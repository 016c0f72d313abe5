"""The model reader on what a real local model answered: recorded once, replayed here."""

import asyncio
from pathlib import Path

import pytest

from govbot.evaluation import evaluate, load_cases
from govbot.llm.recorded import Tape
from govbot.readers.model import ModelReader
from govbot.readers.offline import OfflineReader

HERE = Path(__file__).parent
TAPES = sorted((HERE / "tapes").glob("*.jsonl"))


@pytest.mark.parametrize("path", TAPES, ids=lambda path: path.stem)
def test_a_recorded_model_does_nothing_wrong_and_says_nothing_ungrounded(path: Path) -> None:
    """Recorded by `govbot eval tests/cases/NAME.toml --model … --record tests/tapes/NAME.jsonl`."""
    tape = Tape(path)
    cases = load_cases(HERE / "cases" / f"{path.stem}.toml")
    report = asyncio.run(evaluate(cases, lambda: ModelReader(tape, OfflineReader())))
    assert report.count("wrong") == 0 and report.count("ungrounded") == 0
    assert tape.unplayed == []
    assert report.count("asked") > 0  # it read what no phrase fits


def test_there_is_a_tape_for_every_file_of_cases() -> None:
    assert {path.stem for path in TAPES} == {p.stem for p in (HERE / "cases").glob("*.toml")}
