// The answers to a study's questions: the goal, where one strategy begins to beat another, and what
// the step time goes with.

import type {BreakEven, Sensitivity, StudyResult} from "../study_documents";
import {percent, seconds} from "../layout/format";
import {metrics_of, pointer_text, quantity_text} from "../layout/metrics";
import {stage_color} from "../layout/palette";
import {point_name} from "../layout/study";
import {el, first_of, section, swatch, term} from "./dom";
import {csv_saving, saved_by} from "./save";

const MOST_BARS = 12;
const LOGARITHMIC = 20;

/// The row that the goal chose: what it is, and all that is known of it.
function goal_card({goal, rows, columns, pointers}: StudyResult): HTMLElement | undefined {
  if (!goal) return undefined;
  const row = goal.row === undefined ? undefined : rows[goal.row];
  return el("article", {class: "claim goal"},
    el("h3", {}, goal.met ? "The best that meets the goal" : "Nothing meets the goal: the nearest miss", el("span", {class: goal.met ? "mark best" : "mark bad"}, goal.met ? "met" : "not met")),
    el("p", {}, `${goal.sentence}.`),
    row?.figures && el("dl", {class: "summary"},
      term("strategy", row.strategy),
      columns.length > 0 && term("at", point_name(columns, row.values, pointers)),
      ...metrics_of(rows).map(({key, name, text}) => row.figures?.[key] !== undefined && term(name, text(row.figures[key] as number))).filter((part) => part !== false)));
}

/// Where along a question's range which answer holds.
function strip(answer: BreakEven, colors: Map<string, string>): HTMLElement {
  const {stretches = [], pointer = ""} = answer;
  const from = stretches[0]?.from ?? 0;
  const to = stretches[stretches.length - 1]?.to ?? 1;
  const is_logarithmic = from > 0 && to / from > LOGARITHMIC;
  const position = (value: number) => (to <= from ? 0 : is_logarithmic ? Math.log(value / from) / Math.log(to / from) : (value - from) / (to - from));
  const text = (value: number) => quantity_text(pointer, value);
  // What is between two stretches is not known which: it is divided evenly.
  const ends = stretches.map((stretch, index) => (index + 1 < stretches.length ? (position(stretch.to) + position(stretches[index + 1].from)) / 2 : 1));
  return el("li", {class: "strip"},
    el("p", {}, `${answer.sentence}.`),
    stretches.length > 0 && el("div", {class: "strip-row", "aria-hidden": "true"},
      el("span", {class: "note"}, text(from)),
      el("div", {class: "strip-track"}, ...stretches.map(({answer: better}, index) => {
        const part = ends[index] - (ends[index - 1] ?? 0);
        return el("span", {style: `width: ${100 * part}%; --color: ${colors.get(better) ?? "var(--stage-none)"}`, title: `${better} from ${text(stretches[index].from)} to ${text(stretches[index].to)}`},
          el("span", {}, part > 0.12 ? better : ""));
      })),
      el("span", {class: "note"}, text(to))));
}

function break_even_part({break_even, rows}: StudyResult): HTMLElement | undefined {
  if (break_even.length === 0) return undefined;
  const names = [...new Set([...rows.map(({strategy}) => strategy), ...break_even.flatMap(({stretches = []}) => stretches.map(({answer}) => answer))])];
  const colors = new Map(names.map((name, index) => [name, ["unknown", "equal"].includes(name) ? "var(--stage-none)" : `var(${stage_color(index)})`]));
  const list = saved_by(el("ul", {class: "strips"}), () => [csv_saving("where the better changes", () => [["pointer", "metric", "values", "from", "to", "better"],
    ...break_even.flatMap(({pointer, metric, values = {}, stretches = []}) => stretches.map(({from, to, answer}) => [pointer, metric, Object.values(values).join(" "), from, to, answer]))])]);
  return el("div", {}, el("h3", {class: "point"}, "Where the better of two changes"), list, first_of(list, break_even, MOST_BARS, (answer) => strip(answer, colors), "answer"));
}

/// The bars of elasticities: to the left where more of it shortens the step.
function sensitivity_part(answers: Sensitivity[]): HTMLElement | undefined {
  if (answers.length === 0) return undefined;
  const most = Math.max(1e-9, ...answers.map(({elasticity = 0}) => Math.abs(elasticity)));
  const row = ({pointer, strategy, value, error, elasticity = 0, step_s_when_less = Number.NaN, step_s_when_more = Number.NaN}: Sensitivity) => {
    const width = `${(50 * Math.abs(elasticity)) / most}%`;
    return el("tr", {},
      el("th", {scope: "row"}, pointer_text(pointer), el("span", {class: "note"}, ` now ${quantity_text(pointer, value)}`)),
      el("td", {}, strategy),
      error !== undefined ? el("td", {colspan: 4, class: "hosts"}, error) : el("td", {class: "elasticity", "data-csv": elasticity},
        el("div", {class: "both-ways", role: "img", "aria-label": `${percent(elasticity / 100, 2)} for 1 % more`}, el("span", {class: elasticity < 0 ? "less" : "more", style: `width: ${width}; ${elasticity < 0 ? "right" : "left"}: 50%`}))),
      error === undefined && el("td", {class: "number", "data-csv": elasticity}, `${elasticity > 0 ? "+" : elasticity < 0 ? "−" : ""}${percent(Math.abs(elasticity) / 100, 2)}`),
      error === undefined && el("td", {class: "number", "data-csv": step_s_when_less}, seconds(step_s_when_less)),
      error === undefined && el("td", {class: "number", "data-csv": step_s_when_more}, seconds(step_s_when_more)));
  };
  const body = el("tbody", {});
  const sorted = [...answers].sort((a, b) => Math.abs(b.elasticity ?? 0) - Math.abs(a.elasticity ?? 0));
  return el("div", {},
    el("h3", {class: "point"}, "What the step goes with", el("span", {class: "note"}, "how the step changes for 1\u202f% more of it; greatest first")),
    el("ul", {class: "legend"}, el("li", {}, swatch("var(--kind-forward)"), "more of it shortens the step"), el("li", {}, swatch("var(--kind-backward)"), "lengthens it")),
    el("div", {class: "scroll", tabindex: 0, role: "group", "aria-label": "What the step goes with"}, el("table", {class: "plain sensitivity", "aria-label": "sensitivity"},
      el("thead", {}, el("tr", {}, ...["what", "strategy", "", "for 1\u202f% more", "step with less", "with more"].map((name, index) =>
        name === "" ? el("td", {"data-csv": "elasticity"}) : el("th", {scope: "col", class: index > 2 ? "number" : undefined}, name)))), body)),
    first_of(body, sorted, MOST_BARS, row, "answer"));
}

/// Undefined where the study asked nothing.
export function answers_section(study: StudyResult): HTMLElement | undefined {
  const parts = [goal_card(study), break_even_part(study), sensitivity_part(study.sensitivity ?? [])].filter((part) => part !== undefined);
  return parts.length === 0 ? undefined : section("answers", "Answers", "To the questions that the study asks.", ...parts);
}
