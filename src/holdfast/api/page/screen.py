"""What a screen hands to its template."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Screen:
    """One answer of the page.

    Attributes:
        template: Its name.
        values: What it shows.
        title: Of the window.
        here: Which entry of the navigation is lit.
        status: Of HTTP.
    """

    template: str
    values: dict[str, Any] = field(default_factory=dict)
    title: str = "Holdfast"
    here: str = ""
    status: int = 200
