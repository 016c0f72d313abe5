"""The loopback Discord as the real client meets it: coming online, and messages of every kind."""

import io
from datetime import timedelta
from typing import Any

import pytest
from fake_discord import CONTENT, FakeDiscord, InteractionFailed, text_of
from fake_discord.client import discord
from fake_discord.listener import Listener, play, refused, run

ui = discord.ui

# ---- coming online ---------------------------------------------------------------------------


def test_a_wrong_token_is_turned_away() -> None:
    async def script() -> None:
        async with FakeDiscord() as fake:
            with fake.redirect_discord_py():
                bot = Listener()
                with pytest.raises(discord.LoginFailure):
                    await bot.start("nope")
                await bot.close()

    run(script())


def test_an_intent_that_is_not_switched_on_closes_the_gateway() -> None:
    async def script() -> None:
        async with FakeDiscord(allowed_intents=0) as fake:
            with fake.redirect_discord_py():
                bot = Listener()
                with pytest.raises(discord.PrivilegedIntentsRequired):
                    await bot.start(fake.token)
                await bot.close()

    run(script())


def test_the_application_tells_which_intents_are_switched_on() -> None:
    async def script(fake: FakeDiscord, bot: Listener) -> None:
        flags = (await bot.application_info()).flags
        assert flags.gateway_guild_members_limited and not flags.gateway_message_content_limited

    intents = discord.Intents.all()
    intents.message_content = intents.presences = False
    play(script, Listener(intents), allowed_intents=~CONTENT)


def test_the_bot_finds_its_guilds_and_where_to_listen() -> None:
    async def script(fake: FakeDiscord, bot: Listener) -> None:
        fake.add_guild("Other")
        fake.add_guild("Elsewhere", invited=False)
        assert [each.name async for each in bot.fetch_guilds()] == ["Assembly", "Other"]
        shards, address, _ = await bot.http.get_bot_gateway()
        assert (shards, address) == (1, fake.gateway_address)
        plain = await bot.http.request(discord.http.Route("GET", "/gateway"))
        assert plain["url"] == fake.gateway_address
        about = await bot.http.request(discord.http.Route("GET", "/applications/@me"))
        assert about["id"] == fake.app_id
        async with bot.place(fake.channel).typing():
            pass

    play(script)


# ---- messages --------------------------------------------------------------------------------


def test_a_mention_is_heard_and_answered_with_a_reply() -> None:
    async def script(fake: FakeDiscord, bot: Listener) -> None:
        alice = fake.person("alice")
        said = await alice.say(fake.channel, f"<@{fake.bot['id']}> hello")
        (heard,) = await bot.hears("message")
        assert bot.user in heard.mentions and heard.author.display_name == "Alice"
        await heard.reply("hello yourself")
        answer = fake.posts(fake.channel)[-1]
        assert answer["referenced_message"]["id"] == said["id"]
        assert [user["id"] for user in answer["mentions"]] == [alice.id]

    play(script)


def test_without_the_intent_for_contents_only_mentions_and_direct_messages_can_be_read() -> None:
    async def script(fake: FakeDiscord, bot: Listener) -> None:
        alice = fake.person("alice")
        await alice.say(fake.channel, "a secret", files={"a.txt": b"a"})
        await alice.say(fake.channel, f"<@{fake.bot['id']}> for you")
        await alice.dm("just us")
        await bot.hears("message", 3)
        heard = [args[0] for args in bot.heard("message")]
        assert [each.content for each in heard] == ["", f"<@{fake.bot['id']}> for you", "just us"]
        assert heard[0].attachments == []
        fake.allowed_intents &= ~CONTENT
        fetched = await bot.place(fake.channel).fetch_message(heard[0].id)
        assert fetched.content == ""

    intents = discord.Intents.all()
    intents.message_content = False
    play(script, Listener(intents))


