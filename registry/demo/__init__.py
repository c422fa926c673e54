"""The demonstration: made-up data, and the whole job run on it."""
