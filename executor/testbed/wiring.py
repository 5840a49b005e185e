"""From a `cadastre-cluster` document to switches and cables that can be made of bridges and veth.

What cannot be made is refused: machines that several hosts share, topologies that are not trees,
links whose directions share a capacity, and latencies beyond those that veth has by itself (20 to
50 us), as delaying packets needs netem, which many kernels lack. How hosts and links vary from step
to step, how often they fail, and what links let through at once, is read and not made.
"""

import re
from dataclasses import dataclass, field

from json_place import JsonPlace

MOST_HOSTS = 250
MOST_LATENCY_S = 1e-3  # of one link; a step of training hides as much

_CLUSTER_KEYS = ["format", "name", "description", "hosts", "network", "machines"]
_HOST_KEYS = ["name", "count", "relative_speed", "cores", "memory_bytes", "address",
              "price_per_hour", "watts", "idle_watts", "machine", "bandwidth_bytes_per_s",
              "latency_s", "mtbf_s", "speed_spread", "bandwidth_spread"]
_NETWORK_KEYS = ["bandwidth_bytes_per_s", "latency_s", "reduction_s_per_byte", "message_s",
                 "transport_s_per_byte", "burst_bytes", "direct_links", "zones", "topology",
                 "model", "bandwidth_spread"]


@dataclass
class Host:
    name: str
    address: str
    cores: int
    relative_speed: float
    memory_bytes: int
    entry: dict  # of the document, with `name` and `address` filled in


@dataclass
class Cable:
    """Full-duplex, each way with this bandwidth. Ends are indices: of a host or of a switch."""
    from_host: int | None = None
    to_host: int | None = None
    from_switch: int | None = None
    to_switch: int | None = None
    bandwidth_bytes_per_s: float = 0


@dataclass
class Wiring:
    document: dict
    hosts: list = field(default_factory=list)
    switches: list = field(default_factory=list)  # names
    cables: list = field(default_factory=list)


def wiring_of(place: JsonPlace, ignore_latency=False):
    """The Wiring of a cluster document. Raises InputError where it is wrong or cannot be made."""
    place.check_keys(_CLUSTER_KEYS)
    if place.at("format").string() != "cadastre-cluster/1":
        place.at("format").fail_expected('"cadastre-cluster/1"')
    place.at("name").string()
    if (machines := place.find("machines")) and machines.array():
        machines.fail("expected none: a testbed gives every host a machine of its own")
    network = place.at("network")
    network.check_keys(_NETWORK_KEYS)
    wiring = Wiring(document=place.value)
    links = []  # (place of the bandwidth, latency's place) of each host's link to its switch
    for item in place.at("hosts").array(1):
        _read_hosts(item, network, wiring, links)
    if len(wiring.hosts) > MOST_HOSTS:
        place.at("hosts").fail(f"expected at most {MOST_HOSTS} hosts, found {len(wiring.hosts)}")

    topology = network.find("topology")
    if topology is None:
        _wire_star(network, links, wiring)
    else:
        _wire_tree(topology, network, wiring)
    _wire_direct_links(network, wiring)
    if not ignore_latency:
        _check_latencies(place)
    return wiring


def _read_hosts(item, network, wiring, links):
    item.check_keys(_HOST_KEYS)
    name = item.at("name").string()
    if machine := item.find("machine"):
        machine.fail("expected none: a testbed gives every host a machine of its own")
    count = item.find("count")
    number = count.integer(1, MOST_HOSTS) if count else 1
    speed = item.find("relative_speed")
    cores = item.find("cores")
    bandwidth = item.find("bandwidth_bytes_per_s") or network.at("bandwidth_bytes_per_s")
    for index in range(1, number + 1):
        full_name = f"{name}-{index}" if count else name
        if not re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,62}[A-Za-z0-9])?", full_name):
            item.at("name").fail_expected("a host name of letters, digits, '-' and '.'")
        if any(host.name == full_name for host in wiring.hosts):
            item.at("name").fail(f'expected a name used once, found "{full_name}" again')
        address = f"10.77.0.{len(wiring.hosts) + 1}"
        entry = {key: value for key, value in item.value.items() if key != "count"}
        entry |= {"name": full_name, "address": address}
        wiring.hosts.append(Host(
            name=full_name, address=address, entry=entry,
            cores=cores.integer(1, 1 << 20) if cores else 1,
            relative_speed=speed.number(1e-6, 1e6) if speed else 1.0,
            memory_bytes=item.at("memory_bytes").size_bytes()))
        links.append(bandwidth.bandwidth_bytes_per_s())


