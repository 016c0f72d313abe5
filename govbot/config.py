"""Settings of one community's folder, read once from its `govbot.toml`.

Owns the names of the files in the folder. Holds no rule: what governs the community stands in its
constitution.
"""

import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Annotated

from pydantic import Field, ValidationError

from govbot.errors import OperatorError
from govbot.records import Record

FILE = "govbot.toml"


class Model(Record):
    """Which language model reads free wording, and what it may cost.

    `reads` is `provider:model`; empty, only the charters' phrases are read. `monthly_limit` is what
    a month may cost at most, in the currency of `prices` (per million tokens: read, cached,
    written); when it is reached, phrases, buttons and commands go on to work. `window` is how many
    characters of a constitution fit into one prompt. `also` names further models that are asked
    what people should decide where no rule foresees it; `agree` is how many of all must say the
    same, or people see each version beside the others.
    """

    reads: str = ""
    also: tuple[str, ...] = ()
    agree: Annotated[int, Field(ge=1)] = 1
    monthly_limit: Annotated[Decimal, Field(ge=0)] | None = None
    prices: dict[str, tuple[Decimal, Decimal, Decimal]] = {}
    window: Annotated[int, Field(ge=1000)] = 100_000


class Settings(Record):
    """What `govbot.toml` says. `members` and `newcomers` are the local chat's platform."""

    name: str = Field(min_length=1, max_length=100)
    zone: str = "UTC"
    constitution: str = "constitutions/constitution.md"
    members: dict[str, tuple[str, ...]] = {}
    newcomers: tuple[str, ...] = ()
    model: Model = Model()


class Folder:
    """Where a community keeps its things."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.settings_file = path / FILE
        self.private = path / ".govbot"
        self.ledger = self.private / "ledger.db"
        self.tables = self.private / "memory.db"
        self.key = self.private / "key"
        self.audits = path / "audits"
        self.checkpoint = self.audits / "checkpoint"
        self.usage = self.private / "usage.jsonl"

    def settings(self) -> Settings:
        """OperatorError names the file and the field that is wrong."""
        try:
            data = tomllib.loads(self.settings_file.read_text())
            return Settings.model_validate(data)
        except FileNotFoundError:
            raise OperatorError(
                f"{self.path} is no community's folder; run `govbot init {self.path}` first"
            ) from None
        except (OSError, UnicodeDecodeError) as error:
            raise OperatorError(f"{self.settings_file} cannot be read: {error}") from None
        except tomllib.TOMLDecodeError as error:
            raise OperatorError(f"{self.settings_file} is not TOML: {error}") from None
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(step) for step in first["loc"])
            raise OperatorError(f"{self.settings_file}, {where}: {first['msg']}") from None

    def constitution(self, settings: Settings) -> Path:
        return self.path / settings.constitution


def reading_beside(constitution: Path) -> Path:
    """`consensus.md` is read by `consensus.reading.yaml`."""
    return constitution.with_name(f"{constitution.stem}.reading.yaml")
