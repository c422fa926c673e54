"""A record in the words of others: pure functions, each with the table of what it covers."""
