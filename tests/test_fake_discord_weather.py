"""The loopback Discord on bad days: cuts, limits, outages, broken events, and many guilds."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from fake_discord import FakeDiscord, InteractionFailed, Json
from fake_discord.client import discord
from fake_discord.listener import Listener, online, play, run

MESSAGES = "/channels/{channel}/messages"
MESSAGE = "/channels/{channel}/messages/{message}"


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The client tries again at once where it would wait for seconds."""
    monkeypatch.setattr(discord.client.ExponentialBackoff, "delay", lambda self: 0.02)


def operations(fake: FakeDiscord, operation: int) -> int:
    return sum(op == operation for op, _ in fake.gateway_log)


# ---- the gateway ---------------------------------------------------------------------------


@pytest.mark.parametrize("code", [None, 1000, 1001, 4000, 4009])
def test_a_bot_that_was_cut_off_resumes_and_hears_what_it_missed(code: int | None) -> None:
    async def script(fake: FakeDiscord, bot: Listener) -> None:
        alice = fake.person("alice")
        await fake.drop_gateway(code)
        await alice.say(fake.channel, "while you were away")
        (heard,) = await bot.hears("message")
        assert heard.content == "while you were away"
        await bot.hears("resumed")
        assert (operations(fake, 2), operations(fake, 6)) == (1, 1)

    play(script)


def test_a_bot_asked_to_reconnect_resumes() -> None:
    async def script(fake: FakeDiscord, bot: Listener) -> None:
        await fake.ask_reconnect()
        await bot.hears("resumed")
        assert operations(fake, 2) == 1 and len(bot.guilds) == 1

    play(script)


def test_a_session_declared_invalid_is_begun_anew() -> None:
    async def script(fake: FakeDiscord, bot: Listener) -> None:
        await fake.invalidate(resumable=False)
        await bot.hears("ready", 2)
        assert (operations(fake, 2), operations(fake, 6)) == (2, 0)
        await fake.invalidate(resumable=True)
        await bot.hears("resumed")
        assert (operations(fake, 2), operations(fake, 6)) == (2, 1)

    play(script)


def test_a_bot_that_comes_back_too_late_begins_anew_and_reads_what_it_missed() -> None:
    async def script(fake: FakeDiscord, bot: Listener) -> None:
        alice = fake.person("alice")
        last = await alice.say(fake.channel, "before")
        await bot.hears("message")
        fake.gateway.refusing = 503
        await fake.drop_gateway()
        await alice.say(fake.channel, "meanwhile")
        fake.forget_sessions()
        fake.gateway.refusing = 0
        await bot.hears("ready", 2)
        assert len(bot.heard("message")) == 1  # nobody tells it
        place, after = bot.place(fake.channel), discord.Object(int(last["id"]))
        missed = [message.content async for message in place.history(after=after)]
        assert missed == ["meanwhile"]

    play(script)


def test_a_gateway_that_is_silent_is_left_and_joined_again() -> None:
    async def script(fake: FakeDiscord, bot: Listener) -> None:
        fake.gateway.deaf = True
        await bot.hears("disconnect")
        fake.gateway.deaf = False
        await bot.hears("resumed")

    play(script, Listener(heartbeat_timeout=0.1), heartbeat_ms=40)


def test_an_event_that_is_malformed_ends_the_client_and_a_new_one_starts_well() -> None:
    async def script() -> None:
        async with FakeDiscord() as fake:
            alice = fake.person("alice")
            first = Listener()
            async with online(fake, first):
                await fake.send_event("MESSAGE_CREATE", {"id": "1"})
                assert first.running is not None
                with pytest.raises(KeyError):
                    await first.running
            second = Listener()
            async with online(fake, second):
                await alice.say(fake.channel, "and now?")
                await second.hears("message")

    run(script())


def test_what_is_not_even_json_ends_the_client_too() -> None:
    async def script(fake: FakeDiscord, bot: Listener) -> None:
        await fake.send_garbage()
        assert bot.running is not None
        with pytest.raises(ValueError):
            await bot.running

    play(script)


def test_events_of_a_kind_nobody_knows_are_passed_over() -> None:
    async def script(fake: FakeDiscord, bot: Listener) -> None:
        await fake.send_event("SOMETHING_NEW", {"id": "1"})
        await fake.person("alice").say(fake.channel, "hello")
        await bot.hears("message")

    play(script)


