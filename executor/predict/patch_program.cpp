#include "executor/predict/patch_program.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <utility>
#include <variant>

#include "executor/predict/kernels/tap_row.h"
#include "executor/predict/needed_layers.h"

namespace cadastre {

namespace {

constexpr std::int64_t padded(std::int64_t channels) {
  return (channels + kChannelBlock - 1) / kChannelBlock * kChannelBlock;
}

/// Channels of a layer's output, as a patch sees them.
struct Part {
  ImageSource source;
  std::vector<RowPlace> rows;  ///< of the patch's map
  std::vector<RowPlace> columns;
};

using Value = std::vector<Part>;

struct CannotExpress {};

class Compiler {
 public:
  /// `stage`: null for the structure alone.
  Compiler(const ModelGraph& model, const StageNetwork* stage, const std::vector<int>& layers,
           const std::vector<std::int64_t>& scales)
      : model_(model),
        sources_(layer_sources(model)),
        output_(static_cast<std::size_t>(layer_index(model, model.output))),
        values_(model.layers.size()) {
    is_own_.assign(model.layers.size(), false);
    for (const int layer : layers) is_own_[static_cast<std::size_t>(layer)] = true;
    if (stage != nullptr) {
      for (const auto& named : {stage->parameters(), stage->buffers()})
        for (const NamedTensor& tensor : named) tensors_[tensor.name] = tensor.tensor.contiguous();
      for (const Source& source : stage->inputs())
        program_.inputs.push_back({.source = source, .sets = {}});
      for (const int layer : stage->outputs())
        program_.outputs.push_back(
            {.source = {.is_model_input = false, .index = layer}, .sets = {}});
    }
    program_.output_layer = static_cast<int>(output_);
    program_.scales = scales;
    program_.patch = model.inputs.front().shape[1] / scales.front();
  }

  PatchProgram compile() {
    if (is_imported(model_)) throw CannotExpress();
    needed_ = needed_layers(model_);
    chains_ = layer_chains(model_, needed_, is_own_);
    std::vector<bool> is_inside_chain(model_.layers.size(), false);
    for (const auto& chain : chains_)
      for (const std::size_t layer : chain.second) is_inside_chain[layer] = layer != chain.first;
    for (std::size_t i = 0; i < model_.inputs.size(); ++i) add_input(i);
    for (std::size_t layer = 0; layer < model_.layers.size(); ++layer)
      if (needed_.is_needed[layer] && !is_inside_chain[layer]) values_[layer] = compute(layer);
    for (std::vector<PatchValue>* passed : {&program_.inputs, &program_.outputs})
      for (PatchValue& value : *passed)
        for (const Part& part : value_of(value.source))
          if (std::find(value.sets.begin(), value.sets.end(), part.source.set) == value.sets.end())
            value.sets.push_back(part.source.set);
    for (const Part& part : values_[output_]) {
      if (part.rows.size() != 1 || part.columns.size() != 1) throw CannotExpress();
      program_.scores.push_back(part.source);
      program_.score_rows.push_back(part.rows.front());
      program_.score_columns.push_back(part.columns.front());
    }
    find_last_reads();
    return std::move(program_);
  }

 private:
  [[nodiscard]] const Operation& operation(std::size_t layer) const {
    return model_.layers[layer].operation;
  }

  [[nodiscard]] const Value& value_of(const Source& source) const {
    const auto index = static_cast<std::size_t>(source.index);
    return source.is_model_input ? inputs_[index] : values_[index];
  }

  [[nodiscard]] const at::Tensor* tensor(std::size_t layer, const char* name) const {
    const auto found = tensors_.find(model_.layers[layer].id + name);
    return found == tensors_.end() ? nullptr : &found->second;
  }

  void add_input(std::size_t input) {
    const std::int64_t scale = program_.scales[input];
    ImageSet set;
    set.num_channels = set.stride = model_.inputs[input].shape[0];
    set.rows.assign(static_cast<std::size_t>(scale),
                    {.first = 0, .last = static_cast<int>(program_.patch - 1)});
    set.columns = set.rows;
    std::vector<RowPlace> places;
    for (std::int64_t row = 0; row < scale * program_.patch; ++row)
      places.push_back(
          {.cls = static_cast<int>(row % scale), .offset = static_cast<int>(row / scale)});
    program_.sets.push_back(set);
    inputs_.push_back({{.source = {.set = static_cast<int>(input),
                                   .channel = 0,
                                   .num_channels = set.num_channels},
                        .rows = places,
                        .columns = places}});
  }

