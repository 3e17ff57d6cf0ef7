"""What a user would want to know of a proposal before it costs a training.

A note is said and nothing more. A doubt is about what labels mean: it waits for an answer, which is
an option, or a task that is given in words.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from ...tasks import Task, TaskSet, word_value
from ._advice import AS_IT_IS, hint, option, task_option
from ._amounts import doubts_on_points
from ._cells import ColumnCells, quoted
from ._guess import FEW_NUMBERS, as_task, counts_rows, in_a_row
from ._table import TableReader
from ._values import all_of, key_of, number
from ._words import NAMED, folded, is_amount, yes_and_no

SEPARATORS = "|;；、,，/+& "
OF_LISTS = "|;；、，"  # and not of names, as a comma may be
MANY_CLASSES = 5  # of whole numbers
MANY_NAMES = 200  # of which each is compared with each
NEAR = 0.82  # of two spellings: two letters of six that changed places
STAND_IN = re.compile(r"(-?9+|-[12])(\.0+)?")  # that people put for unknown
BRACKETS = re.compile(r"^[\[{(\"'].*|.*[\]})\"']$")
SHOWN = 5
PATHS = 1 << 21  # paths that are remembered, to notice one that comes back


def notes_on_cells(task: Task, cells: ColumnCells, given: bool = False) -> Iterator[str]:
    """Point out what stands in the column of a task, and may mean something else.

    Where the user has said what the task is, it is not asked whether it is another.
    """
    marks = marks_of(cells)
    if marks and (given or not task.names or all(map(is_name, marks))):  # else it is a doubt
        yield f"cells {quoted(marks)} are taken as they are. {hint(marks)}"
    if cells.nothing():
        words = " ".join(option("--none-name", one) for one in cells.nothing())
        yield f"{quoted(cells.nothing())} is a label. If it means none of the others: {words}."
    if has_minus_one(task, given):
        yield f"-1 is a class of its own. {minus_one(cells.name)}"
    if not given and not cells.several:
        yield from notes_on_words(cells, task)
    if not cells.several:
        yield from notes_on_stand_ins(cells, task)
        yield from notes_on_ranges(cells)
        yield from notes_on_spelling(cells)
    elif cells.filled < cells.rows and not (cells.none_met or cells.empty_lists or cells.empty):
        empty = cells.rows - cells.filled
        yield (
            f"{empty} of {cells.rows} cells {'are' if empty > 1 else 'is'} empty or unknown, and "
            "all others name something. If an empty one means none of them: --empty-names none."
        )
    yield from notes_on_numbers(task, cells, given)
    yield from notes_on_names(cells.parts if cells.several else task.names)
    found = separator_in(cells, least=1)
    listing = next((name for name in task.names if "|" in name or ";" in name), None)
    if found:
        yield found[1]
    elif listing and not cells.several:
        mark = "|" if "|" in (listing or "") else ";"
        yield f"{listing!r} may be several names. If it is: {option('--separator', mark)}."


def notes_on_numbers(task: Task, cells: ColumnCells, given: bool) -> Iterator[str]:
    """Point out numbers that may be classes, classes that may be amounts, and what is constant."""
    names = list(task.names)
    numbers = [number(name) for name in names]
    of_numbers = len(names) > MANY_CLASSES and not cells.several and None not in numbers
    if of_numbers and not given and not in_a_row(names):
        amount = as_task("Regression", cells.name)
        yield f"{len(names)} numbers are classes without an order; as amounts: {amount}."
    few = len(cells.known()) <= FEW_NUMBERS or in_a_row([*cells.known()])
    if cells.numbers and not names and cells.whole and few:
        one = as_task("Multiclass", cells.name)
        if not cells.boolean and not given and len(cells.known()) > 1:
            count = len(cells.known())
            yield f"{count} whole numbers are taken as amounts; as classes: {one}."
    if counts_rows(cells) and not names:
        yield f"its cells count the rows. If it is an id: {option('--ignore', cells.name)}."
    if cells.numbers and not names and not cells.boolean and len(cells.known()) == 1:
        yield f"every known cell is {next(iter(cells.known()))}: there is nothing to learn from it."
    answers = {word_value(text) for text in cells.known()} if cells.boolean else set()
    if len(answers) == 1 and not names:
        said = "yes" if answers == {1.0} else "no"
        yield f"every known cell says {said}: there is nothing to learn from it."


def notes_on_words(cells: ColumnCells, task: Task) -> Iterator[str]:
    """Point out words for yes and no, numbers that may mean unknown, and numbers among names."""
    known, column = cells.known(), cells.name
    pair = yes_and_no(known) if len(known) < 4 and not cells.boolean else None
    if pair:
        more = "".join(f",missing={one}" for one in sorted({*known}.difference(pair)))
        words = f"{column}: yes={pair[0]},no={pair[1]}{more}"
        yield f"{quoted(pair, ' and ')} are classes; as yes and no: {option('--values', words)}."
    amounts = {text: value for text in known if (value := number(text)) is not None}
    names = sorted({*known} - {*amounts})
    written = [text for text in names if is_amount(text)]
    decimals = [text for text, value in amounts.items() if not value.is_integer()] + written
    odd = [text for text in names if text not in written][:SHOWN] or written[:SHOWN]
    others = [text for text in (*decimals, *amounts) if text not in odd]
    if decimals and odd and others and not cells.boolean:
        yield f"{quoted(odd)} among amounts such as {others[0]!r}. {hint(odd)}"
    rows = sum(known.values())
    if len(known) > FEW_NUMBERS and rows < 3 * len(known) and not cells.numbers:
        yield (
            f"{len(known)} classes of {rows} rows: are they names, or groups? Then "
            f"{option('--ignore', cells.name)}."
        )


def notes_on_stand_ins(cells: ColumnCells, task: Task) -> Iterator[str]:
    """Point out numbers that may mean unknown."""
    amounts = {text: value for text in cells.known() if (value := number(text)) is not None}
    for text in stand_ins(amounts):
        if task.names and amounts[text] == -1:
            continue  # a class, which is said
        said = option("--values", f"{cells.name}: missing={text}")
        yield f"{text} stands apart from the other numbers. If it means unknown: {said}."


def notes_on_ranges(cells: ColumnCells) -> Iterator[str]:
    """Point out dates among names, which spreadsheets make of 3-9 and 10-19."""
    known = cells.known()
    dates = [text for text in known if NAMED.fullmatch(text.lower())]
    if 0 < len(dates) < len(known):
        yield (
            f"{quoted(dates[:SHOWN])} among other names: were they ranges, such as 3-9, of which a "
            "spreadsheet made dates? Then mend them in the table."
        )


def notes_on_spelling(cells: ColumnCells) -> Iterator[str]:
    """Point out names of a few rows that are spelt almost like one of many."""
    known = {text: count for text, count in cells.known().items() if is_word(text)}
    if not 1 < len(known) <= MANY_NAMES:
        return
    found = []
    for text, count in known.items():
        common = [name for name, rows in known.items() if rows >= 5 * count and name[0] == text[0]]
        near = difflib.get_close_matches(text, common, n=1, cutoff=NEAR)
        if near and folded(text) != folded(near[0]) and not by_letters(text, near[0]):
            found.append(f"{text!r} ({count}) and {near[0]!r} ({known[near[0]]})")
    if found:
        more = f" and {len(found) - SHOWN} more" * (len(found) > SHOWN)
        yield f"spelt almost alike: {'; '.join(found[:SHOWN])}{more}. Are these slips?"


def marks_of(cells: ColumnCells) -> list[str]:
    """Return the cells that may mean unknown, and not that none of several names holds."""
    return [one for one in cells.unknown if one not in cells.nothing()]


def only_signs(task: Task) -> bool:
    """Tell whether the classes of a task are 1 and -1."""
    return {number_name(name) for name in task.names} == {"-1", "1"}


def has_minus_one(task: Task, given: bool) -> bool:
    """Tell whether -1 alone of a task's classes is below 0, and no doubt says so."""
    below = {number_name(name) for name in task.names if (number(name) or 0.0) < 0}
    return below == {"-1"} and (given or not only_signs(task))


