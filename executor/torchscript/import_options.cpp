#include "executor/torchscript/import_options.h"

#include <CLI/CLI.hpp>
#include <charconv>
#include <optional>

#include "planner/command_line.h"
#include "planner/error.h"
#include "planner/refusal.h"

namespace cadastre {

namespace {

constexpr std::int64_t kMostExtent = std::int64_t{1} << 24;

std::optional<Shape> shape_from(const std::string& text) {
  Shape shape;
  const char* at = text.data();
  const char* const end = at + text.size();
  while (true) {
    std::int64_t extent = 0;
    const auto [next, error] = std::from_chars(at, end, extent);
    if (error != std::errc() || extent < 1 || extent > kMostExtent) return std::nullopt;
    shape.push_back(extent);
    if (next == end) return shape;
    if (*next != ',') return std::nullopt;
    at = next + 1;
  }
}

}  // namespace

void add_import_options(CLI::App& verb, ImportArguments& arguments) {
  verb.add_option("--input-shape", arguments.shapes,
                  "Of a PyTorch model: [NAME=]C,H,W, the shape of a sample of an input; give it "
                  "again for each, by names of forward's arguments or in their order")
      ->allow_extra_args(false);
  verb.add_option("--batch-norm-group", arguments.batch_norm_group_samples,
                  "Of a PyTorch model: samples over which batch norm takes statistics")
      ->check(integer_from(1, 1 << 16))
      ->capture_default_str();
}

ImportOptions import_options(const ImportArguments& arguments) {
  ImportOptions options;
  options.batch_norm_group_samples = arguments.batch_norm_group_samples;
  for (const std::string& text : arguments.shapes) {
    const std::size_t equals = text.find('=');
    ModelInput input;
    if (equals != std::string::npos) input.name = text.substr(0, equals);
    const std::optional<Shape> shape =
        shape_from(equals == std::string::npos ? text : text.substr(equals + 1));
    if (!shape)
      throw InputError(
          "", "",
          "--input-shape: expected [NAME=]C,H,W of whole numbers from 1, found " + in_quotes(text));
    input.shape = *shape;
    options.inputs.push_back(std::move(input));
  }
  return options;
}

}  // namespace cadastre
