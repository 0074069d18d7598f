"""psycopg 3: extended protocol in text and binary, prepared statements, pipelines, cursors, COPY, cancel, NOTIFY."""

import sys
import threading
import time

import psycopg
from common import digest, finish, masked, rows, same, texts
from psycopg.rows import tuple_row

connection = psycopg.connect("", autocommit=True, row_factory=tuple_row)


def all_rows(cursor):
    return cursor.fetchall() if cursor.description is not None else cursor.statusmessage


def attempt(sql, **how):
    try:
        found = all_rows(connection.execute(sql, **how))
        return found if isinstance(found, str) else f"ok {found[0][0]}"
    except psycopg.Error as error:
        return error.sqlstate


ways = {
    "text": dict(binary=False, prepare=False),
    "binary": dict(binary=True, prepare=False),
    "prepared text": dict(binary=False, prepare=True),
    "prepared binary": dict(binary=True, prepare=True),
}


def raw(sql, binary, prepare):
    """The bytes of each cell, as they came: psycopg's own types need not read every value of PostgreSQL."""
    cursor = connection.cursor(binary=binary)
    cursor.execute(sql, prepare=prepare)
    result = cursor.pgresult
    columns = [
        [result.fname(c).decode(), result.ftype(c), result.ftable(c), result.ftablecol(c), result.fmod(c), result.fsize(c), result.fformat(c)]
        for c in range(result.nfields)
    ]
    cells = [
        [None if result.get_value(r, c) is None else result.get_value(r, c).hex() for c in range(result.nfields)]
        for r in range(result.ntuples)
    ]
    return [columns, cells, result.command_status.decode()]


def compare():
    result = {}
    for name, way in ways.items():
        for sql in same:
            result[f"{name} {sql}"] = [raw(sql, **way) for _ in range(2 if way["prepare"] else 1)]
    with connection.transaction(force_rollback=True):
        insert = "INSERT INTO scratch VALUES (%b, %s, %b, %s, %b, %s) RETURNING id, word, amount, tags"
        values = (1, "it's", 12, "2024-02-29T12:00:00Z", ["a", "b,c"], '{"a": 1}')
        result["insert"] = rows(connection.execute(insert, values).fetchall())
        with connection.cursor() as cursor:
            cursor.executemany("INSERT INTO scratch (id, word) VALUES (%s, %s)", [(n, f"word {n}") for n in range(2, 60)])
            result["many"] = cursor.rowcount
            with cursor.copy("COPY scratch (id, word, amount) FROM STDIN") as copy:
                for n in range(100, 600):
                    copy.write_row((n, f"tab\there {n}", n / 4))
            with cursor.copy("COPY scratch (id, word) FROM STDIN (FORMAT binary)") as copy:
                copy.set_types(["int4", "text"])
                for n in range(700, 900):
                    copy.write_row((n, f"binary {n}"))
            for how in ("", "(FORMAT csv)", "(FORMAT binary)"):
                with cursor.copy(f"COPY (SELECT * FROM scratch ORDER BY id) TO STDOUT {how}") as copy:
                    result[f"copy {how}"] = b"".join(bytes(block) for block in copy).hex()
        for binary in (False, True):
            with connection.cursor(name="big", binary=binary) as cursor:
                cursor.itersize = 900
                cursor.execute("SELECT * FROM orders ORDER BY id")
                found = list(cursor)
                result[f"cursor {binary}"] = [len(found), digest(found)]
            with connection.cursor(name="back", scrollable=True, binary=binary) as cursor:
                cursor.execute("SELECT id, t FROM kinds ORDER BY id")
                first = cursor.fetchmany(3)
                cursor.scroll(-2)
                result[f"scroll {binary}"] = rows(first + cursor.fetchall())
    found = list(connection.cursor().stream("SELECT id, total FROM orders WHERE id <= 2000 ORDER BY id"))
    result["single rows"] = [len(found), digest(found)]
    fresh = psycopg.connect("", autocommit=True)  # psycopg 3.1 cannot go from single rows to a pipeline
    with fresh.pipeline() as pipeline:
        cursors = [fresh.execute(sql) for sql in same[3:7]]
        pipeline.sync()
        cursors += [fresh.execute("SELECT %s::int + %s::int", (n, n)) for n in range(50)]
    result["pipeline"] = [rows(cursor.fetchall()) for cursor in cursors]
    return result