def test_nobody_is_mentioned_whom_the_message_does_not_allow() -> None:
    async def script(fake: FakeDiscord, bot: Listener) -> None:
        alice = fake.person("alice")
        loud = fake.add_role("loud", mentionable=True)
        place, text = bot.place(fake.channel), f"@everyone {alice.mention} <@&{loud}>"
        quiet = await place.send(text, allowed_mentions=discord.AllowedMentions.none())
        assert not (quiet.mentions or quiet.role_mentions or quiet.mention_everyone)
        open_ = await place.send(text)
        assert open_.mention_everyone and [m.name for m in open_.mentions] == ["alice"]
        assert [role.name for role in open_.role_mentions] == ["loud"]
        await open_.edit(content=text + "!", allowed_mentions=discord.AllowedMentions.none())
        assert not fake.messages[str(open_.id)]["mention_everyone"]
        fake.forbid("MENTION_EVERYONE")
        assert not (await place.send("@everyone")).mention_everyone

    play(script)


def test_naming_users_and_parsing_them_all_exclude_each_other() -> None:
    async def script(fake: FakeDiscord, bot: Listener) -> None:
        body = {"content": "hi", "allowed_mentions": {"parse": ["users"], "users": ["1"]}}
        route = discord.http.Route("POST", "/channels/{c}/messages", c=fake.channel["id"])
        with pytest.raises(discord.HTTPException) as caught:
            await bot.http.request(route, json=body)
        assert caught.value.code == 50035

    play(script)


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        ({"content": "x" * 2001}, 50035),
        ({"content": " \n "}, 50006),
        ({"embed": discord.Embed(description="x" * 4097)}, 50035),
        ({"embeds": [discord.Embed(description="x" * 4000)] * 2}, 50035),
        ({"embed": discord.Embed().add_field(name="", value="x")}, 50035),
        ({"embeds": [discord.Embed(title="x")] * 10, "content": "x" * 2001}, 50035),
    ],
)
def test_messages_that_are_too_long_or_empty_are_refused(sent: dict[str, Any], code: int) -> None:
    async def script(fake: FakeDiscord, bot: Listener) -> None:
        with pytest.raises(discord.HTTPException) as caught:
            await bot.place(fake.channel).send(**sent)
        assert caught.value.status == 400 and caught.value.code == code
        assert not fake.posts(fake.channel)

    play(script)


def test_people_may_write_four_thousand_characters_or_only_files() -> None:
    async def script(fake: FakeDiscord, bot: Listener) -> None:
        alice = fake.person("alice")
        await alice.say(fake.channel, "x" * 4000)
        await alice.say(fake.channel, files={"plan.txt": b"a plan"})
        await bot.hears("message", 2)
        long, bare = (args[0] for args in bot.heard("message"))
        assert len(long.content) == 4000 and bare.content == ""
        assert await bare.attachments[0].read() == b"a plan"
        with pytest.raises(Exception, match="Invalid Form Body"):
            await alice.say(fake.channel, "x" * 4001)

    play(script)


def test_files_are_sent_kept_replaced_and_read_again() -> None:
    async def script(fake: FakeDiscord, bot: Listener) -> None:
        place = bot.place(fake.channel)
        sent = await place.send("file", file=discord.File(io.BytesIO(b"abc"), "minutes.txt"))
        assert sent.attachments[0].size == 3 and await sent.attachments[0].read() == b"abc"
        both = await sent.add_files(discord.File(io.BytesIO(b"defg"), "more.txt"))
        assert [each.filename for each in both.attachments] == ["minutes.txt", "more.txt"]
        one = await both.edit(attachments=[both.attachments[1]])
        assert [each.filename for each in one.attachments] == ["more.txt"]
        await one.edit(content="kept")
        assert len(fake.messages[str(sent.id)]["attachments"]) == 1

    play(script)


