"""The loopback Discord's guilds: permissions, roles, members, coming and going."""

import io
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fake_discord import MEMBERS, USUAL_PERMISSIONS, FakeDiscord, NotPossible, permissions
from fake_discord.client import discord
from fake_discord.listener import Listener, play, refused

Attempt = Callable[[FakeDiscord, Listener], Awaitable[Any]]


# ---- permissions -----------------------------------------------------------------------------


async def send(fake: FakeDiscord, bot: Listener) -> Any:
    return await bot.place(fake.channel).send("hello")


async def send_file(fake: FakeDiscord, bot: Listener) -> Any:
    return await bot.place(fake.channel).send(file=discord.File(io.BytesIO(b"x"), "x.txt"))


async def send_embed(fake: FakeDiscord, bot: Listener) -> Any:
    return await bot.place(fake.channel).send(embed=discord.Embed(title="x"))


async def send_poll(fake: FakeDiscord, bot: Listener) -> Any:
    poll = discord.Poll("Q?", timedelta(hours=1))
    poll.add_answer(text="a")
    return await bot.place(fake.channel).send(poll=poll)


async def react(fake: FakeDiscord, bot: Listener) -> Any:
    return await bot.place(fake.channel).get_partial_message(said(fake)).add_reaction("x")


async def pin(fake: FakeDiscord, bot: Listener) -> Any:
    return await bot.place(fake.channel).get_partial_message(said(fake)).pin()


async def delete(fake: FakeDiscord, bot: Listener) -> Any:
    return await bot.place(fake.channel).get_partial_message(said(fake)).delete()


async def fetch(fake: FakeDiscord, bot: Listener) -> Any:
    return await bot.place(fake.channel).fetch_message(said(fake))


async def begin_thread(fake: FakeDiscord, bot: Listener) -> Any:
    message = bot.place(fake.channel).get_partial_message(said(fake))
    return await message.create_thread(name="talk")


async def begin_private_thread(fake: FakeDiscord, bot: Listener) -> Any:
    return await bot.place(fake.channel).create_thread(name="talk")


async def create_channel(fake: FakeDiscord, bot: Listener) -> Any:
    return await bot.guilds[0].create_text_channel("news")


async def rename_channel(fake: FakeDiscord, bot: Listener) -> Any:
    return await bot.place(fake.channel).edit(name="hall")


async def delete_channel(fake: FakeDiscord, bot: Listener) -> Any:
    return await bot.place(fake.channel).delete()


async def overwrite(fake: FakeDiscord, bot: Listener) -> Any:
    everyone = bot.guilds[0].default_role
    return await bot.place(fake.channel).set_permissions(everyone, send_messages=False)


async def create_role(fake: FakeDiscord, bot: Listener) -> Any:
    return await bot.guilds[0].create_role(name="new")


async def grant(fake: FakeDiscord, bot: Listener) -> Any:
    return await member(fake, bot).add_roles(discord.Object(int(fake.guild.role("low"))))


async def time_out(fake: FakeDiscord, bot: Listener) -> Any:
    return await member(fake, bot).timeout(timedelta(minutes=5))


async def nickname(fake: FakeDiscord, bot: Listener) -> Any:
    return await member(fake, bot).edit(nick="new")


async def kick(fake: FakeDiscord, bot: Listener) -> Any:
    return await member(fake, bot).kick()


async def ban(fake: FakeDiscord, bot: Listener) -> Any:
    return await member(fake, bot).ban()


def said(fake: FakeDiscord) -> int:
    return int(fake.posts(fake.channel)[0]["id"])


def member(fake: FakeDiscord, bot: Listener) -> Any:
    return next(each for each in bot.guilds[0].members if each.name == "alice")