def is_name(text: str) -> bool:
    """Tell whether a cell may be a name, as NA and unknown may, and not - or ?."""
    return any(letter.isalnum() for letter in text)


def is_word(text: str) -> bool:
    """Tell whether a text is long enough for a slip, and has no number that tells it apart."""
    return len(text) >= 4 and not any(letter.isdigit() for letter in text)


def by_letters(one: str, two: str) -> bool:
    """Tell whether two names are told apart by words of one letter: grade A and grade C.

    >>> by_letters("grade A", "grade C"), by_letters("boxer", "boxre")
    (True, False)
    """
    pairs = [pair for pair in zip(one.split(), two.split()) if pair[0] != pair[1]]
    return len(one.split()) == len(two.split()) and all(len(a) == len(b) == 1 for a, b in pairs)


def stand_ins(amounts: Mapping[str, float]) -> Iterator[str]:
    """Yield numbers that stand apart: one that is negative, or 9, 99, 999 far above all others.

    Among others that are negative, one stands apart that is far below them.

    >>> list(stand_ins({"41": 41.0, "-1": -1.0, "38": 38.0})), list(stand_ins({"0": 0, "1": 1}))
    (['-1'], [])
    >>> list(stand_ins({"-0.9": -0.9, "-2": -2.0, "0.75": 0.75}))
    ['-2']
    """
    for text, value in amounts.items():
        rest = [other for other in amounts.values() if other != value]
        if len(rest) < 2 or not STAND_IN.fullmatch(text):
            continue
        decimals = not all(map(float.is_integer, map(float, rest)))
        far = value <= -2 * max(map(abs, rest)) and (decimals or value <= -9)
        if value < 0 <= min(rest) or value > 3 * max(*rest, 1.0) or far:
            yield text


