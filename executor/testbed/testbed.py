#!/usr/bin/env python3
"""Real hosts on one machine, made of network namespaces from a cadastre-cluster document.

    testbed.py up scenarios/clusters/two-hosts.json --name two
    testbed.py exec two node1 -- ping -c 1 node2
    testbed.py down two

Every host has its own network with its own address and name, its links' bandwidth, its share of
the processors and its memory. Needs root.
"""

import argparse
import json
import os
import sys

import control_groups
import hosts
import ssh_stand_in
from errors import InputError, TestbedError
from host_process import run_on_host
from hosts import Testbed


def _share(text):
    if text == "none":
        return None
    try:
        share = float(text)
    except ValueError:
        share = 0
    if not 0 < share <= 1024:
        raise argparse.ArgumentTypeError(f'expected a number > 0 or "none", found "{text}"')
    return share


def _weight(text):
    if not text.isdecimal() or not 1 <= int(text) <= control_groups.MOST_WEIGHT:
        raise argparse.ArgumentTypeError(
            f'expected an integer from 1 to {control_groups.MOST_WEIGHT}, found "{text}"')
    return int(text)


def _run(testbed, host, command, **options):
    # The lock ends with the last process that has it: nothing is removed while a command comes.
    with hosts.shared_lock() as unlock:
        return run_on_host(testbed.place(host), command, started=unlock, **options)


def up(arguments):
    testbed = Testbed.up(arguments.cluster, arguments.name, arguments.core_share,
                         arguments.ignore_latency, arguments.weight, arguments.pin)
    print(f"{testbed.name}: {', '.join(testbed.hosts)}", file=sys.stderr)


def execute(arguments):
    command = arguments.command[1:] if arguments.command[:1] == ["--"] else arguments.command
    if not command:
        raise InputError("expected a command after --")
    testbed = Testbed(arguments.name)
    return _run(testbed, testbed.host(arguments.host).name, command)


def ssh(words):
    name = os.environ.get("CADASTRE_TESTBED", "")
    if not name:
        raise InputError("expected the testbed's name in the environment, as CADASTRE_TESTBED")
    host, command, flags = ssh_stand_in.parse(words)
    if "V" in flags:
        print("OpenSSH stand-in of cadastre's testbed", file=sys.stderr)
        return 0
    testbed = Testbed(name)
    host = ssh_stand_in.find_host(testbed, host)
    ssh_stand_in.redirect_input(flags)
    shell = ["sh", "-c", " ".join(command)] if command else ["sh"]
    return ssh_stand_in.exit_status(_run(
        testbed, host, shell, environment=ssh_stand_in.environment(),
        directory=ssh_stand_in.HOME))


def link(arguments):
    Testbed(arguments.name).set_link(arguments.host, arguments.state)


def kill(arguments):
    Testbed(arguments.name).kill(arguments.host)


def cluster(arguments):
    print(json.dumps(Testbed(arguments.name).cluster(), indent=1))


def processors(arguments):
    print(json.dumps(Testbed(arguments.name).processors(), indent=1))


def down(arguments):
    hosts.down(arguments.name)


def list_all(_):
    for name in hosts.names():
        print(name)


def _parser():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(required=True, metavar="VERB")

    def verb(name, function, description, *positionals):
        added = verbs.add_parser(name, help=description, description=description)
        added.set_defaults(function=function)
        for positional in positionals:
            added.add_argument(positional.lower(), metavar=positional)
        return added

    added = verb("up", up, "make the hosts of a cluster", "CLUSTER")
    added.add_argument("--name", required=True)
    added.add_argument("--core-share", type=_share, default=1.0, metavar="SHARE",
                       help="processors of a host of one core at speed 1, or none for no limit")
    added.add_argument("--ignore-latency", action="store_true",
                       help="make a network whose latency cannot be made, without it")
    added.add_argument("--weight", type=_weight, default=control_groups.NORMAL_WEIGHT,
                       help="1 to 10000; above 100, the hosts go before the machine's other work")
    added.add_argument("--pin", action="store_true",
                       help="bind hosts to processors, whole ones to their own")
    added = verb("exec", execute, "run a command on a host", "NAME", "HOST")
    added.add_argument("command", nargs=argparse.REMAINDER, metavar="-- COMMAND…")
    verbs.add_parser("ssh", help="stand in for ssh: the same arguments; the testbed's name in "
                     "the environment, as CADASTRE_TESTBED")
    added = verb("link", link, "cut or mend a host's cables", "NAME", "HOST")
    added.add_argument("state", choices=["down", "up"])
    verb("kill", kill, "kill all processes of a host", "NAME", "HOST")
    verb("cluster", cluster, "print the cluster with its hosts' addresses", "NAME")
    verb("processors", processors, "print to which processors its hosts are bound", "NAME")
    verb("down", down, "remove a testbed, half-built ones, too", "NAME")
    verb("list", list_all, "print the names of all testbeds")
    return parser


def main(words):
    try:
        if words[:1] == ["ssh"]:  # whose options are its own
            return ssh(words[1:])
        arguments = _parser().parse_args(words)
        if os.geteuid() != 0:
            raise InputError("a testbed needs root")
        return arguments.function(arguments) or 0
    except (InputError, TestbedError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2 if isinstance(error, InputError) else 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
