"""Rude clients: whoever asks properly is answered beside them, and what they can take is bounded."""

import contextlib
import http.client
import os
import re
import socket
import subprocess
import threading
import time

import pytest

from harness import wait_until
from rude import Server, rude_clients
from service import CONFIGURATION

# The password is "secret", at bcrypt's least cost: that nobody waits is tested, not how long a guess takes.
USERS = """basic_auth_users:
  prometheus: $2y$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW
"""


def memory(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS:")) * 1024


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def make_series(count):
    with open("/dev/zero", "rb", buffering=0) as file:
        for offset in range(count):
            os.lseek(file.fileno(), offset, os.SEEK_SET)


@pytest.fixture
def certificate(tmp_path):
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=test",
         "-keyout", tmp_path / "key.pem", "-out", tmp_path / "cert.pem"],
        check=True, capture_output=True,
    )
    return "tls_server_config:\n  cert_file: cert.pem\n  key_file: key.pem\n"


@pytest.mark.parametrize("transport", ["IPv4", "IPv6", "TLS"])
def test_a_good_client_is_served_beside_a_thousand_rude_ones(service, tmp_path, certificate, transport):
    web = tmp_path / "web.yml"
    web.write_text(USERS + (certificate if transport == "TLS" else ""))
    address = "[::1]:0" if transport == "IPv6" else "127.0.0.1:0"
    started = service(f"--web.listen-address={address}", f"--web.config.file={web}")
    server = Server(started.ready(), "::1" if transport == "IPv6" else "127.0.0.1", transport == "TLS", "prometheus:secret")
    make_series(10000)
    pid = started.process.pid
    assert server.scrape()[0] == 200
    # Over TLS fewer: here it is the clients' handshakes that take long.
    with rude_clients(server, idle=200 if transport == "TLS" else 1000, headers=200, readers=64, guessers=32):
        for _ in range(20):
            status, size = server.scrape()
            assert status == 200
            assert size > 10000 * 30
        # A bound, not a measurement: 64 MiB of answers, 2,048 connections of 16 KiB, and what OpenSSL keeps.
        assert memory(pid) < 400 << 20
        assert descriptors(pid) < 2048 + 200
    wait_until(lambda: descriptors(pid) < 100, "the connections' descriptors are closed")
    assert started.stop() == 0


def test_connections_beyond_the_limit_take_the_place_of_idle_ones(exporter):
    started = exporter(CONFIGURATION, "--web.max-connections=64")
    server = Server(started.port)
    with contextlib.ExitStack() as stack:
        for _ in range(200):
            stack.enter_context(server.connect())
            if _ % 20 == 0:
                assert server.scrape()[0] == 200
        text = started.scrape()
        assert text.sum("tracepoint_exporter_http_connections") <= 64
        assert text.sum("tracepoint_exporter_http_connections_dropped_total", reason="limit") >= 100


def test_scrapes_beyond_the_limit_are_told_to_come_back(exporter):
    started = exporter(CONFIGURATION, "--web.max-requests=1")
    make_series(10000)
    server = Server(started.port)
    codes = set()
    with contextlib.ExitStack() as stack:
        connections = [stack.enter_context(server.connect()) for _ in range(64)]
        for connection in connections:
            connection.sendall(server.request())
        for connection in connections:
            answer = connection.recv(200)
            codes.add(answer.split()[1])
            if answer.split()[1] == b"503":
                assert b"\r\nRetry-After: 1\r\n" in answer
    assert codes == {b"200", b"503"}
    wait_until(lambda: server.scrape()[0] == 200, "the one that was accepted is over")
    assert started.scrape().sum("tracepoint_exporter_http_requests_total", code="503") > 0


