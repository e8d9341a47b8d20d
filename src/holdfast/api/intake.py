"""How many webhooks are taken: whoever can reach the port may send one."""

from collections import OrderedDict

PER_SECOND = 20.0
AT_ONCE = 200.0
_ADDRESSES = 1000


class Intake:
    """For each address a bucket of 200 webhooks that fills by 20 a second."""

    def __init__(self) -> None:
        """Every bucket is full."""
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def admit(self, address: str, now: float) -> bool:
        """Whether one more is taken; `now` is in seconds on a clock that never steps."""
        left, at = self._buckets.pop(address, (AT_ONCE, now))
        left = min(AT_ONCE, left + (now - at) * PER_SECOND)
        is_taken = left >= 1
        self._buckets[address] = (left - 1 if is_taken else left, now)
        if len(self._buckets) > _ADDRESSES:
            self._buckets.popitem(last=False)
        return is_taken
