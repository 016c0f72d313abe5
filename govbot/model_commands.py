"""The commands around models and readings: drafting, ratifying, measuring, costs."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from govbot.options import UNSOUND, console, dir_option, json_option, run

if TYPE_CHECKING:
    from rich.text import Text

    from govbot.constitution import Constitution
    from govbot.drafting import Draft, Told
    from govbot.review import Row


@click.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option(
    "--model", "models", required=True, multiple=True,
    help="Who reads, as provider:model; may be repeated.",
)  # fmt: skip
@click.option(
    "--agree", default=1, show_default=True, type=click.IntRange(min=1),
    help="How many of them must say the same; people see every version of the rest.",
)  # fmt: skip
@click.option("--out", type=click.Path(path_type=Path), help="Where to put the draft.")
@click.option(
    "--window", default=20_000, show_default=True, type=click.IntRange(min=500),
    help="Characters of the text in one prompt; a small model reads small parts better.",
)  # fmt: skip
@click.option(
    "--at-most", default=8, show_default=True, type=click.IntRange(min=1),
    help="How many process types to draft; the others are named.",
)  # fmt: skip
def read(
    path: Path, models: tuple[str, ...], agree: int, out: Path | None, window: int, at_most: int
) -> None:
    """Draft the reading of a constitution with a model, for people to check and ratify.

    \b
    Example:  govbot constitution read ours.md --model anthropic:claude-sonnet-5
    """
    import os

    from govbot.agreement import joined
    from govbot.archive import write_whole
    from govbot.config import reading_beside
    from govbot.constitution import Constitution
    from govbot.drafting import draft
    from govbot.llm.named import provider_named
    from govbot.readingfile import load_reading
    from govbot.review import as_yaml

    if agree > len(models):
        raise click.UsageError(f"{agree} of {len(models)} models cannot agree; name more --model")
    text = Constitution.load(path)
    beside = reading_beside(path)
    earlier = load_reading(beside) if beside.is_file() else None
    with _progress() as told:
        drafts = {
            model: run(
                draft(text, provider_named(model, os.environ), window, earlier, at_most, told)
            )
            for model in models
        }
    drafted = joined(drafts, agree)
    place = out or (beside.with_suffix(".draft.yaml") if earlier else beside)
    write_whole(place, as_yaml(drafted))
    _tell(drafted, text)
    other = "" if place == beside else f" --reading {place}"
    click.echo(f"The draft is in {place}. It has no force yet.")
    click.echo(f"Check every rule, correct it, then: govbot constitution lint {path}{other}")


@contextmanager
def _progress() -> "Iterator[Told]":
    """Shows what is being read: a bar in a terminal, a line for each step elsewhere."""
    from rich.console import Console
    from rich.progress import Progress, TimeElapsedColumn

    shown = Console(stderr=True)
    with Progress(
        *Progress.get_default_columns()[:2], TimeElapsedColumn(), console=shown, transient=True
    ) as bar:
        task = bar.add_task("Reading", total=None)

        def told(what: str, done: int, of: int) -> None:
            bar.update(task, description=f"Reading: {what}"[:70], completed=done, total=of)
            if not shown.is_terminal:
                click.echo(f"{done + 1} of {of}: {what}", err=True)

        yield told


def _tell(drafted: "Draft", text: "Constitution") -> None:
    """The table that people check, then what could not be drafted or grounded."""
    from rich.table import Table
    from rich.text import Text

    from govbot.review import counted, review

    table = Table(
        "rule · value", "the text round its quote", "grounded or not · lint", show_lines=True
    )
    for row in review(drafted, text):
        doubts = "\n".join((row.held, *row.findings)).strip()
        table.add_row(Text(f"{row.rule}\n{row.value}".strip()), _quote(row), Text(doubts))
    if table.row_count:
        console().print(table)
    for each in drafted.drafted:
        for said in (*each.problems, *each.notes):
            click.echo(f"{each.title}: {said}")
    for note in drafted.notes:
        click.echo(note)
    grounded, not_grounded, noted = counted(drafted, text)
    click.echo(
        f"Processes: {len(drafted.reading.processes)}. Rules grounded: {grounded},"
        f" not: {not_grounded}. Notes: {noted}."
    )


def _quote(row: "Row") -> "Text":
    """The quote among its neighbours. Not markup: a text may have brackets."""
    from rich.text import Text

    if not row.text:
        return Text()
    parts = [(row.before, "dim"), (f"“{row.text}”", "bold"), (row.after, "dim")]
    return Text(" ").join([Text(f"{row.section}:"), *(Text(*part) for part in parts if part[0])])


@click.command()
@click.option("--by", required=True, help="Who ratified it, and where, as people should read it.")
@dir_option
def ratify(by: str, folder: Path) -> None:
    """Put the reading beside the constitution in force. Open processes keep their old rules.

    \b
    Example:  govbot constitution ratify --by "the members, vote 12"
    """
    from govbot.app import ratify as put_in_force

    before, after = run(put_in_force(folder, by))
    click.echo(f"The reading {after} is in force, instead of {before}.")


@click.command("eval")
@click.argument("cases", type=click.Path(path_type=Path))
@click.option("--model", default="", metavar="PROVIDER:MODEL", help="Who reads; nobody: phrases.")
@click.option("--repeat", default=1, show_default=True, help="How often each case is played.")
@click.option("--record", type=click.Path(path_type=Path), help="Keep the model's answers here.")
@click.option("--replay", type=click.Path(path_type=Path), help="Answer from such a recording.")
@click.option("--tag", "tags", multiple=True, help="Only cases with this tag; may be repeated.")
@json_option
def evaluate(
    cases: Path, model: str, repeat: int, record: Path | None, replay: Path | None,
    tags: tuple[str, ...], as_json: bool,
) -> None:  # fmt: skip
    """Measure how well messages are read: right, asked back, wrong, at what cost.

    \b
    Example:  govbot eval tests/cases --model openai:gpt-5.4-mini --repeat 3
    Exit code: 0 if nothing wrong was done and nothing ungrounded said, else 1.
    """
    from rich.console import Console
    from rich.progress import Progress

    from govbot.app import measured_readers
    from govbot.evaluation import evaluate as measured
    from govbot.evaluation import load_cases

    chosen = [case for case in load_cases(cases) if set(tags) <= set(case.tags)]
    make, spent = measured_readers(model, record, replay)
    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("Playing", total=len(chosen) * repeat)
        report = run(measured(chosen, make, repeat, spent, lambda outcome: bar.advance(task)))
    click.echo(report.plain() if as_json else report.markdown())
    sys.exit(UNSOUND if report.count("wrong") or report.count("ungrounded") else 0)


@click.command()
@dir_option
@json_option
def usage(folder: Path, as_json: bool) -> None:
    """What models have cost the community this month, in tokens and money.

    \b
    Example:  govbot usage --dir ours
    """
    import json

    from govbot.app import utc_now
    from govbot.config import Folder
    from govbot.llm.usage import UsageLog

    home = Folder(folder)
    settings = home.settings().model
    log, now = UsageLog(home.usage, settings.prices), utc_now()
    if as_json:
        click.echo(json.dumps([each.model_dump(mode="json") for each in log.month(now)], indent=2))
        return
    for each in log.month(now):
        cost = "no price given" if each.cost is None else f"{each.cost:.4f}"
        click.echo(
            f"{each.model}: {each.calls} calls, {each.read:,} tokens read ({each.cached:,} cached),"
            f" {each.written:,} written, cost {cost}"
        )
    limit = settings.monthly_limit
    click.echo(f"This month: {log.cost(now):.4f}" + (f" of {limit}" if limit is not None else ""))