def test_an_interaction_that_comes_while_the_bot_is_away_fails_for_the_person() -> None:
    async def script(fake: FakeDiscord, bot: Listener) -> None:
        @bot.tree.command(description="d")
        async def hello(press: Any) -> None:
            await press.response.send_message("hello")

        await bot.tree.sync()
        fake.gateway.refusing = 503
        await fake.drop_gateway()
        with pytest.raises(InteractionFailed):
            await fake.owner.slash("hello")
        fake.gateway.refusing = 0
        (press,) = await bot.hears("interaction")  # it is told when it is back, too late to answer
        await fake.until(lambda: any(r.status == 404 for r in fake.traffic.requests))
        assert not fake.posts(fake.channel) and press.command.name == "hello"

    play(script, ack_seconds=0.2)


@asynccontextmanager
async def wire(fake: FakeDiscord) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    """A connection to the gateway without a client: what is said on it is a test's own words."""
    async with aiohttp.ClientSession() as session:
        async with session.ws_connect(fake.gateway_address) as ws:
            assert (await ws.receive_json())["op"] == 10
            yield ws


def identify(fake: FakeDiscord, **changed: Any) -> Json:
    return {"op": 2, "d": {"token": fake.token, "intents": 513, "properties": {}, **changed}}


async def closing_code(ws: aiohttp.ClientWebSocketResponse) -> int | None:
    async for _ in ws:
        pass
    return ws.close_code


def wrongs(fake: FakeDiscord) -> list[tuple[list[Any], int]]:
    """Things a bot must not send, and the code with which the gateway closes."""
    return [
        ([{"op": 99}], 4001),
        (["{"], 4002),
        ([{"op": 1, "d": "x" * 5000}], 4002),
        ([{"op": 8, "d": {"guild_id": fake.guild_id}}], 4003),
        ([identify(fake, token="nope")], 4004),
        ([identify(fake), identify(fake)], 4005),
        ([identify(fake), {"op": 1, "d": None}] + [{"op": 3, "d": {}}] * 120, 4008),
        ([identify(fake, intents=1 << 30)], 4013),
        ([{"op": 6, "d": {"token": "nope", "session_id": "", "seq": 1}}], 4004),
    ]


def test_the_gateway_closes_on_what_is_wrong_with_the_code_for_it() -> None:
    async def script() -> None:
        async with FakeDiscord() as fake:
            for sent, code in wrongs(fake):
                async with wire(fake) as ws:
                    for each in sent:
                        await ws.send_str(each if isinstance(each, str) else json.dumps(each))
                    assert await closing_code(ws) == code

    run(script())


def test_resuming_what_is_not_there_is_answered_with_an_invalid_session() -> None:
    async def script() -> None:
        async with FakeDiscord() as fake:
            async with wire(fake) as ws:
                resume = {"token": fake.token, "session_id": "unknown", "seq": 1}
                await ws.send_json({"op": 6, "d": resume})
                assert await ws.receive_json() == {"op": 9, "d": False}
                await ws.send_json(identify(fake))
                ready = await ws.receive_json()
                assert ready["t"] == "READY"
                await ws.close(code=4000)
            async with wire(fake) as ws:
                session = ready["d"]["session_id"]
                await ws.send_json({"op": 6, "d": resume | {"session_id": session, "seq": 999}})
                assert await closing_code(ws) == 4007

    run(script())


@pytest.mark.parametrize(("code", "kept"), [(1000, 0), (1001, 0), (4000, 1)])
def test_only_a_bot_that_says_goodbye_ends_its_session(code: int, kept: int) -> None:
    async def script() -> None:
        async with FakeDiscord() as fake:
            async with wire(fake) as ws:
                await ws.send_json(identify(fake))
                assert (await ws.receive_json())["t"] == "READY"
                assert len(fake.gateway.lines) == 1
                await ws.close(code=code)
                await fake.until(lambda: not fake.gateway.lines)
            assert len(fake.sessions) == kept

    run(script())


# ---- limits --------------------------------------------------------------------------------


def test_a_route_that_is_limited_is_waited_for() -> None:
    async def script(fake: FakeDiscord, bot: Listener) -> None:
        fake.rate_limit("POST", MESSAGES, times=2, retry_after=0.1)
        began = time.monotonic()
        await bot.place(fake.channel).send("at last")
        assert 0.2 <= time.monotonic() - began < 2
        statuses = [request.status for request in fake.traffic.found("POST", MESSAGES)]
        assert statuses == [429, 429, 200]

    play(script)