def test_history_is_read_from_either_end_and_after_a_message() -> None:
    async def script(fake: FakeDiscord, bot: Listener) -> None:
        alice = fake.person("alice")
        said = [await alice.say(fake.channel, str(n)) for n in range(8)]
        place, third = bot.place(fake.channel), discord.Object(int(said[2]["id"]))
        latest = [each.content async for each in place.history(limit=3)]
        assert latest == ["7", "6", "5"]
        after = [each.content async for each in place.history(limit=3, after=third)]
        assert after == ["3", "4", "5"]
        before = [each.content async for each in place.history(limit=None, before=third)]
        assert before == ["1", "0"]
        around = [each.content async for each in place.history(limit=3, around=third)]
        assert sorted(around) == ["1", "2", "3"]
        rest = [each.content async for each in place.history(limit=None, after=third)]
        assert rest == ["3", "4", "5", "6", "7"]

    play(script)


def test_messages_are_edited_and_deleted_and_everyone_is_told() -> None:
    async def script(fake: FakeDiscord, bot: Listener) -> None:
        alice = fake.person("alice")
        said = await alice.say(fake.channel, "one")
        await alice.edit(said, "two")
        _, edited = await bot.hears("message_edit")
        assert edited.content == "two" and edited.edited_at is not None
        with pytest.raises(discord.Forbidden) as caught:
            await edited.edit(content="three")
        assert caught.value.code == 50005
        await alice.delete(said)
        (gone,) = await bot.hears("raw_message_delete")
        assert gone.message_id == int(said["id"])
        for attempt in (edited.reply("late"), edited.add_reaction("x"), edited.fetch()):
            with pytest.raises(discord.HTTPException):
                await attempt
        with pytest.raises(discord.NotFound) as lost:
            await bot.place(fake.channel).fetch_message(edited.id)
        assert lost.value.code == 10008

    play(script)


def test_a_reply_to_a_message_that_is_gone_is_refused_unless_said_otherwise() -> None:
    async def script(fake: FakeDiscord, bot: Listener) -> None:
        alice, place = fake.person("alice"), bot.place(fake.channel)
        said = await alice.say(fake.channel, "here")
        (heard,) = await bot.hears("message")
        await alice.delete(said)
        with pytest.raises(discord.HTTPException) as caught:
            await heard.reply("hm")
        assert caught.value.code == 50035
        kind = discord.MessageReference.from_message(heard, fail_if_not_exists=False)
        assert (await place.send("hm", reference=kind)).reference is None

    play(script)


def test_a_nonce_that_is_enforced_makes_sending_again_harmless() -> None:
    async def script(fake: FakeDiscord, bot: Listener) -> None:
        body = {"content": "once", "nonce": "process-1", "enforce_nonce": True}
        route = discord.http.Route("POST", "/channels/{c}/messages", c=fake.channel["id"])
        first = await bot.http.request(route, json=body)
        again = await bot.http.request(route, json=body)
        assert first["id"] == again["id"] and len(fake.posts(fake.channel)) == 1

    play(script)


def test_webhooks_and_other_bots_speak_without_being_members_of_the_people() -> None:
    async def script(fake: FakeDiscord, bot: Listener) -> None:
        robot = fake.person("robot", bot=True)
        await robot.say(fake.channel, "beep")
        await fake.webhook_says(fake.channel, "@everyone posted", "Feed")
        await bot.hears("message", 2)
        beep, posted = (args[0] for args in bot.heard("message"))
        assert beep.author.bot and beep.webhook_id is None
        assert posted.webhook_id and posted.author.name == "Feed"
        assert not isinstance(posted.author, discord.Member) and not posted.mention_everyone

    play(script)


def test_hostile_names_and_texts_arrive_as_they_are() -> None:
    async def script(fake: FakeDiscord, bot: Listener) -> None:
        nasty = "||@everyone|| `x` \u200b\u202e **b** <@&1> \U0001f9db"
        mallory = fake.person("mallory")
        await mallory.rename(nasty[:32])
        await mallory.say(fake.channel, nasty)
        (heard,) = await bot.hears("message")
        assert heard.content == nasty and heard.author.display_name == nasty[:32]

    play(script)


