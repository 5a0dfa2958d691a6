"""Clients that do what no client should, from a process of their own, so that measuring beside them is fair.

As a program it measures: rude.py PORT [--host ADDRESS] [--tls] [--password USER:PASSWORD] prints what a good client's scrape
takes alone and beside 1,000 idle connections, 200 slow headers, 64 readers of a byte a second and 32 password guessers.
"""

import argparse
import base64
import contextlib
import http.client
import multiprocessing
import socket
import ssl
import statistics
import time


def context():
    made = ssl.create_default_context()
    made.check_hostname = False
    made.verify_mode = ssl.CERT_NONE
    return made


class Server:
    """Where to connect, and how."""

    def __init__(self, port, host="127.0.0.1", tls=False, credentials=None, path="/metrics"):
        self.port, self.host, self.tls, self.credentials, self.path = port, host, tls, credentials, path

    def connect(self):
        made = socket.create_connection((self.host, self.port), timeout=60)
        return context().wrap_socket(made) if self.tls else made

    def headers(self, credentials=None):
        chosen = credentials or self.credentials
        if chosen is None:
            return {}
        return {"Authorization": "Basic " + base64.b64encode(chosen.encode()).decode()}

    def request(self, credentials=None):
        lines = [f"GET {self.path} HTTP/1.1", "Host: test"]
        lines += [f"{name}: {value}" for name, value in self.headers(credentials).items()]
        return ("\r\n".join(lines) + "\r\n\r\n").encode()

    def scrape(self, gzip=False):
        """Status and size of a whole answer on a connection of its own."""
        if self.tls:
            connection = http.client.HTTPSConnection(self.host, self.port, timeout=60, context=context())
        else:
            connection = http.client.HTTPConnection(self.host, self.port, timeout=60)
        try:
            connection.request("GET", self.path, headers={**self.headers(), **({"Accept-Encoding": "gzip"} if gzip else {})})
            answer = connection.getresponse()
            return answer.status, len(answer.read())
        finally:
            connection.close()


def guesses(server, stop, number):
    count = 0
    while not stop.is_set():
        with contextlib.suppress(OSError, http.client.HTTPException), server.connect() as connection:
            while not stop.is_set():
                count += 1
                connection.sendall(server.request(f"admin:guess {number} {count}"))
                if not connection.recv(65536):
                    break


def be_rude(server, ready, stop, idle, headers, readers, guessers):
    """Holds all those connections until told to stop; what the server ends is begun anew."""
    import threading

    for number in range(guessers):
        threading.Thread(target=guesses, args=(server, stop, number), daemon=True).start()
    held = {"idle": [], "headers": [], "readers": []}
    wanted = {"idle": idle, "headers": headers, "readers": readers}
    while not stop.is_set():
        for kind, connections in held.items():
            connections[:] = [each for each in connections if each.fileno() >= 0]
            while len(connections) < wanted[kind] and not stop.is_set():
                try:
                    made = server.connect()
                    if kind == "headers":
                        made.sendall(b"GET /metrics HTTP/1.1\r\n")
                    elif kind == "readers":
                        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                        made.sendall(server.request())
                    made.settimeout(0)
                    connections.append(made)
                except OSError:
                    break
        ready.set()
        if stop.wait(1):
            break
        for kind, connections in held.items():
            for each in connections:
                with contextlib.suppress(OSError):
                    if kind == "headers":
                        each.sendall(b"X: y\r\n")
                    with contextlib.suppress(BlockingIOError, ssl.SSLWantReadError):
                        if each.recv(1) == b"":
                            each.close()
                    continue
                each.close()


@contextlib.contextmanager
def rude_clients(server, idle=1000, headers=200, readers=64, guessers=32):
    """While in the context, so many rude clients are connected."""
    method = multiprocessing.get_context("fork")
    ready, stop = method.Event(), method.Event()
    process = method.Process(target=be_rude, args=(server, ready, stop, idle, headers, readers, guessers), daemon=True)
    process.start()
    try:
        assert ready.wait(60), "the rude clients did not all connect"
        yield
    finally:
        stop.set()
        process.join(10)
        if process.is_alive():
            process.kill()


def measure(server, seconds, gzip):
    times, bad = [], 0
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        begin = time.monotonic()
        status, _ = server.scrape(gzip)
        times.append((time.monotonic() - begin) * 1000)
        bad += status != 200
    times.sort()
    return {
        "scrapes": len(times),
        "bad": bad,
        "p50": statistics.median(times),
        "p99": times[min(len(times) - 1, len(times) * 99 // 100)],
        "max": times[-1],
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("port", type=int)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--tls", action="store_true")
    parser.add_argument("--password")
    parser.add_argument("--gzip", action="store_true")
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--alone", action="store_true")
    options = parser.parse_args()
    server = Server(options.port, options.host, options.tls, options.password)
    status, size = server.scrape(options.gzip)
    print(f"status {status}, {size} bytes")

    def show(name, result):
        print(name, " ".join(f"{key} {value:.1f}" if isinstance(value, float) else f"{key} {value}" for key, value in result.items()), flush=True)

    show("alone ", measure(server, options.seconds, options.gzip))
    if not options.alone:
        with rude_clients(server, guessers=32 if options.password else 0):
            show("beside", measure(server, options.seconds, options.gzip))


if __name__ == "__main__":
    main()
