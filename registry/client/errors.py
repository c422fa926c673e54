"""What can go wrong for a reader, each with the exit status of the command line.

::

    ClientError
    ├── Refused         3  the service says no: not signed in, not allowed, ended, unknown
    ├── NotVerified     4  what arrived is not what was signed
    ├── Unreachable     5  no answer, or none that can be used
    └── NotMade         6  the extract was not made: it failed, was cancelled or expired
"""


class ClientError(Exception):
    """One plain sentence, and the way out where there is one."""

    exit_status = 1

    def __init__(self, sentence: str, way_out: str = "") -> None:
        super().__init__(sentence)
        self.sentence, self.way_out = sentence, way_out


class Refused(ClientError):
    """The service says no, and why."""

    exit_status = 3


class NotVerified(ClientError):
    """What arrived is not what was signed."""

    exit_status = 4


class Unreachable(ClientError):
    """No answer came, or none that can be used."""

    exit_status = 5


class NotMade(ClientError):
    """The extract was not made."""

    exit_status = 6
