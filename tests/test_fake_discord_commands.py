"""The loopback Discord's interactions as the real client meets them: commands, buttons, modals."""

import asyncio
import io
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from fake_discord import FakeDiscord, InteractionFailed, NotPossible, Person
from fake_discord.client import discord
from fake_discord.listener import Listener, online, play, refused, run

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


# ---- commands --------------------------------------------------------------------------------


def test_a_bot_comes_online_and_knows_its_guild_its_people_and_its_commands() -> None:
    async def script(fake: FakeDiscord, bot: Clerk) -> None:
        (guild,) = bot.guilds
        assert guild.name == "Assembly" and guild.owner_id == int(fake.owner.id)
        assert {member.name for member in guild.members} == {"founder", "govbot"}
        names = sorted(command["name"] for command in fake.commands[None])
        assert names == ["Greet", "Make this a proposal", "gov", "later", "propose", "secret",
                         "silent", "twice"]  # fmt: skip

    clerk(script)


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
            await refused(attempt, 404, 10008)

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
        await refused(press.response.send_message("sorry"), 404, 10062)
        await refused(press.followup.send("sorry"), 404, 10015)

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
        await refused(press.edit_original_response(content="too late"), 401, 50027)

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
        assert reply.followups[0]["message_reference"]["message_id"] == reply.message["id"]
        await more.delete()
        await refused(more.edit(content="none"), 404, 10008)
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
        assert reply.message["type"] == 23
        assert reply.message["referenced_message"]["content"] == "let us buy a kettle"
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
                await refused(bot.http.request(route, json=commands), 400, 30034)

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


def test_commands_are_made_looked_at_changed_and_deleted_one_by_one() -> None:
    async def script(fake: FakeDiscord, bot: Listener) -> None:
        http, app = bot.http, bot.application_id
        for guild, scope in ((None, None), (int(fake.guild_id), fake.guild_id)):
            new = {"name": "vote", "description": "votes"}
            if guild is None:
                made = await http.upsert_global_command(app, new)
                again = await http.upsert_global_command(app, new | {"description": "again"})
                await http.edit_global_command(app, made["id"], {"description": "third"})
                assert (await http.get_global_command(app, made["id"]))["description"] == "third"
                assert len(await http.get_global_commands(app)) == 1
                await http.delete_global_command(app, made["id"])
                gone = http.get_global_command(app, made["id"])
            else:
                made = await http.upsert_guild_command(app, guild, new)
                again = await http.upsert_guild_command(app, guild, new)
                await http.edit_guild_command(app, guild, made["id"], {"description": "third"})
                found = await http.get_guild_command(app, guild, made["id"])
                assert found["description"] == "third" and found["guild_id"] == scope
                assert len(await http.get_guild_commands(app, guild)) == 1
                await http.delete_guild_command(app, guild, made["id"])
                gone = http.get_guild_command(app, guild, made["id"])
            assert made["id"] == again["id"] and fake.commands[scope] == []
            await refused(gone, 404, 10063)

    play(script)


# ---- buttons, menus, modals ------------------------------------------------------------------


def test_a_button_changes_its_message_and_answers_only_who_pressed_it() -> None:
    async def script(fake: FakeDiscord, bot: Clerk) -> None:
        alice, bob = fake.person("alice"), fake.person("bob")
        card = (await alice.slash("propose", title="Kettle")).message
        reply = await bob.click(card, "vote:1:yes")
        confirmation = await reply.followup()
        assert confirmation["content"] == "Recorded yes" and not confirmation["mentions"]
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
