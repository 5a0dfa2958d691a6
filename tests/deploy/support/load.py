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
