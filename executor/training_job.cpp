#include "executor/training_job.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "planner/json_reader.h"

namespace cadastre {

Frame to_frame(const TrainingJob& job) {
  return {.header = {{"type", "job"},
                     {"work", "train"},
                     {"rank", job.rank},
                     {"num_threads", job.num_threads},
                     {"has_other_machines", job.has_other_machines},
                     {"first_step", job.first_step},
                     {"is_given_state", job.is_given_state},
                     {"checkpoint_every", job.checkpoint_every},
                     {"awaits_verdict", job.awaits_verdict},
                     {"training", to_json(job.training)}},
          .payload = job.plan};
}

TrainingJob training_job_from(const Frame& frame) {
  try {
    const nlohmann::json& header = frame.header;
    // Member by member: GCC 12 takes those of an aggregate for uninitialized where one throws.
    TrainingJob job;
    job.rank = header.at("rank").get<int>();
    job.num_threads = header.at("num_threads").get<int>();
    job.has_other_machines = header.at("has_other_machines").get<bool>();
    job.training =
        training_from_json(JsonPlace(header.at("training"), "the coordinator's job", ""));
    job.first_step = header.at("first_step").get<std::int64_t>();
    job.is_given_state = header.at("is_given_state").get<bool>();
    job.checkpoint_every = header.at("checkpoint_every").get<std::int64_t>();
    job.awaits_verdict = header.at("awaits_verdict").get<bool>();
    job.plan = frame.payload;
    return job;
  } catch (const nlohmann::json::exception& error) {
    throw FrameError(error.what());
  }
}

Frame to_frame(const std::vector<StepReport>& reports) {
  nlohmann::json rows = nlohmann::json::array();
  for (const StepReport& report : reports)
    rows.push_back({report.step, report.loss_sum, report.end_s, report.busy_s, report.sent_bytes});
  return {.header = {{"type", "steps"}, {"reports", std::move(rows)}}, .payload = {}};
}

std::vector<StepReport> step_reports_from(const Frame& frame) {
  try {
    std::vector<StepReport> reports;
    for (const nlohmann::json& row : frame.header.at("reports")) {
      // JSON has no number for a loss that is not finite: it comes as null.
      const nlohmann::json& loss = row.at(1);
      reports.push_back({.step = row.at(0).get<std::int64_t>(),
                         .loss_sum = loss.is_number() ? loss.get<double>() : std::nan(""),
                         .end_s = row.at(2).get<double>(),
                         .busy_s = row.at(3).get<double>(),
                         .sent_bytes = row.at(4).get<std::int64_t>()});
    }
    return reports;
  } catch (const nlohmann::json::exception& error) {
    throw FrameError(error.what());
  }
}

}  // namespace cadastre
