"""Commands: made from the constitution, registered when they change, structured requests."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from community import JURY
from discord_bot import Service, live
from fake_discord import NotPossible, text_of

from govbot.readingfile import load_reading
from govbot.surfaces import Blank, Openable
from govbot.surfaces.discord.registry import MOST, fingerprint, proposing, shortened, standing

ROOT = Path(__file__).parent.parent
SYNC = ("PUT", "/applications/{app}/guilds/{guild}/commands")
EVERYWHERE = ("PUT", "/applications/{app}/commands")


async def registered(service: Service) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = await service.until(
        lambda: service.fake.commands.get(service.fake.guild_id)
    )
    return found


async def answered(person: Any, *path: str, **options: Any) -> str:
    reply = await person.slash(*path, **options)
    assert reply.ephemeral
    return text_of(await reply.final()).replace("\\", "")


def test_what_can_be_opened_is_what_the_constitution_provides_for(tmp_path: Path) -> None:
    async def script(service: Service) -> None:
        (propose,) = await registered(service)
        assert [each["name"] for each in propose["options"]] == [
            "standard_proposal", "urgent_proposal",
        ]  # fmt: skip
        assert propose["options"][0]["options"][0]["name"] == "proposal_text"

    live(tmp_path, script)


def test_commands_are_registered_when_they_change_and_only_then(tmp_path: Path) -> None:
    async def script(service: Service) -> None:
        await registered(service)
        traffic = service.fake.traffic
        await service.restart()
        await service.says("alice", "I propose that we buy a kettle")
        assert len(list(traffic.found(*SYNC))) == len(list(traffic.found(*EVERYWHERE))) == 1
        reading = load_reading(ROOT / "constitutions/example.reading.yaml")
        fewer = {"standard_proposal": reading.processes["standard_proposal"]}
        hall = await service.hall()
        admin = hall.members()[f"discord:{service.people['alice'].id}"]
        smaller = reading.model_copy(update={"processes": fewer})
        told = await hall.ratify(yaml.safe_dump(smaller.document).encode(), admin)
        assert "rules differ" in told
        await service.until(lambda: len(list(traffic.found(*SYNC))) == 2)
        (propose,) = await registered(service)
        assert [each["name"] for each in propose["options"]] == ["standard_proposal"]
        with pytest.raises(NotPossible):
            await service.people["alice"].slash("propose", "urgent_proposal")

    live(tmp_path, script)


async def ratified(service: Service, reading: str) -> str:
    """What the admin is told who sends this file with the command, as the app does it."""
    fake, admin = service.fake, service.fake.owner
    sent = await admin.say(fake.channel, files={"new.yaml": reading.encode()})
    (file,) = sent["attachments"]
    command = next(c for c in fake.commands[None] if c["name"] == "constitution")
    option = {"type": 11, "name": "reading", "value": file["id"]}
    data = {
        "id": command["id"], "name": "constitution", "type": 1,
        "options": [{"type": 1, "name": "ratify", "options": [option]}],
        "resolved": {"attachments": {file["id"]: file}},
    }  # fmt: skip
    reply = fake.begin(admin.user, 2, data, fake.channel)
    return text_of(await reply.final()).replace("\\", "")


def test_an_admin_ratifies_a_reading_before_everybody(tmp_path: Path) -> None:
    text = (ROOT / "constitutions/example.reading.yaml").read_text()

    async def script(service: Service) -> None:
        fake = service.fake
        changed = text.replace("title: Urgent proposal", "title: Very urgent proposal")
        assert "rules differ" in await ratified(service, changed)
        posts = [m["content"] for m in fake.posts(fake.channel)]
        assert any("has ratified a reading" in each for each in posts)
        broken = text.replace("agree > disagree", "agre > disagree")
        assert "Nothing was changed" in await ratified(service, broken)
        assert "at most" in await ratified(service, text + "#" * 1_000_000)
        with pytest.raises(NotPossible):
            await service.people["alice"].slash("constitution", "check")

    live(tmp_path, script)


def test_the_rules_in_force_can_be_had_and_doubted(tmp_path: Path) -> None:
    async def script(service: Service) -> None:
        admin = service.fake.owner
        reply = await admin.slash("constitution", "show")
        files = (await reply.final())["attachments"]
        assert [f["filename"] for f in files] == ["constitution.md", "constitution.reading.yaml"]
        assert await answered(admin, "constitution", "check")

    live(tmp_path, script)


def test_status_lists_what_is_open_and_shows_one_with_its_buttons(tmp_path: Path) -> None:
    async def script(service: Service) -> None:
        bob = service.people["bob"]
        assert "No process is open" in await answered(bob, "status")
        await service.says("alice", "I propose that we buy a kettle")
        assert "#1 we buy a kettle" in await answered(bob, "status")
        reply = await bob.slash("status", process=1)
        reply = await bob.click(await reply.final(), "Agree")
        assert "stands: Agree" in text_of(await reply.final())
        assert "no process 7" in (await answered(bob, "status", process=7)).casefold()

    live(tmp_path, script)


def test_vote_offers_what_a_process_takes(tmp_path: Path) -> None:
    async def script(service: Service) -> None:
        await service.says("alice", "I propose that we buy a kettle")
        bob = service.people["bob"]
        reply = await bob.slash("vote", process=1)
        reply = await bob.click(await reply.final(), "Disagree")
        assert "stands: Disagree" in text_of(await reply.final())
        assert "is not a choice here" in await answered(bob, "vote", process=1, choice="maybe")
        form = await bob.slash("vote", process=1, choice="comment")
        reply = await bob.submit(form, value="a fine idea")
        assert "recorded" in text_of(await reply.final())
        assert "no process 9" in (await answered(bob, "vote", process=9, choice="x")).casefold()

    live(tmp_path, script)


def test_rules_are_quoted(tmp_path: Path) -> None:
    async def script(service: Service) -> None:
        bob = service.people["bob"]
        told = await answered(bob, "rules", question="who may extend a discussion period?")
        assert "Moderators may extend" in told
        told = await answered(bob, "rules")
        assert "Standard proposal" in told and "Urgent proposal" in told

    live(tmp_path, script)


def test_an_appeal_names_the_rule_and_reaches_people(tmp_path: Path) -> None:
    async def script(service: Service) -> None:
        court = service.fake.add_channel("court")
        guild = int(service.fake.guild_id)
        service.front.store.set_guild(guild, moderators=int(court["id"]))
        await service.says("alice", "I propose that we buy a kettle")
        bob = service.people["bob"]
        reply = await bob.slash("appeal", process=1, reason="nobody asked the cooks @everyone")
        told = await reply.final()
        assert "To object" in text_of(told) and "#court" in text_of(told).replace("\\", "")
        (post,) = service.fake.posts(court)
        assert "nobody asked the cooks" in post["content"] and not post["mention_everyone"]
        menu = told["components"][0]["components"][0]["custom_id"]
        form = await bob.pick(told, menu, "Standard proposal")
        reply = await bob.submit(form)
        assert "is open as Process" in text_of(await reply.final())

    live(tmp_path, script)


def test_what_is_missing_is_asked_for_in_a_form_and_kept_when_it_is_refused(tmp_path: Path) -> None:
    async def script(service: Service) -> None:
        service.join("guest")
        await registered(service)
        guest = service.people["guest"]
        form = await guest.slash("propose", "standard_proposal")
        reply = await guest.submit(form, proposal_text="a long thought")
        told = text_of(await reply.final())
        assert "may not open" in told and "kept" in told
        form = await guest.slash("propose", "standard_proposal")
        assert form.modal["components"][0]["component"]["value"] == "a long thought"

    live(tmp_path, script)


def test_a_member_field_is_a_member(tmp_path: Path) -> None:
    async def script(service: Service) -> None:
        await registered(service)
        alice, eve = service.people["alice"], service.people["eve"]
        told = await answered(alice, "propose", "complaint", complaint="noise", respondent=eve)
        assert "is open as Process" in told
        form = await alice.slash("propose", "complaint", complaint="more noise")
        reply = await alice.submit(form, complaint="more noise", respondent=[eve])
        assert "is open as Process" in text_of(await reply.final())
        hall = await service.hall()
        for number in (1, 2):
            fields = hall.memory.get_process(number).fields
            assert fields["respondent"] == f"discord:{eve.id}"

    live(tmp_path, script, template=JURY, people="alice bob carol dave eve frank grace")


# --- the payloads themselves ---------------------------------------------------------------------


def types(count: int) -> list[Openable]:
    blank = Blank(name="text", label="text")
    return [
        Openable(type=f"type_{n}", title=f"Type {n}", says="…", blanks=(blank,))
        for n in range(count)
    ]


def test_more_types_than_discord_shows_are_reached_by_name() -> None:
    (propose,) = proposing(types(MOST + 5))
    assert len(propose["options"]) == MOST
    assert propose["options"][-1]["name"] == "other"
    assert proposing([]) == []


def test_names_are_short_and_no_two_alike() -> None:
    names = shortened(["a" * 40, "a" * 41, "b"])
    assert len(set(names)) == 3 and all(len(name) <= 32 for name in names)


def test_a_payload_is_known_by_what_it_says() -> None:
    assert fingerprint(standing()) == fingerprint(standing())
    assert fingerprint(proposing(types(1))) != fingerprint(proposing(types(2)))
