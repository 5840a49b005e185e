"""What the paper's study measured, as a Markdown table of a cadastre-measured document's rows."""

_HEADINGS = ["machines", "network, setting", "architecture", "hosts", "step ms", "× single",
             "epoch s", "traffic MB/step", "at the interfaces", "busiest host MB/step",
             "processor % least / mean / most", "accuracy %", "kappa", "inference µs/px"]


def line(cells):
    return "| " + " | ".join(cells) + " |\n"


def computing_hosts(row):
    """Of the row's hosts those of its plan; Spark's driver is none of them."""
    names = {host for stage in row["plan"]["stages"] for host in stage["hosts"]}
    return [host for host in row["hosts"] if host["name"] in names]


def interface_bytes(row):
    """What all hosts sent in a step, headers included."""
    return sum(host["sent_bytes"] for host in row["hosts"])


def busiest_bytes(row):
    """What the busiest host sends and receives in a step."""
    return max(host["sent_bytes"] + host["received_bytes"] for host in row["hosts"])


def _single_step_s(rows, row):
    """Of the single host on the same machines, with the same network and batch, or None."""
    def place(of):
        return of.get("machines"), of.get("network"), of["plan"]["batch_size"]
    return next((other["step_s"] for other in rows if other["strategy"] == "single"
                 and "error" not in other and place(other) == place(row)), None)


def markdown(rows):
    text = line(_HEADINGS) + line(["---"] * len(_HEADINGS))
    for row in rows:
        words = ", ".join(row[key] for key in ("network", "setting") if row.get(key)) or "–"
        start = [row.get("machines", "–"), words, row["strategy"]]
        if "error" in row:
            text += line([*start, row["error"], *["–"] * (len(_HEADINGS) - 4)])
            continue
        parts = [100 * host["processor_part"] for host in computing_hosts(row)]
        single_s = _single_step_s(rows, row)
        text += line([
            *start, str(len(parts)), f"{1e3 * row['step_s']:.0f}",
            "–" if single_s is None else f"{single_s / row['step_s']:.2f}",
            f"{row['epoch_s']:.1f}", f"{1e-6 * row['traffic_bytes_per_step']:.2f}",
            f"{1e-6 * interface_bytes(row):.2f}", f"{1e-6 * busiest_bytes(row):.2f}",
            f"{min(parts):.0f} / {sum(parts) / len(parts):.0f} / {max(parts):.0f}",
            f"{100 * row['overall_accuracy']:.1f}" if "overall_accuracy" in row else "–",
            f"{row['kappa']:.3f}" if "kappa" in row else "–",
            "–" if not row["inference_pixels"] else
            f"{1e6 * row['inference_s'] / row['inference_pixels']:.0f}"])
    return text
