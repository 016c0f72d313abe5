"""What the bot asks of Discord before it can serve: intents, permissions, an invitation.

Owns the list of permissions with what does not work without each. Asks for no more than it uses:
not for what members say to each other.
"""

import base64
from collections.abc import Mapping

import discord

from govbot.errors import OperatorError

# In the channel of its cards, and what does not work without it.
NEEDED: Mapping[str, str] = {
    "view_channel": "I do not see the channel at all",
    "send_messages": "I cannot post cards or answer there",
    "embed_links": "cards stay empty",
    "attach_files": "audits cannot be attached",
    "read_message_history": "what was said while I was away stays unanswered",
    "create_public_threads": "processes have no thread to be discussed in",
    "send_messages_in_threads": "I cannot answer in those threads",
    "manage_threads": "threads stay open when a process has ended",
    "send_polls": "there are no straw polls",
}


def needed() -> discord.Permissions:
    """The permissions an invitation asks for."""
    return discord.Permissions(**dict.fromkeys(NEEDED, True))


def permission_named(name: str) -> str:
    """A permission as Discord's settings call it."""
    return _CALLED.get(name, name.replace("_", " ").title().replace(" In ", " in "))


_CALLED = {"send_polls": "Create Polls", "view_channel": "View Channels"}


def intents() -> discord.Intents:
    """What the bot must hear of: guilds, who is in them, what is said to it.

    Discord shows a bot the words of messages that mention it without a further intent.
    """
    return discord.Intents(guilds=True, members=True, guild_messages=True, dm_messages=True)


def application_of(token: str) -> int:
    """The application a token is of: its first part is that number, spelled in base 64."""
    first = token.partition(".")[0]
    try:
        return int(base64.b64decode(first + "=" * (-len(first) % 4)))
    except ValueError:
        raise OperatorError(
            "DISCORD_TOKEN is no bot's token; give the application's id with --application"
        ) from None
