"""The loopback Discord as the real client meets it: messages, commands, buttons, menus, modals."""

import asyncio
import io
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from fake_discord import CONTENT, FakeDiscord, InteractionFailed, NotPossible, Person, text_of
from fake_discord.client import discord
from fake_discord.listener import Listener, online, play, run

MESSAGES = "/channels/{channel}/messages"
app_commands, ui = discord.app_commands, discord.ui


# ---- a bot with something to press -----------------------------------------------------------


class VoteButton(ui.DynamicItem[ui.Button[Any]], template=r"vote:(?P<number>\d+):(?P<choice>\w+)"):
    def __init__(self, number: str, choice: str) -> None:
        super().__init__(ui.Button(label=choice, custom_id=f"vote:{number}:{choice}"))
        self.number, self.choice = number, choice

    @classmethod
    async def from_custom_id(cls, press: Any, item: Any, match: Any, /) -> "VoteButton":
        return cls(match["number"], match["choice"])

    async def callback(self, press: Any) -> None:
        await press.response.edit_message(embed=discord.Embed(title=f"{self.number}: 1 of 2"))
        await press.followup.send(f"Recorded {self.choice}", ephemeral=True)


class Reasons(ui.Modal, title="Why?"):
    why: Any = ui.TextInput(label="Reason", custom_id="why", min_length=3, max_length=50)
    more: Any = ui.TextInput(label="More", custom_id="more", required=False)

    async def on_submit(self, press: Any) -> None:
        await press.response.send_message(f"{self.why.value}/{self.more.value}", ephemeral=True)


class Ballot(ui.Modal, title="Ballot"):
    choice: Any = ui.Label(
        text="Your vote",
        component=ui.RadioGroup(
            custom_id="choice",
            options=[discord.RadioGroupOption(label=each, value=each) for each in ("yes", "no")],
        ),
    )
    also: Any = ui.Label(
        text="Also",
        component=ui.Select(
            custom_id="also", required=False, min_values=0, max_values=2,
            options=[discord.SelectOption(label=each) for each in ("tea", "cake", "chairs")],
        ),
    )  # fmt: skip

    async def on_submit(self, press: Any) -> None:
        chosen = self.also.component.values
        await press.response.send_message(f"{self.choice.component.value} {chosen}")


class Menus(ui.View):
    def __init__(self) -> None:
        super().__init__(timeout=None)

    @ui.select(
        custom_id="rank", min_values=1, max_values=2,
        options=[discord.SelectOption(label=each.title(), value=each) for each in "abc"],
    )  # fmt: skip
    async def rank(self, press: Any, menu: Any) -> None:
        await press.response.send_message(" > ".join(menu.values), ephemeral=True)

    @ui.select(cls=ui.UserSelect, custom_id="who")
    async def who(self, press: Any, menu: Any) -> None:
        await press.response.send_message(menu.values[0].display_name, ephemeral=True)

    @ui.select(cls=ui.RoleSelect, custom_id="which")
    async def which(self, press: Any, menu: Any) -> None:
        await press.response.send_message(menu.values[0].name, ephemeral=True)


class Clerk(Listener):
    """A bot with a few commands, and buttons that last."""

    async def setup_hook(self) -> None:
        self.add_dynamic_items(VoteButton)
        self.add_view(Menus())
        for command in (propose, later, silent, twice, secret, group, make_proposal, greet):
            self.tree.add_command(command)
        await self.tree.sync()


@app_commands.command(description="opens a proposal")
@app_commands.describe(title="what it is called")
async def propose(
    press: Any, title: app_commands.Range[str, 3, 40], quorum: app_commands.Range[int, 1, 9] = 5
) -> None:
    view = ui.View(timeout=None)
    view.add_item(VoteButton("1", "yes"))
    view.add_item(VoteButton("1", "no"))
    view.add_item(ui.Button(label="closed", custom_id="vote:1:late", disabled=True))
    await press.response.send_message(embed=discord.Embed(title=f"{title} {quorum}"), view=view)


@app_commands.command(description="thinks first")
async def later(press: Any) -> None:
    await press.response.defer(ephemeral=True, thinking=True)
    await asyncio.sleep(0.05)
    await press.followup.send("thought", ephemeral=False)
    await press.followup.send("and more", ephemeral=True)


@app_commands.command(description="never answers")
async def silent(press: Any) -> None:
    return None


