#!/usr/bin/env python3
"""The whole proof that models of PyTorch train alike however they are divided.

    zoo_proof.py BUILD/bin -o DIR              # all of the zoo: half an hour of two cores
    zoo_proof.py BUILD/bin -o DIR resnet50 unet:script

For each network, traced and scripted:

1. cut at 20 random places, loss and gradients against the module's own (`torchscript_tests`);
2. trained 20 steps by `cadastre run` under several plans, over one to four processes, weights
   against those of one process, and these against what the module itself comes to on the same
   samples (`module_training`), which is set beside how far the module is from itself;
3. exported, loaded in Python: outputs against the plain network's with the run's weights.

Prints a table of each, writes DIR/proof.json, and ends with 1 where something differs, and with 77
where Debian's Python has no torch, torchvision or GDAL.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys

PYTHON = os.environ.get("CADASTRE_TORCH_PYTHON", "/usr/bin/python3")
if __name__ == "__main__" and os.environ.get("CADASTRE_ZOO_PROOF") is None:
    # Under the Python that has torch, whichever was called.
    if not os.path.exists(PYTHON):
        print(f"skipped: there is no {PYTHON}", file=sys.stderr)
        sys.exit(77)
    os.environ["CADASTRE_ZOO_PROOF"] = "1"
    sys.exit(subprocess.run([PYTHON, "-B", __file__, *sys.argv[1:]], check=False).returncode)

import need_torch  # noqa: E402
import models  # noqa: E402
import torch  # noqa: E402

try:
    import proof_scene
except ImportError:
    need_torch.skip(f"{sys.executable} has no numpy or GDAL (Debian: python3-gdal)")

STEPS = 20
BATCH = 8
GROUP = 4  # of batch norm: two micro-batches
TOLERANCE = 1e-5
LEARNING_RATE = 1e-4  # by 0.002 a ResNet of random weights is chaotic: roundings grow to a tenth
PLANS = (("single", 1), ("data-parallel", 2), ("pipeline", 3), ("pipeline", 4))


def wishes(words):
    """(name, way) of "NAME" or "NAME:WAY"."""
    for word in words:
        name, _, way = word.partition(":")
        entry = models.ZOO[name]
        if entry.is_traceable and way != "script":
            yield name, "trace"
        if entry.is_scriptable and way != "trace":
            yield name, "script"


def cluster(num_hosts):
    return {"format": "cadastre-cluster/1", "name": f"proof-{num_hosts}",
            "hosts": [{"name": f"host{i}", "relative_speed": 1.0, "cores": 1,
                       "memory_bytes": "8GiB"} for i in range(num_hosts)],
            "network": {"bandwidth_bytes_per_s": "10Gbps", "latency_s": "10us"}}


def difference(found, expected):
    """Largest |a - b| / |b| over tensors, those next to zero taken for a hundredth of the greatest;
    2 where they have not the same names."""
    if found.keys() != expected.keys():
        return 2.0
    greatest = max(float(value.double().norm()) for value in expected.values())
    return max(float((found[name].double() - value.double()).norm())
               / max(float(value.double().norm()), 1e-2 * greatest)
               for name, value in expected.items())


class Proof:
    def __init__(self, binaries, directory):
        self.binaries = os.path.abspath(binaries)
        self.directory = os.path.abspath(directory)
        self.zoo = f"{self.directory}/zoo"
        self.failures = []

    def program(self, name, *arguments, **environment):
        done = subprocess.run([f"{self.binaries}/{name}", *map(str, arguments)], check=False,
                              env={**os.environ, **environment}, capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(f"{name} {' '.join(map(str, arguments))}:\n{done.stderr}"
                               f"{done.stdout if not done.stderr else ''}")
        return done.stdout

    def cadastre(self, *arguments):
        return self.program("cadastre", *arguments, "--quiet", "--json")

    def make_zoo(self, names):
        os.makedirs(self.zoo, exist_ok=True)
        for name in dict.fromkeys(name for name, _ in wishes(names)):
            # Both ways: a traced one is compared with what the scripted one trains.
            for _, way in wishes([name]):
                if not os.path.exists(f"{self.zoo}/{name}.{way}.pt"):
                    subprocess.run([sys.executable, "-B", models.__file__, "--no-dropout", "--into",
                                    self.zoo, f"{name}:{way}"], check=True)

    def cut(self):
        """Prints the table of `torchscript_tests`."""
        done = subprocess.run([f"{self.binaries}/torchscript_tests", "networks that people have*"],
                              check=False, env={**os.environ, "CADASTRE_ZOO": self.zoo})
        if done.returncode != 0:
            self.failures.append("cuts")

    def train(self, name, way):
        """Differences from the module's own training, by plan."""
        work = f"{self.directory}/{name}.{way}"
        archive = f"{self.zoo}/{name}.{way}.pt"
        scene = f"{self.directory}/scene-{name}"
        inputs = models.ZOO[name].inputs
        if not os.path.exists(scene):
            proof_scene.write_scene(scene, inputs, models.CLASSES)
        os.makedirs(work, exist_ok=True)
        shapes = [word for key, shape in inputs.items()
                  for word in ("--input-shape", f"{key}={','.join(map(str, shape))}")]
        self.cadastre("profile", archive, *shapes, "--batch-sizes", GROUP, "--batch-norm-group",
                      GROUP, "-o", f"{work}/profile.json")
        found = {}
        for strategy, num_hosts in PLANS:
            run = f"{work}/{strategy}-{num_hosts}"
            with open(f"{work}/cluster.json", "w", encoding="utf-8") as stream:
                json.dump(cluster(num_hosts), stream)
            self.cadastre("plan", "--profile", f"{work}/profile.json", "--cluster",
                          f"{work}/cluster.json", "--batch-size", BATCH, "--strategy", strategy,
                          # The same sums, whoever computes them.
                          "--micro-batches", 1 if strategy == "data-parallel" else BATCH // GROUP,
                          "-o", f"{run}.json")
            if not os.path.exists(f"{run}/run.json"):
                self.cadastre("run", "--plan", f"{run}.json", "--model", archive, "--data", scene,
                              "--steps", STEPS, "--optimizer", "sgd", "--learning-rate", LEARNING_RATE, "--average-decay", 0,
                              "--settle-steps", 0, "--test-samples", 16, "--checkpoint-every", 0,
                              "--local", "-o", run)
            with open(f"{run}/run.json", encoding="utf-8") as stream:
                stages = json.load(stream)["stages"]
            ranks = {host for stage in stages for host in
                     (replica["host"] for replica in stage["replicas"])}
            found[f"{strategy}-{num_hosts}"] = (run, len(ranks))
        whole = torch.load(f"{found['single-1'][0]}/weights.pt")
        result = {}
        for plan, (run, num_ranks) in found.items():
            if plan == "single-1":
                continue
            value = difference(torch.load(f"{run}/weights.pt"), whole)
            result[f"{plan} ({num_ranks})"] = value
            if not value < TOLERANCE:
                self.failures.append(f"{name}.{way}: {plan}")
        # The scripted module tells what training gives; a traced one has its mode in its code.
        module = f"{self.zoo}/{name}.script.pt"
        for how in ("plain", "reversed", "double"):
            self.program("module_training", found["single-1"][0], module, f"{work}/{how}.pt", how)
        plain = torch.load(f"{work}/plain.pt")
        trained = {key: value for key, value in whole.items() if key in plain}
        result["module"] = difference(trained, plain)
        # In float32 gradients jump where a rounding turns the sign of an activation, the module's
        # own as well: how far it is from itself in another order, and in double precision.
        for how in ("reversed", "double"):
            result[how] = difference(torch.load(f"{work}/{how}.pt"), plain)
        if not result["module"] < max(TOLERANCE, 2 * result["reversed"], 2 * result["double"]):
            self.failures.append(f"{name}.{way}: the module")
        return result

    def export(self, name, way):
        """Largest difference of the scores of the exported archive from the plain network's."""
        work = f"{self.directory}/{name}.{way}"
        run = f"{work}/{PLANS[-1][0]}-{PLANS[-1][1]}"
        self.cadastre("export", "pytorch", run, "--model", f"{self.zoo}/{name}.{way}.pt", "-o",
                      f"{work}/trained.pt")
        weights = torch.load(f"{run}/weights.pt")
        model = models.make_model(name)
        known = model.state_dict()
        model.load_state_dict({key: value for key, value in weights.items() if key in known},
                              strict=False)
        missing = [key for key in weights if key not in known and "constant" not in key]
        if missing:
            self.failures.append(f"{name}.{way}: names {missing[:3]}")
        inputs = models.sample_inputs(name, 5, seed=3)
        with torch.no_grad():
            outputs = [module.eval()(*inputs) for module in (torch.jit.load(f"{work}/trained.pt"),
                                                             model)]
        scores = [output[0] if isinstance(output, tuple) else output for output in outputs]
        apart = float((scores[0] - scores[1]).abs().max() / scores[1].abs().max())
        if not apart < TOLERANCE:
            self.failures.append(f"{name}.{way}: exported")
        return apart


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("binaries")
    parser.add_argument("names", nargs="*")
    parser.add_argument("-o", "--output", required=True)
    parser.add_argument("--only", choices=["cuts", "training"], help="one half of it")
    parser.add_argument("--anew", action="store_true", help="without what is in DIR already")
    arguments = parser.parse_intermixed_args()
    if arguments.anew:
        shutil.rmtree(arguments.output, ignore_errors=True)
    names = arguments.names or [name for name in models.ZOO if name != "vgg16_narrow"]
    proof = Proof(arguments.binaries, arguments.output)
    proof.make_zoo(names)
    results = {}
    if arguments.only != "training":
        proof.cut()
    if arguments.only != "cuts":
        for name, way in wishes(names):
            try:
                result = proof.train(name, way)
                result["exported"] = proof.export(name, way)
            except RuntimeError as error:
                proof.failures.append(f"{name}.{way}: {error}")
                print(f"{name}.{way}: {error}", flush=True)
                continue
            results[f"{name}.{way}"] = result
            print(f"{name + '.' + way:26}", "  ".join(f"{key} {value:.1e}"
                                                      for key, value in result.items()), flush=True)
    with open(f"{proof.directory}/proof.json", "w", encoding="utf-8") as stream:
        json.dump({"training": results, "failures": proof.failures}, stream, indent=1)
    for failure in proof.failures:
        print(f"differs: {failure}", file=sys.stderr)
    return 1 if proof.failures else 0


if __name__ == "__main__":
    sys.exit(main())
