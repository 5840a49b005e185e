"""What can go wrong, by the exit status it ends in."""


class InputError(Exception):
    """The request or a document is wrong: exit status 2."""


class TestbedError(Exception):
    """Something failed while working: exit status 1."""

    __test__ = False  # not a test, whatever its name begins with
