"""Manners: nobody is pinged by what others wrote, long text is split, everything is answered."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from discord_bot import Service, live
from fake_discord import text_of

EVIL = "@everyone @here <@1> <@&2> <#3> ||spoiler|| **bold** [x](https://evil.example) `code`"
FORMS = ("content", "embeds")


def pings(service: Service) -> list[Any]:
    """Everything that somebody was called by, in whatever the bot sent."""
    sent = service.fake.messages.values()
    mine = [m for m in sent if m["author"]["id"] == service.fake.bot["id"]]
    return [
        m
        for m in mine
        if [user for user in m["mentions"] if user["id"] != service.fake.bot["id"]]
        or m["mention_roles"]
        or m["mention_everyone"]
    ]


def test_what_people_write_calls_nobody_and_styles_nothing(tmp_path: Path) -> None:
    async def script(service: Service) -> None:
        await service.people["alice"].rename("@everyone **x**")
        told = await service.says("alice", f"I propose that {EVIL}")
        assert "is open as Process" in told["content"]
        card = await service.card(1)
        for shown in (told["content"], text_of(card)):
            assert "@everyone" not in shown and "<@&2>" not in shown and "||" not in shown
            assert "https://evil" not in shown
        reply = await service.people["bob"].slash("why", process=1)
        assert "@everyone" not in text_of(await reply.final())
        assert pings(service) == []

    live(tmp_path, script)


def test_what_the_bot_repeats_pings_nobody_by_its_own_word_to_discord(tmp_path: Path) -> None:
    async def script(service: Service) -> None:
        await service.says("alice", f"I propose that {EVIL}")
        await service.people["bob"].click(await service.card(1), "Agree")
        asked = list(service.fake.traffic.found("POST", "/channels/{channel}/messages"))
        assert asked
        for request in asked:
            assert request.body["allowed_mentions"]["parse"] == []

    live(tmp_path, script)


@pytest.mark.parametrize("size", [1999, 4000])
def test_long_messages_are_read_whole(tmp_path: Path, size: int) -> None:
    async def script(service: Service) -> None:
        head = f"{service.mention} I propose that "
        text = ("words upon words " * 300)[: size - len(head)].strip()
        said = await service.people["alice"].say(service.fake.channel, head + text)
        await service.answer_to(said)
        hall = await service.hall()
        assert hall.memory.get_process(1).fields["proposal_text"] == text
        for message in service.fake.messages.values():
            if message["author"]["id"] == service.fake.bot["id"]:
                assert len(message["content"]) <= 2000

    live(tmp_path, script)


def test_a_message_of_nothing_but_the_mention_or_a_file_is_answered(tmp_path: Path) -> None:
    async def script(service: Service) -> None:
        fake, alice = service.fake, service.people["alice"]
        said = await alice.say(fake.channel, service.mention, files={"plan.txt": b"x"})
        assert "words" in (await service.answer_to(said))["content"]
        first = await service.says("alice", "hello there")
        said = await alice.say(fake.channel, files={"plan.txt": b"x"}, reply_to=first)
        assert "words" in (await service.answer_to(said))["content"]

    live(tmp_path, script)


def test_what_is_not_understood_is_answered(tmp_path: Path) -> None:
    async def script(service: Service) -> None:
        told = await service.says("alice", "‮​ゼロ\u200d\u2060")
        assert "not understand" in told["content"]

    live(tmp_path, script)


def test_a_reply_to_the_card_is_about_its_process(tmp_path: Path) -> None:
    async def script(service: Service) -> None:
        await service.says("alice", "I propose that we buy a kettle")
        await service.says("alice", "I propose that we buy a pot")
        card, thread = await service.card(1), await service.thread(2)
        bob = service.people["bob"]
        said = await bob.say(service.fake.channel, "I vote agree", reply_to=card)
        assert "recorded" in (await service.answer_to(said))["content"]
        told = await service.says("bob", "I vote disagree", thread)
        assert "recorded" in told["content"]
        hall = await service.hall()
        votes = [hall.memory.get_process(n).counts for n in (1, 2)]
        assert (votes[0]["vote:agree"], votes[1]["vote:disagree"]) == (1, 1)

    live(tmp_path, script)


def test_mentioning_the_bots_role_is_answered_with_how_to_be_heard(tmp_path: Path) -> None:
    async def script(service: Service) -> None:
        role = next(r for r in service.fake.guild.roles.values() if r.get("tags"))
        service.fake.edit_role(role["id"], mentionable=True)
        said = await service.people["alice"].say(service.fake.channel, f"<@&{role['id']}> hello")
        assert "mention me myself" in (await service.answer_to(said))["content"]

    live(tmp_path, script)


def test_a_message_is_answered_once_though_it_is_told_twice(tmp_path: Path) -> None:
    async def script(service: Service) -> None:
        fake = service.fake
        said = await service.people["alice"].say(
            fake.channel, f"{service.mention} I propose that we buy a kettle"
        )
        for session in fake.sessions.values():
            (told,) = [t for _, t in session.sent if said["id"] in t and "MESSAGE_CREATE" in t]
            await fake.send_event("MESSAGE_CREATE", json.loads(told)["d"])
        await service.answer_to(said)
        await asyncio.sleep(0.1)
        posts = fake.posts(fake.channel)
        about = [(p.get("message_reference") or {}).get("message_id") for p in posts]
        assert about.count(said["id"]) == 1
        assert len((await service.hall()).open()) == 1

    live(tmp_path, script)


def test_buttons_nobody_knows_are_answered(tmp_path: Path) -> None:
    async def script(service: Service) -> None:
        await service.says("alice", "I propose that we buy a kettle")
        card = await service.card(1)
        for id in ("g:unheard:1::", "something else", "g:v:99:vote:agree"):
            card["components"][0]["components"][0]["custom_id"] = id
            reply = await service.people["bob"].click(card, id)
            assert text_of(await reply.final())

    live(tmp_path, script)


def test_a_straw_poll_says_that_it_binds_nobody(tmp_path: Path) -> None:
    async def script(service: Service) -> None:
        bob = service.people["bob"]
        reply = await bob.slash("poll", question="Tea?", answers="yes; no ;", hours=2)
        assert "posted" in text_of(await reply.final())
        (poll,) = [m for m in service.fake.posts(service.fake.channel) if m.get("poll")]
        assert "not binding" in poll["content"]
        assert [a["poll_media"]["text"] for a in poll["poll"]["answers"]] == ["yes", "no"]
        reply = await bob.slash("poll", question="Tea?", answers="yes")
        assert "two answers" in text_of(await reply.final())

    live(tmp_path, script)
