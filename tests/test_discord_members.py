"""Who is who: members are snowflakes, roles come from the guild, nobody else can speak for them."""

import asyncio
from pathlib import Path
from typing import Any

from community import JURY
from discord_bot import Service, live
from fake_discord import text_of

from govbot.records import Member
from govbot.surfaces.discord.members import cleaned, gone, id_of, snowflake


def named(hall: Any) -> dict[str, Member]:
    return {member.name: member for member in hall.members().values()}


def test_members_are_their_snowflakes_with_the_roles_the_guild_gives_them(tmp_path: Path) -> None:
    async def script(service: Service) -> None:
        service.join("guest")
        hall = await service.hall()
        await service.until(lambda: "Eve" in named(hall))
        alice, person = named(hall)["Alice"], service.people["alice"]
        assert (alice.id, alice.roles) == (f"discord:{person.id}", ("member",))
        assert str(alice.facts["joined_at"]).endswith("Z")
        assert "Guest" not in named(hall)  # who has no role matters to nobody yet

    live(tmp_path, script)


def test_everybody_is_on_the_roll_of_what_is_opened(tmp_path: Path) -> None:
    async def script(service: Service) -> None:
        await service.says("alice", "I propose that we buy a kettle")
        hall = await service.hall()
        assert sorted(m.name for m in hall.memory.get_process(1).roll.values()) == [
            "Alice", "Bob", "Carol", "Dave", "Eve",
        ]  # fmt: skip

    live(tmp_path, script)


def test_who_has_no_role_is_refused_with_the_rule(tmp_path: Path) -> None:
    async def script(service: Service) -> None:
        service.join("guest")
        told = await service.says("guest", "I propose that we buy a kettle")
        assert "may not open" in told["content"] and "Any member may open" in told["content"]

    live(tmp_path, script)


def test_a_role_given_or_taken_is_known_at_the_next_opening(tmp_path: Path) -> None:
    async def script(service: Service) -> None:
        service.join("guest")
        role, hall = service.fake.guild.role("Member"), await service.hall()
        await service.until(lambda: "Eve" in named(hall))
        service.fake.give_role(service.people["guest"], role)
        service.fake.take_role(service.people["eve"], role)
        await service.until(lambda: "Guest" in named(hall) and not named(hall)["Eve"].roles)
        await service.says("guest", "I propose that we buy a kettle")
        assert hall.memory.get_process(1).eligible["'member' in roles"] == 5

    live(tmp_path, script)


def test_leaving_ends_roles_and_coming_back_gives_the_guild_its_word_again(tmp_path: Path) -> None:
    async def script(service: Service) -> None:
        role, hall = service.fake.guild.role("Member"), await service.hall()
        await service.until(lambda: "Eve" in named(hall))
        eve = service.people["eve"]
        await eve.leave()
        await service.until(lambda: not named(hall)["Eve"].roles)
        await eve.join(roles=[role])
        await service.until(lambda: named(hall)["Eve"].roles == ("member",))
        assert named(hall)["Eve"].id == f"discord:{eve.id}"

    live(tmp_path, script)


def test_who_left_while_the_bot_was_stopped_is_no_longer_a_member(tmp_path: Path) -> None:
    async def script(service: Service) -> None:
        hall = await service.hall()
        await service.until(lambda: "Eve" in named(hall))
        await service.stop()
        await service.people["eve"].leave()
        await service.start()
        await service.says("alice", "I propose that we buy a kettle")
        hall = await service.hall()
        assert hall.memory.get_process(1).eligible["'member' in roles"] == 4

    live(tmp_path, script)


def test_a_new_name_is_a_new_name_and_the_same_member(tmp_path: Path) -> None:
    async def script(service: Service) -> None:
        await service.says("alice", "I propose that we buy a kettle")
        card, hall = await service.card(1), await service.hall()
        await service.people["bob"].click(card, "Agree")
        await service.people["bob"].rename("Robert")
        await service.until(lambda: "Robert" in named(hall))
        await service.people["bob"].click(card, "Disagree")
        assert len(hall.memory.get_process(1).inputs["vote"]) == 1

    live(tmp_path, script)


def test_bots_and_webhooks_are_never_members(tmp_path: Path) -> None:
    async def script(service: Service) -> None:
        fake = service.fake
        other = fake.person("robot", [fake.guild.role("Member")], bot=True)
        hall = await service.hall()
        await service.until(lambda: "Eve" in named(hall))
        assert not any("obot" in name for name in named(hall))
        before = len(fake.posts(fake.channel))
        await fake.webhook_says(
            fake.channel, f"{service.mention} I propose that hooks rule", "Alice"
        )
        await other.say(fake.channel, f"{service.mention} I propose that bots rule")
        await asyncio.sleep(0.1)
        assert len(fake.posts(fake.channel)) == before + 2
        assert hall.open() == ()

    live(tmp_path, script)


def test_a_deleted_role_is_lost_by_all_who_had_it(tmp_path: Path) -> None:
    async def script(service: Service) -> None:
        hall = await service.hall()
        await service.until(lambda: "Eve" in named(hall))
        service.fake.delete_role(service.fake.guild.role("Member"))
        await service.until(lambda: not any(m.roles for m in named(hall).values()))
        reply = await service.fake.owner.slash("govbot", "check")
        assert "is gone" in text_of(await reply.final())

    live(tmp_path, script)


def test_a_member_is_meant_by_a_mention(tmp_path: Path) -> None:
    async def script(service: Service) -> None:
        eve = service.people["eve"]
        told = await service.says("alice", f"I complain about {eve.mention} because they shout")
        assert "is open as Process" in told["content"], told["content"]
        hall = await service.hall()
        assert hall.memory.get_process(1).fields["respondent"] == f"discord:{eve.id}"

    live(tmp_path, script, template=JURY, people="alice bob carol dave eve frank grace")


def test_ids_are_told_apart_from_those_of_other_platforms() -> None:
    assert snowflake(id_of(42)) == 42
    assert snowflake("local:42") == snowflake("discord:x") == snowflake("discord:") == 0
    assert cleaned("a\ud800b") == "a?b"
    known = Member(id="discord:1", name="ana", roles=("member",), facts={"joined_at": "x"})
    assert gone(known) == Member(id="discord:1", name="ana")
