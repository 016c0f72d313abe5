"""What Discord checks before it takes a message, a modal or a command: lengths, counts, shapes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

from fake_discord.wire import (
    BUTTON,
    CHECKBOX,
    CHECKBOX_GROUP,
    COMPONENTS_V2,
    ENTITY_SELECTS,
    FILE_UPLOAD,
    LABEL,
    LINK_BUTTON,
    RADIO_GROUP,
    ROW,
    SELECT,
    SELECTS,
    SLASH,
    SUB_COMMAND,
    SUB_GROUP,
    TEXT_INPUT,
    ApiError,
    Json,
    invalid,
    walk,
)

MAX_COMMANDS = {SLASH: 100, 2: 15, 3: 15}


def length(path: str, text: str | None, most: int, least: int = 0) -> None:
    """A text that is too long, or too short."""
    size = len(text or "")
    if size > most:
        raise invalid(path, "BASE_TYPE_MAX_LENGTH", f"Must be {most} or fewer in length.")
    if size < least:
        raise invalid(
            path, "BASE_TYPE_BAD_LENGTH", f"Must be between {least} and {most} in length."
        )


def count(path: str, items: list[Any] | None, most: int, least: int = 0) -> None:
    size = len(items or [])
    if not least <= size <= most:
        raise invalid(
            path, "BASE_TYPE_BAD_LENGTH", f"Must be between {least} and {most} in length."
        )


# ---- messages ----------------------------------------------------------------------------


def message(body: Json, empty_ok: bool = False, longest: int = 2000) -> None:
    """A message as somebody wants to send it, or as it would stand after an edit.

    Apps send up to 2,000 characters; people who pay for it, up to 4,000.
    """
    holds = ("embeds", "components", "poll", "attachments", "sticker_ids")
    if not (empty_ok or (body.get("content") or "").strip() or any(body.get(k) for k in holds)):
        raise ApiError(400, 50006, "Cannot send an empty message")
    length("content", body.get("content"), longest)
    count("attachments", body.get("attachments"), 10)
    embeds(body.get("embeds") or [])
    components(body)
    allowed_mentions(body.get("allowed_mentions") or {})
    if body.get("poll") and "results" not in body["poll"]:
        poll(body["poll"])


def embeds(given: list[Json]) -> None:
    count("embeds", given, 10)
    if sum(_embed(f"embeds.{n}", embed) for n, embed in enumerate(given)) > 6000:
        raise invalid(
            "embeds", "MAX_EMBED_SIZE_EXCEEDED", "Embed size exceeds maximum size of 6000"
        )


def _embed(path: str, embed: Json) -> int:
    """How many characters an embed has that count towards the limit of all together."""
    footer, author = embed.get("footer") or {}, embed.get("author") or {}
    parts = [
        ("title", embed.get("title"), 256),
        ("description", embed.get("description"), 4096),
        ("footer.text", footer.get("text"), 2048),
        ("author.name", author.get("name"), 256),
    ]
    fields = embed.get("fields") or []
    count(f"{path}.fields", fields, 25)
    for n, field in enumerate(fields):
        parts += [(f"fields.{n}.{key}", field.get(key), most) for key, most in _FIELD.items()]
        for key, most in _FIELD.items():
            length(f"{path}.fields.{n}.{key}", field.get(key), most, least=1)
    for key, text, most in parts:
        length(f"{path}.{key}", text, most)
    return sum(len(text or "") for _, text, _ in parts)


_FIELD = {"name": 256, "value": 1024}


def allowed_mentions(given: Json) -> None:
    """What may be mentioned: naming ids and parsing the same kind exclude each other."""
    for kind in ("users", "roles"):
        count(f"allowed_mentions.{kind}", given.get(kind), 100)
        if given.get(kind) and kind in (given.get("parse") or []):
            raise invalid(
                "allowed_mentions", "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE",
                f'parse:["{kind}"] and {kind}: [ids...] are mutually exclusive.',
            )  # fmt: skip


def poll(given: Json) -> None:
    length("poll.question.text", given["question"].get("text"), 300, least=1)
    count("poll.answers", given["answers"], 10, least=1)
    for n, answer in enumerate(given["answers"]):
        length(f"poll.answers.{n}.poll_media.text", answer["poll_media"].get("text"), 55, least=1)
    if not 1 <= given.get("duration", 24) <= 768:
        raise invalid("poll.duration", "NUMBER_TYPE_RANGE", "Must be between 1 and 768.")


# ---- components --------------------------------------------------------------------------


def components(body: Json) -> None:
    given = body.get("components") or []
    if body.get("flags", 0) & COMPONENTS_V2:
        if any(body.get(key) for key in ("content", "embeds", "poll", "sticker_ids")):
            raise invalid(
                "flags", "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2",
                "The 'content', 'embeds' and 'poll' fields cannot be used with IS_COMPONENTS_V2",
            )  # fmt: skip
        if len(list(walk(given))) > 40:
            raise invalid(
                "components", "COMPONENT_MAX_TOTAL_COMPONENTS_EXCEEDED", "At most 40 components"
            )
    else:
        count("components", given, 5)
        if any(item["type"] != ROW for item in given):
            raise invalid(
                "components", "UNION_TYPE_CHOICES", "Value of field 'type' must be one of (1,)."
            )
    every_component(given)


def every_component(given: list[Json]) -> None:
    """Each component by itself, and that no two share a custom id."""
    seen: set[str] = set()
    for item in walk(given):
        if item["type"] in _COMPONENT:
            _COMPONENT[item["type"]](item)
        custom_id = item.get("custom_id")
        if custom_id is None:
            continue
        length("components.custom_id", custom_id, 100, least=1)
        if custom_id in seen:
            raise invalid(
                "components", "COMPONENT_CUSTOM_ID_DUPLICATED",
                "Component custom id cannot be duplicated",
            )  # fmt: skip
        seen.add(custom_id)


def _row(item: Json) -> None:
    inside = item["components"]
    kinds = {each["type"] for each in inside}
    alone = bool(kinds & {*SELECTS, TEXT_INPUT})
    count("components", inside, 1 if alone else 5, least=1)


def _button(item: Json) -> None:
    length("components.label", item.get("label"), 80)
    linked = item.get("style") == LINK_BUTTON
    if linked == ("custom_id" in item) or not (item.get("label") or item.get("emoji")):
        raise invalid(
            "components", "BUTTON_COMPONENT_INVALID",
            "A button needs a label or emoji, and a custom id or, as a link, an address",
        )  # fmt: skip


def _select(item: Json) -> None:
    length("components.placeholder", item.get("placeholder"), 150)
    least, most = item.get("min_values", 1), item.get("max_values", 1)
    if not (0 <= least <= most <= 25 and most >= 1):
        raise invalid("components", "NUMBER_TYPE_RANGE", "min_values and max_values do not fit")
    if item["type"] != SELECT:
        return
    options = item.get("options") or []
    count("components.options", options, 25, least=1)
    for option in options:
        for key, longest in (("label", 100), ("value", 100)):
            length(f"components.options.{key}", option.get(key), longest, least=1)
        length("components.options.description", option.get("description"), 100)
    values = [option["value"] for option in options]
    if len(set(values)) != len(values):
        raise invalid(
            "components.options", "SELECT_COMPONENT_OPTION_VALUE_DUPLICATED",
            "The specified option value is already used",
        )  # fmt: skip
    if most > len(options):
        raise invalid("components", "NUMBER_TYPE_RANGE", "max_values is more than the options")
    if sum(bool(option.get("default")) for option in options) > most:
        raise invalid("components", "NUMBER_TYPE_RANGE", "more defaults than max_values")


def _group(item: Json) -> None:
    """Radio buttons, or boxes to tick: ten at most."""
    count("components.options", item.get("options"), 10, 2 if item["type"] == RADIO_GROUP else 1)


def _text_input(item: Json) -> None:
    length("components.label", item.get("label"), 45)
    length("components.placeholder", item.get("placeholder"), 100)
    length("components.value", item.get("value"), item.get("max_length") or 4000)
    if not 0 <= (item.get("min_length") or 0) <= (item.get("max_length") or 4000) <= 4000:
        raise invalid("components", "NUMBER_TYPE_RANGE", "min_length and max_length do not fit")


def _label(item: Json) -> None:
    length("components.label", item.get("label"), 45, least=1)
    length("components.description", item.get("description"), 100)


_COMPONENT: dict[int, Callable[[Json], None]] = {
    ROW: _row,
    BUTTON: _button,
    TEXT_INPUT: _text_input,
    LABEL: _label,
    **dict.fromkeys(SELECTS, _select),
    **dict.fromkeys((RADIO_GROUP, CHECKBOX_GROUP), _group),
}


def modal(data: Json) -> None:
    length("data.title", data.get("title"), 45, least=1)
    length("data.custom_id", data.get("custom_id"), 100, least=1)
    count("data.components", data.get("components"), 5, least=1)
    if any(item["type"] == BUTTON for item in walk(data["components"])):
        raise invalid("data.components", "UNION_TYPE_CHOICES", "A modal holds no buttons")
    every_component(data["components"])


def choices(given: list[Json]) -> None:
    """Suggestions for a command's option."""
    count("data.choices", given, 25)
    for n, choice in enumerate(given):
        length(f"data.choices.{n}.name", choice["name"], 100, least=1)
        if isinstance(choice["value"], str):
            length(f"data.choices.{n}.value", choice["value"], 100)


