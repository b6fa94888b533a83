"""Which backups to keep, and which may go."""

from retention.policy import Policy
from retention.sweep import Sweep, sweep

__all__ = ["Policy", "Sweep", "sweep"]
