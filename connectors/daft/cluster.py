"""The job of `connectors.daft.extract` in a process that keeps its network, to reach a cluster."""

from connectors.daft.extract import TASKS

__all__ = ["TASKS"]
