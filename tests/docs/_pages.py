"""The pages that people read, taken apart: blocks of code, links, headings."""

from __future__ import annotations

import re
import shlex
import textwrap
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = [
    *(ROOT / name for name in ("README.md", "README.zh.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted((ROOT / "examples").rglob("*.md")),
]
# Pages in Chinese that have the code of the English page, to the letter but for comments.
TWINS = {
    ROOT / "README.zh.md": ROOT / "README.md",
    ROOT / "docs/zh/quickstart.md": ROOT / "docs/quickstart.md",
    ROOT / "docs/zh/coming-from-mxnet.md": ROOT / "docs/coming-from/mxnet.md",
}
BLOCK = re.compile(
    r"(?:^<!-- not run: (?P<why>[^\n]+) -->\n)?"
    r"^(?P<fence> *```)(?P<language>\w*)\n(?P<text>.*?)^(?P=fence)$",
    re.M | re.S,
)
LINK = re.compile(r"\]\(([^)\s]+)\)|<img src=\"([^\"]+)\"")


@dataclass(frozen=True)
class Block:
    """A block of code: its language, text, line, and why it is not run, if it is not."""

    language: str
    text: str
    line: int
    why: str | None

    @property
    def commands(self) -> list[list[str]]:
        """The command lines of a block for a shell, each as words."""
        joined = self.text.replace("\\\n", " ")
        return [words for line in joined.splitlines() if (words := shlex.split(line, True))]


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def blocks(page: Path) -> list[Block]:
    """Return the blocks of code of a page, in order."""
    text = page.read_text("utf-8")
    return [
        Block(
            match["language"],
            textwrap.dedent(match["text"]),
            text.count("\n", 0, match.start("fence")) + 1,
            match["why"],
        )
        for match in BLOCK.finditer(text)
    ]


def prose(page: Path) -> str:
    """Return a page without its blocks and spans of code."""
    return re.sub(r"`[^`\n]*`", "", BLOCK.sub("", page.read_text("utf-8")))


def links(page: Path) -> list[str]:
    return [one or other for one, other in LINK.findall(prose(page))]


def anchors(page: Path) -> set[str]:
    """Return the anchors that a code host, and our site, make of the headings of a page."""
    headings = re.findall(r"^#+ (.+?)(?: #+)?$", BLOCK.sub("", page.read_text("utf-8")), re.M)
    words = (re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading).lower() for heading in headings)
    return {re.sub(r"[^\w\- ]", "", word).strip().replace(" ", "-") for word in words}
