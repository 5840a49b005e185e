"""What the paper's study measured, as a Markdown table."""

_HEADINGS = ["network", "batch", "architecture", "hosts", "step ms", "× single", "traffic MB/step",
             "busiest host MB/step", "utilization least / mean / most", "accuracy", "kappa",
             "inference µs/px"]


def row(cells):
    return "| " + " | ".join(cells) + " |\n"


def name_of(entry):
    """The architecture, with what it averages after."""
    period = entry.get("averaging_period", 0)
    return entry["architecture"] + (f", every {period}" if period else "")


def worker_utilizations(entry):
    """Of the hosts that compute the network; Spark's driver is none of them."""
    return [host["utilization"] for name, host in entry["by_host"].items()
            if name in entry["computing_hosts"]]


def busiest_bytes(entry):
    """What the busiest host sends and receives."""
    return max(host["sent_bytes_per_step"] + host["received_bytes_per_step"]
               for host in entry["by_host"].values())


def _single_step_s(entries, entry):
    """Of the single host with the same batch and network, or None."""
    return next((other["step_s"] for other in entries
                 if other["architecture"] == "single" and other["bandwidth"] == entry["bandwidth"]
                 and other["batch_size"] == entry["batch_size"]), None)


def markdown(entries):
    text = row(_HEADINGS) + row(["---"] * len(_HEADINGS))
    for entry in entries:
        busy = worker_utilizations(entry)
        single_s = _single_step_s(entries, entry)
        inference = ("–" if "inference_s" not in entry else
                     f"{1e6 * entry['inference_s'] / entry['inference_pixels']:.0f}")
        text += row([
            entry["bandwidth"], str(entry["batch_size"]), name_of(entry),
            str(len(entry["computing_hosts"])), f"{1e3 * entry['step_s']:.0f}",
            "–" if single_s is None else f"{single_s / entry['step_s']:.2f}",
            f"{1e-6 * entry['traffic_bytes_per_step']:.2f}",
            f"{1e-6 * busiest_bytes(entry):.2f}",
            f"{min(busy):.2f} / {sum(busy) / len(busy):.2f} / {max(busy):.2f}",
            f"{100 * entry['overall_accuracy']:.1f} %", f"{entry['kappa']:.3f}", inference])
    return text
