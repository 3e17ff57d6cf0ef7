"""From records to a run folder, through ``mx.mod.Module.fit``."""

from __future__ import annotations

import inspect
import logging
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence, Tuple

import mxnet as mx

from .._devices import context
from .._files import PathLike
from ..data import RecordIter
from ._checkpoint import CheckpointError, find_checkpoints, newest_good, write_symbol
from ._keeper import Keeper
from ._model_file import ModelFile
from ._monitor import Monitor, make_suite
from ._network import Network, make_network
from ._optimizer_state import Arrays
from ._phases import Phase, decay_rates, freeze_statistics, make_phases, trunk_params
from ._run import MODEL, SETTINGS, SYMBOL, Run
from ._schedule import make_schedule
from ._session import Callback, Session, Stop
from ._settings import Settings, load_settings, save_settings
from ._stream import Stream
from ._symbol_json import draws_random_numbers

log = logging.getLogger("mxmtl")
quiet = logging.getLogger("mxmtl.module")  # what Module.fit says; one line a metric is too much
quiet.setLevel(logging.ERROR)


def fit(
    train: Any,
    val: Any = None,
    *,
    run: PathLike,
    network: Optional[Network] = None,
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
        Replace a run that is there.
    **settings
        The fields of `mxmtl.training.Settings`.

    Returns
    -------
    Run
        The folder; ``run.load()`` gives the best network.

    Raises
    ------
    FileExistsError
        If the folder holds a run.
    ValueError, TypeError
        For settings that cannot be.
    """
    chosen = Settings(**settings)
    folder = Path(run)
    _claim(folder, force)
    with RecordIter(_prefixes(train), chosen.batch_size, chosen.data_shape) as reader:
        tasks = reader.tasks
    symbol, args, auxs = make_network(chosen, tasks, network)
    make_suite(tasks, chosen.monitor)  # a wrong name shows before anything is written
    ModelFile(tasks, chosen.preprocessing).save(folder / MODEL)
    write_symbol(folder, symbol)
    save_settings(folder / SETTINGS, chosen, _prefixes(train), _prefixes(val))
    return _train(folder, callbacks, (symbol, args, auxs))


def resume(run: PathLike, *, callbacks: Sequence[Callback] = ()) -> Run:
    """Go on with a run that was stopped; its weights become those of a run that was not.

    The newest checkpoint is taken whose files are what was written; damaged ones are named in
    a warning. `CheckpointError` is raised if none is left.
    """
    return _train(Run(run).folder, callbacks, None)


def _train(
    folder: Path,
    callbacks: Sequence[Callback],
    network: Optional[Tuple[mx.sym.Symbol, Arrays, Arrays]],
) -> Run:
    settings, train, val = load_settings(folder / SETTINGS)
    tasks = ModelFile.load(folder / MODEL).tasks
    session = Session(settings, tasks, folder, [*standard_callbacks(settings), *callbacks])
    if network is None:
        network = _restore(session)
    options: Dict[str, Any] = {"batch_size": settings.batch_size, "threads": settings.threads}
    options.update(settings.preprocessing.options())
    training = {**options, "shuffle": True, "seed": settings.seed}
    if settings.augment:
        training["augment"] = settings.augment
    try:
        with RecordIter(train, **training) as batches:
            validation = None if val is None else RecordIter(val, **options)
            for phase in make_phases(settings):
                if session.epoch < phase.end:
                    network = _run_phase(session, phase, network, batches, validation)
    except Stop as stop:
        log.info("stopped after epoch %d, batch %d: %s.", session.epoch, session.batch, stop)
    finally:
        session.end()
    return Run(folder)


def _run_phase(
    session: Session,
    phase: Phase,
    network: Tuple[mx.sym.Symbol, Arrays, Arrays],
    batches: RecordIter,
    validation: Optional[RecordIter],
) -> Tuple[mx.sym.Symbol, Arrays, Arrays]:
    settings, tasks = session.settings, session.tasks
    symbol, args, auxs = network
    trained = freeze_statistics(symbol) if phase.frozen else symbol
    trained = trained if phase.frozen else decay_rates(trained, tasks, settings.layer_decay)
    session.module = module = mx.mod.Module(
        trained,
        label_names=tasks.label_names,
        context=_devices(settings.gpus),
        fixed_param_names=trunk_params(symbol, tasks) if phase.frozen else None,
        logger=quiet,
    )
    seeding = draws_random_numbers(trained)

    def before_batch(epoch: int, index: int) -> None:
        if seeding:  # MXNet cannot tell the state of its generators, but can be told one
            mx.random.seed(batch_seed(settings.seed, epoch, index))

    session.stream = Stream(batches, before_batch, session.on_start)
    session.go(phase)
    session.metric = make_suite(tasks, settings.monitor)
    session.num_batches = batches.num_batches
    mx.random.seed(settings.seed)
    module.fit(
        session.stream,
        eval_data=validation,
        eval_metric=session.metric,
        validation_metric=make_suite(tasks, settings.monitor),
        begin_epoch=session.epoch,
        num_epoch=phase.end,
        optimizer=settings.optimizer,
        optimizer_params=optimizer_params(
            settings, phase, batches.num_batches, session.begin_update
        ),
        initializer=mx.init.Xavier(),
        arg_params=args,
        aux_params=auxs,
        allow_missing=True,
        batch_end_callback=session.batch_end,
        epoch_end_callback=None if validation else session.epoch_end,
        eval_end_callback=session.eval_end,
    )
    return (symbol, *module.get_params())


def standard_callbacks(settings: Settings) -> List[Callback]:
    """Return the callbacks that the settings ask for, in order."""
    return [
        Monitor(settings.monitor, settings.patience),
        Keeper(settings.keep, settings.save_batches, settings.save_minutes),
    ]


def optimizer_params(
    settings: Settings, phase: Phase, num_batches: int, begin_num_update: int
) -> Dict[str, Any]:
    """Return the arguments of the optimizer; the batch size divides gradients by itself."""
    known = mx.optimizer.Optimizer.opt_registry.get(settings.optimizer.lower())
    if known is None:
        names = sorted(mx.optimizer.Optimizer.opt_registry)
        raise ValueError(f"optimizer={settings.optimizer!r} is not one of {names}.")
    params: Dict[str, Any] = {
        # None: a rate given here would take the place of the schedule's.
        "learning_rate": None,
        "lr_scheduler": make_schedule(settings, phase.lr, num_batches, phase.end - phase.begin),
        "begin_num_update": begin_num_update,
        "wd": settings.wd,
    }
    if settings.clip:
        params["clip_gradient"] = settings.clip
    if "momentum" in inspect.signature(known.__init__).parameters:
        params["momentum"] = settings.momentum
    return {**params, **settings.optimizer_params}


def batch_seed(seed: int, epoch: int, index: int) -> int:
    """Return the random seed of a batch, a function of its place alone: 0 to 2**31 - 1."""
    from ..augment._uniform import keys

    return int(keys(seed, DROPOUT, epoch, index)[0] >> 33)


DROPOUT = 0x64726F70  # keeps these random numbers apart from the order's and the augmentation's


def _devices(gpus: str) -> List[mx.Context]:
    if not gpus:
        return context()
    return [mx.gpu(int(index)) for index in gpus.split(",")]


def _prefixes(prefixes: Any) -> Any:
    if prefixes is None or isinstance(prefixes, str):
        return prefixes
    return str(prefixes) if isinstance(prefixes, Path) else [str(prefix) for prefix in prefixes]


def _claim(folder: Path, force: bool) -> None:
    # A run is there as soon as its settings are; other files in the folder are not ours.
    if (folder / SETTINGS).exists():
        if not force:
            raise FileExistsError(
                f"{folder} holds a run. Go on with it (--resume), replace it (--force), or "
                "choose another folder."
            )
        (folder / SETTINGS).unlink()
        for checkpoint in find_checkpoints(folder):
            checkpoint.remove()
    folder.mkdir(parents=True, exist_ok=True)


def _restore(session: Session) -> Tuple[mx.sym.Symbol, Arrays, Arrays]:
    found = newest_good(session.folder)
    if found is None:
        raise CheckpointError(
            f"{session.folder}: no good checkpoint to go on from. Begin again with --force."
        )
    checkpoint, state = found
    session.restore(checkpoint, state)
    log.info("going on from %s", checkpoint.stem)
    return (mx.sym.load(str(session.folder / SYMBOL)), *checkpoint.params())
