"""Discord's components made from plain data: buttons, menus and forms that outlive a restart.

Owns the step from rows, as Discord's API spells them, to what discord.py sends, and the one item
through which every press comes back.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol, Self

import discord
from discord import ui

from govbot.surfaces.discord.ids import PATTERN, Press, parsed, press_of
from govbot.surfaces.discord.render import label

ROW, BUTTON, SELECT = 1, 2, 3


class Desk(Protocol):
    """A client that knows what to do when something is pressed."""

    async def pressed(self, interaction: discord.Interaction[Any], press: Press) -> None: ...


class Pressed(ui.DynamicItem[ui.Item[Any]], template=PATTERN):
    """Whatever carries an id of ours, on a message of any age."""

    def __init__(self, item: ui.Item[Any], press: Press) -> None:
        super().__init__(item)
        self.press = press

    @classmethod
    async def from_custom_id(
        cls, interaction: discord.Interaction[Any], item: ui.Item[Any], match: re.Match[str]
    ) -> Self:
        return cls(item, press_of(match))

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        desk: Desk = interaction.client
        await desk.pressed(interaction, self.press)


def view_of(rows: Sequence[Mapping[str, Any]]) -> ui.View:
    """Rows of components as a view that nothing needs to remember."""
    view = ui.View(timeout=None)
    for number, row in enumerate(rows):
        for each in row["components"]:
            item = _item(each)
            item.row = number
            custom_id = each.get("custom_id")
            match = PATTERN.fullmatch(custom_id) if custom_id else None
            view.add_item(Pressed(item, press_of(match)) if match else item)
    return view


def _item(each: Mapping[str, Any]) -> ui.Item[Any]:
    if each["type"] == BUTTON:
        return _button(each)
    return _MENUS[each["type"]](each)


def _button(each: Mapping[str, Any]) -> ui.Item[Any]:
    return ui.Button(
        style=discord.ButtonStyle(each.get("style", 2)),
        label=each.get("label"),
        custom_id=each.get("custom_id"),
        url=each.get("url"),
        emoji=each.get("emoji"),
        disabled=each.get("disabled", False),
    )


def _select(each: Mapping[str, Any]) -> ui.Item[Any]:
    options = [
        discord.SelectOption(
            label=option["label"],
            value=option["value"],
            description=option.get("description"),
            default=option.get("default", False),
        )
        for option in each["options"]
    ]
    return ui.Select(options=options, **_shared(each))


def _shared(each: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "custom_id": each["custom_id"],
        "placeholder": each.get("placeholder"),
        "min_values": each.get("min_values", 1),
        "max_values": each.get("max_values", 1),
    }


def _defaults(each: Mapping[str, Any], kind: discord.SelectDefaultValueType) -> dict[str, Any]:
    given = (discord.SelectDefaultValue(id=id, type=kind) for id in each.get("defaults", ()))
    return {**_shared(each), "default_values": list(given)}


_MENUS: Mapping[int, Callable[[Mapping[str, Any]], ui.Item[Any]]] = {
    3: _select,
    5: lambda each: ui.UserSelect(**_defaults(each, discord.SelectDefaultValueType.user)),
    6: lambda each: ui.RoleSelect(**_defaults(each, discord.SelectDefaultValueType.role)),
    8: lambda each: ui.ChannelSelect(
        channel_types=[discord.ChannelType.text, discord.ChannelType.news],
        **_defaults(each, discord.SelectDefaultValueType.channel),
    ),
}


# --- plain data -----------------------------------------------------------------------------


def button(said: str, custom_id: str, style: int = 2) -> dict[str, Any]:
    return {"type": BUTTON, "style": style, "label": label(said), "custom_id": custom_id}


def link(said: str, url: str) -> dict[str, Any]:
    return {"type": BUTTON, "style": 5, "label": label(said), "url": url}


def row(*items: dict[str, Any]) -> dict[str, Any]:
    return {"type": ROW, "components": list(items)}


def rows_of(buttons: Iterable[dict[str, Any]], most: int = 25) -> list[dict[str, Any]]:
    """Buttons in rows of five."""
    items = list(buttons)[:most]
    return [row(*items[n : n + 5]) for n in range(0, len(items), 5)]


def menu(
    custom_id: str, options: Iterable[tuple[str, str]], placeholder: str = "", least: int = 1,
    most: int = 1, picked: Iterable[str] = (),
) -> dict[str, Any]:  # fmt: skip
    """A row with a menu of at most 25 options, each a value and its label."""
    chosen = set(picked)
    listed = [
        {"label": label(said, 100), "value": value[:100], "default": value in chosen}
        for value, said in list(options)[:25]
    ]
    return row(
        {
            "type": SELECT,
            "custom_id": custom_id,
            "options": listed,
            "placeholder": label(placeholder, 150) if placeholder else None,
            "min_values": min(least, len(listed)),
            "max_values": min(most, len(listed)),
        }
    )


def form(title: str, custom_id: str, asked: Iterable[ui.Label[Any]]) -> ui.Modal:
    """A form of at most five questions. What comes back is read from its ids, not from here."""
    modal = ui.Modal(title=label(title, 45), custom_id=custom_id, timeout=900)
    for each in list(asked)[:5]:
        modal.add_item(each)
    return modal


_OPENS = {"reason": "v", "new": "on", "form": "more", "text": "give", "number": "give",
          "member": "give", "score": "give"}  # fmt: skip


def reopening(custom_id: str) -> str:
    """The id of a button that opens a form again, for when it could not be opened in time."""
    press = parsed(custom_id)
    if press is None or press.verb not in _OPENS:
        return custom_id
    verb = _OPENS[press.verb]
    return str(replace(press, verb=verb, rest="" if verb == "give" else press.rest))


def question(
    name: str, said: str, *, long: bool = False, required: bool = True, most: int = 4000,
    given: str = "", hint: str = "",
) -> ui.Label[Any]:  # fmt: skip
    """A text to fill in."""
    style = discord.TextStyle.paragraph if long else discord.TextStyle.short
    field: ui.TextInput[Any] = ui.TextInput(
        style=style,
        custom_id=name,
        required=required,
        max_length=max(1, min(most, 4000)),
        default=given[:4000] or None,
    )
    return ui.Label(text=label(said, 45), description=hint[:100] or None, component=field)


def person(name: str, said: str, *, required: bool = True, given: int = 0) -> ui.Label[Any]:
    """A member to choose."""
    held = [discord.SelectDefaultValue(id=given, type=discord.SelectDefaultValueType.user)]
    field: ui.UserSelect[Any] = ui.UserSelect(
        custom_id=name,
        required=required,
        min_values=1 if required else 0,
        max_values=1,
        default_values=held if given else [],
    )
    return ui.Label(text=label(said, 45), component=field)


def answers(components: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """What was filled into a form, by name; of a menu the list of what was picked."""
    found: dict[str, Any] = {}
    for each in components:
        if "custom_id" in each:
            found[each["custom_id"]] = each.get("values", each.get("value"))
        found |= answers(each.get("components", ()))
        if each.get("component"):
            found |= answers([each["component"]])
    return found
