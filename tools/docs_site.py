"""What MkDocs does not do by itself for our site (a hook of `mkdocs.yml`).

The files of the repository stay where they are read on a code host: README.md is the first page,
examples, notebooks and the changelog are pages too, and the reference has what the doors of the
packages list. Links between all of them are written as on the code host, and turned here.
"""

from __future__ import annotations

import ast
import base64
import json
import posixpath
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

ROOT = Path(__file__).parents[1]
PAGES = {"README.md": "index.md", "README.zh.md": "zh/index.md", "CHANGELOG.md": "changelog.md"}
SHOWN = (".py", ".sh", ".txt", ".jsonl", ".yml", ".yaml")  # source, shown as a page with its text
LINK = re.compile(r"(\]\(|<img src=\")([^)#\s\"]+)(#[^)\s\"]*)?")
FENCE = re.compile(r"^( *)```.*?^\1```", re.M | re.S)
PICTURE = {"image/png": "png", "image/jpeg": "jpg", "image/svg+xml": "svg"}


def on_config(config: Any) -> Any:
    """Fill in the parts of the navigation that follow from what there is."""
    lists = {
        "REFERENCE": [f"reference/{name}.md" for name in ["mxmtl", *packages()]],
        "BENCHMARKS": [
            f"benchmarks/{p.name}" for p in sorted((ROOT / "docs/benchmarks").glob("*.md"))
        ],
        "EXAMPLES": list(examples().values()),
    }
    for part in config.nav:
        for name, entries in part.items():
            if isinstance(entries, list) and entries[0] in lists:
                part[name] = lists[entries[0]]
    return config


def on_files(files: Any, config: Any) -> Any:
    """Add the pages whose sources stand elsewhere in the repository."""
    from mkdocs.structure.files import File

    texts = {there: (ROOT / here).read_text("utf-8") for here, there in PAGES.items()}
    texts |= {f"reference/{name}.md": reference(name) for name in packages()}
    texts["reference/mxmtl.md"] = top_level()
    pictures: dict[str, bytes] = {}
    for here, there in examples().items():
        path = ROOT / here
        texts[there] = (
            notebook(path, pictures) if path.suffix == ".ipynb" else path.read_text("utf-8")
        )
    for here, there in linked(texts):
        path = ROOT / here
        if path.suffix in SHOWN:
            texts[there] = f"# {here}\n\n```{path.suffix[1:]}\n{path.read_text('utf-8')}\n```\n"
        elif path.suffix in (".png", ".svg", ".jpg"):
            pictures[there] = path.read_bytes()
        elif path.suffix == ".md":
            texts[there] = path.read_text("utf-8")
    for there, content in {**texts, **pictures}.items():
        file = File.generated(config, there, content=content)
        if there not in nav_pages(config.nav):
            file.inclusion = file.inclusion.NOT_IN_NAV
        files.append(file)
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Any) -> str:
    """Turn links that are right in the repository into links that are right on the site."""
    return turned(markdown, page.file.src_uri)


def on_post_page(output: str, page: Any, config: Any) -> str:
    """Say which language a page is in, for fonts, hyphens and screen readers."""
    return (
        output.replace('<html lang="en"', '<html lang="zh-CN"')
        if page.url.startswith("zh/")
        else output
    )


def turned(markdown: str, page: str) -> str:
    """Return the text of a page of the site with its links turned; code is left alone."""
    home = repository_path(page)

    def turn(match: re.Match[str]) -> str:
        begin, target, anchor = match.groups()
        here = resolved(home, target)
        if here is None:
            return match.group()
        there = posixpath.relpath(site_path(here), posixpath.dirname(page) or ".")
        return f"{begin}{there}{anchor or ''}"

    parts, at = [], 0
    for fence in FENCE.finditer(markdown):
        parts += [LINK.sub(turn, markdown[at : fence.start()]), fence.group()]
        at = fence.end()
    return "".join([*parts, LINK.sub(turn, markdown[at:])])


def resolved(home: str, target: str) -> str | None:
    """Return the file of the repository that a link in the file ``home`` means, or None."""
    if re.match(r"[a-z]+:|/", target):
        return None
    path = posixpath.normpath(posixpath.join(posixpath.dirname(home), target))
    if (ROOT / path).is_dir():
        path += "/README.md"
    return path if (ROOT / path).is_file() else None


def repository_path(page: str) -> str:
    """Return where the source of a page of the site stands in the repository."""
    back = {there: here for here, there in [*PAGES.items(), *examples().items()]}
    if page in back:
        return back[page]
    if (ROOT / "docs" / page).is_file():
        return f"docs/{page}"
    return "docs/" + page if page.startswith("reference/") else page


def site_path(here: str) -> str:
    """Return where a file of the repository stands on the site, as MkDocs names sources."""
    if here.startswith("docs/"):
        return here[len("docs/") :]
    return (
        PAGES.get(here)
        or examples().get(here)
        or (
            f"source/{here}.md"
            if Path(here).suffix in SHOWN
            else f"source/{here}".replace("/.", "/")
        )
    )


