"""What a testbed's hosts sent, received and computed between two moments."""

import ctypes
import os
import sys
import threading
import time
from dataclasses import dataclass

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../../executor/testbed"))

import control_groups  # noqa: E402
from network import NAMESPACES  # noqa: E402

_RECEIVED, _SENT = 0, 8  # columns of /proc/net/dev, bytes
_LOOPBACK = "lo"
_MOST_TEXT_BYTES = 1 << 16
_CLONE_NEWNET = 0x40000000


def interface_bytes(text):
    """(received, sent) over all interfaces but the loopback, from the text of /proc/net/dev.
    Raises ValueError for another text."""
    received = sent = 0
    lines = text.splitlines()[2:]
    if not lines:
        raise ValueError("expected /proc/net/dev with an interface, found none")
    for line in lines:
        name, _, counters = line.partition(":")
        fields = counters.split()
        if len(fields) <= _SENT:
            raise ValueError(f"expected /proc/net/dev, found the line {line!r}")
        if name.strip() != _LOOPBACK:
            received += int(fields[_RECEIVED])
            sent += int(fields[_SENT])
    return received, sent


@dataclass
class Reading:
    time_s: float
    received_bytes: dict  # by host, as the others
    sent_bytes: dict
    cpu_s: dict


class Counters:
    """A testbed's: they can be read without starting anything. For `with`."""

    def __init__(self, testbed):
        self._places = {host: testbed.place(host) for host in testbed.hosts}
        self._files = {}

    def __enter__(self):
        for host, place in self._places.items():
            # A thread alone goes there; the file stays that of its network.
            thread = threading.Thread(target=self._open, args=(host, place["namespace"]))
            thread.start()
            thread.join()
        return self

    def __exit__(self, *_):
        for file in self._files.values():
            os.close(file)

    def _open(self, host, namespace):
        place = os.open(f"{NAMESPACES}/{namespace}", os.O_RDONLY)
        try:
            if ctypes.CDLL(None, use_errno=True).setns(place, _CLONE_NEWNET) != 0:
                raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), namespace)
        finally:
            os.close(place)
        self._files[host] = os.open("/proc/thread-self/net/dev", os.O_RDONLY)

    def read(self):
        """A Reading of all hosts now."""
        reading = Reading(time.monotonic(), {}, {}, {})
        for host, place in self._places.items():
            text = os.pread(self._files[host], _MOST_TEXT_BYTES, 0).decode()
            reading.received_bytes[host], reading.sent_bytes[host] = interface_bytes(text)
            reading.cpu_s[host] = control_groups.processor_s(place["parents"], place["group"])
        return reading


def between(first, last):
    """The Reading of what came between two."""
    def differences(name):
        before, after = getattr(first, name), getattr(last, name)
        return {host: after[host] - before[host] for host in after}
    return Reading(last.time_s - first.time_s, differences("received_bytes"),
                   differences("sent_bytes"), differences("cpu_s"))


def per_step(reading, num_steps, step_s, cores):
    """What a table says of a Reading of `num_steps` steps on hosts of so many cores (by host)."""
    hosts = reading.cpu_s
    found = {name: {host: value / num_steps for host, value in getattr(reading, name).items()}
             for name in ("sent_bytes", "received_bytes", "cpu_s")}
    return {"by_host": {host: {"sent_bytes_per_step": found["sent_bytes"][host],
                               "received_bytes_per_step": found["received_bytes"][host],
                               "cpu_s_per_step": found["cpu_s"][host],
                               "utilization": found["cpu_s"][host] / (step_s * cores[host])}
                        for host in hosts},
            "traffic_bytes_per_step": sum(found["sent_bytes"].values())}
