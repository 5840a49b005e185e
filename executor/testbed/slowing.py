"""Parts of a processor for the hosts bound to it, so that what runs there goes on as on a slower
processor. A quota of a control group gives a host the whole processor, until the kernel's tick
finds that it has had its share, and then nothing for milliseconds: longer than a message is on its
way. So the rest of a processor that is one host's is taken a little at a time. Where several hosts
share one, their quotas are of so short periods, and what takes nothing still has the kernel look
at them as often.
"""

import os
import signal
import subprocess
import sys
import time

PERIOD_S = 1e-3  # short beside what hosts compute between messages; each takes some microseconds
QUOTA_PERIOD_US = 2000  # a few of those periods
_PRIORITY = 1      # of the real-time ones, all before what hosts run
_MOST_PART = 0.9   # Linux keeps a twentieth of a processor for others than real-time processes
_LOOK_S = 0.1
_started = {}      # by number, those that this process has to wait for


def _has_processes(directories):
    for directory in directories:
        with open(f"{directory}/cgroup.procs", encoding="ascii") as stream:
            if stream.read(1):
                return True
    return False


def take(processor, part, directories):
    """While control groups in these directories have processes, until one is removed."""
    os.sched_setaffinity(0, {processor})
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(_PRIORITY))
    clock = time.perf_counter
    try:
        while True:
            if not _has_processes(directories):
                time.sleep(_LOOK_S)
                continue
            begin = clock()
            taken = 0.0
            for _ in range(round(_LOOK_S / PERIOD_S)):
                time.sleep((1 - part) * PERIOD_S)
                now = clock()
                # Sleep lasts longer than it was asked to: what is taken makes up for that.
                turn = (part * (now - begin) - taken) / (1 - part)
                while clock() - now < turn:
                    pass
                taken += clock() - now
    except FileNotFoundError:
        pass


def start(processor, part, directories):
    """The number of a process that takes `part` of a processor (0: that stops what runs there for a
    moment, each period), or None where this user may not go before others or the part is too
    large."""
    if part > _MOST_PART:
        return None
    command = [sys.executable, os.path.abspath(__file__), str(processor), str(part), *directories]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL, start_new_session=True)
    end = time.monotonic() + 5
    while process.poll() is None and time.monotonic() < end:
        if os.sched_getscheduler(process.pid) == os.SCHED_FIFO:
            _started[process.pid] = process
            return process.pid
        time.sleep(0.01)
    process.kill()
    process.wait()
    return None


def stop(pid):
    """Kills it, unless the number is another process's by now."""
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as stream:
            if os.path.abspath(__file__).encode() not in stream.read().split(b"\0"):
                return
        os.kill(pid, signal.SIGKILL)
    except (FileNotFoundError, ProcessLookupError):
        pass
    if pid in _started:
        _started.pop(pid).wait()


if __name__ == "__main__":
    take(int(sys.argv[1]), float(sys.argv[2]), sys.argv[3:])
