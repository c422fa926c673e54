"""Backups: database, log, keys and files of one moment, taken, verified, put back, opened again."""
