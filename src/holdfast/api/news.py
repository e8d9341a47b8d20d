"""Word that something changed which long streams must hear of: a token revoked, rights that go."""

from collections.abc import Callable

Listener = Callable[[], None]


class News:
    """Calls everybody who listens, at each change."""

    def __init__(self, on_login: Callable[[bool], None] = lambda _good: None) -> None:
        """Nobody listens yet.

        Args:
            on_login: Told of each login with a password: whether it was good.
        """
        self.on_login = on_login
        self._listeners: dict[int, Listener] = {}
        self._serial = 0

    def tell(self) -> None:
        """Call all who listen now."""
        for listener in tuple(self._listeners.values()):
            listener()

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Call `listener` at each change from now on; return what ends that."""
        self._serial += 1
        number = self._serial
        self._listeners[number] = listener

        def stop() -> None:
            self._listeners.pop(number, None)

        return stop
