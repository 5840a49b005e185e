"""A testbed: the hosts of a cluster document on this machine, made, looked up, and removed.

Everything of a testbed carries its name: network namespaces and control groups are called
cadastre.NAME.HOST, its files are in /run/cadastre-testbed/NAME. Its interfaces are in its own
namespaces only.
"""

import contextlib
import fcntl
import json
import os
import re
import shutil
import subprocess
import sys

import control_groups
import network
import pinning
import slowing
from errors import InputError, TestbedError
from json_place import JsonPlace, read_document
from wiring import wiring_of

STATE = "/run/cadastre-testbed"
_LEAST_PROCESSORS = 1e-3  # of a control group's quota
_PROGRAM = os.path.join(os.path.dirname(os.path.abspath(__file__)), "testbed.py")


def reason_not_to_run():
    """Why no testbed can be made here, or None."""
    if os.geteuid() != 0:
        return "a testbed needs root"
    if missing := network.missing_tools():
        return f"a testbed needs iproute2: there is no {' and no '.join(missing)}"
    probe = subprocess.run(
        ["unshare", "--net", "--pid", "--fork", "--mount-proc", "sh", "-c",
         "ip link add name bridge0 type bridge && "
         "ip link add name veth0 type veth peer name veth1 && "
         "tc qdisc add dev veth0 root tbf rate 1mbit burst 10k limit 10k"],
        capture_output=True, text=True, check=False)
    if probe.returncode != 0:
        said = probe.stderr.strip().splitlines()
        return f"a testbed needs namespaces, veth, bridge and tbf: {said[-1] if said else '?'}"
    if "cpu" not in control_groups.find_parents():
        return "a testbed needs a control group for processors, and none can be made here"
    return None


@contextlib.contextmanager
def _locked(kind=fcntl.LOCK_EX):
    """Testbeds are made and removed one at a time, and not while a command comes to a host."""
    try:
        os.makedirs(STATE, exist_ok=True)
        descriptor = os.open(STATE, os.O_RDONLY)
    except OSError as error:
        raise TestbedError(f"{STATE}: {error.strerror}") from None
    try:
        fcntl.flock(descriptor, kind)
        yield descriptor
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def shared_lock():
    """Holds off `down` until the function that it gives is called, or the block ends."""
    with _locked(fcntl.LOCK_SH) as descriptor:
        yield lambda: fcntl.flock(descriptor, fcntl.LOCK_UN)


def _check_name(name):
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,31}", name):
        raise InputError('expected a name of up to 32 letters, digits, "-" and "_", '
                         f'found "{name}"')


def names():
    """The testbeds that there are, half-built ones, too."""
    found = set()
    with contextlib.suppress(FileNotFoundError):
        found.update(os.listdir(STATE))
    with contextlib.suppress(FileNotFoundError):
        found.update(entry.split(".")[1] for entry in os.listdir(network.NAMESPACES)
                     if entry.startswith("cadastre.") and entry.count(".") >= 2)
    return sorted(found)


