#!/usr/bin/env python3
"""A cadastre model trained data-parallel as Spark's users train: parameters averaged by the driver.

Samples are in partitions, one an executor, their patches cut out and kept at the executors before
the clock starts. The driver broadcasts the weights; every partition takes a period's local
steps; the weights (not gradients), times the samples seen, come back by `aggregate` (or
`treeAggregate`: with four partitions or fewer Spark makes no tree of them), are divided by all
samples and broadcast again, until --steps. A batch is over all partitions. Optimizer states stay at
the executors between rounds (SparkNet: Moritz et al. 2016) or begin anew each round, as where users
build their model in the task.

Run by spark-submit, with several batch sizes and periods in turn; writes one JSON document of all.
Where --marks names a directory, training waits before it begins and after it ended for the file
`begins` or `ended` there to be removed: for who reads counters meanwhile.

    spark-submit spark_averaging.py scenarios/models/multimodal-cnn.json --data scene \\
        --partitions 4 --runs 64:1 64:10 256:10 --steps 40 -o spark.json
"""

import argparse
import json
import os
import socket
import statistics
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
MODULES = ["ddp.py", "spark_averaging_math.py", "spark_averaging_scene.py",
           "spark_averaging_worker.py"]
sys.path.insert(0, HERE)

import spark_averaging_math as math  # noqa: E402
import spark_averaging_worker as worker  # noqa: E402
from spark_averaging_scene import Scene, SceneError  # noqa: E402

_MARK_S = 60  # for whoever removes it


# A task reads its partition to the end, or Spark ends its process, and with it the replica.


def prepare_task(job):
    def prepare(partition, numbers):
        from spark_averaging_worker import replica
        list(numbers)
        replica(job, partition)
        yield socket.gethostname()
    return prepare


def train_task(job, broadcast, first_step, num_steps):
    def train(partition, numbers):
        from spark_averaging_worker import replica
        list(numbers)
        own, made = replica(job, partition)
        weights, num_samples, loss_sum = own.train(job, broadcast.value, first_step, num_steps)
        yield weights, num_samples, loss_sum, int(made)
    return train


def classify_task(job, broadcast, num_pixels):
    def classify(partition, numbers):
        from spark_averaging_worker import classify, replica, set_vector
        list(numbers)
        own, _ = replica(job, partition)
        set_vector(own.network, broadcast.value)
        columns = own.scene.num_columns
        mine = range(partition, num_pixels, job["num_partitions"])
        yield len(classify(own.network, own.scene, [divmod(i, columns) for i in mine]))
    return classify


def fold(total, task):
    """Into (weights x samples, samples, losses, replicas made): a task's result."""
    weights, num_samples, loss_sum, made = task
    return merge(total, (*math.weighted(weights, num_samples), loss_sum, made))


def merge(one, other):
    if one is None or other is None:
        return one or other
    return (*math.added(one[:2], other[:2]), one[2] + other[2], one[3] + other[3])


def mark(arguments, name):
    """Tells whoever watches, and waits until it was seen."""
    if not arguments.marks:
        return
    file = os.path.join(arguments.marks, name)
    with open(f"{file}.part", "w", encoding="utf-8"):
        pass
    os.replace(f"{file}.part", file)
    end_s = time.monotonic() + _MARK_S
    while os.path.exists(file) and time.monotonic() < end_s:
        time.sleep(0.01)


def train(arguments, context, executors, job, weights, period):
    """One run: its weights at the end, and what it took."""

    def one_round(round_weights, first, count):
        broadcast = context.broadcast(round_weights)
        tasks = executors.mapPartitionsWithIndex(train_task(job, broadcast, first, count))
        total = (tasks.treeAggregate(None, fold, merge) if arguments.aggregate == "tree"
                 else tasks.aggregate(None, fold, merge))
        broadcast.destroy()
        return math.averaged(total).astype("float32"), total[2] / total[1], total[3]

    mark(arguments, "begins")
    round_s, losses, num_made = [], [], 0
    start_s = time.perf_counter()
    for first, count in math.rounds(arguments.steps, period):
        round_start_s = time.perf_counter()
        weights, loss, made = one_round(weights, first, count)
        round_s.append(time.perf_counter() - round_start_s)
        losses.append(loss)
        num_made += made
    wall_s = time.perf_counter() - start_s
    mark(arguments, "ended")
    return weights, {"wall_s": wall_s, "step_s": wall_s / arguments.steps,
                     "round_s": statistics.median(round_s), "num_rounds": len(round_s),
                     "losses": losses, "replicas_lost": num_made}


