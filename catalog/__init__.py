"""What exists and on what terms: datasets, editions, licences, mappings and offers.

Import what you need from its modules; this package itself loads none of them.
"""
