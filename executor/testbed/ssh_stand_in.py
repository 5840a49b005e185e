"""`ssh [options] HOST COMMAND…` for a testbed's hosts: takes OpenSSH's options, and does what its
server does with the command: joins its words, and has `sh -c` run them in a clean environment.

Unlike it, it ends all that the command started when it is killed.
"""

import os
import sys

from errors import InputError

_FLAGS = "46AaCfGgKkMNnqsTtVvXxYy"
_WITH_ARGUMENT = "BbcDEeFIiJLlmOopQRSWw"
_UNREACHABLE = 255

HOME = "/root"


def parse(words):
    """(host, command words, flags) of ssh's arguments. Raises InputError."""
    host, flags = None, ""
    words = list(words)
    while words:
        word = words.pop(0)
        if word == "--":
            if host is None and words:
                host = words.pop(0)
            break
        if not word.startswith("-") or word == "-":
            if host is not None:
                words.insert(0, word)
                break
            host = word
            continue
        letters = word[1:]
        while letters:
            letter, letters = letters[0], letters[1:]
            if letter in _WITH_ARGUMENT:
                if not letters and not words:
                    raise InputError(f"ssh: option requires an argument -- {letter}")
                if not letters:
                    words.pop(0)
                break
            if letter not in _FLAGS:
                raise InputError(f"ssh: unknown option -- {letter}")
            flags += letter
    if host is None:
        raise InputError("usage: ssh [options] [user@]host [command…]")
    return host.rsplit("@", 1)[-1], words, flags


def environment():
    """What sshd gives a command."""
    return {"HOME": HOME, "LOGNAME": "root", "USER": "root", "SHELL": "/bin/sh",
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}


def find_host(testbed, name):
    """The host's name; ends the program as ssh does when it cannot be reached."""
    try:
        host = testbed.host(name)
    except InputError:
        print(f"ssh: Could not resolve hostname {name}: Name or service not known",
              file=sys.stderr)
        sys.exit(_UNREACHABLE)
    if not testbed.is_reachable(host.name):
        print(f"ssh: connect to host {name} port 22: No route to host", file=sys.stderr)
        sys.exit(_UNREACHABLE)
    return host.name


def redirect_input(flags):
    if "n" in flags or "f" in flags:
        null = os.open(os.devnull, os.O_RDONLY)
        os.dup2(null, 0)


def exit_status(status):
    """A command that a signal killed has none; ssh ends with 255."""
    return _UNREACHABLE if status > 128 else status
