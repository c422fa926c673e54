"""Reading ZIP files that may have been damaged."""

import errno
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    KeyError,
    NotImplementedError,
    RuntimeError,
    TypeError,
    ValueError,
)


@contextmanager
def damage_told_as(problem: Callable[[], Exception]) -> Iterator[None]:
    """Raise this for all that a ZIP cut off, changed, or of another make raises when read."""
    try:
        yield
    except _BROKEN as wrong:
        raise problem() from wrong
    except OSError as wrong:
        # A changed directory can name a place before the file begins; another error is the disk's.
        if wrong.errno != errno.EINVAL:
            raise
        raise problem() from wrong
