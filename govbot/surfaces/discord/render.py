"""Provisional: replaced by the port's own."""

from collections.abc import Callable
from typing import Any

from govbot.records import Card


def escaped(text: str) -> str:
    for mark in "\\*_~|`<>#[]":
        text = text.replace(mark, "\\" + mark)
    return text.replace("@", "@\u200b")


def split(text: str, most: int = 2000) -> list[str]:
    return [text[n : n + most] for n in range(0, len(text), most)]


def embed(card: Card) -> dict[str, Any]:
    fields = [
        {
            "name": t.input,
            "value": "\n".join(f"{b.label}: {b.count}" for b in t.bars) or str(t.given),
        }
        for t in card.tallies
    ]
    when = int(card.deadline.at.timestamp()) if card.deadline.at else 0
    until = f"<t:{when}:F> <t:{when}:R>" if when else card.deadline.said
    return {
        "title": escaped(f"#{card.process} {card.title}")[:256],
        "description": escaped(card.text)[:2000],
        "fields": [*fields, {"name": "Deadline", "value": until}][:25],
        "footer": {"text": card.outcome or card.status},
    }


def rows(card: Card, custom_id: Callable[[Any], str]) -> list[dict[str, Any]]:
    buttons = [
        {"type": 2, "style": 2, "label": c.label[:80], "custom_id": custom_id(c)}
        for c in card.choices
    ]
    return [{"type": 1, "components": buttons[n : n + 5]} for n in range(0, len(buttons), 5)][:5]
