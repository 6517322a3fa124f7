"""Servers as children of a test: on a free port of loopback, in a temporary folder that goes with
them. They die with the test, however it ends."""

import ctypes
import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time

START_SECONDS_MAX = 60
PR_SET_PDEATHSIG = 1


def free_port():
    """Below the range from which the kernel takes the ports of clients."""
    while True:
        port = random.randrange(20000, 32000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue


def die_with_parent():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def accepts(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def tail(path, lines=10):
    try:
        with open(path, encoding="utf-8", errors="replace") as text:
            return "".join(text.readlines()[-lines:])
    except OSError:
        return "it wrote no log"


def wait_for(check, what, seconds, children=()):
    """What `check` returns once it is true. `children` are as those of Daemons."""
    deadline = time.monotonic() + seconds
    while True:
        found = check()
        if found:
            return found
        for child, _, log_path in children:
            if child.poll() is not None:
                raise RuntimeError(f"{child.args[0]} has ended: {tail(log_path)}")
        if time.monotonic() > deadline:
            logs = "\n".join(tail(log_path) for _, _, log_path in children)
            raise RuntimeError(f"waited in vain for {what}: {logs}")
        time.sleep(0.05)


class Daemons:
    """A server of one or more processes. `start` is the subclass's, and sets `url`, `access_key` and
    `secret_key`."""

    url = access_key = secret_key = None

    def __init__(self, name):
        self.folder = tempfile.mkdtemp(prefix=f"sluice-{name}-")
        self.children = []

    def spawn(self, name, port, *command):
        """Runs it; what it prints is in NAME.log."""
        log_path = os.path.join(self.folder, f"{name}.log")
        with open(log_path, "wb") as log:
            child = subprocess.Popen(command, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log,
                                     stderr=subprocess.STDOUT, preexec_fn=die_with_parent)
        self.children.append((child, port, log_path))

    def wait(self):
        """Until each takes connections."""
        deadline = time.monotonic() + START_SECONDS_MAX
        for child, port, log_path in self.children:
            while not accepts(port):
                if child.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"{child.args[0]} did not start: {tail(log_path)}")
                time.sleep(0.05)

    def stop(self):
        for child, _, _ in reversed(self.children):
            child.kill()
            child.wait()
        self.children.clear()
        shutil.rmtree(self.folder, ignore_errors=True)
