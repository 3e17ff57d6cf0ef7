"""Tables of images and labels: read, guessed at, encoded."""

from .._errors import RowLabelError as RowLabelError
from .._errors import bad_name as bad_name
from .._errors import check_names as check_names
from .._errors import not_utf8 as not_utf8
from ._delimited import DelimitedTable as DelimitedTable  # the first, so the last to be asked
from ._encoder import LabelEncoder as LabelEncoder
from ._encoder import LabelledRow as LabelledRow
from ._encoder import labelled_rows as labelled_rows
from ._fashionai import FashionAITable as FashionAITable
from ._folder import IMAGE_ENDINGS as IMAGE_ENDINGS
from ._folder import FolderTable as FolderTable
from ._folder import image_files as image_files
from ._folder import walk_folder as walk_folder
from ._infer import Inference as Inference
from ._infer import infer_tasks as infer_tasks
from ._lst import ListTable as ListTable
from ._table import Row as Row
from ._table import TableOptions as TableOptions
from ._table import TableReader as TableReader
from ._table import layouts as layouts
from ._table import open_table as open_table
