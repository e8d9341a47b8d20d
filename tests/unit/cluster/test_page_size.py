"""No page of a list holds more than what decodes in a few milliseconds."""

import pytest

from holdfast.cluster.reader import PAGE_BYTES, PAGE_OBJECTS, Page, PageSize


def page(objects: int, size_bytes: int) -> Page:
    return Page([{}] * objects, "1", "more", size_bytes)


def test_pages_of_small_objects_grow_to_a_hundred() -> None:
    size = PageSize()
    for _ in range(3):
        size.learn(page(size.objects, size.objects * 1000))
    assert size.objects == PAGE_OBJECTS


@pytest.mark.parametrize("object_bytes", [3_000, 10_000, 60_000, 200_000])
def test_pages_of_large_objects_stay_below_the_limit(object_bytes: int) -> None:
    size = PageSize()
    size.learn(page(size.objects, size.objects * object_bytes))
    for _ in range(5):
        assert size.objects * object_bytes <= PAGE_BYTES
        size.learn(page(size.objects, size.objects * object_bytes))


def test_an_object_larger_than_a_page_comes_alone() -> None:
    size = PageSize()
    size.learn(page(3, 3 * 1_400_000))
    assert size.objects == 1


def test_an_empty_page_teaches_nothing() -> None:
    size = PageSize()
    before = size.objects
    size.learn(page(0, 200))
    assert size.objects == before
