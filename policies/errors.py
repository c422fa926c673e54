"""What can be wrong with a policy or a question about one, as one tree.

::

    PolicyError
    ├── DocumentError   a policy document is not valid; says where in the document
    ├── RequestError    a question names something the vocabulary does not know; says which field
    └── FilterError     a row filter cannot be told to a database without changing its meaning

A *refusal* is never an error: it is a decision with reasons.
"""


class PolicyError(Exception):
    """Something about a policy that makes it unusable.

    :param path: where: a JSON path into the document (``$.permission[0].target``) or a field name.
    :param problem: one plain English sentence, user input in backticks.
    :param remedy: the way out; empty where there is none.
    :param probleem: the same sentence in Dutch.
    :param uitweg: the same way out in Dutch.
    """

    def __init__(
        self, path: str, problem: str, remedy: str = "", *, probleem: str = "", uitweg: str = ""
    ) -> None:
        super().__init__(path, problem, remedy)
        self.path = path
        self.problem = problem
        self.remedy = remedy
        self.probleem = probleem or problem
        self.uitweg = uitweg or remedy

    def __str__(self) -> str:
        return f"{self.path}: {self.problem}" + (f" ({self.remedy})" if self.remedy else "")


class DocumentError(PolicyError):
    """The document is not a valid policy; ``path`` is the place in it."""


class RequestError(PolicyError):
    """A request with a value that the vocabulary does not know; ``path`` is the field."""


class FilterError(PolicyError):
    """A filter outside the fragment that is proven equal in SQL: refused, never widened."""
