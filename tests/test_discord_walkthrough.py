"""Process 125 on Discord: the same decision by mention, by command and by button."""

from pathlib import Path

from discord_bot import Service, live
from fake_discord import text_of

PROPOSAL = "we change the moderation policy to require 2 moderators for bans"


async def ended_as_it_must(service: Service) -> None:
    """Two agree, one disagrees, six days pass: passed, with audit and locked thread."""
    hall = await service.hall()
    standing = hall.memory.get_process(125).inputs["vote"]
    named = {hall.members()[who].name: value for who, (value, _) in standing.items()}
    assert named == {"Bob": "agree", "Carol": "agree", "Dave": "disagree"}
    thread = await service.thread(125)
    await service.wait(days=6, seconds=1)
    await service.until(lambda: thread["thread_metadata"]["locked"])
    (audit,) = [m for m in service.fake.posts(thread) if m["attachments"]]
    assert audit["attachments"][0]["filename"] == "process-125.md"
    told = [
        m for m in service.fake.posts(service.fake.channel) if "has ended: PASSED" in m["content"]
    ]
    assert len(told) == 1
    card = await service.card(125)
    assert "passed" in text_of(card).casefold()


def test_process_125_by_mention(tmp_path: Path) -> None:
    async def script(service: Service) -> None:
        opened = await service.says("alice", f"I propose {PROPOSAL}")
        assert "Process #125" in opened["content"]
        assert "2 moderators for bans" in text_of(await service.card(125))
        await service.says("bob", "I vote agree on proposal 125")
        await service.says("carol", "I vote agree on 125")
        told = await service.says("dave", "vote disagree on #125 because two are hard to find")
        assert "recorded" in told["content"]
        await ended_as_it_must(service)
        late = await service.says("eve", "I vote disagree on 125")
        assert "ended on" in late["content"]

    live(tmp_path, script, first=125)


def test_process_125_by_command(tmp_path: Path) -> None:
    async def script(service: Service) -> None:
        people = service.people
        await service.until(lambda: service.fake.commands.get(service.fake.guild_id))
        reply = await people["alice"].slash("propose", "standard_proposal", proposal_text=PROPOSAL)
        assert "125" in text_of(await reply.final())
        assert reply.ephemeral
        found = await people["bob"].autocomplete("vote", focused="process", process="12")
        assert [(each["value"], each["name"][:12]) for each in found] == [(125, "#125 we chan")]
        words = await people["bob"].autocomplete("vote", focused="choice", process=125, choice="ag")
        assert [each["value"] for each in words] == ["agree", "disagree"]
        reply = await people["bob"].slash("vote", process=125, choice="agree")
        assert "stands: agree" in text_of(await reply.final()).casefold()
        await people["carol"].slash("vote", process=125, choice="Agree")
        await people["dave"].slash("vote", process=125, choice="disagree", reason="hard to find")
        await ended_as_it_must(service)
        reply = await people["eve"].slash("why", process=125)
        assert "agree > disagree" in text_of(await reply.final()).replace("\\", "")
        reply = await people["eve"].slash("audit", process=125)
        assert (await reply.final())["attachments"][0]["filename"] == "process-125.md"

    live(tmp_path, script, first=125)


def test_process_125_by_button(tmp_path: Path) -> None:
    async def script(service: Service) -> None:
        people, fake = service.people, service.fake
        said = await people["alice"].say(fake.channel, PROPOSAL)
        reply = await people["alice"].menu("Make this a proposal", said)
        picked = await people["alice"].pick(await reply.final(), "Choose", "Standard proposal")
        reply = await people["alice"].submit(picked)
        assert "125" in text_of(await reply.final())
        card = await service.card(125)
        for name, choice in (("bob", "Agree"), ("carol", "Disagree"), ("dave", "Disagree")):
            reply = await people[name].click(card, choice)
            assert f"stands: {choice}" in text_of(await reply.final())
        reply = await people["carol"].click(card, "Agree")  # she thinks again
        assert "stands: Agree" in text_of(await reply.final())
        reply = await people["carol"].click(card, "What I have given")
        assert "Vote: Agree" in text_of(await reply.final())
        await ended_as_it_must(service)

    live(tmp_path, script, first=125)