  void add_step(std::size_t layer, PatchStep step) {
    if (is_own_[layer]) program_.steps.push_back(std::move(step));
  }

  /// A new set for a step's classes.
  Part add_set(PatchStep& step, std::int64_t num_channels, std::int64_t stride) {
    step.set = static_cast<int>(program_.sets.size());
    ImageSet set{.num_channels = num_channels, .stride = stride, .rows = {}, .columns = {}};
    for (const RowClass& of : step.rows.classes) set.rows.push_back({of.first, of.last});
    for (const RowClass& of : step.columns.classes) set.columns.push_back({of.first, of.last});
    program_.sets.push_back(std::move(set));
    return {.source = {.set = step.set, .channel = 0, .num_channels = num_channels},
            .rows = step.rows.places,
            .columns = step.columns.places};
  }

  Value compute(std::size_t layer) {
    const auto chain = chains_.find(layer);
    if (chain != chains_.end()) return weigh(chain->second);
    const Operation& here = operation(layer);
    const Source& first = sources_[layer].front();
    if (std::holds_alternative<Flatten>(here) || std::holds_alternative<Dropout>(here))
      return value_of(first);
    if (std::holds_alternative<Concat>(here)) {
      Value joined;
      for (const Source& source : sources_[layer])
        joined.insert(joined.end(), value_of(source).begin(), value_of(source).end());
      return joined;
    }
    if (const auto* crop = std::get_if<CenterCrop2d>(&here)) {
      Value cropped = value_of(first);
      for (Part& part : cropped)
        for (std::vector<RowPlace>* places : {&part.rows, &part.columns}) {
          const auto begin =
              center_crop_begin(static_cast<std::int64_t>(places->size()), crop->size);
          *places =
              std::vector<RowPlace>(places->begin() + begin, places->begin() + begin + crop->size);
        }
      return cropped;
    }
    if (std::holds_alternative<MaxPool2d>(here) || std::holds_alternative<AdaptiveAvgPool2d>(here))
      return pool(layer);
    std::vector<Value> summed;
    for (const Source& source : sources_[layer]) summed.push_back(value_of(source));
    if (std::holds_alternative<BatchNorm2d>(here)) return sum(summed, layer, layer, false);
    if (std::holds_alternative<Relu>(here)) return sum(summed, layer, {}, true);
    if (std::holds_alternative<Add>(here)) return sum(summed, layer, {}, false);
    throw CannotExpress();
  }

  /// `layer`'s rows with what each reads of a map of `size` rows.
  [[nodiscard]] std::vector<std::optional<std::vector<ReadRow>>> reads_of(std::size_t layer,
                                                                          std::int64_t size) const {
    std::vector<std::optional<std::vector<ReadRow>>> reads;
    for (std::size_t row = 0; row < needed_.rows[layer].size(); ++row)
      if (needed_.rows[layer][row])
        reads.emplace_back(read_rows(operation(layer), size, static_cast<std::int64_t>(row)));
      else
        reads.emplace_back();
    return reads;
  }

  Value pool(std::size_t layer) {
    Value pooled;
    for (const Part& part : value_of(sources_[layer].front())) {
      PatchStep step;
      step.kind = std::holds_alternative<MaxPool2d>(operation(layer)) ? PatchStep::Kind::kGreatest
                                                                      : PatchStep::Kind::kMean;
      step.sources = {part.source};
      const auto reads = reads_of(layer, static_cast<std::int64_t>(part.rows.size()));
      step.rows = row_classes(reads, {&part.rows});
      step.columns = row_classes(reads, {&part.columns});
      // Whole pixels are pooled, other parts' channels and padding included.
      const ImageSet& from = program_.sets[static_cast<std::size_t>(part.source.set)];
      Part made = add_set(step, from.num_channels, from.stride);
      made.source.channel = part.source.channel;
      made.source.num_channels = part.source.num_channels;
      pooled.push_back(std::move(made));
      add_step(layer, std::move(step));
    }
    return pooled;
  }