# ---- what a person fills into a modal ----------------------------------------------------


def filled(item: Json, given: Any) -> str | None:
    """Why the app would not send this, or nothing."""
    kind, name = item["type"], item["custom_id"]
    empty = given in ("", [], None)
    if item.get("required", True) and empty and kind != CHECKBOX:
        return f"the app would not submit without {name!r}"
    if kind == TEXT_INPUT and not empty:
        least, most = item.get("min_length") or 0, item.get("max_length") or 4000
        if not least <= len(given) <= most:
            return f"{name!r} takes {least} to {most} characters"
    if kind in (*SELECTS, CHECKBOX_GROUP, RADIO_GROUP) and not empty:
        return selected(item, [given] if kind == RADIO_GROUP else given)
    return None


def selected(item: Json, values: list[str]) -> str | None:
    """Why a menu would not take these, or nothing."""
    usual = len(item["options"]) if item["type"] == CHECKBOX_GROUP else 1
    least, most = item.get("min_values", 1), item.get("max_values", usual)
    if not least <= len(values) <= most:
        return f"{item['custom_id']!r} takes {least} to {most} choices"
    if item["type"] in (*ENTITY_SELECTS, FILE_UPLOAD):
        return None
    offered = [option["value"] for option in item.get("options") or []]
    strange = [value for value in values if value not in offered]
    return f"{strange} not among {offered}" if strange else None


