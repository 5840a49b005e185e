// How near predictions come to what is measured: steps, kinds of instructions, the largest
// differences, and the choices that follow.

import type {AblationEffect, AblationFigures, ErrorSummary, Fidelity, FidelityPoint, FidelitySummary, MeasuredSpeed, RankedGroup} from "../fidelity_documents";
import {type KindError, type MeasuredPoint, PREDICTORS, type Predictor, band_corners, group_name, has_figures, is_disturbed, judging_summary, kind_errors, noise_of, plan_name, point_name, step_error} from "../layout/fidelity";
import {bytes, fixed, percent, plural, seconds} from "../layout/format";
import {kind_color} from "../layout/palette";
import {chart, marker, room} from "./chart";
import {type Child, el, section, svg, swatch} from "./dom";
import {csv_saving, saved_by} from "./save";
import {hide_tooltip, show_tooltip} from "./tooltip";

const HEIGHT = 460;
const NAMES: {[predictor in Predictor]: string} = {simulated: "simulated", predicted: "cost model"};
const BANDS = [0.1, 0.05]; // the wider first: the other is drawn on it

function signed_percent(part: number): string {
  return Number.isFinite(part) ? `${part < 0 ? "−" : "+"}${percent(Math.abs(part))}` : "–";
}

function head(label: Child, number = true): HTMLElement {
  return el("th", {scope: "col", class: number ? "number" : undefined}, label);
}

function number_cell(text: string, csv?: number): HTMLElement {
  return el("td", {class: "number", "data-csv": csv}, text);
}

function figure(name: string, value: string, note: string): HTMLElement {
  return el("div", {}, el("dt", {}, name, el("span", {class: "note"}, note)), el("dd", {}, value));
}

function figures_of(summary: FidelitySummary): HTMLElement {
  const num_figures = summary.num_points - summary.num_without_figures;
  const {simulated, predicted} = summary;
  return el("dl", {class: "figures fidelity-figures"},
    figure("simulated step off by", percent(simulated.step.median), `95th percentile ${percent(simulated.step.p95)}, worst ${percent(simulated.step.worst)}`),
    figure("cost model’s step off by", percent(predicted.step.median), `95th percentile ${percent(predicted.step.p95)}, worst ${percent(predicted.step.worst)}`),
    figure("the same plan twice", percent(summary.median_noise), `worst ${percent(summary.worst_noise)}: less cannot be told; steps of a run are ${percent(summary.median_spread)} apart`),
    figure("traffic exact", `${simulated.num_traffic_exact} of ${num_figures}`, plural(num_figures, "point")),
    simulated.num_groups > 0 && figure("best plan chosen", `${simulated.num_best} of ${simulated.num_groups}`, `or within 2\u202f% of it; worst regret ${percent(simulated.worst_regret)}`));
}