def one_run(arguments, context, executors, job, network, scene, initial, period):
    """A row of the document: training, then accuracy at the driver and inference by all."""
    batch_size = job["local_batch_size"] * job["num_partitions"]
    weights, found = train(arguments, context, executors, job, initial, period)
    worker.set_vector(network, weights)
    chosen = scene.test[math.even_choice(len(scene.test), arguments.test_samples)]
    overall, kappa = math.accuracy(
        zip(chosen[:, 2].tolist(), worker.classify(network, scene, chosen)),
        len(scene.class_names))
    num_pixels = min(arguments.inference_pixels, scene.num_rows * scene.num_columns)
    broadcast = context.broadcast(weights)
    start_s = time.perf_counter()
    executors.mapPartitionsWithIndex(classify_task(job, broadcast, num_pixels)).sum()
    return {"batch_size": batch_size, "averaging_period": period, "num_steps": arguments.steps,
            **found, "epoch_s": found["step_s"] * -(-len(scene.train) // batch_size),
            "overall_accuracy": overall, "kappa": kappa, "num_test_samples": len(chosen),
            "inference_s": time.perf_counter() - start_s, "inference_pixels": num_pixels}


def _run(text):
    batch_size, _, period = text.partition(":")
    return int(batch_size), int(period)


def _parser():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", metavar="MODEL")
    parser.add_argument("--data", required=True, help="a scene's directory or document")
    parser.add_argument("--weights", help="weights.pt of `cadastre run --max-steps 1 "
                                          "--learning-rate 1e-12` to begin with (default: PyTorch's)")
    parser.add_argument("--partitions", type=int, default=4, help="an executor each")
    parser.add_argument("--runs", type=_run, nargs="+", metavar="BATCH:PERIOD", default=[(64, 1)],
                        help="batch sizes, and steps between averagings, of runs in turn")
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--aggregate", choices=["plain", "tree"], default="plain")
    parser.add_argument("--optimizer", choices=["sgd", "adamw"], default="sgd")
    parser.add_argument("--optimizer-state", choices=["kept", "fresh"], default="kept")
    parser.add_argument("--learning-rate", type=float, default=0.05)
    parser.add_argument("--momentum", type=float, default=0.9)
    parser.add_argument("--weight-decay", type=float, default=1e-4)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--test-samples", type=int, default=1000, help="0: all")
    parser.add_argument("--inference-pixels", type=int, default=4096)
    parser.add_argument("--marks", metavar="DIR")
    parser.add_argument("-o", "--output", required=True)
    return parser


def check(arguments):
    """Raises SceneError, which main says, for numbers that cannot be."""
    if min(arguments.partitions, arguments.steps, arguments.inference_pixels, arguments.seed,
           *(number for run in arguments.runs for number in run)) < 1 or arguments.test_samples < 0:
        raise SceneError("expected positive numbers")
    for batch_size, _ in arguments.runs:
        if batch_size % arguments.partitions or batch_size // arguments.partitions < 2:
            raise SceneError(f"--runs: expected batches of a multiple of {arguments.partitions}, two "
                             f"samples for every partition at least, found {batch_size}")


def connect(arguments):
    """The context and an RDD of one element a partition, kept at an executor of its own: Spark
    sends a partition's tasks to where it is kept."""
    from pyspark import SparkConf, SparkContext, StorageLevel
    # One of each executor's cores; no task before all are there, or two would share one.
    conf = (SparkConf().setAppName("parameter averaging")
            .set("spark.cores.max", str(arguments.partitions)).set("spark.executor.cores", "1")
            .set("spark.scheduler.minRegisteredResourcesRatio", "1.0")
            .set("spark.scheduler.maxRegisteredResourcesWaitingTime", "180s")
            .set("spark.locality.wait", "60s"))
    context = SparkContext(conf=conf)
    context.setLogLevel("ERROR")
    for module in MODULES:
        context.addPyFile(os.path.join(HERE, module))
    numbers = context.parallelize(range(arguments.partitions), arguments.partitions)
    return context, numbers.persist(StorageLevel.MEMORY_ONLY)


def main():
    arguments = _parser().parse_args()
    try:
        check(arguments)
        with open(arguments.model, encoding="utf-8") as stream:
            model = json.load(stream)
        scene = Scene(os.path.abspath(arguments.data), model["inputs"])
        math.partitions(len(scene.train), arguments.partitions, arguments.seed)
        worker.torch.manual_seed(arguments.seed)
        network = worker.build(model)
        if arguments.weights:
            worker.load_weights(network, arguments.weights)
    except (SceneError, OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    initial = worker.vector_of(network)
    job = {"model": model, "data": os.path.abspath(arguments.data), "seed": arguments.seed,
           "num_partitions": arguments.partitions, "num_steps": arguments.steps,
           "optimizer": arguments.optimizer, "optimizer_state": arguments.optimizer_state,
           "learning_rate": arguments.learning_rate, "momentum": arguments.momentum,
           "weight_decay": arguments.weight_decay}
    context, executors = connect(arguments)
    try:
        hosts = executors.mapPartitionsWithIndex(prepare_task(job)).collect()
        runs = []
        for batch_size, period in arguments.runs:
            own = job | {"run": len(runs), "local_batch_size": batch_size // arguments.partitions}
            runs.append(one_run(arguments, context, executors, own, network, scene, initial,
                                period))
            print(f"batch {batch_size}, period {period}: {1e3 * runs[-1]['step_s']:.0f} ms a step",
                  file=sys.stderr, flush=True)
    finally:
        context.stop()
    document = {"model": model["name"], "hosts": hosts, "weights_bytes": 4 * len(initial),
                "aggregate": arguments.aggregate, "optimizer": arguments.optimizer,
                "optimizer_state": arguments.optimizer_state, "runs": runs}
    with open(f"{arguments.output}.part", "w", encoding="utf-8") as stream:
        json.dump(document, stream, indent=1)
    os.replace(f"{arguments.output}.part", arguments.output)
    return 0


if __name__ == "__main__":
    sys.exit(main())