@app_commands.command(description="answers twice, and tells of it")
async def twice(press: Any) -> None:
    await press.response.send_message("once")
    path = "/interactions/{number}/{token}/callback"
    route = discord.http.Route("POST", path, number=press.id, token=press.token)
    try:
        await press.client.http.request(route, json={"type": 4, "data": {"content": "twice"}})
    except discord.HTTPException as error:
        await press.followup.send(f"{error.status} {error.code}")


@app_commands.command(description="for those who manage the server")
@app_commands.default_permissions(manage_guild=True)
async def secret(press: Any) -> None:
    await press.response.send_message("hush", ephemeral=True)


group = app_commands.Group(name="gov", description="governance")


@group.command(description="how a process stands")
async def status(press: Any, process: int, whose: discord.Member | None = None) -> None:
    of = f" of {whose.display_name}" if whose else ""
    await press.response.send_message(f"status {process}{of}")


@status.autocomplete("process")
async def processes(press: Any, typed: str) -> list[Any]:
    return [app_commands.Choice(name=f"#{n}", value=n) for n in (1, 12, 3) if str(n)[0] == typed]


@group.command(description="asks for reasons")
async def why(press: Any) -> None:
    await press.response.send_modal(Reasons())


@group.command(description="asks for a vote")
async def ballot(press: Any) -> None:
    await press.response.send_modal(Ballot())


@app_commands.context_menu(name="Make this a proposal")
async def make_proposal(press: Any, message: discord.Message) -> None:
    await press.response.send_message(f"{message.author.display_name}: {message.content}")


@app_commands.context_menu(name="Greet")
async def greet(press: Any, member: discord.Member) -> None:
    await press.response.send_message(f"hello {member.mention} <@{press.user.id}>")


def clerk(script: Callable[[FakeDiscord, Clerk], Awaitable[None]], **options: Any) -> None:
    play(script, Clerk(), **options)


# ---- coming online ---------------------------------------------------------------------------


def test_a_bot_comes_online_and_knows_its_guild_its_people_and_its_commands() -> None:
    async def script(fake: FakeDiscord, bot: Clerk) -> None:
        (guild,) = bot.guilds
        assert guild.name == "Assembly" and guild.owner_id == int(fake.owner.id)
        assert {member.name for member in guild.members} == {"founder", "govbot"}
        names = sorted(command["name"] for command in fake.commands[None])
        assert names == ["Greet", "Make this a proposal", "gov", "later", "propose", "secret",
                         "silent", "twice"]  # fmt: skip

    clerk(script)


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
        await bot.hears("raw_poll_vote_add", 3)
        assert len(bot.heard("raw_poll_vote_remove")) == 1
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
        user = await bot.fetch_user(int(carol.id))
        await carol.leave()
        with pytest.raises(discord.Forbidden) as strange:
            await user.send("psst")
        assert strange.value.code == 50278

    play(script)


# ---- commands --------------------------------------------------------------------------------


def test_a_slash_command_is_answered_with_an_embed_and_buttons() -> None:
    async def script(fake: FakeDiscord, bot: Clerk) -> None:
        alice = fake.person("alice")
        reply = await alice.slash("propose", title="Kettle")
        assert reply.text == "Kettle 5" and not reply.ephemeral and reply.waited < 1
        assert reply.message in fake.posts(fake.channel)
        assert reply.message["interaction_metadata"]["user"]["id"] == alice.id

    clerk(script)


def test_the_app_sends_no_command_that_does_not_fit() -> None:
    async def script(fake: FakeDiscord, bot: Clerk) -> None:
        alice = fake.person("alice")
        for wrong in ({}, {"title": "no"}, {"title": 5}, {"title": "fine", "quorum": 10},
                      {"title": "fine", "colour": "red"}):  # fmt: skip
            with pytest.raises(NotPossible):
                await alice.slash("propose", **wrong)
        with pytest.raises(NotPossible):
            await alice.slash("gov", "nothing")
        with pytest.raises(NotPossible):
            await alice.slash("dance")

    clerk(script)


def test_a_command_for_moderators_is_shown_to_nobody_else() -> None:
    async def script(fake: FakeDiscord, bot: Clerk) -> None:
        alice, bob = fake.person("alice"), fake.person("bob")
        fake.give_role(bob, fake.add_role("managers", "MANAGE_GUILD"))
        with pytest.raises(NotPossible):
            await alice.slash("secret")
        for person in (bob, fake.owner):
            reply = await person.slash("secret")
            assert reply.ephemeral
        assert fake.posts(fake.channel) == []
        assert [each["content"] for each in bob.reads(fake.channel)] == ["hush"]
        assert alice.reads(fake.channel) == []

    clerk(script)


