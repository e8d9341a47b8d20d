"""Validate a custom resource against its CRD's schema, in the API server's words.

In:  an object (defaults in place, unknown fields gone) and its `openAPIV3Schema`.
Out: the problems found, each with the reason, path and message of the server's Status causes.

Rules of the CEL language (`x-kubernetes-validations`) are not evaluated here: ask `uses_cel`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from holdfast.schema.field_path import encode_value
from holdfast.schema.formats import has_format
from holdfast.schema.typed_merge import same_value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from holdfast.domain.manifest import JSON

NO_FIELD = "<nil>"
_INVALID = "FieldValueInvalid"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong."""

    reason: str
    """`FieldValueInvalid`, `FieldValueRequired` and so on."""
    field: str
    """`spec.rules[0].name`; `<nil>` where the server names none."""
    message: str

    def __str__(self) -> str:
        return f"{self.field}: {self.message}"


def joined(problems: list[Problem]) -> str:
    """Return several problems as one text: `a: …`, or `[a: …, b: …]`."""
    texts = list(dict.fromkeys(str(problem) for problem in problems))
    return texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"


def validate_custom(tree: Mapping[str, JSON], schema: Mapping[str, JSON]) -> list[Problem]:
    """Return what is wrong with a custom resource; an empty list when nothing is."""
    found = list(_problems(tree, schema, ""))
    found.extend(_list_problems(tree, schema, ""))
    found.extend(_embedded_problems(tree, schema, ""))
    return list(dict.fromkeys(found))


def uses_cel(schema: JSON) -> bool:
    """Return True when a schema has CEL rules anywhere."""
    if isinstance(schema, dict):
        return "x-kubernetes-validations" in schema or any(map(uses_cel, schema.values()))
    return isinstance(schema, list) and any(map(uses_cel, schema))


def _problems(value: JSON, schema: Mapping[str, JSON], path: str) -> Iterator[Problem]:
    if value is None and schema.get("nullable") is True:
        return
    mismatch = list(_type_problems(value, schema, path))
    yield from mismatch
    if mismatch and "enum" not in schema and not _alternatives(schema):
        return
    if not mismatch:
        yield from _value_problems(value, schema, path)
    yield from _enum_problems(value, schema, path)
    yield from _alternative_problems(value, schema, path)
    for name, inner, inner_schema in _children(value, schema):
        yield from _problems(inner, inner_schema, _below(path, name))


def _alternatives(schema: Mapping[str, JSON]) -> bool:
    return any(word in schema for word in ("anyOf", "oneOf", "allOf", "not"))


def _children(
    value: JSON, schema: Mapping[str, JSON]
) -> Iterator[tuple[str | int, JSON, Mapping[str, JSON]]]:
    if isinstance(value, dict):
        properties = schema.get("properties") or {}
        rest = schema.get("additionalProperties")
        for name, inner in value.items():
            inner_schema = properties.get(name, rest)
            if isinstance(inner_schema, dict):
                yield name, inner, inner_schema
    elif isinstance(value, list) and isinstance(schema.get("items"), dict):
        for place, inner in enumerate(value):
            yield place, inner, schema["items"]


def _below(path: str, name: str | int) -> str:
    if isinstance(name, int):
        return f"{path}[{name}]"
    return f"{path}.{name}" if path else name


# -- types -----------------------------------------------------------------------------------


def _type_problems(value: JSON, schema: Mapping[str, JSON], path: str) -> Iterator[Problem]:
    if schema.get("x-kubernetes-int-or-string") is True:
        wanted = ["integer", "string"]
    elif schema.get("type"):
        wanted = [schema["type"]]
    else:
        return
    actual = json_type(value)
    if actual in wanted or (actual == "integer" and "number" in wanted):
        yield from _format_problems(value, schema, path)
        return
    named = ",".join(wanted)
    shown = f'Invalid value: "{actual}": {path} in body must be of type {named}: "{actual}"'
    yield Problem("FieldValueTypeInvalid", path, shown)
    if actual == "number" and wanted == ["integer"]:
        yield Problem(_INVALID, NO_FIELD, _checked("integer (default format)", path))


