// Operations that must not be LibTorch's own: those that depend on other samples or on chance, and
// those that write.

#include <torch/csrc/jit/ir/constants.h>
#include <torch/csrc/jit/runtime/operator.h>

#include <set>

#include "executor/torchscript/lifter.h"
#include "executor/torchscript/operators.h"

namespace cadastre {

namespace aten = c10::aten;
namespace prim = c10::prim;

namespace {

c10::Symbol named(const char* name) { return c10::Symbol::fromQualString(name); }

/// Where a node's schema has it, or none.
std::optional<std::size_t> argument_place(const torch::jit::Node& node, const std::string& name) {
  const auto& arguments = node.schema().arguments();
  for (std::size_t i = 0; i < arguments.size() && i < node.inputs().size(); ++i)
    if (arguments[i].name() == name) return i;
  return std::nullopt;
}

}  // namespace

bool Lifter::visit_replaced(const Node& node, Frame& frame) {
  const auto kind = node.kind();
  if (kind == aten::batch_norm) {
    const SeenValue& training = seen(node.input(5), frame);
    const SeenValue& mean = seen(node.input(3), frame);
    const bool has_statistics = !(is_fixed(*mean) && fixed_value(*mean).isNone());
    const bool off =
        is_fixed(*training) && fixed_value(*training).isBool() && !fixed_value(*training).toBool();
    // A script that says no, rather than what `training` says, has frozen statistics.
    if (off && has_training_flags_ && has_statistics) return false;
    batch_norm(node, frame);
    return true;
  }
  if (kind == aten::instance_norm) {
    const SeenValue& mean = seen(node.input(3), frame);
    if (is_fixed(*mean) && fixed_value(*mean).isNone()) return false;
    refuse(node, "instance norm of each sample's own statistics",
           "one with running statistics; give track_running_stats=False");
  }
  if (kind == aten::dropout || kind == named("aten::dropout_")) {
    dropout(node, frame, false, kind != aten::dropout);
    return true;
  }
  if (kind == aten::feature_dropout || kind == named("aten::feature_dropout_")) {
    dropout(node, frame, true, kind != aten::feature_dropout);
    return true;
  }
  return attention(node, frame);
}

void Lifter::batch_norm(const Node& node, Frame& frame) {
  const std::vector<SeenValue> inputs = inputs_of(node, frame);
  const Seen& mean = *inputs[3];
  const Seen& variance = *inputs[4];
  if (!mean.slot || !variance.slot)
    refuse(node, "batch norm with running statistics",
           "one without, whose scores would depend on which samples are scored together; give "
           "track_running_stats=True");
  if (!is_fixed(*inputs[6]) || !fixed_value(*inputs[6]).isDouble())
    refuse(node, "batch norm with a momentum that is a number",
           "one that follows the number of batches; give momentum=0.1, say");
  if (!has_training_flags_ && is_fixed(*inputs[5]) && fixed_value(*inputs[5]).toBool())
    lifted_.draws_or_counts = true;
  if (!is_fixed(*inputs[7])) refuse(node, "batch norm with a constant eps", "another");

  std::int64_t rows_per_sample = 1;
  const auto tried = inputs[0]->tried;
  if (tried) {
    const TensorFacts facts = facts_of(*inputs[0]);
    if (!facts.packing || facts.packing->dim != 0 || facts.packing->outer != 1)
      refuse(node, "batch norm of tensors whose first dimension is the samples'", "another");
    rows_per_sample = facts.packing->inner;
  }
  const LiftedNorm norm{.mean = *mean.slot,
                        .variance = *variance.slot,
                        .momentum = fixed_value(*inputs[6]).toDouble(),
                        .sums = lifted_.graph->addInput()->setType(c10::TensorType::get())};
  lifted_.norms.push_back(norm);
  auto sums = plain({at::Tensor(), at::Tensor()}, c10::TensorType::get(), false);
  sums->lifted = norm.sums;
  remember(sums);
  kept_seen_.push_back(sums);

  std::vector<Value*> values;
  for (const std::size_t i : {0, 1, 2, 3, 4, 7}) values.push_back(lifted(inputs[i]));
  values.push_back(constant_value(rows_per_sample));
  values.push_back(norm.sums);
  values.push_back(lifted_.context);
  Node* added = add_node(named("cadastre::batch_norm"), values, 1, node);
  added->output()->setType(c10::TensorType::get());
  if (!tried || !is_running_) {
    set_outputs(node, frame, added, nullptr, false);
    return;
  }
  std::array<std::vector<c10::IValue>, 2> results;
  const auto tensor_of = [](const Seen& seen, std::size_t run) -> c10::optional<at::Tensor> {
    const c10::IValue& value = (*seen.tried)[run];
    return value.isTensor() ? c10::optional<at::Tensor>(value.toTensor()) : c10::nullopt;
  };
  for (std::size_t run = 0; run < 2; ++run)
    results[run] = {at::batch_norm(*tensor_of(*inputs[0], run), tensor_of(*inputs[1], run),
                                   tensor_of(*inputs[2], run), tensor_of(mean, run),
                                   tensor_of(variance, run), false, 0,
                                   fixed_value(*inputs[7]).toDouble(), false)};
  set_outputs(node, frame, added, &results, false);
}

void Lifter::dropout(const Node& node, Frame& frame, bool whole_channels, bool in_place) {
  const std::vector<SeenValue> inputs = inputs_of(node, frame);
  if (!is_fixed(*inputs[1]) || !is_fixed(*inputs[2]))
    refuse(node, "dropout of a constant probability", "another");
  const double p = fixed_value(*inputs[1]).toDouble();
  const bool is_on = !has_training_flags_ || fixed_value(*inputs[2]).toBool();
  if (!has_training_flags_ && p > 0 && fixed_value(*inputs[2]).toBool())
    lifted_.draws_or_counts = true;
  if (p == 0 || !is_on) {
    set(node, frame, inputs[0]);
    return;
  }
  const auto tried = inputs[0]->tried;
  std::int64_t batch_dim = 0;
  std::int64_t rows_per_sample = 1;
  if (tried) {
    const TensorFacts facts = facts_of(*inputs[0]);
    if (facts.packing && facts.packing->outer == 1) {
      batch_dim = facts.packing->dim;
      rows_per_sample = facts.packing->inner;
    } else if (facts.small_shape == facts.large_shape) {
      batch_dim = -1;
    } else {
      refuse(node, "dropout of a tensor whose rows are samples", "one of which none is");
    }
  }
  Value* x = lifted(inputs[0]);
  std::vector<Value*> values{x};
  for (const c10::IValue& value :
       {c10::IValue(p), c10::IValue(num_dropouts_++), c10::IValue(batch_dim),
        c10::IValue(rows_per_sample), c10::IValue(whole_channels)})
    values.push_back(constant_value(value));
  values.push_back(lifted_.context);
  Node* added = add_node(named("cadastre::dropout"), values, 1, node);
  added->output()->setType(c10::TensorType::get());
  std::array<std::vector<c10::IValue>, 2> results;
  if (tried)
    for (std::size_t run = 0; run < 2; ++run) results[run] = {(*tried)[run].toTensor().clone()};
  set_outputs(node, frame, added, tried ? &results : nullptr, false);
  // Who holds the tensor finds in it what was dropped.
  if (in_place) *inputs[0] = *seen(node.output(), frame);
}

bool Lifter::attention(const Node& node, Frame& frame) {
  const auto p_place = argument_place(node, "dropout_p");
  if (!p_place || node.outputs().size() > 2) return false;
  const std::vector<SeenValue> inputs = inputs_of(node, frame);
  const auto fixed = [&](const char* name, const c10::IValue& otherwise) {
    const auto place = argument_place(node, name);
    if (!place) return otherwise;
    if (!is_fixed(*inputs[*place]))
      refuse(node, std::string("attention with a constant ") + name, "another");
    return fixed_value(*inputs[*place]);
  };
  const double p = fixed("dropout_p", 0.0).toDouble();
  if (p == 0) return false;  // as it is
  if (!has_training_flags_) lifted_.draws_or_counts = true;
  std::int64_t rows_per_sample = 1;
  const auto tried = inputs[0]->tried;
  if (tried) {
    const TensorFacts facts = facts_of(*inputs[0]);
    if (!facts.packing || facts.packing->dim != 0 || facts.packing->outer != 1)
      refuse(node, "attention with dropout whose first dimension is the samples'", "another");
    rows_per_sample = facts.packing->inner;
  }
  std::vector<Value*> values;
  for (std::size_t i = 0; i < 4; ++i) values.push_back(lifted(inputs[i]));
  for (const c10::IValue& value : {c10::IValue(p), fixed("is_causal", false), fixed("scale", {}),
                                   c10::IValue(num_dropouts_++), c10::IValue(rows_per_sample)})
    values.push_back(constant_value(value));
  values.push_back(lifted_.context);
  Node* added = add_node(named("cadastre::attention"), values, 2, node);
  for (Value* output : added->outputs()) output->setType(c10::TensorType::get());
  if (!tried || !is_running_) {
    set_outputs(node, frame, added, nullptr, false);
    return true;
  }
  std::array<std::vector<c10::IValue>, 2> results;
  const c10::IValue context = pass_context({.mode = ForwardMode::kEvaluation});
  std::vector<std::array<c10::IValue, 2>> arguments;
  for (std::size_t i = 0; i < 4; ++i) arguments.push_back(tried_values(*inputs[i]).value());
  for (std::size_t i = 4; i + 1 < values.size(); ++i) {
    const c10::IValue value = torch::jit::toIValue(values[i]).value();
    arguments.push_back({value, value});
  }
  arguments.push_back({context, context});
  results = run_both(*added, arguments);
  set_outputs(node, frame, added, &results, false);
  return true;
}

bool Lifter::refuse_random(const Node& node, Frame& frame) {
  // What Transformers are traced to where nothing is to be trained.
  static const std::set<std::string> untrainable = {"aten::_transformer_encoder_layer_fwd",
                                                    "aten::_native_multi_head_attention"};
  if (untrainable.count(node.kind().toQualString()) != 0)
    refuse(node, "operations that have a gradient",
           "one for evaluation alone; trace the model outside of torch.no_grad(), or script it");
  static const std::set<std::string> recurrent = {"aten::lstm", "aten::gru", "aten::rnn_tanh",
                                                  "aten::rnn_relu"};
  const auto fixed_zero = [&](std::size_t place) {
    const SeenValue& p = seen(node.input(place), frame);
    return is_fixed(*p) && fixed_value(*p).isDouble() && fixed_value(*p).toDouble() == 0;
  };
  const std::string name = node.kind().toQualString();
  const std::string remedy =
      "; use torch.nn.Dropout, which is drawn alike under every division, or leave it out";
  if (recurrent.count(name) != 0) {
    const auto place = argument_place(node, "dropout");
    if (place && !fixed_zero(*place))
      refuse(node, "a recurrent network without dropout of its own",
             "one with it; put torch.nn.Dropout between single-layer ones");
    return false;
  }
  if (argument_place(node, "dropout_p")) return false;  // 0, see `attention`
  static const std::set<std::string> random = {"aten::alpha_dropout",
                                               "aten::alpha_dropout_",
                                               "aten::feature_alpha_dropout",
                                               "aten::feature_alpha_dropout_",
                                               "aten::bernoulli_",
                                               "aten::normal_",
                                               "aten::uniform_",
                                               "aten::random_",
                                               "aten::exponential_",
                                               "aten::cauchy_",
                                               "aten::geometric_",
                                               "aten::log_normal_",
                                               "aten::rand",
                                               "aten::randn",
                                               "aten::randint",
                                               "aten::randperm"};
  if (random.count(name) == 0 && !node.isNondeterministic()) return false;
  if (const auto place = argument_place(node, "train")) {
    const SeenValue& train = seen(node.input(*place), frame);
    if (has_training_flags_ && is_fixed(*train) && !fixed_value(*train).toBool()) return false;
  }
  refuse(node, "a forward that is the same each time but for dropout",
         "one that draws by chance" + remedy);
}

bool Lifter::write(const Node& node, Frame& frame, const std::vector<SeenValue>& inputs) {
  const torch::jit::FunctionSchema& schema = node.schema();
  if (!schema.is_mutable()) return false;
  for (std::size_t i = 0; i < inputs.size() && i < schema.arguments().size(); ++i) {
    const auto* alias = schema.arguments()[i].alias_info();
    if (alias == nullptr || !alias->isWrite()) continue;
    const Seen& written = *inputs[i];
    if (written.kind != Seen::Kind::kPlain)
      refuse(node, "lists that are appended to, at most", "another change of one");
    if (written.slot) {
      const LiftedSlot& slot = lifted_.slots[*written.slot];
      // Batch norm counts its batches; nothing else reads that.
      if (slot.tensor.dim() == 0 && slot.tensor.scalar_type() == at::kLong) {
        if (!node.outputs().empty()) set(node, frame, inputs[i]);
        return true;
      }
      refuse(node, "a forward that writes to no parameter or buffer",
             "one that writes to " + slot.name + "; keep the running value in a batch norm");
    }
    if (written.tried && (*written.tried)[0].isTensor())
      for (const LiftedSlot& slot : lifted_.slots)
        if (slot.tensor.storage().unsafeGetStorageImpl() ==
            (*written.tried)[0].toTensor().storage().unsafeGetStorageImpl())
          refuse(node, "a forward that writes to no parameter or buffer",
                 "one that writes to " + slot.name);
  }
  // `x.relu_()` is `x = x.relu()` where nothing else is the same memory.
  std::string name = node.kind().toQualString();
  const Seen& x = *inputs[0];
  if (!is_running_ || name.back() != '_' || node.outputs().size() != 1 || !x.tried ||
      !(*x.tried)[0].isTensor())
    return false;
  // One count each for what was seen.
  for (const c10::IValue& value : *x.tried) {
    const at::Tensor tensor = value.toTensor();
    constexpr std::size_t kSeenAndHere = 2;
    if (tensor.storage().use_count() > 1 || tensor.use_count() > kSeenAndHere) return false;
  }
  name.pop_back();
  std::vector<std::array<c10::IValue, 2>> tried;
  for (const SeenValue& input : inputs) {
    const auto values = tried_values(*input);
    if (!values) return false;
    tried.push_back(*values);
  }
  std::vector<Value*> values;
  for (const SeenValue& input : inputs) values.push_back(lifted(input));
  Node* added = add_node(c10::Symbol::fromQualString(name), values, 1, node);
  added->output()->setType(c10::TensorType::get());
  std::array<std::vector<c10::IValue>, 2> results;
  const bool known = added->maybeOperator() != nullptr;
  if (known) results = run_both(*added, tried);
  if (!known || results[0].size() != 1 || !results[0][0].isTensor() ||
      results[0][0].toTensor().scalar_type() != (*x.tried)[0].toTensor().scalar_type() ||
      results[0][0].toTensor().sizes() != (*x.tried)[0].toTensor().sizes()) {
    lifted_.origins.erase(added);
    added->destroy();
    return false;
  }
  const SeenValue result = taken_apart(added->output(), {results[0][0], results[1][0]},
                                       c10::TensorType::get(), x.is_derived);
  *inputs[0] = *result;
  remember(inputs[0]);
  set(node, frame, inputs[0]);
  return true;
}

}  // namespace cadastre
