"""The command that founds a community, and what it asks when no template is named.

Asks only on a terminal, so that a script never waits for an answer.
"""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from govbot.options import run

if TYPE_CHECKING:
    from govbot.choosing import Choosing, Question

NOTHING = "none"  # said where disputes need no template of their own


@click.command()
@click.argument("folder", type=click.Path(path_type=Path), default=Path())
@click.option("--template", default="", help="What to start from: a name, or a file. Else asked.")
@click.option("--disputes", default="", help="A template for disputes to put at its end.")
@click.option("--name", default="", help="The community's name; the folder's if not given.")
@click.option("--zone", default="UTC", show_default=True, help="Time zone of its deadlines.")
@click.option("--member", "members", multiple=True, metavar="NAME=ROLE,…",
              help="Somebody in the local chat and their roles; may be repeated.")  # fmt: skip
def init(
    folder: Path, template: str, disputes: str, name: str, zone: str, members: tuple[str, ...]
) -> None:
    """Make a community's folder: constitution, reading, key and ledger.

    Without --template it asks three questions and recommends one.

    \b
    Example:  govbot init ours --template consensus --member alice=member,facilitator
              govbot init ours --template consensus --disputes restorative-justice
    """
    from govbot.app import choosing, found, unfounded
    from govbot.config import Settings
    from govbot.tools.dates import zone_named

    zone_named(zone)
    unfounded(folder)
    if not template:
        template, disputes = _chosen(choosing(), disputes)
    roles = {who: tuple(r.split(",")) for who, _, r in (each.partition("=") for each in members)}
    settings = Settings(name=name or folder.resolve().name or "ours", zone=zone, members=roles)
    made = run(found(folder, settings, template, disputes=disputes))
    click.echo(f"{settings.name} is founded in {folder}.")
    click.echo(f"Its constitution: {made.constitution(settings)}")
    click.echo(f"Its signing key: {made.key} (keep a copy; it never leaves this machine)")
    click.echo(f"Next: govbot chat --dir {folder}")


def on_terminal() -> bool:
    """Whether somebody is there to be asked."""
    return sys.stdin.isatty()


def _chosen(choosing: "Choosing", disputes: str) -> tuple[str, str]:
    """The templates that an admin settles on, with advice."""
    from govbot.app import dispute_templates, governance_templates
    from govbot.errors import OperatorError

    known = governance_templates()
    if not on_terminal():
        raise OperatorError(f"name what to start from with --template: {', '.join(sorted(known))}")
    answers = {each.name: _answer(each) for each in choosing.asked(about_disputes=not disputes)}
    first, second = choosing.advise(answers)
    click.echo(f"\nI recommend {first.template!r}. {first.because}")
    template = click.prompt("Start from", default=first.template, type=click.Choice(sorted(known)))
    if not disputes:
        click.echo(f"\nFor disputes I recommend {second.template!r}. {second.because}")
        names = [*sorted(dispute_templates()), NOTHING]
        disputes = click.prompt("Settle with", default=second.template, type=click.Choice(names))
    return template, "" if disputes == NOTHING else disputes


def _answer(question: "Question") -> str:
    click.echo(f"\n{question.asks}")
    for n, answer in enumerate(question.answers, 1):
        click.echo(f"  {n}  {answer.says}")
    number = click.prompt("Number", type=click.IntRange(1, len(question.answers)))
    return question.answers[number - 1].name
