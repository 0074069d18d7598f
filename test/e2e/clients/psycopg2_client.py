"""psycopg2: libpq's simple protocol, server-side cursors and COPY."""

import io
import sys

import psycopg2
import psycopg2.extensions
from common import digest, finish, masked, rows, same, texts

connection = psycopg2.connect("")
# Python's own dates do not reach as far as PostgreSQL's: these stay texts.
dates = psycopg2.extensions.new_type((1082, 1083, 1114, 1184, 1186, 1266), "TEXT", lambda value, cursor: value)
psycopg2.extensions.register_type(dates)


def ask(sql, values=None):
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return cursor.fetchall() if cursor.description is not None else cursor.statusmessage


def attempt(sql):
    try:
        found = ask(sql)
        return found if isinstance(found, str) else f"ok {found[0][0]}"
    except psycopg2.Error as error:
        return error.pgcode


def compare():
    result = {}
    connection.autocommit = True
    for sql in same:
        with connection.cursor() as cursor:
            cursor.execute(sql)
            columns = [[c.name, c.type_code, c.internal_size, c.precision, c.scale] for c in cursor.description or []]
            result[sql] = [columns, cursor.rowcount, rows(cursor.fetchall()) if columns else []]
    connection.autocommit = False
    insert = "INSERT INTO scratch VALUES (%s, %s, %s, %s, %s, %s) RETURNING *"
    result["insert"] = rows(ask(insert, (1, "it's", 12.5, "2024-02-29T12:00:00Z", ["a", "b,c"], '{"a": 1}')))
    result["update"] = ask("UPDATE scratch SET word = 'new' WHERE id = 1")
    with connection.cursor() as cursor:
        data = "".join(f"{n}\tword {n}\t{n}.5\t2024-01-01 00:00:00+00\t{{a,b}}\t{{}}\n" for n in range(10, 500))
        cursor.copy_expert("COPY scratch FROM STDIN", io.StringIO(data))
        result["copied"] = cursor.rowcount
        for how in ("", "(FORMAT csv, HEADER)", "(FORMAT binary)"):
            out = io.BytesIO()
            cursor.copy_expert(f"COPY (SELECT * FROM scratch ORDER BY id) TO STDOUT {how}", out)
            result[f"copy {how}"] = out.getvalue().hex()
    with connection.cursor(name="big") as cursor:
        cursor.itersize = 777
        cursor.execute("SELECT * FROM orders ORDER BY id")
        found = list(cursor)
        result["cursor"] = [len(found), digest(found)]
    connection.rollback()
    result["after"] = rows(ask("SELECT count(*) FROM scratch"))
    connection.rollback()
    return result


def judge():
    connection.autocommit = True
    found = {"plain": texts(ask(masked[0]))}
    for sql in masked[1:]:
        ask(sql)
    out = io.StringIO()
    with connection.cursor() as cursor:
        cursor.copy_expert(f"COPY ({masked[0]}) TO STDOUT", out)
        found["copy"] = [[None if cell == "\\N" else cell for cell in line.split("\t")] for line in out.getvalue().splitlines()]
        cursor.copy_expert("COPY customers TO STDOUT (FORMAT csv)", io.StringIO())
        cursor.copy_expert("COPY customers TO STDOUT (FORMAT binary)", io.BytesIO())
    connection.autocommit = False
    with connection.cursor(name="slow") as cursor:
        cursor.itersize = 7
        cursor.execute(masked[0])
        found["cursor"] = texts(list(cursor))
    connection.rollback()
    connection.autocommit = True
    denied = "DELETE FROM orders WHERE id = 1"
    one = "SELECT 1"
    events = {
        "alone": [attempt(denied), attempt(one)],
        "transaction": [attempt(s) for s in ("BEGIN", one, denied, one, "ROLLBACK", one)],
        "savepoint": [attempt(s) for s in ("BEGIN", "SAVEPOINT s", denied, "ROLLBACK TO s", one, "COMMIT", one)],
        "several": [attempt(f"{one}; {denied}"), attempt(one)],
        "copy": [attempt("COPY orders FROM STDIN"), attempt(one)],
    }
    return {"masked": found, "events": events}


finish(compare() if sys.argv[1] == "same" else judge())