function scatter(fidelity: Fidelity, points: MeasuredPoint[]): HTMLElement {
  const [from, to] = room(points.flatMap(({measured, simulated, predicted}) => [measured.step_s, simulated.step_s, predicted.step_s]), true);
  const off = (predictor: Predictor) => points.filter((point) => Math.abs(step_error(point, predictor)) > 0.1).length;
  const axis = (label: string) => ({label, from, to, is_logarithmic: true, text: seconds});
  const drawn = chart(`Steps simulated and by the cost model against measured ones: ${plural(points.length, "point")}; ${off("simulated")} simulated and ${off("predicted")} of the cost model more than 10\u202f% off`, HEIGHT,
    axis("measured step"), axis("simulated step, or by the cost model"),
    (plot) => [
      ...BANDS.map((part) => svg("path", {class: "tolerance", d: `M${band_corners(from, to, part).map(([x, y]) => `${plot.x(x).toFixed(1)} ${plot.y(y).toFixed(1)}`).join("L")}Z`})),
      svg("line", {class: "diagonal", x1: plot.x(from), y1: plot.y(from), x2: plot.x(to), y2: plot.y(to)}),
      ...[...PREDICTORS].reverse().flatMap((predictor) => points.map((point) => {
        const {held_out} = fidelity.groups[point.group];
        const mark = svg("g", {class: `plan ${predictor}${held_out ? " on-front" : ""}`},
          marker(PREDICTORS.indexOf(predictor), plot.x(point.measured.step_s), plot.y(point[predictor].step_s)));
        mark.addEventListener("pointerenter", (event) => show_tooltip(event.clientX, event.clientY, el("strong", {}, point_name(fidelity, point)),
          el("div", {}, `measured ${seconds(point.measured.step_s)}`),
          el("div", {}, `${NAMES[predictor]} ${seconds(point[predictor].step_s)} (${signed_percent(step_error(point, predictor))})`),
          held_out && el("div", {class: "note"}, "held out from calibration"),
          is_disturbed(point, fidelity) && el("div", {class: "note"}, "disturbed: too few of its runs agree")));
        mark.addEventListener("pointerleave", hide_tooltip);
        return mark;
      })),
    ]);
  const key = (predictor: Predictor, filled: boolean) => svg("svg", {class: `legend-marker fidelity-key ${predictor}${filled ? " on-front" : ""}`, viewBox: "-7 -7 14 14", width: 14, height: 14, "aria-hidden": "true", "data-saved": true}, marker(PREDICTORS.indexOf(predictor), 0, 0));
  const has_held_out = fidelity.groups.some(({held_out}) => held_out);
  return el("div", {class: "scatter"},
    el("ul", {class: "legend"},
      ...PREDICTORS.map((predictor) => el("li", {}, key(predictor, !has_held_out), NAMES[predictor])),
      has_held_out && el("li", {}, ...PREDICTORS.map((predictor) => key(predictor, true)), "held out from calibration"),
      el("li", {}, el("span", {class: "tolerance-key", "aria-hidden": "true"}), "within 5 and 10\u202f%")),
    drawn);
}

/// The errors of each part of the suite, by both predictors.
function parts_table(fidelity: Fidelity): HTMLElement {
  const three = ({median, p95, worst}: ErrorSummary) => [median, p95, worst].map((part) => number_cell(percent(part), part));
  const row = (summary: FidelitySummary, predictor: Predictor) => {
    const of = summary[predictor];
    return el("tr", {}, el("th", {scope: "row"}, `${summary.part}, ${NAMES[predictor]}`),
      number_cell(String(summary.num_points - summary.num_without_figures)), ...three(of.step), number_cell(signed_percent(of.step.mean), of.step.mean),
      ...[of.compute, of.transfer, of.waiting].map(({median}) => number_cell(percent(median), median)));
  };
  return el("div", {class: "scroll", tabindex: 0, role: "group", "aria-label": "Errors by part of the suite"}, el("table", {class: "plain", "aria-label": "errors by part of the suite"},
    el("thead", {}, el("tr", {}, head("part, by", false), ...["points", "step: median", "95th", "worst", "mean", "computation", "transfer", "waiting"].map((name) => head(name)))),
    el("tbody", {}, ...fidelity.summaries.flatMap((summary) => PREDICTORS.map((predictor) => row(summary, predictor))))));
}

export function fidelity_section(fidelity: Fidelity): HTMLElement {
  const points = fidelity.points.filter(has_figures);
  const summary = judging_summary(fidelity);
  const {method} = fidelity;
  const note = `${fidelity.description ? `${fidelity.description.replace(/\.$/, "")}. ` : ""}Measured on ${fidelity.machine}, ${plural(fidelity.num_processors, "processor")}: ` +
    `of each plan ${plural(method.num_runs, "run")} within ${percent(method.tolerance, 0)} of the median one, of at most ${method.most_runs}; of a run the ${fixed(method.quantile * 100, 0)}\u202f% quantile of ${method.num_steps - method.warm_up_steps} steps.` +
    (summary?.part === "held out" ? " The figures are of what was held out from calibration." : "");
  return section("fidelity", "Fidelity", note,
    summary && summary.num_points > summary.num_without_figures && figures_of(summary),
    points.length > 0 && scatter(fidelity, points),
    points.length > 0 && parts_table(fidelity),
    el("p", {class: "note"}, "Computation, transfer and waiting are of each host, as parts of the measured step; medians."));
}

