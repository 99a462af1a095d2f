"""A small RTSP server for tests: one client, one MPEG-TS file as RTP inside the connection."""

import base64
import re
import socket
import struct
import threading
import time

_TS_PACKETS = 7
_SDP = (
    "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=test\r\nt=0 0\r\nm=video 0 RTP/AVP 33\r\na=control:v\r\n"
)


class RtspServer:
    """Serves `data` for ever at about 25 fps until closed; `password` is for the user "bob".

    With `stall_after` it stops sending after that many RTP packets and stays silent.
    """

    def __init__(self, data: bytes, password: str = "", stall_after: int | None = None) -> None:
        self._data, self._stall_after = data, stall_after
        self._token = base64.b64encode(f"bob:{password}".encode()).decode() if password else ""
        self._closed = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
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
                try:
                    self._serve(connection)
                except OSError:
                    continue

    def _serve(self, connection: socket.socket) -> None:
        connection.settimeout(0.05)
        waiting = b""
        while not self._closed.is_set():
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
            if "TCP" in transport:
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
        step = 188 * _TS_PACKETS
        sent = 0
        while not self._closed.is_set():
            for start in range(0, len(self._data), step):
                if self._closed.wait(0.002):
                    return
                if sent == self._stall_after:
                    self._closed.wait()
                    return
                stamp = int(time.monotonic() * 90_000) & 0xFFFFFFFF
                rtp = struct.pack(">BBHII", 0x80, 33, sent & 0xFFFF, stamp, 1)
                rtp += self._data[start : start + step]
                connection.sendall(struct.pack(">cBH", b"$", 0, len(rtp)) + rtp)
                sent += 1
