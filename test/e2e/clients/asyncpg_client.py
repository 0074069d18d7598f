"""asyncpg: everything binary, everything prepared; cursors, COPY, one statement many times, cancel by timeout."""

import asyncio
import io
import sys

import asyncpg
from common import digest, finish, masked, rows, same, texts

# Values of PostgreSQL that Python's own types cannot hold stay bytes or texts.
as_bytes = ("date", "timestamp", "timestamptz", "interval", "timetz", "time", "money")


async def connect():
    connection = await asyncpg.connect(ssl=False)
    for name in as_bytes:
        await connection.set_type_codec(name, schema="pg_catalog", encoder=bytes, decoder=bytes, format="binary")
    return connection


async def attempt(connection, sql):
    try:
        return f"ok {await connection.fetchval(sql)}" if sql.startswith("SELECT") else await connection.execute(sql)
    except asyncpg.PostgresError as error:
        return error.sqlstate


async def compare(connection):
    result = {}
    for sql in same:
        statement = await connection.prepare(sql)
        columns = [[a.name, a.type.oid] for a in statement.get_attributes()]
        result[sql] = [columns, [rows(await statement.fetch()) for _ in range(2)], statement.get_statusmsg()]
    statement = await connection.prepare("SELECT id, total, status FROM orders WHERE id = $1")
    result["many times"] = [rows(await statement.fetch(n)) for n in range(1, 400)]
    transaction = connection.transaction()
    await transaction.start()
    insert = "INSERT INTO scratch (id, word, amount, tags, doc) VALUES ($1, $2, $3, $4, $5) RETURNING *"
    result["insert"] = rows(await connection.fetch(insert, 1, "it's", 12, ["a", "b,c"], '{"a": 1}'))
    await connection.executemany("INSERT INTO scratch (id, word) VALUES ($1, $2)", [(n, f"word {n}") for n in range(2, 60)])
    records = [(n, f"record {n}") for n in range(100, 600)]
    result["to table"] = await connection.copy_records_to_table("scratch", records=records, columns=["id", "word"])
    for how in ("text", "csv", "binary"):
        out = io.BytesIO()
        await connection.copy_from_query("SELECT * FROM scratch WHERE id < $1 ORDER BY id", 590, output=out, format=how)
        result[f"copy {how}"] = out.getvalue().hex()
    found = [row async for row in connection.cursor("SELECT * FROM orders ORDER BY id", prefetch=333)]
    result["cursor"] = [len(found), digest(found)]
    cursor = await connection.cursor("SELECT id, status FROM orders ORDER BY id")
    result["steps"] = [rows(await cursor.fetch(7)), await cursor.forward(5), rows(await cursor.fetch(2))]
    await transaction.rollback()
    return result


async def judge(connection):
    found = {"fetch": texts(await connection.fetch(masked[0]))}
    statement = await connection.prepare(masked[0])
    for _ in range(3):
        found["prepared"] = texts(await statement.fetch())
    for sql in masked[1:]:
        await connection.fetch(sql)
    async with connection.transaction():
        found["cursor"] = texts([row async for row in connection.cursor(masked[0], prefetch=7)])
    for how in ("text", "csv", "binary"):
        out = io.BytesIO()
        await connection.copy_from_query(masked[0], output=out, format=how)
        if how == "text":
            found["copy"] = [line.split("\t") for line in out.getvalue().decode().splitlines()]
    await connection.copy_from_table("customers", output=io.BytesIO(), format="binary")
    denied, one = "DELETE FROM orders WHERE id = 1", "SELECT 1"
    events = {"alone": [await attempt(connection, s) for s in (denied, one)]}
    for name, steps in {
        "transaction": ("BEGIN", one, denied, one, "ROLLBACK", one),
        "savepoint": ("BEGIN", "SAVEPOINT s", denied, "ROLLBACK TO s", one, "COMMIT", one),
    }.items():
        events[name] = [await attempt(connection, step) for step in steps]
    try:
        await connection.fetchval("DELETE FROM orders WHERE id = $1", 1)
        events["prepared"] = ["went through"]
    except asyncpg.InsufficientPrivilegeError as error:
        events["prepared"] = [error.sqlstate, await attempt(connection, one)]
    return {"masked": found, "events": events}


async def work(connection):
    """A timeout cancels the statement on the server; a listener hears."""
    holder = await asyncpg.connect(sys.argv[2])
    await holder.execute("SELECT pg_advisory_lock(3)")

    async def until(waiting):
        while await holder.fetchval("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted") != waiting:
            await asyncio.sleep(0.05)

    async def wait():
        # A server that has not begun with a statement lets its cancellation pass: its time is over once it waits.
        async with asyncio.timeout(None) as time:
            over = asyncio.create_task(until(1))
            over.add_done_callback(lambda _: time.reschedule(asyncio.get_running_loop().time()))
            await connection.execute("SELECT pg_advisory_lock(3)")

    try:
        await wait()
        ended = "got it"
    except asyncio.TimeoutError:
        ended = "timed out"
    await until(0)
    heard = asyncio.get_running_loop().create_future()
    await connection.add_listener("news", lambda *told: heard.set_result(list(told[2:])))
    await connection.execute("NOTIFY news, 'hello'")
    notified = await asyncio.wait_for(heard, 30)
    await holder.close()
    return {"ended": ended, "after": await attempt(connection, "SELECT 1"), "notified": notified}


async def main():
    connection = await connect()
    finish(await {"same": compare, "judged": judge, "work": work}[sys.argv[1]](connection))
    await connection.close()


asyncio.run(main())
