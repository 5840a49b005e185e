"""Rows of a cadastre-measured document (planner/study/measured.h), of cadastre's runs and of Spark's."""

import statistics


def step_seconds(run, period):
    """Of a run.json, as `cadastre study` has it: the median over steps; where parameters are
    averaged every `period` steps, over rounds after the first, as most steps of a round are over
    before the averaging that they wait for."""
    ends_s = [step["end_s"] for step in run["steps"]]
    rounds_s = [(ends_s[end - 1] - ends_s[end - period - 1]) / period
                for end in range(2 * period, len(ends_s) + 1, period)] if period > 1 else []
    return statistics.median(rounds_s) if rounds_s else run["measured"]["step_s"]


def compact_plan(plan):
    """What results tell of a cadastre-plan document."""
    kept = {"batch_size": plan["batch_size"], "micro_batches": plan["micro_batches"],
            "schedule": plan["schedule"],
            "stages": [{"first_layer": stage["layers"][0], "last_layer": stage["layers"][-1],
                        "num_layers": len(stage["layers"]),
                        "hosts": [replica["host"] for replica in stage["replicas"]]}
                       for stage in plan["stages"]]}
    if plan.get("averaging_period"):
        kept["averaging_period"] = plan["averaging_period"]
    return kept


def cadastre_row(place, strategy, plan, run, num_training_samples):
    """`place`: machines, network and setting in words, none where empty; plan and run: documents."""
    period = plan.get("averaging_period", 0)
    step_s = step_seconds(run, period)
    sent = {host["host"]: host["sent_bytes"] for host in plan["predicted"]["hosts"]}
    return {**_words(place), "strategy": strategy, "plan": compact_plan(plan), "step_s": step_s,
            "epoch_s": step_s * num_training_samples / plan["batch_size"],
            "traffic_bytes_per_step": run["traffic_bytes_per_step"],
            "hosts": [{"name": use["host"],
                       "processor_part": min(1.0, use["cpu_s_per_step"] /
                                             (use["step_s"] * use["cores"])),
                       "predicted_bytes": sent[use["host"]],
                       "sent_bytes": use["sent_bytes_per_step"],
                       "received_bytes": use["received_bytes_per_step"]}
                      for use in run["measured"]["hosts"]],
            "overall_accuracy": run["metrics"]["overall_accuracy"],
            "kappa": run["metrics"]["kappa"], "inference_s": 0, "inference_pixels": 0}


def with_inference(row, prediction):
    """`prediction`: what `cadastre predict --json` printed."""
    return row | {"inference_s": prediction["classify_s"],
                  "inference_pixels": prediction["num_pixels"]}


def without_accuracy(row):
    return {key: value for key, value in row.items() if key not in ("overall_accuracy", "kappa")}


def no_row(place, strategy, why):
    return {**_words(place), "strategy": strategy, "error": why}


def spark_row(place, document, run, per_step, model, driver):
    """`document` and one of its `runs`: what spark_averaging.py wrote; `per_step`: of the counters,
    meanwhile. Its traffic is that of the interfaces, as nobody else counts Spark's."""
    period, workers = run["averaging_period"], document["hosts"]
    step_s = run["round_s"] / period  # the median; what Java compiles first is in the mean
    payload = document["weights_bytes"] / period  # a way, of each worker

    def predicted(host):
        return payload * (len(workers) if host == driver else 1)
    return {**_words(place), "strategy": "spark",
            "plan": {"batch_size": run["batch_size"], "micro_batches": 1, "schedule": "gpipe",
                     "stages": [{"first_layer": model["layers"][0]["id"],
                                 "last_layer": model["layers"][-1]["id"],
                                 "num_layers": len(model["layers"]), "hosts": sorted(workers)}],
                     "averaging_period": period},
            "step_s": step_s, "epoch_s": run["epoch_s"] / run["step_s"] * step_s,
            "traffic_bytes_per_step": round(per_step["traffic_bytes_per_step"]),
            "hosts": [{"name": host, "processor_part": min(1.0, of["utilization"]),
                       "predicted_bytes": round(predicted(host)),
                       "sent_bytes": of["sent_bytes_per_step"],
                       "received_bytes": of["received_bytes_per_step"]}
                      for host, of in sorted(per_step["by_host"].items())],
            "overall_accuracy": run["overall_accuracy"], "kappa": run["kappa"],
            "inference_s": run["inference_s"], "inference_pixels": run["inference_pixels"]}


def _words(place):
    return {key: text for key, text in place.items() if text}
