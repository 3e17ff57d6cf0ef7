"""Tables of images and labels: read, guessed at, encoded."""

from .._errors import RowLabelError as RowLabelError
from .._errors import bad_name as bad_name
from .._errors import check_names as check_names
from ._chunk import Chunk as Chunk
from ._chunk import Row as Row
from ._delimited import DelimitedTable as DelimitedTable  # the first, so the last to be asked
from ._encode import LabelEncoder as LabelEncoder
from ._encode import LabelledRow as LabelledRow
from ._encode import labelled_rows as labelled_rows
from ._infer import infer_tasks as infer_tasks
from ._inference import Inference as Inference
from ._json import JsonTable as JsonTable
from ._layouts import FashionAITable as FashionAITable
from ._layouts import FolderTable as FolderTable
from ._layouts import ListTable as ListTable
from ._layouts import image_files as image_files
from ._layouts import walk_folder as walk_folder
from ._open import open_table as open_table
from ._paths import IMAGE_ENDINGS as IMAGE_ENDINGS
from ._records import JsonLinesTable as JsonLinesTable
from ._sets import ClassFiles as ClassFiles
from ._sets import TablesFolder as TablesFolder
from ._sheets import ExcelTable as ExcelTable
from ._sheets import ParquetTable as ParquetTable
from ._table import TableOptions as TableOptions
from ._table import TableReader as TableReader
from ._table import layouts as layouts
from ._text import open_text as open_text
from ._xml import CvatTable as CvatTable
from ._xml import FilesTable as FilesTable