def number_name(name: str) -> str:
    """Return a name as it would be as a whole number."""
    value = number(name)
    return f"{value:g}" if value is not None and value.is_integer() else name


def minus_one(column: str) -> str:
    """Say how to have -1 read as what it may mean."""
    unknown, no = (option("--values", f"{column}: {says}=-1") for says in ("missing", "no"))
    return f"If it means unknown: {unknown}; if no: {no} (for all columns: --values no=-1)."


def notes_on_names(names: Iterable[str]) -> Iterator[str]:
    """Point out names that are nearly the same, and names with brackets."""
    alike: dict[str, list[str]] = {}
    names = list(names)
    for name in names:
        alike.setdefault(folded(name), []).append(name)
    pairs = [group for group in alike.values() if len(group) > 1]
    if pairs:
        shown = "; ".join(quoted(group, " and ") for group in pairs[:SHOWN])
        more = f" and {len(pairs) - SHOWN} more" * (len(pairs) > SHOWN)
        mend = "If they mean one: --merge-names, or spell them alike."
        yield f"nearly the same names: {shown}{more}. {mend}"
    odd = [name for name in names if BRACKETS.fullmatch(name) and not is_balanced(name)]
    if odd:
        yield f"names with brackets or quotes: {quoted(odd[:SHOWN])}. Were they lists?"


def is_balanced(name: str) -> bool:
    """Tell whether a name ends with brackets that it opened: cat (1), and no list.

    >>> is_balanced("cat (1)"), is_balanced("(1)"), is_balanced("cat]")
    (True, False, False)
    """
    opened = {")": "(", "]": "[", "}": "{"}.get(name[-1], name[-1])
    return name[0].isalnum() and opened in name[:-1]


def separator_in(cells: ColumnCells, least: int = 2) -> tuple[str, str] | None:
    """Return what separates names within names, so many at the least, and say so; None if nothing.

    Of lists, what is left in their names is looked at: one separator may not be enough.
    """
    known = {*cells.parts} if cells.several else {*cells.known()}
    for mark in SEPARATORS.rstrip() if cells.several else SEPARATORS:
        lists = [name for name in known if mark in name and name[0] not in "[{"]
        parts = [part.strip() for name in lists for part in name.split(mark)]
        again = {part for part in parts if part in known or parts.count(part) > 1} - {""}
        several = len(lists) > 1 or (len(lists) == least and known.issuperset(parts))
        if (
            several
            and len(again) > 1
            and all(map(is_name, parts))
            and len(again) * 2 >= len(set(parts))
        ):
            example = max(sorted(lists), key=len)
            return (
                mark,
                f"{example!r} looks like several names. If it is: {separated(cells, mark)}.",
            )
    return None


