// The first section: what the reader should know before anything else.

import type {Report} from "../documents";
import {figures_of, lacks_of, warnings_of} from "../layout/overview";
import type {PlanView} from "../layout/strategies";
import {el, section} from "./dom";

export function overview_section(report: Report, view: PlanView | undefined, views: PlanView[]): HTMLElement | undefined {
  const warnings = warnings_of(report, view, views);
  const figures = figures_of(report, view, views);
  const lacks = lacks_of(report, view);
  if (warnings.length + figures.length + lacks.length === 0) return undefined;
  return section("overview", "Overview", undefined,
    warnings.length > 0 && el("div", {class: "warnings", role: "note", "aria-label": "Warnings"},
      el("h3", {}, warnings.length === 1 ? "One warning" : `${warnings.length} warnings`),
      el("ul", {}, ...warnings.map((text) => el("li", {}, text)))),
    figures.length > 0 && el("dl", {class: "figures"}, ...figures.map(({name, value, note}) =>
      el("div", {}, el("dt", {}, name, note && el("span", {class: "note"}, note)), el("dd", {}, value)))),
    lacks.length > 0 && el("p", {class: "note lacks"}, `This report has ${lacks.join("; ")}.`));
}
