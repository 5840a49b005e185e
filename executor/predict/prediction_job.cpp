#include "executor/predict/prediction_job.h"

#include <nlohmann/json.hpp>

#include "planner/json_reader.h"

namespace cadastre {

namespace {

nlohmann::json program_json(const InferenceProgram& program) {
  nlohmann::json written = {{"stage_of_layer", program.stage_of_layer},
                            {"ranks", nlohmann::json::array()},
                            {"stages", nlohmann::json::array()}};
  for (const InferenceProgram::Rank& rank : program.ranks)
    written["ranks"].push_back(
        {{"host", rank.host}, {"host_index", rank.host_index}, {"stages", rank.stages}});
  for (const InferenceProgram::Stage& stage : program.stages)
    written["stages"].push_back({{"ranks", stage.ranks}, {"shares", stage.shares}});
  return written;
}

InferenceProgram program_from(const nlohmann::json& written) {
  InferenceProgram program;
  program.stage_of_layer = written.at("stage_of_layer").get<std::vector<int>>();
  for (const nlohmann::json& rank : written.at("ranks")) {
    InferenceProgram::Rank& read = program.ranks.emplace_back();
    read.host = rank.at("host").get<std::string>();
    read.host_index = rank.at("host_index").get<int>();
    read.stages = rank.at("stages").get<std::vector<int>>();
  }
  for (const nlohmann::json& stage : written.at("stages")) {
    InferenceProgram::Stage& read = program.stages.emplace_back();
    read.ranks = stage.at("ranks").get<std::vector<int>>();
    read.shares = stage.at("shares").get<std::vector<double>>();
  }
  return program;
}

/// `read` of the frame's header; what it lacks makes it no frame.
template <class Read>
auto read_header(const Frame& frame, Read read) {
  try {
    return read(frame.header);
  } catch (const nlohmann::json::exception& error) {
    throw FrameError(error.what());
  }
}

}  // namespace

Frame to_frame(const PredictionJob& job) {
  return {.header = {{"type", "job"},
                     {"work", "predict"},
                     {"rank", job.rank},
                     {"num_threads", job.num_threads},
                     {"has_other_machines", job.has_other_machines},
                     {"planned_address", job.planned_address},
                     {"num_lanes", job.num_lanes},
                     {"program", program_json(job.program)},
                     {"model", to_json(job.model)},
                     {"normalization", normalization_json(job.normalization)},
                     {"num_rows", job.num_rows},
                     {"num_columns", job.num_columns},
                     {"num_bands", job.num_bands},
                     {"scales", job.scales},
                     {"batch_size", job.batch_size},
                     {"num_views", job.num_views},
                     {"scene", job.scene}},
          .payload = job.weights};
}

PredictionJob prediction_job_from(const Frame& frame) {
  return read_header(frame, [&](const nlohmann::json& header) {
    const std::string file = "the coordinator's job";
    // Member by member: GCC 12 takes those of an aggregate for uninitialized where one throws.
    PredictionJob job;
    job.rank = header.at("rank").get<int>();
    job.num_threads = header.at("num_threads").get<int>();
    job.has_other_machines = header.at("has_other_machines").get<bool>();
    job.planned_address = header.at("planned_address").get<std::string>();
    job.num_lanes = header.at("num_lanes").get<int>();
    job.program = program_from(header.at("program"));
    job.model = model_from_json(JsonPlace(header.at("model"), file, "/model"));
    job.normalization =
        normalization_from_json(JsonPlace(header.at("normalization"), file, "/normalization"));
    job.num_rows = header.at("num_rows").get<std::int64_t>();
    job.num_columns = header.at("num_columns").get<std::int64_t>();
    job.num_bands = header.at("num_bands").get<std::vector<std::int64_t>>();
    job.scales = header.at("scales").get<std::vector<std::int64_t>>();
    job.batch_size = header.at("batch_size").get<std::int64_t>();
    job.num_views = header.at("num_views").get<int>();
    job.scene = header.at("scene").get<std::string>();
    job.weights = frame.payload;
    return job;
  });
}

Frame to_frame(const PredictionReady& ready) {
  nlohmann::json glances = nlohmann::json::array();
  for (const InputGlance& glance : ready.glances)
    glances.push_back({glance.input, glance.mean, glance.mean_magnitude});
  return {.header = {{"type", "ready"},
                     {"address", ready.address},
                     {"grid", ready.grid},
                     {"glances", glances}},
          .payload = {}};
}

PredictionReady prediction_ready_from(const Frame& frame) {
  return read_header(frame, [&](const nlohmann::json& header) {
    PredictionReady ready;
    ready.address = header.at("address").get<std::string>();
    ready.grid = header.at("grid").get<std::string>();
    for (const nlohmann::json& glance : header.at("glances")) {
      InputGlance& read = ready.glances.emplace_back();
      read.input = glance.at(0).get<int>();
      read.mean = glance.at(1).get<double>();
      read.mean_magnitude = glance.at(2).get<double>();
    }
    return ready;
  });
}

Frame to_frame(const std::vector<TileTask>& tasks) {
  nlohmann::json written = nlohmann::json::array();
  for (const TileTask& task : tasks) written.push_back({task.tile, task.number});
  return {.header = {{"type", "tiles"}, {"tiles", written}}, .payload = {}};
}

std::vector<TileTask> tile_tasks_from(const Frame& frame) {
  return read_header(frame, [&](const nlohmann::json& header) {
    std::vector<TileTask> tasks;
    for (const nlohmann::json& task : header.at("tiles"))
      tasks.push_back(
          {.tile = task.at(0).get<std::int64_t>(), .number = task.at(1).get<std::int64_t>()});
    return tasks;
  });
}

}  // namespace cadastre
