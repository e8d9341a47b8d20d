"""Whether and when a failed operation is tried again (controller.md §6.12).

The wait grows with the count *after* the failure was counted, from the moment the attempt ended;
the message names the very moment at which the next attempt begins.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias

from holdfast.domain.operation import Phase, RetryPolicy
from holdfast.planning.times import kitchen_time


@dataclass(frozen=True, slots=True)
class GiveUp:
    """The operation is over, in `phase`, with `message`."""

    phase: Phase
    message: str


@dataclass(frozen=True, slots=True)
class TryAgain:
    """The operation stays Running, with `retry_count` and `message`, and begins again at `at`."""

    at: datetime
    retry_count: int
    message: str


RetryDecision: TypeAlias = GiveUp | TryAgain


@dataclass(frozen=True, slots=True)
class Attempt:
    """How one attempt ended.

    Attributes:
        phase: Failed or Error; a success is not asked about.
        message: The message of the attempt.
        retry_count: Retries so far, 0 after the first attempt.
        finished_at: When it ended.
        was_terminated: By a person or by the timeout; such an operation is not tried again.
    """

    phase: Phase
    message: str
    retry_count: int
    finished_at: datetime
    was_terminated: bool = False


def decide_retry(attempt: Attempt, policy: RetryPolicy) -> RetryDecision:
    """Return what follows a failed attempt."""
    count = attempt.retry_count
    is_allowed = policy.limit < 0 or count < policy.limit
    if attempt.was_terminated or not is_allowed:
        suffix = f" (retried {count} times)." if count > 0 else ""
        return GiveUp(attempt.phase, f"{attempt.message}{suffix}")
    try:
        at = next_attempt_at(attempt.finished_at, count + 1, policy)
    except ValueError as error:
        return GiveUp(Phase.ERROR, f"{attempt.message} (failed to retry: {error})")
    message = f"{attempt.message}. Retrying attempt #{count + 1} at {kitchen_time(at)}."
    return TryAgain(at, count + 1, message)


def next_attempt_at(finished_at: datetime, retry_count: int, policy: RetryPolicy) -> datetime:
    """Return when attempt number `retry_count` may begin.

    Raises:
        ValueError: a duration of the policy does not parse.
    """
    try:
        return finished_at + timedelta(seconds=policy.wait_s(retry_count))
    except OverflowError as error:
        raise ValueError("the wait is too long") from error


def retry_message(retry_count: int, policy: RetryPolicy) -> str:
    """Return the message of an operation whose next attempt begins now."""
    latest = " with latest revisions" if policy.refresh else ""
    return f"Retrying operation{latest}. Attempt #{retry_count}"