def examples() -> dict[str, str]:
    """Return {file of the repository: page} of the examples, the overview first."""
    folder = ROOT / "examples"
    found = ["examples/README.md"]
    found += [
        f"examples/notebooks/{p.name}" for p in sorted((folder / "notebooks").glob("*.ipynb"))
    ]
    found += [
        f"examples/{p.relative_to(folder).as_posix()}" for p in sorted(folder.glob("*/README.md"))
    ]
    return {here: str(PurePosixPath(here).with_suffix(".md")) for here in found}


def names_in(folder: str, pattern: str) -> list[str]:
    """Return the files of a folder of the repository that match, in the order of their names."""
    here = ROOT / folder
    return sorted(path.relative_to(here).as_posix() for path in here.glob(pattern))


def linked(texts: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Yield (file, page) of what pages link to and MkDocs does not know, pages of those too."""
    queue = [
        (site_path(f"docs/{p.relative_to(ROOT / 'docs').as_posix()}"), p.read_text("utf-8"))
        for p in (ROOT / "docs").rglob("*.md")
    ]
    queue += list(texts.items())
    seen = set(texts)
    while queue:
        page, text = queue.pop()
        for _, target, _ in LINK.findall(FENCE.sub("", text)):
            here = resolved(repository_path(page), target)
            if here is None or here.startswith("docs/") or site_path(here) in seen:
                continue
            seen.add(site_path(here))
            yield here, site_path(here)
            if here.endswith(".md"):
                queue.append((site_path(here), (ROOT / here).read_text("utf-8")))


def nav_pages(nav: Any) -> set[str]:
    """Return all pages that the navigation names."""
    if isinstance(nav, str):
        return {nav}
    parts = nav.values() if isinstance(nav, dict) else nav
    return set().union(*map(nav_pages, parts))


def notebook(path: Path, pictures: dict[str, bytes]) -> str:
    """Return a notebook as Markdown; the pictures of its outputs are put into ``pictures``."""
    parts = []
    for number, cell in enumerate(json.loads(path.read_text("utf-8"))["cells"]):
        source = "".join(cell["source"])
        parts.append(source if cell["cell_type"] == "markdown" else f"```python\n{source}\n```")
        for at, output in enumerate(cell.get("outputs", [])):
            parts += shown(output, f"examples/notebooks/{path.stem}-{number}-{at}", pictures)
    return "\n\n".join(parts) + "\n"


def shown(output: dict[str, Any], name: str, pictures: dict[str, bytes]) -> Iterator[str]:
    """Yield the Markdown of one output of a cell."""
    data = output.get("data", {"text/plain": output.get("text", "")})
    for kind, ending in PICTURE.items():
        if kind in data:
            text = "".join(data[kind])
            pictures[f"{name}.{ending}"] = (
                text.encode() if ending == "svg" else base64.b64decode(text)
            )
            yield f"![output]({posixpath.basename(name)}.{ending})"
            return
    text = "".join(data.get("text/plain", "")).rstrip()
    if text:
        yield f"```text\n{text}\n```"


def packages() -> list[str]:
    """Return the public packages, in the order in which data flows through them."""
    order = "tasks losses nets balance augment data metrics model training evaluation reporting"
    return [f"mxmtl.{name}" for name in [*order.split(), "export", "serving", "distributed"]]


def public_names(package: str) -> dict[str, str]:
    """Return {public name: module that its door takes it from} of a package, from its source."""
    tree = ast.parse((ROOT / package.replace(".", "/") / "__init__.py").read_text("utf-8"))
    names, listed = {}, None
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            names |= {
                a.asname: f"{'.' * node.level}{node.module or ''}" for a in node.names if a.asname
            }
        elif isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "__all__":
            listed = ast.literal_eval(node.value)
    names = {name: module for name, module in names.items() if not name.startswith("_")}
    return {name: names[name] for name in listed} if listed else names


def reference(package: str) -> str:
    """Return the page of a package: what its docstring says, then each name."""
    tree = ast.parse((ROOT / package.replace(".", "/") / "__init__.py").read_text("utf-8"))
    parts = [f"# {package}", ast.get_docstring(tree) or ""]
    parts += [f"::: {package}.{name}" for name in sorted(public_names(package), key=str.lower)]
    return "\n\n".join(fenced(part) for part in parts) + "\n"


def top_level() -> str:
    """Return the page of `mxmtl` itself: its names, and where each is described."""
    lines = [
        "# mxmtl",
        "",
        "The names that `import mxmtl` gives; each is described with its package.",
        "",
    ]
    for name, module in sorted(public_names("mxmtl").items(), key=lambda pair: pair[0].lower()):
        package = f"mxmtl.{module.lstrip('.')}" if module != "." else None
        if package in packages():
            lines.append(f"- [`{name}`][{package}.{name}]")
        elif package is None and f"mxmtl.{name}" in packages():
            lines.append(f"- [`{name}`](mxmtl.{name}.md), a package")
        elif package is not None:
            lines += ["", f"::: {package}.{name}", ""]
    return "\n".join(lines) + "\n"


def fenced(text: str) -> str:
    """Return a docstring with its doctests as code."""
    return re.sub(
        r"(?m)(^>>> (?:.+\n?)+)", lambda m: f"```pycon\n{m.group(1).rstrip()}\n```\n", text
    )
