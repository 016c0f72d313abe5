"""Bad days: restarts, lost connections, limits, outages. Nothing that was said is lost."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from discord_bot import Service, live
from fake_discord import InteractionFailed, text_of

from govbot.surfaces.discord import sending
from govbot.surfaces.discord.homes import Pace
from govbot.surfaces.discord.sending import Ages
from govbot.surfaces.discord.store import Store

CLICKS = ("POST", "/interactions/{interaction}/{token}/callback")
EDITS = ("PATCH", "/channels/{channel}/messages/{message}")
POSTS = ("POST", "/channels/{channel}/messages")


async def votes(service: Service, number: int = 1) -> dict[str, Any]:
    hall = await service.hall()
    standing = hall.memory.get_process(number).inputs.get("vote") or {}
    return {hall.members()[who].name: value for who, (value, _) in sorted(standing.items())}


async def opened(service: Service, text: str = "we buy a kettle") -> Any:
    await service.says("alice", f"I propose that {text}")
    return await service.card(1)


def test_old_buttons_work_after_a_restart_in_the_middle(tmp_path: Path) -> None:
    async def script(service: Service) -> None:
        card = await opened(service)
        await service.people["bob"].click(card, "Agree")
        await service.restart()
        reply = await service.people["carol"].click(card, "Disagree")
        assert "stands: Disagree" in text_of(await reply.final())
        assert await votes(service) == {"Bob": "agree", "Carol": "disagree"}
        await service.shows(1, "Disagree")
        assert len(service.cards()) == 1
        assert len(service.fake.threads) == 1

    live(tmp_path, script)


def test_what_was_said_while_the_bot_was_stopped_is_answered_once(tmp_path: Path) -> None:
    async def script(service: Service) -> None:
        await opened(service)
        answered = await service.says("bob", "I vote agree on 1")
        fake, people, thread = service.fake, service.people, await service.thread()
        await service.stop()
        missed = await people["carol"].say(fake.channel, f"{service.mention} vote disagree on 1")
        await people["dave"].say(fake.channel, "nobody asked you, bot")
        beneath = await people["eve"].say(thread, f"{service.mention} I vote agree")
        await service.start()
        assert "recorded" in (await service.answer_to(missed))["content"]
        assert "recorded" in (await service.answer_to(beneath))["content"]
        assert await votes(service) == {"Bob": "agree", "Carol": "disagree", "Eve": "agree"}
        await service.restart()
        await asyncio.sleep(0.1)
        about = [(m.get("message_reference") or {}).get("message_id")
                 for place in (fake.channel, thread) for m in fake.posts(place)]  # fmt: skip
        assert about.count(missed["id"]) == about.count(beneath["id"]) == 1
        assert answered["id"] in fake.messages

    live(tmp_path, script)


@pytest.mark.parametrize("how", ["ask_reconnect", "drop_gateway"])
def test_a_cut_connection_is_resumed_and_what_was_missed_is_answered_once(
    tmp_path: Path, how: str
) -> None:
    async def script(service: Service) -> None:
        await opened(service)
        await getattr(service.fake, how)()
        said = await service.people["bob"].say(
            service.fake.channel, f"{service.mention} I vote agree on 1"
        )
        assert "recorded" in (await service.answer_to(said))["content"]
        assert any(op == 6 for op, _ in service.fake.gateway_log)

    live(tmp_path, script)


def test_after_a_fresh_session_history_tells_what_was_missed(tmp_path: Path) -> None:
    async def script(service: Service) -> None:
        card = await opened(service)
        service.front.seen.keep()
        for session in service.fake.sessions.values():
            session.dispatch = lambda *told: None  # type: ignore[method-assign]  # events are lost
        said = await service.people["bob"].say(
            service.fake.channel, f"{service.mention} I vote agree on 1"
        )
        service.join("zoe", service.fake.guild.role("Member"))
        await service.fake.invalidate(False)
        assert "recorded" in (await service.answer_to(said))["content"]
        reply = await service.people["carol"].click(card, "Agree")
        assert "stands: Agree" in text_of(await reply.final())
        hall = await service.hall()
        await service.until(lambda: "Zoe" in {m.name for m in hall.members().values()})

    live(tmp_path, script)


def test_a_malformed_event_costs_a_connection_and_nothing_else(tmp_path: Path) -> None:
    async def script(service: Service) -> None:
        card, first = await opened(service), service.front.session
        await service.fake.send_event("MESSAGE_CREATE", {"id": "not a message"})
        await service.until(lambda: service.front.session not in (None, first))
        await service.until(lambda: service.front.session.is_ready())
        reply = await service.people["bob"].click(card, "Agree")
        assert "stands: Agree" in text_of(await reply.final())

    live(tmp_path, script)


def test_a_hundred_members_clicking_twice_at_once_have_a_hundred_votes(tmp_path: Path) -> None:
    async def script(service: Service) -> None:
        service.join(" ".join(f"m{n}" for n in range(100)), service.fake.guild.role("Member"))
        hall = await service.hall()
        await service.until(lambda: len(hall.members()) == 105)
        service.fake.traffic.limit_rate(*EDITS, 5, 5.0)
        card = await opened(service)
        people = [service.people[f"m{n}"] for n in range(100)]
        clicks = [p.click(card, "Agree") for p in people for _ in range(2)]
        replies = await asyncio.gather(*clicks)
        told = [text_of(await reply.final()) for reply in replies]
        assert all("stands: Agree" in each for each in told)
        assert len(await votes(service)) == 100
        await service.shows(1, "100")
        assert service.fake.traffic.most_within(5.0, *EDITS) <= 5

    live(tmp_path, script)


def test_a_vote_is_durable_before_it_is_acknowledged(tmp_path: Path) -> None:
    async def script(service: Service) -> None:
        card = await opened(service)
        hall = await service.hall()
        order: list[str] = []
        durable, project = hall.memory.engine.on_durable, []

        def noted(entries: Any) -> None:
            order.extend(entry.body.kind for entry in entries)
            assert durable is not None
            durable(entries)
            project.append(len(entries))

        hall.memory.engine.on_durable = noted
        reply = await service.people["bob"].click(card, "Agree")
        order.append("acknowledged")
        assert "stands" in text_of(await reply.final())
        assert order == ["input", "acknowledged"]

    live(tmp_path, script)


def test_cards_are_never_edited_faster_than_discord_allows(tmp_path: Path) -> None:
    async def script(service: Service) -> None:
        service.front.homes.pace = Pace(settle=0.05, between=0.2, again=0.1)
        card = await opened(service)
        for n in range(30):
            choice = ("Agree", "Disagree")[n % 2]
            await service.people["bob"].click(card, choice)
            await asyncio.sleep(0.01)
        await service.shows(1, "Disagree")
        await asyncio.sleep(0.3)
        edits = list(service.fake.traffic.found(*EDITS))
        assert len(edits) <= 6
        gaps = [b.at - a.at for a, b in zip(edits, edits[1:], strict=False)]
        assert all(gap >= 0.19 for gap in gaps)

    live(tmp_path, script)


def test_a_storm_of_limits_delays_and_loses_nothing(tmp_path: Path) -> None:
    async def script(service: Service) -> None:
        card = await opened(service)
        service.fake.traffic.storm(12, retry_after=0.02)
        replies = await asyncio.gather(
            *(service.people[name].click(card, "Agree") for name in ("bob", "carol", "dave"))
        )
        said = await service.says("eve", "I vote disagree on 1")
        assert "recorded" in said["content"]
        for reply in replies:
            assert "stands: Agree" in text_of(await reply.final())
        assert len(await votes(service)) == 4
        await service.shows(1, "**Agree** 3")

    live(tmp_path, script)


def test_limits_are_waited_out_without_losing_order(tmp_path: Path) -> None:
    async def script(service: Service) -> None:
        fake = service.fake
        channel = fake.add_channel("talk")
        text = "\n\n".join(f"{n:03} " + "word " * 60 for n in range(40))
        fake.rate_limit(*POSTS, times=1, retry_after=0.05)
        fake.rate_limit(*POSTS, times=1, retry_after=0.05, global_=True)
        session = service.front.session
        place = await service.until(lambda: session.get_channel(int(channel["id"])))
        posting = asyncio.create_task(sending.post(place, sending.Said(text)))
        click = await service.people["bob"].slash("status")
        assert text_of(await click.final())
        await posting
        told = "\n\n".join(post["content"] for post in fake.posts(channel))
        assert [line[:3] for line in told.split("\n\n")] == [f"{n:03}" for n in range(40)]

    live(tmp_path, script)


def test_an_outage_is_waited_out(tmp_path: Path) -> None:
    async def script(service: Service) -> None:
        await opened(service)
        service.front.seen.keep()
        fake = service.fake
        async with fake.outage():
            said = await service.people["bob"].say(
                fake.channel, f"{service.mention} I vote agree on 1"
            )
            await service.wait(days=7)
            hall = await service.hall()
            await service.until(lambda: hall.memory.get_process(1).status == "ended")
        thread = await service.thread()
        await service.until(lambda: thread["thread_metadata"]["locked"], 20)
        hall.bot.scheduler.wake()
        await service.until(
            lambda: [m for m in fake.posts(fake.channel) if "has ended" in m["content"]]
        )
        assert "ended on" in (await service.answer_to(said))["content"]

    live(tmp_path, script)


def test_a_click_that_cannot_be_answered_is_told_in_person(tmp_path: Path) -> None:
    async def script(service: Service) -> None:
        card = await opened(service)
        service.fake.fail(*CLICKS, 404, 10062)
        with pytest.raises(InteractionFailed):
            await service.people["bob"].click(card, "Agree", timeout=0.3)
        (told,) = await service.until(lambda: service.people["bob"].inbox)
        assert "did not let me answer" in told["content"]
        assert await votes(service) == {"Bob": "agree"}

    live(tmp_path, script)


def test_who_takes_no_messages_is_told_of_a_loss_in_the_thread(tmp_path: Path) -> None:
    async def script(service: Service) -> None:
        card, thread = await opened(service), await service.thread()
        bob = service.people["bob"]
        bob.close_dms()
        service.fake.fail(*CLICKS, 404, 10062)
        with pytest.raises(InteractionFailed):
            await bob.click(card, "Agree", timeout=0.3)
        (told,) = await service.until(
            lambda: [m for m in service.fake.posts(thread) if "did not let me" in m["content"]]
        )
        assert [user["id"] for user in told["mentions"]] == [bob.id]
        assert "gree" not in told["content"].replace("disagree", "")

    live(tmp_path, script)


def test_an_old_click_that_discord_no_longer_waits_for_is_not_acted_upon(tmp_path: Path) -> None:
    async def script(service: Service) -> None:
        card = await opened(service)
        await (await service.people["carol"].click(card, "Agree")).final()
        service.front.ages = Late()
        service.fake.fail(*CLICKS, 404, 10062)
        with pytest.raises(InteractionFailed):
            await service.people["bob"].click(card, "Agree", timeout=0.3)
        (told,) = await service.until(lambda: service.people["bob"].inbox)
        assert "Nothing was recorded" in told["content"]
        assert await votes(service) == {"Carol": "agree"}

    live(tmp_path, script)


class Late(Ages):
    """Every interaction is old."""

    def fresh(self, created: datetime, now: datetime) -> bool:
        return False


def test_interactions_are_old_by_what_they_came_later_than_the_youngest() -> None:
    ages, now = Ages(), datetime(2026, 1, 1, tzinfo=UTC)
    for skew in (timedelta(minutes=5), timedelta(minutes=-5)):
        ages = Ages()
        assert ages.fresh(now - skew, now)
        assert ages.fresh(now - skew - timedelta(seconds=2), now)
        assert not ages.fresh(now - skew - timedelta(seconds=3), now)


def test_a_form_that_could_not_open_in_time_is_a_press_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "PATIENCE", 0.02)

    async def script(service: Service) -> None:
        card, bob = await opened(service), service.people["bob"]
        quickly = service.communities.community

        async def slowly(name: str) -> Any:
            await asyncio.sleep(0.05)
            return await quickly(name)

        monkeypatch.setattr(service.communities, "community", slowly)
        ready = await (await bob.click(card, "Comment …")).final()
        assert "ready" in ready["content"]
        monkeypatch.setattr(service.communities, "community", quickly)
        form = await bob.click(ready, "Go on")
        reply = await bob.submit(form, value="a fine idea")
        assert "recorded" in text_of(await reply.final())

    live(tmp_path, script)


def test_a_deadline_that_passed_while_the_bot_was_stopped_is_kept_at_the_start(
    tmp_path: Path,
) -> None:
    async def script(service: Service) -> None:
        card = await opened(service)
        await service.people["bob"].click(card, "Agree")
        await service.stop()
        await service.wait(days=7)
        await service.start()
        thread = await service.thread()
        await service.until(lambda: thread["thread_metadata"]["locked"])
        assert "passed" in text_of(service.fake.messages[card["id"]]).casefold()

    live(tmp_path, script)


def test_stopping_answers_what_is_under_way_first(tmp_path: Path) -> None:
    async def script(service: Service) -> None:
        card = await opened(service)
        service.fake.traffic.latency = 0.1
        click = asyncio.create_task(service.people["bob"].click(card, "Agree"))
        await service.until(lambda: service.front.at_work)
        began = time.monotonic()
        await service.stop()
        assert time.monotonic() - began < 3
        reply = await click
        assert "stands: Agree" in text_of(await reply.final())

    live(tmp_path, script)


def test_a_card_posted_just_before_a_crash_is_found_again(tmp_path: Path) -> None:
    async def script(service: Service) -> None:
        card = await opened(service)
        await service.thread()
        await service.stop()
        store = Store(tmp_path / "discord.db")
        home = store.home(int(service.fake.guild_id), 1)
        assert home is not None
        store.set_home(home.guild, 1, message=0, thread=0, shown="")
        store.close()
        await service.start()
        await service.people["bob"].click(card, "Agree")
        await service.shows(1, "**Agree** 1")
        assert [each["id"] for each in service.cards()] == [card["id"]]
        assert len(service.fake.threads) == 1

    live(tmp_path, script)
