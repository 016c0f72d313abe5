"""The commands for a community that cannot go on by itself: what is locked, and forced repairs."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from govbot.options import UNSOUND, dir_option, json_option, run

if TYPE_CHECKING:
    from govbot.records import Repaired


@click.command()
@dir_option
@json_option
def doctor(folder: Path, as_json: bool) -> None:
    """Tell which rules have locked themselves, as when the last officer left, and what could help.

    \b
    Example:  govbot doctor --dir ours
    Exit code: 0 if nothing is locked, else 1.
    """
    import json

    from govbot.app import open_view, utc_now
    from govbot.breakglass import told_off
    from govbot.lockout import stuck, told

    community = open_view(folder).community
    found = stuck(community.charters, community.members.values(), utc_now())
    if as_json:
        click.echo(json.dumps([each.model_dump(mode="json") for each in found], indent=2))
    else:
        for line in (told_off(community), *map(told, found)):
            click.echo(line) if line else None
        if not found:
            click.echo("Every process can be opened, and every stage can be answered.")
    sys.exit(UNSOUND if found else 0)


@click.group()
def repair() -> None:
    """Force what no rule provides for. Loud: it is signed, announced and on top of every audit.

    For a community that cannot help itself any more; `govbot doctor` says whether it can.
    """


def _forcing(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of every repair."""
    reason = click.option("--reason", required=True, help="Why, as everybody will read it.")
    by = click.option("--by", required=True, help="Who forces it, as everybody will read it.")
    return reason(by(dir_option(command)))


def _force(folder: Path, asked: "Repaired", by: str) -> None:
    """Asks for the community's name, and then does it."""
    from govbot.app import repair as forced
    from govbot.config import Folder
    from govbot.errors import OperatorError

    name = Folder(folder).settings().name
    click.echo("This goes past the community's own rules. Everybody will be told, with your name.")
    if click.prompt(f"Type the community's name ({name}) to go on") != name:
        raise OperatorError("that is not its name, so nothing was done; try again")
    entry = run(forced(folder, asked, by))
    click.echo(f"Done, as entry {entry.n} of the ledger. The community is told by the bot.")


@repair.command("grant-role")
@click.argument("role")
@click.argument("member")
@_forcing
def grant_role(role: str, member: str, reason: str, by: str, folder: Path) -> None:
    """Give a member a role, as to the first officer after the last one left.

    \b
    Example:  govbot repair grant-role facilitator local:alice --reason "nobody is left" --by Ida
    """
    from govbot.records import Repaired

    _force(folder, Repaired(act="grant_role", reason=reason, role=role, to=member), by)


@repair.command("adopt")
@_forcing
def adopt(reason: str, by: str, folder: Path) -> None:
    """Put the constitution and the reading on disk in force.

    \b
    Example:  govbot repair adopt --reason "the amendment rule was lost" --by Ida
    """
    from govbot.records import Repaired

    _force(folder, Repaired(act="adopt", reason=reason), by)


@repair.command("resume")
@_forcing
def resume(reason: str, by: str, folder: Path) -> None:
    """Switch a bot on again that people have switched off.

    \b
    Example:  govbot repair resume --reason "too few are left to vote" --by Ida
    """
    from govbot.records import Repaired

    _force(folder, Repaired(act="resume", reason=reason), by)
