"""From nothing to a first vote, as docs/discord.md leads an admin; the check of what is missing.

`python tests/test_discord_setup.py` renews the transcript there; read what changed.
"""

import asyncio
import re
import tempfile
from pathlib import Path
from typing import Any

import pytest
from community import START
from discord_bot import Service, TimedDiscord
from fake_discord import NotPossible, text_of

from govbot.app import verify_folder
from govbot.surfaces.discord.invitation import NEEDED, needed


def fresh(folder: Path, script: Any, **options: Any) -> None:
    """A bot without any community, in a guild that has just invited it with the printed link."""

    async def play() -> None:
        async with TimedDiscord(**options) as fake:
            service = Service(fake, folder)
            service.join("alice bob", fake.add_role("Member"))
            with fake.redirect_discord_py():
                await service.start()
                try:
                    await script(service)
                finally:
                    await service.stop()

    asyncio.run(play())


def item(message: Any, word: str) -> str:
    """The id of the component whose id, label or placeholder has this word in it."""
    for line in message["components"]:
        for each in line["components"]:
            told = " ".join(str(each.get(k) or "") for k in ("custom_id", "label", "placeholder"))
            if word in told:
                found: str = each["custom_id"]
                return found
    raise AssertionError(f"nothing says {word!r}: {message['components']}")


async def set_up(service: Service, template: str = "example") -> Any:
    """The admin's presses, one after another; what the last one told.

    Roles of the same name are chosen already.
    """
    admin, fake = service.fake.owner, service.fake
    screen = await (await admin.slash("govbot", "setup")).final()
    screen = await (await admin.pick(screen, item(screen, "template"), template)).final()
    screen = await (await admin.click(screen, "Next")).final()
    screen = await (await admin.pick(screen, item(screen, "channel"), fake.channel)).final()
    screen = await (await admin.click(screen, "Next")).final()
    return await (await admin.click(screen, "Found the community")).final()


def test_an_admin_comes_from_nothing_to_a_first_vote(tmp_path: Path) -> None:
    async def script(service: Service) -> None:
        fake, alice, bob = service.fake, service.people["alice"], service.people["bob"]
        done = await set_up(service)
        assert "Assembly is set up" in done["content"]
        assert "No role of this server is 'moderator'" in done["content"]
        await fake.until(lambda: fake.commands.get(fake.guild_id))
        reply = await alice.slash("propose", "standard_proposal", proposal_text="tea on Fridays")
        assert "is open as Process" in text_of(await reply.final())
        card = await service.card(1)
        reply = await bob.click(card, "Agree")
        assert "stands: Agree" in text_of(await reply.final())
        await service.wait(days=6, seconds=1)
        await service.shows(1, "passed")
        thread = await service.thread(1)
        await service.until(lambda: thread["thread_metadata"]["locked"])

    fresh(tmp_path, script)
    (folder,) = [path for path in tmp_path.iterdir() if path.is_dir()]
    assert verify_folder(folder, []).sound


# --- the transcript in the docs -----------------------------------------------------------------

DOC = Path(__file__).parent.parent / "docs" / "discord.md"
BEGIN = "<!-- transcript: `python tests/test_discord_setup.py` renews it -->\n"
END = "<!-- end -->"


