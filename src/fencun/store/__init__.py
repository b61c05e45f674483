"""The database: what was asked, answered, edited, copied, liked; later reviews, ballots, votes.

How to use it:

* ``schema.py`` (and ``ballots.py`` for the ballot box) declare the tables as typed SQLAlchemy
  classes on :class:`~fencun.store.schema.Base`; a further module of tables is named in
  ``migration.metadata``. The other packages use these tables; this one knows none of them.
* ``migrations/versions/NNNN_name.py`` creates them: numbered, linear, never changed once
  released.
* ``database.py`` has :class:`~fencun.store.database.Store`: ``read(fn)`` and ``write(fn)`` run
  ``fn(session)`` in a transaction of its own; all writes of a process go through one thread,
  in the order they came. ``aread`` and ``awrite`` are the same for an event loop.
* One module a noun holds the functions that take a session: ``writings.py`` is the pattern.
"""
