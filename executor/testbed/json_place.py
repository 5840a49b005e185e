"""A value of a JSON document together with where it stands, for errors that name the place."""

import difflib
import json
import math
import re

from errors import InputError

_PREFIXES = {"": 1, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12,
             "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40}


def read_document(file):
    """The JsonPlace of the whole document in `file`. Raises InputError."""
    try:
        with open(file, encoding="utf-8") as stream:
            value = json.load(stream)
    except OSError as error:
        raise InputError(f"{file}: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise InputError(f"{file}: expected JSON: {error}") from None
    return JsonPlace(value, str(file), "")


class JsonPlace:
    def __init__(self, value, file, pointer):
        self.value = value
        self.file = file
        self.pointer = pointer

    def fail(self, message):
        raise InputError(f"{self.file}: {self.pointer or '/'}: {message}")

    def fail_expected(self, expected):
        found = json.dumps(self.value)
        if len(found) > 60:
            found = found[:57] + "..."
        self.fail(f"expected {expected}, found {found}")

    def at(self, key):
        place = self.find(key)
        if place is None:
            self.fail(f'expected "{key}"')
        return place

    def find(self, key):
        """The member `key` of an object, or None."""
        if not isinstance(self.value, dict):
            self.fail_expected("an object")
        if key not in self.value:
            return None
        token = key.replace("~", "~0").replace("/", "~1")
        return JsonPlace(self.value[key], self.file, f"{self.pointer}/{token}")

    def check_keys(self, known):
        """Raises InputError where the object has a key that is not in `known`."""
        if not isinstance(self.value, dict):
            self.fail_expected("an object")
        for key in self.value:
            if key not in known:
                near = difflib.get_close_matches(key, known, 1)
                hint = f'; did you mean "{near[0]}"?' if near else ""
                self.fail(f'unknown key "{key}"{hint}')

    def array(self, least=0):
        if not isinstance(self.value, list) or len(self.value) < least:
            self.fail_expected("an array" if least == 0 else "an array that is not empty")
        return [JsonPlace(item, self.file, f"{self.pointer}/{index}")
                for index, item in enumerate(self.value)]

    def string(self):
        if not isinstance(self.value, str):
            self.fail_expected("a text")
        return self.value

    def integer(self, least, most):
        if type(self.value) is not int or not least <= self.value <= most:
            self.fail_expected(f"an integer from {least} to {most}")
        return self.value

    def number(self, least, most):
        if type(self.value) not in (int, float) or not least <= self.value <= most:
            self.fail_expected(f"a number from {least:g} to {most:g}")
        return float(self.value)

    def bandwidth_bytes_per_s(self):
        rate = self._in_base_units({"Bps": 1, "bps": 0.125})
        if rate is None or not 1 <= rate <= 1e15:
            self.fail_expected('bytes per second from 1 to 10^15, or text such as "1Gbps"')
        return rate

    def size_bytes(self):
        size = self._in_base_units({"B": 1})
        if size is None or not 1 <= size <= 9e18 or size != int(size):
            self.fail_expected('whole bytes > 0, or text such as "16GiB"')
        return int(size)

    def duration_s(self):
        duration = self._in_base_units({"ms": 1e-3, "us": 1e-6, "ns": 1e-9, "s": 1})
        if duration is None or not 0 <= duration <= 3600:
            self.fail_expected('seconds from 0 to 3600, or text such as "50us"')
        return duration

    def _in_base_units(self, bases):
        """The number, or that of a text with a unit; None when it is neither."""
        if type(self.value) in (int, float):
            return float(self.value) if math.isfinite(self.value) else None
        match = isinstance(self.value, str) and re.fullmatch(
            r"(-?[0-9.]+(?:[eE][-+]?[0-9]+)?) *([A-Za-z]+)", self.value)
        if not match:
            return None
        prefixes = _PREFIXES if "s" not in bases else {"": 1}  # durations have their own
        for base, factor in bases.items():
            prefix = match[2].removesuffix(base)
            if match[2].endswith(base) and prefix in prefixes:
                try:
                    return float(match[1]) * prefixes[prefix] * factor
                except ValueError:
                    return None
        return None
