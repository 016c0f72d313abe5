"""What would keep the bot from serving, found before it is started.

Owns the look at the application and at the servers that are set up, over Discord's REST alone.
"""

import discord

from govbot.surfaces.discord.invitation import intents
from govbot.surfaces.discord.setup import missing
from govbot.surfaces.discord.store import GuildRow, Store

MOST = 25  # servers looked at


async def doubts(token: str, store: Store) -> list[str]:
    """A sentence for each thing that would fail."""
    client = discord.Client(intents=intents())
    try:
        try:
            await client.login(token)
        except discord.LoginFailure:
            return [
                "Discord does not accept DISCORD_TOKEN; copy it again from the application's page,"
                " Bot"
            ]
        found = await _application(client)
        for row in store.guilds()[:MOST]:
            if row.guild:
                found += await _guild(client, row)
        return found
    except (discord.HTTPException, OSError) as error:
        return [f"Discord cannot be asked just now: {error}"]
    finally:
        await client.close()


async def _application(client: discord.Client) -> list[str]:
    flags = (await client.application_info()).flags
    if flags.gateway_guild_members or flags.gateway_guild_members_limited:
        return []
    return [
        "The application lacks the intent Server Members, so I could not know who may vote; switch"
        " it on at the application's page, Bot"
    ]


async def _guild(client: discord.Client, row: GuildRow) -> list[str]:
    try:
        guild = await client.fetch_guild(row.guild)
    except (discord.Forbidden, discord.NotFound):
        return [f"I am no longer in the server {row.guild}; invite me again, or forget it"]
    me = await guild.fetch_member(client.user.id) if client.user else None
    try:
        channel = await guild.fetch_channel(row.channel)
    except (discord.Forbidden, discord.NotFound):
        return [f"{guild.name}: the channel of its cards is gone or hidden from me; /govbot setup"]
    if me is None or not isinstance(channel, discord.TextChannel):
        return []
    return [f"{guild.name}: {line}" for line in missing(me, channel)]
