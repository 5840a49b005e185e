#!/usr/bin/env python3
"""Apache Spark as a launcher of `cadastre run`:

    spark-submit --master spark://HOST:7077 cadastre_spark.py run --plan PLAN --data SCENE -o RUN

Arguments, standard output, files and exit status are those of `cadastre run`.
"""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from request import USAGE, InputError, read_request  # pylint: disable=wrong-import-position
from run_output import RunOutput  # pylint: disable=wrong-import-position


def main(words):
    if "--help" in words or "-h" in words:
        print(USAGE, end="")
        return 0
    try:
        request = read_request(words)
        with RunOutput(request.output) as output:
            text = run(request, output)
    except InputError as error:
        return fail(error, 2)
    except Exception as error:  # pylint: disable=broad-except
        return fail(error, 1)
    sys.stdout.buffer.write(text)
    sys.stdout.buffer.flush()
    return 0


def run(request, output):
    try:
        import spark_run  # pylint: disable=import-outside-toplevel
    except ImportError as error:
        raise InputError(f"expected PySpark, found none: {error}") from None
    spark_run.interrupt_on_signals()
    spark = spark_run.spark_context(request.num_ranks)
    try:
        spark_run.interrupt_on_signals()  # PySpark has set one of its own
        spark_run.wait_for_executors(spark, request)
        text = spark_run.SparkRun(spark, request, output).run()
        output.keep()
        return text
    finally:
        spark_run.end_spark(spark)


def separate_standard_error():
    """spark-submit joins this process's standard error with its standard output; its own is open
    in the process above. Stays as it is where that one cannot be opened (a socket, say)."""
    if "PYSPARK_GATEWAY_PORT" not in os.environ or not os.path.sameopenfile(1, 2):
        return
    try:
        descriptor = os.open(f"/proc/{os.getppid()}/fd/2", os.O_WRONLY | os.O_APPEND)
    except OSError:
        return
    os.dup2(descriptor, 2)
    os.close(descriptor)


def fail(error, status):
    lines = str(error).splitlines() or [type(error).__name__]
    print(f"error: {lines[0]}", file=sys.stderr, flush=True)
    return status


if __name__ == "__main__":
    separate_standard_error()
    STATUS = main(sys.argv[1:])
    sys.stdout.flush()
    # Threads may still wait for a Java process that hangs.
    os._exit(STATUS)
