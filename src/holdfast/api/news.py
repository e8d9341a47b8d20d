"""Word that something changed which long streams must hear of: a token revoked, rights that go.

And word of what happens here, for who counts it: metrics are another process's.
"""

from collections.abc import Callable

Listener = Callable[[], None]
Tell = Callable[[str, str], None]
"""Takes what happened, and what of it counts: `login` good or bad, `push` repository, `handling`
number of webhooks."""


def tell_nobody(_what: str, _of_it: str) -> None:
    """Count nothing."""


class News:
    """Calls everybody who listens, at each change."""

    def __init__(self, tell: Tell = tell_nobody) -> None:
        """Nobody listens yet.

        Args:
            tell: Told of what is counted.
        """
        self._count = tell
        self._handled = 0
        self._listeners: dict[int, Listener] = {}
        self._serial = 0

    def tell(self) -> None:
        """Call all who listen now."""
        for listener in tuple(self._listeners.values()):
            listener()

    def logged_in(self, good: bool) -> None:
        """Tell of a login with a password: whether it was good."""
        self._count("login", "good" if good else "bad")

    def was_pushed(self, repository: str) -> None:
        """Tell of a push; `""` is a repository that nobody here deploys from."""
        self._count("push", repository)

    def handling(self, change: int) -> None:
        """Tell that a webhook is being handled (1), or is done (-1)."""
        self._handled += change
        self._count("handling", str(self._handled))

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Call `listener` at each change from now on; return what ends that."""
        self._serial += 1
        number = self._serial
        self._listeners[number] = listener

        def stop() -> None:
            self._listeners.pop(number, None)

        return stop
