"""The ways in for machines: REST under ``/v1``, OAuth, health; described by OpenAPI 3.1."""