class Testbed:
    """A testbed that is up.

        with Testbed.up("scenarios/clusters/two-hosts.json", "two") as testbed:
            testbed.run("node1", ["ping", "-c1", "node2"], check=True)
    """

    __test__ = False  # not a test, whatever its name begins with

    def __init__(self, name):
        """The testbed of that name, made by `up` before. Raises InputError when there is none."""
        _check_name(name)
        self.name = name
        try:
            self._state = json.loads(_read(f"{STATE}/{name}/state.json"))
        except (OSError, ValueError):
            known = f" (there are {', '.join(names())})" if names() else ""
            raise InputError(f'there is no testbed "{name}"{known}') from None
        place = JsonPlace(self._state["document"], name, "")
        self.wiring = wiring_of(place, ignore_latency=True)
        self.hosts = [host.name for host in self.wiring.hosts]

    @classmethod
    def up(cls, cluster, name, core_share=1.0, ignore_latency=False,
           weight=control_groups.NORMAL_WEIGHT, pin=False):
        """Makes the hosts of `cluster`, a document or its file.

        A host gets cores x relative_speed x core_share processors, or all when `core_share` is
        None; a `weight` above the normal makes it get them when the machine has other work, too.
        `pin` binds each host to processors of its own, as far as its share is whole, and then
        nothing else limits it: a share that the kernel keeps by the clock costs more than it says.
        Parts of a processor are kept by `slowing`, where that may be.
        Raises InputError or TestbedError, and leaves nothing behind.
        """
        _check_name(name)
        place = (JsonPlace(cluster, "cluster", "") if isinstance(cluster, dict)
                 else read_document(cluster))
        wiring = wiring_of(place, ignore_latency)
        _check_processors(place, wiring, core_share)
        shares = {host.name: None if core_share is None
                  else host.cores * host.relative_speed * core_share for host in wiring.hosts}
        places, limits = {}, shares
        if pin:
            if core_share is None:
                raise InputError("expected a share of the processors to pin hosts to, found none")
            places = pinning.pinned(shares, os.sched_getaffinity(0))
            limits = {name: None if pinning.is_whole(share) else share
                      for name, share in shares.items()}
        with _locked():
            if name in names():
                raise InputError(f'there is a testbed "{name}" already: '
                                 f'"testbed.py down {name}" removes it')
            parents = control_groups.find_parents()
            if core_share is not None and "cpu" not in parents:
                raise TestbedError("no control group for processors can be made here; "
                                   "--core-share none makes hosts that share all of them")
            try:
                _make(name, wiring, parents, limits, places, weight)
                if pin:
                    _slow_down(name, parents, shares, places)
            except BaseException:
                _remove(name)
                raise
        return cls(name)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.name in names():  # unless the block removed it
            down(self.name)

    def host(self, name_or_address):
        """The Host of that name or address. Raises InputError when there is none."""
        for host in self.wiring.hosts:
            if name_or_address in (host.name, host.address):
                return host
        raise InputError(f'testbed "{self.name}" has no host "{name_or_address}" '
                         f"(it has {', '.join(self.hosts)})")

    def place(self, name):
        """What `host_process.run_on_host` has to know."""
        host = self.host(name)
        return {"host": host.name, "namespace": f"cadastre.{self.name}.{host.name}",
                "group": f"cadastre.{self.name}.{host.name}", "parents": self._state["parents"],
                "files": f"{STATE}/{self.name}/hosts/{host.name}",
                "processors": self._state.get("pinned", {}).get(host.name)}

    def processors(self):
        """{host: [processor, ...]}, of hosts that are pinned to some."""
        return self._state.get("pinned", {})

    def command(self, name, command):
        """The command line that runs `command` on a host: for subprocess."""
        self.host(name)
        return [sys.executable, _PROGRAM, "exec", self.name, name, "--", *map(str, command)]

    def run(self, name, command, **options):
        """subprocess.run on a host."""
        return subprocess.run(self.command(name, command), **options)

    def start(self, name, command, **options):
        """subprocess.Popen on a host: killing it kills all that it started."""
        return subprocess.Popen(self.command(name, command), **options)

    @property
    def ssh_directory(self):
        """Put first in PATH, it makes `ssh` the stand-in that reaches this testbed's hosts."""
        return f"{STATE}/{self.name}/bin"

    def set_link(self, name, state):
        """Cuts (`down`) or mends (`up`) all cables of a host."""
        network.set_host_links(f"cadastre.{self.name}.", self.wiring, self.host(name).name, state)
        marker = f"{self.place(name)['files']}/unreachable"
        if state == "down":
            _write(marker, "")
        else:
            with contextlib.suppress(FileNotFoundError):
                os.remove(marker)

    def is_reachable(self, name):
        return not os.path.exists(f"{self.place(name)['files']}/unreachable")

    def kill(self, name):
        """Kills all processes of a host, as a power cut would."""
        place = self.place(name)
        control_groups.kill(lambda: _processes(place["parents"], [place["group"]]))

    def cluster(self):
        """The document, with every host written out, at its address."""
        document = dict(self.wiring.document)
        document["hosts"] = [host.entry for host in self.wiring.hosts]
        return document


def down(name):
    """Removes what there is of a testbed. Raises InputError when there is nothing."""
    _check_name(name)
    with _locked():
        if name not in names():
            raise InputError(f'there is no testbed "{name}"')
        _remove(name)


