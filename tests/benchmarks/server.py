"""An API server that plays a recording: pods, also as a custom kind, on loopback, faster than any client.

    python tests/benchmarks/server.py FOLDER [--behind]

It prints its port, and ends when its standard input does. Bodies come from the files that `bake` made and go out with
`sendfile`, so that it costs next to no CPU; lists are gzipped where a client asks for it, as by the real one. A watch
first sends what it was asked for (a streaming list, the state, or nothing) and then waits for one of:

    POST /_bench/burst?n=0            every event of burst-0, as fast as the connection takes them
    POST /_bench/steady?rate=200      changes at a fixed rate, each with the time of its sending in an annotation

Both answer as soon as a watch is there to take the events. With --behind, burst-0 has happened since the list: a watch
from the list's version begins with it, and who asks for a list of one object hears of its last version.
"""

from __future__ import annotations

import json
import queue
import re
import select
import socket
import sys
import threading
import time
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from corpus import SENT_PLACEHOLDER
from small_objects import made

JSON = "application/json"
PROTOBUF = "application/vnd.kubernetes.protobuf"
VERBS = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"]
RESOURCES = (("pods", "pod", "Pod", True), ("namespaces", "namespace", "Namespace", False))
DISCOVERY = {
    "/version": {"major": "1", "minor": "37", "gitVersion": "v1.37.2", "platform": "linux/amd64"},
    "/api": {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []},
    "/apis": {"kind": "APIGroupList", "apiVersion": "v1", "groups": []},
    "/api/v1": {
        "kind": "APIResourceList",
        "groupVersion": "v1",
        "resources": [
            {"name": plural, "singularName": singular, "namespaced": namespaced, "kind": kind, "verbs": VERBS}
            for plural, singular, kind, namespaced in RESOURCES
        ],
    },
    "/api/v1/namespaces": {
        "kind": "NamespaceList",
        "apiVersion": "v1",
        "metadata": {"resourceVersion": "1"},
        "items": [],
    },
    # By whose uid a cluster is known.
    "/api/v1/namespaces/kube-system": {
        "kind": "Namespace",
        "apiVersion": "v1",
        "metadata": {"name": "kube-system", "uid": "2f1c9a5e-8f0a-4c53-9b0e-6c6f0d0f7f11"},
    },
}
AGGREGATED = {
    "/api": [
        {
            "metadata": {"name": ""},
            "versions": [
                {
                    "version": "v1",
                    "resources": [
                        {
                            "resource": plural, "singularResource": singular, "verbs": VERBS,
                            "responseKind": {"group": "", "version": "v1", "kind": kind},
                            "scope": "Namespaced" if namespaced else "Cluster",
                        }
                        for plural, singular, kind, namespaced in RESOURCES
                    ],
                },
            ],
        },
    ],
    "/apis": [],
}  # fmt: skip
STATUS = {
    "kind": "Status",
    "apiVersion": "v1",
    "metadata": {},
    "status": "Failure",
    "reason": "NotFound",
    "message": "not recorded",
    "code": 404,
}


#: What a resource's files begin with.
STATES = {"/api/v1/pods": "", "/apis/bench.example/v1/widgets": "custom-"}
_VERSIONS = re.compile(rb'"resourceVersion":"(\d+)"')
#: A namespace's pods, or one of many small kinds; each has so many objects.
_SMALL = re.compile(r"/api/v1/namespaces/(?P<namespace>[^/]+)/pods|/apis/small\.example/v1/(?P<plural>[a-z0-9]+)")
_NAMESPACE = re.compile(rb'"namespace":"[^"]*"')
_FEW = 20


def _compact(obj: object) -> bytes:
    return json.dumps(obj, separators=(",", ":")).encode()


