#include "executor/launch/launch.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <set>
#include <sstream>
#include <stdexcept>
#include <utility>

#include "executor/launch/host_facts.h"
#include "executor/launch/hosts_file.h"
#include "executor/launch/listening_addresses.h"
#include "executor/launch/processor_binding.h"
#include "executor/launch/run_key.h"
#include "planner/command_line.h"
#include "planner/error.h"
#include "planner/files.h"

namespace cadastre {

namespace {

constexpr const char* kLoopback = "127.0.0.1";
constexpr const char* kProgram = "cadastre-executor";
constexpr int kWrongRequest = 2;

std::vector<std::string> words_of(const std::string& text) {
  std::istringstream stream(text);
  std::vector<std::string> words;
  for (std::string word; stream >> word;) words.push_back(word);
  return words;
}

/// So that a shell reads it as one word.
std::string quoted(const std::string& word) {
  std::string text = "'";
  for (const char letter : word) {
    if (letter == '\'')
      text += "'\\''";
    else
      text += letter;
  }
  text += '\'';
  return text;
}

std::vector<std::string> launch_arguments(const RankLaunch& launch) {
  std::vector<std::string> arguments = {
      "--coordinator",      launch.coordinator_address,
      "--coordinator-port", std::to_string(launch.coordinator_port),
      "--number",           std::to_string(launch.number),
      "--num-ranks",        std::to_string(launch.num_ranks),
      "--patience",         std::to_string(launch.patience.count()),
      "--frozen-after",     std::to_string(launch.frozen_after.count())};
  if (!launch.request.empty()) arguments.insert(arguments.end(), {"--request", launch.request});
  if (!launch.problem.empty()) arguments.insert(arguments.end(), {"--problem", launch.problem});
  if (launch.key_from_input) arguments.emplace_back("--key-from-input");
  if (launch.speaks) arguments.emplace_back("--speaks");
  return arguments;
}

std::vector<std::string> words_of_rank(const std::string& program,
                                       const std::vector<std::string>& arguments,
                                       const RankLaunch& launch, const std::string& interface) {
  std::vector<std::string> words = {program};
  words.insert(words.end(), arguments.begin(), arguments.end());
  const std::vector<std::string> more = launch_arguments(launch);
  words.insert(words.end(), more.begin(), more.end());
  if (!interface.empty()) words.insert(words.end(), {"--interface", interface});
  return words;
}

std::string own_program() { return (program_directory() / kProgram).string(); }

/// Read by libraries when they are loaded, so a process sets them for the next.
std::map<std::string, std::string> thread_environment(int num_threads) {
  return {{"OMP_NUM_THREADS", std::to_string(num_threads)}};
}

ChildProcess local_rank(const RankStart& start, const RankLaunch& launch,
                        const std::string& processors, const std::string& interface) {
  ChildProcess process{.words = words_of_rank(own_program(), start.arguments, launch, interface),
                       .environment = thread_environment(start.num_threads)};
  process.environment[kKeyVariable] = launch.key;
  process.environment["RANK"] = std::to_string(launch.number);
  process.environment[kProcessorsVariable] = processors;
  return process;
}

ChildProcess remote_rank(const LaunchOptions& options, const RankStart& start,
                         const RankLaunch& launch, const RemoteHost& host) {
  std::string command = "exec env";
  for (const auto& [name, value] : thread_environment(start.num_threads))
    command += " " + name + "=" + value;
  const std::string program =
      options.remote_program.empty() ? own_program() : options.remote_program;
  for (const std::string& word :
       words_of_rank(program, start.arguments, launch, options.interface)) {
    command += ' ';
    command += quoted(word);
  }
  ChildProcess process{.words = words_of(options.ssh),
                       .environment = {},
                       .input = launch.key + "\n",
                       .keep_errors = true};
  process.words.insert(process.words.end(), {"-o", "BatchMode=yes", "-o", "ConnectTimeout=10",
                                             host.destination, command});
  return process;
}

/// Of an interface over which other machines are reached; empty where this machine has none of that
/// name, as it is the ranks' machines that have to.
std::string own_interface_address(const std::string& interface) {
  if (interface.empty()) return "";
  try {
    const std::string address = interface_address(interface);
    return is_loopback(address) ? "" : address;
  } catch (const InputError&) {
    return "";
  }
}

/// The address at which a machine of the hosts file finds this one.
std::string address_for(const LaunchOptions& options, const RemoteHost& host) {
  if (!options.address.empty()) return options.address;
  const std::string name = host.destination.substr(host.destination.find('@') + 1);
  std::string own = own_interface_address(options.interface);
  if (!own.empty()) return own;
  try {
    own = address_towards(resolve(name).front());
  } catch (const std::runtime_error&) {
    own = host_facts().name;  // a name of ssh's own configuration: by this machine's name, then
  }
  if (own.empty())
    throw InputError("", "", name + " cannot be reached: this machine has no route to it");
  return own;
}

/// The machines of the ranks.
std::vector<RemoteHost> remote_hosts(const LaunchOptions& options,
                                     const std::vector<RankStart>& starts) {
  std::vector<std::string> names = options.host_order;
  if (names.empty())
    for (const RankStart& start : starts) names.push_back(start.host);
  const std::vector<RemoteHost> all = hosts_for(read_hosts(options.hosts), names, options.hosts);
  std::vector<RemoteHost> found;
  for (const RankStart& start : starts) {
    const auto name = std::find(names.begin(), names.end(), start.host);
    found.push_back(all[static_cast<std::size_t>(name - names.begin())]);
  }
  return found;
}

/// At the addresses that the ranks know this machine by, which they call `names`.
std::vector<Socket> listen_for(const std::vector<std::string>& names, std::uint16_t port,
                               const std::string& interface) {
  try {
    std::set<std::string> addresses;
    for (const std::string& name : names)
      for (const std::string& address : listening_addresses(name, interface))
        addresses.insert(address);
    return listen_on_each({addresses.begin(), addresses.end()}, port);
  } catch (const std::runtime_error& error) {
    throw InputError("", "", error.what());
  }
}

RankLaunch launch_of(const LauncherEnvironment& environment, const LaunchOptions& options) {
  return {.coordinator_address = environment.coordinator_address,
          .coordinator_port = environment.coordinator_port,
          .number = environment.number,
          .num_ranks = environment.num_ranks,
          .request = {},
          .problem = {},
          .speaks = true,
          .patience = std::chrono::seconds(options.patience_s),
          .frozen_after = std::chrono::seconds(options.frozen_after_s)};
}

}  // namespace

void add_launch_options(CLI::App& app, LaunchOptions& options) {
  constexpr std::int64_t kMostPort = 65535;
  constexpr std::int64_t kMostPatience = 86400;
  app.add_option(
      "--hosts", options.hosts,
      "File of machines to start the ranks on by ssh, a line each: DESTINATION [HOST OF THE PLAN]");
  app.add_option("--ssh", options.ssh, "The program that does it, and its options")
      ->capture_default_str();
  app.add_option("--remote-program", options.remote_program,
                 "Path of cadastre-executor on those machines, if not as here");
  app.add_option("--interface", options.interface,
                 "Network interface that the ranks talk over (default: the one towards rank 0)");
  app.add_option("--address", options.address,
                 "This machine's address for the others (default: the one towards them)");
  app.add_option("--port", options.port, "Port at which the ranks report (default: a free one)")
      ->check(integer_from(0, kMostPort));
  app.add_option("--key-file", options.key_file,
                 "File, of the owner alone, with a key that only this run's ranks know: for "
                 "launchers, which may also set CADASTRE_KEY");
  app.add_option("--patience", options.patience_s, "Seconds for all ranks to report in")
      ->capture_default_str()
      ->check(integer_from(1, kMostPatience));
  app.add_option("--frozen-after", options.frozen_after_s,
                 "Seconds after which a rank that does not answer is given up")
      ->capture_default_str()
      ->check(integer_from(1, kMostPatience));
}

std::optional<LauncherEnvironment> started_by(const LaunchOptions& options) {
  if (options.local || !options.hosts.empty()) return std::nullopt;
  std::optional<LauncherEnvironment> environment = launcher_environment();
  if (environment && options.port != 0) environment->coordinator_port = options.port;
  if (environment && !options.address.empty()) environment->coordinator_address = options.address;
  return environment;
}

RankGroup::RankGroup(const LaunchOptions& options, const std::vector<RankStart>& starts,
                     const std::string& request)
    : patience_(options.patience_s) {
  const auto num_ranks = static_cast<int>(starts.size());
  const std::optional<LauncherEnvironment> environment = started_by(options);
  const bool by_ssh = !options.hosts.empty();
  const bool is_local = !environment && !by_ssh;
  std::vector<RemoteHost> remote;
  if (by_ssh) {
    if (words_of(options.ssh).empty())
      throw InputError("", "", "expected a program for --ssh, found none");
    remote = remote_hosts(options, starts);
  }
  RunKey key = run_key(options.key_file, environment);
  key_note_ = key.note;
  RankLaunch launch{
      .key = key.key, .key_from_input = by_ssh, .request = environment ? request : std::string()};
  launch.num_ranks = num_ranks;
  launch.patience = patience_;
  launch.frozen_after = std::chrono::seconds(options.frozen_after_s);
  // By rank, where this process starts them.
  std::vector<std::string> own_names = {environment ? environment->coordinator_address : kLoopback};
  if (by_ssh) own_names.clear();
  for (const RemoteHost& host : remote) own_names.push_back(address_for(options, host));
  coordinator_ = std::make_unique<Coordinator>(
      Reception(listen_for(own_names, environment ? environment->coordinator_port : options.port,
                           options.interface),
                launch.key),
      num_ranks);
  launch.coordinator_port = coordinator_->port();

  std::vector<int> num_threads;
  for (const RankStart& start : starts) num_threads.push_back(start.num_threads);
  std::vector<ChildProcess> processes;
  for (int rank = 0; rank < num_ranks; ++rank) {
    const RankStart& start = starts[static_cast<std::size_t>(rank)];
    launch.number = rank;
    if (is_local) {
      launch.coordinator_address = kLoopback;
      processes.push_back(local_rank(
          start, launch, processors_for_ranks(num_threads)[static_cast<std::size_t>(rank)],
          options.interface));
      coordinator_->set_name(rank, start.name);
    } else if (by_ssh) {
      launch.coordinator_address = own_names[static_cast<std::size_t>(rank)];
      processes.push_back(
          remote_rank(options, start, launch, remote[static_cast<std::size_t>(rank)]));
      coordinator_->set_name(rank, start.name);
    } else if (rank == 0) {
      launch.coordinator_address = environment->coordinator_address;
      launch.num_ranks = environment->num_ranks;
      processes.push_back(local_rank(start, launch, "", options.interface));
    }
  }
  try {
    children_ = std::make_unique<ChildProcesses>(processes);
  } catch (const std::runtime_error& error) {
    throw InputError("", "", error.what());  // most likely --ssh names a program that there is not
  }
  coordinator_->watch(*children_);
  coordinator_->set_frozen_patience(std::chrono::seconds(options.frozen_after_s));
}

RankGroup::~RankGroup() = default;

std::vector<RankHello> RankGroup::gather() { return coordinator_->gather(patience_); }

std::vector<std::string> RankGroup::notes() const {
  std::vector<std::string> notes = coordinator_->refusals();
  if (!key_note_.empty()) notes.insert(notes.begin(), key_note_);
  return notes;
}

void become_rank(const LaunchOptions& options, const LauncherEnvironment& environment,
                 const std::vector<std::string>& arguments, const std::string& request,
                 const std::string& problem) {
  RankLaunch launch = launch_of(environment, options);
  launch.request = request;
  launch.problem = problem;
  std::vector<std::string> words =
      words_of_rank(own_program(), arguments, launch, options.interface);
  ::setenv(kKeyVariable, run_key(options.key_file, environment).key.c_str(), 1);
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  ::execv(words.front().c_str(), pointers.data());
  throw std::runtime_error(words.front() + " cannot be started: " + std::strerror(errno));
}

void refuse_ranks(const LaunchOptions& options, const LauncherEnvironment& environment,
                  const std::string& why) {
  if (environment.num_ranks < 2) return;
  try {
    Coordinator coordinator(Reception(listen_for({environment.coordinator_address},
                                                 environment.coordinator_port, options.interface),
                                      run_key(options.key_file, environment).key),
                            environment.num_ranks);
    // They have all come, or it is their own patience that ends them.
    constexpr std::int64_t kMostSeconds = 10;
    coordinator.refuse(why, kWrongRequest,
                       std::chrono::seconds(std::min(options.patience_s, kMostSeconds)));
  } catch (const std::exception&) {
    // Nothing can be said to them; this process says it.
  }
}

void add_rank_launch_options(CLI::App& app, RankLaunch& launch) {
  app.add_option("--coordinator", launch.coordinator_address)->required();
  app.add_option("--coordinator-port", launch.coordinator_port)->required();
  app.add_option("--number", launch.number)->required();
  app.add_option("--num-ranks", launch.num_ranks)->required();
  app.add_option("--request", launch.request);
  app.add_option("--problem", launch.problem);
  app.add_flag("--key-from-input", launch.key_from_input);
  app.add_flag("--speaks", launch.speaks);
  app.add_option_function<std::int64_t>("--patience", [&launch](std::int64_t seconds) {
    launch.patience = std::chrono::seconds(seconds);
  });
  app.add_option_function<std::int64_t>("--frozen-after", [&launch](std::int64_t seconds) {
    launch.frozen_after = std::chrono::seconds(seconds);
  });
}

void prepare_rank(RankLaunch& launch) {
  die_with_parent();
  bind_to_given_processors();
  launch.key = launch.key_from_input ? key_from_input(STDIN_FILENO, launch.patience)
                                     : key_from_environment();
}

}  // namespace cadastre
