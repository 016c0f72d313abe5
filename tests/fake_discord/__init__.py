"""A Discord on this machine, for driving the real discord.py client in tests.

It speaks the wire protocol, REST and gateway, on loopback; the client is changed in nothing but the
two addresses it keeps. People are driven from Python:

    async with FakeDiscord() as fake:
        alice = fake.person("alice")
        with fake.redirect_discord_py():
            ...start the bot with fake.token...
            await alice.say(fake.channel, f"<@{fake.bot['id']}> hello")
            reply = await alice.slash("propose", title="Buy a kettle")
            await alice.click(reply.message, "vote:yes")

It was never compared with Discord itself. It follows Discord's published documentation; where that
is silent it says in the docstring concerned what it does. In these it departs from what earlier
versions of it did, because the documentation says otherwise:

- The bot is a member like others, with a role of its own, and needs permissions; members too. The
  guild belongs to `fake.owner`.
- GUILD_CREATE lists no members but the bot, unless it listens for presences: the client asks for
  them, and may send 120 things a minute over the gateway.
- Ephemeral messages are in no channel's history, for nobody but the person they are for.
- A thread that is locked can be written in by moderators; sending opens an archived thread.
- Interactions and webhooks mention users only, unless they say what they mention.
- Pinning takes PIN_MESSAGES; a pin, a thread and a poll's end leave messages of the system.
- Channels the bot may not see are shown bare over the gateway, and left out elsewhere.

What it does not do: voice, shards, emoji and stickers of a guild, the audit log, scheduled events,
slow mode, automatic archiving, files as options of commands, and any limit on requests that a test
does not switch on (see `traffic`). A route it does not have fails the test that needed it, when the
server is left.
"""

from fake_discord.application import Reply, text_of
from fake_discord.people import Person
from fake_discord.server import USUAL_PERMISSIONS, FakeDiscord
from fake_discord.wire import ALL_INTENTS, CONTENT, MEMBERS, InteractionFailed, Json, NotPossible
from fake_discord.world import Guild

__all__ = [
    "ALL_INTENTS", "CONTENT", "MEMBERS", "USUAL_PERMISSIONS", "FakeDiscord", "Guild",
    "InteractionFailed", "Json", "NotPossible", "Person", "Reply", "text_of",
]  # fmt: skip
