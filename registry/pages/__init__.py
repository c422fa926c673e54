"""The pages: what people see and do in a browser, rendered on the server, without scripts."""
