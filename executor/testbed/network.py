"""Network namespaces, bridges and shaped veth pairs, made and removed by iproute2."""

import os
import shutil
import subprocess

from errors import TestbedError

NAMESPACES = "/run/netns"
SWITCHES = "_switches"  # the name of the namespace of a testbed's bridges, which no host can have

# The largest packet that a host hands to its link is what passes in so long: larger ones would
# leave in bursts above the rate, and smaller ones cost processor time that hosts need.
_LARGEST_PACKET_S = 0.2e-3
_SEGMENT_BYTES = 1514  # an Ethernet frame
_MOST_PACKET_BYTES = 65536
_LEAST_QUEUE_BYTES = 1 << 18
_QUEUE_S = 0.1  # of a switch's port, before packets are lost
_MOST_SHAPED_BYTES_PER_S = 1e10  # veth by itself carries less


def missing_tools():
    return [tool for tool in ("ip", "tc") if not shutil.which(tool)]


def run(*command, given=None):
    """Runs a command. Raises TestbedError with what it said on standard error."""
    done = subprocess.run(command, input=given, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        said = done.stderr.strip().replace("\n", "; ")
        raise TestbedError(f"{' '.join(command)}: {said or f'exit status {done.returncode}'}")
    return done.stdout


def exists(namespace):
    return os.path.exists(f"{NAMESPACES}/{namespace}")


def add_namespace(namespace):
    run("ip", "netns", "add", namespace)
    # Without IPv6 no host speaks unasked, and a name has one address.
    run("ip", "netns", "exec", namespace, "sh", "-c",
        "ip link set lo up; for scope in all default; do "
        "file=/proc/sys/net/ipv6/conf/$scope/disable_ipv6; "
        "if [ -e $file ]; then echo 1 > $file; fi; done")


def pids(namespaces):
    """All processes that are in one of the namespaces."""
    found = set()
    for namespace in namespaces:
        if exists(namespace):
            try:
                found.update(int(pid) for pid in run("ip", "netns", "pids", namespace).split())
            except TestbedError:
                if exists(namespace):
                    raise
    return found


def delete_namespace(namespace):
    if exists(namespace):
        # The kernel destroys a namespace some time after it was deleted; its links now.
        listed = subprocess.run(["ip", "-n", namespace, "-o", "link", "show"], text=True,
                                capture_output=True, check=False).stdout
        names = [line.split(": ")[1].split("@")[0] for line in listed.splitlines()]
        for name in names:
            if name != "lo":
                subprocess.run(["ip", "-n", namespace, "link", "delete", name],
                               capture_output=True, check=False)
        run("ip", "netns", "delete", namespace)


class Links:
    """Makes a wiring's cables. `prefix` + a host's name is its namespace."""

    def __init__(self, prefix, wiring):
        self._prefix = prefix
        self._wiring = wiring
        self._num_direct = [0] * len(wiring.hosts)

    def make(self):
        switches = self._prefix + SWITCHES
        batch = []
        for index in range(len(self._wiring.switches)):
            batch += [f"link add b{index} type bridge stp_state 0 mcast_snooping 0",
                      f"link set b{index} up"]
        run("ip", "-n", switches, "-batch", "-", given="\n".join(batch) + "\n")
        for number, cable in enumerate(self._wiring.cables):
            self._make_cable(number, cable)

    def _end(self, number, cable, side):
        """(namespace, interface) of one end of a cable."""
        host = getattr(cable, f"{side}_host")
        if host is None:
            return self._prefix + SWITCHES, f"c{number}{side[0]}"
        namespace = self._prefix + self._wiring.hosts[host].name
        if cable.from_host is not None and cable.to_host is not None:
            self._num_direct[host] += 1
            return namespace, f"link{self._num_direct[host]}"
        return namespace, "eth0"

    def _make_cable(self, number, cable):
        ends = {side: self._end(number, cable, side) for side in ("from", "to")}
        (first, first_name), (second, second_name) = ends.values()
        run("ip", "-n", first, "link", "add", first_name, "type", "veth", "peer", "name",
            second_name, "netns", second)
        largest = _largest_packet_bytes(cable.bandwidth_bytes_per_s)
        for namespace, name in ends.values():
            # Where the kernel cannot, tbf cuts packets to size: the same on the wire.
            subprocess.run(["ip", "-n", namespace, "link", "set", name, "gso_max_size",
                            str(largest)], capture_output=True, check=False)
            if cable.bandwidth_bytes_per_s < _MOST_SHAPED_BYTES_PER_S:
                _shape(namespace, name, cable.bandwidth_bytes_per_s, largest)
        for side, (namespace, name) in ends.items():
            self._join(cable, side, namespace, name)

    def _join(self, cable, side, namespace, name):
        host = getattr(cable, f"{side}_host")
        other = getattr(cable, "to_host" if side == "from" else "from_host")
        if host is None:
            bridge = getattr(cable, f"{side}_switch")
            batch = [f"link set {name} master b{bridge}", f"link set {name} up"]
        elif other is None:
            batch = [f"address add {self._wiring.hosts[host].address}/24 dev {name}",
                     f"link set {name} up"]
        else:
            peer, own = self._wiring.hosts[other].address, self._wiring.hosts[host].address
            batch = [f"link set {name} up", f"route add {peer}/32 dev {name} src {own}"]
        run("ip", "-n", namespace, "-batch", "-", given="\n".join(batch) + "\n")


def _largest_packet_bytes(bandwidth_bytes_per_s):
    return int(min(_MOST_PACKET_BYTES,
                   max(2 * _SEGMENT_BYTES, bandwidth_bytes_per_s * _LARGEST_PACKET_S)))


def _shape(namespace, name, bandwidth_bytes_per_s, largest_packet_bytes):
    burst_bytes = largest_packet_bytes + 2 * _SEGMENT_BYTES  # headers of its segments, too
    queue_bytes = max(_LEAST_QUEUE_BYTES, round(bandwidth_bytes_per_s * _QUEUE_S))
    run("tc", "-n", namespace, "qdisc", "replace", "dev", name, "root", "tbf",
        "rate", f"{round(bandwidth_bytes_per_s)}bps", "burst", str(burst_bytes),
        "limit", str(min(queue_bytes, (1 << 31) - 1)))


def set_host_links(prefix, wiring, host_name, state):
    """Cuts the host's cables (`down`) or mends them (`up`), at the other end: the host sees the
    carrier go, its addresses and routes stay."""
    links = Links(prefix, wiring)
    for number, cable in enumerate(wiring.cables):
        ends = {side: links._end(number, cable, side) for side in ("from", "to")}
        for side, other in (("from", "to"), ("to", "from")):
            host = getattr(cable, f"{side}_host")
            if host is not None and wiring.hosts[host].name == host_name:
                namespace, name = ends[other]
                run("ip", "-n", namespace, "link", "set", name, state)
