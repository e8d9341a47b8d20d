"""Rendered results are kept by what determines them, within a limit."""

import random
from dataclasses import replace

import pytest

from holdfast.domain.errors import HoldfastError
from holdfast.domain.source import Checkout, RenderContext, Source, SourceType
from holdfast.renderers.cache import RenderCache, cache_key
from holdfast.renderers.dispatch import size_limit

CHECKOUT = Checkout("/x", "a" * 40, "https://git.example/a")
SOURCE = Source.parse({"repoURL": "https://git.example/a", "path": "app"})
CONTEXT = RenderContext("shop", "shop", "default", "default", settings=(("a", "b"),))


def test_what_determines_a_render_changes_the_key_and_where_it_lies_does_not() -> None:
    key = cache_key(CHECKOUT, SOURCE, CONTEXT)
    others = [
        cache_key(replace(CHECKOUT, revision="b" * 40), SOURCE, CONTEXT),
        cache_key(CHECKOUT, Source.parse({**SOURCE.tree, "path": "x"}), CONTEXT),
        cache_key(CHECKOUT, Source.parse({**SOURCE.tree, "kustomize": {}}), CONTEXT),
        cache_key(CHECKOUT, SOURCE, replace(CONTEXT, destination_namespace="n")),
        cache_key(CHECKOUT, SOURCE, replace(CONTEXT, settings=())),
        cache_key(CHECKOUT, SOURCE, replace(CONTEXT, kube_version="1.36.0")),
    ]
    assert len({key, *others}) == len(others) + 1
    assert cache_key(replace(CHECKOUT, root="/y"), SOURCE, CONTEXT) == key


def test_the_results_used_longest_ago_go_first() -> None:
    cache = RenderCache(2500)
    tool = SourceType.DIRECTORY
    texts = [random.Random(number).randbytes(1000) for number in range(4)]  # nothing to compress
    cache.keep("a", tool, texts[0])
    cache.keep("b", tool, texts[1])
    assert cache.find("a") == (tool, texts[0])
    cache.keep("c", tool, texts[2])
    assert cache.find("b") is None
    assert cache.find("a") == (tool, texts[0])
    cache.keep("huge", tool, texts[3] * 200)
    assert cache.find("huge") is None
    assert cache.find("c") == (tool, texts[2])
    cache.clear()
    assert cache.find("a") is None


def test_a_result_takes_the_room_of_its_compressed_form() -> None:
    cache = RenderCache(1000)
    for name in "abc":
        cache.keep(name, SourceType.DIRECTORY, b"kind: ConfigMap\n" * 100)
    assert [cache.find(name) is not None for name in "abc"] == [True, True, True]
    whole = b"kind: ConfigMap\n" * 10_000
    large = RenderCache(1_000_000)
    large.keep("a", SourceType.DIRECTORY, whole)
    assert large.find("a") == (SourceType.DIRECTORY, whole)


@pytest.mark.parametrize(
    ("text", "size"), [("10M", 10_000_000), ("1Gi", 2**30), ("500", 500), ("0", 0)]
)
def test_sizes_have_units(text: str, size: int) -> None:
    assert size_limit(text) == size


@pytest.mark.parametrize("text", ["", "M", "10X", "-1", "1.5M"])
def test_a_size_that_is_none_is_named(text: str) -> None:
    with pytest.raises(HoldfastError, match="is not a size") as caught:
        size_limit(text)
    assert caught.value.code == "HF3009"
