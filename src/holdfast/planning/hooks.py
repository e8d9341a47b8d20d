"""Moved: hook annotations are read in `holdfast.domain.hooks`, because health needs them too."""

from holdfast.domain.hooks import is_garbage_hook, is_hook, is_skipped

__all__ = ["is_garbage_hook", "is_hook", "is_skipped"]