class Player:
    """The recording and the watches that are open."""

    def __init__(self, folder: Path, *, behind: bool = False) -> None:
        self.folder = folder
        self.behind = behind
        self._changed = threading.Condition()
        self._watches: list[queue.SimpleQueue[tuple[str, float]]] = []

    def open_watch(self) -> queue.SimpleQueue[tuple[str, float]]:
        orders: queue.SimpleQueue[tuple[str, float]] = queue.SimpleQueue()
        with self._changed:
            self._watches.append(orders)
            self._changed.notify_all()
        return orders

    def close_watch(self, orders: queue.SimpleQueue[tuple[str, float]]) -> None:
        with self._changed:
            self._watches.remove(orders)

    def order(self, name: str, rate: float) -> bool:
        """Have every open watch send the recording *name*; wait for the first watch if there is none."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._watches, timeout=60):
                return False
            for orders in self._watches:
                orders.put((name, rate))
        return True


class Connection:
    """One client's connection: requests one after the other, until a watch or the end."""

    def __init__(self, sock: socket.socket, player: Player) -> None:
        self._sock = sock
        self._player = player
        self._read = sock.makefile("rb")

    def serve(self) -> None:
        try:
            while self._answer():
                pass
        except (ConnectionError, TimeoutError, BrokenPipeError):
            pass
        finally:
            self._read.close()
            self._sock.close()

    def _answer(self) -> bool:
        line = self._read.readline(65536).split()
        if len(line) != 3:
            return False
        headers: dict[str, str] = {}
        while (header := self._read.readline(65536)) not in (b"\r\n", b""):
            name, _, value = header.decode("latin-1").partition(":")
            headers[name.lower()] = value.strip()
        self._read.read(int(headers.get("content-length", 0)))
        url = urlsplit(line[1].decode())
        query = {key: values[-1] for key, values in parse_qs(url.query).items()}
        if url.path.startswith("/_bench/"):
            return self._control(url.path.removeprefix("/_bench/"), query)
        watch = query.get("watch") in ("1", "true", "True")
        if url.path == "/api/v1/namespaces" and watch:
            return self._watch_nothing()
        prefix = STATES.get(url.path)
        if prefix is None and watch and (small := _SMALL.fullmatch(url.path)) is not None:
            return self._watch_small(small["namespace"] or "", small["plural"] or "")
        if prefix is None:
            found = _discovery(url.path.rstrip("/"), headers.get("accept", ""))
            return self._send_json(found or STATUS, status="200 OK" if found else "404 Not Found")
        if watch:
            return self._watch(query, headers.get("accept", JSON), prefix)
        return self._list(query, prefix, squeeze="gzip" in headers.get("accept-encoding", ""))

    def _control(self, action: str, query: dict[str, str]) -> bool:
        name = f"burst-{query['n']}" if action == "burst" else "steady"
        started = self._player.order(name, float(query.get("rate", 0)))
        return self._send_json({"started": started}, status="200 OK" if started else "503 Service Unavailable")

    def _list(self, query: dict[str, str], prefix: str, *, squeeze: bool) -> bool:
        name = "list.json"
        if query.get("limit") == "1":
            return self._one()
        if "limit" in query and int(query["limit"]) > 0:
            name = f"pages-{int(query.get('continue', 'page-0').removeprefix('page-')):05d}.json"
        self._send_head(JSON, "gzip" if squeeze else "")
        self._send_file(prefix + name + (".gz" if squeeze else ""))
        return True

    def _one(self) -> bool:
        """Answer with a list of one object, and the version of now: that is what it is asked for."""
        folder = self._player.folder
        with (folder / "initial.json").open("rb") as file:
            first = file.read(int(file.readline(), 16)).removeprefix(b'{"type":"ADDED","object":')[:-2]
        version = _last_version(folder / "burst-0.json") if self._player.behind else _list_version(folder)
        metadata = {"resourceVersion": version, "continue": "page-0"}
        shown = {"kind": "PodList", "apiVersion": "v1", "metadata": metadata, "items": [json.loads(first)]}
        return self._send_json(shown, status="200 OK")

    def _watch(self, query: dict[str, str], accept: str, prefix: str) -> bool:
        protobuf = accept.startswith(PROTOBUF) and (self._player.folder / "initial.pb").exists()
        kind = "pb" if protobuf else "json"
        self._send_head(f"{PROTOBUF};stream=watch" if protobuf else JSON)
        if query.get("sendInitialEvents") == "true":
            self._send_file(f"{prefix}initial.{kind}")
        elif query.get("resourceVersion", "") in ("", "0"):
            self._send_file(f"{prefix}state.{kind}")
        elif self._player.behind and query["resourceVersion"] == _list_version(self._player.folder):
            self._send_file(f"burst-0.{kind}")
        orders = self._player.open_watch()
        try:
            while not select.select([self._sock], [], [], 0)[0]:
                try:
                    name, rate = orders.get(timeout=0.1)
                except queue.Empty:
                    continue
                if rate:
                    self._send_steadily(f"{name}.{kind}", rate)
                else:
                    self._send_file(f"{name}.{kind}")
        finally:
            self._player.close_watch(orders)
        return False

    def _watch_small(self, namespace: str, plural: str) -> bool:
        """Answer with a streaming list of twenty pods of a namespace, or of twenty leases as a custom kind."""
        self._send_head(JSON)
        if namespace:
            with (self._player.folder / "initial.json").open("rb") as file:
                read = (file.read(int(file.readline(), 16) + 2)[:-2] for _ in range(_FEW))
                lines = [_NAMESPACE.sub(b'"namespace":"%b"' % namespace.encode(), line, count=1) for line in read]
            kind, version = "Pod", "v1"
        else:
            kind, version = plural.title(), "small.example/v1"
            objects = [{"apiVersion": version, "kind": kind, **made("lease", number)} for number in range(_FEW)]
            lines = [b'{"type":"ADDED","object":%b}\n' % _compact(each) for each in objects]
        metadata = {"annotations": {"k8s.io/initial-events-end": "true"}, "resourceVersion": "2000000"}
        end = _compact({"kind": kind, "apiVersion": version, "metadata": metadata})
        lines.append(b'{"type":"BOOKMARK","object":%b}\n' % end)
        self._sock.sendall(b"".join(b"%x\r\n%b\r\n" % (len(line), line) for line in lines))
        select.select([self._sock], [], [], 600)
        return False

    def _watch_nothing(self) -> bool:
        self._send_head(JSON)
        select.select([self._sock], [], [], 600)
        return False

    def _send_head(self, content_type: str, encoding: str = "") -> None:
        head = f"HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\nTransfer-Encoding: chunked\r\n"
        self._sock.sendall((head + (f"Content-Encoding: {encoding}\r\n" if encoding else "") + "\r\n").encode())

    def _send_json(self, body: object, *, status: str) -> bool:
        data = json.dumps(body).encode()
        head = f"HTTP/1.1 {status}\r\nContent-Type: {JSON}\r\nContent-Length: {len(data)}\r\n\r\n"
        self._sock.sendall(head.encode() + data)
        return True

    def _send_file(self, name: str) -> None:
        with (self._player.folder / name).open("rb") as file:
            self._sock.sendfile(file)

    def _send_steadily(self, name: str, rate: float) -> None:
        chunks = _chunks((self._player.folder / name).read_bytes())
        start = time.monotonic()
        for number, (before, after) in enumerate(chunks):
            time.sleep(max(0.0, start + number / rate - time.monotonic()))
            self._sock.sendall(b"%b%019d%b" % (before, time.time_ns(), after))


