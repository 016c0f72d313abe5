"""What a running bot writes to its log: lines for people, or one JSON object a line.

Owns the form of a line. Promises that a secret it is told of stands in none.
"""

import json
import logging
from collections.abc import Iterable
from datetime import UTC, datetime

from govbot.records import stamp

WITHHELD = "[withheld]"


class Lines(logging.Formatter):
    """For people: time, level, who says it, what."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")
        self.secrets = tuple(secret for secret in secrets if secret)

    def format(self, record: logging.LogRecord) -> str:
        return self.without_secrets(super().format(record))

    def without_secrets(self, text: str) -> str:
        for secret in self.secrets:
            text = text.replace(secret, WITHHELD)
        return text


class JsonLines(Lines):
    """For programs: the same as an object."""

    def format(self, record: logging.LogRecord) -> str:
        told = {
            "at": stamp(datetime.fromtimestamp(record.created, UTC)),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info and record.exc_info[0] is not None:
            told["error"] = self.formatException(record.exc_info)
        return self.without_secrets(json.dumps(told, ensure_ascii=False))


def log_to_stderr(as_json: bool, secrets: Iterable[str]) -> None:
    """Everything from `info` on goes to standard error, in the one form or the other."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines(secrets) if as_json else Lines(secrets))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
