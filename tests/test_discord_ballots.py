"""Ballots of every shape, given on Discord: by buttons, menus and forms, step by step."""

from pathlib import Path
from typing import Any

import pytest
from discord_bot import Service, live
from fake_discord import NotPossible, text_of
from scenes import Scene, rules_of
from test_balloting import ballot, poll

from govbot.surfaces import Giveable
from govbot.surfaces.discord import ballots
from govbot.surfaces.discord.ids import MOST, Press, choosing, chosen, parsed, spelling


async def _nothing(town: Any) -> None:
    pass


def playing(
    folder: Path, script: Any, rule: dict[str, Any], tally: dict[str, Any], **more: Any
) -> None:
    """Plays a script under a charter with one ballot; a poll is open as process 1."""
    (folder / "rules").mkdir()
    rules = rules_of(Scene(_nothing, charter=poll([rule], tally)), folder / "rules")

    async def opened(service: Service) -> None:
        await service.says("alice", "poll: which?")
        await script(service, await service.card(1))

    live(folder / "bot", opened, template=rules, **more)


async def given(service: Service, name: str = "bob") -> Any:
    hall = await service.hall()
    standing = hall.memory.get_process(1).inputs.get("ballot") or {}
    found = standing.get(f"discord:{service.people[name].id}")
    return found[0] if found else None


def test_a_ranking_is_picked_place_by_place_and_can_be_undone(tmp_path: Path) -> None:
    async def script(service: Service, card: Any) -> None:
        bob = service.people["bob"]
        panel = await (await bob.click(card, "Ballot …")).final()
        assert "Nobody is ranked yet" in panel["content"]
        for name in ("Bo", "Ana"):
            panel = await (await bob.pick(panel, menu_of(panel), name)).final()
        assert "1. Bo\n2. Ana" in panel["content"].replace("\\", "")
        panel = await (await bob.click(panel, "Undo")).final()
        panel = await (await bob.pick(panel, menu_of(panel), "Cy")).final()
        assert await given(service) is None
        panel = await (await bob.click(panel, "Cast this ballot")).final()
        assert "stands: Bo > Cy" in panel["content"].replace("\\", "")
        assert await given(service) == ["bo", "cy"]
        assert panel["components"] == []

    playing(tmp_path, script, ballot("ranking"), {"method": "irv"})


def menu_of(message: Any) -> str:
    found: str = message["components"][0]["components"][0]["custom_id"]
    return found


def test_a_ranking_under_way_survives_a_restart(tmp_path: Path) -> None:
    async def script(service: Service, card: Any) -> None:
        bob = service.people["bob"]
        panel = await (await bob.click(card, "Ballot …")).final()
        await (await bob.pick(panel, menu_of(panel), "Bo")).final()
        await service.restart()
        panel = await (await bob.click(await service.card(1), "Ballot …")).final()
        assert "1. Bo" in panel["content"].replace("\\", "")
        panel = await (await bob.click(panel, "Start over")).final()
        assert "Nobody is ranked yet" in panel["content"]
        with pytest.raises(NotPossible):
            await bob.click(panel, "Cast this ballot")

    playing(tmp_path, script, ballot("ranking"), {"method": "irv"})


def test_approvals_are_marked_in_a_menu(tmp_path: Path) -> None:
    async def script(service: Service, card: Any) -> None:
        bob = service.people["bob"]
        panel = await (await bob.click(card, "Ballot …")).final()
        panel = await (await bob.pick(panel, menu_of(panel), "Ana", "Cy")).final()
        assert "Marked: Ana, Cy" in panel["content"]
        panel = await (await bob.pick(panel, menu_of(panel), "Cy")).final()
        assert "Marked: Cy" in panel["content"]
        panel = await (await bob.click(panel, "Cast this ballot")).final()
        assert "stands: Cy" in panel["content"]
        assert await given(service) == ["cy"]

    playing(tmp_path, script, ballot("approvals"), {"method": "approval"})


