"""People: each method does what a click or a keypress in the app would do, and no more.

What the app would not let them do fails here with `NotPossible`: a button that is not there or
greyed, a menu's choice that is not offered, a command they are not shown, a locked thread.
"""

from __future__ import annotations

import asyncio
from typing import Any

from fake_discord import checks, guilds, messages, permissions
from fake_discord.application import Application, Reply, option_at
from fake_discord.messages import Upload
from fake_discord.wire import (
    AUTOCOMPLETE,
    BOOLEAN,
    BUTTON,
    CHANNEL,
    CHECKBOX,
    CHECKBOX_GROUP,
    COMMAND,
    COMPONENT,
    DM,
    EPHEMERAL,
    FILE_UPLOAD,
    INTEGER,
    LINK_BUTTON,
    MENTIONABLE,
    MESSAGE_MENU,
    MODAL_SUBMIT,
    NUMBER,
    ROLE,
    SELECTS,
    SLASH,
    STRING,
    THREADS,
    USER,
    USER_MENU,
    InteractionFailed,
    Json,
    NotPossible,
    walk,
)
from fake_discord.world import Guild

MANY = (*SELECTS, FILE_UPLOAD, CHECKBOX_GROUP)
NITRO_LENGTH = 4000


class Person:
    """Somebody with an account. `home` is the guild they were first seen in."""

    def __init__(self, app: Application, user: Json, home: Guild) -> None:
        self.app, self.user, self.home = app, user, home
        self.id: str = user["id"]
        self.name: str = user["username"]

    @property
    def mention(self) -> str:
        return f"<@{self.id}>"

    def member(self, guild: Guild | None = None) -> Json:
        return (guild or self.home).members[self.id]

    def may(self, name: str, channel: Json) -> bool:
        return bool(self.app.may(self.id, channel) & permissions.BITS[name])

    # ---- talking -------------------------------------------------------------------------

    async def say(
        self,
        channel: Json,
        content: str = "",
        *,
        files: dict[str, bytes] | None = None,
        reply_to: Json | None = None,
        **extra: Any,
    ) -> Json:
        """Writes a message, with files if given. People who pay may write 4,000 characters."""
        self._may_write(channel)
        body: Json = {"content": content, **extra}
        uploads = {
            str(n): Upload(name, data) for n, (name, data) in enumerate((files or {}).items())
        }
        described = [{"id": n, "filename": name} for n, name in enumerate(files or {})]
        body |= {"attachments": described} if described else {}
        if reply_to is not None:
            body["message_reference"] = {"message_id": reply_to["id"]}
        message = messages.post(
            self.app, channel, self.user, body, uploads, longest=NITRO_LENGTH
        )  # fmt: skip
        await asyncio.sleep(0)
        return message

    def _may_write(self, channel: Json) -> None:
        """An archived thread opens by writing in it, a locked one only for moderators."""
        thread = channel["type"] in THREADS
        needed = "SEND_MESSAGES_IN_THREADS" if thread else "SEND_MESSAGES"
        if channel["type"] != DM and not self.may(needed, channel):
            raise NotPossible(f"{self.name} may not write here")
        locked = thread and channel["thread_metadata"]["locked"]
        if locked and not self.may("MANAGE_THREADS", channel):
            raise NotPossible(f"{self.name} sees that this thread is locked")

    async def dm(self, content: str = "", **extra: Any) -> Json:
        return await self.say(self.app.dm_channel(self.id), content, **extra)

    @property
    def inbox(self) -> list[Json]:
        """What the bot wrote to them in direct messages."""
        channel = self.app.dm_channel(self.id)
        kept = self.app.history.get(channel["id"], {}).values()
        return [message for message in kept if message["author"]["id"] == self.app.bot["id"]]

    def reads(self, channel: Json) -> list[Json]:
        """What they see in a channel: what all see, and what only they do."""
        if not self.app.sees(channel, self.id):
            return []
        kept = self.app.history.get(channel["id"], {}).values()
        return [each for each in kept if not each["flags"] & EPHEMERAL or self._is_for_me(each)]

    def _is_for_me(self, message: Json) -> bool:
        return bool(message["interaction_metadata"]["user"]["id"] == self.id)

    def close_dms(self) -> None:
        """Takes direct messages no more."""
        self.app.closed_dms.add(self.id)

    def open_dms(self) -> None:
        self.app.closed_dms.discard(self.id)

    def _in_open_thread(self, channel: Json) -> None:
        if channel["type"] in THREADS and channel["thread_metadata"]["archived"]:
            raise NotPossible("nothing is done in an archived thread but to write in it")

    async def edit(self, message: Json, content: str) -> Json:
        """A message of their own."""
        channel = self.app.channels[message["channel_id"]]
        if message["author"]["id"] != self.id:
            raise NotPossible(f"{self.name} did not write that")
        self._in_open_thread(channel)
        self._may_write(channel)
        messages.change(self.app, message, {"content": content})
        await asyncio.sleep(0)
        return message

    async def delete(self, message: Json) -> None:
        """Their own message, or anybody's if they may."""
        channel = self.app.channels[message["channel_id"]]
        if message["author"]["id"] != self.id and not self.may("MANAGE_MESSAGES", channel):
            raise NotPossible(f"{self.name} may not delete this message")
        messages.delete(self.app, message)
        await asyncio.sleep(0)

    async def begin_thread(self, message: Json, name: str) -> Json:
        """A thread of their own, from a message."""
        channel = self.app.channels[message["channel_id"]]
        if not self.may("CREATE_PUBLIC_THREADS", channel):
            raise NotPossible(f"{self.name} may not begin a thread here")
        thread = messages.begin_thread(self.app, message, self.id, {"name": name})
        await asyncio.sleep(0)
        return thread

    async def react(self, message: Json, emoji: str) -> None:
        """With a new emoji, or along with others."""
        channel = self.app.channels[message["channel_id"]]
        self._in_open_thread(channel)
        others = self.app.reactors.get((message["id"], emoji))
        needed = "READ_MESSAGE_HISTORY" if others else "ADD_REACTIONS"
        if not self.may(needed, channel):
            raise NotPossible(f"{self.name} may not react here")
        messages.react(self.app, message, self.user, emoji)
        await asyncio.sleep(0)

    async def unreact(self, message: Json, emoji: str) -> None:
        messages.unreact(self.app, message, self.user, emoji)
        await asyncio.sleep(0)

    async def vote_poll(self, message: Json, answer_id: int) -> None:
        messages.vote(self.app, message, self.user, answer_id)
        await asyncio.sleep(0)

    async def unvote_poll(self, message: Json, answer_id: int) -> None:
        messages.unvote(self.app, message, self.user, answer_id)
        await asyncio.sleep(0)

    # ---- coming and going ----------------------------------------------------------------

    async def join(self, guild: Guild | None = None, roles: list[str] | None = None) -> Json:
        if self.id in (guild or self.home).bans:
            raise NotPossible(f"{self.name} is banned there")
        member = guilds.join(self.app, guild or self.home, self.user, roles)
        await asyncio.sleep(0)
        return member

    async def leave(self, guild: Guild | None = None) -> None:
        guilds.leave(self.app, guild or self.home, self.id)
        await asyncio.sleep(0)

    async def rename(self, nick: str | None, guild: Guild | None = None) -> None:
        """A new nickname in one guild; nothing takes it off."""
        guild = guild or self.home
        guilds.change_member(self.app, guild, guild.members[self.id], {"nick": nick})
        await asyncio.sleep(0)

    async def rename_account(self, username: str, shown: str | None = None) -> None:
        """A new name everywhere."""
        guilds.rename_user(self.app, self.user, {"username": username, "global_name": shown})
        self.name = username
        await asyncio.sleep(0)

    # ---- commands ------------------------------------------------------------------------

    async def slash(
        self,
        name: str,
        /,
        *path: str,
        channel: Json | None = None,
        timeout: float | None = None,
        **options: Any,
    ) -> Reply:
        """Types a slash command, with its subcommand if it has one."""
        where = channel or self.home.channel
        data = self._command_data(name, path, options, where)
        return await self._begin(COMMAND, data, where, timeout=timeout)

    async def autocomplete(
        self,
        name: str,
        /,
        *path: str,
        focused: str,
        channel: Json | None = None,
        **options: Any,
    ) -> list[Json]:
        """What is suggested while they type the option `focused`."""
        where = channel or self.home.channel
        data = self._command_data(name, path, options, where, focused)
        return (await self._begin(AUTOCOMPLETE, data, where)).choices or []

    async def menu(self, name: str, message: Json, timeout: float | None = None) -> Reply:
        """Picks a command from a message's context menu."""
        channel = self.app.channels[message["channel_id"]]
        data = self._menu_data(name, MESSAGE_MENU, channel, message["id"])
        data["resolved"] = {"messages": {message["id"]: message}}
        return await self._begin(COMMAND, data, channel, timeout=timeout)

    async def user_menu(
        self, name: str, whom: Person, channel: Json | None = None, timeout: float | None = None
    ) -> Reply:
        """Picks a command from somebody's context menu."""
        where = channel or self.home.channel
        data = self._menu_data(name, USER_MENU, where, whom.id)
        data["resolved"] = self._resolved(where, [(USER, whom.id)])
        return await self._begin(COMMAND, data, where, timeout=timeout)

    def _menu_data(self, name: str, kind: int, channel: Json, target: str) -> Json:
        command = self._shown(name, kind, channel)
        data = {"id": command["id"], "name": name, "type": kind, "target_id": target}
        return data | ({"guild_id": command["guild_id"]} if command.get("guild_id") else {})

    def _shown(self, name: str, kind: int, channel: Json) -> Json:
        self._in_open_thread(channel)
        command = self.app.visible_command(self.id, name, kind, channel)
        if command is None:
            raise NotPossible(f"{self.name} is not shown a command {name!r} here")
        return command

    def _command_data(
        self,
        name: str,
        path: tuple[str, ...],
        options: dict[str, Any],
        channel: Json,
        focused: str | None = None,
    ) -> Json:
        command = self._shown(name, SLASH, channel)
        spec, levels = option_at(command, path)
        if spec is None:
            raise NotPossible(f"/{name} has no {' '.join(path)}")
        known = {option["name"]: option for option in spec.get("options") or []}
        if strange := set(options) - set(known):
            raise NotPossible(f"/{name} has no options {strange}; it has {set(known)}")
        given = [
            _option(option, options[each], each == focused)
            for each, option in known.items() if each in options
        ]  # fmt: skip
        missing = [n for n, o in known.items() if o.get("required") and n not in options]
        if missing and focused is None:
            raise NotPossible(f"/{name}: the app would not send it without {missing}")
        resolved = self._resolved(channel, [(o["type"], str(o["value"])) for o in given])
        for level in reversed(levels):
            given = [{**level, "options": given}]
        data = {"id": command["id"], "name": name, "type": SLASH, "options": given}
        data |= {"resolved": resolved} if resolved else {}
        return data | ({"guild_id": command["guild_id"]} if command.get("guild_id") else {})

    def _resolved(self, channel: Json, given: list[tuple[int, str]]) -> Json:
        """The people, roles and channels behind the ids in a command or menu."""
        app = self.app
        guild = app.guilds.get(channel.get("guild_id", ""))
        found: dict[str, Json] = {}
        for kind, each in given:
            if kind in (USER, MENTIONABLE) and each in app.users:
                found.setdefault("users", {})[each] = app.users[each]
                if guild and each in guild.members:
                    partial = {k: v for k, v in guild.members[each].items() if k != "user"}
                    partial["permissions"] = str(app.may(each, channel))
                    found.setdefault("members", {})[each] = partial
            if kind in (ROLE, MENTIONABLE) and guild and each in guild.roles:
                found.setdefault("roles", {})[each] = guild.roles[each]
            if kind == CHANNEL and each in app.channels:
                partial = app.channels[each] | {"permissions": str(app.may(self.id, channel))}
                found.setdefault("channels", {})[each] = partial
        return found

    # ---- components ----------------------------------------------------------------------

    async def click(
        self,
        message: Json,
        which: str,
        values: list[str] | None = None,
        timeout: float | None = None,
    ) -> Reply:
        """Presses a button, found by its custom id or by its label."""
        if values is not None:
            return await self.pick(message, which, *values, timeout=timeout)
        item = self._component(message, which, (BUTTON,))
        data = {"custom_id": item["custom_id"], "component_type": BUTTON, "id": item["id"]}
        return await self._press(message, data, timeout)

    async def pick(
        self, message: Json, which: str, *values: Any, timeout: float | None = None
    ) -> Reply:
        """Chooses from a menu: its options by value or label, or people, roles, channels."""
        item = self._component(message, which, SELECTS)
        chosen = [_offered(item, _id(value)) for value in values]
        if problem := checks.selected(item, chosen):
            raise NotPossible(problem)
        data: Json = {
            "custom_id": item["custom_id"], "component_type": item["type"], "id": item["id"],
            "values": chosen,
        }  # fmt: skip
        kind = KIND_OF_SELECT.get(item["type"])
        if kind is not None:
            channel = self.app.channels[message["channel_id"]]
            data["resolved"] = self._resolved(channel, [(kind, each) for each in chosen])
        return await self._press(message, data, timeout)

    def _component(self, message: Json, which: str, kinds: tuple[int, ...]) -> Json:
        live = self.app.messages.get(message["id"])
        if live is None:
            raise NotPossible("that message is gone")
        if live["flags"] & EPHEMERAL and not self._is_for_me(live):
            raise NotPossible(f"{self.name} does not see that message")
        items = [item for item in walk(live["components"]) if item["type"] in kinds]
        items = [item for item in items if item.get("style") != LINK_BUTTON]
        for key in ("custom_id", "label", "placeholder"):
            for item in items:
                if item.get(key) == which:
                    return self._pressable(item, which)
        raise NotPossible(f"no {which!r} on that message, but {[i['custom_id'] for i in items]}")

    def _pressable(self, item: Json, which: str) -> Json:
        if item.get("disabled"):
            raise NotPossible(f"{which!r} is greyed out")
        return item

    async def _press(self, message: Json, data: Json, timeout: float | None) -> Reply:
        live = self.app.messages[message["id"]]
        channel = self.app.channels[live["channel_id"]]
        if not self.app.sees(channel, self.id):
            raise NotPossible(f"{self.name} does not see that channel")
        return await self._begin(COMPONENT, data, channel, live, timeout)

    # ---- modals --------------------------------------------------------------------------

    async def submit(
        self,
        reply: Reply,
        values: dict[str, Any] | None = None,
        *,
        timeout: float | None = None,
        **named: Any,
    ) -> Reply:
        """Fills the modal that is open and sends it. Fields are named by their custom ids."""
        if reply.modal is None:
            raise NotPossible("no modal is open")
        given = {**(values or {}), **named}
        fields = [i["custom_id"] for i in walk(reply.modal["components"]) if "custom_id" in i]
        if strange := set(given) - set(fields):
            raise NotPossible(f"the modal has no {strange}; it has {fields}")
        filled = [_filled(item, given) for item in reply.modal["components"]]
        data: Json = {"custom_id": reply.modal["custom_id"], "components": filled}
        chosen = [
            (KIND_OF_SELECT[item["type"]], each)
            for item in walk(filled) if item["type"] in KIND_OF_SELECT for each in item["values"]
        ]  # fmt: skip
        data |= {"resolved": self._resolved(reply.channel, chosen)} if chosen else {}
        answer = await self._begin(MODAL_SUBMIT, data, reply.channel, reply.source, timeout)
        reply.modal = None  # it closes; only one that failed stays open
        return answer

    # ---- waiting for the answer ----------------------------------------------------------

    async def _begin(
        self,
        kind: int,
        data: Json,
        channel: Json,
        source: Json | None = None,
        timeout: float | None = None,
    ) -> Reply:
        reply = self.app.begin(self.user, kind, data, channel, source)
        try:
            async with asyncio.timeout(timeout or self.app.ack_seconds):
                await asyncio.shield(reply.acked)
        except TimeoutError:
            said = "The application did not respond" if kind == COMMAND else "Interaction failed"
            raise InteractionFailed(said) from None
        return reply


