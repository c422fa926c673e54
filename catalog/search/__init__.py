"""The search index of the catalogue: how texts become words, what is kept, and how it is asked."""
