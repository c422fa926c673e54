"""Tests, benchmarks and what they share: a package, lest another of that name be found first."""
