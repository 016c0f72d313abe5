"""What outcomes do in a guild: only what a charter names, within what the bot may, told if not."""

from pathlib import Path
from typing import Any

from discord_bot import Service, live
from fake_discord import permissions

from govbot.records import Done

PLAZA = str(Path(__file__).parent / "constitutions/plaza.md")


async def measure(service: Service, asked: str, number: int) -> list[Done]:
    """Somebody asks for a measure, another agrees; what became of its effects."""
    await service.says("alice", f"I ask for a {asked}")
    await service.thread(number)
    await service.says("bob", f"I agree to {number}")
    hall = await service.hall()

    def done() -> list[Done]:
        entries = hall.bot.memory.history(f"process_{number}")
        told = [entry.body for entry in entries if isinstance(entry.body, Done)]
        return [body for body in told if body.effect.does != "announce"]

    wanted = hall.bot.memory.get_process(number).now.outcomes[0].effects
    found: list[Done] = await service.until(lambda: len(done()) == len(wanted) and done())
    return found


def roles_of(service: Service, name: str) -> list[str]:
    person = service.people[name]
    names = [
        service.fake.guild.roles[id]["name"]
        for id in service.fake.guild.members[person.id]["roles"]
    ]
    return sorted(names)


def mapped(service: Service, role: str) -> None:
    service.front.store.map_roles(int(service.fake.guild_id), "helper", [int(role)])


def test_a_role_is_given_and_taken_in_the_guild_and_in_the_ledger(tmp_path: Path) -> None:
    async def script(service: Service) -> None:
        mapped(service, service.fake.add_role("Helpers"))
        (given,) = await measure(service, "helper: carol", 1)
        assert given.ok and given.note == "the role Helpers in Discord"
        assert given.undo == {"do": "revoke_role"}
        assert "Helpers" in roles_of(service, "carol")
        members = (await service.hall()).bot.memory.community.members
        assert "helper" in members[f"discord:{service.people['carol'].id}"].roles
        (taken,) = await measure(service, "dismissal: carol", 2)
        assert taken.ok and "Helpers" not in roles_of(service, "carol")

    live(tmp_path, script, template=PLAZA)


def test_a_role_above_the_bot_s_is_the_community_s_all_the_same_and_the_reason_is_kept(
    tmp_path: Path,
) -> None:
    async def script(service: Service) -> None:
        mapped(service, service.fake.add_role("Helpers", above_bot=True))
        (given,) = await measure(service, "helper: carol", 1)
        assert "stands above mine" in given.note
        assert "Helpers" not in roles_of(service, "carol")
        members = (await service.hall()).bot.memory.community.members
        assert "helper" in members[f"discord:{service.people['carol'].id}"].roles

    live(tmp_path, script, template=PLAZA)


def test_a_role_nobody_mapped_is_said_to_be_so(tmp_path: Path) -> None:
    async def script(service: Service) -> None:
        (given,) = await measure(service, "helper: carol", 1)
        assert "no role of this server stands for 'helper'" in given.note

    live(tmp_path, script, template=PLAZA)


def test_a_thread_is_locked_its_card_pinned_and_another_is_renamed(tmp_path: Path) -> None:
    async def script(service: Service) -> None:
        locked, pinned = await measure(service, "closing: the noise", 1)
        assert locked.ok and locked.undo == {"do": "unlock"}, locked
        assert pinned.ok and pinned.undo == {"do": "unpin"}, pinned
        assert (await service.card(1))["pinned"]
        (renamed,) = await measure(service, "renaming: a *new* name", 2)
        assert renamed.ok and renamed.undo["name"].startswith("#2")
        assert (await service.thread(2))["name"] == "a *new* name"

    live(tmp_path, script, template=PLAZA)


def test_a_channel_and_a_thread_are_made_once(tmp_path: Path) -> None:
    async def script(service: Service) -> None:
        for number in (1, 2):
            channel, thread = await measure(service, "room: Garden talk", number)
            assert channel.ok and channel.note == "#garden-talk" and thread.ok, (channel, thread)
        names = [channel["name"] for channel in service.fake.channels.values()]
        assert names.count("garden-talk") == names.count("Garden talk") == 1

    live(tmp_path, script, template=PLAZA)


def test_a_time_out_begins_and_ends(tmp_path: Path) -> None:
    async def script(service: Service) -> None:
        def silent() -> Any:
            carol = service.people["carol"].id
            return service.fake.guild.members[carol]["communication_disabled_until"]

        (begun,) = await measure(service, "silence: carol", 1)
        assert begun.ok and begun.undo["do"] == "end_time_out" and silent()
        (ended,) = await measure(service, "voice: carol", 2)
        assert ended.ok and not silent()

    live(tmp_path, script, template=PLAZA)


def test_what_the_bot_may_not_do_is_refused_with_the_permission_it_lacks(tmp_path: Path) -> None:
    async def script(service: Service) -> None:
        (own,) = (role for role in service.fake.guild.roles.values() if role.get("tags"))
        lacking = permissions.bits("MODERATE_MEMBERS", "MANAGE_CHANNELS")
        left = int(own["permissions"]) & ~lacking
        service.fake.edit_role(own["id"], permissions=str(left))
        (begun,) = await measure(service, "silence: carol", 1)
        assert not begun.ok and "“Moderate Members”" in begun.note
        channel, _ = await measure(service, "room: den", 2)
        assert not channel.ok and "“Manage Channels”" in channel.note
        hall = await service.hall()
        hall.bot.archive.write_stale()
        audit = next((hall.bot.folder.audits).glob("1-*.md")).read_text()
        assert "time\\_out failed (I lack the permission" in audit

    live(tmp_path, script, template=PLAZA)


def test_somebody_above_the_bot_is_not_timed_out(tmp_path: Path) -> None:
    async def script(service: Service) -> None:
        chief = service.fake.add_role("Chief", above_bot=True)
        service.fake.give_role(service.people["carol"], chief)
        (begun,) = await measure(service, "silence: carol", 1)
        assert not begun.ok and "above me" in begun.note

    live(tmp_path, script, template=PLAZA)
