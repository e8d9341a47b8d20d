"""The soak: a seeded adversary against a running Holdfast, and an account of every single drift.

    python -m tests.soak --seconds 1200 --seed 7

It ends well when the cluster equals git, the journal has exactly one episode for each drift that
the API server's own history shows, and memory did not grow.
"""
