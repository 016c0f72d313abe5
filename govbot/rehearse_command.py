"""The command that says what an amendment would do before anyone votes on it."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from govbot.options import UNSOUND, dir_option, json_option


@click.command()
@click.argument("amended", type=click.Path(path_type=Path))
@click.option(
    "--reading",
    "rules",
    type=click.Path(path_type=Path),
    help="What the changed text means; else the reading in force, carried over.",
)
@click.option("--short", is_flag=True, help="Only what those who vote on it are told.")
@dir_option
@json_option
def rehearse(amended: Path, rules: Path | None, short: bool, folder: Path, as_json: bool) -> None:
    """Play the past again under an edited copy of the constitution; nothing is written.

    \b
    Example:  govbot rehearse amended.md
    Exit code: 0 if the changed text could come into force, 1 if its lint finds errors.
    """
    from govbot.app import open_view
    from govbot.constitution import Constitution
    from govbot.errors import OperatorError
    from govbot.foresight import foresee, summary, told
    from govbot.ledger import read_entry
    from govbot.readingfile import load_reading
    from govbot.rehearsal import Rules

    text, memory = Constitution.load(amended), open_view(folder)
    before = Rules(memory.reading(), memory.constitution())
    if text.digest == before.constitution.digest and rules is None:
        raise OperatorError(f"{str(amended)!r} is the constitution in force; edit it first")
    reading = load_reading(rules) if rules else None
    entries = (read_entry(data) for _, data in memory.engine.read())
    with _shown(memory.engine.size) as progress:
        members = memory.community.members.values()
        seen = foresee(entries, before, text, reading, members, progress)
    lines = summary(seen) if short else told(seen)
    click.echo(seen.model_dump_json(indent=2) if as_json else "\n".join(lines))
    sys.exit(UNSOUND if seen.grave else 0)


@contextmanager
def _shown(total: int) -> Iterator[Callable[[int], None]]:
    """How far the replay is, where somebody is watching."""
    if not sys.stderr.isatty():
        yield lambda done: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("Rehearsing", total=total)
        yield lambda done: bar.update(task, completed=done)
