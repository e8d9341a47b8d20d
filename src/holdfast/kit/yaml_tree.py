"""Builds plain trees from libyaml's events: no recursion, bounded aliases, unique keys, lines.

Works on events instead of PyYAML's nodes and constructors, because these recurse, resolve dates,
and let a key stand twice.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NoReturn

from yaml import YAMLError
from yaml._yaml import CParser
from yaml.events import (
    AliasEvent,
    DocumentEndEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from holdfast.kit.yaml_scalars import ScalarError, key_text, plain_value, tagged_value


class YamlError(ValueError):
    """A text that does not parse. The message never quotes the text.

    Attributes:
        reason: What is wrong.
        line: Where, from 1.
    """

    def __init__(self, reason: str, line: int) -> None:
        """Keep both; `str()` gives `line N: reason`."""
        super().__init__(f"line {line}: {reason}")
        self.reason = reason
        self.line = line


@dataclass(frozen=True, slots=True)
class YamlLimits:
    """Bounds for one text.

    Attributes:
        size_bytes: Length of the text.
        depth: Levels of nesting.
        nodes: Values in one document, those that aliases repeat included.
    """

    size_bytes: int = 64 * 1024 * 1024
    depth: int = 200
    nodes: int = 4_000_000


_NO_KEY: Any = object()
_MERGE: Any = object()


class _Frame:
    """A mapping or sequence that is open."""

    __slots__ = ("anchor", "items", "key", "lines", "merged", "nodes_before")

    def __init__(self, items: Any, anchor: str | None, nodes_before: int) -> None:
        self.items = items
        self.anchor = anchor
        self.nodes_before = nodes_before
        self.key: Any = _NO_KEY
        self.lines: dict[str, int] = {}
        self.merged: list[dict[str, Any]] = []


class TreeBuilder:
    """Reads one text."""

    def __init__(self, text: str | bytes, limits: YamlLimits) -> None:
        """Nothing is parsed yet."""
        self._text = text
        self._limits = limits
        self._anchors: dict[str, tuple[Any, int] | None] = {}
        self._stack: list[_Frame] = []
        self._nodes = 0
        self._line = 1
        self._result: Any = None

    def documents(self) -> Iterator[tuple[int, Any]]:
        """Yield line and value of each document.

        Raises:
            YamlError: The text does not parse or exceeds a limit.
        """
        try:
            parser = CParser(self._text)
            begins = 0
            while (event := parser.get_event()) is not None:
                if isinstance(event, DocumentStartEvent):
                    self._anchors, self._nodes, self._result, begins = {}, 0, None, 0
                elif isinstance(event, DocumentEndEvent):
                    yield begins or self._line, self._result
                else:
                    if event.start_mark is not None:
                        self._line = event.start_mark.line + 1
                    begins = begins or self._line
                    self._take(event)
        except YAMLError as error:
            raise YamlError(_reason(error), _line_of(error, self._text, self._line)) from None
        except ScalarError as error:
            raise YamlError(str(error), self._line) from None

    def _take(self, event: Any) -> None:
        if isinstance(event, ScalarEvent):
            value = (
                plain_value(event.value)
                if event.implicit[0]
                else event.value
                if event.tag is None
                else tagged_value(event.value, event.tag)
            )
            self._count(1)
            # `<<` unquoted is the merge key; quoted it is a key like any other.
            if value == "<<" and event.implicit[0] and self._awaits_key():
                self._stack[-1].key = _MERGE
                return
            if event.anchor:
                self._anchors[event.anchor] = (value, 1)
            self._place(value)
        elif isinstance(event, MappingStartEvent):
            self._open({}, event.anchor)
        elif isinstance(event, SequenceStartEvent):
            self._open([], event.anchor)
        elif isinstance(event, MappingEndEvent | SequenceEndEvent):
            self._close()
        elif isinstance(event, AliasEvent):
            self._repeat(event.anchor)

    def _awaits_key(self) -> bool:
        return bool(
            self._stack
            and isinstance(self._stack[-1].items, dict)
            and self._stack[-1].key is _NO_KEY
        )

    def _open(self, items: Any, anchor: str | None) -> None:
        self._count(1)
        if len(self._stack) >= self._limits.depth:
            self._fail(f"nested deeper than {self._limits.depth} levels")
        if self._awaits_key():
            self._fail("a key is a mapping or a list")
        if anchor:
            self._anchors[anchor] = None  # open: an alias to it would contain itself
        self._stack.append(_Frame(items, anchor, self._nodes - 1))

    def _close(self) -> None:
        frame = self._stack.pop()
        for more in frame.merged:
            for key, value in more.items():
                frame.items.setdefault(key, value)
        if frame.anchor:
            self._anchors[frame.anchor] = (frame.items, self._nodes - frame.nodes_before)
        self._place(frame.items)

    def _repeat(self, anchor: str | None) -> None:
        if anchor not in self._anchors:
            self._fail("an alias refers to no anchor")
        known = self._anchors[anchor or ""]
        if known is None:
            self._fail("an alias contains itself")
        value, nodes = known
        self._count(nodes)
        self._place(_copied(value))

    def _place(self, value: Any) -> None:
        if not self._stack:
            self._result = value
            return
        frame = self._stack[-1]
        if isinstance(frame.items, list):
            frame.items.append(value)
        elif frame.key is _NO_KEY:
            if isinstance(value, dict | list):
                self._fail("a key is a mapping or a list")
            key = key_text(value)
            if key in frame.lines:
                self._fail(f"a key stands twice in one mapping, first on line {frame.lines[key]}")
            frame.lines[key] = self._line
            frame.key = key
        elif frame.key is _MERGE:
            frame.key = _NO_KEY
            self._merge(frame, value)
        else:
            frame.items[frame.key] = value
            frame.key = _NO_KEY

    def _merge(self, frame: _Frame, value: Any) -> None:
        for more in value if isinstance(value, list) else [value]:
            if not isinstance(more, dict):
                self._fail("a merge key `<<` takes mappings only")
            frame.merged.append(more)

    def _count(self, nodes: int) -> None:
        self._nodes += nodes
        if self._nodes > self._limits.nodes:
            self._fail(f"more than {self._limits.nodes} values in one document")

    def _fail(self, reason: str) -> NoReturn:
        raise YamlError(reason, self._line)


def _copied(value: Any) -> Any:
    """Return a copy of a tree whose depth is bounded already."""
    if isinstance(value, dict):
        return {key: _copied(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_copied(item) for item in value]
    return value


def _reason(error: YAMLError) -> str:
    # libyaml's own phrases; they never quote the text. `context` says what was being read.
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "not YAML"
    context = getattr(error, "context", None)
    return f"{problem} ({context})" if context else str(problem)


def _line_of(error: YAMLError, text: str | bytes, otherwise: int) -> int:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    if mark is not None:
        return int(mark.line) + 1
    position = getattr(error, "position", None)
    if isinstance(position, int) and position >= 0:
        data = text.encode("utf-8", "replace") if isinstance(text, str) else text
        return data.count(b"\n", 0, position) + 1
    return otherwise