NEEDED: list[tuple[str, Attempt]] = [
    ("SEND_MESSAGES", send),
    ("ATTACH_FILES", send_file),
    ("EMBED_LINKS", send_embed),
    ("SEND_POLLS", send_poll),
    ("ADD_REACTIONS", react),
    ("READ_MESSAGE_HISTORY", fetch),
    ("PIN_MESSAGES", pin),
    ("MANAGE_MESSAGES", delete),
    ("CREATE_PUBLIC_THREADS", begin_thread),
    ("CREATE_PRIVATE_THREADS", begin_private_thread),
    ("MANAGE_CHANNELS", create_channel),
    ("MANAGE_CHANNELS", rename_channel),
    ("MANAGE_CHANNELS", delete_channel),
    ("MANAGE_ROLES", overwrite),
    ("MANAGE_ROLES", create_role),
    ("MANAGE_ROLES", grant),
    ("MODERATE_MEMBERS", time_out),
    ("MANAGE_NICKNAMES", nickname),
    ("KICK_MEMBERS", kick),
    ("BAN_MEMBERS", ban),
]


@pytest.mark.parametrize(
    ("needed", "attempt"), NEEDED, ids=[attempt.__name__ for _, attempt in NEEDED]
)
def test_the_bot_does_only_what_it_has_the_permission_for(needed: str, attempt: Attempt) -> None:
    async def script(fake: FakeDiscord, bot: Listener) -> None:
        fake.add_role("low")
        await fake.person("alice").say(fake.channel, "hello")
        await bot.hears("message")
        fake.forbid(needed)
        before = len(fake.guild.channels), len(fake.guild.members), len(fake.roles)
        await refused(attempt(fake, bot), 403, 50013)
        assert (len(fake.guild.channels), len(fake.guild.members), len(fake.roles)) == before
        fake.allow(needed)
        await attempt(fake, bot)

    play(script)


def test_forbidding_something_to_the_bot_takes_it_from_nobody_else() -> None:
    async def script(fake: FakeDiscord, bot: Listener) -> None:
        alice = fake.person("alice")
        fake.forbid("SEND_MESSAGES")
        await alice.say(fake.channel, "still here")
        await bot.hears("message")
        assert not bot.place(fake.channel).permissions_for(bot.guilds[0].me).send_messages

    play(script)


def test_one_channel_can_be_closed_to_the_bot_and_hidden_from_it() -> None:
    async def script(fake: FakeDiscord, bot: Listener) -> None:
        alice, side = fake.person("alice"), fake.add_channel("side")
        await bot.hears("guild_channel_create")
        fake.forbid("VIEW_CHANNEL", channel=side)
        await bot.hears("guild_channel_update")
        hidden = bot.place(side)
        assert (
            hidden.name == "___hidden___"
            and not hidden.permissions_for(hidden.guild.me).view_channel
        )
        await alice.say(side, "between us")
        await refused(hidden.send("may I?"), 403, 50001)
        await refused(bot.fetch_channel(hidden.id), 403, 50001)
        assert [each.name for each in await bot.guilds[0].fetch_channels()] == ["assembly"]
        fake.allow("VIEW_CHANNEL", channel=side)
        await bot.hears("guild_channel_update", 2)
        assert bot.place(side).name == "side" and not bot.heard("message")

    play(script)


def test_a_change_of_roles_that_opens_a_channel_shows_it() -> None:
    async def script(fake: FakeDiscord, bot: Listener) -> None:
        council = fake.add_role("council")
        deny = {"id": fake.guild_id, "type": 0, "deny": str(permissions.VIEW), "allow": "0"}
        allow = {"id": council, "type": 0, "allow": str(permissions.VIEW), "deny": "0"}
        side = fake.add_channel("chamber", overwrites=[deny, allow])
        await bot.hears("guild_channel_create")
        assert bot.place(side).name == "___hidden___"
        fake.give_role(fake.bot_person(), council)
        await bot.hears("guild_channel_update")
        assert bot.place(side).name == "chamber"

    play(script)


def test_overwrites_are_weighed_everyone_first_then_roles_then_the_member() -> None:
    fake = FakeDiscord()
    loud, quiet = fake.add_role("loud"), fake.add_role("quiet")
    alice = fake.person("alice", [loud, quiet])
    bit = str(permissions.BITS["SEND_MESSAGES"])

    def may(*overwrites: tuple[str, int, str, str]) -> bool:
        fake.channel["permission_overwrites"] = [
            {"id": of, "type": kind, "allow": allow, "deny": deny}
            for of, kind, allow, deny in overwrites
        ]
        return alice.may("SEND_MESSAGES", fake.channel)

    everyone_not = (fake.guild_id, 0, "0", bit)
    assert may() and not may(everyone_not)
    assert may(everyone_not, (loud, 0, bit, "0"))
    assert may(everyone_not, (loud, 0, bit, "0"), (quiet, 0, "0", bit))  # allowing roles win
    assert not may((quiet, 0, "0", bit))
    assert not may((loud, 0, bit, "0"), (alice.id, 1, "0", bit))
    assert may(everyone_not, (alice.id, 1, bit, "0"))


