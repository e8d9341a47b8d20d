"""Keep pauses of the garbage collector short in a process whose answers are timed.

A full collection looks at every container: 105 ms for 900,000 of them (apply.md C1). What is loaded
at the start lives as long as the process, so it is never looked at again; and the young are
collected less often, because tens of thousands of objects are made and dropped by each list.
"""

import gc

_YOUNG = 20_000
_MIDDLE = 20
_OLD = 50


def shorten_collections() -> None:
    """Take everything that exists out of later collections. For the end of a start."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG, _MIDDLE, _OLD)