def test_a_limit_on_everything_holds_every_route_back() -> None:
    async def script(fake: FakeDiscord, bot: Listener) -> None:
        other = fake.add_channel("other")
        await bot.hears("guild_channel_create")
        fake.rate_limit("POST", MESSAGES, retry_after=0.2, global_=True)
        began = time.monotonic()
        first = asyncio.create_task(bot.place(fake.channel).send("one"))
        await fake.until(lambda: any(r.status == 429 for r in fake.traffic.requests))
        await bot.fetch_channel(int(other["id"]))
        assert time.monotonic() - began >= 0.2
        await first

    play(script)


def test_in_a_storm_of_limits_everything_arrives_once_and_in_order() -> None:
    async def script(fake: FakeDiscord, bot: Listener) -> None:
        place = bot.place(fake.channel)
        fake.traffic.storm(times=10, retry_after=0.02)
        for number in range(12):
            await place.send(str(number))
        assert [post["content"] for post in fake.posts(fake.channel)] == [str(n) for n in range(12)]
        assert sum(request.status == 429 for request in fake.traffic.requests) == 10

    play(script)


def test_a_known_limit_is_kept_without_ever_being_refused() -> None:
    async def script(fake: FakeDiscord, bot: Listener) -> None:
        sent = await bot.place(fake.channel).send("0")
        fake.traffic.limit_rate("PATCH", MESSAGE, requests=2, seconds=0.2)
        for number in range(1, 6):
            await sent.edit(content=str(number))
        edits = list(fake.traffic.found("PATCH", MESSAGE, channel=fake.channel["id"]))
        assert [each.status for each in edits] == [200] * 5
        assert fake.traffic.most_within(0.19, "PATCH", MESSAGE) == 2
        assert fake.traffic.most_within(60, "PATCH", MESSAGE, channel="elsewhere") == 0

    play(script)


async def post(session: aiohttp.ClientSession, fake: FakeDiscord, path: str) -> Any:
    headers = {"Authorization": f"Bot {fake.token}"}
    answer = await session.post(fake.api + path, json={"content": "x"}, headers=headers)
    return answer.status, await answer.json(), answer.headers


def test_the_usual_limits_count_per_channel_and_tell_when_to_come_back() -> None:
    async def script() -> None:
        async with FakeDiscord() as fake, aiohttp.ClientSession() as session:
            other = fake.add_channel("other")
            fake.traffic.keep_usual_limits()
            path = f"/channels/{fake.channel['id']}/messages"
            for left in (4, 3, 2, 1, 0):
                status, _, headers = await post(session, fake, path)
                assert status == 200 and headers["X-RateLimit-Remaining"] == str(left)
            status, body, headers = await post(session, fake, path)
            assert status == 429 and not body["global"] and 0 < body["retry_after"] <= 5
            assert headers["X-RateLimit-Scope"] == "user" and headers["X-RateLimit-Bucket"]
            elsewhere = await post(session, fake, f"/channels/{other['id']}/messages")
            assert elsewhere[0] == 200

    run(script())


def test_fifty_requests_a_second_are_allowed_in_all() -> None:
    async def script() -> None:
        async with FakeDiscord() as fake, aiohttp.ClientSession() as session:
            fake.traffic.keep_usual_limits()
            headers = {"Authorization": f"Bot {fake.token}"}
            statuses = []
            for _ in range(51):
                async with session.get(f"{fake.api}/users/@me", headers=headers) as answer:
                    statuses.append(answer.status)
            assert statuses == [200] * 50 + [429] and answer.headers["X-RateLimit-Global"] == "true"
            unbound = await post(session, fake, "/interactions/1/none/callback")
            assert unbound[0] == 404
            fake.traffic.mend()
            async with session.get(f"{fake.api}/users/@me", headers=headers) as answer:
                assert answer.status == 200

    run(script())


# ---- faults --------------------------------------------------------------------------------


def test_an_error_that_passes_is_tried_again_and_one_that_stays_is_told() -> None:
    async def script(fake: FakeDiscord, bot: Listener) -> None:
        place = bot.place(fake.channel)
        fake.fail("POST", MESSAGES, 403, 50013)
        with pytest.raises(discord.Forbidden) as caught:
            await place.send("x")
        assert caught.value.code == 50013
        fake.fail("POST", MESSAGES, 502)
        await place.send("after a second")
        assert [r.status for r in fake.traffic.found("POST", MESSAGES)] == [403, 502, 200]

    play(script)


