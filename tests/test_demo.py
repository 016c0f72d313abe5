"""The acceptance test: Process 125, a block and a jury, from message to verified audit."""

import asyncio
import io
from pathlib import Path

from rich.console import Console

from govbot.app import verify_folder
from govbot.demo import play


def test_the_walk_through_ends_as_written_and_verifies(tmp_path: Path) -> None:
    console = Console(file=io.StringIO(), width=200)
    assert asyncio.run(play(console, tmp_path))
    said = console.file.getvalue()  # type: ignore[attr-defined]
    assert "Process #125 has ended: PASSED" in said
    assert "“agree > disagree” holds with agree = 2, disagree = 1" in said
    audit = next((tmp_path / "example" / "audits").glob("125-*.md")).read_text()
    assert "**Standard proposal 125 has ended: passed.**" in audit
    for name in ("example", "consensus", "community-jury"):
        report = verify_folder(tmp_path / name, [])
        assert report.sound, report.faults
        assert report.checked["calculations"] > 0


def test_the_committed_sample_audits_are_what_the_demo_writes(tmp_path: Path) -> None:
    asyncio.run(play(Console(file=io.StringIO()), tmp_path))
    samples = Path(__file__).parent.parent / "audits"
    for sample in sorted(samples.glob("*/*.md")):
        written = tmp_path / sample.parent.name / "audits" / sample.name
        assert written.read_text() == sample.read_text(), sample.name
    assert len(list(samples.glob("*/*.md"))) >= 4