def _checked(kind: str, path: str) -> str:
    return f'Invalid value: "": Checked value must be of type {kind} in {path}'


def json_type(value: JSON) -> str:
    """Return the JSON schema type of a value; a whole float is an integer."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "integer"
    if isinstance(value, float):
        return "integer" if value.is_integer() else "number"
    if isinstance(value, str):
        return "string"
    return "array" if isinstance(value, list) else "object"


def _format_problems(value: JSON, schema: Mapping[str, JSON], path: str) -> Iterator[Problem]:
    form = schema.get("format", "")
    if isinstance(value, str) and not has_format(value, form):
        shown = encode_value(value)
        message = f"Invalid value: {shown}: {path} in body must be of type {form}: {shown}"
        yield Problem("FieldValueTypeInvalid", path, message)
    elif form == "int32" and json_type(value) == "integer" and not -(2**31) <= value < 2**31:
        yield Problem(_INVALID, NO_FIELD, _checked("integer with format int32", path))


# -- values ----------------------------------------------------------------------------------


def _value_problems(value: JSON, schema: Mapping[str, JSON], path: str) -> Iterator[Problem]:
    if isinstance(value, bool):
        return
    if isinstance(value, int | float):
        yield from _number_problems(value, schema, path)
    elif isinstance(value, str):
        yield from _text_problems(value, schema, path)
    elif isinstance(value, list):
        yield from _size_problems(len(value), schema, path, ("minItems", "maxItems"), "items")
    elif isinstance(value, dict):
        words = ("minProperties", "maxProperties")
        yield from _size_problems(len(value), schema, path, words, "properties")
        for name in schema.get("required") or ():
            if name not in value:
                yield Problem("FieldValueRequired", _below(path, name), "Required value")


def _number_problems(value: float, schema: Mapping[str, JSON], path: str) -> Iterator[Problem]:
    for limit, exclusive, exceeds, words in _BOUNDS:
        bound = schema.get(limit)
        if bound is None:
            continue
        strict = schema.get(exclusive) is True
        if exceeds(value, bound) or (strict and value == bound):
            phrase = words if strict else f"{words} or equal to"
            yield _invalid(value, path, f"should be {phrase} {encode_value(bound)}")
    factor = schema.get("multipleOf")
    if factor and abs(value / factor - round(value / factor)) > 1e-9:  # rounding
        yield _invalid(value, path, f"should be a multiple of {encode_value(factor)}")


_BOUNDS: tuple[tuple[str, str, Callable[[float, float], bool], str], ...] = (
    ("maximum", "exclusiveMaximum", lambda value, bound: value > bound, "less than"),
    ("minimum", "exclusiveMinimum", lambda value, bound: value < bound, "greater than"),
)


def _text_problems(value: str, schema: Mapping[str, JSON], path: str) -> Iterator[Problem]:
    longest, shortest = schema.get("maxLength"), schema.get("minLength")
    if longest is not None and len(value) > longest:
        message = f"Too long: may not be more than {longest} bytes"
        yield Problem("FieldValueTooLong", path, message)
    if shortest is not None and len(value) < shortest:
        yield _invalid(value, path, f"should be at least {shortest} chars long")
    pattern = schema.get("pattern")
    if pattern and not _compiled(pattern).search(value):
        yield _invalid(value, path, f"should match '{pattern}'")


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> re.Pattern[str]:
    """Return a pattern of Go's language as one of ours.

    Raises:
        ValueError: Python has no such pattern.
    """
    for name, members in _CLASSES.items():
        pattern = pattern.replace(f"[:{name}:]", members)
    pattern = re.sub(r"(?<!\\)\$$", r"\\Z", pattern).replace(r"\z", r"\Z")
    try:
        return re.compile(pattern)
    except re.error as error:
        raise ValueError(f"pattern {pattern!r} cannot be used here: {error}") from error


_CLASSES = {
    "alpha": "A-Za-z",
    "digit": "0-9",
    "alnum": "A-Za-z0-9",
    "lower": "a-z",
    "upper": "A-Z",
    "space": r"\s",
    "word": r"\w",
    "punct": r"!-/:-@\[-`{-~",
    "xdigit": "0-9A-Fa-f",
}


def _size_problems(
    size: int, schema: Mapping[str, JSON], path: str, limits: tuple[str, str], what: str
) -> Iterator[Problem]:
    least, most = (schema.get(limit) for limit in limits)
    if least is not None and size < least:
        yield _invalid(size, path, f"should have at least {least} {what}")
    if most is not None and size > most:
        message = f"Too many: {size}: must have at most {most} items"
        yield Problem("FieldValueTooMany", path, message)


def _invalid(value: JSON, path: str, words: str) -> Problem:
    return Problem(_INVALID, path, f"Invalid value: {encode_value(value)}: {path} in body {words}")


def _enum_problems(value: JSON, schema: Mapping[str, JSON], path: str) -> Iterator[Problem]:
    allowed = schema.get("enum")
    if allowed is None or any(same_value(value, one) for one in allowed):
        return
    texts = (one if isinstance(one, str) else encode_value(one) for one in allowed)
    listed = ", ".join(encode_value(text) for text in texts)
    message = f"Unsupported value: {encode_value(value)}: supported values: {listed}"
    yield Problem("FieldValueNotSupported", path, message)


# -- alternatives ----------------------------------------------------------------------------


def _alternative_problems(value: JSON, schema: Mapping[str, JSON], path: str) -> Iterator[Problem]:
    if "anyOf" in schema:
        results = [list(_problems(value, part, path)) for part in schema["anyOf"]]
        if all(results):
            yield _about(path, "must validate at least one schema (anyOf)")
            yield from min(results, key=len)
    if "oneOf" in schema:
        results = [list(_problems(value, part, path)) for part in schema["oneOf"]]
        valid = sum(1 for result in results if not result)
        if valid != 1:
            found = "Found none valid" if not valid else f"Found {valid} valid alternatives"
            yield _about(path, f"must validate one and only one schema (oneOf). {found}")
        if not valid:
            yield from min(results, key=len)
    if "allOf" in schema:
        yield from _all_problems(value, schema["allOf"], path)
    if "not" in schema and not list(_problems(value, schema["not"], path)):
        yield _about(path, "must not validate the schema (not)")


def _all_problems(value: JSON, parts: list[JSON], path: str) -> Iterator[Problem]:
    results = [list(_problems(value, part, path)) for part in parts]
    for result in results:
        yield from result
    if any(results):
        none = ". None validated" if all(results) else ""
        yield _about(path, f"must validate all the schemas (allOf){none}")


def _about(path: str, words: str) -> Problem:
    return Problem(_INVALID, NO_FIELD, f'Invalid value: "": "{path}" {words}')


# -- lists and embedded objects ----------------------------------------------------------------


def _list_problems(value: JSON, schema: Mapping[str, JSON], path: str) -> Iterator[Problem]:
    kind = schema.get("x-kubernetes-list-type")
    if isinstance(value, list) and kind in ("set", "map"):
        keys = schema.get("x-kubernetes-list-map-keys") or ()
        seen: set[str] = set()
        for place, item in enumerate(value):
            key = item
            if kind == "map":
                fields = item if isinstance(item, dict) else {}
                key = {name: fields[name] for name in keys if name in fields}
            text = encode_value(key)
            if text in seen:
                where = f"{path}[{place}]"
                yield Problem("FieldValueDuplicate", where, f"Duplicate value: {text}")
            seen.add(text)
    for name, inner, inner_schema in _children(value, schema):
        yield from _list_problems(inner, inner_schema, _below(path, name))


def _embedded_problems(value: JSON, schema: Mapping[str, JSON], path: str) -> Iterator[Problem]:
    for name, inner, inner_schema in _children(value, schema):
        below = _below(path, name)
        if inner_schema.get("x-kubernetes-embedded-resource") is True and isinstance(inner, dict):
            for field in ("apiVersion", "kind"):
                if not inner.get(field):
                    yield Problem("FieldValueRequired", f"{below}.{field}", "Required value")
        yield from _embedded_problems(inner, inner_schema, below)
