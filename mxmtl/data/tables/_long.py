"""Long tables: one row for each label of an image, as Open Images and most crowd work have it.

A row says that a name holds for an image, or that it does not; of all other names nothing is known.
No wide table is made of it: what the rows say is kept as numbers, sorted by image.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from ...tasks import word_value
from .._errors import TableError
from ._advice import option
from ._chunk import ROWS, Cell, Chunk, Coded, Column, Said
from ._chunk import UNKNOWN as UNKNOWN_CELL
from ._guess import task_name
from ._table import ColumnTable, TableOptions, TableReader
from ._values import ColumnValues, number

SHOWN = 3
UNKNOWN = -1


class Numbered:
    """Gives each new text the next number."""

    def __init__(self) -> None:
        self._places: dict[object, int] = {}

    def of(self, column: Coded) -> np.ndarray:
        """Return the number of each cell, int32 (n,)."""
        places = self._places
        codes = [places.setdefault(text, len(places)) for text in column.texts]
        return np.array(codes or [0], np.int32)[column.codes]

    def texts(self) -> list[str]:
        """Return all texts, in the order of their numbers."""
        return [str(text) for text in self._places]


class Statements:
    """What rows say of images: which name, and whether it holds; contradictions are found.

    Parameters
    ----------
    images, names : list of str
        All of them.
    image_codes, name_codes, states : ndarray
        Of each statement: int (n,).
    options : TableOptions
        What absent names and contradictions mean.
    source : str
        The table, as messages name it.
    """

    def __init__(
        self,
        images: list[str],
        names: list[str],
        image_codes: np.ndarray,
        name_codes: np.ndarray,
        states: np.ndarray,
        options: TableOptions,
        source: str,
    ) -> None:
        self.images, self.names = images, names
        width = max(len(names), 1)
        keys = image_codes.astype(np.int64) * width + name_codes
        if len(keys) > 1 and (np.diff(keys) < 0).any():
            order = np.argsort(keys, kind="stable")
            keys, states = keys[order], states[order]
        states = states.astype(np.int8)
        first = np.ones(len(keys), bool)
        first[1:] = keys[1:] != keys[:-1]
        if not first.all():
            states = self._merged(keys, states, first, options, source)
            keys = keys[first]
        self._image_codes = (keys // width).astype(np.int32)
        self.codes, self.states = (keys % width).astype(np.int32), states
        self.ends = np.searchsorted(self._image_codes, np.arange(len(images)), side="right")
        auto = UNKNOWN if (self.states == 0).any() else 0
        self.absent = {"auto": auto, "no": 0, "missing": UNKNOWN}[options.absent]

    def _merged(
        self,
        keys: np.ndarray,
        states: np.ndarray,
        first: np.ndarray,
        options: TableOptions,
        source: str,
    ) -> np.ndarray:
        # One statement a key: a known one wins over an unknown one; yes and no contradict.
        starts = np.flatnonzero(first)
        highest = np.maximum.reduceat(states, starts)
        known = np.where(states < 0, np.int8(2), states)
        lowest = np.minimum.reduceat(known, starts)
        both = (highest == 1) & (lowest == 0)
        if both.any() and options.contradictions == "refuse":
            width = max(len(self.names), 1)
            shown = [
                f"{self.images[key // width]!r} ({self.names[key % width]!r})"
                for key in keys[starts[both]][:SHOWN].tolist()
            ]
            raise TableError(
                f"{source}: {int(both.sum())} labels are said to hold and not to hold, such as "
                f"those of {', '.join(shown)}. contradictions='missing' (--contradictions missing) "
                "leaves them out."
            )
        return np.where(both, np.int8(UNKNOWN), highest)

    def about(self, keys: Sequence[str], images: list[str]) -> Statements:
        """Make them those of more images, in another order; those without any say nothing."""
        places = {image: at for at, image in enumerate(self.images)}
        starts = np.append(0, self.ends)
        order = [places.get(key, -1) for key in keys]
        parts = [np.arange(starts[at], starts[at + 1]) for at in order if at >= 0]
        taken = np.concatenate(parts) if parts else np.zeros(0, np.int64)
        lengths = [0 if at < 0 else int(starts[at + 1] - starts[at]) for at in order]
        self.codes, self.states = self.codes[taken], self.states[taken]
        self.ends, self.images = np.cumsum(lengths), images
        return self

    def said(self, start: int, stop: int) -> Said:
        """Return what is said of some images."""
        whole = Said(self.names, self.ends, self.codes, self.states, self.absent)
        return whole.take(slice(start, stop))


class StatementsTable(ColumnTable):
    """One row an image, and a column that says which names hold.

    Parameters
    ----------
    label : str
        What the column is called.
    said : Statements
        What is said of the images, in their order.
    """

    statements: Statements

    def __init__(self, source: str, options: TableOptions, label: str, said: Statements) -> None:
        super().__init__(source, options)
        self.columns, self.label, self.statements = [label], label, said
        self.known_tasks = ({"type": "Multilabel", "name": label},)

    def chunks(self) -> Iterator[Chunk]:
        images = self.statements.images
        for start in range(0, len(images), ROWS):
            ids = range(start, min(start + ROWS, len(images)))
            column = functools.partial(self._column, ids)
            yield Chunk([one + 1 for one in ids], ids, images[start : ids.stop], column)

    def _column(self, ids: range, name: str) -> Column:
        return self.statements.said(ids.start, ids.stop)


class LongTable(StatementsTable):
    """A table of one row a label as a table of one row an image.

    Its columns are that of the images and that of the labels; the images are those of ``image=``,
    or the column of the paths. A row whose label is one of the options' ``none_names``, or empty
    where ``empty_names`` says so, says that none holds. Rows in which any other column has a value
    that the options call missing say nothing. Another column, such as that of splits, is one of the
    images if all rows of an image say the same there.
    """

    def __init__(self, inner: TableReader) -> None:
        ColumnTable.__init__(self, inner.source, inner.options)
        long: Mapping[str, str] = inner.options.long or {}
        self.image = long.get("image") or inner.options.path_column
        self.label, self._value = long["label"], long.get("value")
        for name in (self.image, self.label, *filter(None, [self._value])):
            if name not in inner.columns:
                raise TableError(
                    f"{inner.source}: no column {name!r} among {list(inner.columns)[:50]}; long="
                    f"{dict(long)} needs it."
                )
        self.columns, self.not_tasks = [self.image, self.label], [self.image]
        self.more_columns = [name for name in inner.columns if name not in self.columns]
        self._more: dict[str, Coded] = {}
        self._none = inner.options.none_names_of(self.label)
        self._none |= {""} if inner.options.empty_names == "none" else set()
        self._none_met: set[Cell] = set()
        self.path_column = self.image if self.image == inner.options.path_column else None
        self.known_tasks = ({"type": "Multilabel", **task_name(self.label, {}, [])},)
        self._inner = inner

    @functools.cached_property
    def statements(self) -> Statements:  # type: ignore[override]
        """What all rows say; read once."""
        return self._all()

    def _column(self, ids: range, name: str) -> Column:
        if name == self.image:
            return Coded(self.statements.images[ids.start : ids.stop], np.arange(len(ids)))
        if name == self.label:
            return super()._column(ids, name)
        if name not in self._more:
            self._more[name] = self._of_images(name)
        return self._more[name].take(slice(ids.start, ids.stop))

    def _of_images(self, name: str) -> Coded:
        # What the rows of each image say in a column; nothing where their cells are empty.
        images, texts = Numbered(), Numbered()
        empty = int(texts.of(Coded.of([""]))[0])
        found = np.full(len(self.statements.images), empty, np.int32)
        for chunk in map(self._sound, self._inner.chunks()):
            at, said = images.of(chunk.coded(self.image)), texts.of(chunk.coded(name))
            at, said = at[said != empty], said[said != empty]
            found[at[::-1]] = np.where(found[at] == empty, said, found[at])[::-1]
            apart = np.flatnonzero(found[at] != said)
            if len(apart):
                one = int(apart[0])
                words = texts.texts()[found[at[one]]], texts.texts()[said[one]]
                raise TableError(
                    f"{self.source}: the rows of {self.statements.images[at[one]]!r} say "
                    f"{words[0]!r} and {words[1]!r} in column {name!r}; expected one."
                )
        return Coded(texts.texts(), found)

    def _all(self) -> Statements:
        images, names, parts = Numbered(), Numbered(), list[tuple[np.ndarray, ...]]()
        bare: list[np.ndarray] = []  # images of which none of the names is said to hold
        values = ColumnValues(self.options.values)
        doubtful = [
            name
            for name in (self.options.values or {})
            if name in self._inner.columns and name not in (self.label, self._value)
        ]
        for chunk in self._inner.chunks():
            chunk = self._sound(chunk)
            if not len(chunk):
                continue
            labels, places = self._labels(chunk), images.of(chunk.coded(self.image))
            states = self._states(chunk, values)
            for name in doubtful:
                column = chunk.coded(name).read(values.of(name))
                unknown = np.array([text == "" for text in column.texts], bool)
                states = np.where(unknown[column.codes], UNKNOWN, states)
            none = np.array([text in self._none for text in labels.texts], bool)[labels.codes]
            bare.append(places[none & (states == 1)])
            named = np.flatnonzero(~none)
            codes = names.of(labels.take(named))
            parts.append((places[named], codes, states[named].astype(np.int8)))
        if not parts:
            raise TableError(f"{self.source}: no rows.")
        image_codes, name_codes, states = (np.concatenate(column) for column in zip(*parts))
        parts.clear()
        if self.options.absent == "missing" or (states == 0).any():  # else absent is no already
            of_none, every = np.unique(np.concatenate(bare)), np.arange(len(names.texts()))
            image_codes = np.append(image_codes, np.repeat(of_none, len(every)))
            name_codes = np.append(name_codes, np.tile(every, len(of_none)))
            states = np.append(states, np.zeros(len(of_none) * len(every), np.int8))
        return Statements(
            images.texts(),
            names.texts(),
            image_codes,
            name_codes,
            states,
            self.options,
            self.source,
        )

    def _labels(self, chunk: Chunk) -> Coded:
        # Those of some rows; an error for an empty cell, unless it says that none holds.
        column = chunk.column(self.label)
        assert isinstance(column, Coded)
        self._none_met |= self._none.intersection(column.texts)
        empty = {"", UNKNOWN_CELL} - self._none
        bad = np.array([text in empty for text in column.texts], bool)[column.codes]
        if bad.any():
            row = chunk.numbers[int(np.argmax(bad))]
            raise TableError(
                f"{self.source} row {row}, column {self.label!r}: the cell is empty. If that "
                "means that none of the labels holds: empty_names='none' (--empty-names none)."
            )
        return column

    def unmet(self) -> list[str]:
        met = {str(one) for one in self._none_met}
        own = {
            name: {name, name.removeprefix(f"{self.label}: ")} for name in self.options.none_names
        }
        return [f"none_names: no cell is {name!r}" for name, said in own.items() if not said & met]

    def _sound(self, chunk: Chunk) -> Chunk:
        if not chunk.problems:
            return chunk
        at = min(chunk.problems)
        if not self.notes:
            self.notes = [
                f"rows that cannot be read say nothing, such as row {chunk.numbers[at]}: "
                f"{chunk.problems[at]}"
            ]
        return chunk.some([at for at in range(len(chunk)) if at not in chunk.problems])

    def _states(self, chunk: Chunk, values: ColumnValues) -> np.ndarray:
        if self._value is None:
            return np.ones(len(chunk), np.int8)
        column = chunk.coded(self._value).read(values.of(self._value))
        states = []
        for at, text in enumerate(column.texts):
            value = UNKNOWN if text == "" else word_value(text)
            if value is None:
                row = chunk.numbers[int(column.first_rows()[at])]
                said = option("--values", f"{self._value}: yes=...,no=...,missing=...")
                raise TableError(
                    f"{self.source} row {row}, column {self._value!r}: {text!r} is not 0 or 1. Say "
                    f"what it means: values= or {said}"
                    + (", or a bound." if number(str(text)) is not None else ".")
                )
            states.append(value)
        return np.array(states or [0], np.int8)[column.codes]


def statements_of(
    pairs: Sequence[tuple[str, str, int]], options: TableOptions, source: str
) -> Statements:
    """Make statements of (image, name, 1, 0 or -1)."""
    images, names = Numbered(), Numbered()
    image_codes = images.of(Coded.of([image for image, _, _ in pairs]))
    name_codes = names.of(Coded.of([name for _, name, _ in pairs]))
    states = np.array([state for _, _, state in pairs], np.int8)
    return Statements(
        images.texts(), names.texts(), image_codes, name_codes, states, options, source
    )
