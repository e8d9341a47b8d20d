"""What lives as long as the process is not looked at by each collection."""

import gc

from holdfast.kit.garbage import shorten_collections


def test_what_exists_at_the_end_of_a_start_is_left_out_of_collections() -> None:
    before = gc.get_threshold()
    kept = [[number] for number in range(1000)]
    try:
        shorten_collections()
        assert gc.get_freeze_count() >= len(kept)
        assert gc.get_threshold()[0] > before[0]
        assert gc.isenabled()
    finally:
        gc.unfreeze()
        gc.set_threshold(*before)