def test_scores_have_a_field_each(tmp_path: Path) -> None:
    async def script(service: Service, card: Any) -> None:
        bob = service.people["bob"]
        open_form = await bob.click(card, "Ballot …")
        reply = await bob.submit(open_form, ana="9", bo="", cy="1")
        assert "it goes from 0 to 5" in text_of(await reply.final())
        reply = await bob.submit(await bob.click(card, "Ballot …"), ana="5", cy="1")
        assert "stands: Ana: 5, Cy: 1" in text_of(await reply.final())
        assert await given(service) == {"ana": 5, "cy": 1}

    rule = {"method": "score", "options": {"lowest": 0, "highest": 5}}
    playing(tmp_path, script, ballot("scores"), rule)


def test_many_scores_are_lines_of_one_field(tmp_path: Path) -> None:
    names = [f"item {n}" for n in range(8)]

    async def script(service: Service, card: Any) -> None:
        bob = service.people["bob"]
        open_form = await bob.click(card, "Ballot …")
        text = open_form.modal["components"][0]["component"]["value"]
        assert text.splitlines()[0] == "Item 0 = "
        reply = await bob.submit(open_form, scores=text.replace("Item 3 = ", "Item 3 = 4"))
        assert "stands: Item 3: 4" in text_of(await reply.final())
        reply = await bob.submit(await bob.click(card, "Ballot …"), scores="Nobody = 4")
        assert "cannot be chosen" in text_of(await reply.final())

    rule = ballot("scores", choices=names)
    playing(tmp_path, script, rule, {"method": "quadratic", "options": {"credits": 100}})


def test_a_form_of_many_questions_goes_on_page_by_page(tmp_path: Path) -> None:
    form = {f"q{n}": {"type": "text", "most": 50} for n in range(6)} | {"price": {"type": "number"}}

    async def script(service: Service, card: Any) -> None:
        bob = service.people["bob"]
        first = await bob.click(card, "Ballot …")
        names = sorted(form)
        filled = {n: "3" if n == "price" else "x" for n in names}
        asked = [c["component"]["custom_id"] for c in first.modal["components"]]
        more = await bob.submit(first, **{n: filled[n] for n in asked})
        second = await bob.click(await more.final(), "Go on")
        asked = [c["component"]["custom_id"] for c in second.modal["components"]]
        reply = await bob.submit(second, **{n: filled[n] for n in asked})
        assert "stands:" in text_of(await reply.final())
        assert await given(service) == {**filled, "price": 3}

    rule = {"method": "bids", "options": {"score": "price"}}
    playing(tmp_path, script, ballot("form", form=form), rule)


def test_more_choices_than_buttons_are_a_menu(tmp_path: Path) -> None:
    names = [f"item {n}" for n in range(12)]

    async def script(service: Service, card: Any) -> None:
        reply = await service.people["bob"].pick(card, menu_of(card), "Item 7")
        assert "stands: Item 7" in text_of(await reply.final())
        assert await given(service) == "item 7"

    playing(tmp_path, script, ballot("choice", choices=names), {"method": "plurality"})


def test_more_choices_than_a_menu_holds_are_several(tmp_path: Path) -> None:
    names = [f"item {n}" for n in range(60)]

    async def script(service: Service, card: Any) -> None:
        bob = service.people["bob"]
        panel = await (await bob.click(card, "Ballot …")).final()
        assert len(panel["components"]) == 3
        menu = panel["components"][2]["components"][0]["custom_id"]
        reply = await bob.pick(panel, menu, "Item 59")
        assert "stands: Item 59" in text_of(await reply.final())

    playing(tmp_path, script, ballot("choice", choices=names), {"method": "plurality"})


def test_a_choice_too_long_for_a_button_is_still_told_apart(tmp_path: Path) -> None:
    names = [f"{'the very long name of a thing to choose ' * 3}{n}" for n in range(3)]

    async def script(service: Service, card: Any) -> None:
        ids = [b["custom_id"] for b in card["components"][0]["components"]]
        assert len(set(ids)) == 3 and all(len(id) <= 100 for id in ids)
        reply = await service.people["bob"].click(card, ids[1])
        assert "recorded" in text_of(await reply.final())
        assert await given(service) == names[1]

    playing(tmp_path, script, ballot("choice", choices=names), {"method": "plurality"})