def _index(place, names, what):
    name = place.string()
    if name not in names:
        place.fail_expected(f"{what} ({', '.join(names)})")
    return names.index(name)


def _host_index(place, wiring):
    return _index(place, [host.name for host in wiring.hosts], "a host of the cluster")


def _wire_star(network, bandwidths, wiring):
    wiring.switches.append("switch")
    switch_of_host = [0] * len(wiring.hosts)
    zones = network.find("zones")
    for zone in zones.array() if zones else []:
        zone.check_keys(["name", "hosts", "bandwidth_bytes_per_s", "latency_s"])
        number = len(wiring.switches)
        wiring.switches.append(zone.at("name").string())
        for place in zone.at("hosts").array(1):
            host = _host_index(place, wiring)
            if switch_of_host[host]:
                place.fail("expected each host in one zone, found it again")
            switch_of_host[host] = number
        wiring.cables.append(Cable(
            from_switch=number, to_switch=0,
            bandwidth_bytes_per_s=zone.at("bandwidth_bytes_per_s").bandwidth_bytes_per_s()))
    for host, bandwidth in enumerate(bandwidths):
        wiring.cables.append(Cable(from_host=host, to_switch=switch_of_host[host],
                                   bandwidth_bytes_per_s=bandwidth))


def _wire_tree(topology, network, wiring):
    if topology.at("kind").string() != "graph":
        topology.at("kind").fail_expected('"graph": a testbed makes stars and trees of switches')
    topology.check_keys(["kind", "switches", "links"])
    wiring.switches = [place.string() for place in topology.at("switches").array()]
    hosts = [host.name for host in wiring.hosts]
    places = hosts + wiring.switches
    if len(set(places)) < len(places):
        topology.at("switches").fail("expected names used once, found one again")
    root = list(range(len(places)))  # union-find, to see a ring where it closes

    def root_of(place):
        while root[place] != place:
            place = root[place]
        return place

    num_cables = [0] * len(places)
    for link in topology.at("links").array():
        link.check_keys(["name", "from", "to", "bandwidth_bytes_per_s", "latency_s", "sharing"])
        sharing = link.find("sharing")
        if sharing and sharing.string() != "split-duplex":
            sharing.fail_expected('"split-duplex": a testbed has no other links')
        ends = [_index(link.at(key), places, "a host or switch") for key in ("from", "to")]
        for end in ends:
            num_cables[end] += 1
            if end < len(hosts) and num_cables[end] > 1:
                link.fail(f'expected one link of "{hosts[end]}", found a second: in a testbed, '
                          "hosts do not pass on what is for others")
        if root_of(ends[0]) == root_of(ends[1]):
            link.fail("expected a tree, found a link that closes a ring")
        root[root_of(ends[0])] = root_of(ends[1])
        bandwidth = link.find("bandwidth_bytes_per_s") or network.at("bandwidth_bytes_per_s")
        cable = Cable(bandwidth_bytes_per_s=bandwidth.bandwidth_bytes_per_s())
        for side, end in zip(("from", "to"), ends):
            of_host = end < len(hosts)
            setattr(cable, f"{side}_{'host' if of_host else 'switch'}",
                    end if of_host else end - len(hosts))
        wiring.cables.append(cable)
    apart = [hosts[h] for h in range(len(hosts)) if root_of(h) != root_of(0)]
    if apart:
        topology.at("links").fail(f'expected a way between all hosts, found none to "{apart[0]}"')


def _wire_direct_links(network, wiring):
    links = network.find("direct_links")
    seen = set()
    for link in links.array() if links else []:
        link.check_keys(["from", "to", "bandwidth_bytes_per_s", "latency_s"])
        ends = [_host_index(link.at(key), wiring) for key in ("from", "to")]
        if ends[0] == ends[1] or frozenset(ends) in seen:
            link.fail("expected one direct link between two different hosts")
        seen.add(frozenset(ends))
        wiring.cables.append(Cable(
            from_host=ends[0], to_host=ends[1],
            bandwidth_bytes_per_s=link.at("bandwidth_bytes_per_s").bandwidth_bytes_per_s()))


def _check_latencies(place):
    """Raises InputError at the first `latency_s` that a testbed cannot make."""
    if isinstance(place.value, dict):
        for key in place.value:
            member = place.find(key)
            if key == "latency_s":
                if member.duration_s() > MOST_LATENCY_S:
                    member.fail_expected(f"at most {MOST_LATENCY_S:g} s, as a testbed does not "
                                         "delay packets (--ignore-latency makes it all the same)")
            else:
                _check_latencies(member)
    elif isinstance(place.value, list):
        for item in place.array():
            _check_latencies(item)
