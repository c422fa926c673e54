"""The service: who asks, what was agreed, what was done.

Only the version lives here, so that importing an auditor's tool never loads the web application
(which is :func:`registry.app.create_app`).
"""

__version__ = "0.2.0"
