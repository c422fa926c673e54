"""What runs beside the requests: the log's sequencer, the access windows, the sweeps."""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from sqlmodel import Session

from registry.accounts.spent import forget_spent
from registry.audit.cosigning import Cosigning
from registry.audit.keys import open_witness_policy
from registry.audit.log import HeadStore, LogMismatch, integrate, open_head_store
from registry.credits import write_down
from registry.db import transaction
from registry.idempotency import forget_old_keys
from registry.jobs import sweep
from registry.runtime import Runtime
from registry.services.accesses import close_windows
from registry.services.catching_up import catch_up
from registry.services.extract_life import expire_extracts, remove_files
from registry.services.indexing import Keeper
from registry.services.lineage.keeping import keep_lineage
from registry.services.notifying import remind
from registry.services.posting import post_waiting
from registry.services.retention import keep_periods
from registry.services.reviewing import remind_reviewers
from registry.services.signing_in import forget_attempts
from registry.services.verifying import remind_of_ends
from registry.uploads import sweep_uploads

log = logging.getLogger("vrijgave")

INTEGRATE_SECONDS = 0.4
CREDIT_SECONDS = 0.25
WINDOWS_SECONDS = 5.0
SWEEP_SECONDS = 10.0
CATCH_UP_SECONDS = 1.0
SEARCH_SECONDS = 0.5
REMIND_SECONDS = 60.0
POST_SECONDS = 10.0
LINEAGE_SECONDS = 30.0
FORGET_SECONDS = 600.0
WITNESS_SECONDS = 2.0


class _Step(Protocol):
    def __call__(self, session: Session, *, at: datetime) -> object: ...


@dataclass
class Background:
    """One thread with its rounds; `halted` says why the service may serve no longer, if so."""

    runtime: Runtime
    heads: HeadStore
    cosigning: Cosigning | None = None
    halted: LogMismatch | None = None
    _stop: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    @classmethod
    def start(cls, runtime: Runtime) -> "Background":
        """Begin the rounds; each runs once at once."""
        background = cls(runtime, open_head_store(runtime.settings), _cosigning(runtime))
        keeper = Keeper(runtime.engine, runtime.search, runtime.changes, runtime.clock)
        rounds: tuple[tuple[float, Callable[[], None]], ...] = (
            (INTEGRATE_SECONDS, background.integrate),
            (CREDIT_SECONDS, background.settle_credits),
            (WITNESS_SECONDS, background._ask_witnesses),
            (WINDOWS_SECONDS, background._in_transaction(close_windows)),
            (SWEEP_SECONDS, sweep),
            (CATCH_UP_SECONDS, background._catch_up),
            (SEARCH_SECONDS, keeper.round),
            (REMIND_SECONDS, background._remind),
            (POST_SECONDS, background._post),
            (LINEAGE_SECONDS, background._keep_lineage),
            (FORGET_SECONDS, background._in_transaction(forget_old_keys)),
            (FORGET_SECONDS, background._in_transaction(forget_spent)),
            (FORGET_SECONDS, background._in_transaction(forget_attempts)),
            (FORGET_SECONDS, background._in_transaction(remind_reviewers)),
            (FORGET_SECONDS, background._in_transaction(remind_of_ends)),
            (FORGET_SECONDS, background._sweep_uploads),
            (FORGET_SECONDS, background._in_transaction(expire_extracts)),
            (FORGET_SECONDS, background._remove_files),
            (FORGET_SECONDS, background._keep_periods),
        )
        for seconds, step in rounds:
            thread = threading.Thread(target=background._repeat, args=(seconds, step), daemon=True)
            thread.start()
            background._threads.append(thread)
        return background

    def stop(self) -> None:
        """End the rounds, and write down and integrate what was still waiting."""
        self._stop.set()
        for thread in self._threads:
            thread.join()
        if self.halted is None:
            self.settle_credits(all_of_them=True)
            self.integrate()

    def settle_credits(self, *, all_of_them: bool = False) -> None:
        """Write down, in one commit, what left of the credits whose readers paused."""
        kept = self.runtime.credits
        resting = kept.resting(all_of_them=all_of_them)
        if not resting:
            return
        try:
            with transaction(self.runtime.engine) as session:
                write_down(session, resting)
        except Exception:
            kept.put_back(resting)
            raise

    def integrate(self) -> None:
        """Bring committed entries into the tree; a mismatch halts the service."""
        runtime = self.runtime
        try:
            integrate(runtime.engine, runtime.log_key, self.heads, runtime.clock())
        except LogMismatch as mismatch:
            self.halted = mismatch
            log.critical(
                "the audit log does not match what was signed; serving stops: %s", mismatch
            )

    def _catch_up(self) -> None:
        catch_up(self.runtime.engine, self.runtime.ports)

    def _remind(self) -> None:
        runtime = self.runtime
        with transaction(runtime.engine) as session:
            remind(session, at=runtime.clock(), origin=runtime.settings.origin)

    def _post(self) -> None:
        post_waiting(self.runtime.engine, self.runtime.settings, self.runtime.clock)

    def _ask_witnesses(self) -> None:
        if self.cosigning is not None:
            self.cosigning.ask(self.runtime.clock())

    def _remove_files(self) -> None:
        remove_files(self.runtime.engine, self.runtime.ports.store)

    def _keep_periods(self) -> None:
        keep_periods(self.runtime.engine, self.runtime.settings, at=self.runtime.clock())

    def _sweep_uploads(self) -> None:
        sweep_uploads(self.runtime.ports.scratch, self.runtime.clock())

    def _keep_lineage(self) -> None:
        keep_lineage(self.runtime.engine, self.runtime.ports)

    def _in_transaction(self, step: _Step) -> Callable[[], None]:
        def run() -> None:
            with transaction(self.runtime.engine) as session:
                step(session, at=self.runtime.clock())

        return run

    def _repeat(self, seconds: float, step: Callable[[], None]) -> None:
        while self.halted is None:
            try:
                step()
            except Exception:  # a round that fails is told and tried again at its next turn
                log.exception("a background round failed")
            if self._stop.wait(seconds):
                return


def _cosigning(runtime: Runtime) -> Cosigning | None:
    policy = open_witness_policy(runtime.settings)
    networks = runtime.settings.closed_networks
    return Cosigning(runtime.engine, policy, runtime.log_key.name, networks) if policy else None
