"""What the commands share: options, the console, the exit codes.

Imports nothing heavy, so that `govbot --help` answers at once.
"""

from collections.abc import Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rich.console import Console

CANNOT = 2
UNSOUND = 1

dir_option = click.option(
    "--dir", "folder", type=click.Path(path_type=Path), default=Path(), show_default="here",
    help="The community's folder.",
)  # fmt: skip
model_option = click.option(
    "--model", default="", metavar="PROVIDER:MODEL",
    help="Who reads free wording; phrases need nobody.",
)  # fmt: skip
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for a script.")


def run(work: Coroutine[Any, Any, Any]) -> Any:
    import asyncio

    return asyncio.run(work)


def console() -> "Console":
    from rich.console import Console

    return Console(highlight=False)