def test_what_only_one_person_sees_is_in_no_history() -> None:
    async def script(fake: FakeDiscord, bot: Clerk) -> None:
        reply = await fake.owner.slash("secret")
        place, number = bot.place(fake.channel), int(reply.message["id"])
        assert [each async for each in place.history()] == []
        for attempt in (place.fetch_message(number), place.get_partial_message(number).delete()):
            with pytest.raises(discord.NotFound):
                await attempt

    clerk(script)


def test_suggestions_come_while_an_option_is_typed() -> None:
    async def script(fake: FakeDiscord, bot: Clerk) -> None:
        alice = fake.person("alice")
        offered = await alice.autocomplete("gov", "status", focused="process", process="1")
        assert [choice["value"] for choice in offered] == [1, 12]
        reply = await alice.slash("gov", "status", process=12, whose=fake.owner)
        assert reply.text == "status 12 of Founder"

    clerk(script)


def test_a_deferred_answer_is_filled_by_the_first_message_that_follows() -> None:
    async def script(fake: FakeDiscord, bot: Clerk) -> None:
        reply = await fake.person("alice").slash("later")
        assert reply.thinking and reply.ephemeral
        filled = await reply.final()
        assert filled["content"] == "thought" and reply.ephemeral
        more = await reply.followup()
        assert more["content"] == "and more" and len(reply.followups) == 1

    clerk(script)


def test_an_answer_after_three_seconds_comes_too_late() -> None:
    async def script(fake: FakeDiscord, bot: Listener) -> None:
        alice = fake.person("alice")
        with pytest.raises(InteractionFailed):
            await alice.slash("silent")
        (press,) = await bot.hears("interaction")
        with pytest.raises(discord.NotFound) as late:
            await press.response.send_message("sorry")
        assert late.value.code == 10062
        with pytest.raises(discord.NotFound) as unopened:
            await press.followup.send("sorry")
        assert unopened.value.code == 10015

    clerk(script, ack_seconds=0.1)


def test_a_second_first_answer_is_refused() -> None:
    async def script(fake: FakeDiscord, bot: Clerk) -> None:
        reply = await fake.person("alice").slash("twice")
        assert (await reply.followup())["content"] == "400 40060"

    clerk(script)


def test_a_token_opens_nothing_after_its_time() -> None:
    async def script(fake: FakeDiscord, bot: Clerk) -> None:
        await fake.owner.slash("secret")
        (press,) = await bot.hears("interaction")
        await press.edit_original_response(content="still")
        await asyncio.sleep(0.4)
        with pytest.raises(discord.HTTPException) as late:
            await press.edit_original_response(content="too late")
        assert (late.value.status, late.value.code) == (401, 50027)

    clerk(script, token_seconds=0.4)


def test_answers_are_changed_followed_and_deleted() -> None:
    async def script(fake: FakeDiscord, bot: Clerk) -> None:
        reply = await fake.person("alice").slash("propose", title="Kettle")
        (press,) = await bot.hears("interaction")
        await press.edit_original_response(content="changed", attachments=[
            discord.File(io.BytesIO(b"audit"), "audit.md"),
        ])  # fmt: skip
        assert reply.message["content"] == "changed" and reply.message["attachments"]
        more = await press.followup.send("more", wait=True)
        await more.edit(content="less")
        assert reply.followups[0]["content"] == "less"
        await more.delete()
        with pytest.raises(discord.NotFound) as gone:
            await more.edit(content="none")
        assert gone.value.code == 10008
        await press.delete_original_response()
        assert reply.deleted and not fake.posts(fake.channel)
        with pytest.raises(discord.NotFound):
            await press.original_response()

    clerk(script)


def test_a_message_menu_and_a_user_menu_carry_what_they_were_opened_on() -> None:
    async def script(fake: FakeDiscord, bot: Clerk) -> None:
        alice, bob = fake.person("alice"), fake.person("bob")
        said = await bob.say(fake.channel, "let us buy a kettle")
        reply = await alice.menu("Make this a proposal", said)
        assert reply.text == "Bob: let us buy a kettle"
        hello = await alice.user_menu("Greet", bob)
        mentioned = {user["id"] for user in hello.message["mentions"]}
        assert mentioned == {alice.id, bob.id}
        with pytest.raises(NotPossible):
            await alice.menu("Greet", said)

    clerk(script)