def test_embeds_beside_a_text_are_left_out_without_a_word_when_not_permitted() -> None:
    async def script(fake: FakeDiscord, bot: Listener) -> None:
        fake.forbid("EMBED_LINKS")
        sent = await bot.place(fake.channel).send("text", embed=discord.Embed(title="x"))
        assert sent.embeds == [] and sent.content == "text"
        edited = await sent.edit(embed=discord.Embed(title="x"))
        assert edited.embeds == []

    play(script)


def test_people_need_permissions_too() -> None:
    async def script(fake: FakeDiscord, bot: Listener) -> None:
        alice, bob = fake.person("alice"), fake.person("bob")
        fake.edit_role(fake.guild_id, permissions=str(permissions.VIEW))
        with pytest.raises(NotPossible):
            await alice.say(fake.channel, "hello")
        fake.give_role(bob, fake.add_role("speakers", "SEND_MESSAGES"))
        await bob.say(fake.channel, "hello")
        await fake.owner.say(fake.channel, "hello")

    play(script)


def test_an_invite_gives_exactly_the_permissions_in_it() -> None:
    async def script(fake: FakeDiscord, bot: Listener) -> None:
        wanted = discord.Permissions(manage_roles=True, pin_messages=True)
        other = fake.add_guild("Other", invited=False)
        assert len(bot.guilds) == 1
        fake.invite(other, wanted.value)
        (guild,) = await bot.hears("guild_join")
        own = guild.self_role.permissions
        assert own == wanted and guild.self_role.is_bot_managed()

    play(script)


# ---- roles -----------------------------------------------------------------------------------


def test_roles_are_made_listed_changed_and_deleted_and_the_bot_is_told() -> None:
    async def script(fake: FakeDiscord, bot: Listener) -> None:
        guild = bot.guilds[0]
        made = await guild.create_role(name="council", permissions=discord.Permissions(66560))
        await bot.hears("guild_role_create")
        assert fake.roles[str(made.id)]["permissions"] == "66560"
        assert made < guild.self_role
        await made.edit(name="senate", mentionable=True)
        _, after = await bot.hears("guild_role_update")
        assert after.name == "senate" and after.mentionable
        alice = fake.person("alice", [str(made.id)])
        assert [role.name for role in await guild.fetch_roles()][0] == "@everyone"
        assert (await guild.fetch_role(made.id)).name == "senate"
        await made.delete()
        await bot.hears("guild_role_delete")
        assert alice.member()["roles"] == []
        await refused(made.delete(), 404, 10011)

    play(script)


def test_a_role_is_granted_and_taken_and_the_bot_is_told() -> None:
    async def script(fake: FakeDiscord, bot: Listener) -> None:
        alice, role = fake.person("alice"), fake.add_role("council")
        await bot.hears("member_join")
        who = bot.guilds[0].get_member(int(alice.id))
        await who.add_roles(discord.Object(int(role)), reason="elected in process 7")
        _, after = await bot.hears("member_update")
        assert [each.name for each in after.roles] == ["@everyone", "council"]
        await who.remove_roles(discord.Object(int(role)))
        assert alice.member()["roles"] == []
        granted = next(fake.traffic.found("PUT", "/guilds/{guild}/members/{user}/roles/{role}"))
        assert granted.reason == "elected in process 7"
        await refused(who.add_roles(discord.Object(1)), 404, 10011)
        await alice.leave()
        await refused(who.add_roles(discord.Object(int(role))), 404, 10007)

    play(script)


