"""What the process that leads notes in the Lease beside its name, for `holdfast status`.

A module of its own: who writes them (the controller) needs nothing of who reads them (`requests`).
"""

from typing import Final

WATCH_LAG_ANNOTATION: Final = "holdfast.dev/watch-lag"
NOTIFICATIONS_ANNOTATION: Final = "holdfast.dev/notifications"
JOURNAL_ANNOTATION: Final = "holdfast.dev/journal"
