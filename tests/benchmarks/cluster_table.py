"""What the cluster benchmark found, as Markdown and JSON."""

import json
import os
import platform

_COLUMNS = [("pytorch-single", "PyTorch, one"), ("pytorch-ddp", "PyTorch DDP"),
            ("single", "single"), ("data-parallel", "data-parallel"),
            ("pipeline", "equal pipeline"), ("planned", "planned")]


def ratios(setting):
    """The figures that are judged; above 1 is faster than what is compared with."""
    step_s = setting["step_s"]
    baselines = min(step_s[name] for name in ("single", "data-parallel", "pipeline"))
    pytorch = min(step_s["pytorch-single"], step_s["pytorch-ddp"])
    return {"single_over_pytorch_single": step_s["pytorch-single"] / step_s["single"],
            "data_parallel_over_ddp": step_s["pytorch-ddp"] / step_s["data-parallel"],
            "planned_over_best_baseline": baselines / step_s["planned"],
            "planned_over_best_pytorch": pytorch / step_s["planned"],
            "planned_over_single_or_ddp":
                min(step_s["single"], step_s["pytorch-ddp"]) / step_s["planned"],
            "measured_over_predicted":
                step_s["planned"] / setting["plans"]["planned"]["predicted_step_s"]}


def _row(cells):
    return "| " + " | ".join(cells) + " |\n"


def _plan_text(plan):
    text = f"{plan['num_stages']} stages on {plan['num_hosts']} hosts, {plan['micro_batches']} mb"
    return text + (f", {plan['most_replicas']} replicas" if plan["most_replicas"] > 1 else "")


def markdown(settings):
    """Median steps in ms, then ratios within the run, then the planner's plans."""
    text = _row(["hosts", "network", *(title for _, title in _COLUMNS)])
    text += _row(["---"] * (2 + len(_COLUMNS)))
    for setting in settings:
        text += _row([str(setting["num_hosts"]), setting["bandwidth"],
                      *(f"{1e3 * setting['step_s'][name]:.1f}" for name, _ in _COLUMNS)])
    text += "\n" + _row(["hosts", "network", "single × PyTorch's", "data-parallel × DDP",
                         "planned × best baseline", "planned × best PyTorch",
                         "planned × better of single and DDP", "measured / predicted",
                         "idle beyond the bubble", "the plan"])
    text += _row(["---"] * 10)
    for setting in settings:
        found = ratios(setting)
        text += _row([
            str(setting["num_hosts"]), setting["bandwidth"],
            f"{found['single_over_pytorch_single']:.2f}", f"{found['data_parallel_over_ddp']:.2f}",
            f"{found['planned_over_best_baseline']:.2f}",
            f"{found['planned_over_best_pytorch']:.2f}",
            f"{found['planned_over_single_or_ddp']:.2f}",
            f"{found['measured_over_predicted']:.2f}",
            f"{100 * setting['idle_beyond_share']['planned']:.1f} %",
            _plan_text(setting["plans"]["planned"])])
    text += "\n"
    for setting in settings:
        text += (f"{setting['num_hosts']} hosts at {setting['bandwidth']}: "
                 f"{setting['cores_per_host']:g} of a core each, "
                 f"{setting['measured_relative_speed']:.2f} times as fast as one; between two, "
                 f"{8e-6 * setting['measured_bandwidth_bytes_per_s']:.0f} Mbit/s and "
                 f"{1e6 * setting['measured_latency_s']:.0f} us measured. ")
    return text.rstrip() + "\n"


def _processor():
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as stream:
            for line in stream:
                if line.startswith("model name"):
                    return line.split(": ")[1].strip()
    except OSError:
        pass
    return platform.processor()


def write(arguments, settings):
    """Writes cluster-benchmark.json and .md, beside and then renamed."""
    document = {"processor": _processor(), "num_cores": len(os.sched_getaffinity(0)),
                "kernel": platform.release(), "model": os.path.basename(arguments.model),
                "batch_size": arguments.batch_size, "num_steps": arguments.steps,
                "num_repetitions": arguments.repetitions,
                "settings": [setting | {"ratios": ratios(setting)} for setting in settings]}
    texts = {"cluster-benchmark.json": json.dumps(document, indent=1) + "\n",
             "cluster-benchmark.md": markdown(settings)}
    for name, text in texts.items():
        file = os.path.join(arguments.output, name)
        with open(f"{file}.part", "w", encoding="utf-8") as stream:
            stream.write(text)
        os.replace(f"{file}.part", file)
