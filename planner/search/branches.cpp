#include "planner/search/branches.h"

#include <algorithm>
#include <numeric>

namespace cadastre {

namespace {

/// For each layer, whether every other depends on it or is needed by it: whether it is the only
/// sink of the layers up to it, in the model's topological order, and the only source of those from
/// it on.
std::vector<char> cut_layers(const ModelFacts& model) {
  const std::size_t num_layers = model.num_layers();
  std::vector<char> is_cut(num_layers, 0);
  std::size_t num_sinks = 0;  // of the prefix
  std::vector<char> is_sink(num_layers, 0);
  std::vector<char> only_sink(num_layers, 0);
  for (std::size_t i = 0; i < num_layers; ++i) {
    for (const int read : model.reads[i]) {
      char& sink = is_sink[static_cast<std::size_t>(read)];
      num_sinks -= sink ? 1U : 0U;
      sink = 0;
    }
    is_sink[i] = 1;
    ++num_sinks;
    only_sink[i] = num_sinks == 1 ? 1 : 0;
  }
  std::size_t num_sources = 0;  // of the suffix
  std::vector<char> is_source(num_layers, 0);
  for (std::size_t i = num_layers; i-- > 0;) {
    for (const int reader : model.read_by[i]) {
      char& source = is_source[static_cast<std::size_t>(reader)];
      num_sources -= source ? 1U : 0U;
      source = 0;
    }
    is_source[i] = 1;
    ++num_sources;
    is_cut[i] = only_sink[i] != 0 && num_sources == 1 ? 1 : 0;
  }
  return is_cut;
}

/// The connected parts of the layers [begin, end), each ascending.
std::vector<BranchPart> components(const ModelFacts& model, const std::vector<double>& work_s,
                                   std::size_t begin, std::size_t end) {
  std::vector<std::size_t> root(end - begin);
  std::iota(root.begin(), root.end(), std::size_t{0});
  const auto find = [&](std::size_t i) {
    while (root[i] != i) i = root[i] = root[root[i]];
    return i;
  };
  for (std::size_t i = begin; i < end; ++i)
    for (const int read : model.reads[i])
      if (static_cast<std::size_t>(read) >= begin)
        root[find(static_cast<std::size_t>(read) - begin)] = find(i - begin);
  std::vector<BranchPart> parts;
  std::vector<std::size_t> part_of_root(root.size(), root.size());
  for (std::size_t i = begin; i < end; ++i) {
    std::size_t& part = part_of_root[find(i - begin)];
    if (part == root.size()) {
      part = parts.size();
      parts.emplace_back();
    }
    parts[part].layers.push_back(i);
    parts[part].work_s += work_s[i];
  }
  return parts;
}

}  // namespace

std::vector<BranchPart> branch_parts(const ModelFacts& model, const std::vector<double>& work_s) {
  constexpr double kSmallFan = 0.1;  // of all the work
  const double all_s = std::accumulate(work_s.begin(), work_s.end(), 0.0);
  const std::vector<char> is_cut = cut_layers(model);
  std::vector<BranchPart> parts;
  bool last_is_open = false;  // whether the last part is no branch, and goes on
  const auto go_on = [&](const BranchPart& added) {
    if (!last_is_open) parts.emplace_back();
    last_is_open = true;
    parts.back().layers.insert(parts.back().layers.end(), added.layers.begin(), added.layers.end());
    parts.back().work_s += added.work_s;
  };
  for (std::size_t begin = 0; begin < is_cut.size();) {
    if (is_cut[begin]) {
      go_on({.layers = {begin}, .work_s = work_s[begin]});
      ++begin;
      continue;
    }
    std::size_t end = begin;
    while (end < is_cut.size() && !is_cut[end]) ++end;
    std::vector<BranchPart> fan = components(model, work_s, begin, end);
    double fan_s = 0;
    for (const BranchPart& part : fan) fan_s += part.work_s;
    if (fan.size() > 1 && fan_s >= kSmallFan * all_s) {
      parts.insert(parts.end(), fan.begin(), fan.end());
      last_is_open = false;
    } else {
      BranchPart whole;
      for (std::size_t i = begin; i < end; ++i) {
        whole.layers.push_back(i);
        whole.work_s += work_s[i];
      }
      go_on(whole);
    }
    begin = end;
  }
  return parts;
}

}  // namespace cadastre