  /// Where addends lie for each class of sums.
  static std::vector<std::vector<RowPlace>> addend_places(const RowClasses& classes) {
    std::vector<std::vector<RowPlace>> places;
    for (const RowClass& of : classes.classes) {
      places.emplace_back();
      for (const RowTap& tap : of.taps)
        places.back().push_back({.cls = tap.cls, .offset = tap.offset});
    }
    return places;
  }

  /// `layer`'s rows, each of which reads itself.
  [[nodiscard]] std::vector<std::optional<std::vector<ReadRow>>> same_rows(
      std::size_t layer, std::size_t num_rows) const {
    const std::vector<bool>& needs = needed_.rows[layer];  // empty of features, all of which count
    std::vector<std::optional<std::vector<ReadRow>>> reads(num_rows);
    for (std::size_t row = 0; row < num_rows; ++row)
      if (needs.empty() || needs[row])
        reads[row] = std::vector<ReadRow>{{.tap = 0, .row = static_cast<int>(row)}};
    return reads;
  }

  /// The output of `layer`: values added one by one, by batch norm `norm`'s scale and shift,
  /// rectified.
  Value sum(const std::vector<Value>& values, std::size_t layer, std::optional<std::size_t> norm,
            bool is_rectified) {
    // Channel ranges in which each value has one part.
    std::vector<std::size_t> at(values.size(), 0);
    std::vector<std::int64_t> done(values.size(), 0);  // channels of that part
    Value made;
    std::int64_t channel = 0;
    while (at.front() < values.front().size()) {
      PatchStep step;
      step.kind = PatchStep::Kind::kSum;
      step.is_rectified = is_rectified;
      std::int64_t size = values.front()[at.front()].source.num_channels - done.front();
      for (std::size_t i = 0; i < values.size(); ++i) {
        if (at[i] == values[i].size()) throw CannotExpress();
        size = std::min(size, values[i][at[i]].source.num_channels - done[i]);
      }
      std::vector<const std::vector<RowPlace>*> rows;
      std::vector<const std::vector<RowPlace>*> columns;
      for (std::size_t i = 0; i < values.size(); ++i) {
        const Part& part = values[i][at[i]];
        step.addends.push_back({.set = part.source.set,
                                .channel = part.source.channel + done[i],
                                .num_channels = size});
        rows.push_back(&part.rows);
        columns.push_back(&part.columns);
        if (part.rows.size() != rows.front()->size()) throw CannotExpress();
      }
      step.rows = row_classes(same_rows(layer, rows.front()->size()), rows);
      step.columns = row_classes(same_rows(layer, columns.front()->size()), columns);
      step.addend_rows = addend_places(step.rows);
      step.addend_columns = addend_places(step.columns);
      if (norm) set_norm(step, *norm, channel, size);
      made.push_back(add_set(step, size, padded(size)));
      add_step(layer, std::move(step));
      channel += size;
      for (std::size_t i = 0; i < values.size(); ++i) {
        done[i] += size;
        if (done[i] < values[i][at[i]].source.num_channels) continue;
        ++at[i];
        done[i] = 0;
      }
    }
    return made;
  }

  void set_norm(PatchStep& step, std::size_t layer, std::int64_t first, std::int64_t size) const {
    if (!is_own_[layer]) return;
    const auto& norm = std::get<BatchNorm2d>(operation(layer));
    const auto values = [&](const char* name) { return tensor(layer, name)->data_ptr<float>(); };
    step.scale.assign(static_cast<std::size_t>(padded(size)), 0);
    step.shift = step.scale;
    for (std::int64_t c = 0; c < size; ++c) {
      const float scale =
          values(".weight")[first + c] /
          std::sqrt(values(".running_var")[first + c] + static_cast<float>(norm.eps));
      step.scale[static_cast<std::size_t>(c)] = scale;
      step.shift[static_cast<std::size_t>(c)] =
          values(".bias")[first + c] - values(".running_mean")[first + c] * scale;
    }
  }

