"""
Many downloads at once that cost next to nothing, so that the servers are measured and not their client: on Linux, reading a TCP
socket with MSG_TRUNC throws the bytes away inside the kernel, without copying them. One thread, one select loop.

Reads one JSON object from standard input: {"port": 6000, "connections": [["/path", ...], ...]}, paths of one connection one after the
other, or {"port": 6000, "probe": ["/path", ...], "every": seconds}: one new connection per path in turn until standard input ends.
Prints one JSON object: seconds, bytes, processor seconds, and for every answer the seconds to its first byte.
"""
import json
import resource
import select
import selectors
import socket
import sys
import time

SCRATCH = bytearray(1 << 20)
# docker-registry answers 404 to who does not list the type it has.
ACCEPT = "application/vnd.oci.image.manifest.v1+json, */*"


class Download:
    def __init__(self, port, paths):
        self.paths = list(reversed(paths))
        self.port = port
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.firsts = []
        self.bytes = 0
        self.ask()

    def ask(self):
        path = self.paths.pop()
        keep = "keep-alive" if self.paths else "close"
        host = f"127.0.0.1:{self.port}"
        head = f"GET {path} HTTP/1.1\r\nHost: {host}\r\nAccept: {ACCEPT}\r\nConnection: {keep}\r\n\r\n"
        self.head = b""
        self.left = None
        self.asked = time.perf_counter()
        self.socket.setblocking(True)
        self.socket.sendall(head.encode())
        self.socket.setblocking(False)

    def read(self):
        """False when everything has come."""
        if self.left is None:
            self.read_head()
        else:
            got = self.socket.recv_into(SCRATCH, min(len(SCRATCH), self.left), socket.MSG_TRUNC)
            if got == 0:
                raise OSError("the connection ended early")
            self.left -= got
            self.bytes += got
        if self.left != 0:
            return True
        if self.paths:
            self.ask()
            return True
        self.socket.close()
        return False

    def read_head(self):
        # No more than the head: what follows is thrown away without a copy.
        peeked = self.socket.recv(65536, socket.MSG_PEEK)
        if not peeked:
            raise OSError("the connection ended before an answer")
        if len(self.firsts) < 1 or self.head == b"":
            self.firsts.append(time.perf_counter() - self.asked)
        end = (self.head + peeked).find(b"\r\n\r\n")
        take = len(peeked) if end < 0 else end + 4 - len(self.head)
        self.head += self.socket.recv(take)
        if end < 0:
            return
        lines = self.head.lower().split(b"\r\n")
        if b" 200 " not in lines[0] + b" ":
            raise OSError(lines[0].decode())
        lengths = [line for line in lines if line.startswith(b"content-length:")]
        self.left = int(lengths[0].split(b":")[1])


def run(port, connections):
    waiting = selectors.DefaultSelector()
    downloads = [Download(port, paths) for paths in connections]
    for download in downloads:
        waiting.register(download.socket, selectors.EVENT_READ, download)
    while waiting.get_map():
        for key, _ in waiting.select():
            try:
                if not key.data.read():
                    waiting.unregister(key.fileobj)
            except BlockingIOError:
                continue
    return downloads


def probe(port, paths, every):
    firsts = {path: [] for path in paths}
    while not select.select([sys.stdin], [], [], every)[0]:
        for path in paths:
            [download] = run(port, [[path]])
            firsts[path].append(download.firsts[0])
    return firsts


def main():
    task = json.loads(sys.stdin.readline())
    started = time.perf_counter()
    if "probe" in task:
        print(json.dumps({"firsts": probe(task["port"], task["probe"], task["every"])}))
        return
    downloads = run(task["port"], task["connections"])
    wall = time.perf_counter() - started
    used = resource.getrusage(resource.RUSAGE_SELF)
    print(
        json.dumps(
            {
                "wall": wall,
                "bytes": sum(download.bytes for download in downloads),
                "cpu": used.ru_utime + used.ru_stime,
                "firsts": [first for download in downloads for first in download.firsts],
            }
        )
    )


main()
