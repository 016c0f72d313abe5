"""The rules of the house, so that no reviewer has to say them."""

import ast
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from govbot.readingfile import load_reading

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "govbot"

FLOORS = {
    "govbot": 0,
    "govbot.errors": 0,
    "govbot.records": 1,
    "govbot.parts": 2,
    "govbot.expression": 1,
    "govbot.passages": 1,
    "govbot.tools.charts": 1,
    "govbot.constitution": 2,
    "govbot.legible": 1,
    "govbot.numbers": 2,
    "govbot.effects": 10,
    "govbot.amendments": 3,
    "govbot.redline": 4,
    "govbot.ledger": 2,
    "govbot.config": 2,
    "govbot.choosing": 2,
    "govbot.llm": 2,
    "govbot.llm.wire": 3,
    "govbot.llm.usage": 3,
    "govbot.llm.recorded": 3,
    "govbot.llm.anthropic": 4,
    "govbot.llm.openai": 4,
    "govbot.llm.named": 5,
    "govbot.engines": 2,
    "govbot.surfaces": 3,
    "govbot.logs": 2,
    "govbot.surfaces.communities": 4,
    "govbot.surfaces.discord": 2,
    "govbot.surfaces.discord.ids": 3,
    "govbot.surfaces.discord.invitation": 3,
    "govbot.surfaces.discord.members": 3,
    "govbot.surfaces.discord.registry": 4,
    "govbot.surfaces.discord.store": 3,
    "govbot.surfaces.discord.words": 4,
    "govbot.surfaces.discord.catchup": 4,
    "govbot.surfaces.discord.render": 17,
    "govbot.surfaces.discord.components": 18,
    "govbot.surfaces.discord.sending": 19,
    "govbot.surfaces.discord.cards": 20,
    "govbot.surfaces.discord.homes": 21,
    "govbot.surfaces.discord.desk": 22,
    "govbot.surfaces.discord.effects": 20,
    "govbot.surfaces.discord.opening": 23,
    "govbot.surfaces.discord.setup": 23,
    "govbot.surfaces.discord.reminders": 23,
    "govbot.surfaces.discord.ballots": 24,
    "govbot.surfaces.discord.buttons": 25,
    "govbot.surfaces.discord.commands": 26,
    "govbot.surfaces.discord.front": 27,
    "govbot.surfaces.discord.client": 28,
    "govbot.surfaces.discord.checks": 26,
    "govbot.tools.dates": 2,
    "govbot.shapes": 7,
    "govbot.tools.draws": 2,
    "govbot.tools.nomcom": 2,
    "govbot.tools.results": 3,
    "govbot.tools.panels": 4,
    "govbot.testing": 4,
    "govbot.tools.ballots": 4,
    "govbot.tools.choice": 5,
    "govbot.tools.ranked": 5,
    "govbot.tools.committees": 7,
    "govbot.tools.weights": 6,
    "govbot.tools.stv": 6,
    "govbot.tools.budgets": 6,
    "govbot.tools.delegation": 7,
    "govbot.tools.bids": 7,
    "govbot.tools.methods": 8,
    "govbot.tools.ballotfiles": 9,
    "govbot.tools.counting": 9,
    "govbot.tools": 10,
    "govbot.switches": 2,
    "govbot.charter": 11,
    "govbot.readingfile": 12,
    "govbot.balloting": 12,
    "govbot.carrying": 15,
    "govbot.state": 12,
    "govbot.grounding": 12,
    "govbot.readers": 12,
    "govbot.readers.words": 12,
    "govbot.repairs": 13,
    "govbot.breakglass": 13,
    "govbot.lockout": 13,
    "govbot.repair_commands": 23,
    "govbot.lint": 13,
    "govbot.composition": 13,
    "govbot.swapping": 16,
    "govbot.rereading": 14,
    "govbot.rehearsal": 15,
    "govbot.exploring": 14,
    "govbot.silences": 14,
    "govbot.foresight": 16,
    "govbot.foreseeing": 18,
    "govbot.rehearse_command": 23,
    "govbot.stages": 13,
    "govbot.cards": 16,
    "govbot.readers.offline": 13,
    "govbot.rulings": 13,
    "govbot.readers.rulings": 14,
    "govbot.readers.model": 15,
    "govbot.community": 14,
    "govbot.proposing": 16,
    "govbot.process": 14,
    "govbot.replies": 17,
    "govbot.audit": 18,
    "govbot.chartering": 14,
    "govbot.projection": 15,
    "govbot.drafting": 15,
    "govbot.agreement": 16,
    "govbot.engines.sqlite": 15,
    "govbot.memory": 16,
    "govbot.review": 16,
    "govbot.verify": 19,
    "govbot.archive": 19,
    "govbot.adopting": 17,
    "govbot.versions": 20,
    "govbot.agent": 20,
    "govbot.scheduler": 21,
    "govbot.contests": 20,
    "govbot.house": 21,
    "govbot.surfaces.terminal": 20,
    "govbot.app": 22,
    "govbot.communities": 23,
    "govbot.demo": 23,
    "govbot.changing": 23,
    "govbot.evaluation": 23,
    "govbot.stories": 23,
    "govbot.handbook": 24,
    "govbot.options": 22,
    "govbot.model_commands": 24,
    "govbot.init_command": 23,
    "govbot.constitution_commands": 24,
    "govbot.discord_commands": 29,
    "govbot.cli": 30,
    "govbot.__main__": 31,
}

