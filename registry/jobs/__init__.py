"""Work that outlives a request: checking a delivery, cutting an extract.

The row is the truth; a job only works on it (decision 3). After the transaction that makes a row
has committed, its job is enqueued under the row's id, so that enqueueing twice has one effect. What
was missed, or was under way in a process that died, is found by :func:`sweep`.
"""

from registry.jobs.running import enqueue_check, enqueue_extract, start, stop, sweep

__all__ = ["enqueue_check", "enqueue_extract", "start", "stop", "sweep"]