def separated(cells: ColumnCells, mark: str) -> str:
    """Return the options that separate names at a mark, and at those that are given already."""
    if cells.separator is None:
        return option("--separator", "space" if mark == " " else mark)
    marks = ("space" if one == " " else one for one in (*all_of(cells.separator), mark))
    return " ".join(option("--separator", f"{cells.name}: {one}") for one in marks)


def rows_of_yes(cells: ColumnCells) -> int:
    """Return how many rows say yes."""
    return sum(count for text, count in cells.texts.items() if word_value(text))


def note_on_one_hot(names: Sequence[str], columns: Mapping[str, ColumnCells], rows: int) -> str:
    """Say that neighbouring columns of yes and no seem to be the classes of one task; '' if not."""
    run: list[str] = []
    for name in [*names, ""]:
        cells = columns.get(name)
        if cells is not None and cells.boolean and cells.filled == rows and "." not in name:
            run.append(name)
            continue
        yes = [rows_of_yes(columns[one]) for one in run]
        if len(run) > 2 and sum(yes) == rows > max(yes):
            first, last = names.index(run[0]) + 1, names.index(run[-1]) + 1
            return (
                f"{run[0]!r} to {run[-1]!r} say yes as often as there are rows. If one of them "
                f"holds in each: {task_option('Multiclass', 'NAME', columns=f'{first}-{last}')}."
            )
        run = []
    return ""


def note_on_unused(names: Sequence[str]) -> str:
    """Say which columns no task reads, where tasks are given."""
    more = f" and {len(names) - SHOWN} more" * (len(names) > SHOWN)
    return f"not used: {quoted(names[:SHOWN])}{more}. Each task takes words of its own (--task)."


# -- doubts ----------------------------------------------------------------------------------------
def doubts_of(
    tasks: TaskSet,
    columns: Mapping[str, ColumnCells],
    left_out: Mapping[str, str],
    table: TableReader,
) -> dict[str, str]:
    """Return what has to be answered before a proposal is taken, by column."""
    found: dict[str, str] = {}
    points = doubts_on_points(columns, table)
    for task in tasks:
        cells = cells_of(task, columns)
        doubts = [] if cells is None else list(doubts_on_cells(task, cells))
        doubts += [points[cells.name]] if cells is not None and cells.name in points else []
        if doubts:
            found[task.name] = " ".join(doubts)
    for name, why in left_out.items():
        if why.startswith("it would be a Regression: "):
            found[name] = f"{why} To go without it: {option('--ignore', name)}."
    return found


def cells_of(task: Task, columns: Mapping[str, ColumnCells]) -> ColumnCells | None:
    """Return the one column that a task reads; None if it reads several."""
    column = task.column or task.name
    one = column in columns or len(task.sources) == 1
    return columns.get(column) or columns.get(task.sources[0]) if one else None


def doubts_on_cells(task: Task, cells: ColumnCells) -> Iterator[str]:
    """Say what the cells of a proposed task may mean that it does not."""
    one = as_task(type(task).__name__, cells.name)
    if only_signs(task):
        yield f"its cells are 1 and -1. {minus_one(cells.name)}"
    found = separator_in(cells)
    if found and found[0] in (SEPARATORS.rstrip() if cells.several else OF_LISTS):
        yield f"{found[1]} If each is one {'label' if cells.several else 'class'}: {one}."
    marks = marks_of(cells) if task.names else []
    if not all(map(is_name, marks)):
        yield (
            f"cells {quoted(marks)} would be {'labels' if cells.several else 'classes'}. "
            f"{hint(marks)} If they are what they are called: {one}."
        )
    odd = cells.answered() if task.names else []
    if odd:
        said = option("--values", f"{cells.name}: missing={','.join(odd)}")
        yield (
            f"{quoted(odd)} say neither yes nor no, as other cells do by --values. If they mean "
            f"unknown: {said}."
        )