# Only these name concrete classes: everything else is handed what it needs.
ADAPTERS = {
    "govbot.engines.sqlite", "govbot.readers.offline", "govbot.readers.model",
    "govbot.surfaces.terminal", "govbot.surfaces.discord.client",
}  # fmt: skip
MAY_NAME_ADAPTERS = {"govbot.app", "govbot.cli", "govbot.demo", "govbot.discord_commands"}

# Nothing in the kernel may see a clock, a network, chance or a model.
PURE = [
    "process.py", "stages.py", "ledger.py", "verify.py", "expression.py", "charter.py", "lint.py",
    "replies.py", "audit.py", "state.py", "balloting.py", "numbers.py", "grounding.py",
    "passages.py", "rulings.py", "composition.py", "community.py", "cards.py", "legible.py",
    "chartering.py", "review.py", "rereading.py", "rehearsal.py", "exploring.py", "foresight.py",
    "breakglass.py", "switches.py", "amendments.py", "redline.py", "carrying.py", "proposing.py",
    "silences.py", "swapping.py", "lockout.py", "repairs.py",
    *(f"tools/{path.name}" for path in sorted((PACKAGE / "tools").glob("*.py"))),
    "surfaces/discord/render.py",
]  # fmt: skip
IMPURE = {
    "time", "random", "secrets", "socket", "urllib", "http", "asyncio", "uuid", "anthropic",
    "openai", "discord", "httpx", "requests",
}  # fmt: skip

# A signing key is the one thing that is made by chance, once, when a community is founded.
KEY_MAKING = {"ledger.py": {"secrets"}}

# Words of the shipped readings that the kernel itself speaks of: what a process is and becomes.
KERNEL_WORDS = {
    "input", "text", "member", "number", "choice", "ruling", "amendment", "term", "warning",
}  # fmt: skip


def modules() -> Iterator[tuple[str, Path]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path


MODULES = dict(modules())
TREES = {name: ast.parse(path.read_text()) for name, path in MODULES.items()}


def imported(name: str) -> set[str]:
    """What a module imports of the package; in functions and for types only counts too."""
    found: set[str] = set()
    for node in ast.walk(TREES[name]):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names if alias.name.startswith("govbot")}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("govbot"):
            inner = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= (inner & set(MODULES)) or {str(node.module)}
    return found


def test_every_module_has_its_floor() -> None:
    assert set(MODULES) == set(FLOORS)


@pytest.mark.parametrize("name", sorted(MODULES))
def test_imports_point_down(name: str) -> None:
    climbing = {other for other in imported(name) if FLOORS[other] >= FLOORS[name]}
    assert not climbing - {"govbot"}, f"{name} imports {climbing}"


@pytest.mark.parametrize("name", sorted(set(MODULES) - MAY_NAME_ADAPTERS))
def test_concrete_classes_are_named_at_the_top_only(name: str) -> None:
    assert not imported(name) & ADAPTERS


