"""Policies in other notations: the rim of the engine, with dependencies of its own (``rdf``)."""
