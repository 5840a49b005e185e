"""What the driver and the tasks of the ranks tell each other over TCP."""

import json
import threading

_MOST_HEADER_BYTES = 1 << 20
_MOST_PAYLOAD_BYTES = 1 << 24


class MessageError(Exception):
    """What came is no message."""


class Connection:
    """Sends and receives messages: a line of JSON with "kind" and "size", and `size` bytes.

    Several threads may send, one may receive.
    """

    def __init__(self, stream):
        self._socket = stream
        self._reader = stream.makefile("rb")
        self._sending = threading.Lock()

    def send(self, kind, payload=b"", **values):
        """Raises OSError when the other end is gone."""
        header = json.dumps({"kind": kind, "size": len(payload)} | values).encode() + b"\n"
        with self._sending:
            self._socket.sendall(header + payload)

    def receive(self):
        """The next message's header and payload, or None when there is no more.

        Raises OSError (a timeout included) and MessageError.
        """
        line = self._reader.readline(_MOST_HEADER_BYTES)
        if not line.endswith(b"\n"):
            return None
        try:
            header = json.loads(line)
            kind, size = header["kind"], header["size"]
        except (ValueError, TypeError, KeyError):
            raise MessageError("expected a message") from None
        if not isinstance(kind, str) or not isinstance(size, int) \
                or not 0 <= size <= _MOST_PAYLOAD_BYTES:
            raise MessageError("expected a message")
        payload = self._reader.read(size)
        return (header, payload) if len(payload) == size else None

    def close(self):
        # Not the reader: another thread may be in it, and closing waits for that.
        try:
            self._socket.shutdown(2)
        except OSError:
            pass
        self._socket.close()
