#!/usr/bin/env python3
"""How fast a scene of 4,000 x 4,000 pixels is learnt from and mapped, and in how much memory.

Makes such a scene, of three modalities in three resolutions and two reference systems (with GDAL's
programs, from a small one that `cadastre synthesize` makes), and by the verbs that a user types and
their defaults:

- trains one process on it, bound to one processor and with two threads, with the pixels in memory and
  in a mapped file: the share of a step that is forward, backward and optimizer;
- maps it (or `--rows` of it, or what `--seconds` give): pixels a second beside those that the network
  does by itself, and peak memory.

    tests/benchmarks/data_benchmark.py -o data

What was made stays in the output directory and is not made again.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import time

import data_shares

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.normpath(os.path.join(HERE, "../.."))
OTHER_CRS = "EPSG:32635"  # the scene's neighbour zone


class Failed(Exception):
    pass


def say(text):
    print(text, file=sys.stderr, flush=True)


def run(*words, **options):
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          check=False, **options)
    if done.returncode != 0:
        raise Failed(f"{' '.join(words[:2])}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


class Benchmark:
    def __init__(self, arguments):
        self.arguments = arguments
        self.place = os.path.abspath(arguments.output)
        self.program = f"{arguments.programs}/cadastre"
        os.makedirs(self.place, exist_ok=True)

    def cadastre(self, *words, **options):
        return run(self.program, *words, **options)

    def scene(self, name, num_rows):
        """A scene of so many rows of the large one's ground."""
        place = f"{self.place}/{name}"
        if os.path.exists(f"{place}/scene.json"):
            return place
        os.makedirs(place, exist_ok=True)
        small = f"{self.place}/small"
        if not os.path.exists(f"{small}/scene.json"):
            self.cadastre("synthesize", "--size-m", "512", "--seed", "3", "--quiet", "-o", small)
        size = self.arguments.size
        rows = 512 * num_rows // size  # of the small scene
        tiled = ("-q", "-co", "TILED=YES", "-co", "BIGTIFF=IF_SAFER")
        for raster, finer, resampling in (("hyperspectral", 1, "bilinear"), ("lidar", 2, "bilinear"),
                                          ("rgb", 4, "bilinear"), ("labels", 1, "near"),
                                          ("split", 1, "near")):
            source = f"{small}/{raster}.tif"
            part = f"{place}/part.tif"
            run("gdal_translate", "-q", "-srcwin", "0", "0", str(512 * finer), str(rows * finer),
                source, part)
            run("gdal_translate", *tiled, "-r", resampling, "-outsize", str(size * finer),
                str(num_rows * finer), part, f"{place}/{raster}.tif")
            os.remove(part)
        os.replace(f"{place}/rgb.tif", f"{place}/here.tif")
        run("gdalwarp", *tiled, "-multi", "-t_srs", OTHER_CRS, "-r", "bilinear", f"{place}/here.tif",
            f"{place}/rgb.tif")
        os.remove(f"{place}/here.tif")
        with open(f"{small}/scene.json", encoding="utf-8") as file:
            scene = json.load(file)
        scene["name"] = name
        if num_rows < size:  # not every class is there
            del scene["labels"], scene["split"]
        with open(f"{place}/scene.json", "w", encoding="utf-8") as file:
            json.dump(scene, file, indent=1)
        return place

    def plan(self, scene, num_threads):
        model, profile, plan, cluster = (
            f"{self.place}/{what}-{num_threads}.json"
            for what in ("model", "profile", "plan", "cluster"))
        if os.path.exists(plan):
            with open(profile, encoding="utf-8") as file:
                return plan, json.load(file)["load_s_per_sample"]
        self.cadastre("model", "--data", scene, "-o", model)
        with open(cluster, "w", encoding="utf-8") as file:
            json.dump({"format": "cadastre-cluster/1", "name": "one host",
                       "hosts": [{"name": "here", "cores": num_threads, "memory_bytes": "16GiB"}],
                       "network": {"bandwidth_bytes_per_s": "1Gbps", "latency_s": 1e-4}}, file)
        self.cadastre("profile", model, "--data", scene, "--threads", "1",
                      "--batch-sizes", "64", "--quiet", "-o", profile)
        self.cadastre("plan", "--profile", profile, "--cluster", cluster, "--strategy", "single",
                      "--batch-size", "64", "-o", plan)
        with open(profile, encoding="utf-8") as file:
            return plan, json.load(file)["load_s_per_sample"]

    def train(self, scene, num_threads, in_file):
        plan, predicted_load_s = self.plan(scene, num_threads)
        out = f"{self.place}/run-{num_threads}{'-file' if in_file else ''}"
        environment = dict(os.environ)
        if in_file:
            environment["CADASTRE_SCENE_MEMORY_BYTES"] = "0"
        words = ["run", "--plan", plan, "--data", scene, "--local", "--steps",
                 str(self.arguments.steps), "--test-samples", "1", "--quiet", "-o", out]
        if num_threads == 1:
            run("taskset", "-c", "0", self.program, *words, env=environment)
        else:
            self.cadastre(*words, env=environment)
        with open(f"{out}/timeline.json", encoding="utf-8") as file:
            shares = data_shares.step_shares(json.load(file))
        shares["threads"], shares["pixels"] = num_threads, "file" if in_file else "memory"
        shares["predicted_load_ms"] = 64e3 * predicted_load_s
        return shares

    def predict(self, trained, scene, name):
        """The map's figures; those until it was interrupted after `--seconds`."""
        words = [self.program, "predict", "--run", trained, "--data", scene, "--json", "--no-resume",
                 "--threads", str(self.arguments.threads), "-o", f"{self.place}/{name}.tif"]
        process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                   text=True)
        end = time.monotonic() + self.arguments.seconds
        while process.poll() is None and time.monotonic() < end:
            peak = data_shares.peak_bytes(process.pid) or 0
            figures = {"peak_bytes": peak}
            time.sleep(0.2)
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            process.communicate()
            return {"map": name, "peak_bytes": figures["peak_bytes"], "interrupted": True}
        text = process.communicate()[0]
        if process.returncode != 0:
            raise Failed(f"cadastre predict: exit status {process.returncode}")
        return {"map": name, "peak_bytes": figures["peak_bytes"],
                "pixels_per_s": json.loads(text)["pixels_per_s"]}

    def network_rates(self):
        """Pixels a second of the default network by itself, on one thread."""
        text = run(f"{self.arguments.programs}/executor_tests",
                   "pixels a second of a thread")
        return json.loads(next(line for line in text.splitlines() if line.startswith("{")))