def test_a_role_at_or_above_the_bots_own_is_out_of_its_reach() -> None:
    async def script(fake: FakeDiscord, bot: Listener) -> None:
        guild, alice = bot.guilds[0], fake.person("alice")
        high = fake.add_role("high", above_bot=True)
        await bot.hears("member_join")
        who, own = guild.get_member(int(alice.id)), guild.self_role
        for role in (discord.Object(int(high)), own, guild.default_role):
            await refused(who.add_roles(role), 403, 50013)
        await refused(guild.get_role(int(high)).edit(name="mine"), 403, 50013)
        await refused(guild.get_role(int(high)).delete(), 403, 50013)
        low = fake.add_role("low")
        await bot.hears("guild_role_create", 2)
        await refused(guild.get_role(int(low)).edit(position=own.position + 1), 403, 50013)
        assert alice.member()["roles"] == []
        fake.move_role(own.id, 9)
        await who.add_roles(discord.Object(int(high)))
        assert alice.member()["roles"] == [high]

    play(script)


def test_members_as_high_as_the_bot_the_owner_and_administrators_are_left_alone() -> None:
    async def script(fake: FakeDiscord, bot: Listener) -> None:
        guild, alice = bot.guilds[0], fake.person("alice")
        boss, admin = fake.person("boss"), fake.person("admin")
        fake.give_role(boss, fake.add_role("high", above_bot=True))
        fake.give_role(admin, fake.add_role("admins", "ADMINISTRATOR"))
        await bot.hears("member_join", 3)
        for person in (boss, admin, fake.owner):
            who = guild.get_member(int(person.id))
            await refused(who.timeout(timedelta(minutes=1)), 403, 50013)
        for person in (boss, fake.owner):
            await refused(guild.get_member(int(person.id)).kick(), 403, 50013)
            await refused(guild.get_member(int(person.id)).edit(nick="x"), 403, 50013)
        await guild.get_member(int(alice.id)).timeout(timedelta(minutes=1))

    play(script)


def test_the_bot_gives_a_role_no_permission_it_has_not_itself() -> None:
    async def script(fake: FakeDiscord, bot: Listener) -> None:
        guild = bot.guilds[0]
        admin = discord.Permissions(administrator=True)
        await refused(guild.create_role(name="x", permissions=admin), 403, 50013)
        made = await guild.create_role(name="x")
        await refused(made.edit(permissions=admin), 403, 50013)

    play(script)


# ---- members ---------------------------------------------------------------------------------


def test_joining_renaming_and_leaving_are_told() -> None:
    async def script(fake: FakeDiscord, bot: Listener) -> None:
        guild, role = bot.guilds[0], fake.add_role("council")
        alice = fake.person("alice")
        await bot.hears("member_join")
        fake.give_role(alice, role)
        await alice.rename("Al")
        _, after = await bot.hears("member_update", 2)
        assert after.display_name == "Al" and after.get_role(int(role))
        await alice.rename_account("alicia", "Alicia")
        await bot.hears("user_update")
        assert guild.get_member(int(alice.id)).name == "alicia"
        await alice.leave()
        await bot.hears("member_remove")
        assert guild.get_member(int(alice.id)) is None
        await alice.join()
        (back,) = await bot.hears("member_join", 2)
        assert back.nick is None and [each.name for each in back.roles] == ["@everyone"]

    play(script)


def test_a_time_out_silences_until_it_ends_and_lasts_28_days_at_most() -> None:
    async def script(fake: FakeDiscord, bot: Listener) -> None:
        alice = fake.person("alice")
        await bot.hears("member_join")
        who = bot.guilds[0].get_member(int(alice.id))
        await who.timeout(timedelta(minutes=5))
        _, after = await bot.hears("member_update")
        assert after.is_timed_out()
        with pytest.raises(NotPossible):
            await alice.say(fake.channel, "but")
        await refused(who.timeout(timedelta(days=29)), 400, 50035)
        await who.timeout(None)
        await alice.say(fake.channel, "but")
        past = datetime.now(UTC) - timedelta(seconds=1)
        alice.member()["communication_disabled_until"] = past.isoformat()
        await alice.say(fake.channel, "and")

    play(script)


def test_members_are_listed_and_searched() -> None:
    async def script(fake: FakeDiscord, bot: Listener) -> None:
        guild = bot.guilds[0]
        for name in ("anna", "annika", "bert"):
            fake.person(name)
        listed = {each.name async for each in guild.fetch_members(limit=None)}
        assert listed == {"founder", "govbot", "anna", "annika", "bert"}
        assert {each.name for each in await guild.query_members("ann", limit=5)} == {
            "anna",
            "annika",
        }
        found = await bot.http.request(
            discord.http.Route("GET", "/guilds/{g}/members/search", g=guild.id),
            params={"query": "ANN", "limit": 5},
        )
        assert {each["user"]["username"] for each in found} == {"anna", "annika"}
        await refused(guild.fetch_member(1), 404, 10013)

    play(script)


