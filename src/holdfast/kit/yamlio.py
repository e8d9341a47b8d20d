"""YAML and JSON as Kubernetes reads them, and YAML as kubectl prints it.

Reading follows sigs.k8s.io/yaml (YAML 1.1 made into JSON): `yes`/`on`/`y` are booleans, `0777` is
511, `1.0` is the number 1, a date is a string, `1:30` is a string, keys become strings. Stricter
in one thing: a key that stands twice in a mapping is an error. Aliases, depth and size are bounded.

CPU-bound, a few MB/s: only the render worker and the CLI call it (apply.md C1).
"""

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml
from yaml.nodes import MappingNode, ScalarNode

from holdfast.kit.yaml_scalars import (
    ScalarError,
    integer_or_float,
    needs_quotes,
    plain_value,
    whole_number,
)
from holdfast.kit.yaml_tree import TreeBuilder, YamlError, YamlLimits

__all__ = ["Document", "YamlError", "YamlLimits", "dump", "dump_all", "load_all", "load_json"]

DEFAULT_LIMITS = YamlLimits()


@dataclass(frozen=True, slots=True)
class Document:
    """One document of a text.

    Attributes:
        value: The plain tree; None for an empty document.
        line: Line on which the document's content begins, from 1.
        number: Which document of the text it is, from 1.
    """

    value: Any
    line: int
    number: int


def load_all(text: str | bytes, limits: YamlLimits = DEFAULT_LIMITS) -> Iterator[Document]:
    """Yield the documents of a YAML (or JSON) text as they are parsed.

    Raises:
        YamlError: It does not parse, or exceeds a limit; documents before it were yielded.
    """
    if len(text) > limits.size_bytes:
        raise YamlError(f"larger than {limits.size_bytes} bytes", 1)
    for number, (line, value) in enumerate(TreeBuilder(text, limits).documents(), start=1):
        yield Document(value, line, number)


def load_one(text: str | bytes, limits: YamlLimits = DEFAULT_LIMITS) -> Any:
    """Return the only document of a text; None when it is empty.

    Raises:
        YamlError: It does not parse, or holds several documents.
    """
    found = list(load_all(text, limits))
    if len(found) > 1:
        raise YamlError("more than one document", found[1].line)
    return found[0].value if found else None


def load_json(text: str | bytes, limits: YamlLimits = DEFAULT_LIMITS) -> list[Any]:
    """Return the values of a text of JSON values, one after the other.

    Raises:
        YamlError: It is not JSON, or exceeds a limit.
    """
    if len(text) > limits.size_bytes:
        raise YamlError(f"larger than {limits.size_bytes} bytes", 1)
    try:
        string = text.decode("utf-8-sig") if isinstance(text, bytes) else text
    except UnicodeDecodeError:
        raise YamlError("not UTF-8 text", 1) from None
    values: list[Any] = []
    position = _skip_space(string, 0)
    while position < len(string):
        try:
            value, position = _DECODER.raw_decode(string, position)
        except json.JSONDecodeError as error:
            raise YamlError(f"{error.msg} (column {error.colno})", error.lineno) from None
        except RecursionError:
            raise YamlError(f"nested deeper than {limits.depth} levels", 1) from None
        except ValueError as error:
            raise YamlError(str(error), string.count("\n", 0, position) + 1) from None
        _check_depth(value, limits.depth)
        values.append(value)
        position = _skip_space(string, position)
    return values


def dump(value: Any) -> str:
    """Return a tree as YAML in kubectl's style: sorted keys, lists not indented."""
    text: str = yaml.dump(value, Dumper=_Dumper, default_flow_style=False, allow_unicode=True)
    return text.removesuffix("...\n")


def dump_all(values: list[Any]) -> str:
    """Return several documents, with `---` between them."""
    return "---\n".join(dump(value) for value in values)


class _Dumper(yaml.CSafeDumper):
    """libyaml's emitter with kubectl's choices of style."""

    def ignore_aliases(self, data: Any) -> bool:
        """Write equal values again, never as `*id001`."""
        return True

    def resolve(self, kind: Any, value: Any, implicit: Any) -> str:
        """Return the tag that a reader would find, so that no tag is ever written."""
        if kind is not ScalarNode:
            return "tag:yaml.org,2002:" + ("map" if kind is MappingNode else "seq")
        if not implicit[0] or not needs_quotes(value):
            return "tag:yaml.org,2002:str"
        return "tag:yaml.org,2002:" + _read_as(value)


def _read_as(word: str) -> str:
    """Return the tag of an unquoted word."""
    try:
        return _TAGS.get(type(plain_value(word)), "str")
    except ScalarError:
        return "float"  # infinity and not-a-number: numbers to YAML, though JSON has none


_TAGS = {type(None): "null", bool: "bool", int: "int", float: "float"}


def _represent_text(dumper: Any, text: str) -> Any:
    style = "|" if "\n" in text else '"' if needs_quotes(text) else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


def _represent_mapping(dumper: Any, tree: dict[Any, Any]) -> Any:
    ordered = sorted(tree.items(), key=lambda item: _natural(str(item[0])))
    return dumper.represent_mapping("tag:yaml.org,2002:map", ordered)


def _represent_number(dumper: Any, value: float) -> Any:
    text = json.dumps(whole_number(value) if isinstance(value, float) else value)
    tag = _TAGS[type(plain_value(text))]
    return dumper.represent_scalar(f"tag:yaml.org,2002:{tag}", text)


_Dumper.add_representer(str, _represent_text)
_Dumper.add_representer(dict, _represent_mapping)
_Dumper.add_representer(int, _represent_number)
_Dumper.add_representer(float, _represent_number)


def _natural(text: str) -> list[tuple[int, int, int]]:
    """Return kubectl's order of keys: signs, then numbers by value, then letters."""
    order: list[tuple[int, int, int]] = []
    position = 0
    while position < len(text):
        char = text[position]
        if "0" <= char <= "9":
            end = position
            while end < len(text) and "0" <= text[end] <= "9":
                end += 1
            order.append((1, int(text[position:end]), end - position))
            position = end
        else:
            order.append((2 if char.isalpha() else 0, ord(char), 0))
            position += 1
    return order


def _integer(text: str) -> int | float:
    # 20 characters hold every int64; longer ones would let a hostile file burn time in int().
    return integer_or_float(int(text)) if len(text) <= 20 else float(text)


def _decimal(text: str) -> int | float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("a number is too large")
    return whole_number(number)


def _refuse_constant(_: str) -> Any:
    raise ValueError("infinity and not-a-number are not JSON")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    tree = dict(pairs)
    if len(tree) != len(pairs):
        raise ValueError("a key stands twice in one object")
    return tree


_DECODER = json.JSONDecoder(
    parse_int=_integer,
    parse_float=_decimal,
    parse_constant=_refuse_constant,
    object_pairs_hook=_unique,
)


def _skip_space(text: str, position: int) -> int:
    while position < len(text) and text[position] in " \t\r\n":
        position += 1
    return position


def _check_depth(value: Any, limit: int) -> None:
    level = [value]
    for _ in range(limit + 1):
        level = [
            child
            for parent in level
            if isinstance(parent, dict | list)
            for child in (parent.values() if isinstance(parent, dict) else parent)
        ]
        if not level:
            return
    raise YamlError(f"nested deeper than {limit} levels", 1)
