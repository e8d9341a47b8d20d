"""Sealing: no value comes out, equal values look equal, and what we apply can be opened."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from holdfast.cluster.sealing import LAST_APPLIED, Sealer, Vault, is_token
from holdfast.domain.errors import ClusterError, Retry
from holdfast.domain.manifest import Manifest

KEY = b"k" * 32
CANARY = "canary-93be"


def _secret(**rest: Any) -> Manifest:
    return Manifest(
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "s", "namespace": "ns"},
            **rest,
        }
    )


def _b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    "block",
    [
        pytest.param({"data": {"p": _b64(CANARY)}}, id="data"),
        pytest.param({"stringData": {"p": CANARY}}, id="stringData"),
        pytest.param({"data": {"p": CANARY + "!"}}, id="data that is no base64"),
        pytest.param({"data": CANARY}, id="data that is no mapping"),
        pytest.param({"stringData": [CANARY]}, id="stringData that is no mapping"),
        pytest.param({"data": {"p": [CANARY]}}, id="a value that is no text"),
        pytest.param({"stringData": {"p": {"a": CANARY}}}, id="a text that is no text"),
    ],
)
def test_no_value_of_a_secret_comes_out(block: dict[str, Any]) -> None:
    sealer = Sealer(KEY)
    sealed = sealer.seal(_secret(**block))
    assert CANARY not in repr(sealed)
    assert _b64(CANARY) not in repr(sealed)
    assert "stringData" not in sealed.tree
    assert sealer.seal(sealed).tree == sealed.tree


def test_text_is_folded_into_data_and_wins() -> None:
    sealer = Sealer(KEY)
    folded = sealer.seal(_secret(data={"a": _b64("1"), "b": _b64("2")}, stringData={"a": "3"}))
    assert folded.tree == sealer.seal(_secret(data={"a": _b64("3"), "b": _b64("2")})).tree
    assert sealer.open_tree(folded.tree)["data"] == {"a": _b64("3"), "b": _b64("2")}


def test_white_space_in_base64_makes_no_difference() -> None:
    sealer = Sealer(KEY)
    spaced = _b64("hello world")[:8] + "\n" + _b64("hello world")[8:] + "\r\n"
    sealed = sealer.seal(_secret(data={"a": spaced}))
    assert sealed.tree == sealer.seal(_secret(stringData={"a": "hello world"})).tree
    assert sealer.open_tree(sealed.tree)["data"] == {"a": _b64("hello world")}


def test_null_is_an_empty_value() -> None:
    sealer = Sealer(KEY)
    sealed = sealer.seal(_secret(data={"a": None}))
    assert sealed.tree == sealer.seal(_secret(data={"a": ""})).tree
    assert sealer.open_tree(sealed.tree)["data"] == {"a": ""}


def test_equal_values_have_equal_tokens_under_one_key_alone() -> None:
    one = Sealer(KEY).seal(_secret(stringData={"a": "x", "b": "x", "c": "y"})).at("data")
    again = Sealer(KEY).seal(_secret(stringData={"a": "x"})).at("data")
    other = Sealer(b"o" * 32).seal(_secret(stringData={"a": "x"})).at("data")
    assert one["a"] == one["b"] == again["a"]
    assert one["a"] != one["c"]
    assert one["a"] != other["a"]
    assert is_token(one["a"])


@pytest.mark.parametrize(
    ("api_version", "kind"),
    [("v1", "ConfigMap"), ("meta.k8s.io/v1", "PartialObjectMetadata"), ("apps/v1", "Deployment")],
)
def test_the_last_applied_annotation_of_any_kind_is_sealed(api_version: str, kind: str) -> None:
    sealer = Sealer(KEY)
    annotations = {LAST_APPLIED: CANARY, "other": "stays"}
    tree = {"apiVersion": api_version, "kind": kind, "metadata": {"annotations": annotations}}
    sealed = sealer.seal(Manifest(tree))
    assert CANARY not in repr(sealed)
    assert sealed.annotation("other") == "stays"
    assert sealer.seal(sealed).tree == sealed.tree
    assert sealer.open_tree(sealed.tree) == tree


def test_what_holds_no_secret_is_handed_on_as_it_is() -> None:
    plain = Manifest({"apiVersion": "v1", "kind": "ConfigMap", "data": {"a": "1"}})
    assert Sealer(KEY).seal(plain) is plain


def test_a_secret_of_another_group_is_no_secret() -> None:
    other = Manifest({"apiVersion": "example.com/v1", "kind": "Secret", "data": {"a": "1"}})
    assert Sealer(KEY).seal(other) is other


def test_sealing_changes_no_tree() -> None:
    given = _secret(stringData={"a": "1"})
    before = repr(given.tree)
    Sealer(KEY).seal(given)
    assert repr(given.tree) == before


def test_a_text_that_looks_like_a_token_is_a_text() -> None:
    sealer = Sealer(KEY)
    text = "hmac-sha256:" + "0" * 64
    sealed = sealer.seal(_secret(stringData={"a": text}))
    assert sealed.at("data", "a") != text
    assert sealer.open_tree(sealed.tree)["data"] == {"a": _b64(text)}


def test_what_a_watch_brings_is_not_kept() -> None:
    sealer = Sealer(KEY)
    sealed = sealer.seal_tree(_secret(stringData={"a": CANARY}).tree, remember=False)
    with pytest.raises(ClusterError) as caught:
        sealer.open_tree(sealed)
    assert (caught.value.code, caught.value.retry) == ("HF2005", Retry.ON_PREREQUISITE)
    assert "data.a" in caught.value.message


def test_what_was_applied_stays_openable_however_much_is_rendered_after_it() -> None:
    sealer = Sealer(KEY, Vault(unpinned_bytes=2000))
    applied = sealer.seal(_secret(stringData={"a": "applied"}))
    sealer.pin(applied)
    rendered = [sealer.seal(_secret(stringData={"a": f"value {n}" * 20})) for n in range(50)]
    assert sealer.open_tree(applied.tree)["data"] == {"a": _b64("applied")}
    with pytest.raises(ClusterError):
        sealer.open_tree(rendered[0].tree)
    sealer.pin(rendered[-1])
    for n in range(50):
        sealer.seal(_secret(stringData={"a": f"more {n}" * 20}))
    with pytest.raises(ClusterError):
        sealer.open_tree(applied.tree)
    sealer.forget(rendered[-1].key)


def test_a_value_that_two_objects_use_stays_until_both_let_it_go() -> None:
    sealer = Sealer(KEY, Vault(unpinned_bytes=1))
    one = sealer.seal(_secret(stringData={"a": "shared"}))
    two = one.with_metadata(name="t")
    sealer.pin(one)
    sealer.pin(two)
    sealer.forget(one.key)
    sealer.seal(_secret(stringData={"a": "something else"}))
    assert sealer.open_tree(two.tree)["data"] == {"a": _b64("shared")}


def test_a_key_that_is_too_short_is_refused() -> None:
    with pytest.raises(ValueError, match="16 bytes"):
        Sealer(b"short")
    with pytest.raises(ValueError, match="16 bytes"):
        Sealer(KEY).rekey(b"short")
