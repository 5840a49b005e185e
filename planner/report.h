#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace cadastre {

/// What goes into a report.
struct ReportInputs {
  std::vector<std::filesystem::path> documents;
  std::filesystem::path map;     ///< a PNG; empty when there is none
  std::filesystem::path labels;  ///< likewise
  std::filesystem::path rgb;     ///< likewise: the ground in natural colours, or nearly so
  bool operator==(const ReportInputs&) const = default;
};

/// The documents and images that `inputs` name. A file is taken as it is. Of a directory (a run's,
/// or one as `cadastre demo`, `study` or `fidelity` writes) those of the known names that are there:
/// plan.json, simulation.json, profile.json, cluster.json, run.json, timeline.json,
/// predicted-timeline.json, study.json, fidelity.json, also in its `run` subdirectory, but for the
/// plan there if it has one itself. map.png, labels.png, map-rgb.png, and a map.json that is a
/// `cadastre-map/1`, count where they lie beside a document.
/// Each file is taken once. Throws InputError for an input that is missing or a directory without
/// any of these.
[[nodiscard]] ReportInputs collect_report_inputs(const std::vector<std::filesystem::path>& inputs);

/// `json` such that no browser reads it as anything but the text of a script element: `<`, U+2028
/// and U+2029, which JSON has in strings only, are escaped.
[[nodiscard]] std::string script_safe(const std::string& json);

/// One self-contained HTML page about everything in `inputs` (see `collect_report_inputs`), and the
/// predicted timeline of a plan among them where no document gives it. Every
/// document is checked as `cadastre validate` does. Throws InputError for what was refused, and
/// when this build has no viewer.
[[nodiscard]] std::string make_report(const std::vector<std::filesystem::path>& inputs);

}  // namespace cadastre
