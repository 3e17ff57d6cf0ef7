"""What the service answers: to good requests, to bad ones, and to many at once."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
import time
import zlib
from concurrent.futures import ThreadPoolExecutor

from mxmtl.serving import Limits, _server, is_loopback
from tests.serving._service import Echo, ask, picture, png_head, predict, raw, serving

import pytest
import tornado

OLD = tornado.version_info < (6, 5, 5)  # that of Python 3.8 finds no fault with a broken form
BROKEN = "the form has no file" if OLD else "the form is broken"
SMALL = Limits(max_bytes=60_000, max_pixels=10_000)


@pytest.fixture(scope="module")
def service():
    with serving(limits=SMALL) as running:
        yield running


@pytest.fixture(scope="module")
def impatient():
    with serving(limits=Limits(timeout=0.6)) as running:
        yield running


def form(data, name="image", filename='; filename="a.png"'):
    head = f'--x\r\nContent-Disposition: form-data; name="{name}"{filename}\r\n\r\n'.encode()
    return head + data + b"\r\n--x--\r\n"


MULTIPART = {"Content-Type": "multipart/form-data; boundary=x"}


@pytest.mark.parametrize("kind", [".png", ".webp"])
def test_an_image_as_the_body_or_in_a_form(service, kind):
    data = picture((9, 8, 7), kind=kind)
    status, found = predict(service, data)
    assert (status, found["model"]) == (200, "echo")
    status, in_form = predict(service, form(data), **MULTIPART)
    assert (status, in_form) == (200, found)
    # What curl --data-binary says it is.
    urlencoded = {"Content-Type": "application/x-www-form-urlencoded"}
    assert predict(service, data, **urlencoded) == (200, found)
    assert kind == ".webp" or found["answers"]["color"]["answer"] == [9, 8, 7]


def test_chunked_bodies(service):
    data = picture()
    connection = b"POST /predict HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
    parts = b"".join(b"%x\r\n%s\r\n" % (len(p), p) for p in (data[:50], data[50:]))
    answer = raw(service, connection + b"Connection: close\r\n\r\n" + parts + b"0\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200")


WHOLE = picture((4, 5, 6), (90, 90), ".jpg")
NOISE = bytes(range(256)) * 300


@pytest.mark.parametrize(
    ("body", "headers", "status", "reason"),
    [
        (b"", {}, 400, "the body is empty"),
        (b"hello", {}, 415, "no JPEG, PNG or WebP"),
        (b"GIF89a" + bytes(50), {}, 415, "no JPEG, PNG or WebP"),
        (WHOLE[:-20], {}, 422, "cut short"),
        (WHOLE[:30], {}, 422, "damaged"),
        (picture()[:-4], {}, 422, "cut short"),
        (b"\xff\xd8\xff", {}, 422, "damaged"),
        (b"RIFF\xff\xff\xff\xffWEBPVP8 ", {}, 422, "cut short"),
        (b"RIFF\x04\x00\x00\x00WEBP", {}, 422, "damaged"),
        (picture(size=(101, 100)), {}, 413, "100 x 101 pixels; 10000 are allowed"),
        (png_head(60_000, 60_000, zlib.compress(bytes(1000))), {}, 422, "cannot hold"),
        (png_head(50, 50, b"no deflate stream"), {}, 422, "does not decode"),
        (NOISE, {}, 413, "larger than 60000 bytes"),
        (form(b"", filename=""), MULTIPART, 400, "no file"),
        (form(b""), MULTIPART, 400, "the body is empty"),
        (b"--x--\r\n", MULTIPART, 400, "the form has no file"),
        (b"--x\r\n", MULTIPART, 400, BROKEN),
        (b"garbage", MULTIPART, 400, BROKEN),
        (b"--y", {"Content-Type": "multipart/form-data"}, 400, BROKEN),
        (form(picture())[:-7] + b"\r\n" + form(picture()), MULTIPART, 400, "Too many files"),
    ],
)  # fmt: skip
def test_bad_requests_get_the_right_4xx(service, body, headers, status, reason):
    found, answer = predict(service, body, **headers)
    assert (found, list(answer)) == (status, ["error"])
    assert reason in answer["error"]
    assert predict(service, picture())[0] == 200  # and the service goes on


def test_paths_and_methods(service):
    assert ask(service, path="/none")[0] == 404
    status, headers, _ = ask(service, path="/predict")
    assert (status, headers["allow"]) == (405, "POST")
    assert ask(service, "DELETE", "/health")[0] == 405
    assert ask(service)[2] == {"status": "ok", "model": "echo"}
    assert ask(service, path="/model")[2]["tasks"][0]["name"] == "color"


@pytest.mark.parametrize("body", [None, b"abc"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_a_refused_method_is_counted_and_logs_nothing(caplog, method, body):
    with serving(limits=SMALL) as service:
        status, headers, _ = ask(service, method, "/predict", body)
        assert (status, headers["allow"]) == (405, "POST")
        found = ask(service, path="/metrics")[2].decode()
        assert 'mxmtl_requests_total{path="/predict",status="405"} 1.0' in found
        assert "mxmtl_in_flight 0.0" in found
        assert predict(service, picture())[0] == 200
    assert not [each for each in caplog.records if each.levelname in ("ERROR", "CRITICAL")]


POST = b"POST /predict HTTP/1.1\r\nHost: x\r\n"


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"no http at all\r\n\r\n", 400),
        pytest.param(
            b"GET / HTTP/1.1\r\n\r\n", 400, marks=pytest.mark.skipif(OLD, reason="needs 6.5.5")
        ),  # no Host
        (POST + b"Content-Length: 500\r\n\r\nabc", 408),
        (POST + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n", 400),
        (POST + b"Content-Length: -1\r\n\r\n", 400),
        (POST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
    ],
)
def test_broken_and_slow_requests_end(impatient, request_, status):
    assert raw(impatient, request_).startswith(b"HTTP/1.1 %d " % status)


@pytest.mark.parametrize(
    "head",
    [
        b"GET /health HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 20_000 + b"\r\n\r\n",
        b"GET /health HTTP/1.1\r\nHost: x\r\n" + b"X: a\r\n" * 4000 + b"\r\n",
        b"GET /" + b"a" * 20_000,
        b"GET /health HTTP/1.1\r\nHost:",  # and nothing more
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",  # TLS to a server without
        b"",
    ],
)
def test_heads_that_are_too_long_or_never_there_end_the_connection(impatient, head):
    begun = time.monotonic()
    assert raw(impatient, head) == b""
    assert time.monotonic() - begun < 15


def test_a_client_that_reads_no_answer_is_cut_off():
    with serving(limits=Limits(timeout=1)) as service, socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        connection.connect(("127.0.0.1", service.port))
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 400)
        wait_for(lambda: service.server.open == 1)
        wait_for(lambda: service.server.open == 0)


def test_a_body_of_one_byte_chunks_delays_nobody():
    head = b"POST /predict HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    with serving(limits=Limits(timeout=1)) as service, ThreadPoolExecutor(2) as pool:
        floods = [pool.submit(raw, service, head + b"1\r\nx\r\n" * 300_000) for _ in range(2)]
        slowest = 0.0
        while not all(flood.done() for flood in floods):
            begun = time.monotonic()
            assert ask(service)[0] == 200
            slowest = max(slowest, time.monotonic() - begun)
        assert slowest < 2
        assert b"mxmtl_body_bytes 0.0" in ask(service, path="/metrics")[2]


def test_a_head_in_drops_ends(impatient):
    begun = time.monotonic()
    with socket.create_connection(("127.0.0.1", impatient.port), timeout=20) as connection:
        for byte in b"GET /health HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 1000:
            try:
                connection.sendall(bytes([byte]))
                connection.settimeout(0.05)
                assert connection.recv(1000) == b""
                break
            except TimeoutError:
                continue
            except ConnectionError:
                break
        else:
            raise AssertionError("the connection is still open")
    assert time.monotonic() - begun < 15


def test_a_kept_connection_takes_the_next_request_but_not_a_slow_one(impatient):
    with socket.create_connection(("127.0.0.1", impatient.port), timeout=20) as connection:
        for _ in range(3):
            connection.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
            assert until_brace(connection).startswith(b"HTTP/1.1 200 ")
        connection.sendall(b"GET /he")
        assert connection.recv(10_000) == b""


@pytest.mark.parametrize(
    ("line", "status"), [("GET /health", 200), ("POST /none", 404), ("POST /health", 405)]
)
def test_a_body_that_means_nothing_is_no_second_request(service, line, status):
    inner = b"GET /model HTTP/1.1\r\nHost: x\r\n\r\n"
    head = f"{line} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(inner)}\r\n\r\n".encode()
    answer = raw(service, head + inner)
    assert answer.startswith(b"HTTP/1.1 %d " % status)
    assert answer.count(b"HTTP/1.1 ") == 1


def test_a_client_that_leaves_hurts_nobody(service):
    raw(service, POST + b"Content-Length: 500\r\n\r\nabc", end=True)
    assert predict(service, picture())[0] == 200


def test_each_gets_its_own_answer_and_batches_form():
    engine = Echo()
    colors = [(i, 2 * i, 255 - i) for i in range(100)]
    with serving(engine, max_batch=8, max_delay=0.05) as service, ThreadPoolExecutor(25) as pool:
        found = list(pool.map(lambda color: predict(service, picture(color)), colors))
    assert [answer["answers"]["color"]["answer"] for _, answer in found] == [
        list(c) for c in colors
    ]
    assert sum(engine.sizes) == 100
    assert max(engine.sizes) <= 8
    assert len(engine.sizes) < 60


def test_what_fails_is_500_and_the_service_goes_on(service, caplog):
    assert predict(service, picture((255, 255, 255)))[0] == 500
    assert "white" in caplog.text
    assert predict(service, picture())[0] == 200


def test_too_many_at_once_are_sent_away():
    engine = Echo()
    engine.gate.clear()
    with serving(engine, Limits(max_waiting=2)) as service, ThreadPoolExecutor(2) as pool:
        waiting = [pool.submit(predict, service, picture()) for _ in range(2)]
        wait_for(lambda: b"mxmtl_in_flight 2.0" in ask(service, path="/metrics")[2])
        wait_for(lambda: service.app.waiting == 2)
        status, headers, answer = ask(service, "POST", "/predict", picture())
        assert (status, headers["retry-after"]) == (503, "1")
        engine.gate.set()
        assert [future.result()[0] for future in waiting] == [200, 200]
        assert predict(service, picture())[0] == 200


def test_connections_are_bounded(monkeypatch):
    monkeypatch.setattr(_server, "CONNECTIONS", 3)
    with serving() as service:
        idle = [socket.create_connection(("127.0.0.1", service.port)) for _ in range(5)]
        wait_for(lambda: closed(idle[4]))
        assert raw(service, b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n") == b""
        assert not closed(idle[0])
        for connection in idle:
            connection.close()
        wait_for(lambda: raw(service, CLOSE).startswith(b"HTTP/1.1 200 "))


def test_many_idle_connections_keep_nobody_out():
    with serving() as service:
        many = [socket.create_connection(("127.0.0.1", service.port)) for _ in range(400)]
        for number, connection in enumerate(many):  # a byte; or an answer, and a byte of a body
            if number % 2:
                connection.sendall(
                    b"GET /health HTTP/1.1\r\nHost: x\r\nContent-Length: 9999\r\n\r\n"
                )
                assert connection.recv(10_000).startswith(b"HTTP/1.1 200 ")
            with contextlib.suppress(ConnectionError):
                connection.sendall(b"x")
        assert predict(service, picture())[0] == 200
        assert all(closed(connection) for connection in many[1::2])  # its body is not waited for
        for connection in many:
            connection.close()


def test_memory_of_bodies_is_bounded():
    engine = Echo()
    engine.gate.clear()
    data = picture(size=(300, 300), kind=".jpg")
    most = len(data) + 10  # of one body; 16 times as many of all
    with serving(engine, Limits(max_bytes=most)) as service, ThreadPoolExecutor(16) as pool:
        first = [pool.submit(predict, service, data) for _ in range(16)]
        held = b"mxmtl_body_bytes %g" % (16 * len(data))
        wait_for(lambda: service.app.held == 16 * len(data))
        assert held in ask(service, path="/metrics")[2]
        assert predict(service, data)[0] == 503
        engine.gate.set()
        assert [each.result()[0] for each in first] == [200] * 16
        assert predict(service, data)[0] == 200
        assert b"mxmtl_body_bytes 0.0" in ask(service, path="/metrics")[2]


def test_a_stop_answers_what_is_in_flight():
    engine = Echo()
    engine.gate.clear()
    with serving(engine) as service, ThreadPoolExecutor(1) as pool:
        first = pool.submit(predict, service, picture((7, 7, 7)))
        wait_for(lambda: b"mxmtl_in_flight 1.0" in ask(service, path="/metrics")[2])
        service.stop()
        threading.Timer(0.3, engine.gate.set).start()
        status, answer = first.result()
    assert (status, answer["answers"]["color"]["answer"]) == (200, [7, 7, 7])
    with pytest.raises(ConnectionError):
        ask(service)


def test_an_image_that_is_never_done_gets_503_and_does_not_hold_up_a_stop(monkeypatch):
    monkeypatch.setattr(_server, "STOP_SECONDS", 0.5)
    predictor, wait = Echo(), threading.Event()
    predictor.read = lambda data: wait.wait(20)
    with serving(predictor, Limits(timeout=0.5)) as service:
        status, answer = predict(service, picture())
        assert (status, answer["error"]) == (503, "there was no answer within 0.5 seconds.")
        assert ask(service)[0] == 200
        begun = time.monotonic()
    assert time.monotonic() - begun < 5
    assert service.ended is False
    wait.set()


def test_one_image_that_takes_long_delays_no_other():
    predictor, wait = Echo(), threading.Event()
    read, slow = predictor.read, picture((9, 90, 9))
    predictor.read = lambda data: wait.wait(20) if data == slow else read(data)
    with serving(predictor) as service, ThreadPoolExecutor(1) as pool:
        first = pool.submit(predict, service, slow)
        wait_for(lambda: service.app.waiting == 1)
        assert [predict(service, picture())[0] for _ in range(3)] == [200] * 3
        assert not first.done()
        wait.set()


def test_metrics_are_what_prometheus_reads(service):
    from prometheus_client.parser import text_string_to_metric_families

    predict(service, picture())
    predict(service, b"hello")
    status, headers, text = ask(service, path="/metrics")
    assert (status, headers["content-type"].split(";")[0]) == (200, "text/plain")
    families = {f.name: f for f in text_string_to_metric_families(text.decode())}
    counts = {
        (s.labels["path"], s.labels["status"]): s.value
        for s in families["mxmtl_requests"].samples
        if s.name.endswith("_total")
    }
    assert counts["/predict", "200"] >= 1
    assert counts["/predict", "415"] >= 1
    assert {"mxmtl_predict_seconds", "mxmtl_batch_images", "mxmtl_in_flight"} <= set(families)


def test_the_page_brings_all_it_needs_and_allows_nothing_else(service):
    status, headers, page = ask(service, path="/")
    assert (status, headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "default-src 'none'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert re.findall(rb'(?:src|href)="(?!data:)', page) == []
    assert b"://" not in page


def test_loopback_unless_told_otherwise(service):
    assert service.url.startswith("http://127.0.0.1:")
    assert all(map(is_loopback, ("127.0.0.1", "::1", "localhost")))
    assert not any(map(is_loopback, ("0.0.0.0", "::", "192.168.1.2", "example.org")))


def test_limits_are_checked():
    with pytest.raises(ValueError, match="max_bytes=0: expected 1 or more"):
        Limits(max_bytes=0)
    with pytest.raises(ValueError, match="max_batch=0"), serving(max_batch=0):
        pass


CLOSE = b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


def closed(connection):
    """Tell whether the service has closed a connection that waits for nothing."""
    connection.settimeout(0.02)
    try:
        return connection.recv(10_000) == b""
    except TimeoutError:
        return False
    except ConnectionError:
        return True


def until_brace(connection):
    found = b""
    while not found.endswith(b"}"):
        part = connection.recv(10_000)
        assert part, found
        found += part
    return found


def wait_for(condition):
    for _ in range(400):
        if condition():
            return
        time.sleep(0.02)
    raise AssertionError("it did not happen")
