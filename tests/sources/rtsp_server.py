"""A small RTSP server for tests: one client, one MPEG-TS file as RTP, by TCP or by UDP only.

`python -m tests.sources.rtsp_server FILE.ts PORT` runs it as a process of its own, to be stopped
and continued by signals.
"""

import base64
import re
import socket
import struct
import sys
import threading
import time
from pathlib import Path

RTP_BYTES = 7 * 188
"""Bytes of an RTP packet: seven packets of a transport stream."""
_SDP = (
    "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=test\r\nt=0 0\r\nm=video 0 RTP/AVP 33\r\na=control:v\r\n"
)


class RtspServer:
    """Serves `data` over and over until closed; `password` is for the user "bob".

    An RTP packet goes out every `pace_s` seconds; With
    `stall_after` it stops sending after that many of them and stays silent. While `silent` is set
    it answers nothing and sends nothing, as a stopped process does. With `udp` it refuses RTP
    inside the connection.
    """

    def __init__(
        self,
        data: bytes,
        password: str = "",
        stall_after: int | None = None,
        port: int = 0,
        udp: bool = False,
        pace_s: float = 0.002,
    ) -> None:
        self._data, self._stall_after, self._udp = data, stall_after, udp
        self._pace_s = pace_s
        self.silent = threading.Event()
        self.connections = 0
        self._udp_client: tuple[str, int] | None = None
        self._token = base64.b64encode(f"bob:{password}".encode()).decode() if password else ""
        self._closed = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", port))
        self.port = self._listener.getsockname()[1]
        self.transports: list[str] = []
        self._thread = threading.Thread(target=self._run, name="test-rtsp")
        self._thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._closed.set()
        with socket.socket() as wake:
            wake.connect(("127.0.0.1", self.port))
        self._thread.join(5)
        self._listener.close()
        assert not self._thread.is_alive()

    def _run(self) -> None:
        while not self._closed.is_set():
            connection, _ = self._listener.accept()
            with connection:
                self.connections += 1
                try:
                    self._serve(connection)
                except OSError:
                    continue

    def _serve(self, connection: socket.socket) -> None:
        connection.settimeout(0.05)
        waiting = b""
        while not self._closed.is_set():
            if self.silent.is_set():
                if _hung_up(connection):
                    return
                self._closed.wait(0.02)
                continue
            try:
                received = connection.recv(4096)
            except TimeoutError:
                continue
            if not received:
                return
            waiting += received
            while b"\r\n\r\n" in waiting:
                head, _, waiting = waiting.partition(b"\r\n\r\n")
                if self._answer(connection, head.decode()) == "PLAY":
                    self._send_media(connection)
                    return

    def _answer(self, connection: socket.socket, request: str) -> str:
        method = request.split(" ", 1)[0]
        number = re.search(r"CSeq: *(\d+)", request)[1]
        status, headers, body = "200 OK", ["Session: 1"], ""
        if self._token and f"Basic {self._token}" not in request:
            status, headers = "401 Unauthorized", ['WWW-Authenticate: Basic realm="test"']
        elif method == "DESCRIBE":
            headers.append("Content-Type: application/sdp")
            body = _SDP
        elif method == "SETUP":
            transport = re.search(r"Transport: *(.*)", request)[1].strip()
            self.transports.append(transport)
            if self._udp and "TCP" not in transport:
                port = int(re.search(r"client_port=(\d+)", transport)[1])
                self._udp_client = ("127.0.0.1", port)
                headers.append(
                    "Transport: RTP/AVP;unicast;server_port=7000-7001;"
                    f"client_port={port}-{port + 1}"
                )
            elif "TCP" in transport and not self._udp:
                headers.append("Transport: RTP/AVP/TCP;unicast;interleaved=0-1")
            else:
                status = "461 Unsupported Transport"
        elif method == "OPTIONS":
            headers.append("Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN")
        lines = [f"RTSP/1.0 {status}", f"CSeq: {number}", *headers, f"Content-Length: {len(body)}"]
        connection.sendall(("\r\n".join(lines) + "\r\n\r\n" + body).encode())
        return method if status.startswith("200") else ""

    def _send_media(self, connection: socket.socket) -> None:
        connection.settimeout(5)
        sent = 0
        while not self._closed.is_set():
            for start in range(0, len(self._data), RTP_BYTES):
                if self._closed.wait(self._pace_s):
                    return
                while self.silent.is_set():
                    if _hung_up(connection) or self._closed.wait(0.02):
                        return
                if sent == self._stall_after:
                    self._closed.wait()
                    return
                stamp = int(time.monotonic() * 90_000) & 0xFFFFFFFF
                rtp = struct.pack(">BBHII", 0x80, 33, sent & 0xFFFF, stamp, 1)
                rtp += self._data[start : start + RTP_BYTES]
                if self._udp_client is not None:
                    if _hung_up(connection):
                        return
                    with socket.socket(type=socket.SOCK_DGRAM) as media:
                        media.sendto(rtp, self._udp_client)
                else:
                    connection.sendall(struct.pack(">cBH", b"$", 0, len(rtp)) + rtp)
                sent += 1


def _hung_up(connection: socket.socket) -> bool:
    """Whether the client has closed the connection."""
    timeout = connection.gettimeout()
    connection.setblocking(False)
    try:
        return connection.recv(1, socket.MSG_PEEK) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True
    finally:
        connection.settimeout(timeout)


if __name__ == "__main__":
    with RtspServer(Path(sys.argv[1]).read_bytes(), port=int(sys.argv[2])):
        threading.Event().wait()