def test_a_guilds_own_commands_stand_before_the_global_ones_and_only_there() -> None:
    async def script(fake: FakeDiscord, bot: Listener) -> None:
        other = fake.add_guild("Other")
        await bot.hears("guild_join")

        @bot.tree.command(description="votes", guild=discord.Object(int(other.id)))
        async def vote(press: Any, choice: str) -> None:
            await press.response.send_message(f"voted {choice}")

        await bot.tree.sync(guild=discord.Object(int(other.id)))
        alice = fake.person("alice")
        await alice.join(other)
        with pytest.raises(NotPossible):
            await alice.slash("vote", choice="yes")
        reply = await alice.slash("vote", choice="yes", channel=other.channel)
        assert reply.text == "voted yes"
        bot.tree.clear_commands(guild=discord.Object(int(other.id)))
        await bot.tree.sync(guild=discord.Object(int(other.id)))
        with pytest.raises(NotPossible):
            await alice.slash("vote", choice="yes", channel=other.channel)

    play(script)


def test_commands_that_do_not_fit_are_refused_and_the_old_ones_stay() -> None:
    async def script(fake: FakeDiscord, bot: Clerk) -> None:
        path = "/applications/{app}/commands"
        route = discord.http.Route("PUT", path, app=bot.application_id)
        good = {"name": "fine", "description": "d"}
        option = {"type": 3, "name": "a", "description": "d"}
        menu = {"name": "Menu", "type": 3}
        wrong: list[list[dict[str, Any]]] = [
            [good | {"name": "Loud"}],
            [good | {"name": "x" * 33}],
            [good | {"description": ""}],
            [good, good],
            [good | {"name": f"c{n}"} for n in range(101)],
            [menu | {"name": f"Menu {n}"} for n in range(16)],
            [menu | {"description": "d"}],
            [good | {"options": [option | {"name": f"o{n}"} for n in range(26)]}],
            [good | {"options": [option, option | {"name": "b", "required": True}]}],
            [good | {"options": [option | {"choices": [{"name": "n", "value": "v"}] * 26}]}],
        ]
        before = [command["name"] for command in fake.commands[None]]
        for commands in wrong:
            with pytest.raises(discord.HTTPException) as caught:
                await bot.http.request(route, json=commands)
            assert caught.value.status == 400
        assert [command["name"] for command in fake.commands[None]] == before

    clerk(script)


def test_only_two_hundred_commands_are_made_in_a_day() -> None:
    async def script(fake: FakeDiscord, bot: Listener) -> None:
        path = "/applications/{app}/commands"
        route = discord.http.Route("PUT", path, app=bot.application_id)
        for batch in range(3):
            commands = [{"name": f"c{batch}-{n}", "description": "d"} for n in range(100)]
            if batch < 2:
                await bot.http.request(route, json=commands)
                await bot.http.request(route, json=commands)  # the same ones are not new
            else:
                with pytest.raises(discord.HTTPException) as caught:
                    await bot.http.request(route, json=commands)
                assert caught.value.code == 30034

    play(script)


def test_global_commands_and_their_buttons_work_in_direct_messages() -> None:
    async def script(fake: FakeDiscord, bot: Clerk) -> None:
        alice = fake.person("alice")
        private = fake.dm_channel(alice.id)
        reply = await alice.slash("propose", title="Kettle", channel=private)
        (press,) = await bot.hears("interaction")
        assert press.guild is None and press.user.name == "alice"
        voted = await alice.click(reply.message, "yes")
        assert (await voted.followup())["content"] == "Recorded yes"
        assert len(alice.inbox) == 2 and not fake.posts(fake.channel)

    clerk(script)


# ---- buttons, menus, modals ------------------------------------------------------------------


def test_a_button_changes_its_message_and_answers_only_who_pressed_it() -> None:
    async def script(fake: FakeDiscord, bot: Clerk) -> None:
        alice, bob = fake.person("alice"), fake.person("bob")
        card = (await alice.slash("propose", title="Kettle")).message
        reply = await bob.click(card, "vote:1:yes")
        confirmation = await reply.followup()
        assert confirmation["content"] == "Recorded yes"
        assert fake.messages[card["id"]]["embeds"][0]["title"] == "1: 1 of 2"
        assert confirmation in bob.reads(fake.channel)
        assert confirmation not in alice.reads(fake.channel)

    clerk(script)


def test_a_button_is_found_by_its_label_and_not_pressed_when_grey_gone_or_deleted() -> None:
    async def script(fake: FakeDiscord, bot: Clerk) -> None:
        alice = fake.person("alice")
        card = (await alice.slash("propose", title="Kettle")).message
        assert await alice.click(card, "no")
        for wrong in ("closed", "vote:1:late", "maybe"):
            with pytest.raises(NotPossible):
                await alice.click(card, wrong)
        fake.delete_message(card)
        with pytest.raises(NotPossible):
            await alice.click(card, "no")

    clerk(script)


