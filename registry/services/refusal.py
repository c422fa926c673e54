"""A refusal as a value: its audit entry commits, and the face says no."""

from dataclasses import dataclass

from registry.errors import RegistryError


@dataclass(frozen=True)
class Refused:
    """No, with the error that a face shows once the transaction has committed."""

    error: RegistryError
