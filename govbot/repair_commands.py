"""The commands for a community that cannot go on by itself: what is locked, and forced repairs."""

import sys
from pathlib import Path

import click

from govbot.options import UNSOUND, dir_option, json_option


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
