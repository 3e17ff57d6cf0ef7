"""The container: RecordIO frames and image records, written and read."""

from typing import TYPE_CHECKING

from ..._door import lazy

if TYPE_CHECKING:
    from ._counts import ImageCounts as ImageCounts
    from ._counts import LabelCounts as LabelCounts
    from ._counts import class_counts as class_counts
    from ._counts import note_on_depth as note_on_depth
    from ._doubts import Part as Part
    from ._doubts import doubts as doubts
    from ._doubts import unlabelled as unlabelled
    from ._framing import FRAME as FRAME
    from ._framing import MAGIC_BYTES as MAGIC_BYTES
    from ._framing import MAX_LENGTH as MAX_LENGTH
    from ._framing import Framed as Framed
    from ._framing import Record as Record
    from ._framing import RecordError as RecordError
    from ._framing import check_id as check_id
    from ._framing import frame_record as frame_record
    from ._framing import framed_again as framed_again
    from ._framing import pack_frames as pack_frames
    from ._framing import pack_record as pack_record
    from ._framing import read_index as read_index
    from ._framing import read_record as read_record
    from ._framing import scan_index as scan_index
    from ._framing import split_at_magic as split_at_magic
    from ._framing import unpack_record as unpack_record
    from ._framing import write_index as write_index
    from ._names import ENDING as ENDING
    from ._names import NAMELESS as NAMELESS
    from ._names import Names as Names
    from ._names import RecordName as RecordName
    from ._names import picture_digest as picture_digest
    from ._prefix import MANIFEST as MANIFEST
    from ._prefix import MANIFEST_FORMAT as MANIFEST_FORMAT
    from ._prefix import MANIFEST_VERSION as MANIFEST_VERSION
    from ._prefix import Prefixes as Prefixes
    from ._prefix import check_label as check_label
    from ._prefix import given_records as given_records
    from ._prefix import illegal_rows as illegal_rows
    from ._prefix import listed as listed
    from ._prefix import listed_shards as listed_shards
    from ._prefix import read_manifest as read_manifest
    from ._prefix import record_files as record_files
    from ._prefix import record_tasks as record_tasks
    from ._prefix import shared_file as shared_file
    from ._prefix import stored_options as stored_options
    from ._prefix import tasks_if_known as tasks_if_known
    from ._prefix import tasks_of as tasks_of
    from ._reader import FoundRecord as FoundRecord
    from ._reader import RecordFile as RecordFile
    from ._reader import RecordReader as RecordReader
    from ._reader import open_names as open_names
    from ._reader import walk_records as walk_records
    from ._shards import ShardWriter as ShardWriter

__getattr__, __dir__, __all__ = lazy(__name__, __file__)
