"""The driver's end of the connections to the tasks."""

import hmac
import queue
import socket
import threading
import time

from messages import Connection, MessageError

_HELLO_S = 10
_PING_S = 2


class RankListener:
    """Hears the ranks. What they say is in `events`: (rank, header, payload), where a header of
    kind "lost" is put after the last message of each."""

    def __init__(self, address, port, num_ranks, token):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.events = queue.Queue()
        self._token = token
        self._num_ranks = num_ranks
        self._connections = {}
        self._lock = threading.Lock()
        self._is_stopping = False
        # Raises OSError.
        self._server = socket.create_server((address, port), family=family, backlog=num_ranks + 16)
        for work in (self._accept, self._ping):
            threading.Thread(target=work, daemon=True).start()

    @property
    def port(self):
        return self._server.getsockname()[1]

    def stop_all(self):
        """Asks all ranks to end, those that come later, too."""
        with self._lock:
            self._is_stopping = True
            connections = list(self._connections.values())
        for connection in connections:
            _send(connection, "stop")

    def dismiss(self, rank):
        with self._lock:
            connection = self._connections.get(rank)
        if connection is not None:
            _send(connection, "bye")

    def _accept(self):
        while True:
            stream, _ = self._server.accept()
            threading.Thread(target=self._listen, args=(stream,), daemon=True).start()

    def _listen(self, stream):
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        stream.settimeout(_HELLO_S)
        connection = Connection(stream)
        rank = None
        try:
            rank = self._introduce(connection)
            stream.settimeout(None)
            while rank is not None and (message := connection.receive()) is not None:
                self.events.put((rank, *message))
        except (OSError, MessageError):
            pass
        finally:
            connection.close()
            if rank is not None:
                with self._lock:
                    del self._connections[rank]
                self.events.put((rank, {"kind": "lost"}, b""))

    def _introduce(self, connection):
        """The rank; None for a stranger."""
        message = connection.receive()
        if message is None:
            return None
        header, payload = message
        rank, token = header.get("rank"), header.get("token")
        if header["kind"] != "hello" or not isinstance(token, str) \
                or not hmac.compare_digest(token.encode(), self._token.encode()) \
                or not isinstance(rank, int) or not 0 <= rank < self._num_ranks:
            return None
        with self._lock:
            if rank in self._connections:
                return None
            self._connections[rank] = connection
            is_stopping = self._is_stopping
        self.events.put((rank, header, payload))
        if is_stopping:
            _send(connection, "stop")
        return rank

    def _ping(self):
        while True:
            time.sleep(_PING_S)
            with self._lock:
                connections = list(self._connections.values())
            for connection in connections:
                _send(connection, "ping")


def _send(connection, kind):
    try:
        connection.send(kind)
    except OSError:
        pass  # the listening thread notices
