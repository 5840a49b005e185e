// The result in one sentence.

import type {Report} from "../documents";
import {fidelity_clause} from "./fidelity";
import {percent, plural, seconds, times} from "./format";
import {type PlanView, SOURCES, hosts_of, speedup} from "./strategies";

/// The step time nearest to the truth that is known of a plan.
export function truest_step_s(view: PlanView): number | undefined {
  return view.measured_step_s ?? view.simulated_step_s ?? view.predicted_step_s;
}

/// E.g. "Branch plan on 2 hosts: 41 ms a step, 1.6× as fast as a single host; predicted 40 ms, simulated
/// 42 ms, measured 41 ms; overall accuracy 91.3 %." Clauses without data are left out.
export function headline(report: Report, view: PlanView | undefined, views: PlanView[]): string {
  const clauses: string[] = [];
  if (view) {
    const hosts = hosts_of(view).length;
    const name = view.strategy === "timeline" ? "timeline" : `${view.strategy} plan`;
    let clause = `${name} on ${plural(hosts, "host")}`;
    const step_s = truest_step_s(view);
    if (step_s !== undefined) clause += `: ${seconds(step_s)} a step`;
    const factor = speedup(view, views);
    if (factor !== undefined) clause += `, ${times(factor)} as fast as a single host`;
    clauses.push(clause);
    const steps = SOURCES.filter((source) => view[`${source}_step_s` as "predicted_step_s"] !== undefined).map(
      (source) => `${source} ${seconds(view[`${source}_step_s` as "predicted_step_s"] as number)}`,
    );
    if (steps.length > 1) clauses.push(steps.join(", "));
  } else if (report.study) {
    const {name, rows, claims = []} = report.study;
    clauses.push(`Study ${name}: ${plural(rows.length, "simulation")}`);
    if (claims.length > 0)
      clauses.push(`of ${plural(claims.length, "claim")}, ${claims.filter(({verdict}) => verdict === "holds").length} held and ${claims.filter(({verdict}) => verdict === "holds in part").length} held in part`);
  } else if (report.fidelity) {
    clauses.push(fidelity_clause(report.fidelity, percent));
  } else if (report.profile) {
    clauses.push(`Profile of ${report.profile.model.name} on ${report.profile.device}`);
  } else if (report.cluster) {
    clauses.push(`Cluster ${report.cluster.name} of ${plural(report.cluster.hosts.length, "host")}`);
  } else if (report.model) {
    clauses.push(`Model ${report.model.name}`);
  }
  if (report.run?.metrics)
    clauses.push(`overall accuracy ${percent(report.run.metrics.overall_accuracy)}`);
  if (clauses.length === 0) return "Nothing to report on.";
  const sentence = `${clauses.join("; ")}.`;
  return sentence[0].toUpperCase() + sentence.slice(1);
}
