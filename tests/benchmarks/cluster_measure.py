"""What a testbed gives a program: bandwidth and latency between two hosts over TCP, and speed."""

import statistics
import subprocess
import sys
from dataclasses import dataclass

_SERVE = """
import socket
server = socket.create_server(("", 5000))
print("ready", flush=True)
stream, _ = server.accept()
stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
num_round_trips, num_bytes = 200, {num_bytes}
for _ in range(num_round_trips):
    stream.sendall(stream.recv(1))
missing = num_bytes
while missing > 0:
    missing -= len(stream.recv(min(missing, 1 << 20)))
stream.sendall(b"x")
"""
_ASK = """
import socket, statistics, sys, time
stream = socket.create_connection((sys.argv[1], 5000), timeout=60)
stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
num_round_trips, num_bytes = 200, {num_bytes}
times_s = []
for _ in range(num_round_trips):
    start_s = time.perf_counter()
    stream.sendall(b"x")
    stream.recv(1)
    times_s.append(time.perf_counter() - start_s)
start_s = time.perf_counter()
stream.sendall(bytes(num_bytes))
stream.recv(1)
print(statistics.median(times_s) / 2, num_bytes / (time.perf_counter() - start_s))
"""
_SPIN = """
import time
rounds = 0
end = time.perf_counter() + {seconds}
while time.perf_counter() < end:
    for _ in range(1000):
        pass
    rounds += 1
print(rounds)
"""
_SECONDS = 0.5  # of sending at the stated bandwidth
_SPIN_SECONDS = 2  # many periods of a share


@dataclass
class Measured:
    bandwidth_bytes_per_s: float
    latency_s: float  # one way, host to host


def measure(testbed):
    """The Measured way from the last host to the first, or what the document says of one host."""
    stated = testbed.wiring.cables[0].bandwidth_bytes_per_s
    if len(testbed.hosts) == 1:
        return Measured(stated, 0)
    values = {"num_bytes": round(stated * _SECONDS)}
    first, last = testbed.hosts[0], testbed.hosts[-1]
    server = testbed.start(first, [sys.executable, "-c", _SERVE.format(**values)],
                           stdout=subprocess.PIPE, text=True)
    try:
        server.stdout.readline()
        printed = testbed.run(last, [sys.executable, "-c", _ASK.format(**values), first],
                              stdout=subprocess.PIPE, text=True, check=True).stdout
    finally:
        server.kill()
        server.wait()
        server.stdout.close()
    latency_s, bandwidth = map(float, printed.split())
    return Measured(bandwidth, latency_s)


def speeds(testbed):
    """{host: rounds of a loop that it does while all hosts do}: to compare testbeds by. A share of
    a core is a little less than that: its limits are kept at the scheduler's ticks."""
    spinning = {host: testbed.start(host, [sys.executable, "-c",
                                           _SPIN.format(seconds=_SPIN_SECONDS)],
                                    stdout=subprocess.PIPE, text=True) for host in testbed.hosts}
    return {host: float(process.communicate()[0]) for host, process in spinning.items()}


def speed(testbed):
    """The median of `speeds`."""
    return statistics.median(speeds(testbed).values())