def test_members_are_listed_only_for_a_bot_with_that_intent_switched_on() -> None:
    async def script(fake: FakeDiscord, bot: Listener) -> None:
        fake.allowed_intents &= ~MEMBERS
        with pytest.raises(discord.Forbidden):
            _ = [each async for each in bot.guilds[0].fetch_members()]

    play(script)


def test_without_the_members_intent_comings_and_goings_are_not_told_except_of_itself() -> None:
    async def script(fake: FakeDiscord, bot: Listener) -> None:
        alice = fake.person("alice")
        await alice.rename("Al")
        await bot.guilds[0].me.edit(nick="The bot")
        _, after = await bot.hears("member_update")
        assert after.nick == "The bot" and not bot.heard("member_join")
        assert [each.name for each in bot.guilds[0].members] == ["govbot"]

    intents = discord.Intents.all()
    intents.members = False
    play(script, Listener(intents))


def test_somebody_is_kicked_or_banned() -> None:
    async def script(fake: FakeDiscord, bot: Listener) -> None:
        guild = bot.guilds[0]
        alice, bob = fake.person("alice"), fake.person("bob")
        await bot.hears("member_join", 2)
        await guild.get_member(int(alice.id)).kick()
        await guild.get_member(int(bob.id)).ban()
        await bot.hears("member_remove", 2)
        await bot.hears("member_ban")
        assert [each.user.name async for each in guild.bans()] == ["bob"]
        with pytest.raises(NotPossible):
            await bob.join()
        await guild.unban(discord.Object(int(bob.id)))
        await refused(guild.fetch_ban(discord.Object(int(bob.id))), 404, 10026)

    play(script)


# ---- several guilds --------------------------------------------------------------------------


def test_the_bot_joins_guilds_and_is_removed_from_them() -> None:
    async def script(fake: FakeDiscord, bot: Listener) -> None:
        other = fake.add_guild("Other")
        (joined,) = await bot.hears("guild_join")
        bob = fake.person("bob", guild=other)
        await bob.say(other.channel, "hello")
        (heard,) = await bot.hears("message")
        assert heard.guild == joined and heard.author.guild == joined
        fake.remove_bot(other)
        await bot.hears("guild_remove")
        await bob.say(other.channel, "anybody?")
        assert [each.name for each in bot.guilds] == ["Assembly"]
        await refused(heard.channel.send("echo"), 403, 50001)
        await refused(bot.fetch_guild(int(other.id)), 403, 50001)
        await refused(bot.fetch_guild(1), 404, 10004)
        fake.invite(other, USUAL_PERMISSIONS)
        await bot.hears("guild_join", 2)
        await bot.get_guild(int(other.id)).leave()
        await bot.hears("guild_remove", 2)

    play(script)


def test_a_guild_out_of_reach_comes_back() -> None:
    async def script(fake: FakeDiscord, bot: Listener) -> None:
        fake.guild_outage(fake.guild)
        await bot.hears("guild_unavailable")
        fake.guild_back(fake.guild)
        await bot.hears("guild_available", 2)
        assert not bot.heard("guild_remove") and not bot.guilds[0].unavailable

    play(script)


def test_somebody_in_two_guilds_has_a_name_and_roles_in_each() -> None:
    async def script(fake: FakeDiscord, bot: Listener) -> None:
        other = fake.add_guild("Other")
        await bot.hears("guild_join")
        alice = fake.person("alice")
        await alice.join(other, [fake.add_role("council", guild=other)])
        await alice.rename("Al", other)
        await bot.hears("member_update")
        here, there = (each.get_member(int(alice.id)) for each in bot.guilds)
        assert (here.display_name, there.display_name) == ("Alice", "Al")
        assert (len(here.roles), len(there.roles)) == (1, 2)
        await alice.leave(other)
        await bot.hears("member_remove")
        await alice.say(fake.channel, "still here")

    play(script)
