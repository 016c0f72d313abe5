"""Cards, threads and channels: made once, made again when somebody deletes them, kept within what
the bot may do."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from discord_bot import Service, live
from fake_discord import text_of
from scenes import Scene, rules_of
from test_balloting import ballot, poll

from govbot.surfaces.discord.homes import REMADE


async def opened(service: Service, text: str = "we buy a kettle") -> Any:
    await service.says("alice", f"I propose that {text}")
    await service.thread(1)
    return await service.card(1)


def test_a_process_has_one_card_and_one_thread(tmp_path: Path) -> None:
    async def script(service: Service) -> None:
        card = await opened(service)
        thread = await service.thread()
        assert (thread["id"], thread["name"]) == (card["id"], "#1 we buy a kettle")
        for _ in range(3):
            service.front.homes.mark(int(service.fake.guild_id), 1)
            await asyncio.sleep(0.05)
        assert len(service.cards()) == len(service.fake.threads) == 1

    live(tmp_path, script)


def test_a_deleted_card_is_posted_again_and_its_buttons_work(tmp_path: Path) -> None:
    async def script(service: Service) -> None:
        card = await opened(service)
        service.fake.delete_message(card)
        again = await service.until(lambda: [c for c in service.cards() if c["id"] != card["id"]])
        reply = await service.people["bob"].click(again[0], "Agree")
        assert "stands: Agree" in text_of(await reply.final())

    live(tmp_path, script)


def test_a_card_that_is_always_deleted_is_given_up(tmp_path: Path) -> None:
    async def script(service: Service) -> None:
        card = await opened(service)
        for _ in range(REMADE):
            service.fake.delete_message(card)
            (card,) = await service.until(service.cards)
        service.fake.delete_message(card)
        await asyncio.sleep(0.15)
        assert service.cards() == []
        told = await service.says("bob", "I vote agree on 1")
        assert "recorded" in told["content"]

    live(tmp_path, script)


def test_a_deleted_thread_is_made_again(tmp_path: Path) -> None:
    async def script(service: Service) -> None:
        await opened(service)
        thread = await service.thread()
        service.fake.delete_channel(thread)
        await service.until(
            lambda: [t for t in service.fake.threads if t["name"] == "#1 we buy a kettle"]
        )
        await service.wait(days=7)
        await service.until(lambda: service.fake.threads[0]["thread_metadata"]["locked"])

    live(tmp_path, script)


def test_when_the_channel_is_deleted_cards_move_and_the_guild_is_told(tmp_path: Path) -> None:
    async def script(service: Service) -> None:
        await opened(service)
        other = service.fake.add_channel("elsewhere")
        service.fake.delete_channel(service.fake.channel)
        posts = await service.until(lambda: [p for p in service.fake.posts(other) if p["embeds"]])
        reply = await service.people["bob"].click(posts[0], "Agree")
        assert "stands: Agree" in text_of(await reply.final())
        said = " ".join(post["content"] for post in service.fake.posts(other))
        assert "was deleted" in said and "/govbot setup" in said

    live(tmp_path, script)


def test_without_threads_the_rest_works(tmp_path: Path) -> None:
    async def script(service: Service) -> None:
        service.fake.forbid("CREATE_PUBLIC_THREADS")
        await service.says("alice", "I propose that we buy a kettle")
        card = await service.card(1)
        await service.people["bob"].click(card, "Agree")
        await service.wait(days=7)
        await service.until(
            lambda: [p for p in service.fake.posts(service.fake.channel) if p["attachments"]]
        )
        assert service.fake.threads == []

    live(tmp_path, script)


def test_without_manage_threads_a_process_ends_with_its_thread_open(tmp_path: Path) -> None:
    async def script(service: Service) -> None:
        service.fake.forbid("MANAGE_THREADS")
        await opened(service)
        await service.wait(days=7)
        home = await service.until(
            lambda: (
                (h := service.front.store.home(int(service.fake.guild_id), 1)) and h.closed and h
            )
        )
        assert home.audit
        assert not (await service.thread())["thread_metadata"]["locked"]

    live(tmp_path, script)


def test_where_the_bot_may_not_write_it_answers_in_person(tmp_path: Path) -> None:
    async def script(service: Service) -> None:
        quiet = service.fake.add_channel("quiet")
        service.fake.forbid("SEND_MESSAGES", channel=quiet)
        await service.people["alice"].say(
            quiet, f"{service.mention} I propose that we buy a kettle"
        )
        (told,) = await service.until(lambda: service.people["alice"].inbox)
        assert "is open as Process" in told["content"]
        await service.card(1)

    live(tmp_path, script)


def test_a_member_without_direct_messages_is_still_heard(tmp_path: Path) -> None:
    async def script(service: Service) -> None:
        quiet = service.fake.add_channel("quiet")
        service.fake.forbid("SEND_MESSAGES", channel=quiet)
        service.people["alice"].close_dms()
        await service.people["alice"].say(
            quiet, f"{service.mention} I propose that we buy a kettle"
        )
        await service.card(1)
        assert service.people["alice"].inbox == []

    live(tmp_path, script)


def test_in_a_direct_message_the_bot_says_where_to_speak(tmp_path: Path) -> None:
    async def script(service: Service) -> None:
        await service.people["alice"].dm("I vote agree on 1")
        (told,) = await service.until(lambda: service.people["alice"].inbox)
        assert "direct message" in told["content"]

    live(tmp_path, script)


def test_guilds_are_communities_of_their_own(tmp_path: Path) -> None:
    async def script(service: Service) -> None:
        other = service.fake.add_guild("Elsewhere", channel="square")
        zoe = service.fake.person("zoe", guild=other)
        await service.found(guild=other)
        await opened(service)
        said = await zoe.say(other.channel, f"{service.mention} I propose that we paint the door")
        assert "Process #1" in (await service.answer_to(said))["content"]
        (card,) = await service.until(lambda: service.cards(other))
        assert "paint the door" in text_of(card)
        reply = await zoe.click(card, "Agree")
        assert "stands: Agree" in text_of(await reply.final())
        first, second = await service.hall(), await service.hall(other)
        assert {m.name for m in second.members().values()} >= {"Zoe"}
        assert "Zoe" not in {m.name for m in first.members().values()}
        assert not first.memory.get_process(1).inputs.get("vote")

    live(tmp_path, script)


def test_a_bot_sent_away_and_called_back_goes_on(tmp_path: Path) -> None:
    async def script(service: Service) -> None:
        await opened(service)
        fake, guild = service.fake, service.fake.guild
        fake.remove_bot(guild)
        await service.until(lambda: not service.front.store.homes(int(guild.id)))
        fake.invite(guild)
        (_, again) = await service.until(lambda: len(service.cards()) == 2 and service.cards())
        reply = await service.people["bob"].click(again, "Agree")
        assert "stands: Agree" in text_of(await reply.final())
        assert (await service.people["bob"].slash("propose", "urgent_proposal")).modal

    live(tmp_path, script)


def test_a_guild_that_was_out_of_reach_catches_up(tmp_path: Path) -> None:
    async def script(service: Service) -> None:
        card = await opened(service)
        fake = service.fake
        fake.guild_outage(fake.guild)
        await service.wait(days=7)
        hall = await service.hall()
        await service.until(lambda: hall.memory.get_process(1).status == "ended")
        assert "Outcome" not in text_of(card)
        fake.guild_back(fake.guild)
        hall.bot.scheduler.wake()
        await service.shows(1, "Outcome")
        await service.until(
            lambda: [p for p in fake.posts(fake.channel) if "has ended" in p["content"]]
        )

    live(tmp_path, script)


def test_a_guild_without_a_community_is_told_how_to_get_one(tmp_path: Path) -> None:
    async def script(service: Service) -> None:
        other = service.fake.add_guild("Elsewhere", channel="square")
        zoe = service.fake.person("zoe", guild=other)
        said = await zoe.say(other.channel, f"{service.mention} hello")
        assert "/govbot setup" in (await service.answer_to(said))["content"]
        reply = await zoe.slash("status", channel=other.channel)
        assert "/govbot setup" in text_of(await reply.final())

    live(tmp_path, script)


def test_a_hidden_vote_changes_no_card(tmp_path: Path) -> None:
    charter = poll([ballot("choice", hidden=True)], {"method": "plurality"})
    rules = rules_of(Scene(_nothing, charter=charter), _made(tmp_path / "rules"))

    async def script(service: Service) -> None:
        await service.says("alice", "poll: which?")
        card = await service.card(1)
        await service.thread(1)
        await asyncio.sleep(0.1)
        before = len(list(service.fake.traffic.found(*EDITS)))
        shown = text_of(card)
        for name in ("alice", "bob", "carol"):
            reply = await service.people[name].click(card, "Ana")
            assert "stands: Ana" in text_of(await reply.final())
        reply = await service.people["dave"].click(card, "Audit so far")
        told = await reply.final()
        assert "at the end" in told["content"] and not told["attachments"]
        await asyncio.sleep(0.15)
        assert len(list(service.fake.traffic.found(*EDITS))) == before
        assert text_of(card) == shown and "Hidden until the end" in shown

    live(tmp_path / "bot", script, template=rules)


EDITS = ("PATCH", "/channels/{channel}/messages/{message}")


async def _nothing(town: Any) -> None:
    pass


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


@pytest.mark.parametrize("gone", ["MESSAGE", "THREAD"])
def test_what_is_deleted_while_the_bot_is_stopped_is_made_again(tmp_path: Path, gone: str) -> None:
    async def script(service: Service) -> None:
        card, thread = await opened(service), await service.thread()
        await service.stop()
        if gone == "MESSAGE":
            service.fake.delete_message(card)
        else:
            service.fake.delete_channel(thread)
        await service.start()
        told = await service.says("bob", "I vote agree on 1")
        assert "recorded" in told["content"]
        await service.until(
            lambda: service.cards() and "**Agree** 1" in text_of(service.cards()[0])
        )
        await service.until(lambda: len(service.fake.threads) == 1)

    live(tmp_path, script)
