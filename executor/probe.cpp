#include "executor/probe.h"

#include <torch/torch.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <numeric>
#include <string>
#include <vector>

#include "executor/communicator.h"
#include "executor/network.h"
#include "executor/process_setup.h"
#include "executor/timing.h"
#include "planner/cost_model.h"
#include "planner/json_reader.h"
#include "planner/program.h"

namespace cadastre {

namespace {

constexpr const char* kLoopback = "127.0.0.1";
constexpr double kComputeSeconds = 1.0;
constexpr std::int64_t kSamples = 32;  // enough that hosts on one machine share its memory bus
constexpr std::int64_t kSmallMessageElements = 1024;         // 4 KB: latency
constexpr std::int64_t kLargeMessageElements = 1024 * 1024;  // 4 MB: bandwidth
constexpr std::int64_t kReducedElements = 512 * 1024;        // 2 MB: gradients of a small network
constexpr int kReductions = 30;
constexpr int kSmallRounds = 200;
constexpr int kLargeRounds = 30;

void report(RankLink& link, const std::string& name, double value) {
  link.send({.header = {{"type", "value"}, {"name", name}, {"value", value}}, .payload = {}});
}

ModelGraph default_model() {
  ModelGraph model{
      .name = "probe",
      .inputs = {{.name = "image", .shape = {16, 32, 32}}},
      .layers = {{.id = "conv",
                  .operation = Conv2d{.out_channels = 32, .kernel_size = 3, .padding = 1},
                  .inputs = {"image"},
                  .output_shape = {32, 32, 32}}},
      .output = "conv"};
  return model;
}

ModelGraph model_of(const std::string& text) {
  const nlohmann::json document = parse_json(text, "the coordinator's model");
  return model_from_json(JsonPlace(document, "the coordinator's model", ""));
}

/// Forward and backward of a whole model, again and again.
class Workload {
 public:
  explicit Workload(const ModelGraph& model)
      : network_(whole_network(model, 1)),
        samples_(std::max(kSamples / model.batch_norm_group_samples, std::int64_t{1}) *
                 model.batch_norm_group_samples) {
    for (const ModelInput& input : model.inputs) {
      std::vector<std::int64_t> shape = {samples_};
      shape.insert(shape.end(), input.shape.begin(), input.shape.end());
      inputs_.push_back(at::rand(shape));
    }
  }

  void run() {
    const std::vector<at::Tensor> outputs =
        network_.forward(inputs_, {.samples = {.begin = 0, .end = samples_}});
    std::vector<at::Tensor> gradients;
    for (const at::Tensor& output : outputs) gradients.push_back(at::ones_like(output));
    network_.backward(outputs, gradients);
  }

  /// Median seconds of a pass, over `kComputeSeconds`.
  [[nodiscard]] double median_s() {
    std::vector<double> seconds;
    const Stopwatch stopwatch;
    do {
      seconds.push_back(seconds_of([&] { run(); }));
    } while (stopwatch.seconds() < kComputeSeconds);
    return summarize(seconds).median_s;
  }