def _list_version(folder: Path) -> str:
    with (folder / "list.json").open("rb") as file:
        return _VERSIONS.findall(file.read(4096))[0].decode()


def _last_version(burst: Path) -> str:
    with burst.open("rb") as file:
        file.seek(max(0, burst.stat().st_size - (1 << 16)))
        return max(_VERSIONS.findall(file.read()), key=int).decode()


def _discovery(path: str, accept: str) -> object:
    if "APIGroupDiscoveryList" in accept and path in AGGREGATED:
        version = "apidiscovery.k8s.io/v2" if "v=v2;" in accept or "v=v2," in accept else "apidiscovery.k8s.io/v2beta1"
        return {"kind": "APIGroupDiscoveryList", "apiVersion": version, "metadata": {}, "items": AGGREGATED[path]}
    return DISCOVERY.get(path)


def _chunks(data: bytes) -> list[tuple[bytes, bytes]]:
    """Split a recording into its chunks, and each where the time of sending goes."""
    chunks: list[tuple[bytes, bytes]] = []
    at = 0
    while at < len(data):
        line_end = data.index(b"\r\n", at)
        end = line_end + 2 + int(data[at:line_end], 16) + 2
        before, _, after = data[at:end].partition(SENT_PLACEHOLDER)
        chunks.append((before, after))
        at = end
    return chunks


def main() -> None:
    player = Player(Path(sys.argv[1]), behind="--behind" in sys.argv[2:])
    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)

    def accept() -> None:
        while True:
            sock, _ = listener.accept()
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.settimeout(600)
            threading.Thread(target=Connection(sock, player).serve, daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    print(listener.getsockname()[1], flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
