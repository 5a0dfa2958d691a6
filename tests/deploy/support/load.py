"""Something for the exporter to count."""

import contextlib
import mmap
import os
import signal
import socket
import subprocess
import threading


class Load:
    """A thread that does, again and again, a little of everything that the dashboards show."""

    def __init__(self, directory, device):
        self.directory, self.device = directory, device
        self.failure = None
        self.stopping = threading.Event()
        self.full = socket.socket()  # its queue is full, so that SYN segments go unanswered and are sent again
        self.full.bind(("127.0.0.1", 0))
        self.full.listen(0)
        self.waiting = []
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def stop(self):
        self.stopping.set()
        self.thread.join()
        for each in [self.full, *self.waiting]:
            each.close()
        if self.failure:
            raise self.failure

    def _run(self):
        try:
            while not self.stopping.wait(0.05):  # a pace, not a wait for something
                self._files()
                self._processes()
                self._network()
                self._block()
        except Exception as error:  # noqa: BLE001 - shown by stop()
            self.failure = error

    def _files(self):
        file = self.directory / "file"
        file.write_bytes(b"x" * 65536)
        file.read_bytes()
        with contextlib.suppress(FileNotFoundError):
            (self.directory / "absent").read_bytes()

    def _processes(self):
        subprocess.run(["/bin/sh", "-c", "/bin/true; kill -CHLD $$"], check=True)
        threading.Thread(target=os.getpid).start()
        os.kill(os.getpid(), signal.SIGCHLD)

    def _network(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.sendto(b"x" * 512, ("127.0.0.1", 9))  # no one listens: dropped
        with socket.socket() as refused, contextlib.suppress(ConnectionRefusedError):
            refused.connect(("127.0.0.1", 1))  # a reset, sent and received
        if len(self.waiting) < 60:
            again = socket.socket()
            again.setblocking(False)
            again.connect_ex(self.full.getsockname())
            self.waiting.append(again)

    def _block(self):
        """A block read from a device that has it, and one that its file ends before."""
        descriptor = os.open(self.device.path, os.O_RDONLY | os.O_DIRECT)
        try:
            with mmap.mmap(-1, 4096) as page:  # O_DIRECT wants alignment
                os.preadv(descriptor, [page], 0)
                with contextlib.suppress(OSError):
                    os.preadv(descriptor, [page], 48 << 20)
        finally:
            os.close(descriptor)


class Busy(Load):
    """A host at work on which nothing is wrong: programs start, files, blocks and packets move, other BPF tools look around."""

    def _run(self):
        try:
            with socket.create_server(("127.0.0.1", 0)) as server:
                rounds = 0
                while not self.stopping.wait(0.02):  # a pace, not a wait for something
                    rounds += 1
                    (self.directory / "file").write_bytes(b"x" * 262144)
                    self._processes()
                    self._transfer(server)
                    self._read_blocks()
                    if rounds % 20 == 0:
                        subprocess.run(["bpftool", "prog", "show"], stdout=subprocess.DEVNULL, check=True)
        except Exception as error:  # noqa: BLE001 - shown by stop()
            self.failure = error

    def _transfer(self, server):
        """A connection over the loopback device, and half a megabyte through it."""
        with socket.create_connection(server.getsockname()) as sender, server.accept()[0] as receiver:
            thread = threading.Thread(target=sender.sendall, args=(b"x" * 524288,))
            thread.start()
            left = 524288
            while left:
                left -= len(receiver.recv(65536))
            thread.join()

    def _read_blocks(self):
        descriptor = os.open(self.device.path, os.O_RDONLY | os.O_DIRECT)
        try:
            with mmap.mmap(-1, 65536) as pages:  # O_DIRECT wants alignment
                for place in range(0, 1 << 20, 65536):
                    os.preadv(descriptor, [pages], place)
        finally:
            os.close(descriptor)