def _check_processors(place, wiring, core_share):
    if core_share is None:
        return
    available = len(os.sched_getaffinity(0))
    total = 0
    for host in wiring.hosts:
        processors = host.cores * host.relative_speed * core_share
        total += processors
        if not _LEAST_PROCESSORS <= processors <= available:
            place.at("hosts").fail(
                f'expected "{host.name}" to have from {_LEAST_PROCESSORS} to {available} of this '
                f"machine's processors, found cores x relative_speed x share = {processors:g}")
    if total > available * (1 + 1e-9):
        print(f"note: the hosts have {total:g} processors together, this machine {available}: "
              "they get their shares only when not all compute at once", file=sys.stderr)


def _read(file):
    with open(file, encoding="utf-8") as stream:
        return stream.read()


def _write(file, text):
    with open(file, "w", encoding="utf-8") as stream:
        stream.write(text)


def _make(name, wiring, parents, limits, places, weight):
    prefix = f"cadastre.{name}."
    state = {"document": wiring.document, "parents": parents, "pinned": places}
    os.makedirs(f"{STATE}/{name}/bin")
    _write(f"{STATE}/{name}/state.json", json.dumps(state))
    listed = "".join(f"{host.address} {host.name}\n" for host in wiring.hosts)
    for host in wiring.hosts:
        files = f"{STATE}/{name}/hosts/{host.name}"
        os.makedirs(files)
        _write(f"{files}/hosts", f"127.0.0.1 localhost\n{listed}")
        _write(f"{files}/hostname", f"{host.name}\n")
    ssh = f"{STATE}/{name}/bin/ssh"
    _write(ssh, f"#!/bin/sh\nCADASTRE_TESTBED={name} "
                f'exec "{sys.executable}" "{_PROGRAM}" ssh "$@"\n')
    os.chmod(ssh, 0o755)

    for namespace in [network.SWITCHES] + [host.name for host in wiring.hosts]:
        network.add_namespace(prefix + namespace)
    network.Links(prefix, wiring).make()
    for host in wiring.hosts:
        control_groups.make(parents, prefix + host.name, limits[host.name], host.memory_bytes,
                            weight)


def _slow_down(name, parents, shares, places):
    """Has parts of processors kept in short turns, where that may be."""
    pids = []

    def start_taking(processor, part, hosts):
        groups = [path for host in hosts
                  for path in control_groups.paths(parents, f"cadastre.{name}.{host}")]
        pid = slowing.start(processor, part, groups)
        if pid is not None:
            pids.append(pid)
            _write(f"{STATE}/{name}/slowing.json", json.dumps(pids))
        return pid is not None

    for host, (processor, part) in pinning.sole_parts(shares, places).items():
        if start_taking(processor, 1 - part, [host]):
            control_groups.limit(parents, f"cadastre.{name}.{host}", None)
    for processor, hosts in pinning.shared_parts(shares, places).items():
        if start_taking(processor, 0, hosts):
            for host in hosts:
                control_groups.limit(parents, f"cadastre.{name}.{host}", shares[host],
                                     slowing.QUOTA_PERIOD_US)


def _processes(parents, groups):
    found = set()
    for group in groups:
        found |= control_groups.processes(parents, group)
        found |= network.pids([group])
    return found


def _remove(name):
    prefix = f"cadastre.{name}."
    namespaces = [entry for entry in _entries(network.NAMESPACES) if entry.startswith(prefix)]
    state, slowing_pids = {}, []
    with contextlib.suppress(OSError, ValueError):
        state = json.loads(_read(f"{STATE}/{name}/state.json"))
    with contextlib.suppress(OSError, ValueError):
        slowing_pids = json.loads(_read(f"{STATE}/{name}/slowing.json"))
    for pid in slowing_pids:
        slowing.stop(pid)
    parents = state.get("parents") or control_groups.find_parents()
    groups = {entry for _, parent in parents.values() for entry in _entries(parent)
              if entry.startswith(prefix)}
    control_groups.kill(lambda: _processes(parents, groups | set(namespaces)))
    for namespace in namespaces:
        network.delete_namespace(namespace)
    for group in groups:
        control_groups.remove(parents, group)
    shutil.rmtree(f"{STATE}/{name}", ignore_errors=True)


def _entries(directory):
    try:
        return os.listdir(directory)
    except FileNotFoundError:
        return []