def judge():
    found = {name: texts(all_rows(connection.cursor(binary=way["binary"]).execute(masked[0], prepare=way["prepare"]))) for name, way in ways.items()}
    for sql in masked[1:]:
        for way in ways.values():
            raw(sql, **way)
    connection.cursor().stream(masked[0])
    with connection.cursor() as cursor, cursor.copy(f"COPY ({masked[0]}) TO STDOUT") as copy:
        found["copy"] = [[None if cell is None else cell for cell in row] for row in copy.rows()]
    with connection.cursor() as cursor, cursor.copy("COPY customers TO STDOUT (FORMAT binary)") as copy:
        for _ in copy:
            pass
    with connection.transaction():
        for binary in (False, True):
            with connection.cursor(name="slow", binary=binary) as cursor:
                cursor.itersize = 7
                cursor.execute(masked[0])
                found[f"cursor {binary}"] = texts(list(cursor))
    with connection.pipeline():
        cursors = [connection.execute(sql) for sql in masked]
    found["pipeline"] = texts(cursors[0].fetchall())

    denied = "DELETE FROM orders WHERE id = 1"
    one = "SELECT 1"
    events = {
        "alone": [attempt(denied), attempt(one)],
        "prepared": [attempt(denied, prepare=True), attempt(one, prepare=True), attempt(denied, prepare=True), attempt(one)],
        "transaction": [attempt(s) for s in ("BEGIN", one, denied, one, "ROLLBACK", one)],
        "savepoint": [attempt(s) for s in ("BEGIN", "SAVEPOINT s", denied, "ROLLBACK TO s", one, "COMMIT", one)],
    }
    told = []
    try:
        with connection.pipeline() as pipeline:
            first = connection.execute(one)
            second = connection.execute(denied)
            third = connection.execute(one)
            try:
                pipeline.sync()
                told.append("no error")
            except psycopg.Error as error:
                told.append(error.sqlstate)
            told.append(f"ok {first.fetchone()[0]}")
            for cursor in (second, third):
                try:
                    cursor.fetchone()
                    told.append("rows")
                except psycopg.Error as error:
                    told.append(type(error).__name__)
            told.append(f"ok {connection.execute('SELECT 2').fetchone()[0]}")
    except psycopg.Error as error:
        told.append(f"out {error.sqlstate}")
    events["pipeline"] = told + [attempt(one)]
    return {"masked": found, "events": events}


def work():
    """Cancel hits the own session and no other; a notification arrives. What is waited for is held by the third one."""
    other = psycopg.connect("", autocommit=True)
    holder = psycopg.connect(sys.argv[2], autocommit=True)
    holder.execute("SELECT pg_advisory_lock(1), pg_advisory_lock(2)")
    ends = {}

    def waits(name, on, lock):
        try:
            on.execute(f"SELECT pg_advisory_lock({lock})")
            ends[name] = "got it"
        except psycopg.Error as error:
            ends[name] = error.sqlstate

    threads = [
        threading.Thread(target=waits, args=("own", connection, 1)),
        threading.Thread(target=waits, args=("other", other, 2)),
    ]
    for thread in threads:
        thread.start()
    while holder.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted").fetchone()[0] < 2:
        time.sleep(0.05)
    connection.cancel()
    threads[0].join()
    ends["while"] = ends.get("other", "waits")
    holder.execute("SELECT pg_advisory_unlock(2)")
    threads[1].join()
    connection.cancel()  # nothing runs: nothing may be hit
    ends["after"] = [attempt("SELECT 1"), attempt("SELECT 2")]

    connection.execute("LISTEN news")
    other.execute("NOTIFY news, 'hello'")
    got = []
    for notify in connection.notifies():
        got.append([notify.channel, notify.payload])
        break
    ends["notified"] = got
    connection.execute("UNLISTEN *")
    return ends


finish({"same": compare, "judged": judge, "work": work}[sys.argv[1]]())