function error_bars(error: KindError, most: number): HTMLElement {
  return el("td", {class: "steps"}, el("div", {class: "bars"}, ...PREDICTORS.map((predictor) =>
    el("div", {class: `bar ${predictor}`},
      el("span", {class: "bar-name"}, NAMES[predictor]),
      el("span", {class: "track"}, el("span", {class: "fill", style: `width: ${most > 0 ? (100 * error.of_step[predictor]) / most : 0}%`})),
      el("span", {class: "value"}, percent(error.of_step[predictor]))))));
}

/// Undefined where nothing was measured.
export function kinds_section(fidelity: Fidelity): HTMLElement | undefined {
  const errors = kind_errors(fidelity);
  if (errors.length === 0) return undefined;
  const most = Math.max(...errors.flatMap(({of_step}) => PREDICTORS.map((predictor) => of_step[predictor])));
  const cell = (label: string, text: string) => el("td", {"data-label": label, class: "number"}, text);
  const table = el("table", {class: "strategies kinds"},
    el("thead", {}, el("tr", {}, head("instruction", false), head(el("span", {}, "off by, of the hosts’ time", ...PREDICTORS.map((predictor) => el("span", {class: `bar-key key ${predictor}`}, NAMES[predictor]))), false),
      head("part of the hosts’ time"), head("simulated / measured − 1"), head("cost model / measured − 1"), head("points"))),
    el("tbody", {}, ...errors.map((error) => el("tr", {},
      el("th", {scope: "row"}, swatch(`var(${kind_color(error.kind)})`), error.name),
      error_bars(error, most), cell("part", percent(error.share)), cell("simulated", signed_percent(error.median.simulated)),
      cell("cost model", signed_percent(error.median.predicted)), cell("points", String(error.num_points))))));
  saved_by(table, () => [csv_saving("errors by instruction", () => [
    ["kind", "points", "part_of_hosts_time", "simulated_median_error", "cost_model_median_error", "simulated_error_of_hosts_time", "cost_model_error_of_hosts_time"],
    ...errors.map(({kind, num_points, share, median, of_step}) => [kind, num_points, share, median.simulated, median.predicted, of_step.simulated, of_step.predicted])])]);
  return section("instruction-errors", "Instructions",
    "What each kind of instruction is predicted and measured to take on all hosts of a step; medians over the points. A wait is as much of others’ computation as of the network.", table);
}

/// What each cause that predictions allow for takes off the errors. Undefined where that was not asked.
export function causes_section({ablations = []}: Fidelity): HTMLElement | undefined {
  if (ablations.length === 0) return undefined;
  const effects = ({simulated, predicted, held_out_simulated}: AblationFigures) => [simulated, predicted, held_out_simulated];
  const cells = ({num_points, error_with, error_without}: AblationEffect) => num_points === 0 ? [number_cell("–"), number_cell("–"), number_cell("0", 0)]
    : [number_cell(percent(error_with), error_with), number_cell(percent(error_without), error_without), number_cell(String(num_points), num_points)];
  const table = el("table", {class: "plain causes-table"},
    el("thead", {}, el("tr", {}, head("cause", false), ...["simulated", "cost model", "simulated, held out"].flatMap((name) => [head(name), head("without it"), head("points")]))),
    el("tbody", {}, ...ablations.map((ablation) => el("tr", {}, el("th", {scope: "row"}, ablation.left_out), ...effects(ablation).flatMap(cells)))));
  saved_by(table, () => [csv_saving("causes", () => [
    ["cause", ...["simulated", "cost_model", "held_out_simulated"].flatMap((name) => [`${name}_error`, `${name}_error_without`, `${name}_points`])],
    ...ablations.map((ablation) => [ablation.left_out, ...effects(ablation).flatMap(({num_points, error_with, error_without}) => [error_with, error_without, num_points])])])]);
  return section("causes", "Causes", "The median error of the step with each cause that predictions allow for, and with that alone taken out: of the points whose step it changes by more than half a percent.",
    el("div", {class: "scroll", tabindex: 0, role: "group", "aria-label": "Causes"}, table));
}

