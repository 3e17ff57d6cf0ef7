"""The page in a browser: it loads without a complaint, fetches nothing, and its tables sort."""

from __future__ import annotations

from tests import _browser

import pytest

pytestmark = pytest.mark.skipif(_browser.PATH is None, reason=_browser.INSTALL)
TABLE = "document.querySelector('#task-1 .table table')"
IMAGE = "new Promise(d => { const i = new Image(); i.onerror = d; i.src = 'https://x.org/y'; })"
COLUMN = "[...%s.tBodies[0].rows].map(row => row.cells[%d].textContent)"


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    browser = _browser.Browser(tmp_path_factory.mktemp("browser"))
    yield browser
    browser.close()


@pytest.fixture(scope="module")
def url(pages, tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(pages, "utf-8")
    return path.as_uri()


UNFOLD = "document.querySelectorAll('details').forEach(each => { each.open = true; })"


@pytest.fixture
def opened(browser, url):
    browser.size(1280, 900)
    browser.media()
    browser.open(url)
    return browser


def test_nothing_is_wrong_and_nothing_is_fetched(opened, url):
    assert opened.run("document.title") == "first, second"
    assert opened.run("document.fonts.ready.then(() => 1)") == 1
    assert opened.told("Runtime.exceptionThrown") == []
    assert opened.told("Runtime.consoleAPICalled") == []
    assert opened.told("Log.entryAdded") == []
    asked = [event["request"]["url"] for event in opened.told("Network.requestWillBeSent")]
    assert [name for name in asked if not name.startswith("data:")] == [url]


@pytest.mark.parametrize("what", ["fetch('https://example.org/').catch(() => 0)", IMAGE])
def test_the_policy_lets_nothing_out(opened, what):
    opened.run(what)
    texts = [entry["entry"]["text"] for entry in opened.told("Log.entryAdded")]
    assert any("Content Security Policy" in text for text in texts)


def test_every_picture_loads_and_says_what_it_shows(opened):
    images = "[...document.images]"
    assert opened.run(f"{images}.length") > 10
    assert opened.run(f"{images}.every(i => i.complete && i.naturalWidth > 0)")
    assert opened.run(f"{images}.every(i => i.alt.includes('.png, row '))")
    figures = "[...document.querySelectorAll('svg[role=img]')]"
    assert opened.run(f"{figures}.length") > 20
    assert opened.run(f"{figures}.every(f => f.getAttribute('aria-label').length > 2)")
    drawn = "f => f.getBoundingClientRect().height > 80 && f.querySelectorAll('path').length > 3"
    assert opened.run(f"{figures}.every({drawn})")


def test_names_run_no_script(opened):
    assert opened.run("window.hacked === undefined")
    assert opened.run("document.querySelector('img[src=x]')") is None
    assert opened.run("document.body.textContent.includes('<script>window.hacked = 1</script>')")


def test_a_table_sorts_by_a_click(opened):
    button = f"{TABLE}.tHead.rows[0].cells[%d].querySelector('button')"
    head = f"{TABLE}.tHead.rows[0].cells[%d].getAttribute('aria-sort')"
    before = opened.run(COLUMN % (TABLE, 0))
    numbers = [float(text) for text in opened.run(COLUMN % (TABLE, 3))]
    assert len(set(numbers)) > 1
    opened.run(f"{button % 3}.click()")
    assert [float(text) for text in opened.run(COLUMN % (TABLE, 3))] == sorted(numbers)[::-1]
    assert opened.run(head % 3) == "descending"
    opened.run(f"{button % 3}.click()")
    assert [float(text) for text in opened.run(COLUMN % (TABLE, 3))] == sorted(numbers)
    assert opened.run(head % 3) == "ascending"
    opened.run(f"{button % 0}.click()")
    assert opened.run(head % 3) is None
    assert sorted(opened.run(COLUMN % (TABLE, 0))) == sorted(before)


def test_a_table_sorts_by_the_keyboard(opened):
    opened.run(UNFOLD)
    opened.run(f"{TABLE}.tHead.rows[0].cells[2].querySelector('button').focus()")
    opened.press("Tab")
    assert opened.run(f"document.activeElement.closest('th') === {TABLE}.tHead.rows[0].cells[3]")
    opened.press("Enter")
    numbers = [float(text) for text in opened.run(COLUMN % (TABLE, 3))]
    assert numbers == sorted(numbers)[::-1]


def test_a_cell_without_a_value_stays_at_the_end(opened):
    opened.run(UNFOLD)
    table = "document.querySelector('#metrics details .table table')"
    button = f"{table}.tHead.rows[0].cells[2].querySelector('button')"
    for _ in range(2):
        opened.run(f"{button}.click()")
        texts = opened.run(COLUMN % (table, 2))
        known = [text != "-" for text in texts]
        assert not all(known)
        assert known == sorted(known, reverse=True)


@pytest.mark.parametrize("width", [320, 768, 1600])
def test_no_width_makes_the_page_scroll_sideways(opened, width):
    opened.size(width, 800)
    assert opened.run("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_in_it_scrolls_sideways_when_all_is_unfolded(opened, width):
    opened.size(width, 800)
    opened.run(UNFOLD)
    scrolling = (
        "[...document.querySelectorAll('*')].filter(e => /auto|scroll/.test("
        "getComputedStyle(e).overflowX) && e.scrollWidth > e.clientWidth + 1).map(e => e.className)"
    )
    assert opened.run(scrolling) == []


def test_light_dark_and_paper_have_their_colours(opened):
    color = "getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)[0]"
    line = "getComputedStyle(document.querySelector('.figure path[style*=series-0]')).stroke"
    light, light_line = opened.run(color), opened.run(line)
    opened.media(prefers_color_scheme="dark")
    dark, dark_line = opened.run(color), opened.run(line)
    opened.media(media="print", prefers_color_scheme="dark")
    paper = opened.run(color)
    assert light > 200
    assert dark < 60
    assert paper == 255
    assert light_line != dark_line


def test_it_prints_with_everything_open(opened):
    closed = "document.querySelectorAll('details:not([open])').length"
    assert opened.run(closed) > 0
    opened.run("dispatchEvent(new Event('beforeprint'))")
    assert opened.run(closed) == 0
    opened.run("dispatchEvent(new Event('afterprint'))")
    assert opened.run(closed) > 0
    pdf = opened.call("Page.printToPDF", printBackground=True)["data"]
    assert pdf.startswith("JVBERi0")  # %PDF-
