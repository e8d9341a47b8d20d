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
        is_large: It takes long to render: a thread does it, and streams go on meanwhile.
    """

    template: str
    values: dict[str, Any] = field(default_factory=dict)
    title: str = "Holdfast"
    here: str = ""
    status: int = 200
    is_large: bool = False
