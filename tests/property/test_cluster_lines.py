"""Laws of the line splitter: the cuts of the network don't matter."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from holdfast.cluster.lines import LineSplitter

_lines = st.lists(st.binary(max_size=40).map(lambda line: line.replace(b"\n", b" ")), max_size=12)


@given(lines=_lines, tail=st.binary(max_size=20), cuts=st.lists(st.integers(0, 600), max_size=30))
def test_any_split_of_the_bytes_gives_the_same_lines(
    lines: list[bytes], tail: bytes, cuts: list[int]
) -> None:
    tail = tail.replace(b"\n", b" ")
    body = b"".join(line + b"\n" for line in lines) + tail
    places = sorted({min(cut, len(body)) for cut in cuts} | {0, len(body)})
    splitter = LineSplitter()
    got: list[bytes] = []
    for start, end in pairwise(places):
        got += [bytes(line) for line in splitter.feed(body[start:end])]
    assert got == [line for line in lines if line]
    assert splitter.pending_bytes == len(tail)
