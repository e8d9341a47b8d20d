"""How a test message is asked for and answered: annotations of one ConfigMap."""

from holdfast.domain.manifest import JSON

CONFIG_MAP_NAME = "holdfast-notifications"
TARGET_PREFIX = "target."
TEST_ANNOTATION = "holdfast.dev/test"
"""`NUMBER TARGET`, written by whoever asks."""
TEST_RESULT_ANNOTATION = "holdfast.dev/test-result"
"""`NUMBER told|failed DETAIL`, written by the controller."""
_TOLD, _FAILED = "told", "failed"


def parse_test(text: JSON) -> tuple[str, str]:
    """Return number and target of a request; both `""` when it is none."""
    number, _, target = text.partition(" ") if isinstance(text, str) else ("", "", "")
    return (number, target) if target else ("", "")


def format_test_result(number: str, detail: str, *, is_sent: bool) -> str:
    """Return the answer to a request."""
    return f"{number} {_TOLD if is_sent else _FAILED} {detail}"


def parse_test_result(text: JSON, number: str) -> tuple[str, bool] | None:
    """Return the detail and whether the message was sent; None when it is no answer to this."""
    words = text.split(" ", 2) if isinstance(text, str) else []
    if len(words) < 3 or words[0] != number or words[1] not in (_TOLD, _FAILED):
        return None
    return words[2], words[1] == _TOLD