class PathsSeen:
    """Notices images that stand on more rows than one, as long as there are not too many."""

    def __init__(self) -> None:
        self._rows: dict[int, int] | None = {}  # by the hash of a path: names of millions are long
        self.again: dict[str, list[int]] = {}
        self.count = 0

    def add(self, paths: Iterable[str], numbers: Iterable[int]) -> None:
        """Take the next rows."""
        if self._rows is None:
            return
        for path, row in zip(paths, numbers):
            if not path:
                continue  # which is said elsewhere
            first = self._rows.setdefault(hash(path), row)
            if first != row:
                self.count += 1
                if len(self.again) < SHOWN or path in self.again:
                    self.again.setdefault(path, [int(first)]).append(int(row))
        if len(self._rows) > PATHS and not self.count:
            self._rows = None

    def __bool__(self) -> bool:
        return self.count > 0

    def text(self) -> str:
        """Say which images they are."""
        shown = [
            f"{path!r} (rows {', '.join(map(str, rows[:SHOWN]))}{', ...' * (len(rows) > SHOWN)})"
            for path, rows in list(self.again.items())[:2]
        ]
        rows = "row names" if self.count == 1 else "rows name"
        return f"{self.count} {rows} an image that another row names: {', '.join(shown)}"


def disagreeing(table: TableReader, tasks: TaskSet) -> dict[str, tuple[int, str]]:
    """Return {column: (images, the first)} whose rows say different things of one image.

    A second walk through the table, for tables in which images come back. A column of which every
    image says every word is none of them: its rows contradict each other, and as a list of what
    an image has they would tell nothing.
    """
    places: dict[str, int] = {}
    said: dict[str, dict[int, object]] = {}
    apart: dict[str, dict[int, str]] = {}
    more: dict[str, set[tuple[int, object]]] = {}
    for chunk in table.chunks():
        at = [places.setdefault(path, len(places)) for path in chunk.paths]
        for task in tasks:
            if len(task.sources) != 1 or task.sources[0] not in table.columns:
                continue
            name = task.sources[0]
            earlier = said.setdefault(name, {})
            for place, cell, path in zip(at, chunk.coded(name).cells(), chunk.paths):
                said_here = key_of(cell) if isinstance(cell, str) else cell  # 3.0 says what 3 does
                if cell != "" and earlier.setdefault(place, said_here) != said_here:
                    apart.setdefault(name, {}).setdefault(place, path)
                    more.setdefault(name, set()).add((place, said_here))
    found = {}
    for name, images in apart.items():
        words = {*said[name].values(), *(word for _, word in more[name])}
        if len(said[name]) + len(more[name]) < len(said[name]) * len(words):
            found[name] = len(images), next(iter(images.values()))
    return found


def doubt_of_rows(
    seen: PathsSeen, apart: Mapping[str, tuple[int, str]], columns: Mapping[str, ColumnCells]
) -> str:
    """Say that a table seems to have one row a label; '' if not."""
    if not apart:
        return ""
    name, (count, first) = next(iter(apart.items()))
    values = [
        one for one, cells in columns.items() if cells.boolean and not cells.unknown and one != name
    ]
    texts = [one for one in apart if not columns[one].boolean and not columns[one].numbers]
    mend = "If they are answers of several people: keep one row of each image."
    # Of names, one in every row; and not one of the many columns of a wide table.
    if len(texts) == 1 and columns[texts[0]].filled == columns[texts[0]].rows:
        long = f"label={texts[0]}" + (f",value={values[0]}" if values else "")
        mend = f"If a row is one label of its image: {option('--long', long)}."
    return (
        f"{seen.text()}; of {count} of them the rows differ in {name!r} ({first!r} is the first). "
        f"{mend} If each is a record of its own: {AS_IT_IS}."
    )
