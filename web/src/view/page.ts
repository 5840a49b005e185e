// The whole report: a section for each thing that its documents tell, in reading order.

import type {Report, SimulationFigures} from "../documents";
import {plural, schedule_label} from "../layout/format";
import {headline} from "../layout/headline";
import {type PlanView, main_view, plan_views} from "../layout/strategies";
import {accuracy_section} from "./accuracy_view";
import {answers_section} from "./answers_view";
import {el, section, term} from "./dom";
import {causes_section, choices_section, fidelity_section, kinds_section, points_section, worst_section} from "./fidelity_view";
import {graph_section} from "./graph_view";
import {has_loads, hosts_section} from "./loads_view";
import {map_section} from "./map_view";
import {network_section} from "./network_view";
import {overview_section} from "./overview_view";
import {add_save_menu} from "./save";
import {strategies_section} from "./strategies_view";
import {claims_section, measured_section, simulated_section, trade_offs_section} from "./study_view";
import {sweeps_section} from "./sweep_view";
import {timelines_section} from "./timelines_view";
import {hide_tooltip} from "./tooltip";
import {training_section} from "./training_view";

function summary(report: Report, view: PlanView | undefined): HTMLElement | undefined {
  const {run, scene, model, cluster, profile} = report;
  const items = [
    scene && term("scene", scene.name),
    model && term("model", `${model.name}, ${plural(model.layers.length, "layer")}`),
    cluster && term("cluster", `${cluster.name}, ${plural(cluster.hosts.length, "host")}`),
    view?.schedule && term("schedule", `${schedule_label(view.schedule)}, ${plural(view.micro_batches, "micro-batch")}`),
    view?.batch_size && term("batch", plural(view.batch_size, "sample")),
    run && term("trained for", plural(run.steps.length, "step")),
    profile && term("profiled on", `${profile.device}, ${plural(profile.num_threads, "thread")}`),
  ].filter(Boolean) as HTMLElement[];
  return items.length > 0 ? el("dl", {class: "summary"}, ...items) : undefined;
}

/// What the simulation counted of a plan.
function figures_of({simulation}: Report, {strategy, schedule, micro_batches}: PlanView): SimulationFigures | undefined {
  return simulation?.plans.find((plan) => plan.strategy === strategy && plan.schedule === schedule && plan.micro_batches === micro_batches)?.figures;
}

/// The sections in reading order; those without data are absent.
function sections(report: Report, views: PlanView[], view: PlanView | undefined, select: (view: PlanView) => void): HTMLElement[] {
  const {run, model, images, scene, cluster, study, fidelity} = report;
  const compared = views.filter(({strategy}) => strategy !== "timeline");
  const drawn: (HTMLElement | undefined)[] = [];
  const add = (title: string, wanted: unknown, draw: () => HTMLElement | undefined) => {
    if (wanted) drawn.push(guarded(title, draw));
  };
  add("Overview", true, () => overview_section(report, view, views));
  if (fidelity) {
    add("Fidelity", true, () => fidelity_section(fidelity));
    add("Instructions", true, () => kinds_section(fidelity));
    add("Causes", fidelity.ablations?.length, () => causes_section(fidelity));
    add("Largest differences", true, () => worst_section(fidelity));
    add("Choices", true, () => choices_section(fidelity));
    add("Points", true, () => points_section(fidelity));
  }
  if (study) {
    add("Claims", study.claims?.length, () => claims_section(study));
    add("Measured", study.measured?.length, () => measured_section(study.measured ?? []));
    add("Answers", true, () => answers_section(study));
    add("Sweeps", true, () => sweeps_section(study));
    add("Trade-offs", true, () => trade_offs_section(study));
    add("Simulated", true, () => simulated_section(study));
  }
  if (view) {
    add("Strategies", compared.length, () => strategies_section(report, compared, view, select));
    add("Timelines", view.timelines.length, () => timelines_section(view, model, figures_of(report, view)));
  }
  if (model) add("Model graph", true, () => graph_section(report, model, view));
  if (view) {
    add("Hosts", has_loads(view), () => hosts_section(view));
    add("Network", view.timelines.length, () => network_section(view, figures_of(report, view), view.ran ? run?.traffic_bytes_per_step : undefined, cluster));
  }
  if (run) {
    add("Training", run.steps.length, () => training_section(run));
    add("Accuracy", run.metrics, () => run.metrics && accuracy_section(run.metrics, scene));
  }
  add("Map", images.map ?? images.labels ?? images.rgb ?? report.areas, () => map_section(report));
  return drawn.filter((part) => part !== undefined);
}

/// A section, or what keeps it from being drawn: the others are shown all the same.
function guarded(title: string, draw: () => HTMLElement | undefined): HTMLElement | undefined {
  try {
    return draw();
  } catch (error) {
    const id = title.toLowerCase().replaceAll(" ", "-");
    return section(id, title, undefined, el("p", {class: "warnings"}, `This part cannot be drawn from these documents: ${error instanceof Error ? error.message : String(error)}.`));
  }
}

/// Marks the entry of the section that is being read; a later call takes the place of this one.
let marking: IntersectionObserver | undefined;

function mark_current(contents: HTMLElement, parts: HTMLElement[]): void {
  marking?.disconnect();
  const seen = new Set<Element>();
  marking = new IntersectionObserver((entries) => {
    for (const {target, isIntersecting} of entries) if (isIntersecting) seen.add(target); else seen.delete(target);
    const current = parts.findIndex((part) => seen.has(part));
    [...contents.children].forEach((link, index) => {
      if (index === current) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    });
  }, {rootMargin: "-20% 0px -55% 0px"});
  for (const part of parts) marking.observe(part);
}

export function draw_report(root: HTMLElement, report: Report): void {
  const views = plan_views(report);
  const contents = el("nav", {"aria-label": "Contents"});
  const body = el("div", {id: "body", tabindex: -1});
  const show = (view: PlanView | undefined, focus_table: boolean) => {
    hide_tooltip();
    const parts = sections(report, views, view, (selected) => show(selected, true));
    body.replaceChildren(...parts);
    parts.forEach(add_save_menu);
    contents.replaceChildren(...parts.map((part) => el("a", {href: `#${part.id}`}, part.querySelector("h2")?.textContent ?? "")));
    mark_current(contents, parts);
    if (focus_table) body.querySelector<HTMLElement>("input[name=plan]:checked")?.focus({preventScroll: true});
  };
  const about = main_view(views);
  show(about, false);
  root.replaceChildren(
    el("a", {class: "skip", href: "#body"}, "Skip to the report"),
    el("header", {}, el("p", {class: "product"}, "cadastre report"), el("h1", {}, headline(report, about, views)), summary(report, about)),
    contents,
    body,
    el("footer", {}, `Made from ${report.names.join(", ")}${(report.simulation ?? report.study) ? `. Network model: ${(report.simulation ?? report.study)?.network_model}` : ""}.`),
  );
  const subject = report.scene?.name ?? report.model?.name ?? report.study?.name ?? report.fidelity?.suite;
  if (subject) document.title = `${subject} – cadastre report`;
}