# ---- commands ----------------------------------------------------------------------------


def commands(given: list[Json]) -> None:
    """All the commands of one scope: how many of each kind, and that names differ."""
    named: set[tuple[int, str]] = set()
    for n, command in enumerate(given):
        kind = command.get("type", SLASH)
        command_of_kind(str(n), command, kind)
        if (kind, command["name"]) in named:
            raise invalid(
                str(n), "APPLICATION_COMMANDS_DUPLICATE_NAME",
                "Application command names must be unique",
            )  # fmt: skip
        named.add((kind, command["name"]))
    for kind, most in MAX_COMMANDS.items():
        if sum(command.get("type", SLASH) == kind for command in given) > most:
            raise ApiError(400, 30032, f"Maximum number of application commands reached ({most}).")


def command_of_kind(path: str, command: Json, kind: int) -> None:
    if kind == SLASH:
        _named(path, command)
        _options(path, command.get("options") or [])
        if _characters(command) > 8000:
            raise invalid(
                path, "APPLICATION_COMMAND_TOO_LARGE", "Command exceeds maximum size (8000)"
            )
        return
    length(f"{path}.name", command["name"], 32, least=1)
    if command.get("description") or command.get("options"):
        raise invalid(
            f"{path}.description", "APPLICATION_COMMAND_DESCRIPTION_NOT_ALLOWED",
            "Context menu commands cannot have description or options",
        )  # fmt: skip


def _named(path: str, item: Json) -> None:
    name = item["name"]
    if not re.fullmatch(r"[-_'\w]{1,32}", name) or name != name.lower():
        raise invalid(f"{path}.name", "APPLICATION_COMMAND_INVALID_NAME", "Command name is invalid")
    length(f"{path}.description", item.get("description"), 100, least=1)


def _options(path: str, options: list[Json]) -> None:
    count(f"{path}.options", options, 25)
    names = [option["name"] for option in options]
    if len(set(names)) != len(names):
        raise invalid(
            f"{path}.options", "APPLICATION_COMMAND_OPTIONS_NAME_INVALID",
            "Option name must be unique",
        )  # fmt: skip
    some_optional = False
    for n, option in enumerate(options):
        here = f"{path}.options.{n}"
        if option.get("required") and some_optional:
            raise invalid(
                here, "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID",
                "Required options must be placed before non-required options",
            )  # fmt: skip
        if option["type"] not in (SUB_COMMAND, SUB_GROUP):
            some_optional = some_optional or not option.get("required")
        _option(here, option)


def _option(path: str, option: Json) -> None:
    _named(path, option)
    _options(path, option.get("options") or [])
    choices_given = option.get("choices") or []
    count(f"{path}.choices", choices_given, 25)
    for n, choice in enumerate(choices_given):
        length(f"{path}.choices.{n}.name", choice["name"], 100, least=1)
    if choices_given and option.get("autocomplete"):
        raise invalid(
            path, "APPLICATION_COMMAND_OPTION_AUTOCOMPLETE_NOT_ALLOWED",
            "Autocomplete may not be used together with choices",
        )  # fmt: skip


def _characters(item: Json) -> int:
    """Names, descriptions and values of a command and all in it, as the size limit counts them."""
    own = [item.get("name"), item.get("description"), item.get("value")]
    parts: Iterable[Json] = (*(item.get("options") or []), *(item.get("choices") or []))
    return sum(len(str(text)) for text in own if text) + sum(_characters(part) for part in parts)
