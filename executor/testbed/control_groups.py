"""A host's share of the processors and its memory, by control groups: version 1 and 2.

Version 1 has a tree of directories per controller; a group is made below the one that this process
is in. Version 2 has one tree; a group is made at its root, as only there may a group's siblings be
processes.
"""

import os
import signal
import time

from errors import TestbedError

PERIOD_US = 10000  # short beside a step, long beside the kernel's slice of 5 ms at most
_LEAST_QUOTA_US = 1000  # the kernel's
NORMAL_WEIGHT, MOST_WEIGHT = 100, 10000  # of version 2; version 1 counts otherwise
_SHARES_PER_WEIGHT = 1024 / NORMAL_WEIGHT


def _mounts():
    """(where, root within the hierarchy, type, options) of every mounted hierarchy."""
    with open("/proc/self/mountinfo", encoding="utf-8") as stream:
        for line in stream:
            before, after = line.rstrip().split(" - ", 1)
            kind, _, options = after.split(" ", 2)
            if kind in ("cgroup", "cgroup2"):
                fields = before.split(" ")
                yield fields[4], fields[3], kind, options.split(",")


def _own_group(controller):
    """The path of this process's group in the version 1 hierarchy of `controller`."""
    with open("/proc/self/cgroup", encoding="utf-8") as stream:
        for line in stream:
            _, controllers, path = line.rstrip().split(":", 2)
            if controller in controllers.split(","):
                return path
    return "/"


def _version_1_parent(controller):
    for where, root, kind, options in _mounts():
        if kind == "cgroup" and controller in options:
            path = os.path.relpath(_own_group(controller), root)
            own = where if path.startswith("..") else os.path.normpath(f"{where}/{path}")
            for parent in (own, where):
                if os.access(parent, os.W_OK):
                    return parent
    return None


def _version_2_parent(controller):
    for where, _, kind, _ in _mounts():
        if kind != "cgroup2":
            continue
        with open(f"{where}/cgroup.controllers", encoding="utf-8") as stream:
            if controller not in stream.read().split():
                continue
        try:
            _write(f"{where}/cgroup.subtree_control", f"+{controller}")
        except OSError:  # a container's root that has processes of its own
            continue
        return where
    return None


def find_parents():
    """{controller: [version, directory that a group can be made in]} for `cpu`, `memory` and, in
    version 1 alone, `cpuacct`; a controller that cannot be used is absent. One that is present may
    still turn out read-only.
    """
    parents = {}
    for controller in ("cpu", "memory", "cpuacct"):
        if parent := _version_1_parent(controller):
            parents[controller] = [1, parent]
        elif parent := _version_2_parent(controller):
            parents[controller] = [2, parent]
    return parents


def _write(file, value):
    with open(file, "w", encoding="ascii") as stream:
        stream.write(str(value))


def paths(parents, group):
    """The directories of `group`, which are fewer than controllers in version 2."""
    return sorted({f"{parent}/{group}" for _, parent in parents.values()})


def limit(parents, group, processors, least_period_us=PERIOD_US):
    """Limits `group` to so many processors; None lifts the limit. Throws OSError."""
    version, parent = parents["cpu"]
    quota_us = max(_LEAST_QUOTA_US, round((processors or 1) * least_period_us))
    period_us = max(least_period_us, round(quota_us / (processors or 1)))
    if version == 1:
        _write(f"{parent}/{group}/cpu.cfs_period_us", period_us)
        _write(f"{parent}/{group}/cpu.cfs_quota_us", -1 if processors is None else quota_us)
    else:
        quota = "max" if processors is None else quota_us
        _write(f"{parent}/{group}/cpu.max", f"{quota} {period_us}")


def processor_s(parents, group):
    """Processor seconds of all that ran in `group`, what has ended included. Raises TestbedError
    where the kernel does not count them."""
    try:
        if "cpuacct" in parents:
            with open(f"{parents['cpuacct'][1]}/{group}/cpuacct.usage", encoding="ascii") as stream:
                return 1e-9 * int(stream.read())
        if parents.get("cpu", [1])[0] == 2:
            with open(f"{parents['cpu'][1]}/{group}/cpu.stat", encoding="ascii") as stream:
                return 1e-6 * int(dict(line.split() for line in stream)["usage_usec"])
    except OSError as error:
        raise TestbedError(f"{error.filename}: {error.strerror}") from None
    raise TestbedError("no control group that counts processor time can be made here")


def make(parents, group, processors, memory_bytes, weight=NORMAL_WEIGHT):
    """Makes `group`, limited to so many processors (None: all) and bytes; `weight` is its priority
    within its limit, beside what else runs on this machine. Raises TestbedError."""
    try:
        for path in paths(parents, group):
            os.mkdir(path)
        if processors is not None:
            limit(parents, group, processors)
        if "cpu" in parents and weight != NORMAL_WEIGHT:
            version, parent = parents["cpu"]
            if version == 1:
                _write(f"{parent}/{group}/cpu.shares", round(weight * _SHARES_PER_WEIGHT))
            else:
                _write(f"{parent}/{group}/cpu.weight", weight)
        if "memory" in parents:
            version, parent = parents["memory"]
            name = "memory.limit_in_bytes" if version == 1 else "memory.max"
            _write(f"{parent}/{group}/{name}", memory_bytes)
    except OSError as error:
        raise TestbedError(f"{error.filename}: {error.strerror}") from None


def join(parents, group):
    """Moves this process into `group`, so that its children are in it, too. Throws OSError."""
    for path in paths(parents, group):
        _write(f"{path}/cgroup.procs", 0)


def processes(parents, group):
    found = set()
    for path in paths(parents, group):
        try:
            with open(f"{path}/cgroup.procs", encoding="ascii") as stream:
                found.update(int(line) for line in stream if line.strip() != "0")
        except FileNotFoundError:
            pass
    return found


def kill(pids_of, within_s=10):
    """Kills what `pids_of()` lists until it lists nothing. Raises TestbedError when that lasts."""
    end = time.monotonic() + within_s
    while pids := pids_of():
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        if time.monotonic() > end:
            raise TestbedError(f"processes that do not die: {sorted(pids)}")
        time.sleep(0.01)


def remove(parents, group, within_s=10):
    """Removes `group`, whose processes are dead. Raises TestbedError when the kernel refuses."""
    end = time.monotonic() + within_s
    for path in paths(parents, group):
        while True:
            try:
                os.rmdir(path)
            except FileNotFoundError:
                break
            except OSError as error:  # for a moment after the last process ended
                if time.monotonic() > end:
                    raise TestbedError(f"{path}: {error.strerror}") from None
                time.sleep(0.01)
