"""Who acts: organisations, seats, machines, and what they show to be believed."""
