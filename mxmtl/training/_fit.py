"""From records to a run folder, through ``mx.mod.Module.fit``; and from there on again.

`fit` and `resume` prepare the same things in the same order, and then are one: `_train`. The order
matters in two ways. What may be wrong (settings, optimizer, devices, records, the monitored value,
the network) is looked at before anything is written, so that a mistake costs no run that is there.
And what a run is made of is written before the first batch, so that from then on every moment can
be the last one: `resume` needs the folder alone, and takes its newest checkpoint that is whole.
What it takes back, and when, is told in `_session` and `_module_state`.
"""

from __future__ import annotations

import dataclasses
import logging
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import mxnet as mx

from .._files import PathLike
from .._foreign import load_symbol
from .._options import unknown_option
from ..data.records import given_records
from ..metrics import NotFiniteError
from ..model import (
    MODEL,
    SETTINGS,
    SYMBOL,
    Checkpoint,
    CheckpointError,
    ModelFile,
    newest_good,
    no_good,
    remove_unfinished,
)
from ..nets import TrunkOrNet
from ._callbacks import (
    INTERRUPTED,
    Budget,
    Interrupt,
    Interrupted,
    Keeper,
    Monitor,
    Progress,
    make_logs,
    told,
)
from ._divergence import Divergence, TrainingError, diverged, warn_of_best
from ._network import SymbolAndParams, check_shapes, make_network
from ._optimizer import check_optimizer
from ._preset import chosen_settings
from ._records import TrainAndVal
from ._run_folder import Run, check_folder, claim, locked, write_run
from ._session import Callback, RunContext, Session, Stop, make_phases
from ._settings import Settings, load_noted, load_settings, save_settings
from ._train_phase import train_phase

log = logging.getLogger("mxmtl")
KNOWN = [field.name for field in dataclasses.fields(Settings)]
OF_A_PART = ("lr", "schedule", "warmup", "steps", "power")  # what a new part may have of its own


@told()
def fit(
    train: Any,
    val: Any = None,
    *,
    run: PathLike,
    network: TrunkOrNet | None = None,
    callbacks: Sequence[Callback] = (),
    force: bool = False,
    **settings: Any,
) -> Run:
    """Train on records, and write a run folder.

    Parameters
    ----------
    train, val : str or sequence of str
        Prefixes of the records to train on, and to validate on after each epoch.
    run : str or Path
        Folder to write. It must not hold a run already, unless ``force`` is given.
    network : HybridBlock or Symbol, optional
        A trunk or a whole network, instead of ``trunk=``; its values are where training begins.
    callbacks : sequence of Callback
        Called after those that the settings ask for.
    force : bool
        Replace a run that is there, once all settings and records were found good.
    **settings
        The fields of `mxmtl.training.Settings`.

    Returns
    -------
    Run
        The folder; ``run.load()`` gives the best network.

    Raises
    ------
    FileExistsError
        If the folder holds a run, or checkpoints and model files that no run wrote; these are
        left alone even with ``force``.
    ValueError, TypeError
        For settings that cannot be, and a network that does not take such images.
    TrainingError
        If MXNet fails in the middle, or a task diverges (`DivergedError`): its loss becomes no
        number, or many times that of a constant answer.
    Interrupted
        After Ctrl-C: a KeyboardInterrupt; all is saved, and `resume` goes on.
    """
    chosen, folder = chosen_settings(settings, network), _folder(run)
    prefixes = given_records(train, "train"), None if val is None else given_records(val, "val")
    check_optimizer(chosen)
    context = RunContext.settle(chosen)
    chosen.to_dict()  # what cannot be written shows before a run is replaced
    leads = context.workers.leads
    if leads:
        check_folder(folder, chosen, force)
    with TrainAndVal(context, *prefixes) as records:
        records.look()
        tasks = records.tasks()
        constants, steps = records.constants(tasks), standard_callbacks(chosen, leads)
        session = Session(context, tasks, folder, [*steps, *callbacks], constants)
        begin = make_network(chosen, tasks, network, constants)
        check_shapes(begin.symbol, records.train)
        records.warn_of_same()
        if not leads:
            return _train(session, records, begin)
        claim(folder)
        # What the records were made with goes for all images that are to be like them.
        preprocessing = dataclasses.replace(
            chosen.preprocessing, **records.train.rendering._asdict()
        )
        made = ModelFile(tasks, preprocessing, constants=constants)
        write_run(folder, chosen, made, begin, records)
        with locked(folder):
            return _train(session, records, begin)


