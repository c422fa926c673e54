"""Asking witnesses to cosign what the log has published, and keeping what they answer.

The log does not wait for them: a checkpoint is published first and gathers cosignatures in the
seconds after. A witness that saw another history is an alarm for people, with what it said; it
cannot stop the service, or any one witness could.
"""

import logging
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Engine

from connectors.fetching import Answer, Networks, NotFetched, fetch
from registry.audit import store
from registry.audit.checkpoint import Checkpoint, signers
from registry.audit.merkle import consistency_path
from registry.audit.quorum import Witness, WitnessPolicy
from registry.audit.witness import SIZE, Submission
from registry.db import reading, transaction
from registry.errors import InvalidInput, Text

log = logging.getLogger("vrijgave")

TIMEOUT_SECONDS = 5.0
_MOST_BYTES = 64 * 1024
ALARM = "saw-another-history"


@dataclass(frozen=True)
class Trouble:
    """Why a witness has not cosigned.

    :param code: ``unreachable``, ``refused`` or ``saw-another-history``.
    """

    code: str
    text: Text


@dataclass
class Cosigning:
    """Our side of C2SP tlog-witness, for the log of one database.

    :param networks: closed networks in which witnesses may be.
    :ivar troubles: of each witness that did not cosign when asked last, why.
    """

    engine: Engine
    policy: WitnessPolicy
    origin: str
    networks: Networks = ()
    troubles: dict[str, Trouble] = field(default_factory=dict)
    _sizes: dict[str, int] = field(default_factory=dict)

    def ask(self, at: datetime) -> Checkpoint | None:
        """Have the last checkpoint cosigned by all who have not yet; as it then stands."""
        with reading(self.engine) as session:
            last = store.published(session, self.origin)
        if last is None:
            return None
        done = self.policy.witnessed_by(last.note)
        left = [one for one in self.policy.witnesses if one.url and one.name not in done]
        lines = "".join(self._cosignature(one, last) for one in left)
        return self._keep(last, lines, at) if lines else last

    def _keep(self, last: Checkpoint, lines: str, at: datetime) -> Checkpoint:
        """Add the lines to the checkpoint's note, unless a sequencer is at work: then next time."""
        with transaction(self.engine) as session:
            if not store.lock(session):
                return last
            note = store.note_of(session, last.size)
            note += "".join(line for line in lines.splitlines(keepends=True) if line not in note)
            enough = self.policy.reached(set(self.policy.witnessed_by(note)))
            store.cosign(session, last.size, note, at if enough else None)
        return Checkpoint(last.head, note)

    def _cosignature(self, witness: Witness, last: Checkpoint) -> str:
        """The witness's signature line; empty where it gave none, which is then told."""
        try:
            answer = self._post(witness, last)
            stands = _stated_size(answer)
            if stands is not None and stands <= last.size:
                self._sizes[witness.name] = stands
                answer = self._post(witness, last)
        except NotFetched as problem:
            return self._told(witness, "unreachable", problem.code)
        if answer.status == 200:
            return self._line(witness, last, answer.text)
        if stands is not None and last.size < stands <= self._published():
            return ""  # another process of ours was quicker: it has the newer checkpoint cosigned
        code = ALARM if answer.status in {409, 422} else "refused"
        return self._told(witness, code, f"{answer.status} {answer.text[:100].strip()}")

    def _published(self) -> int:
        with reading(self.engine) as session:
            last = store.published(session, self.origin)
        return last.size if last else 0

    def _post(self, witness: Witness, last: Checkpoint) -> Answer:
        old = min(self._sizes.get(witness.name, 0), last.size)
        with reading(self.engine) as session:
            nodes = store.tiles(session).node
            proof = consistency_path(old, last.size, nodes) if 0 < old < last.size else []
        text = Submission(old, tuple(proof), last.note).to_text()
        url = f"{witness.url.rstrip('/')}/add-checkpoint"
        return fetch(
            url,
            networks=self.networks,
            seconds=TIMEOUT_SECONDS,
            most_bytes=_MOST_BYTES,
            headers={},
            content=text.encode(),
        )

    def _line(self, witness: Witness, last: Checkpoint, body: str) -> str:
        for line in body.splitlines(keepends=True):
            try:
                good = signers(last.head.body() + "\n" + line, [witness.key])
            except InvalidInput:
                continue
            if good:
                self._sizes[witness.name] = last.size
                self.troubles.pop(witness.name, None)
                return line
        return self._told(witness, "refused", "no valid cosignature")

    def _told(self, witness: Witness, code: str, said: str) -> str:
        words = {
            "unreachable": Text("is niet te bereiken", "cannot be reached"),
            "refused": Text("weigert", "refuses"),
            ALARM: Text("zag een andere geschiedenis", "saw another history"),
        }[code]
        trouble = Trouble(
            code,
            Text(
                f"Getuige `{witness.name}` {words.nl}: {said}.",
                f"Witness `{witness.name}` {words.en}: {said}.",
            ),
        )
        if self.troubles.get(witness.name) != trouble:
            log.log(logging.CRITICAL if code == ALARM else logging.WARNING, trouble.text.en)
        self.troubles[witness.name] = trouble
        return ""


def _stated_size(answer: Answer) -> int | None:
    """The size at which the witness says the log stood, where it answers so."""
    size = answer.text.removesuffix("\n")
    told = answer.status == 409 and answer.content_type == SIZE
    return int(size) if told and size.isascii() and size.isdigit() and len(size) < 20 else None
