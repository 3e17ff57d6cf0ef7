"""The page, in a browser: an image is dropped or chosen, and the answers are shown."""

from __future__ import annotations

import base64
import contextlib

import mxmtl
from mxmtl.export import export_model
from tests import _browser
from tests.model._models import model_of
from tests.serving._service import picture, serving

import pytest

pytestmark = pytest.mark.skipif(_browser.PATH is None, reason=_browser.INSTALL)

DROP = """(() => {
  const bytes = Uint8Array.from(atob("%s"), (c) => c.charCodeAt(0));
  const data = new DataTransfer();
  data.items.add(new File([bytes], "a.png", { type: "image/png" }));
  for (const kind of ["dragenter", "drop"])
    document.body.dispatchEvent(new DragEvent(kind, { dataTransfer: data, bubbles: true }));
})()"""


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    folder = tmp_path_factory.mktemp("page")
    export_model(model_of(mxmtl.small_trunk((4, 6))), folder / "m.onnx")
    engine = mxmtl.Predictor(folder / "m.onnx")
    browser = _browser.Browser(folder / "profile")
    with contextlib.closing(browser), serving(engine) as service:
        browser.service = service
        yield browser


def drop(page, data):
    page.run(DROP % base64.b64encode(data).decode())


def text(page, selector):
    return page.run(f"document.querySelector({selector!r}).innerText")


def test_a_dropped_image_is_answered(page):
    page.open(page.service.url)
    page.wait("document.getElementById('model').innerText.includes('breed')")
    drop(page, picture((10, 200, 90), (60, 60)))
    page.wait("document.querySelectorAll('h2').length === 4")
    headings = page.run("[...document.querySelectorAll('h2')].map((h) => h.innerText)")
    assert [heading.split(":")[0] for heading in headings] == ["breed", "outdoors", "toys", "age"]
    assert headings[0].split(": ")[1] in ("比格犬", "boxer", "pug")
    bars = page.run("[...document.querySelectorAll('.track > div')].map((b) => b.style.width)")
    assert len(bars) == 3 + 1 + 3
    assert page.run("document.getElementById('shown').naturalWidth") == 60
    drop(page, b"no image")
    page.wait("document.getElementById('message').innerText !== ''")
    assert "no JPEG, PNG or WebP" in text(page, "#message")
    assert text(page, "#answers") == ""
    # The browser itself reports the 415; nothing else went wrong, and no policy was broken.
    assert [e for e in page.errors if "415" not in e] == []


def test_a_file_can_be_chosen_by_keyboard(page, tmp_path):
    page.open(page.service.url)
    (tmp_path / "a.png").write_bytes(picture((10, 20, 90), (60, 60)))
    page.run("document.getElementById('file').focus()")
    assert page.run("document.activeElement.id") == "file"
    root = page.call("DOM.getDocument")["root"]["nodeId"]
    node = page.call("DOM.querySelector", nodeId=root, selector="#file")["nodeId"]
    page.call("DOM.setFileInputFiles", nodeId=node, files=[str(tmp_path / "a.png")])
    page.wait("document.querySelectorAll('h2').length === 4")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_contrast_in_both_schemes_and_no_sideways_scrolling(page, scheme):
    page.media(prefers_color_scheme=scheme)
    page.size(360, 640, mobile=True)
    page.open(page.service.url)
    drop(page, picture((10, 200, 90), (60, 60)))
    page.wait("document.querySelectorAll('h2').length === 4")
    assert page.run("document.documentElement.scrollWidth <= innerWidth")
    paper = page.run("getComputedStyle(document.body).backgroundColor")
    assert (luminance(paper) > 0.5) == (scheme == "light")
    for selector in ("body", ".faint", "#message"):
        ink = page.run(f"getComputedStyle(document.querySelector({selector!r})).color")
        assert contrast(ink, paper) >= 4.5, selector  # WCAG 2.2, 1.4.3


def luminance(color):
    """Relative luminance of ``rgb(r, g, b)``, as WCAG 2.2 defines it."""
    levels = [int(part) / 255 for part in color[4:-1].split(",")]
    linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in levels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)
