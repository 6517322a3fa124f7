"""Memory that is the machine's own.

A virtual machine gives memory that has been free for two seconds back to its host, which fills each
page anew when somebody takes it: for gigabytes that costs whoever does as much as moving the bytes, and
varies from run to run. So as much as a run needs is taken before it, and let go bit by bit as the run
takes it: what a client gets has just been in use.
"""

import mmap
import threading

CHUNK = 64 << 20
LEFT = 1 << 30  # to the client and to everybody else, at least
LOOK_EVERY_S = 0.01


def free_bytes():
    with open("/proc/meminfo", encoding="ascii") as lines:
        return next(int(line.split()[1]) for line in lines if line.startswith("MemFree")) * 1024


class Ballast:
    """In a `with` statement, around what will take so many bytes."""

    def __init__(self, wanted):
        self.wanted = wanted
        self.chunks = []
        self.level = 0
        self.done = threading.Event()
        self.thread = threading.Thread(target=self.let_go)

    def __enter__(self):
        while CHUNK * len(self.chunks) < self.wanted + LEFT and free_bytes() > LEFT + CHUNK:
            self.chunks.append(mmap.mmap(-1, CHUNK, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
                                         | mmap.MAP_POPULATE))
        self.level = free_bytes() + CHUNK
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.done.set()
        self.thread.join()
        for chunk in self.chunks:
            chunk.close()

    def let_go(self):
        """There is always a chunk more free than there was."""
        while not self.done.wait(LOOK_EVERY_S):
            while self.chunks and free_bytes() < self.level:
                self.chunks.pop().close()
