"""Fonts for names in any script, out of those that are installed."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, FrozenSet, Iterator, List

FIRST = "DejaVu Sans"  # comes with matplotlib
LIKELY = ("noto sans", "cjk", "wenquanyi", "hei", "gothic", "unicode", "fallback", "unifont")


def families(texts: List[str]) -> List[str]:
    """Return font families that have all letters of some texts, as far as there are such fonts.

    matplotlib 3.6 and newer take each letter from the first family that has it.
    """
    letters = frozenset(letter for text in texts for letter in text if letter.isprintable())
    return list(chosen(letters))


@lru_cache(maxsize=64)
def chosen(letters: FrozenSet[str]) -> List[str]:
    """Choose fonts until each letter is in one of them, or no more fonts are left."""
    from matplotlib import font_manager

    found = [FIRST]
    missing = {ord(letter) for letter in letters}
    missing -= charmap(font_manager.findfont(FIRST))
    for path in candidates(font_manager) if missing else ():
        has = charmap(path) & missing
        if has:
            found.append(family(font_manager, path))
            missing -= has
        if not missing:
            break
    return found


def candidates(font_manager: Any) -> Iterator[str]:
    """Yield the installed fonts, upright ones with many letters first."""
    paths = sorted(set(font_manager.findSystemFonts()))

    def rank(path: str) -> Any:
        name = path.lower()
        likely = [i for i, part in enumerate(LIKELY) if part in name.replace("-", " ")]
        return (not likely, any(word in name for word in ("bold", "italic", "serif")), path)

    yield from sorted(paths, key=rank)


@lru_cache(maxsize=512)
def charmap(path: str) -> FrozenSet[int]:
    """Return the letters that a font file has; none of one that cannot be read."""
    from matplotlib.ft2font import FT2Font

    try:
        return frozenset(FT2Font(path).get_charmap())
    except (OSError, RuntimeError):  # a bitmap font, or a damaged one: as if it were not there
        return frozenset()


def family(font_manager: Any, path: str) -> str:
    """Return the name under which matplotlib finds a font file; make it known if it is not."""
    manager = font_manager.fontManager
    for known in manager.ttflist:
        if known.fname == path:
            return str(known.name)
    manager.addfont(path)  # installed since matplotlib made its list
    return str(manager.ttflist[-1].name)
