"""Fields that nearly always have their default: they take no room until they differ from it.

Tens of thousands of objects are kept, and all but a few are at rest: nobody writes them, they have
not drifted, no heal of theirs is remembered. Slots for all of these facts would double the state
of an object. They live in a dict instead, which exists while one of them is not its default.
"""

from typing import Any, Generic, Protocol, Self, TypeVar, overload

T = TypeVar("T")


class HasRare(Protocol):
    """An object with a place for its rare fields."""

    rare: dict[str, Any] | None


class Rare(Generic[T]):
    """A rare field: `memory = Rare(NO_HEALS)` in a class with a slot `rare`.

    A default is compared by identity and, if that fails, by equality: it must be immutable.
    """

    __slots__ = ("default", "name")

    def __init__(self, default: T) -> None:
        """Keep the default; the name comes with the class."""
        self.default = default
        self.name = ""

    def __set_name__(self, owner: type, name: str) -> None:
        """Learn the name of the field."""
        self.name = name

    @overload
    def __get__(self, of: None, owner: type) -> Self: ...

    @overload
    def __get__(self, of: HasRare, owner: type) -> T: ...

    def __get__(self, of: HasRare | None, owner: type) -> Self | T:
        """Return the value, the default where none was set."""
        if of is None:
            return self
        rare = of.rare
        if rare is None:
            return self.default
        value: T = rare.get(self.name, self.default)
        return value

    def __set__(self, of: HasRare, value: T) -> None:
        """Keep a value; the default takes no room."""
        rare = of.rare
        if value is self.default or value == self.default:
            if rare is not None:
                rare.pop(self.name, None)
                if not rare:
                    of.rare = None
        elif rare is None:
            of.rare = {self.name: value}
        else:
            rare[self.name] = value
