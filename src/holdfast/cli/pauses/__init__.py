"""Pauses: `app pause`, `proj pause`, `cluster pause`, `pause`, and the ways back.

`words` has the flags and the texts; `ofapp`, `ofproject`, `ofcluster` and `ofall` are the commands
of one group each, since a group looks its commands up by name.
"""