def parser():
    made = argparse.ArgumentParser(description=__doc__,
                                   formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("-o", "--output", required=True)
    made.add_argument("--programs", default=f"{ROOT}/build/release/bin")
    made.add_argument("--size", type=int, default=4000, help="pixels a side")
    made.add_argument("--rows", type=int, default=400, help="of the part that is mapped for its rate")
    made.add_argument("--steps", type=int, default=150)
    made.add_argument("--threads", type=int, default=1, help="of a map")
    made.add_argument("--seconds", type=float, default=1e9, help="most of a map")
    made.add_argument("--only", choices=("train", "predict"))
    return made


def main():
    arguments = parser().parse_args()
    benchmark = Benchmark(arguments)
    figures = {"training": [], "maps": []}
    try:
        large = benchmark.scene("large", arguments.size)
        if arguments.only != "predict":
            for num_threads, in_file in ((1, False), (1, True), (2, False)):
                say(f"training with {num_threads} threads{', pixels in a file' * in_file}")
                figures["training"].append(benchmark.train(large, num_threads, in_file))
                say(data_shares.training_line(figures["training"][-1]))
        if arguments.only != "train":
            trained = f"{benchmark.place}/run-1"
            figures["network"] = benchmark.network_rates()
            band = benchmark.scene("band", arguments.rows)
            for scene, name in ((band, "band"), (large, "large")):
                say(f"mapping {name}")
                figures["maps"].append(benchmark.predict(trained, scene, name))
                say(data_shares.map_line(figures["maps"][-1], figures["network"],
                                         arguments.threads))
    except Failed as error:
        say(f"error: {error}")
        return 1
    print(json.dumps(figures, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
