"""Rude clients: whoever asks properly is answered beside them, and what they can take is bounded."""

import contextlib
import os
import subprocess

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
