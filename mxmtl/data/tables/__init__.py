"""Tables of images and labels: read, guessed at, split."""

from typing import TYPE_CHECKING

from ..._door import lazy

if TYPE_CHECKING:
    from ._infer import Inference as Inference
    from ._infer import infer_tasks as infer_tasks
    from ._labels import LabelEncoder as LabelEncoder
    from ._lists import ListOptions as ListOptions
    from ._lists import find_lists as find_lists
    from ._lists import write_lists as write_lists
    from ._rows import LabelledRow as LabelledRow
    from ._rows import labelled_rows as labelled_rows
    from ._split import split_rows as split_rows
    from ._table import Row as Row
    from ._table import Table as Table
    from ._table import TableOptions as TableOptions
    from ._table_fashionai import fashionai_task as fashionai_task
    from ._table_open import open_table as open_table
    from ._utf8 import check_names as check_names
    from ._utf8 import not_utf8 as not_utf8
    from ._walk import IMAGE_ENDINGS as IMAGE_ENDINGS
    from ._walk import image_files as image_files

__getattr__, __dir__, __all__ = lazy(__name__, __file__)