def test_a_reason_the_rules_ask_for_is_asked_for_in_a_form(tmp_path: Path) -> None:
    async def script(service: Service) -> None:
        await service.says("alice", "I propose that chat logs are shown to new members")
        card = await service.card(1)
        await service.wait(days=3)
        await service.shows(1, "Block")
        card = await service.until(lambda: buttons_of(service, "Block"))
        frank = service.people["frank"]
        asked = await frank.click(card, "Block")
        with pytest.raises(NotPossible):
            await frank.submit(asked)
        reply = await frank.submit(asked, reason="it violates our privacy principles")
        assert "stands: Block" in text_of(await reply.final())
        hall = await service.hall()
        (entry,) = [e for e in hall.memory.history("process_1") if e.body.kind == "input"]
        assert entry.body.reason == "it violates our privacy principles"

    live(tmp_path, script, template="consensus", people="alice bob carol frank")


def buttons_of(service: Service, label: str) -> Any:
    for card in service.cards():
        for line in card["components"]:
            if any(item.get("label") == label for item in line["components"]):
                return card
    return None


def test_a_comment_is_written_in_a_form_and_may_be_given_again(tmp_path: Path) -> None:
    async def script(service: Service) -> None:
        await service.says("alice", "I propose that we buy a kettle")
        card = await service.card(1)
        for words in ("a good idea", "but a costly one"):
            form = await service.people["bob"].click(card, "Comment …")
            reply = await service.people["bob"].submit(form, value=words)
            assert "recorded" in text_of(await reply.final())
        hall = await service.hall()
        assert hall.memory.get_process(1).counts["comment"] == 2

    live(tmp_path, script)


def test_what_is_pressed_after_the_end_is_refused_with_its_reason(tmp_path: Path) -> None:
    async def script(service: Service) -> None:
        await service.says("alice", "I propose that we buy a kettle")
        card = await service.card(1)
        components = [dict(line) for line in card["components"]]
        await service.wait(days=7)
        await service.shows(1, "rejected")
        live_card = service.fake.messages[card["id"]]
        live_card["components"] = components  # a client that still shows the old buttons
        reply = await service.people["bob"].click(live_card, "Agree")
        assert "ended on" in text_of(await reply.final())

    live(tmp_path, script)


# --- the small parts ------------------------------------------------------------------------------


def test_presses_are_read_back_as_they_were_written() -> None:
    press = Press("v", 125, "vote", "a:b")
    assert parsed(str(press)) == press
    assert parsed("vote:1") is None
    assert parsed(str(Press("setup"))) == Press("setup")


@pytest.mark.parametrize("choice", ["agree", "x" * 200, "", "~tilde", "new\nline", "ü" * 90])
def test_every_choice_fits_into_an_id_and_is_found_again(choice: str) -> None:
    id = choosing("reason", 999_999_999, "k" * 40, choice)
    assert 1 <= len(id) <= MOST
    press = parsed(id)
    assert press is not None
    assert chosen(press.rest, ["other", choice]) == choice
    assert spelling(1, "vote", choice) == press.rest or len(choice) > 30


def test_scores_are_read_line_by_line() -> None:
    asked = Giveable(process=1, kind="b", takes="scores", choices=("a=b", "c"), labels=("A=B", "C"))
    named = dict(zip(asked.choices, asked.labels, strict=True)).__getitem__
    lines = "A=B = 3\n C  =  x\nC=\nnonsense"
    assert ballots.scored(asked, {"scores": lines}, named) == {"a=b": 3, "c": "x"}


def test_what_was_given_is_said_in_words() -> None:
    def name(choice: str) -> str:
        return choice.capitalize()

    assert ballots.worded(["a", ["b", "c"]], name) == "A > B = C"
    assert ballots.worded({"a": 3}, name) == "A: 3"
    assert ballots.worded(True, name) == "given"
    assert ballots.worded([], name) == "nobody"