class Told:
    """What somebody did and saw, as lines."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def does(self, who: str, what: str) -> None:
        self.lines += ["", f"{who} {what}"]

    def sees(self, message: Any) -> None:
        text = text_of(message).replace("\u200b", "")
        for what, shown in SHOWN:
            text = re.sub(what, shown, text)
        self.lines += [f"  | {line}".rstrip() for line in text.splitlines()]
        for row in message["components"]:
            items = [each.get("label") or each.get("placeholder") for each in row["components"]]
            self.lines.append("  | " + "  ".join(f"[{item}]" for item in items))


# What Discord draws in its own way, and what it does not draw at all.
SHOWN = (
    (r"<t:\d+:F>", "(the date)"), (r"<t:\d+:R>", "in some days"), (r"<@\d+>", "@Alice"),
    (r"\\([^0-9A-Za-z\s])", r"\1"), (r"(\d)\\\.", r"\1."), (r"\*\*(\w[^*]*)\*\*", r"\1"),
)  # fmt: skip


async def session(service: Service, told: Told) -> None:
    """The session that docs/discord.md leads through."""
    fake, alice, bob = service.fake, service.people["alice"], service.people["bob"]
    admin = fake.owner

    async def press(who: Any, name: str, screen: Any, label: str) -> Any:
        told.does(name, f"presses [{label}]")
        return await (await who.click(screen, label)).final()

    async def pick(screen: Any, label: str, what: Any, words: str) -> Any:
        told.does("The admin", f"picks {words} from [{label}]")
        return await (await admin.pick(screen, label, what)).final()

    told.does("The admin", "uses /govbot setup")
    told.sees(screen := await (await admin.slash("govbot", "setup")).final())
    told.sees(screen := await pick(screen, "Constitution", "example", "Example"))
    told.sees(screen := await press(admin, "The admin", screen, "Next"))
    told.sees(screen := await pick(screen, "Cards", fake.channel, "#assembly"))
    told.sees(screen := await press(admin, "The admin", screen, "Next"))
    role = fake.guild.role("Moderators")
    told.sees(screen := await pick(screen, "Who is 'moderator'?", role, "@Moderators"))
    told.sees(await press(admin, "The admin", screen, "Found the community"))
    await fake.until(lambda: fake.commands.get(fake.guild_id))
    told.does("Alice", "uses /propose standard_proposal proposal_text: we meet on Fridays")
    text = {"proposal_text": "we meet on Fridays"}
    told.sees(await (await alice.slash("propose", "standard_proposal", **text)).final())
    told.does("In #assembly", "hangs the card, with a thread:")
    card = await service.card(1)
    told.sees(card)
    told.sees(await press(bob, "Bob", card, "Agree"))
    await service.shows(1, "**Agree** 1")
    await service.wait(days=6, seconds=1)
    thread = await service.thread(1)
    await service.until(lambda: thread["thread_metadata"]["locked"])
    told.does("Six days later", "the card shows:")
    told.sees(fake.messages[card["id"]])
    told.does("In #assembly", "is said:")
    told.sees(next(m for m in fake.posts(fake.channel) if "has ended" in m["content"]))
    told.does("In the thread,", "now locked, is said, with the audit as a file:")
    told.sees(next(m for m in fake.posts(thread) if m["attachments"]))


def transcript(folder: Path) -> str:
    told = Told()

    async def script(service: Service) -> None:
        service.fake.add_role("Moderators")
        service.clock.set(START)
        await session(service, told)

    fresh(folder, script)
    return "\n".join(["```text", *told.lines[1:], "```", ""])


def test_the_session_in_the_docs_goes_as_it_is_told_there(tmp_path: Path) -> None:
    before, _, rest = DOC.read_text().partition(BEGIN)
    kept, found, _ = rest.partition(END)
    assert before and found
    again = "run `python tests/test_discord_setup.py` to renew it, then read what changed"
    assert kept == transcript(tmp_path), f"docs/discord.md tells another session; {again}"


def renew() -> None:
    before, _, rest = DOC.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    with tempfile.TemporaryDirectory() as folder:
        DOC.write_text(before + BEGIN + transcript(Path(folder)) + END + after)


# --- setting up ---------------------------------------------------------------------------------


def test_nothing_is_founded_before_the_last_step(tmp_path: Path) -> None:
    async def script(service: Service) -> None:
        admin = service.fake.owner
        screen = await (await admin.slash("govbot", "setup")).final()
        await (await admin.pick(screen, item(screen, "template"), "jury")).final()
        assert service.communities.known() == ()

    fresh(tmp_path, script)


def test_setting_up_goes_on_after_a_restart(tmp_path: Path) -> None:
    async def script(service: Service) -> None:
        admin = service.fake.owner
        screen = await (await admin.slash("govbot", "setup")).final()
        screen = await (await admin.pick(screen, item(screen, "template"), "consensus")).final()
        await service.restart()
        screen = await (await admin.click(screen, "Next")).final()
        screen = await (await admin.click(screen, "Next")).final()
        assert "facilitator" in screen["content"]

    fresh(tmp_path, script)


def test_everybody_can_be_a_member(tmp_path: Path) -> None:
    async def script(service: Service) -> None:
        admin = service.fake.owner
        screen = await (await admin.slash("govbot", "setup")).final()
        screen = await (await admin.pick(screen, item(screen, "template"), "example")).final()
        for _ in range(2):
            screen = await (await admin.click(screen, "Next")).final()
        screen = await (await admin.click(screen, "Everybody is 'member'")).final()
        await (await admin.click(screen, "Found the community")).final()
        hall = await service.hall()
        names = {m.name for m in hall.members().values() if "member" in m.roles}
        assert names == {"Founder", "Alice", "Bob"}

    fresh(tmp_path, script)


def test_the_time_zone_is_one_that_exists(tmp_path: Path) -> None:
    async def script(service: Service) -> None:
        admin = service.fake.owner
        screen = await (await admin.slash("govbot", "setup")).final()
        form = await admin.click(screen, item(screen, "zone"))
        reply = await admin.submit(form, zone="Europe/Atlantis")
        assert "no time zone 'Europe/Atlantis'" in text_of(await reply.final())
        form = await admin.click(await reply.final(), item(await reply.final(), "zone"))
        reply = await admin.submit(form, zone="Europe/Berlin")
        assert item(await reply.final(), "Europe/Berlin")

    fresh(tmp_path, script)


def test_only_who_manages_the_server_sets_it_up(tmp_path: Path) -> None:
    async def script(service: Service) -> None:
        alice = service.people["alice"]
        with pytest.raises(NotPossible):
            await alice.slash("govbot", "setup")
        reply = await service.fake.owner.slash("govbot", "setup")
        assert reply.ephemeral

    fresh(tmp_path, script)


def test_a_second_setup_changes_what_was_chosen_and_founds_nothing(tmp_path: Path) -> None:
    async def script(service: Service) -> None:
        await set_up(service)
        admin, other = service.fake.owner, service.fake.add_channel("decisions")
        screen = await (await admin.slash("govbot", "setup")).final()
        screen = await (await admin.pick(screen, item(screen, "channel"), other)).final()
        screen = await (await admin.click(screen, "Next")).final()
        done = await (await admin.click(screen, "Save")).final()
        assert "is set up" in done["content"]
        reply = await service.people["alice"].slash(
            "propose", "standard_proposal", proposal_text="tea on Fridays"
        )
        await reply.final()
        assert [m for m in service.fake.posts(other) if m["embeds"]]

    fresh(tmp_path, script)


@pytest.mark.parametrize("name", sorted(NEEDED))
def test_the_check_names_what_is_missing_and_why(tmp_path: Path, name: str) -> None:
    async def script(service: Service) -> None:
        await set_up(service)
        service.fake.forbid(name.upper(), channel=service.fake.channel)
        await asyncio.sleep(0.02)
        reply = await service.fake.owner.slash("govbot", "check")
        told = text_of(await reply.final())
        assert NEEDED[name] in told.replace("\\", ""), told

    fresh(tmp_path, script)


def test_what_the_invitation_asks_for_is_enough(tmp_path: Path) -> None:
    async def script(service: Service) -> None:
        guild = service.fake.add_guild("Small", channel="hall", allowed=needed().value)
        anna = service.fake.person("anna", guild=guild)
        await service.found(guild=guild)
        said = await anna.say(guild.channel, f"{service.mention} I propose that we buy a kettle")
        await service.answer_to(said)
        (card,) = service.cards(guild)
        await service.wait(days=7)
        thread = service.fake.channels[card["id"]]
        await service.until(lambda: thread["thread_metadata"]["locked"])
        told = "".join(m["content"] for m in service.fake.posts(guild.channel))
        assert "has ended" in told

    fresh(tmp_path, script)


if __name__ == "__main__":
    renew()
