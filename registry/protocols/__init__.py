"""Other people's protocols, spoken on our own services."""
