"""What was worked out lately and is worth keeping, up to so many."""

from collections import OrderedDict
from threading import Lock
from typing import TypeVar

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


class Recent(OrderedDict[_Key, _Value]):
    """A dictionary out of which goes what was kept longest ago; threads may share it.

    :param most: how many it keeps.
    """

    def __init__(self, most: int) -> None:
        super().__init__()
        self._most = most
        self._lock = Lock()

    def __setitem__(self, key: _Key, value: _Value) -> None:
        """Keep a value; of too many, the oldest goes."""
        with self._lock:
            super().__setitem__(key, value)
            self.move_to_end(key)
            while len(self) > self._most:
                self.popitem(last=False)
