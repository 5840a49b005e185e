#include "executor/torchscript/python_place.h"

#include <optional>
#include <regex>

namespace cadastre {

namespace {

struct Place {
  std::string text;
  bool is_pytorch = false;
};

bool is_pytorch_file(const std::string& file) {
  return file.find("/torch/") != std::string::npos || file.rfind("torch/", 0) == 0;
}

/// What tracing writes: "FILE(LINE): FUNCTION" for each frame, innermost first.
std::optional<Place> traced_place(const std::string& frames) {
  static const std::regex frame(R"(([^\s()]+\.(?:py|ipynb|<[^>]*>)|<[^>]+>)\((\d+)\))");
  std::optional<Place> innermost;
  for (std::sregex_iterator match(frames.begin(), frames.end(), frame), end; match != end;
       ++match) {
    const std::string file = (*match)[1];
    Place place;
    place.text = file + ":" + (*match)[2].str();
    place.is_pytorch = is_pytorch_file(file);
    if (!place.is_pytorch) return place;
    if (!innermost) innermost = place;
  }
  return innermost;
}

std::optional<Place> place_of(const torch::jit::Node& node) {
  torch::jit::SourceRange range = node.sourceRange();
  if (!range.source()) return std::nullopt;
  if (const auto original = range.findSourceRangeThatGenerated()) range = *original;
  std::optional<Place> place;
  const auto found = range.file_line_col();
  if (found && !std::get<0>(*found).empty()) {
    const auto& [file, line, column] = *found;
    static_cast<void>(column);
    place.emplace();
    place->text = file + ":" + std::to_string(line);
    place->is_pytorch = is_pytorch_file(file);
    if (!place->is_pytorch) return place;
  }
  // A trace names its innermost frame, and has the others in its text.
  const std::optional<Place> traced = traced_place(range.source()->text_str().str());
  return traced && (!place || !traced->is_pytorch) ? traced : place;
}

}  // namespace

std::string python_place(const torch::jit::Node& node,
                         const std::vector<const torch::jit::Node*>& calls) {
  std::optional<Place> innermost = place_of(node);
  if (innermost && !innermost->is_pytorch) return innermost->text;
  for (auto call = calls.rbegin(); call != calls.rend(); ++call) {
    const std::optional<Place> place = place_of(**call);
    if (place && !place->is_pytorch) return place->text;
    if (!innermost) innermost = place;
  }
  return innermost ? innermost->text : std::string();
}

}  // namespace cadastre
