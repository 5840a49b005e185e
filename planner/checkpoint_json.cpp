#include <nlohmann/json.hpp>

#include "planner/checkpoint.h"
#include "planner/files.h"
#include "planner/json_reader.h"
#include "planner/refusal.h"

namespace cadastre {

namespace {

const std::vector<std::string>& part_kind_names() {
  static const std::vector<std::string> names = {"weights", "optimizer", "best-weights", "history"};
  return names;
}

CheckpointPart read_part(const JsonPlace& place) {
  JsonObject object = place.object();
  CheckpointPart part;
  part.kind = static_cast<CheckpointPart::Kind>(object.at("kind").one_of(part_kind_names()));
  const JsonPlace file = object.at("file");
  part.file = file.string();
  // It is looked for in the checkpoint's own directory, and nowhere else.
  if (part.file.empty() || part.file.find('/') != std::string::npos)
    file.fail_expected("the name of a file");
  part.num_replicas = static_cast<int>(object.at("num_replicas").integer(1, 1 << 20));
  part.replica = static_cast<int>(object.at("replica").integer(0, part.num_replicas - 1));
  part.layers = object.at("layers").strings();
  part.bytes = object.at("bytes").integer(0);
  part.checksum = object.at("checksum").string();
  object.finish();
  return part;
}

}  // namespace

Checkpoint checkpoint_from_json(const JsonPlace& place) {
  JsonObject object = open_format(place, "checkpoint");
  Checkpoint checkpoint;
  checkpoint.num_steps = object.at("num_steps").integer(1);
  checkpoint.model = object.at("model").string();
  checkpoint.samples = object.at("samples").string();
  checkpoint.batch_size = object.at("batch_size").integer(1);
  checkpoint.training = training_from_json(object.at("training"));
  if (const auto validation = object.find("validation"))
    checkpoint.validation = validation_from_json(*validation);
  for (const JsonPlace& part : object.at("parts").array(1))
    checkpoint.parts.push_back(read_part(part));
  object.finish();
  return checkpoint;
}

Checkpoint read_checkpoint(const std::filesystem::path& file) {
  const std::string name = file.string();
  const nlohmann::json document = parse_json(read_file(file), name);
  return checkpoint_from_json(JsonPlace(document, name, ""));
}

nlohmann::json to_json(const Checkpoint& checkpoint) {
  nlohmann::json parts = nlohmann::json::array();
  for (const CheckpointPart& part : checkpoint.parts)
    parts.push_back({{"kind", part_kind_names()[static_cast<std::size_t>(part.kind)]},
                     {"file", part.file},
                     {"replica", part.replica},
                     {"num_replicas", part.num_replicas},
                     {"layers", part.layers},
                     {"bytes", part.bytes},
                     {"checksum", part.checksum}});
  nlohmann::json written = {{"format", "cadastre-checkpoint/1"},
                            {"num_steps", checkpoint.num_steps},
                            {"model", checkpoint.model},
                            {"samples", checkpoint.samples},
                            {"batch_size", checkpoint.batch_size},
                            {"training", to_json(checkpoint.training)},
                            {"parts", std::move(parts)}};
  if (checkpoint.validation) written["validation"] = to_json(*checkpoint.validation);
  return written;
}

}  // namespace cadastre
