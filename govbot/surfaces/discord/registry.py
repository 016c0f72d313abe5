"""Slash commands and the message menu as data: what is registered with Discord.

Owns their names, options and descriptions; those for opening follow from the constitution. Pure.
"""

import hashlib
import json
from collections.abc import Iterable
from typing import Any

import discord

from govbot.surfaces import Blank, Openable

SUBCOMMAND, STRING, INTEGER, USER, ROLE, CHANNEL, FILE = 1, 3, 4, 6, 8, 7, 11
MANAGE_SERVER = str(discord.Permissions(manage_guild=True).value)
IN_A_GUILD = [0]
MOST = 25  # subcommands, options or completions Discord shows at once
DAYS = [
    {"name": name, "value": day}
    for day, name in enumerate(
        ("never", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
    )
]
MENU = "Make this a proposal"


def option(type: int, name: str, what: str, **more: Any) -> dict[str, Any]:
    return {"type": type, "name": name, "description": what[:100], **more}


def command(name: str, what: str, *options: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "type": 1,
        "name": name,
        "description": what[:100],
        "options": list(options),
        "contexts": IN_A_GUILD,
        **more,
    }


def _process(required: bool = True) -> dict[str, Any]:
    return option(
        INTEGER, "process", "Its number", required=required, autocomplete=True, min_value=1
    )


def standing() -> list[dict[str, Any]]:
    """The commands that are the same everywhere."""
    menu = {"type": 3, "name": MENU, "contexts": IN_A_GUILD}
    return [*_of_members(), *_of_admins(), menu]


def _of_members() -> list[dict[str, Any]]:
    hour = {"min_value": 0, "max_value": 23}
    return [
        command("status", "What is open, or where one process stands", _process(False)),
        command(
            "vote", "Give your vote, or whatever else a process takes now", _process(),
            option(STRING, "choice", "What you choose; leave it out to see all", autocomplete=True),
            option(STRING, "reason", "Why", max_length=4000),
        ),
        command(
            "rules", "What the constitution says",
            option(STRING, "question", "Your question, in your words", max_length=1000),
        ),
        command("why", "Why a process stands as it does, with the rules quoted", _process()),
        command(
            "appeal", "Object to how a process went", _process(),
            option(STRING, "reason", "What is wrong with it", max_length=1500),
        ),
        command("audit", "The whole record of a process", _process()),
        command(
            "poll", "A straw poll; it decides nothing",
            option(STRING, "question", "What you ask", required=True, max_length=300),
            option(STRING, "answers", "Up to ten, with ; between them", required=True),
            option(INTEGER, "hours", "How long", min_value=1, max_value=768),
        ),
        command(
            "reminders", "How you are reminded of votes you have not given",
            option(STRING, "how", "Where", choices=[
                {"name": "by direct message", "value": "direct"},
                {"name": "by a mention in its thread, which others see", "value": "thread"},
                {"name": "never", "value": "never"},
            ]),
            option(INTEGER, "quiet_from", "No reminders from this hour on", **hour),
            option(INTEGER, "quiet_to", "until this one", **hour),
        ),
    ]  # fmt: skip


def _of_admins() -> list[dict[str, Any]]:
    admin = {"default_member_permissions": MANAGE_SERVER}
    return [
        command(
            "constitution", "The rules in force, for those who manage this server",
            option(SUBCOMMAND, "show", "The constitution and its reading, as files"),
            option(SUBCOMMAND, "check", "What is doubtful about the reading in force"),
            option(
                SUBCOMMAND, "ratify", "Put another reading of the constitution in force",
                options=[option(FILE, "reading", "The reading, in YAML", required=True)],
            ),
            **admin,
        ),
        command(
            "govbot", "How I work in this server, for those who manage it",
            option(SUBCOMMAND, "setup", "Found a community, or change how it is set up"),
            option(SUBCOMMAND, "check", "What I may do here, and what I miss"),
            option(
                SUBCOMMAND, "reminders", "When I remind members, and the weekly digest",
                options=[
                    option(
                        INTEGER, "hours", "How long before a deadline", min_value=1, max_value=336
                    ),
                    option(INTEGER, "digest", "The day of a weekly digest", choices=DAYS),
                ],
            ),
            **admin,
        ),
    ]  # fmt: skip


def proposing(known: Iterable[Openable]) -> list[dict[str, Any]]:
    """The commands that follow from a constitution: what can be opened under it."""
    types = list(known)
    if not types:
        return []
    names = shortened([each.type for each in types[:MOST]])
    options = [
        option(SUBCOMMAND, name, each.title or each.type, options=_asked(each))
        for name, each in zip(names, types, strict=False)
    ]
    if len(types) > MOST:
        named = option(STRING, "type", "What to open", required=True, autocomplete=True)
        options[-1] = option(SUBCOMMAND, OTHER, "Anything else that can be opened", options=[named])
    return [command("propose", "Open what the constitution provides for", *options)]


OTHER = "other"


def _asked(each: Openable) -> list[dict[str, Any]]:
    """What an opener is asked for. Nothing is required here: a form asks for what is missing."""
    blanks = each.blanks[:MOST]
    names = shortened([blank.name for blank in blanks])
    return [_option(name, blank) for name, blank in zip(names, blanks, strict=True)]


def _option(name: str, blank: Blank) -> dict[str, Any]:
    what = blank.label.capitalize()
    if blank.type == "member":
        return option(USER, name, what)
    if blank.type == "number":
        return option(INTEGER, name, what)
    return option(STRING, name, what, max_length=min(blank.most, 6000))


def shortened(names: list[str]) -> list[str]:
    """Names of at most 32 characters, no two alike."""
    made: list[str] = []
    for name in names:
        short = name.lower()[:32]
        if short in made:
            short = f"{short[:26]}_{hashlib.sha256(name.encode()).hexdigest()[:5]}"
        made.append(short)
    return made


def fingerprint(payload: list[dict[str, Any]]) -> str:
    return hashlib.sha256(json.dumps(payload, sort_keys=True).encode()).hexdigest()[:20]