export function worst_section(fidelity: Fidelity): HTMLElement | undefined {
  const points = fidelity.worst.map((index) => fidelity.points[index]).filter((point) => point !== undefined && has_figures(point)) as MeasuredPoint[];
  if (points.length === 0) return undefined;
  return section("worst", "Largest differences", "The points whose simulated step is farthest from the measured one, and the largest difference within it.",
    ...points.map((point) => el("article", {class: "claim"},
      el("h3", {}, point_name(fidelity, point), el("span", {class: "mark bad"}, signed_percent(step_error(point, "simulated"))),
        fidelity.groups[point.group].held_out && el("span", {class: "mark"}, "held out"), is_disturbed(point, fidelity) && el("span", {class: "mark"}, "disturbed")),
      el("p", {}, `Measured ${seconds(point.measured.step_s)}, simulated ${seconds(point.simulated.step_s)}, by the cost model ${seconds(point.predicted.step_s)}.`),
      point.explanation && el("p", {}, `${point.explanation[0].toUpperCase()}${point.explanation.slice(1)}.`))));
}

/// What choosing by each predictor comes to. Undefined where no group has two plans.
export function choices_section(fidelity: Fidelity): HTMLElement | undefined {
  const groups = [...new Set(PREDICTORS.flatMap((predictor) => fidelity.rankings[predictor].map(({group}) => group)))].sort((a, b) => a - b);
  if (groups.length === 0) return undefined;
  const name_of = (index: number) => (fidelity.points[index] ? plan_name(fidelity.points[index].asked) : "–");
  const cells = (ranked: RankedGroup | undefined) => ranked === undefined ? [el("td", {}, "–"), number_cell("–"), number_cell("–")]
    : [el("td", {}, name_of(ranked.chosen)), number_cell(fixed(ranked.tau), ranked.tau), number_cell(ranked.regret === 0 ? "none" : percent(ranked.regret), ranked.regret)];
  const row = (group: number) => {
    const [simulated, predicted] = PREDICTORS.map((predictor) => fidelity.rankings[predictor].find((ranked) => ranked.group === group));
    const either = simulated ?? predicted;
    return el("tr", {}, el("th", {scope: "row"}, group_name(fidelity.groups[group]), fidelity.groups[group].held_out && el("span", {class: "mark"}, "held out")),
      number_cell(String(either?.num_plans ?? 0)), el("td", {}, either ? name_of(either.best) : "–"), ...cells(simulated), ...cells(predicted));
  };
  return section("choices", "Choices", "Which plan of a group each predictor would choose, and what that costs: Kendall’s tau-b of predicted and measured steps (1: the same order), and the regret, how much longer the chosen plan’s measured step is than the best one’s. Plans that average parameters compute another function, and are no rivals.",
    el("div", {class: "scroll", tabindex: 0, role: "group", "aria-label": "Choices by group"}, el("table", {class: "plain choices-table"},
      el("thead", {}, el("tr", {}, head("group", false), head("plans"), head("measured best", false),
        head("simulation chooses", false), head("tau"), head("regret"), head("cost model chooses", false), head("tau"), head("regret"))),
      el("tbody", {}, ...groups.map(row)))));
}

