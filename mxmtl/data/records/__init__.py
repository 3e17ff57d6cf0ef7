"""The container: RecordIO frames and image records, written and read."""

from typing import TYPE_CHECKING

from ..._door import lazy

if TYPE_CHECKING:
    from ._beside import MANIFEST as MANIFEST
    from ._beside import listed_shards as listed_shards
    from ._beside import read_manifest as read_manifest
    from ._beside import shared_file as shared_file
    from ._digest import sha256_of as sha256_of
    from ._files_of import Prefixes as Prefixes
    from ._files_of import record_files as record_files
    from ._files_of import tasks_if_known as tasks_if_known
    from ._files_of import tasks_of as tasks_of
    from ._framing import MAX_LENGTH as MAX_LENGTH
    from ._framing import Bytes as Bytes
    from ._framing import Framed as Framed
    from ._framing import Record as Record
    from ._framing import check_id as check_id
    from ._framing import frame_record as frame_record
    from ._framing import framed_again as framed_again
    from ._framing import unpack_record as unpack_record
    from ._image_counts import ImageCounts as ImageCounts
    from ._index import read_index as read_index
    from ._label_counts import LabelCounts as LabelCounts
    from ._label_range import check_label as check_label
    from ._label_range import illegal_rows as illegal_rows
    from ._reader import RecordFile as RecordFile
    from ._reader import RecordReader as RecordReader
    from ._record_error import RecordError as RecordError
    from ._record_tasks import record_tasks as record_tasks
    from ._shards import ShardWriter as ShardWriter
    from ._walk import Found as Found
    from ._walk import walk as walk

__getattr__, __dir__, __all__ = lazy(__name__, __file__)
