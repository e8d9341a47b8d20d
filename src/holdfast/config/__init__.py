"""Settings: every number that somebody may want to change, with unit, default and reason.

Purpose:    one frozen dataclass for each part of the program; built by `assembly` from flags,
            environment and ConfigMaps.
Gives:      `settings.ControllerSettings` and what hangs below it.
Invariants: no setting is read from the environment deep inside another room.
"""