/// What is left of noise; of a single run it is not known.
function noise_text(point: FidelityPoint, fidelity: Fidelity): string {
  const noise = noise_of(point, fidelity);
  return (noise === undefined ? "one run" : percent(noise)) + (is_disturbed(point, fidelity) ? ", disturbed" : "");
}

/// How fast a group's slower hosts compute.
function speeds_note(group: number, {host_speeds = []}: Fidelity): HTMLElement | undefined {
  const speeds = host_speeds.filter((speed) => speed.group === group);
  if (speeds.length === 0) return undefined;
  const text = ({host, num_threads = 1, stated, measured, beside_others}: MeasuredSpeed) => {
    const has = `${host} has ${fixed(stated)} of ${num_threads === 1 ? "a processor" : `${num_threads} processors`}`;
    return measured === undefined ? `${has}, and was not profiled` : `${has}, and computes at ${fixed(measured)} of ${num_threads === 1 ? "one’s" : "their"} speed${beside_others === undefined ? "" : `, beside the other hosts at ${fixed(beside_others)}`}`;
  };
  return el("span", {class: "note"}, speeds.map(text).join("; "));
}

export function points_section(fidelity: Fidelity): HTMLElement | undefined {
  if (fidelity.points.length === 0) return undefined;
  const table = el("table", {class: "plain points-table"},
    el("thead", {}, el("tr", {}, head("plan", false), ...["hosts", "measured", "noise", "simulated", "cost model", "traffic"].map((name) => head(name)))),
    ...fidelity.groups.map((group, index) => el("tbody", {},
      el("tr", {}, el("th", {scope: "colgroup", colspan: 7, class: "of-group"}, group_name(group), group.held_out && el("span", {class: "mark"}, "held out"), speeds_note(index, fidelity))),
      ...fidelity.points.filter((point) => point.group === index).map((point) => el("tr", {}, el("th", {scope: "row"}, plan_name(point.asked), (point.failures ?? []).length > 0 && ` (${plural((point.failures ?? []).length, "run")} failed)`),
        ...(has_figures(point) ? [number_cell(String(point.num_hosts ?? point.measured.hosts.length)), number_cell(seconds(point.measured.step_s)),
          number_cell(noise_text(point, fidelity)),
          ...PREDICTORS.map((predictor) => number_cell(signed_percent(step_error(point, predictor)))),
          number_cell(point.measured.traffic_bytes === point.predicted.traffic_bytes ? bytes(point.measured.traffic_bytes) : `${bytes(point.measured.traffic_bytes)}, not ${bytes(point.predicted.traffic_bytes)}`)]
          : [el("td", {colspan: 6, class: "why-none"}, point.error ?? "no figures")]))))));
  saved_by(table, () => [csv_saving("points", () => [
    ["model", "cluster", "batch_size", "held_out", "plan", "num_hosts", "num_runs", "disturbed", "noise", "measured_step_s", "simulated_step_s", "cost_model_step_s", "measured_traffic_bytes", "predicted_traffic_bytes", "explanation", "error"],
    ...fidelity.points.map((point) => {
      const {model, cluster, batch_size, held_out} = fidelity.groups[point.group];
      return [model, cluster, batch_size, String(held_out), plan_name(point.asked), point.num_hosts, point.runs.length, String(is_disturbed(point, fidelity)), noise_of(point, fidelity) ?? "",
        point.measured?.step_s, point.simulated?.step_s, point.predicted?.step_s, point.measured?.traffic_bytes, point.predicted?.traffic_bytes, point.explanation, point.error];
    })])]);
  return section("points", "Points", "Every plan of the suite: the step as it was measured, how much its repetitions differ, and by how much the simulated step and the cost model’s are longer (+) or shorter (−).",
    el("div", {class: "scroll", tabindex: 0, role: "group", "aria-label": "Points"}, table));
}
