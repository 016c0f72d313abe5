"""The loopback Discord's channels and threads: made, changed, locked, archived, deleted."""

import pytest
from fake_discord import FakeDiscord, NotPossible
from fake_discord.client import discord
from fake_discord.listener import Listener, play, refused

# ---- channels --------------------------------------------------------------------------------


def test_channels_are_made_changed_and_deleted_and_the_bot_is_told() -> None:
    async def script(fake: FakeDiscord, bot: Listener) -> None:
        guild = bot.guilds[0]
        hall = await guild.create_category("Hall")
        made = await guild.create_text_channel("Town Hall", category=hall, topic="all of it")
        await bot.hears("guild_channel_create", 2)
        assert made.name == "town-hall" and made.category == hall
        await made.edit(name="square", topic=None)
        _, after = await bot.hears("guild_channel_update")
        assert after.name == "square" and after.topic is None
        await hall.delete()
        await bot.hears("guild_channel_delete")
        await bot.hears("guild_channel_update", 2)
        assert guild.get_channel(made.id).category is None
        fake.delete_channel(fake.channels[str(made.id)])
        await bot.hears("guild_channel_delete", 2)
        await refused(made.send("echo"), 404, 10003)

    play(script)


def test_a_channel_can_be_closed_to_everyone_and_opened_again() -> None:
    async def script(fake: FakeDiscord, bot: Listener) -> None:
        alice, place = fake.person("alice"), bot.place(fake.channel)
        everyone = bot.guilds[0].default_role
        await place.set_permissions(everyone, send_messages=False)
        with pytest.raises(NotPossible):
            await alice.say(fake.channel, "hello?")
        await place.set_permissions(everyone, overwrite=None)
        await alice.say(fake.channel, "hello!")

    play(script)


def test_overwrites_give_nothing_the_bot_has_not_itself() -> None:
    async def script(fake: FakeDiscord, bot: Listener) -> None:
        everyone = bot.guilds[0].default_role
        fake.forbid("MANAGE_WEBHOOKS")
        attempt = bot.place(fake.channel).set_permissions(everyone, manage_webhooks=True)
        await refused(attempt, 403, 50013)
        wanted = {everyone: discord.PermissionOverwrite(manage_permissions=True)}
        attempt = bot.guilds[0].create_text_channel("new", overwrites=wanted)
        await refused(attempt, 403, 50013)

    play(script)


def test_what_is_said_in_a_deleted_channel_is_gone() -> None:
    async def script(fake: FakeDiscord, bot: Listener) -> None:
        alice, side = fake.person("alice"), fake.add_channel("side")
        said = await alice.say(side, "hello")
        (heard,) = await bot.hears("message")
        thread = await heard.create_thread(name="talk")
        fake.delete_channel(side)
        await bot.hears("guild_channel_delete")
        assert said["id"] not in fake.messages and str(thread.id) not in fake.channels
        await refused(heard.edit(suppress=True), 404, 10003)
        await refused(thread.send("echo"), 404, 10003)

    play(script)


# ---- threads ---------------------------------------------------------------------------------


def test_a_thread_begins_with_a_message_once() -> None:
    async def script(fake: FakeDiscord, bot: Listener) -> None:
        sent = await bot.place(fake.channel).send("proposal 1")
        thread = await sent.create_thread(name="1: kettle")
        assert thread.id == sent.id and thread.owner == bot.guilds[0].me
        first = fake.posts(fake.channels[str(thread.id)])[0]
        assert first["type"] == 21 and first["referenced_message"]["content"] == "proposal 1"
        assert first["mentions"] == []
        await bot.hears("thread_create")
        await refused(sent.create_thread(name="again"), 400, 160004)
        await refused(bot.place(fake.channel).create_thread(name="x" * 101), 400, 50035)

    play(script)


def test_people_talk_in_threads_and_are_in_them_then() -> None:
    async def script(fake: FakeDiscord, bot: Listener) -> None:
        alice = fake.person("alice")
        thread = await (await bot.place(fake.channel).send("x")).create_thread(name="talk")
        await bot.hears("thread_create")
        known = fake.channels[str(thread.id)]
        await alice.say(known, "here")
        (joined,) = await bot.hears("thread_member_join")
        assert joined.id == int(alice.id) and known["message_count"] == 1
        members = {each.id for each in await thread.fetch_members()}
        assert members == {int(alice.id), bot.user.id}
        await thread.remove_user(discord.Object(int(alice.id)))
        await bot.hears("raw_thread_member_remove")
        await refused(thread.fetch_member(int(alice.id)), 404, 10007)
        await alice.leave()
        await refused(thread.add_user(discord.Object(int(alice.id))), 404, 10007)

    play(script)


def test_a_private_thread_is_seen_by_those_in_it_and_by_moderators() -> None:
    async def script(fake: FakeDiscord, bot: Listener) -> None:
        alice, bob, mod = (fake.person(name) for name in ("alice", "bob", "mod"))
        fake.give_role(mod, fake.add_role("mods", "MANAGE_THREADS"))
        thread = await bot.place(fake.channel).create_thread(name="in confidence")
        known = fake.channels[str(thread.id)]
        assert known["type"] == 12
        await thread.add_user(discord.Object(int(alice.id)))
        await alice.say(known, "a word")
        await mod.say(known, "seen")
        with pytest.raises(NotPossible):
            await bob.say(known, "what?")
        assert bob.reads(known) == [] and len(alice.reads(known)) == 2

    play(script)


