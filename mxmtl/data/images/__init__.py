"""Image files: what they say of themselves, whether they are whole, their pixels."""

from typing import TYPE_CHECKING

from ..._door import lazy

if TYPE_CHECKING:
    from ._convert import convert_image as convert_image
    from ._convert import encode_image as encode_image
    from ._decode import check_whole as check_whole
    from ._decode import decode_rows as decode_rows
    from ._decode import decode_view as decode_view
    from ._decode import decode_whole as decode_whole
    from ._image_info import JPEG as JPEG
    from ._image_info import OTHER as OTHER
    from ._image_info import ImageInfo as ImageInfo
    from ._image_info import read_info as read_info
    from ._jpeg import jpeg_head as jpeg_head
    from ._pixels import MAX_PIXELS as MAX_PIXELS
    from ._pixels import ROOM as ROOM
    from ._pixels import WHITE as WHITE
    from ._pixels import Rendering as Rendering
    from ._pixels import Room as Room
    from ._pixels import decode_image as decode_image
    from ._pixels import decode_shown as decode_shown

__getattr__, __dir__, __all__ = lazy(__name__, __file__)
