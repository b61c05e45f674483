"""The database: what was asked, answered, edited, copied, liked; later reviews, ballots, votes.

How to use it (and how the next room adds its tables):

* ``schema.py`` declares the tables as typed SQLAlchemy classes on
  :class:`~fencun.store.schema.Base`. A new room declares its own in a module of its own and
  adds one line to ``schema.TABLES``.
* ``migrations/versions/NNNN_name.py`` creates them: numbered, linear, never changed once
  released.
* ``database.py`` has :class:`~fencun.store.database.Store`: ``read(fn)`` and ``write(fn)`` run
  ``fn(session)`` in a transaction of its own; all writes of a process go through one thread,
  in the order they came. ``aread`` and ``awrite`` are the same for an event loop.
* One module a noun holds the functions that take a session: ``writings.py`` is the pattern.
"""
