"""Custom resources and bad input; the full comparison is tests/contract/test_schema_custom."""

import pytest

from holdfast.domain.identity import GroupVersionKind
from holdfast.domain.manifest import JSON
from holdfast.schema.decoding import find_decode_error, refusal, strict_reason, unknown_fields
from holdfast.schema.formats import has_format
from holdfast.schema.structural import shape_custom
from holdfast.schema.types import Type, find_type
from holdfast.schema.validation import joined, uses_cel, validate_custom

TEXT: JSON = {"type": "string"}


def spec_schema(**properties: JSON) -> JSON:
    return {
        "type": "object",
        "properties": {"spec": {"type": "object", "properties": properties}},
    }


def thing(**spec: JSON) -> JSON:
    return {"apiVersion": "h/v1", "kind": "Thing", "metadata": {"name": "x"}, "spec": spec}


def deployment() -> Type:
    found = find_type(GroupVersionKind("apps", "v1", "Deployment"))
    assert found is not None
    return found


def test_unknown_fields_are_dropped_and_named() -> None:
    schema = spec_schema(a=TEXT, list={"type": "array", "items": {"type": "object"}})
    shaped = shape_custom(thing(a="1", z=1, list=[{"y": 1}]), schema)
    assert shaped.tree["spec"] == {"a": "1", "list": [{}]}
    assert shaped.dropped == ("spec.list[0].y", "spec.z")


def test_a_preserved_part_keeps_everything_but_what_it_declares() -> None:
    known = {"type": "object", "properties": {"a": TEXT}}
    free = {
        "type": "object",
        "x-kubernetes-preserve-unknown-fields": True,
        "properties": {"known": known},
    }
    shaped = shape_custom(thing(free={"any": {"b": 1}, "known": {"z": 1}}), spec_schema(free=free))
    assert shaped.tree["spec"] == {"free": {"any": {"b": 1}, "known": {}}}
    assert shaped.dropped == ("spec.free.known.z",)


def test_nothing_is_dropped_without_a_schema_or_where_the_crd_says_so() -> None:
    assert shape_custom(thing(z=1), None).tree["spec"] == {"z": 1}
    kept = shape_custom(thing(z=1), spec_schema(a=TEXT), preserve_unknown_fields=True)
    assert kept.tree["spec"] == {"z": 1}


def test_defaults_fill_what_is_missing_at_any_depth() -> None:
    inner = {
        "type": "object",
        "default": {},
        "properties": {"n": {"type": "integer", "default": 3}},
    }
    item = {"type": "object", "properties": {"p": {"type": "string", "default": "TCP"}}}
    schema = spec_schema(inner=inner, items={"type": "array", "items": item})
    shaped = shape_custom(thing(items=[{}, {"p": "UDP"}, {"p": None}]), schema)
    assert shaped.tree["spec"] == {
        "inner": {"n": 3},
        "items": [{"p": "TCP"}, {"p": "UDP"}, {"p": "TCP"}],
    }


def test_a_null_stays_only_where_it_may_be_null() -> None:
    schema = spec_schema(a=TEXT, b={"type": "string", "nullable": True})
    assert shape_custom(thing(a=None, b=None), schema).tree["spec"] == {"b": None}


def test_metadata_has_the_shape_of_every_objects() -> None:
    tree = thing() | {"metadata": {"name": "x", "labels": {"a": None}, "bogus": 1}}
    shaped = shape_custom(tree, spec_schema())
    assert shaped.tree["metadata"] == {"name": "x", "labels": {"a": ""}}
    assert shaped.dropped == ("metadata.bogus",)
    wrong = thing() | {"metadata": {"name": "x", "labels": {"a": 1}}}
    assert shape_custom(wrong, spec_schema()).error == (
        "json: cannot unmarshal number into Go struct field ObjectMeta.labels of type string"
    )


@pytest.mark.parametrize(
    ("schema", "value", "text"),
    [
        (
            {"type": "integer"},
            "x",
            'spec.f: Invalid value: "string": spec.f in body must be of type integer: "string"',
        ),
        (
            {"type": "string", "enum": ["a", "b"]},
            "c",
            'spec.f: Unsupported value: "c": supported values: "a", "b"',
        ),
        (
            {"type": "string", "pattern": "^a$"},
            "a\n",
            "spec.f: Invalid value: \"a\\n\": spec.f in body should match '^a$'",
        ),
        (
            {"type": "integer", "minimum": 1, "exclusiveMinimum": True},
            1,
            "spec.f: Invalid value: 1: spec.f in body should be greater than 1",
        ),
        ({"type": "object", "required": ["r"]}, {}, "spec.f.r: Required value"),
        (
            {"type": "array", "x-kubernetes-list-type": "set", "items": TEXT},
            ["a", "a"],
            'spec.f[1]: Duplicate value: "a"',
        ),
    ],
)
def test_problems_are_told_in_the_servers_words(schema: JSON, value: JSON, text: str) -> None:
    assert joined(validate_custom(thing(f=value), spec_schema(f=schema))) == text


def test_several_problems_stand_in_brackets() -> None:
    schema = spec_schema(a={"type": "integer"}, b={"type": "integer"})
    found = validate_custom(thing(a=True, b=True), schema)
    assert joined(found).startswith('[spec.a: Invalid value: "boolean"')


def test_a_valid_object_has_no_problem() -> None:
    schema = spec_schema(a={"type": "number", "minimum": 0}, b={"x-kubernetes-int-or-string": True})
    assert validate_custom(thing(a=1, b="50%"), schema) == []


def test_cel_rules_are_seen() -> None:
    rules = [{"rule": "self.a > 1"}]
    assert uses_cel(spec_schema(a={"type": "integer", "x-kubernetes-validations": rules}))
    assert not uses_cel(spec_schema(a={"type": "integer"}))


@pytest.mark.parametrize(
    ("form", "good", "bad"),
    [
        ("date", "2026-11-23", "2026-13-01"),
        ("date-time", "2026-11-23T16:00:00Z", "2026-11-23"),
        ("byte", "Cg==", "C"),
        ("ipv6", "::1", "10.0.0.1"),
        ("cidr", "10.0.0.0/8", "10.0.0.0"),
        ("hostname", "a.example", "-a"),
        ("duration", "1h30m", "soon"),
        ("uri", "https://example.com", "example"),
    ],
)
def test_formats_are_checked(form: str, good: str, bad: str) -> None:
    assert has_format(good, form)
    assert not has_format(bad, form)


def test_a_format_that_nobody_knows_always_fits() -> None:
    assert has_format("anything", "made-up")


def test_a_value_that_the_type_cannot_hold_is_named_with_its_go_field() -> None:
    tree = {"spec": {"template": {"spec": {"containers": [{"image": 5}]}}}}
    reason = find_decode_error(tree, deployment()) or ""
    assert refusal("apps/v1", "Deployment", reason) == (
        'Deployment in version "v1" cannot be handled as a Deployment: json: cannot unmarshal '
        "number into Go struct field Container.spec.template.spec.containers.image of type string"
    )
    assert find_decode_error({"spec": {"replicas": 1, "bogus": {}}}, deployment()) is None


def test_unknown_fields_of_a_built_in_kind_are_named() -> None:
    tree = {"spec": {"foo": 1, "template": {"spec": {"containers": [{"bar": 1}]}}}, "top": 1}
    assert strict_reason(unknown_fields(tree, deployment())) == (
        'strict decoding error: unknown field "spec.foo", '
        'unknown field "spec.template.spec.containers[0].bar", unknown field "top"'
    )
