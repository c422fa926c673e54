"""The database's one linear history."""