  /// Taps of a layer of weights over `input`, and the weights in the order in which they are used.
  void set_taps(PatchStep& step, std::size_t layer, const Value& input) const {
    const std::int64_t num_outputs = model_.layers[layer].output_shape.front();
    const std::int64_t stride = padded(num_outputs);
    const at::Tensor* const weight = tensor(layer, ".weight");
    const float* const values = weight != nullptr ? weight->data_ptr<float>() : nullptr;
    const auto* conv = std::get_if<Conv2d>(&operation(layer));
    std::vector<const std::vector<RowPlace>*> rows;
    std::vector<const std::vector<RowPlace>*> columns;
    std::int64_t first = 0;  // channel, or feature, of the part
    for (const Part& part : input) {
      step.sources.push_back(part.source);
      rows.push_back(&part.rows);
      columns.push_back(&part.columns);
      const std::int64_t num_channels = part.source.num_channels;
      const auto num_rows =
          conv != nullptr ? conv->kernel_size : static_cast<std::int64_t>(part.rows.size());
      const auto num_columns =
          conv != nullptr ? conv->kernel_size : static_cast<std::int64_t>(part.columns.size());
      const auto begin = static_cast<std::int64_t>(step.weights.size());
      step.blocks.push_back({.begin = begin, .num_columns = num_columns});
      if (values != nullptr)
        step.weights.resize(
            static_cast<std::size_t>(begin + num_rows * num_columns * num_channels * stride), 0);
      for (std::int64_t i = 0; values != nullptr && i < num_rows; ++i)
        for (std::int64_t j = 0; j < num_columns; ++j)
          for (std::int64_t c = 0; c < num_channels; ++c)
            for (std::int64_t o = 0; o < num_outputs; ++o) {
              float value = 0;
              if (conv == nullptr) {
                value = values[o * weight->size(1) + first + (c * num_rows + i) * num_columns + j];
              } else {
                const std::int64_t in_group = weight->size(1);
                const std::int64_t group = o / (num_outputs / conv->groups);
                if ((first + c) / in_group != group) continue;
                value =
                    values[((o * in_group + (first + c) % in_group) * num_rows + i) * num_columns +
                           j];
              }
              step.weights[static_cast<std::size_t>(
                  begin + ((i * num_columns + j) * num_channels + c) * stride + o)] = value;
            }
      first += conv != nullptr ? num_channels : num_channels * num_rows * num_columns;
    }
    if (conv != nullptr) {
      const auto reads = reads_of(layer, static_cast<std::int64_t>(input.front().rows.size()));
      step.rows = row_classes(reads, rows);
      step.columns = row_classes(reads, columns);
      return;
    }
    step.rows = all_rows(rows);
    step.columns = all_rows(columns);
  }

  /// One row, of all rows of each source.
  static RowClasses all_rows(const std::vector<const std::vector<RowPlace>*>& sources) {
    RowClasses made{.places = {{.cls = 0, .offset = 0}}, .classes = {{}}};
    for (std::size_t source = 0; source < sources.size(); ++source)
      for (std::size_t row = 0; row < sources[source]->size(); ++row) {
        const RowPlace& from = (*sources[source])[row];
        made.classes.front().taps.push_back({.tap = static_cast<int>(row),
                                             .source = static_cast<int>(source),
                                             .cls = from.cls,
                                             .offset = from.offset});
      }
    return made;
  }

  Value weigh(const std::vector<std::size_t>& chain) {
    const std::size_t layer = chain.front();
    PatchStep step;
    set_taps(step, layer, value_of(sources_[layer].front()));
    const std::int64_t num_outputs = model_.layers[layer].output_shape.front();
    if (const at::Tensor* bias = tensor(layer, ".bias")) {
      step.bias.assign(static_cast<std::size_t>(padded(num_outputs)), 0);
      std::copy_n(bias->data_ptr<float>(), num_outputs, step.bias.begin());
    }
    const Value* other = nullptr;
    bool is_first = true;  // of the two that are added
    for (std::size_t i = 1; i < chain.size(); ++i) {
      const Operation& then = operation(chain[i]);
      if (std::holds_alternative<BatchNorm2d>(then)) set_norm(step, chain[i], 0, num_outputs);
      if (std::holds_alternative<Relu>(then)) step.is_rectified = true;
      if (!std::holds_alternative<Add>(then)) continue;
      const std::vector<Source>& summed = sources_[chain[i]];
      is_first = !summed[0].is_model_input && summed[0].index == static_cast<int>(chain[i - 1]);
      other = &value_of(summed[is_first ? 1 : 0]);
    }
    if (other != nullptr && other->size() == 1) {
      if (other->front().rows.size() != step.rows.places.size()) throw CannotExpress();
      step.addends = {other->front().source};
      step.addend_rows = add_addend(chain.back(), step.rows, other->front().rows, is_first);
      step.addend_columns =
          add_addend(chain.back(), step.columns, other->front().columns, is_first);
      other = nullptr;
    }
    const bool is_rectified = step.is_rectified;
    if (other != nullptr) step.is_rectified = false;
    Value made{add_set(step, num_outputs, padded(num_outputs))};
    add_step(layer, std::move(step));
    if (other == nullptr) return made;
    return sum(is_first ? std::vector<Value>{made, *other} : std::vector<Value>{*other, made},
               chain.back(), {}, is_rectified);
  }

