"""Huey with its SQLite storage and fsync on, as a contender of the group `queue`.

    huey_queue.py enqueue DATABASE FILE...   hands in each line of the files as a task; prints how many there are
    huey_queue.py through DATABASE N         takes N tasks and puts a result for each; prints tasks per second,
                                             after as many that do not count as make its log as long as it gets

Every call of Huey's is one commit. Ends with an error where the database is less durable than the other side's.
"""

import sys
import time

from huey import SqliteHuey

ANSWER = "x" * 200

huey = SqliteHuey(filename=sys.argv[2], fsync=True)


@huey.task()
def answer(line):
    return line


def must_be(pragma, wanted):
    (value,) = huey.storage.conn.execute(f"pragma {pragma}").fetchone()
    if value != wanted:
        sys.exit(f"{pragma} is {value}, not {wanted}")


must_be("synchronous", 2)
must_be("journal_mode", "wal")

if sys.argv[1] == "enqueue":
    for name in sys.argv[3:]:
        with open(name, encoding="utf-8") as lines:
            for line in lines:
                answer(line)
    print(huey.pending_count())
else:
    wanted = int(sys.argv[3])

    def through(number):
        for _ in range(number):
            task = huey.dequeue()
            huey.put_result(task.id, ANSWER)

    # A consumer runs for long. What a young one waits for is its log's growth, which the other side has behind it.
    through(200)
    start = time.perf_counter()
    through(wanted)
    print(wanted / (time.perf_counter() - start))
    if huey.result_count() < wanted:
        sys.exit("results are missing")
