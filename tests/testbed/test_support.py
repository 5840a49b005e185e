"""What the testbed's tests share: small clusters, commands on hosts, what is left of a testbed."""

import os
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "../../executor/testbed"))

import control_groups
import hosts
import network

PROGRAM = os.path.join(os.path.dirname(hosts.__file__), "testbed.py")

# Listens, says so, and prints how many bytes came and when they had. Hosts have the same clock.
RECEIVE = """
import socket, time
server = socket.create_server(("", 5000))
print("ready", flush=True)
stream, _ = server.accept()
got = 0
while data := stream.recv(1 << 20):
    got += len(data)
print(got, time.monotonic(), flush=True)
"""
SEND = """
import socket, sys, time
print(time.monotonic())
with socket.create_connection((sys.argv[1], 5000), timeout=10) as stream:
    stream.sendall(bytes(int(sys.argv[2])))
"""
CONNECT = """
import socket, sys
socket.create_connection((sys.argv[1], 5000), timeout=float(sys.argv[2]))
"""


def cluster(num_hosts=2, bandwidth="1Gbps", **network_keys):
    return {"format": "cadastre-cluster/1", "name": "test",
            "hosts": [{"name": f"node{i + 1}", "memory_bytes": "1GiB"} for i in range(num_hosts)],
            "network": {"bandwidth_bytes_per_s": bandwidth, "latency_s": "25us"} | network_keys}


def program(*words, **options):
    return subprocess.run([sys.executable, PROGRAM, *words], capture_output=True, text=True,
                          timeout=60, check=False, **options)


def python(code, *arguments):
    return [sys.executable, "-c", code, *map(str, arguments)]


def output(testbed, host, command, **options):
    return testbed.run(host, command, stdout=subprocess.PIPE, text=True, check=True, timeout=60,
                       **options).stdout


def receiving(testbed, host):
    receiver = testbed.start(host, python(RECEIVE), stdout=subprocess.PIPE, text=True)
    assert receiver.stdout.readline() == "ready\n"
    return receiver


def bytes_per_s(testbed, sender, receiver, num_bytes):
    with receiving(testbed, receiver) as process:
        start_s = float(output(testbed, sender, python(SEND, receiver, num_bytes)))
        got, end_s = process.communicate(timeout=60)[0].split()
    assert int(got) == num_bytes
    return num_bytes / (float(end_s) - start_s)


def marked_processes(mark):
    """Processes of this machine with `mark` in their command line."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as stream:
                if mark.encode() in stream.read() and int(pid) != os.getpid():
                    found.append(int(pid))
        except OSError:
            pass
    return found


def wait_until(condition, within_s=20):
    end = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > end:
            raise AssertionError("waited in vain")
        time.sleep(0.01)


def unique(name):
    """Other runs of this test may be under way."""
    return f"{name}-{os.getpid()}"


def remains(name):
    """What is there of a testbed: namespaces, control groups, files."""
    prefix = f"cadastre.{name}."
    directories = [network.NAMESPACES] + [parent for _, parent in
                                          control_groups.find_parents().values()]
    return ([entry for directory in directories for entry in hosts._entries(directory)
             if entry.startswith(prefix)] + [entry for entry in hosts._entries(hosts.STATE)
                                             if entry == name])


def main():
    """Runs the tests of the program; without a testbed, says why and ends with 77."""
    if reason := hosts.reason_not_to_run():
        print(f"skipped: {reason}")
        sys.exit(77)
    unittest.main()
