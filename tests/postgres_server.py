"""A real PostgreSQL for tests: started on a folder of its own, on loopback, and ended again."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


def binaries() -> Path | None:
    """Return the folder that holds ``initdb`` and ``postgres``; None where there is none."""
    found = shutil.which("pg_ctl")
    folders = [Path(found).resolve().parent] if found else []
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((folder for folder in folders if (folder / "initdb").exists()), None)


class Running(str):
    """The URL of a server, which can be stopped and started again."""

    start: Callable[[], None]
    stop: Callable[[], None]


@contextmanager
def server() -> Iterator[Running]:
    """Run a server for the length of the block; yield its URL without a database name."""
    folder = binaries()
    assert folder is not None
    user = _unprivileged()
    data = Path(tempfile.mkdtemp(prefix="fencun-pg-"))
    if user:
        os.chown(data, user.pw_uid, user.pw_gid)
    as_user = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if user else {}
    port = _free_port()
    try:
        subprocess.run(
            [folder / "initdb", "-D", data / "db", "-U", "fencun", "-A", "trust", "-E", "UTF8"],
            check=True, capture_output=True, cwd=data, **as_user,
        )  # fmt: skip
        options = ["-h", "127.0.0.1", "-p", str(port), "-k", "", "-c", "fsync=off"]
        process: subprocess.Popen[bytes] | None = None

        def start() -> None:
            nonlocal process
            with (data / "log").open("ab") as log:
                process = subprocess.Popen(
                    [folder / "postgres", "-D", data / "db", *options],
                    stdout=log, stderr=log, cwd=data, **as_user,
                )  # fmt: skip
            _wait(port, process)

        def stop() -> None:
            if process is not None:
                process.send_signal(2)  # SIGINT: fast shutdown
                process.wait(timeout=30)

        url = Running(f"postgresql://fencun@127.0.0.1:{port}")
        url.start, url.stop = start, stop
        try:
            start()
            yield url
        finally:
            stop()
    finally:
        shutil.rmtree(data, ignore_errors=True)


def new_database(url: str, name: str) -> str:
    """Create an empty database on the server at ``url``; return its URL."""
    import psycopg

    with psycopg.connect(f"{url}/postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    return f"{url}/{name}"


def _unprivileged() -> pwd.struct_passwd | None:
    """PostgreSQL refuses to run as root: return somebody else if we are."""
    if os.geteuid() != 0:
        return None
    return next((pwd.getpwnam(name) for name in ("postgres", "nobody") if _known(name)), None)


def _known(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait(port: int, process: "subprocess.Popen[bytes]", seconds: float = 60) -> None:
    """Wait until it takes connections: its port is open a moment before that."""
    import psycopg

    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if process.poll() is not None:
            raise RuntimeError("PostgreSQL ended at once")
        try:
            psycopg.connect(f"postgresql://fencun@127.0.0.1:{port}/postgres").close()
        except psycopg.OperationalError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError("PostgreSQL takes no connections")