@pytest.mark.parametrize("name", sorted(MODULES))
def test_modules_say_what_they_own_and_stay_small(name: str) -> None:
    assert ast.get_docstring(TREES[name]), "a module begins by saying what it owns"
    assert len(MODULES[name].read_text().splitlines()) <= 600
    for node in ast.walk(TREES[name]):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            assert length <= 60, f"{node.name} has {length} lines"


def test_the_package_itself_holds_only_its_version() -> None:
    body = TREES["govbot"].body
    assert len(body) == 2 and isinstance(body[1], ast.Assign)


@pytest.mark.parametrize("name", PURE)
def test_the_kernel_sees_no_clock_network_or_chance(name: str) -> None:
    tree = ast.parse((PACKAGE / name).read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            roots = {alias.name.partition(".")[0] for alias in node.names}
            assert not roots & IMPURE - KEY_MAKING.get(name, set())
        elif isinstance(node, ast.ImportFrom):
            assert (node.module or "").partition(".")[0] not in IMPURE
        elif isinstance(node, ast.Attribute):
            assert node.attr not in ("now", "utcnow", "today") or _is_the_stage_now(node)


def _is_the_stage_now(node: ast.Attribute) -> bool:
    """`process.now` is the present stage; `datetime.now` would be a clock."""
    return not (isinstance(node.value, ast.Name) and node.value.id in ("datetime", "date"))


@cache
def words_of_readings() -> set[str]:
    """Every process type, stage, input, choice, outcome and role that a shipped reading names."""
    found: set[str] = set()
    readings = [*ROOT.glob("constitutions/*.yaml"), *ROOT.glob("templates/*/*.yaml")]
    assert len(readings) >= 3
    for path in readings:
        reading = load_reading(path)
        found |= {*reading.roles, *reading.terms, *reading.processes}
        for charter in reading.processes.values():
            for stage in charter.stages:
                found |= {stage.name, *stage.draws}
                found |= {rule.named for rule in stage.outcomes if rule.named}
                for rule in stage.inputs:
                    found |= {rule.kind, *rule.choices}
    return found


def decided_on(tree: ast.Module) -> Iterator[str]:
    """The texts that code compares with or matches on."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare | ast.MatchValue):
            for inner in ast.walk(node):
                if isinstance(inner, ast.Constant) and isinstance(inner.value, str):
                    yield inner.value


@pytest.mark.parametrize("name", sorted(set(MODULES) - {"govbot.demo"}))
def test_no_code_decides_on_a_word_of_a_constitution(name: str) -> None:
    assert not (words_of_readings() - KERNEL_WORDS) & set(decided_on(TREES[name]))


@pytest.mark.parametrize("name", sorted(MODULES))
def test_no_threshold_is_in_the_code(name: str) -> None:
    source = MODULES[name].read_text()
    assert not re.search(r"process_type\s*==|(?:process|charter|body)\.type\s*==\s*['\"]", source)
    for node in ast.walk(TREES[name]):
        if isinstance(node, ast.Compare):
            for side in [node.left, *node.comparators]:
                assert not (isinstance(side, ast.Constant) and isinstance(side.value, float))
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
            both = (node.left, node.right)
            assert not all(isinstance(side, ast.Constant) for side in both), (
                "a fraction in the code"
            )


@pytest.mark.parametrize("name", sorted(MODULES))
def test_errors_are_caught_by_name(name: str) -> None:
    for node in ast.walk(TREES[name]):
        if isinstance(node, ast.ExceptHandler) and name != "govbot.surfaces":
            caught = ast.unparse(node.type) if node.type else ""
            reraises = any(isinstance(each, ast.Raise) and each.exc is None for each in node.body)
            assert caught not in ("", "Exception", "BaseException") or reraises
    assert not re.search(r"\b(TODO|FIXME|XXX)\b", MODULES[name].read_text())


def committed() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout.split("\n")
    paths = [ROOT / name for name in listed if name] or [*ROOT.rglob("*")]
    return [path for path in paths if path.is_file() and ".git/" not in str(path)]


def test_no_file_holds_a_path_of_somebodys_machine() -> None:
    places = re.compile("/" + r"(?:work|root|home)/\w")
    for path in committed():
        if path.suffix in (".py", ".md", ".yaml", ".toml", ".json") or path.name == "run":
            found = places.search(path.read_text(errors="replace"))
            assert found is None, f"{path.name}: {found and found[0]}"
