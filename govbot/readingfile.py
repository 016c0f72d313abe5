"""A reading's YAML file.

Owns the form in which people write rules. Promises that a fault is told with file, line and field,
and that YAML's surprises (`no` as a truth value, aliases, a key given twice) cannot happen.
"""

import re
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from govbot.charter import Reading
from govbot.errors import OperatorError

MAX_BYTES = 1_000_000
_HALF = re.compile("[\ud800-\udfff]")  # JSON writes a pair of them for one character


class _Loader(yaml.SafeLoader):
    """YAML without its surprises: `yes` and `no` are words, and no key may come twice."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        event: Any = self.peek_event()  # type: ignore[no-untyped-call]  # types-PyYAML leaves it out
        mark: Any = event.start_mark
        if isinstance(event, yaml.AliasEvent):
            raise yaml.MarkedYAMLError(
                problem="anchors and aliases are not used here; write the rule out",
                problem_mark=mark,
            )
        if event.tag is not None:
            raise yaml.MarkedYAMLError(
                problem=f"the tag {event.tag!r} is not used here; write the value without it",
                problem_mark=mark,
            )
        node = super().compose_node(parent, index)
        if isinstance(node, yaml.ScalarNode) and _HALF.search(node.value):
            try:
                node.value = node.value.encode("utf-16", "surrogatepass").decode("utf-16")
            except UnicodeDecodeError:
                raise yaml.MarkedYAMLError(
                    problem="an escape here is half a character; write the character itself",
                    problem_mark=mark,
                ) from None
        return node

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        seen: set[Any] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise yaml.MarkedYAMLError(
                    problem="a key must be a word", problem_mark=key.start_mark
                )
            if key.value in seen:
                raise yaml.MarkedYAMLError(
                    problem=f"{key.value!r} is given twice", problem_mark=key.start_mark
                )
            seen.add(key.value)
        return super().construct_mapping(node, deep)


_Loader.yaml_implicit_resolvers = {}
_Loader.add_implicit_resolver("tag:yaml.org,2002:null", re.compile(r"^(?:null|~|)$"), None)
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(?:true|false)$"), None)
_Loader.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(r"^-?[0-9]{1,15}$"), None)


# A slot after a `#` that no quotes hold: YAML takes the end of such a phrase for a comment.
_CUT_SHORT = re.compile(r"^[ \t]*-[ \t]+[^\s\"'#\[{][^\n\"']*[ \t]#\{[a-z_]+\}", re.MULTILINE)


def _line(node: Any, path: tuple[str | int, ...]) -> int:
    """The line (from 1) of the deepest part of `path` that the document has."""
    line: int = node.start_mark.line + 1
    for step in path:
        if isinstance(node, yaml.MappingNode):
            found = [(k, v) for k, v in node.value if k.value == str(step)]
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int):
            found = [(item, item) for item in node.value[step : step + 1]]
        else:
            found = []
        if not found:
            continue  # a model's own step (a union's member) that the document does not show
        line, node = found[0][0].start_mark.line + 1, found[0][1]
    return line


def _shown(path: tuple[str | int, ...]) -> str:
    return ".".join(str(step) for step in path) or "the document"


def read_reading(text: str, name: str) -> Reading:
    """A reading from its YAML; OperatorError names file, line and field of the first fault."""
    if (cut := _CUT_SHORT.search(text)) is not None:
        line = text.count("\n", 0, cut.start()) + 1
        raise OperatorError(f"{name}, line {line}: “#” begins a comment here; put it in quotes")
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        data = loader.construct_document(node) if node is not None else None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        line = mark.line + 1 if mark else 1
        raise OperatorError(f"{name}, line {line}: {error.problem}; correct the file") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise OperatorError(f"{name} is not YAML ({error}); correct the file") from None
    if not isinstance(data, dict):
        raise OperatorError(f"{name} holds no reading; start from a template's reading file")
    try:
        return Reading.model_validate(data)
    except ValidationError as error:
        first, *rest = error.errors()
        where, what = first["loc"], str(first["msg"]).removeprefix("Value error, ")
        # A list whose only item is at fault is then also too short: that is no second fault.
        further = [fault for fault in rest if where[: len(fault["loc"])] != fault["loc"]]
        others = f" ({len(further)} more)" if further else ""
        line = _line(node, where)
        raise OperatorError(f"{name}, line {line}, {_shown(where)}: {what}{others}") from None


def write_reading(reading: Reading, *comments: str) -> str:
    """A reading as a file's text, with comments at its head."""
    lines = [f"# {' '.join(comment.split())}" for comment in comments]
    body: str = yaml.safe_dump(reading.document, allow_unicode=True, sort_keys=False, width=96)
    return "\n".join([*lines, "", body])


def load_reading(path: Path) -> Reading:
    """`read_reading` of a file."""
    try:
        raw = path.read_bytes()
        text = raw.decode("utf-8-sig")
    except OSError as error:
        why = error.strerror or "unreadable"
        raise OperatorError(f"{path} cannot be read ({why}); check its name and rights") from None
    except UnicodeDecodeError as error:
        raise OperatorError(
            f"{path} is not UTF-8 at byte {error.start}; save it as UTF-8"
        ) from None
    if len(raw) > MAX_BYTES:
        raise OperatorError(f"{path} is larger than {MAX_BYTES} bytes; that is no reading")
    return read_reading(text, path.name)
