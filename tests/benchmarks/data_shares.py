"""What the data benchmark makes of a measured step and of a process's memory."""

COMPUTATIONS = ("forward", "recompute", "backward", "optimizer_step")


def step_shares(timeline):
    """Of a step of one rank: the parts of its time that are computations, and that the load took; and
    of processor time likewise, which does not depend on what else the machine does."""
    seconds = {"compute": 0.0, "load": 0.0}
    cpu = {"compute": 0.0, "load": 0.0}
    for event in timeline["events"]:
        if event["kind"] in COMPUTATIONS:
            what = "compute"
        elif event["kind"] == "load_micro_batch":
            what = "load"
        else:
            raise ValueError(f"expected a program of one rank, found {event['kind']}")
        seconds[what] += event["end_s"] - event["start_s"]
        cpu[what] += event["cpu_s"]
    return {"step_ms": 1e3 * timeline["step_s"],
            "busy_share": seconds["compute"] / timeline["step_s"],
            "busy_cpu_share": cpu["compute"] / (cpu["compute"] + cpu["load"]),
            "load_ms": 1e3 * seconds["load"], "load_cpu_ms": 1e3 * cpu["load"]}


def peak_bytes(process, status=None):
    """Most memory that a process has had so far; None once it has ended."""
    if status is None:
        try:
            with open(f"/proc/{process}/status", encoding="ascii", errors="replace") as file:
                status = file.read()
        except OSError:
            return None
    for line in status.splitlines():
        if line.startswith("VmHWM:"):
            return 1024 * int(line.split()[1])
    return None


def training_line(shares):
    return (f"  {shares['threads']} threads, pixels in {shares['pixels']}: a step "
            f"{shares['step_ms']:.1f} ms, {100 * shares['busy_share']:.1f} % of it computing "
            f"({100 * shares['busy_cpu_share']:.1f} % of processor time); load "
            f"{shares['load_cpu_ms']:.2f} ms of processor time, predicted "
            f"{shares['predicted_load_ms']:.2f}")


def map_line(figures, network, num_threads):
    """The network's own rate is of one thread."""
    line = f"  {figures['map']}: at most {figures['peak_bytes'] / 1e6:.0f} MB"
    if "pixels_per_s" not in figures:
        return line + ", interrupted"
    rate = figures["pixels_per_s"] / num_threads
    return (f"{line}, {figures['pixels_per_s']:.0f} pixels a second: a thread "
            f"{100 * rate / network['together_pixels_per_s']:.0f} % of the network by itself, "
            f"{100 * rate / network['patch_by_patch_pixels_per_s']:.0f} % of it patch by patch")