 private:
  StageNetwork network_;
  std::int64_t samples_;
  std::vector<at::Tensor> inputs_;
};

/// Median seconds of half a round trip between ranks 0 and 1, both of which call this.
double one_way_s(Communicator& communicator, int rank, std::int64_t num_elements, int rounds) {
  const int peer = 1 - rank;
  at::Tensor out = at::ones({num_elements});
  at::Tensor in = at::empty({num_elements});
  std::vector<double> seconds;
  for (int round = 0; round < rounds; ++round) {
    const Stopwatch stopwatch;
    const int receive = communicator.post_receive(in, peer, 0);
    if (rank == 0) communicator.send(out, peer, 0);
    communicator.wait(receive);
    if (rank == 1) communicator.send(out, peer, 0);
    seconds.push_back(stopwatch.seconds() / 2);
    communicator.finish_sends();
  }
  communicator.flush();
  return summarize(seconds).median_s;
}

/// Median seconds of a reduction over all ranks, each of which calls this.
double reduction_s(Communicator& communicator) {
  std::vector<double> seconds;
  for (int i = 0; i < kReductions; ++i) {
    const at::Tensor gradients = at::ones({kReducedElements});
    communicator.barrier();
    seconds.push_back(seconds_of([&] { communicator.all_reduce({gradients}, 0); }));
  }
  return summarize(seconds).median_s;
}

/// Memory that local ranks may share, by /proc/meminfo's words "MemAvailable".
std::int64_t available_memory_bytes() {
  const std::int64_t pages = ::sysconf(_SC_AVPHYS_PAGES);
  return pages * ::sysconf(_SC_PAGESIZE);
}

}  // namespace

void probe_as_rank(RankLink& link) {
  const Frame job = link.wait_for("job");
  const int rank = job.header.at("rank").get<int>();
  const int num_ranks = link.launch().num_ranks;
  const Rendezvous rendezvous{.address = job.header.at("rendezvous_address").get<std::string>(),
                              .port = job.header.at("rendezvous_port").get<std::uint16_t>()};
  prepare_process(1);
  const ModelGraph model = job.payload.empty() ? default_model() : model_of(job.payload);
  std::vector<int> all_ranks(static_cast<std::size_t>(num_ranks));
  std::iota(all_ranks.begin(), all_ranks.end(), 0);
  Communicator communicator(rendezvous, link.own_address(), rank, num_ranks, {all_ranks});
  Workload workload(model);
  workload.run();
  communicator.barrier();
  if (rank == 0) report(link, "alone_s", workload.median_s());
  communicator.barrier();
  report(link, "together_s", workload.median_s());
  communicator.barrier();
  if (num_ranks > 1 && rank < 2) {
    const double small_s = one_way_s(communicator, rank, kSmallMessageElements, kSmallRounds);
    const double large_s = one_way_s(communicator, rank, kLargeMessageElements, kLargeRounds);
    if (rank == 0) {
      report(link, "small_message_s", small_s);
      report(link, "large_message_s", large_s);
    }
  }
  if (num_ranks > 1) {
    const double seconds = reduction_s(communicator);
    if (rank == 0) report(link, "reduction_s", seconds);
  }
  communicator.barrier();
}

Cluster probe_local(const ProbeOptions& options,
                    const std::function<void(int done, int total)>& progress) {
  if (!options.model.empty())
    check_executable(read_model(options.model), options.model.string(), "");
  const std::string model =
      options.model.empty() ? std::string() : json_text(to_json(read_model(options.model)));
  std::vector<RankStart> starts;
  for (int r = 0; r < options.num_local_ranks; ++r)
    starts.push_back({.arguments = {"probe-rank"},
                      .host = "local-" + std::to_string(r + 1),
                      .address = {},
                      .name = "rank " + std::to_string(r)});
  RankGroup group(options.launch, starts, "");
  const RendezvousServer server(kLoopback);
  Coordinator& coordinator = group.coordinator();
  static_cast<void>(group.gather());
  for (int r = 0; r < options.num_local_ranks; ++r)
    coordinator.send(r, {.header = {{"type", "job"},
                                    {"work", "probe"},
                                    {"rank", r},
                                    {"rendezvous_address", coordinator.own_address(r)},
                                    {"rendezvous_port", server.rendezvous().port}},
                         .payload = model});
  std::map<std::string, double> shared;
  std::vector<double> together_s(starts.size(), 0);
  int num_values = 0;
  const int num_expected = options.num_local_ranks + (options.num_local_ranks > 1 ? 4 : 1);
  coordinator.run([&](int rank, const Frame& frame) {
    if (frame.type() != "value") return;
    const std::string name = frame.header.at("name").get<std::string>();
    const double value = frame.header.at("value").get<double>();
    if (name == "together_s")
      together_s[static_cast<std::size_t>(rank)] = value;
    else
      shared[name] = value;
    progress(++num_values, num_expected);
  });
  coordinator.dismiss();

  const std::int64_t host_memory_bytes = available_memory_bytes() / options.num_local_ranks;
  Cluster cluster{.name = "local-" + std::to_string(options.num_local_ranks),
                  .description = "local ranks of one core each on " + device_name() +
                                 ", measured together by cadastre probe"};
  for (int r = 0; r < options.num_local_ranks; ++r)
    cluster.hosts.push_back(
        {.name = "local-" + std::to_string(r + 1),
         .relative_speed = shared.at("alone_s") / together_s[static_cast<std::size_t>(r)],
         .cores = 1,
         .memory_bytes = host_memory_bytes,
         .address = kLoopback});
  // A single host still needs a network in its document; nothing crosses it.
  double small_s = 50e-6;
  double bandwidth_bytes_per_s = 1e9;
  if (options.num_local_ranks > 1) {
    small_s = shared.at("small_message_s");
    const double large_s = shared.at("large_message_s");
    bandwidth_bytes_per_s =
        static_cast<double>((kLargeMessageElements - kSmallMessageElements) * kBytesPerElement) /
        std::max(large_s - small_s, 1e-9);
  }
  // A message crosses the links of two hosts.
  cluster.network = {.bandwidth_bytes_per_s = bandwidth_bytes_per_s, .latency_s = small_s / 2};
  if (options.num_local_ranks > 1) {
    // What the reduction took beyond its messages on the wire.
    std::vector<int> hosts(cluster.hosts.size());
    std::iota(hosts.begin(), hosts.end(), 0);
    constexpr std::int64_t kBytes = kReducedElements * kBytesPerElement;
    const double beyond_s =
        shared.at("reduction_s") - ring_seconds(NetworkCosts(cluster), hosts, kBytes);
    cluster.network.reduction_s_per_byte =
        std::max(0.0, beyond_s) /
        static_cast<double>(ring_bytes_per_rank(kBytes, cluster.hosts.size()));
  }
  return cluster;
}

}  // namespace cadastre