def test_pinning_tells_of_it_twice_and_unpinning_once() -> None:
    async def script(fake: FakeDiscord, bot: Listener) -> None:
        place = bot.place(fake.channel)
        sent = await place.send("rules")
        await sent.pin()
        note = (await bot.hears("message", 2))[0]
        assert note.type is discord.MessageType.pins_add and note.reference.message_id == sent.id
        assert [each.id async for each in place.pins()] == [sent.id]
        await sent.unpin()
        await bot.hears("guild_channel_pins_update", 2)
        assert [each.id async for each in place.pins()] == []

    play(script)


def test_reactions_come_and_go() -> None:
    async def script(fake: FakeDiscord, bot: Listener) -> None:
        alice = fake.person("alice")
        sent = await bot.place(fake.channel).send("vote?")
        message = fake.messages[str(sent.id)]
        await sent.add_reaction("✅")
        await alice.react(message, "✅")
        await alice.react(message, "✅")
        added = (await bot.hears("raw_reaction_add", 2))[0]
        assert str(added.emoji) == "✅" and added.member.name == "alice"
        (reaction,) = (await sent.fetch()).reactions
        assert reaction.count == 2 and reaction.me
        assert {user.name async for user in reaction.users()} == {"govbot", "alice"}
        await alice.unreact(message, "✅")
        await bot.hears("raw_reaction_remove")
        await sent.clear_reactions()
        assert message["reactions"] == []

    play(script)


def test_reactions_are_taken_back_by_whoever_gave_them_or_by_a_moderator() -> None:
    async def script(fake: FakeDiscord, bot: Listener) -> None:
        alice = fake.person("alice")
        sent = await bot.place(fake.channel).send("vote?")
        message = fake.messages[str(sent.id)]
        await sent.add_reaction("x")
        await alice.react(message, "x")
        await sent.remove_reaction("x", bot.user)
        await sent.remove_reaction("x", discord.Object(int(alice.id)))
        await bot.hears("raw_reaction_remove", 2)
        assert message["reactions"] == []

    play(script)


def test_pins_are_reached_by_their_old_routes_too() -> None:
    async def script(fake: FakeDiscord, bot: Listener) -> None:
        sent = await bot.place(fake.channel).send("rules")
        path, place = "/channels/{c}/pins/{m}", fake.channel["id"]
        await bot.http.request(discord.http.Route("PUT", path, c=place, m=sent.id))
        listed = discord.http.Route("GET", "/channels/{c}/pins", c=place)
        assert [each["id"] for each in await bot.http.request(listed)] == [str(sent.id)]
        await bot.http.request(discord.http.Route("DELETE", path, c=place, m=sent.id))
        assert await bot.http.request(listed) == []

    play(script)


def test_a_poll_is_voted_on_ended_and_its_result_posted() -> None:
    async def script(fake: FakeDiscord, bot: Listener) -> None:
        alice, bob = fake.person("alice"), fake.person("bob")
        poll = discord.Poll("Tea or coffee?", timedelta(hours=24))
        poll.add_answer(text="tea")
        poll.add_answer(text="coffee")
        sent = await bot.place(fake.channel).send(poll=poll)
        message = fake.messages[str(sent.id)]
        await alice.vote_poll(message, 1)
        await alice.vote_poll(message, 2)
        await bob.vote_poll(message, 2)
        await bob.unvote_poll(message, 2)
        await bob.vote_poll(message, 2)
        await bot.hears("raw_poll_vote_add", 4)
        assert len(bot.heard("raw_poll_vote_remove")) == 2
        voters = {user.name async for user in sent.poll.get_answer(2).voters()}
        assert voters == {"alice", "bob"}
        ended = await sent.end_poll()
        assert ended.poll.is_finalised()
        result = fake.posts(fake.channel)[-1]
        fields = {each["name"]: each["value"] for each in result["embeds"][0]["fields"]}
        assert result["type"] == 46 and fields["victor_answer_text"] == "coffee"
        with pytest.raises(Exception, match="Poll expired"):
            await bob.vote_poll(message, 1)

    play(script)