@told()
def resume(
    run: PathLike,
    train: Any = None,
    val: Any = None,
    *,
    callbacks: Sequence[Callback] = (),
    **changes: Any,
) -> Run:
    """Go on with a run that was stopped; its weights become those of a run that was not.

    The newest checkpoint is taken whose files are what was written; damaged ones are named in
    a warning. On several devices the weights are those of a run that was not stopped if there are
    as many again; from the middle of an epoch, each goes on with its own statistics of batch
    normalization then, else all with their mean.

    A run that is finished trains on where ``epochs`` is more than it was: the epochs after the
    last one are a new part, with an optimizer and a schedule of its own.

    Parameters
    ----------
    run : str or Path
        The run folder.
    train, val : str or sequence of str, optional
        Where its records are now; they are checked to be the same. By default they are looked
        for where they were, from the folder in which the run began and from this one.
    callbacks : sequence of Callback
        As those of `fit`.
    **changes
        Settings that do not change the weights, such as ``minutes`` or ``logs``; and of a
        finished run ``epochs`` (of all parts together), with `OF_A_PART`.

    Raises
    ------
    CheckpointError
        If no good checkpoint is left.
    ValueError
        For a change that would make it another run, and for records that are not those that it
        began with: written for other tasks, or of another number, length or content.
    """
    folder = Run(run).folder
    for name in changes:
        if name not in KNOWN:
            raise unknown_option(
                name, ["train", "val", "callbacks", "epochs", *OF_A_PART, *Settings.changeable()]
            )
    settings, *began = load_settings(folder / SETTINGS)
    noted, parts = load_noted(folder / SETTINGS)
    found = _good(folder)
    changed = _changed(folder, settings, found[0].epoch, changes)
    if changed.begin != settings.begin:
        parts.append({"end": changed.begin, "settings": settings.to_dict()})
    train, val = _now(train, began[0], "train"), _now(val, began[1], "val")
    moved = [train, val] != began
    context = RunContext.settle(changed)
    leads = context.workers.leads
    made = ModelFile.load(folder / MODEL)
    tasks, steps = made.tasks, standard_callbacks(changed, leads)
    session = Session(context, tasks, folder, [*steps, *callbacks], made.constants)
    with TrainAndVal(context, train, val, tasks) as records:
        records.check(noted, moved)
        if not leads:
            return _train(session, records, _restore(session, *found))
        with locked(folder):
            remove_unfinished(folder)
            if changed != settings or moved:
                save_settings(folder / SETTINGS, changed, train, val, noted, parts)
            return _train(session, records, _restore(session, *found))


def _changed(folder: Path, settings: Settings, epoch: int, changes: dict[str, Any]) -> Settings:
    """Return the settings to go on with, or raise `ValueError` where that would be another run."""
    refused = sorted(set(changes) - set(Settings.changeable()))
    more = changes.get("epochs", settings.epochs) > settings.epochs
    if refused and epoch < settings.num_epochs and more:
        raise ValueError(
            f"{folder}: {epoch} of {settings.num_epochs} epochs are finished. Go on with it as it "
            f"is first (without {refused}); what comes after the last epoch is a new part."
        )
    others = sorted(set(refused) - {"epochs", *OF_A_PART})
    if refused and (others or not more):
        hint = (
            "" if others else f" With epochs over {settings.epochs}, {list(OF_A_PART)} can be too."
        )
        raise ValueError(
            f"{others or refused} would make it another run. When a run goes on "
            f"{Settings.changeable()} can be changed; begin a new run for the rest.{hint}"
        )
    begin = settings.num_epochs if refused else settings.begin
    return dataclasses.replace(settings, begin=begin, **changes) if changes else settings


def standard_callbacks(settings: Settings, leads: bool = True) -> list[Callback]:
    """Return the callbacks that the settings ask for, in order; logs where this worker leads.

    The monitor marks the best epoch before it is saved, and all may ask to stop before that.
    """
    budget: list[Callback] = [Budget(settings.minutes)] if settings.minutes else []
    shown = [Progress(), *make_logs(settings.logs)] if leads else []
    return [
        Divergence(),
        Monitor(settings.monitor, settings.patience),
        *budget,
        Interrupt(),
        Keeper(settings.keep, settings.save_batches, settings.save_minutes),
        *shown,
    ]


def _train(session: Session, records: TrainAndVal, network: SymbolAndParams) -> Run:
    _tell_where(session)
    try:
        for phase in make_phases(session.settings):
            if session.epoch < phase.end:
                network = train_phase(session, phase, network, records)
    except mx.MXNetError as error:
        reason = str(error).strip().splitlines()[-1]
        raise TrainingError(
            f"{session.folder}: MXNet failed after epoch {session.epoch}, batch {session.batch}: "
            f"{reason}"
        ) from error
    except NotFiniteError as error:
        raise diverged(session, error.task) from error
    except Stop as stop:
        where = f"after epoch {session.epoch}, batch {session.batch}"
        hint = f"saved; go on with: mxmtl train --resume {session.folder}"
        if session.reason == INTERRUPTED:
            raise Interrupted(f"stopped {where}, and {hint}") from None
        log.info("stopped %s: %s (%s)", where, stop, hint)
    finally:
        session.end()
    warn_of_best(session)
    session.workers.numbers("end")  # now worker 0 has written all
    return Run(session.folder, check=session.workers.leads)


def _tell_where(session: Session) -> None:
    """Say on what the run is trained, and what several devices change."""
    used = session.context.devices
    if used == [mx.cpu()]:
        threads = os.environ.get("OMP_NUM_THREADS", "unset")
        log.info("no GPU that works: training on the CPU (OMP_NUM_THREADS=%s)", threads)
    else:
        log.info("training on %s", ", ".join(map(str, used)))
    shares = len(used) * session.workers.count
    if shares > 1 and session.tasks.normalization == "valid" and session.workers.leads:
        log.warning(
            "normalization='valid': a batch is divided into %d parts, and each part's loss is the "
            "mean over its own labels; with 'batch' the division would make no difference.",
            shares,
        )


def _good(folder: Path) -> tuple[Checkpoint, dict[str, Any]]:
    found = newest_good(folder)
    if found is None:
        raise CheckpointError(f"{no_good(folder)[:-1]} (--force).")
    return found


def _restore(session: Session, checkpoint: Checkpoint, state: dict[str, Any]) -> SymbolAndParams:
    session.restore(checkpoint, state)
    log.info("going on from %s", checkpoint.stem)
    args, auxs = checkpoint.params()
    return SymbolAndParams(load_symbol(session.folder / SYMBOL), session.weights(args), auxs)


def _now(records: Any, before: Any, what: str) -> Any:
    given = records is not None and not (isinstance(records, list) and not records)
    return given_records(records, what) if given else before


def _folder(run: Any) -> Path:
    if not isinstance(run, str | os.PathLike):
        raise ValueError(f"run={run!r}: expected a folder to write, as 'runs/first'.")
    return Path(run)
