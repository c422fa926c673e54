"""Evidence from the log for people who check: what stands out, and packs to take away."""
