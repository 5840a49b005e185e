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
  if (const auto found = range.file_line_col()) {
    const auto& [file, line, column] = *found;
    static_cast<void>(column);
    Place place;
    place.text = file + ":" + std::to_string(line);
    place.is_pytorch = is_pytorch_file(file);
    return place;
  }
  std::string text;
  for (const auto& piece : {range.text()}) text += std::string(piece.begin(), piece.end());
  return traced_place(text);
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
