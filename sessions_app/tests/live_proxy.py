"""Small real proxies, HTTP and SOCKS5, that connect nowhere but say they did."""

import base64
import socket
import threading

USER, PASSWORD = "anna", "p:ss w@rd"


class LiveProxy:
    """Listens on a port of its own until it is closed.

    :param answer: replaces what it would answer to the request for a connection.
    """

    def __init__(
        self, scheme: str, *, login: bool = False, answer: bytes | None = None
    ) -> None:
        self.asked: list[bytes] = []
        self._scheme, self._login, self._answer = scheme, login, answer
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._socket.close()

    def _serve(self) -> None:
        while True:
            try:
                stream, _ = self._socket.accept()
            except OSError:
                return
            with stream:
                (self._socks if self._scheme == "socks5" else self._http)(stream)

    def _http(self, stream: socket.socket) -> None:
        head = b""
        while b"\r\n\r\n" not in head:
            head += stream.recv(4096)
        self.asked.append(head.split(b"\r\n")[0])
        pair = base64.b64encode(f"{USER}:{PASSWORD}".encode())
        good = not self._login or b"Basic " + pair in head
        status = b"200 OK" if good else b"407 Proxy Authentication Required"
        stream.sendall(self._answer or b"HTTP/1.1 " + status + b"\r\n\r\n")

    def _socks(self, stream: socket.socket) -> None:
        methods = stream.recv(64)[2:]
        wanted = 2 if self._login else 0
        stream.sendall(bytes([5, wanted if wanted in methods else 255]))
        if wanted not in methods:
            return
        if self._login:
            login = stream.recv(600)
            user, password = USER.encode(), PASSWORD.encode()
            good = login == bytes([1, len(user)]) + user + bytes([len(password)]) + password
            stream.sendall(bytes([1, 0 if good else 1]))
            if not good:
                return
        self.asked.append(stream.recv(300))
        stream.sendall(self._answer or bytes([5, 0, 0, 1, 0, 0, 0, 0, 0, 0]))
