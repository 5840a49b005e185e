"""What an executor does for spark_averaging.py: keeps a replica and its samples, takes local steps."""

import numpy
import torch

import ddp
import spark_averaging_math as math
from spark_averaging_scene import Scene

_replicas = {}  # of this process, which Spark keeps for the next task


def vector_of(network):
    """Parameters and running statistics, one after the other: (num_values,)."""
    return numpy.concatenate([tensor.detach().numpy().ravel()
                              for tensor in network.state_dict().values()
                              if tensor.is_floating_point()])


def set_vector(network, vector):
    """The inverse of `vector_of`."""
    first = 0
    with torch.no_grad():
        for tensor in network.state_dict().values():
            if tensor.is_floating_point():
                part = numpy.array(vector[first:first + tensor.numel()], dtype=numpy.float32)
                tensor.copy_(torch.from_numpy(part).view_as(tensor))
                first += tensor.numel()
    if first != len(vector):
        raise ValueError(f"expected {first} values of a network, found {len(vector)}")


def build(model):
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    network = ddp.Network(model)
    network.eval()
    with torch.no_grad():
        network(*ddp.random_inputs(model, 2))  # gives lazy modules their shapes
    return network


def load_weights(network, file):
    """The tensors of `cadastre run`'s weights.pt; running statistics as before any step, so that a
    run of one step at a learning rate of next to nothing gives what cadastre begins with."""
    weights = torch.load(file)
    with torch.no_grad():
        for layer, module in zip(network.layers, network.steps):
            for name, tensor in module.state_dict().items():
                if name == "running_mean":
                    module.running_mean.zero_()
                elif name == "running_var":
                    module.running_var.fill_(1)
                elif tensor.is_floating_point():
                    tensor.copy_(weights[f"{layer['id']}.{name}"])


def classify(network, scene, pixels, batch_size=256):
    """The class number of each pixel."""
    network.eval()
    classes = []
    with torch.no_grad():
        for first in range(0, len(pixels), batch_size):
            inputs = scene.patches(pixels[first:first + batch_size])
            classes += network(*map(torch.from_numpy, inputs)).argmax(1).tolist()
    return classes


class Replica:
    """A partition's samples, cut out and kept, and a network of its own."""

    def __init__(self, job, partition):
        self.scene = Scene(job["data"], job["model"]["inputs"])
        self.network = build(job["model"])
        numbers = math.partitions(len(self.scene.train), job["num_partitions"],
                                  job["seed"])[partition]
        samples = self.scene.train[numbers]
        self._inputs = [torch.from_numpy(patches) for patches in self.scene.patches(samples)]
        self._classes = torch.from_numpy(samples[:, 2].copy())
        self._partition = partition
        self._optimizer = None
        self._run = None

    def train(self, job, weights, first_step, num_steps):
        """(weights, samples seen, sum of losses) after local steps from `weights` on."""
        set_vector(self.network, weights)
        self.network.train()
        if self._optimizer is None or self._run != job["run"] or job["optimizer_state"] == "fresh":
            self._optimizer = self._new_optimizer(job)
            self._run = job["run"]
        num_samples, loss_sum = 0, 0.0
        for step in range(first_step, first_step + num_steps):
            for group in self._optimizer.param_groups:
                group["lr"] = math.learning_rate(job["learning_rate"], step, job["num_steps"])
            chosen = torch.tensor(math.batch(len(self._classes), job["local_batch_size"], step,
                                             f"{job['seed']} {self._partition}"))
            self._optimizer.zero_grad(set_to_none=True)
            loss = torch.nn.functional.cross_entropy(
                self.network(*(patches[chosen] for patches in self._inputs)),
                self._classes[chosen])
            loss.backward()
            self._optimizer.step()
            num_samples += len(chosen)
            loss_sum += len(chosen) * loss.item()
        return vector_of(self.network), num_samples, loss_sum

    def _new_optimizer(self, job):
        kind = {"sgd": lambda parameters, **keys: torch.optim.SGD(
                    parameters, momentum=job["momentum"], **keys),
                "adamw": torch.optim.AdamW}[job["optimizer"]]
        return kind(self.network.parameters(), lr=job["learning_rate"],
                    weight_decay=job["weight_decay"])


def replica(job, partition):
    """(this process's replica of a partition, whether it had to be made)."""
    made = partition not in _replicas
    if made:
        _replicas[partition] = Replica(job, partition)
    return _replicas[partition], made
