"""The README is kept true: its commands exist, its Python runs, its tables are complete."""

import re
import tomllib
from pathlib import Path

import click
import pytest

from govbot.cli import main

HOME = Path(__file__).parent.parent
README = (HOME / "README.md").read_text()


def commands(group: click.Group = main, before: str = "govbot") -> dict[str, click.Command]:
    found: dict[str, click.Command] = {}
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            found |= commands(command, f"{before} {name}")
        else:
            found[f"{before} {name}"] = command
    return found


def test_every_command_is_in_the_readme_and_every_command_of_the_readme_exists() -> None:
    known = commands()
    for name in known:
        assert f"`{name}" in README, name
    for line in re.findall(r"(?:^ {4}|&& )(govbot [^\n]*)", README, re.MULTILINE):
        words = line.split()
        assert any(" ".join(words[:n]) in known for n in (2, 3)), line


def test_the_python_of_the_readme_runs() -> None:
    blocks = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert blocks
    for block in blocks:
        exec(compile(block, "README.md", "exec"), {})


def test_every_dependency_says_why_it_is_there() -> None:
    project = tomllib.loads((HOME / "pyproject.toml").read_text())["project"]
    for wanted in project["dependencies"]:
        name = re.split(r"[<>=\[]", wanted)[0]
        assert f"`{name}`" in README, name
    for wanted in project["optional-dependencies"]["test"]:
        assert f"`{re.split(r'[<>=]', wanted)[0]}`" in README, wanted


def test_files_that_are_linked_exist() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert (HOME / target).exists(), target


@pytest.mark.parametrize("name", sorted(commands()))
def test_every_command_shows_an_example(name: str) -> None:
    text = commands()[name].help or ""
    assert "Example:" in text and name in text
