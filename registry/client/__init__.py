"""What a reader of data runs: speaks HTTP, and installs without the server."""
