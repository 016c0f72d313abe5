"""The commands. Each prints, and sets the exit code: 0 ok, 1 not sound, 2 cannot be done.

Imports what a command needs inside it, so that `govbot --help` answers at once.
"""

import gc
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from govbot.constitution_commands import adopt, amend, diff, swap
from govbot.discord_commands import discord_group, run_group
from govbot.init_command import init
from govbot.model_commands import evaluate, ratify, read, usage
from govbot.options import (
    CANNOT,
    UNSOUND,
    console,
    dir_option,
    json_option,
    model_option,
    run,
)
from govbot.rehearse_command import rehearse
from govbot.repair_commands import doctor, repair

if TYPE_CHECKING:
    from rich.console import Console

    from govbot.memory import Memory
    from govbot.verify import Report

LARGE = 1_000_000  # bytes of a file from which its reading is shown


class _Commands(click.Group):
    """Turns what an operator or member can mend into one sentence and an exit code."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        for argument in args:
            try:
                argument.encode()
            except UnicodeEncodeError:
                raise click.UsageError(f"{argument!r} is not UTF-8; write it in UTF-8") from None
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        from govbot.errors import GovbotError

        try:
            return super().invoke(ctx)
        except GovbotError as error:
            click.echo(f"govbot: {error}", err=True)
            sys.exit(CANNOT)


def collect_rarely() -> None:
    """Most of what a bot holds stays; looking through it for waste again and again is waste."""
    gc.set_threshold(50_000, 20, 20)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="govbot")
def main() -> None:
    """Run a community by its own written constitution, and prove that you did.

    \b
    Try it:        govbot demo
    Your own:      govbot init ours --template consensus
                   cd ours && govbot chat
    Check it:      govbot verify
    """
    collect_rarely()


@main.command()
@click.option("--dir", "folder", type=click.Path(path_type=Path), help="Where to leave it.")
@model_option
def demo(folder: Path | None, model: str) -> None:
    """Watch three communities govern themselves; audits and ledgers are left in a folder.

    \b
    Example:  govbot demo --dir demo
    """
    import tempfile

    from govbot.demo import play

    place = folder or Path(tempfile.mkdtemp(prefix="govbot-demo-"))
    sound = run(play(console(), place, model))
    click.echo(f"Everything is in {place}. Check it yourself: govbot verify {place / 'example'}")
    sys.exit(0 if sound else UNSOUND)


@main.command()
@dir_option
@model_option
def chat(folder: Path, model: str) -> None:
    """Be the members of a local community, with a real ledger and a real clock.

    \b
    Example:  govbot chat --dir ours
    """
    import logging

    from rich.logging import RichHandler

    shown = console()
    handler = RichHandler(console=shown, show_time=False, show_path=False)
    logging.basicConfig(level=logging.WARNING, format="%(message)s", handlers=[handler])
    run(_chat(folder, shown, model))


async def _chat(folder: Path, console: "Console", model: str) -> None:
    import asyncio
    import contextlib

    from govbot.app import open_bot
    from govbot.audit import file_name
    from govbot.config import Folder
    from govbot.parts import Announcement, Reply
    from govbot.records import Request
    from govbot.surfaces import answered
    from govbot.surfaces.terminal import Terminal

    async def announce(told: Announcement) -> None:
        await terminal.announce(told)

    terminal: Terminal
    bot = None
    settings = Folder(folder).settings()
    terminal = Terminal(
        settings, console, lambda id: str(bot.folder.audits / file_name(bot.memory.get_process(id)))
        if bot else "",
    )  # fmt: skip
    bot = await open_bot(folder, announce, model=model)
    for name in settings.members:  # here the settings are the platform that knows who is a member
        await bot.agent.meet(terminal.member(name))

    async def handle(request: Request) -> Reply:
        with console.status("Looking it up …"):  # a model or a rehearsal takes its time
            reply = await answered(request, bot.agent.handle)
        bot.scheduler.wake()
        return reply

    keeping_time = asyncio.create_task(bot.run())
    try:
        async for request in terminal.inbox():
            await terminal.send(request, await handle(request))
            await asyncio.sleep(0)  # announcements the reply brought about come right after it
    finally:
        keeping_time.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await keeping_time
        await bot.close()


def _view(folder: Path) -> "Memory":
    from govbot.app import open_view

    return open_view(folder)


@main.command()
@click.argument("question", nargs=-1, required=True)
@dir_option
@model_option
@json_option
def ask(question: tuple[str, ...], folder: Path, model: str, as_json: bool) -> None:
    """Ask the constitution; the answer is made of its own words.

    \b
    Example:  govbot ask "who may extend a discussion?"
    """
    from govbot.app import reader_for, utc_now
    from govbot.config import Folder

    home, text = Folder(folder), _view(folder).constitution()
    reader = reader_for(home, home.settings(), utc_now, model)
    guidance = run(reader.answer(" ".join(question), text))
    if as_json:
        click.echo(guidance.model_dump_json(indent=2))
    else:
        click.echo(guidance.answer)
    sys.exit(UNSOUND if guidance.confidence == "none" else 0)


@main.group()
def process() -> None:
    """Look at processes."""


@process.command("list")
@click.option("--all", "everything", is_flag=True, help="Those that have ended too.")
@dir_option
@json_option
def process_list(folder: Path, everything: bool, as_json: bool) -> None:
    """The processes of a community.

    \b
    Example:  govbot process list --all
    """
    import json

    where = "" if everything else "where status in ('open', 'paused')"
    rows = _view(folder).projection.query(f"select * from processes {where} order by number")
    if as_json:
        click.echo(json.dumps(rows, indent=2))
        return
    for row in rows:
        state = row["outcome"] if row["status"] == "ended" else f"{row['status']}, {row['stage']}"
        due = f", due {row['due'][:16].replace('T', ' ')} UTC" if row["due"] else ""
        click.echo(f"#{row['number']} {row['title']} ({row['type']}: {state}{due})")
    if not rows:
        click.echo("No process is open." if not everything else "There has been no process yet.")


@process.command("show")
@click.argument("number", type=int)
@dir_option
def process_show(number: int, folder: Path) -> None:
    """Where one process stands.

    \b
    Example:  govbot process show 125
    """
    from govbot.replies import spoken, status

    memory = _view(folder)
    found = memory.get_process(number)
    rules = memory.constitution(found.constitution)
    click.echo(spoken(status(found, rules, memory.community)))


@main.group()
def constitution() -> None:
    """Look at the constitution and its reading."""


@constitution.command("show")
@click.argument("section", required=False)
@dir_option
def constitution_show(section: str | None, folder: Path) -> None:
    """The constitution in force: its sections, or the text of one.

    \b
    Example:  govbot constitution show article-3.1
    """
    from govbot.errors import OperatorError

    text = _view(folder).constitution()
    if section is None:
        click.echo(f"{text.title} ({text.digest})")
        for each in text.sections:
            click.echo(f"  {each.id}  {each.breadcrumb}")
        return
    found = text.section(section)
    if found is None:
        raise OperatorError(f"there is no section {section!r}; leave it out to see them all")
    click.echo(found.text)


@constitution.command("lint")
@click.argument("path", type=click.Path(path_type=Path), required=False)
@click.option(
    "--reading", type=click.Path(path_type=Path),
    help="The reading to check, such as a draft; else the one beside the constitution.",
)  # fmt: skip
@dir_option
@json_option
def constitution_lint(path: Path | None, reading: Path | None, folder: Path, as_json: bool) -> None:
    """Check a constitution's reading: quotes, numbers, names, ties, ends, what is not said.

    \b
    Example:  govbot constitution lint constitutions/ours.md
    """
    import json

    from govbot.config import Folder, reading_beside
    from govbot.constitution import Constitution
    from govbot.lint import lint
    from govbot.readingfile import load_reading
    from govbot.silences import silences

    home = Folder(folder)
    path = path or home.constitution(home.settings())
    rules, text = load_reading(reading or reading_beside(path)), Constitution.load(path)
    found = [*lint(rules, text), *silences(rules, text)]
    if as_json:
        click.echo(json.dumps([finding.model_dump() for finding in found], indent=2))
    for finding in () if as_json else found:
        click.echo(f"{finding.level}: {finding.where}: {finding.what}")
    grave = sum(finding.level == "error" for finding in found)
    if not as_json:
        click.echo(f"{grave} errors, {len(found) - grave} other findings.")
    sys.exit(UNSOUND if grave else 0)


for _command in (read, ratify, diff, swap, adopt):
    constitution.add_command(_command)
for _command in (
    amend, doctor, evaluate, init, rehearse, repair, usage, run_group, discord_group,
):  # fmt: skip
    main.add_command(_command)


@main.command()
@click.argument("number", type=int, required=False)
@dir_option
def audit(number: int | None, folder: Path) -> None:
    """Print a process's audit; without a number, write every audit that is behind.

    \b
    Example:  govbot audit 125
    """
    from govbot.archive import Archive
    from govbot.config import Folder

    memory = _view(folder)
    archive = Archive(memory, Folder(folder).audits)
    if number is not None:
        click.echo(archive.render(memory.get_process(number)), nl=False)
        return
    behind = archive.behind()
    archive.write(behind)
    archive.write_index()
    click.echo(f"{len(behind)} audits written to {archive.folder}.")


@main.command()
@click.argument("folder", type=click.Path(path_type=Path), default=Path())
@click.option("--checkpoint", "kept", multiple=True, type=click.Path(path_type=Path),
              help="A checkpoint you kept from earlier; may be repeated.")  # fmt: skip
@click.option("--vkey", default="", help="The key you know to sign it; else the folder's own.")
@json_option
def verify(folder: Path, kept: tuple[Path, ...], vkey: str, as_json: bool) -> None:
    """Check everything again: chain, signatures, quotes, sums, outcomes, tables and audits.

    \b
    Example:  govbot verify ours --checkpoint kept-in-march
    Exit code: 0 sound, 1 not sound, 2 cannot be read.
    """
    from govbot.app import verify_folder

    if as_json or not sys.stderr.isatty():
        report = verify_folder(folder, list(kept), vkey=vkey)
    else:
        from rich.console import Console

        with Console(stderr=True).status("Checking …") as shown:
            report = verify_folder(
                folder, list(kept), lambda n: shown.update(f"Checking … {n:,} entries"), vkey
            )
    if as_json:
        click.echo(report.model_dump_json(indent=2))
    else:
        _print_report(report)
    sys.exit(0 if report.sound else UNSOUND)


def _print_report(report: "Report") -> None:
    click.echo(f"{report.entries} entries, head {report.head}, root {report.root}")
    for what, count in report.checked.items():
        click.echo(f"  {count:>8,} {what} checked")
    for notice in report.notices:
        click.echo(f"note: {notice}")
    for fault in report.faults:
        click.echo(f"{fault.where}: {fault.what}")
    click.echo("Sound." if report.sound else f"Not sound: {len(report.faults)} faults.")


@main.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--method", default="", help="How to count; the file's own way if not given.")
@click.option("--seats", type=click.IntRange(1), help="How many are elected.")
@click.option("--withdrawn", multiple=True, metavar="NAME", help="Out of the count; repeatable.")
@click.option(
    "--passed-over",
    multiple=True,
    metavar="NAME",
    help="Counted and ranked, but kept from a seat by another rule; repeatable.",
)
@click.option(
    "--tie-break",
    multiple=True,
    metavar="NAME",
    help="Who comes first where the method leaves a tie, best first; repeatable.",
)
@click.option("--seed", default="", help="What a tie is drawn with; the ballots' digest if not.")
@click.option(
    "--option",
    "options",
    multiple=True,
    metavar="NAME=VALUE",
    help="An option of the method, such as quorum=12; repeatable.",
)
@click.option("--explain", is_flag=True, help="Tell the count step by step.")
@click.option("--svg", type=click.Path(path_type=Path), help="Draw the count into this file.")
@json_option
def tally(
    file: Path,
    method: str,
    seats: int | None,
    withdrawn: tuple[str, ...],
    passed_over: tuple[str, ...],
    tie_break: tuple[str, ...],
    seed: str,
    options: tuple[str, ...],
    explain: bool,
    svg: Path | None,
    as_json: bool,
) -> None:
    """Count a file of ballots: CSV, BLT, PrefLib, Pabulib or JSON.

    \b
    Example:  govbot tally ward5.blt --explain
              govbot tally ballots.csv --method schulze --seats 3 --svg count.svg
    """
    import json

    from govbot.archive import write_whole
    from govbot.contests import count_contest, load_contest, option, told

    with _counting(file) as progress:
        contest = load_contest(file, method, progress)
        result = count_contest(
            contest,
            method,
            seats or 0,
            withdrawn=withdrawn,
            passed_over=passed_over,
            tie_break=tie_break,
            seed=seed,
            **dict(map(option, options)),
        )
    if svg is not None:
        write_whole(svg, result.svg())
    if as_json:
        click.echo(json.dumps({"title": contest.title, **result.plain()}, indent=2))
    else:
        click.echo("\n".join(told(contest, result, explain)))


@contextmanager
def _counting(file: Path) -> Iterator[Callable[[int], None]]:
    """Shows how far the reading of a large file is, where somebody is watching."""
    if not sys.stderr.isatty() or not file.is_file() or file.stat().st_size < LARGE:
        yield lambda done: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    with file.open("rb") as held:
        lines = sum(chunk.count(b"\n") for chunk in iter(lambda: held.read(1 << 20), b""))
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(f"Counting {file.name}", total=lines or None)
        yield lambda done: bar.update(task, completed=done)


@main.command()
@dir_option
def rebuild(folder: Path) -> None:
    """Make the tables anew from the ledger alone.

    \b
    Example:  govbot rebuild --dir ours
    """
    from govbot.app import rebuild_tables

    count = run(rebuild_tables(folder))
    click.echo(f"The tables are made anew from {count} entries.")


if __name__ == "__main__":
    main()
