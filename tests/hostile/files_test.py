"""Files that are none: what waits for a writer, or has no end, is refused at once."""

import os

import pytest

from harness.exporter import run


@pytest.fixture
def fifo(tmp_path):
    path = tmp_path / "fifo"
    os.mkfifo(path)
    return path


@pytest.mark.parametrize("path", ["fifo", "/dev/zero", "/dev/tty"])
def test_check_says_what_it_does_not_read(fifo, path):
    result = run("check", str(fifo) if path == "fifo" else path, seconds=20)
    assert result.returncode != 0
    assert result.stderr.startswith("error: ") or "error:" in result.stderr


@pytest.mark.parametrize("flag", ["--config.file", "--web.config.file"])
def test_serve_ends_where_a_configuration_is_a_fifo(fifo, configuration, flag):
    config = [] if flag == "--config.file" else [f"--config.file={configuration('metrics: []')}"]
    result = run("serve", f"{flag}={fifo}", "--web.listen-address=127.0.0.1:0", *config, seconds=30)
    assert result.returncode in (1, 2)
    assert "not a regular file" in result.stderr


@pytest.mark.parametrize("key", ["cert_file", "key_file", "client_ca_file"])
def test_serve_ends_where_a_certificate_is_a_fifo(service, tmp_path, fifo, key):
    files = {"cert_file": "cert.pem", "key_file": "key.pem", "client_ca_file": "cert.pem", key: fifo.name}
    os.system(f"cd {tmp_path} && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=test "
              "-keyout key.pem -out cert.pem 2>/dev/null")
    web = tmp_path / "web.yml"
    web.write_text("tls_server_config:\n  client_auth_type: RequireAndVerifyClientCert\n" +
                   "".join(f"  {name}: {file}\n" for name, file in files.items()))
    started = service("--web.listen-address=127.0.0.1:0", f"--web.config.file={web}")
    assert started.end() == 1
    assert "not a regular file" in started.log_text()


def test_an_object_that_is_a_fifo_is_refused(fifo, configuration):
    text = f"bpf_objects:\n  - file: {fifo}\n    metrics: []\n"
    result = run("check", str(configuration(text)), seconds=20)
    assert result.returncode != 0
