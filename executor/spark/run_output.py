"""The directory of a run on the driver, filled from rank 0's."""

import os

from request import InputError

_PART = ".part"


class RunOutput:
    """Files come beside their names and are renamed once all are there; what nothing came of is
    removed again."""

    def __init__(self, path):
        """Raises InputError."""
        self._path = path
        self._is_new = not os.path.exists(path)
        self._files = {}
        self._order = []
        cause = None
        try:
            os.makedirs(path, exist_ok=True)
            if not os.access(path, os.W_OK):
                cause = "Permission denied"
        except OSError as error:
            cause = error.strerror
        if cause:
            raise InputError(f"{path}: expected a directory that can be written, found: {cause}")

    def add(self, name, chunk, is_last):
        """Raises OSError."""
        name = os.path.normpath(name)
        if os.path.isabs(name) or name.split(os.sep)[0] in ("..", "."):
            raise OSError(f"{name} is no file of a run")
        if name not in self._files:
            path = os.path.join(self._path, name + _PART)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            self._files[name] = open(path, "wb")  # pylint: disable=consider-using-with
            self._order.append(name)
        self._files[name].write(chunk)
        if is_last:
            self._files[name].close()

    def keep(self):
        """Raises OSError."""
        for name in self._order:
            path = os.path.join(self._path, name)
            os.replace(path + _PART, path)
        self._order.clear()
        self._is_new = False

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for name in self._order:
            self._files[name].close()
            try:
                os.remove(os.path.join(self._path, name + _PART))
            except OSError:
                pass
        if self._is_new:
            try:
                os.rmdir(self._path)
            except OSError:
                pass
