"""What several processes do to a database one after the other, wherever they run."""

import contextlib
from collections.abc import Iterator

_KEY = 0x72756E6E6572  # "runner": what other programs lock is numbered otherwise
_PATIENCE = "60s"


@contextlib.contextmanager
def making_tables(address: str, **connecting: object) -> Iterator[None]:
    """Keep other processes from making tables in a PostgreSQL at once, whose CREATE TABLE IF NOT
    EXISTS fails where two of them make the same; other databases are let be.

    connecting: what a connection is made with.
    """
    if not address.startswith("postgresql"):
        yield
        return
    from sqlalchemy import NullPool, create_engine, text

    engine = create_engine(address, poolclass=NullPool, connect_args=connecting)
    with engine.connect() as connection:
        connection.execute(text(f"SET LOCAL lock_timeout = '{_PATIENCE}'"))
        connection.execute(text(f"SELECT pg_advisory_xact_lock({_KEY})"))
        yield