KIND_OF_SELECT = {5: USER, 6: ROLE, 7: MENTIONABLE, 8: CHANNEL}


def _id(value: Any) -> str:
    """People, channels and roles as they are chosen: by their ids."""
    if isinstance(value, Person):
        return value.id
    return str(value["id"]) if isinstance(value, dict) else str(value)


def _offered(item: Json, wanted: str) -> str:
    """A choice by its value, or by the label people read."""
    options = item.get("options") or []
    if any(option["value"] == wanted for option in options):
        return wanted
    by_label = {option["label"]: option["value"] for option in options}
    return str(by_label.get(wanted, wanted))


def _option(option: Json, value: Any, focused: bool) -> Json:
    """An option as the app sends it, after the checks the app makes before it would."""
    kind = option["type"]
    entry: Json = {"name": option["name"], "type": kind}
    if focused:
        return entry | {"value": value, "focused": True}
    if kind in (USER, CHANNEL, ROLE, MENTIONABLE):
        return entry | {"value": _id(value)}
    wanted: Any = {STRING: str, INTEGER: int, BOOLEAN: bool, NUMBER: (int, float)}.get(kind)
    if wanted is None:
        raise NotPossible(f"{option['name']}: files as options are not had here")
    if not isinstance(value, wanted):
        raise NotPossible(f"{option['name']} takes no {value!r}")
    size = len(value) if kind == STRING else value
    least, most = ("min_length", "max_length") if kind == STRING else ("min_value", "max_value")
    if option.get(least) is not None and size < option[least]:
        raise NotPossible(f"{option['name']}: {value!r} is less than {option[least]}")
    if option.get(most) is not None and size > option[most]:
        raise NotPossible(f"{option['name']}: {value!r} is more than {option[most]}")
    choices = [choice["value"] for choice in option.get("choices") or []]
    if choices and value not in choices:
        raise NotPossible(f"{value!r} is not among {choices} of {option['name']}")
    return entry | {"value": value}


def _filled(item: Json, values: dict[str, Any]) -> Json:
    """A part of a modal as the app sends it back: a text, choices, or whatever holds one."""
    sent: Json = {"type": item["type"], "id": item["id"]}
    if "components" in item:
        return sent | {"components": [_filled(each, values) for each in item["components"]]}
    if "component" in item:
        return sent | {"component": _filled(item["component"], values)}
    if "custom_id" not in item:
        return sent
    many = item["type"] in MANY
    given = values.get(item["custom_id"], _untouched(item, many))
    if many:
        given = [_offered(item, _id(each)) for each in given]
    if problem := checks.filled(item, given):
        raise NotPossible(problem)
    return sent | {"custom_id": item["custom_id"], "values" if many else "value": given}


def _untouched(item: Json, many: bool) -> Any:
    """What a field holds that nobody touched."""
    if many:
        return [o["value"] for o in item.get("options") or [] if o.get("default")]
    if item["type"] == CHECKBOX:
        return bool(item.get("default"))
    chosen = [o["value"] for o in item.get("options") or [] if o.get("default")]
    return chosen[0] if chosen else item.get("value") or ""
