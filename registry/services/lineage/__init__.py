"""Lineage: from an extract to its items and who decided, from an item to all who received it.

Rows stand in Parquet files, sorted by a hash and merged in the background; DuckDB answers from the
few files that can hold the answer (registry/decisions/0010-lineage-in-files.md).
"""
