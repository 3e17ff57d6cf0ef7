"""Pages of other origins ask only where an option lets them."""

from __future__ import annotations

from mxmtl.serving import Limits
from tests.serving._service import ask, picture, serving


def test_pages_of_an_origin_may_ask():
    with serving(limits=Limits(cors="https://example.org")) as service:
        status, headers, _ = ask(service, "OPTIONS", "/predict")
        assert (status, headers["access-control-allow-origin"]) == (204, "https://example.org")
        assert "POST" in headers["access-control-allow-methods"]
        for method, path, body in (("GET", "/health", None), ("POST", "/predict", picture())):
            status, headers, _ = ask(service, method, path, body)
            assert (status, headers["access-control-allow-origin"]) == (200, "https://example.org")
        assert ask(service, "GET", "/none")[1]["access-control-allow-origin"]


def test_no_page_may_ask_without_it():
    with serving() as service:
        status, headers, _ = ask(service, "OPTIONS", "/predict")
        assert (status, headers["allow"]) == (405, "POST")
        assert "access-control-allow-origin" not in ask(service)[1]