def test_direct_messages_arrive_unless_somebody_takes_none_or_shares_no_server() -> None:
    async def script(fake: FakeDiscord, bot: Listener) -> None:
        alice, bob, carol = (fake.person(name) for name in ("alice", "bob", "carol"))
        await bot.hears("member_join", 3)
        guild = bot.guilds[0]
        await guild.get_member(int(alice.id)).send("psst")
        assert [message["content"] for message in alice.inbox] == ["psst"]
        await alice.dm("yes?")
        (heard,) = await bot.hears("message", 2)
        assert heard.guild is None and heard.author.name == "alice"
        bob.close_dms()
        with pytest.raises(discord.Forbidden) as closed:
            await guild.get_member(int(bob.id)).send("psst")
        assert closed.value.code == 50007 and not bob.inbox
        bob.open_dms()
        await guild.get_member(int(bob.id)).send("psst")
        assert bob.inbox
        user = await bot.fetch_user(int(carol.id))
        await carol.leave()
        with pytest.raises(discord.Forbidden) as strange:
            await user.send("psst")
        assert strange.value.code == 50278

    play(script)


# ---- components --------------------------------------------------------------------------------


def row(*items: dict[str, Any]) -> dict[str, Any]:
    return {"type": 1, "components": list(items)}


def button(number: int, **more: Any) -> dict[str, Any]:
    return {"type": 2, "style": 1, "label": "x", "custom_id": str(number), **more}


def menu(options: int, **more: Any) -> dict[str, Any]:
    offered = [{"label": str(n), "value": str(n)} for n in range(options)]
    return {"type": 3, "custom_id": "menu", "options": offered, **more}


@pytest.mark.parametrize(
    "components",
    [
        [row(button(n)) for n in range(6)],
        [row(*(button(n) for n in range(6)))],
        [row()],
        [button(1)],
        [row(button(1), button(1))],
        [row(button(1, label="x" * 81))],
        [row(button(1, custom_id="x" * 101))],
        [row(button(1, label=""))],
        [row(button(1, style=5, url="https://example.org"))],
        [row(menu(26))],
        [row(menu(0))],
        [row(menu(2, max_values=3))],
        [row(menu(2, min_values=2))],
        [row(menu(2), button(1))],
        [row(menu(1, placeholder="x" * 151))],
        [row({"type": 3, "custom_id": "m", "options": [{"label": "a", "value": "1"}] * 2})],
    ],
)
def test_buttons_and_menus_that_do_not_fit_are_refused(components: list[dict[str, Any]]) -> None:
    async def script(fake: FakeDiscord, bot: Listener) -> None:
        route = discord.http.Route("POST", "/channels/{c}/messages", c=fake.channel["id"])
        body = {"content": "x", "components": components}
        await refused(bot.http.request(route, json=body), 400, 50035)

    play(script)


def test_a_message_of_components_only_is_read_and_pressed_like_any_other() -> None:
    async def script(fake: FakeDiscord, bot: Listener) -> None:
        alice = fake.person("alice")
        view = ui.LayoutView(timeout=None)
        press: ui.Button[Any] = ui.Button(label="read", custom_id="read")
        shown = ui.Section(ui.TextDisplay(f"for {alice.mention}"), accessory=press)
        view.add_item(ui.Container(shown))
        sent = await bot.place(fake.channel).send(view=view)
        message = fake.messages[str(sent.id)]
        assert text_of(message) == f"for {alice.mention}"
        assert [user["id"] for user in message["mentions"]] == [alice.id]
        with pytest.raises(InteractionFailed):
            await alice.click(message, "read")
        (heard,) = await bot.hears("interaction")
        assert heard.data["custom_id"] == "read"
        body = {"content": "both", "components": message["components"], "flags": 1 << 15}
        route = discord.http.Route("POST", "/channels/{c}/messages", c=fake.channel["id"])
        await refused(bot.http.request(route, json=body), 400, 50035)

    play(script, ack_seconds=0.1)
