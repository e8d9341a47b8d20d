"""Screens: what each of them shows. How it looks is in `templates`."""
