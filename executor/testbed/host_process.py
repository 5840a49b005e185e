"""Runs a command as if on a host: in its network, with its name, in its share of the machine.

Every command has a process namespace of its own, so that all that it starts ends with it, and with
this process. Files are shared by all hosts, as on a network file system, but for /etc/hosts and
/etc/hostname.
"""

import ctypes
import errno
import os
import select
import signal
import socket
import sys

import control_groups
from errors import TestbedError
from network import NAMESPACES

_CLONE_NEWNS = 0x00020000
_CLONE_NEWUTS = 0x04000000
_CLONE_NEWIPC = 0x08000000
_CLONE_NEWPID = 0x20000000
_CLONE_NEWNET = 0x40000000
_MS_BIND, _MS_REC, _MS_PRIVATE = 0x1000, 0x4000, 0x40000
_PR_SET_PDEATHSIG = 1
_SI_KERNEL = 0x80

# What a command ends with when it could not be started, as shells have it.
_NOT_FOUND, _NOT_EXECUTABLE, _SIGNAL_BASE = 127, 126, 128

_libc = ctypes.CDLL(None, use_errno=True)


def _call(function, *arguments):
    if getattr(_libc, function)(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{function}: {os.strerror(number)}")


def _mount(source, target, kind, flags):
    _call("mount", source.encode(), target.encode(), kind.encode() if kind else None,
          ctypes.c_ulong(flags), None)


def _mount_sys():
    """A /sys that shows the interfaces of the network that this process is in."""
    # There are no control groups below a new one: they come with it.
    groups = os.open("/sys/fs/cgroup", os.O_PATH) if os.path.exists("/sys/fs/cgroup") else None
    try:
        _mount("sysfs", "/sys", "sysfs", 0)
    except OSError as error:
        if error.errno != errno.EBUSY:
            raise
        return  # it is there already: this process came from the same host
    if groups is not None:
        _mount(f"/proc/self/fd/{groups}", "/sys/fs/cgroup", None, _MS_BIND | _MS_REC)
        os.close(groups)


def _enter(namespace, host_name, files):
    """Moves this process, the first of its process namespace, to the host."""
    descriptor = os.open(f"{NAMESPACES}/{namespace}", os.O_RDONLY)
    _call("setns", descriptor, _CLONE_NEWNET)
    os.close(descriptor)
    _call("unshare", _CLONE_NEWNS | _CLONE_NEWUTS | _CLONE_NEWIPC)
    socket.sethostname(host_name)
    _mount("none", "/", None, _MS_REC | _MS_PRIVATE)
    _mount("proc", "/proc", "proc", 0)
    _mount_sys()
    for name in ("hosts", "hostname"):
        if os.path.exists(f"/etc/{name}"):
            _mount(f"{files}/{name}", f"/etc/{name}", None, _MS_BIND)


def _forward_until_end(pid, reap_others):
    """Passes signals on to `pid` until it ends; its wait status. All signals are blocked."""
    while True:
        got = signal.sigwaitinfo(set(signal.valid_signals()))
        if got.si_signo == signal.SIGCHLD:
            while True:
                try:
                    ended, status = os.waitpid(-1 if reap_others else pid, os.WNOHANG)
                except ChildProcessError:
                    break
                if ended == 0:
                    break
                if ended == pid:
                    return status
        elif got.si_code != _SI_KERNEL:  # a terminal's signal reached the whole group by itself
            try:
                os.kill(pid, got.si_signo)
            except ProcessLookupError:
                pass


def _exit_status(wait_status):
    if os.WIFSIGNALED(wait_status):
        return _SIGNAL_BASE + os.WTERMSIG(wait_status)
    return os.WEXITSTATUS(wait_status)


def _execute(command, environment, directory):
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # Python ignores it
    signal.pthread_sigmask(signal.SIG_SETMASK, set())
    try:
        if directory:
            os.chdir(directory)
        os.execvpe(command[0], command, environment)
    except OSError as error:
        print(f"error: {command[0]}: {error.strerror}", file=sys.stderr, flush=True)
        os._exit(_NOT_FOUND if isinstance(error, FileNotFoundError) else _NOT_EXECUTABLE)


def _first_process(parent_pipe, started, place, command, environment, directory):
    """The first process of the new process namespace: when it ends, so do all others in it."""
    _call("prctl", _PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    poll = select.poll()
    poll.register(parent_pipe, select.POLLHUP)
    if poll.poll(0):  # the parent died before it was said
        os._exit(_SIGNAL_BASE + signal.SIGKILL)
    try:
        control_groups.join(place["parents"], place["group"])
        if place["processors"]:
            os.sched_setaffinity(0, place["processors"])
        _enter(place["namespace"], place["host"], place["files"])
    except OSError as error:
        print(f"error: host {place['host']}: {error.strerror}", file=sys.stderr, flush=True)
        os._exit(1)
    started()
    pid = os.fork()
    if pid == 0:
        _execute(command, environment, directory)
    os._exit(_exit_status(_forward_until_end(pid, reap_others=True)))


def run_on_host(place, command, environment=None, directory=None, started=lambda: None):
    """Runs `command` on a host and gives its exit status: 128 + the signal that killed it.

    `place` is Testbed.place(host). Standard input and output are this process's; signals that it
    gets go to the command. `started` is called in the process that has just come to the host.
    Changes this process for good: it blocks signals and forks into a new process namespace.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    sys.stdout.flush()
    sys.stderr.flush()
    try:
        _call("unshare", _CLONE_NEWPID)
    except OSError as error:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        raise TestbedError(
            f"expected to be allowed a process namespace: {error.strerror}") from None
    read_end, write_end = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(write_end)
        try:
            _first_process(read_end, started, place, command,
                           os.environ if environment is None else environment, directory)
        finally:
            os._exit(1)
    os.close(read_end)
    status = _exit_status(_forward_until_end(pid, reap_others=False))
    os.close(write_end)
    return status
