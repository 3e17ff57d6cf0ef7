"""When checkpoints are written, and which ones stay."""

from __future__ import annotations

import time
from typing import Set

from ..model import Checkpoint, best_entry, find_checkpoints
from ._session import Callback, Session


class Keeper(Callback):
    """Writes a checkpoint after each epoch, and in the middle of one if asked to.

    Of those that are there the newest ``keep`` stay, and that of the best epoch. Damaged ones from
    which the run could not go on do not count; they go when the run has passed them.

    Parameters
    ----------
    keep : int
        How many of the newest stay. Two or more: if the newest is damaged there is another.
    batches : int
        Write one after so many batches of an epoch, too; 0 is never.
    minutes : float
        Write one when the last is so many minutes old; 0 is never.
    """

    def __init__(self, keep: int = 2, batches: int = 0, minutes: float = 0.0) -> None:
        self.keep, self.batches, self.minutes = keep, batches, minutes
        self._saved = time.monotonic()
        self._refused: Set[Checkpoint] = set()

    def on_begin(self, session: Session) -> None:
        """Keep the first parameters, so that the run can begin again without its network."""
        there = find_checkpoints(session.folder)
        # The run goes on from the newest good one, so what is newer is damaged.
        place = (session.epoch, session.batch)
        self._refused |= {each for each in there if (each.epoch, each.batch) > place}
        none = not there
        if session.workers.agree("none" if none and session.workers.leads else ""):
            self._save(session)

    def on_batch_end(self, session: Session) -> None:
        """Write one if it is time."""
        if session.stream.at_end:
            return  # the end of the epoch writes one
        due = self.batches and session.batch % self.batches == 0
        old = self.minutes and time.monotonic() - self._saved >= 60 * self.minutes
        if self.minutes:  # workers' clocks differ, and all save at once
            old = bool(session.workers.agree("old" if old else ""))
        if due or old:
            self._save(session)

    def on_epoch_end(self, session: Session) -> None:
        """Write the epoch's."""
        self._save(session)

    def _save(self, session: Session) -> None:
        self._refused.discard(session.save())
        self._saved = time.monotonic()
        if not session.workers.leads:
            return
        best = best_entry(session.history)
        keep = {(best["epoch"], 0)} if best else set()
        there = find_checkpoints(session.folder)
        oldest = [each for each in there if each not in self._refused][-self.keep :][0]
        for checkpoint in there[: there.index(oldest)]:
            if (checkpoint.epoch, checkpoint.batch) not in keep:
                checkpoint.remove()
