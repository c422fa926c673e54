"""Use cases: one function an act, in the caller's transaction, with one audit entry.

A function takes the session, the actor, what is asked and the moment; nothing here commits. Where
a refusal must leave an entry behind, it is returned as :class:`registry.services.refusal.Refused`,
so that the transaction commits; the face then raises its error.
"""