class Scraper:
    """A Prometheus server as far as the exporter can tell, with a connection for each scrape, one every INTERVAL."""

    INTERVAL = 2
    HEADERS = b"Host: test\r\nUser-Agent: Prometheus/3.5.3\r\nX-Prometheus-Scrape-Timeout-Seconds: 2\r\n"

    def __init__(self, port, connection_header):
        self.port, self.more = port, connection_header
        self.due = 0

    def ask(self, receive_buffer=None):
        time.sleep(max(0, self.due - time.monotonic()))
        self.due = time.monotonic() + self.INTERVAL
        made = socket.socket()
        if receive_buffer:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        made.settimeout(60)
        made.connect(("127.0.0.1", self.port))
        made.sendall(b"GET /metrics HTTP/1.1\r\n" + self.HEADERS + self.more + b"\r\n")
        return made

    def scrape(self):
        """The counts by offset."""
        with self.ask() as made:
            answer = http.client.HTTPResponse(made)
            answer.begin()
            text = answer.read().decode()
        return {int(m[1]): int(m[2]) for m in re.finditer(r'^tracepoint_seeks_total\{offset="(\d+)"\} (\d+)$', text, re.M)}

    def hang_up(self, receive_buffer):
        with self.ask(receive_buffer) as made:
            assert len(made.recv(1000)) > 0


@pytest.mark.parametrize("connection", [b"", b"Connection: close\r\n"], ids=["kept", "closed"])
@pytest.mark.parametrize("receive_buffer", [4096, 8 << 20], ids=["in the middle", "with all of it unread"])
def test_a_scraper_that_hangs_up_loses_no_rise(exporter, connection, receive_buffer):
    started = exporter(CONFIGURATION.replace("args.whence == 0", f"args.whence == 0 && tid == {threading.get_native_id()}"))
    scraper = Scraper(started.port, connection)
    scraper.scrape()
    make_series(12000)
    scraper.hang_up(receive_buffer)
    first = scraper.scrape()
    assert len(first) == 12000
    make_series(12000)
    second = scraper.scrape()
    assert sum(second.values()) - sum(first.values()) == 24000


def test_a_scraper_that_does_not_read_makes_no_other_wait(exporter):
    """Beside 3 readers of a page of some 20 MB, of 4 scrapes at once, none of whom reads."""
    started = exporter(CONFIGURATION.replace("16384", "262144").replace("offset: args.offset", "offset: args.offset, a_label_that_makes_pages_long: comm"))
    make_series(200000)
    with contextlib.ExitStack() as stack:
        for _ in range(3):
            made = stack.enter_context(Scraper(started.port, b"").ask(4096))
            assert made.recv(1) == b"H"
        # A good scrape was answered while all three pages were kept for those who do not read them.
        assert max(started.scrape().sum("tracepoint_exporter_http_buffered_bytes") for _ in range(3)) > 40 << 20


def answer_of(port, path):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    with contextlib.closing(connection):
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read().decode()


def test_paths_have_the_route_prefix(service):
    started = service("--web.listen-address=127.0.0.1:0", "--web.route-prefix=/node/tracepoints/")
    port = started.ready()
    status, _, page = answer_of(port, "/node/tracepoints/")
    assert status == 200
    for path in ("/node/tracepoints/metrics", "/node/tracepoints/-/healthy", "/node/tracepoints/-/ready"):
        assert f'href="{path}"' in page
        assert answer_of(port, path)[0] == 200
    for path in ("/metrics", "/-/healthy", "/node/tracepointsmetrics"):
        assert answer_of(port, path)[0] == 404
    status, headers, _ = answer_of(port, "/")
    assert status == 302
    assert headers["Location"] == "/node/tracepoints/"
    assert "/node/tracepoints/metrics" in started.log_text()


def test_the_process_metrics_can_be_left_out(service):
    started = service("--web.listen-address=127.0.0.1:0", "--web.disable-exporter-metrics")
    port = started.ready()
    names = set(re.findall(r"^# TYPE (\S+)", answer_of(port, "/metrics")[2], re.M))
    assert not [name for name in names if name.startswith(("process_", "tracepoint_exporter_http_"))]
    assert not [name for name in names if "scrape_duration" in name or "log_messages" in name]
    assert {"tracepoint_exporter_metric_up", "tracepoint_exporter_build_info"} <= names