def test_an_old_button_works_with_a_bot_that_was_started_again() -> None:
    async def script() -> None:
        async with FakeDiscord() as fake:
            alice = fake.person("alice")
            async with online(fake, Clerk()):
                card = (await alice.slash("propose", title="Kettle")).message
            with pytest.raises(InteractionFailed):
                await alice.click(card, "yes", timeout=0.05)
            async with online(fake, Clerk()):
                reply = await alice.click(card, "yes")
                assert (await reply.followup())["content"] == "Recorded yes"

    run(script())


def test_menus_take_as_many_of_their_choices_as_they_say_and_no_others() -> None:
    async def script(fake: FakeDiscord, bot: Clerk) -> None:
        alice = fake.person("alice")
        role = fake.add_role("council")
        sent = await bot.place(fake.channel).send("choose", view=Menus())
        card = fake.messages[str(sent.id)]
        assert (await alice.pick(card, "rank", "c", "a")).text == "c > a"
        assert (await alice.pick(card, "rank", "B")).text == "b"  # by what people read
        assert (await alice.pick(card, "who", fake.owner)).text == "Founder"
        assert (await alice.pick(card, "which", role)).text == "council"
        for wrong in ((), ("a", "b", "c"), ("d",)):
            with pytest.raises(NotPossible):
                await alice.pick(card, "rank", *wrong)

    clerk(script)


def test_a_modal_asks_for_several_fields_and_sends_what_fits() -> None:
    async def script(fake: FakeDiscord, bot: Clerk) -> None:
        alice = fake.person("alice")
        opened = await alice.slash("gov", "why")
        assert opened.modal["title"] == "Why?"
        reply = await alice.submit(opened, why="because", more="a lot")
        assert reply.text == "because/a lot" and reply.ephemeral
        for wrong in ({}, {"why": "no"}, {"why": "x" * 51}, {"why": "because", "how": "so"}):
            with pytest.raises(NotPossible):
                await alice.submit(opened, wrong)

    clerk(script)


def test_a_modal_holds_choices_too() -> None:
    async def script(fake: FakeDiscord, bot: Clerk) -> None:
        alice = fake.person("alice")
        opened = await alice.slash("gov", "ballot")
        reply = await alice.submit(opened, choice="yes", also=["tea", "cake"])
        assert reply.text == "yes ['tea', 'cake']"
        with pytest.raises(NotPossible):
            await alice.submit(opened, choice="yes")  # it closed
        opened = await alice.slash("gov", "ballot")
        for wrong in ({"also": ["tea"]}, {"choice": "maybe"}, {"choice": "no", "also": ["x"]}):
            with pytest.raises(NotPossible):
                await alice.submit(opened, wrong)
        assert (await alice.submit(opened, choice="no")).text == "no []"

    clerk(script)


def test_nobody_presses_what_only_somebody_else_sees() -> None:
    async def script(fake: FakeDiscord, bot: Clerk) -> None:
        alice, bob = fake.person("alice"), fake.person("bob")
        reply = await alice.slash("later")
        (press,) = await bot.hears("interaction")
        await reply.final()
        await press.edit_original_response(view=Menus())
        with pytest.raises(NotPossible):
            await bob.pick(reply.message, "rank", "a")
        assert (await alice.pick(reply.message, "rank", "a")).text == "a"

    clerk(script)


def test_one_hundred_people_press_twice_at_once_and_all_are_answered() -> None:
    async def script(fake: FakeDiscord, bot: Clerk) -> None:
        card = (await fake.owner.slash("propose", title="Kettle")).message
        people: list[Person] = [fake.person(f"person{n}") for n in range(100)]
        presses = [person.click(card, "yes") for person in people for _ in range(2)]
        began = asyncio.get_running_loop().time()
        replies = await asyncio.gather(*presses)
        for reply in replies:
            await reply.followup()
        assert len({reply.id for reply in replies}) == 200
        assert asyncio.get_running_loop().time() - began < 5

    clerk(script)


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
        with pytest.raises(discord.HTTPException) as caught:
            await bot.http.request(route, json={"content": "x", "components": components})
        assert (caught.value.status, caught.value.code) == (400, 50035)

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
        with pytest.raises(discord.HTTPException):
            await bot.http.request(route, json=body)

    play(script, ack_seconds=0.1)
