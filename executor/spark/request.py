"""What `cadastre_spark.py run …` was asked for: what Spark's driver must know of it is taken out,
the rest is for cadastre itself to judge."""

import dataclasses
import difflib
import json
import os

USAGE = """Train a model as planned, one rank per executor of a Spark cluster
Usage: spark-submit [SPARK'S OPTIONS] cadastre_spark.py run [OPTIONS]

Options are those of `cadastre run`, but for what starts the ranks (--local, --hosts and the like).
Plan and model are read here and the output is written here; the data must be at the same path on
each executor. Beside them:
  --cadastre TEXT   The program on the executors (default: spark.cadastre.program of Spark's
                    configuration, else the one in PATH here, else in PATH there)
  --patience INT    Also: seconds to wait for the executors (default: 60)
  --help            Print this help message and exit

Example:
  spark-submit --master spark://lab1:7077 cadastre_spark.py run --plan plan.json \\
    --data /data/scene --epochs 6 -o run
"""

_VALUES = {"--plan", "--model", "--data", "--rasters", "--output", "--cadastre", "--patience"}
_REQUIRED = ("--plan", "--data", "--output")
_OTHER_LAUNCHERS = {"--local", "--hosts", "--ssh", "--remote-program", "--address", "--port"}
_DOCUMENTS = ("--plan", "--model")  # sent to the executors
_PATHS = ("--data", "--rasters")  # the same there as here
_FORMAT = "cadastre-plan/1"
_PATIENCE_S = 60
_MOST_PATIENCE_S = 86400


class InputError(Exception):
    """The request or a file was wrong."""


@dataclasses.dataclass
class Request:
    num_ranks: int
    arguments: list  # for cadastre, from its verb on, without documents and output
    documents: list  # (option, path as it was given, content)
    output: str
    program: str  # empty: not asked for
    patience_s: int
    is_quiet: bool


def read_request(words):
    """Raises InputError."""
    values, arguments = _split(words)
    _require(values, arguments)
    documents = [(option, values[option], _read(values[option]))
                 for option in _DOCUMENTS if option in values]
    for option in _PATHS:
        if option in values:
            arguments += [option, os.path.abspath(values[option])]
    if "--patience" in values:
        arguments += ["--patience", values["--patience"]]
    return Request(num_ranks=num_ranks(documents[0][2], values["--plan"]), arguments=arguments,
                   documents=documents, output=values["--output"],
                   program=values.get("--cadastre", ""),
                   patience_s=_patience_s(values.get("--patience")),
                   is_quiet="--quiet" in arguments)


def num_ranks(content, path):
    """A plan has a rank for each host that a stage of it is on. cadastre checks all the rest."""
    try:
        plan = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: expected JSON, found otherwise: {error}") from None
    found = plan.get("format") if isinstance(plan, dict) else None
    if found != _FORMAT:
        raise InputError(f'{path}: /format: expected "{_FORMAT}", found '
                         + ("none" if found is None else json.dumps(found)))
    hosts = set()
    try:
        for stage in plan["stages"]:
            hosts.update(replica["host"] for replica in stage["replicas"])
    except (TypeError, KeyError):
        hosts.clear()
    if not hosts or not all(isinstance(host, str) for host in hosts):
        raise InputError(f"{path}: /stages: expected stages with replicas on hosts, "
                         "found otherwise")
    return len(hosts)


def _split(words):
    """The values that are known here, and all other words as they are."""
    if not words or words[0] != "run":
        raise InputError("expected the verb run, found "
                         + (f'"{words[0]}"' if words else "none")
                         + "; `cadastre_spark.py run --help` shows an example")
    values, arguments = {}, ["run"]
    rest = iter(words[1:])
    for word in rest:
        name, has_value, value = word.partition("=")
        if word.startswith("-o") and not word.startswith("--"):
            name, value = "--output", word[2:].removeprefix("=")
            has_value = bool(value)
        if name in _OTHER_LAUNCHERS:
            raise InputError(f"cadastre_spark run: expected no {name}: Spark starts the ranks")
        if name not in _VALUES:
            arguments.append(word)
            continue
        if not has_value:
            value = next(rest, "")
        if not value:
            raise InputError(f"cadastre_spark run: expected a value for {name}, found none")
        if name in values:
            raise InputError(f"cadastre_spark run: expected {name} once, found it twice")
        values[name] = value
    return values, arguments


def _require(values, arguments):
    for option in _REQUIRED:
        if option in values:
            continue
        # Mistyped it is both missing and unknown; its name says more.
        words = [word.partition("=")[0] for word in arguments if word.startswith("--")]
        if near := difflib.get_close_matches(option, words, 1, 0.7):
            raise InputError("cadastre_spark run: expected an option that `cadastre run --help` "
                             f'lists, found "{near[0]}"; did you mean "{option}"?')
        raise InputError(f"cadastre_spark run: {option} is required; "
                         "`cadastre_spark.py run --help` shows an example")


def _patience_s(text):
    if text is None:
        return _PATIENCE_S
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= _MOST_PATIENCE_S):
        raise InputError("cadastre_spark run: --patience: expected a whole number from 1 to "
                         f'{_MOST_PATIENCE_S}, found "{text}"')
    return int(text)


def _read(path):
    try:
        with open(path, "rb") as stream:
            return stream.read()
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
