"""The commands that change a constitution or show what a change is: swap, adopt, diff, amend."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from govbot.options import UNSOUND, console, dir_option, json_option, run

if TYPE_CHECKING:
    from govbot.changing import Swap

by_option = click.option("--by", default="", help="In whose name, as people should read it.")
yes_option = click.option("--yes", is_flag=True, help="Do not ask again after the preview.")


@click.command()
@click.argument("which", metavar="TEMPLATE_OR_PATH")
@click.option("--disputes", default="", metavar="NAME", help="A template for disputes at its end.")
@click.option(
    "--move",
    multiple=True,
    type=int,
    metavar="N",
    help="Cancel process N, where its rules let --by do that; may be repeated.",
)
@by_option
@yes_option
@dir_option
@json_option
def swap(
    which: str, disputes: str, move: tuple[int, ...], by: str, yes: bool, folder: Path,
    as_json: bool,
) -> None:  # fmt: skip
    """Put another constitution in force, after a preview of everything that changes.

    A template's name, a file, or an earlier version by its number or digest. What is running
    finishes under its old rules. Without --by nothing is changed: only the preview is shown.

    \b
    Example:  govbot constitution swap jury --by "the members, vote 12"
    """
    _swap(which, disputes, move, by, yes, folder, as_json)


@click.command()
@by_option
@yes_option
@dir_option
@json_option
def adopt(by: str, yes: bool, folder: Path, as_json: bool) -> None:
    """Put the constitution's file in force as it was edited; what its words still carry is kept.

    \b
    Example:  govbot constitution adopt --by "the members, vote 12"
    """
    from govbot.config import Folder

    home = Folder(folder)
    _swap(str(home.constitution(home.settings())), "", (), by, yes, folder, as_json)


def _swap(
    which: str, disputes: str, move: tuple[int, ...], by: str, yes: bool, folder: Path,
    as_json: bool,
) -> None:  # fmt: skip
    from govbot.app import open_view
    from govbot.changing import planned
    from govbot.changing import swap as put_in_force

    plan = planned(open_view(folder), which, disputes)
    _show(plan, as_json)
    if not by:
        if not as_json:
            click.echo("\nNothing was changed. To put it in force, say in whose name with --by.")
        return
    if not yes:
        click.confirm("Put this constitution in force?", abort=True, err=as_json)
    run(put_in_force(folder, which, by, disputes, move))
    if not as_json:
        click.echo(f"\n{plan.after.title} ({plan.after.digest}) is in force.")


def _show(plan: "Swap", as_json: bool) -> None:
    from govbot.swapping import told

    if as_json:
        click.echo(plan.preview.model_dump_json(indent=2))
        return
    for line in told(plan.preview, plan.before, plan.after):
        click.echo(line)


@click.command()
@click.argument("old")
@click.argument("new")
@click.option("--html", "page", type=click.Path(path_type=Path), help="Write it as a page here.")
@dir_option
def diff(old: str, new: str, page: Path | None, folder: Path) -> None:
    """What differs: two constitutions as a redline, two readings (.yaml) rule by rule.

    Each is a file, or a version in force once, by its number or the beginning of its digest.

    \b
    Example:  govbot constitution diff 1 constitutions/ours.md --html changes.html
    Exit code: 0 nothing differs, 1 something does.
    """
    if old.endswith((".yaml", ".yml")) and new.endswith((".yaml", ".yml")):
        _readings(Path(old), Path(new))
    from rich.text import Text

    from govbot.archive import write_whole
    from govbot.changing import found_version
    from govbot.redline import STYLES, as_html, plain_lines, redline

    one, other = found_version(folder, old), found_version(folder, new)
    lines, shown = redline(one, other), console()
    if page is not None:
        write_whole(page, as_html(one, other))
        click.echo(f"The redline is in {page}.")
    elif shown.is_terminal:
        for line in lines:
            shown.print(Text.assemble(*((piece.text, STYLES[piece.mark]) for piece in line)))
    else:
        click.echo("\n".join(plain_lines(lines)) or "Nothing differs.")
    sys.exit(UNSOUND if lines else 0)


def _readings(old: Path, new: Path) -> None:
    from govbot.charter import differences
    from govbot.readingfile import load_reading

    found = differences(load_reading(old), load_reading(new))
    for where, before, after in found:
        click.echo(f"{where}\n  - {before}\n  + {after}")
    click.echo(f"{len(found)} rules differ.")
    sys.exit(UNSOUND if found else 0)


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--as", "member", required=True, metavar="MEMBER", help="Who proposes it.")
@click.option("--type", "type", required=True, help="The kind of process that amends here.")
@click.option("--title", default="", help="What it is called; the file's name if not given.")
@click.option("--with-reading", "bring", is_flag=True, help="Propose the reading beside it too.")
@dir_option
def amend(file: Path, member: str, type: str, title: str, bring: bool, folder: Path) -> None:
    """Propose an edited copy of the constitution; it is decided on by the rules, like any other.

    \b
    Example:  govbot amend edited.md --as alice --type amendment --title "Shorter votes"
    """
    from govbot.changing import propose

    reply = run(propose(folder, file, member, type, title, bring))
    click.echo(reply.text)
    sys.exit(0 if reply.ok else UNSOUND)
