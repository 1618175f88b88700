"""The relay: committed events, still sealed, on NATS JetStream, and a copy made from there.

``tail`` reads the log as it is committed, ``cursor`` remembers how far, ``bus`` talks to NATS,
``publisher`` brings the three together; ``follower`` reads the messages and ``copy`` writes them
into another database.
"""