  /// Refines classes by where the addend of each row is; returns that for each class. The same
  /// classes as the sum has that is computed by itself: hence the order of the two.
  [[nodiscard]] std::vector<std::vector<RowPlace>> add_addend(std::size_t layer,
                                                              RowClasses& classes,
                                                              const std::vector<RowPlace>& addend,
                                                              bool is_second) const {
    std::vector<const std::vector<RowPlace>*> sources{&classes.places, &addend};
    if (!is_second) std::swap(sources[0], sources[1]);
    const RowClasses sums = row_classes(same_rows(layer, addend.size()), sources);
    RowClasses refined{.places = sums.places, .classes = {}};
    std::vector<std::vector<RowPlace>> places;
    for (const RowClass& of : sums.classes) {
      const RowTap& weighed = of.taps[is_second ? 0 : 1];
      const RowTap& added = of.taps[is_second ? 1 : 0];
      RowClass both{.taps = classes.classes[static_cast<std::size_t>(weighed.cls)].taps,
                    .first = of.first,
                    .last = of.last};
      for (RowTap& tap : both.taps) tap.offset += weighed.offset;
      refined.classes.push_back(std::move(both));
      places.push_back({{.cls = added.cls, .offset = added.offset}});
    }
    classes = std::move(refined);
    return places;
  }

  void find_last_reads() {
    std::vector<bool> seen(program_.sets.size(), false);
    for (const PatchValue& value : program_.outputs)
      for (const int set : value.sets) seen[static_cast<std::size_t>(set)] = true;
    for (auto step = program_.steps.rbegin(); step != program_.steps.rend(); ++step)
      for (const auto* sources : {&step->sources, &step->addends})
        for (const ImageSource& source : *sources) {
          if (seen[static_cast<std::size_t>(source.set)]) continue;
          seen[static_cast<std::size_t>(source.set)] = true;
          step->last_reads.push_back(source.set);
        }
  }

  const ModelGraph& model_;
  std::vector<std::vector<Source>> sources_;
  std::size_t output_;
  std::map<std::string, at::Tensor> tensors_;
  std::vector<Value> inputs_;
  std::vector<Value> values_;                               // of each layer
  NeededLayers needed_;
  std::vector<bool> is_own_;                                // each layer: the stage's
  LayerChains chains_;
  PatchProgram program_;
};

}  // namespace

std::int64_t num_values(const PatchProgram& program, const std::vector<int>& sets,
                        std::int64_t rows, std::int64_t columns) {
  std::int64_t size = 0;
  for (const int index : sets) {
    const ImageSet& set = program.sets[static_cast<std::size_t>(index)];
    for (const ImageSet::Span& down : set.rows)
      for (const ImageSet::Span& right : set.columns)
        size += (rows + down.last - down.first) * (columns + right.last - right.first) * set.stride;
  }
  return size;
}

std::optional<PatchProgram> patch_program(const ModelGraph& model, const StageNetwork& stage,
                                          const std::vector<int>& layers,
                                          const std::vector<std::int64_t>& scales) {
  try {
    return Compiler(model, &stage, layers, scales).compile();
  } catch (const CannotExpress&) {
    return std::nullopt;
  }
}

bool can_share_patches(const ModelGraph& model, const std::vector<std::int64_t>& scales) {
  try {
    static_cast<void>(Compiler(model, nullptr, {}, scales).compile());
    return true;
  } catch (const CannotExpress&) {
    return false;
  }
}

}  // namespace cadastre