def test_an_archived_thread_opens_when_somebody_writes_and_is_changed_only_open() -> None:
    async def script(fake: FakeDiscord, bot: Listener) -> None:
        alice = fake.person("alice")
        thread = await (await bot.place(fake.channel).send("x")).create_thread(name="talk")
        sent = await thread.send("card")
        await thread.edit(archived=True)
        for attempt in (thread.edit(name="new"), sent.edit(content="new"), sent.add_reaction("x"),
                        sent.pin(), thread.join()):  # fmt: skip
            await refused(attempt, 400, 50083)
        await alice.say(fake.channels[str(thread.id)], "hello again")
        await fake.until(lambda: bot.get_channel(thread.id))
        assert not bot.get_channel(thread.id).archived
        await thread.edit(archived=True)
        await thread.edit(archived=False, name="new")
        archived = [each async for each in bot.place(fake.channel).archived_threads()]
        assert archived == []

    play(script)


def test_people_do_nothing_in_an_archived_thread_but_write() -> None:
    async def script(fake: FakeDiscord, bot: Listener) -> None:
        alice = fake.person("alice")
        thread = await (await bot.place(fake.channel).send("x")).create_thread(name="talk")
        known = fake.channels[str(thread.id)]
        said = await alice.say(known, "mine")
        await thread.edit(archived=True)
        for attempt in (alice.react(said, "x"), alice.edit(said, "new"),
                        alice.slash("anything", channel=known)):  # fmt: skip
            with pytest.raises(NotPossible):
                await attempt
        await alice.delete(said)
        await alice.say(known, "open again")
        with pytest.raises(NotPossible):
            await alice.edit(fake.posts(fake.channel)[0], "not mine")

    play(script)


def test_a_locked_thread_is_for_moderators_only() -> None:
    async def script(fake: FakeDiscord, bot: Listener) -> None:
        alice = fake.person("alice")
        thread = await (await bot.place(fake.channel).send("x")).create_thread(name="talk")
        known = fake.channels[str(thread.id)]
        sent = await thread.send("card")
        await thread.edit(locked=True)
        with pytest.raises(NotPossible):
            await alice.say(known, "one more thing")
        await thread.send("a moderator may")
        fake.forbid("MANAGE_THREADS")
        await refused(thread.send("not any more"), 403, 160005)
        await refused(sent.edit(content="nor this"), 403, 160005)
        await refused(thread.edit(name="x"), 403, 50013)
        fake.lock_thread(known, archived=True)
        await refused(thread.send("nor now"), 403, 50083)
        await refused(thread.edit(archived=False), 403, 50013)

    play(script)


def test_without_managing_threads_the_bot_names_and_closes_only_its_own() -> None:
    async def script(fake: FakeDiscord, bot: Listener) -> None:
        alice = fake.person("alice")
        own = await (await bot.place(fake.channel).send("x")).create_thread(name="own")
        said = await alice.say(fake.channel, "mine")
        hers = await alice.begin_thread(said, "hers")
        await bot.hears("thread_create", 2)
        fake.forbid("MANAGE_THREADS")
        await own.edit(name="renamed")
        await own.edit(archived=True)
        await own.edit(archived=False)
        await refused(own.edit(locked=True), 403, 50013)
        await refused(own.delete(), 403, 50013)
        await refused(bot.place(hers).edit(name="taken"), 403, 50013)
        fake.allow("MANAGE_THREADS")
        await own.delete()
        await bot.hears("thread_delete")
        await refused(own.send("echo"), 404, 10003)

    play(script)


def test_threads_are_listed_active_and_archived() -> None:
    async def script(fake: FakeDiscord, bot: Listener) -> None:
        place = bot.place(fake.channel)
        threads = [await (await place.send(str(n))).create_thread(name=str(n)) for n in range(3)]
        await threads[1].edit(archived=True)
        active = {each.name for each in await bot.guilds[0].active_threads()}
        assert active == {"0", "2"}
        assert [each.name async for each in place.archived_threads()] == ["1"]

    play(script)


def test_private_threads_are_left_and_found_in_the_archive() -> None:
    async def script(fake: FakeDiscord, bot: Listener) -> None:
        place = bot.place(fake.channel)
        thread = await place.create_thread(name="in confidence")
        await thread.leave()
        await bot.hears("thread_remove")
        assert not fake.thread_members[str(thread.id)]
        await thread.edit(archived=True)
        assert [each.name async for each in place.archived_threads(private=True)] == [thread.name]

    play(script)


def test_a_deleted_thread_is_told_of() -> None:
    async def script(fake: FakeDiscord, bot: Listener) -> None:
        thread = await (await bot.place(fake.channel).send("x")).create_thread(name="talk")
        await bot.hears("thread_create")
        fake.delete_channel(fake.channels[str(thread.id)])
        await bot.hears("raw_thread_delete")
        await refused(thread.send("echo"), 404, 10003)
        assert fake.posts(fake.channel)  # what it began with is still there

    play(script)


def test_a_post_in_a_forum_is_a_thread_with_its_first_message() -> None:
    async def script(fake: FakeDiscord, bot: Listener) -> None:
        forum = await bot.guilds[0].create_forum("Proposals")
        made = await forum.create_thread(name="1: kettle", content="let us")
        assert made.thread.id == made.message.id and made.message.content == "let us"
        route = discord.http.Route("POST", "/channels/{c}/messages", c=forum.id)
        await refused(bot.http.request(route, json={"content": "x"}), 400, 40058)

    play(script)
