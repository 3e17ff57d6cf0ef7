"""From tables to records: planned, worked off, resumed, whole or not at all."""

from typing import TYPE_CHECKING

from ..._door import lazy

if TYPE_CHECKING:
    from ._conversion import find_faults as find_faults
    from ._conversion import without_ending as without_ending
    from ._conversion import write_records as write_records
    from ._faults import TableFaults as TableFaults
    from ._output import Output as Output
    from ._output import RecordSummary as RecordSummary
    from ._output import Stored as Stored
    from ._pictures import PictureFinder as PictureFinder
    from ._split import split_rows as split_rows
    from ._stage import Journal as Journal
    from ._stage import Stage as Stage
    from ._stage import outputs_of as outputs_of
    from ._work import ImageWorker as ImageWorker
    from ._work import read_file as read_file

__getattr__, __dir__, __all__ = lazy(__name__, __file__)
