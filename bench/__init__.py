"""Benchmarks: every figure next to the bare limit of the same run. `make bench`."""