def test_an_outage_answers_everything_with_an_error_and_cuts_the_gateway() -> None:
    async def script(fake: FakeDiscord, bot: Listener) -> None:
        alice = fake.person("alice")
        async with fake.outage(status=503):
            await bot.hears("disconnect")
            with pytest.raises(discord.DiscordServerError):
                await bot.place(fake.channel).send("anyone?")
            await alice.say(fake.channel, "is it down?")
            assert not bot.heard("message")
        await bot.hears("resumed")
        (heard,) = await bot.hears("message")
        assert heard.content == "is it down?"
        await heard.reply("not any more")

    play(script)


def test_a_server_that_is_unplugged_refuses_connections_and_comes_back_at_its_address() -> None:
    async def script(fake: FakeDiscord, bot: Listener) -> None:
        alice, address = fake.person("alice"), fake.address
        async with fake.unplugged():
            await bot.hears("disconnect")
            with pytest.raises((aiohttp.ClientError, OSError)):
                await bot.place(fake.channel).send("anyone?")
            await alice.say(fake.channel, "is it down?")
        assert fake.address == address
        await bot.hears("resumed")
        await bot.hears("message")
        await bot.place(fake.channel).send("back")

    play(script)


def test_every_answer_can_be_made_to_take_its_time() -> None:
    async def script(fake: FakeDiscord, bot: Listener) -> None:
        fake.traffic.latency = 0.1
        began = time.monotonic()
        await bot.place(fake.channel).send("slowly")
        assert time.monotonic() - began >= 0.1
        (request,) = fake.traffic.found("POST", MESSAGES)
        assert request.answered - request.at >= 0.1
        assert request.body["content"] == "slowly" and fake.hits[f"POST {MESSAGES}"] == 1

    play(script)


def test_a_wrong_token_opens_no_route() -> None:
    async def script() -> None:
        async with FakeDiscord() as fake, aiohttp.ClientSession() as session:
            async with session.get(f"{fake.api}/users/@me") as answer:
                assert answer.status == 401

    run(script())


def test_a_route_that_is_not_there_fails_the_test_that_needed_it() -> None:
    async def script() -> None:
        async with FakeDiscord() as fake, aiohttp.ClientSession() as session:
            async with session.get(f"{fake.api}/voice/regions") as answer:
                assert answer.status == 404

    with pytest.raises(AssertionError, match="GET /voice/regions"):
        run(script())


def test_a_fault_of_this_server_does_not_pass_for_an_answer_of_discord() -> None:
    async def script() -> None:
        async with FakeDiscord() as fake, aiohttp.ClientSession() as session:
            path = f"/channels/{fake.channel['id']}/polls/1/answers/x"
            headers = {"Authorization": f"Bot {fake.token}"}
            message = await fake.owner.say(fake.channel, "no poll")
            path = f"/channels/{fake.channel['id']}/polls/{message['id']}/answers/x"
            async with session.get(fake.api + path, headers=headers) as answer:
                assert answer.status == 500

    with pytest.raises(AssertionError, match="invalid literal"):
        run(script())


# ---- many ----------------------------------------------------------------------------------


def test_a_thousand_guilds_are_made_and_joined_in_seconds() -> None:
    async def script() -> None:
        began = time.monotonic()
        async with FakeDiscord() as fake:
            for number in range(999):
                guild = fake.add_guild(f"Guild {number}")
                fake.person("member", guild=guild)
            bot = Listener(chunk_guilds_at_startup=False)
            async with online(fake, bot):
                assert len(bot.guilds) == 1000
                some = fake.guilds[str(bot.guilds[500].id)]
                await fake.owner.say(some.channel, "hello")
                (heard,) = await bot.hears("message")
                assert heard.guild == bot.guilds[500]
        assert time.monotonic() - began < 10

    run(script())


def test_a_large_guild_is_told_in_chunks() -> None:
    async def script() -> None:
        async with FakeDiscord() as fake:
            for number in range(1200):
                fake.person(f"person{number}")
            bot = Listener()
            async with online(fake, bot):
                (guild,) = bot.guilds
                assert guild.large and guild.chunked and guild.member_count == 1202
                listed = [each async for each in guild.fetch_members(limit=None)]
                assert len(listed) == 1202

    run(script())
