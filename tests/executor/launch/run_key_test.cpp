#include "executor/launch/run_key.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "planner/error.h"
#include "tests/support/catch.h"

namespace cadastre {
namespace {

namespace fs = std::filesystem;

const std::string kKey = "0123456789abcdef";

/// A file with a key, gone at the end.
struct KeyFile {
  explicit KeyFile(const std::string& text, mode_t mode = 0600) {
    path = fs::temp_directory_path() / ("cadastre-key-" + std::to_string(::getpid()));
    std::ofstream(path) << text;
    ::chmod(path.c_str(), mode);
  }

  ~KeyFile() { fs::remove(path); }

  KeyFile(const KeyFile&) = delete;
  KeyFile& operator=(const KeyFile&) = delete;

  fs::path path;
};

/// The variable, for as long as it lives.
struct Variable {
  explicit Variable(const std::string& value) { ::setenv(kKeyVariable, value.c_str(), 1); }

  ~Variable() { ::unsetenv(kKeyVariable); }

  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;
};

LauncherEnvironment slurm() {
  return {.launcher = "Slurm", .number = 0, .num_ranks = 2, .token = "job 7"};
}

std::string failure(const fs::path& file, const std::optional<LauncherEnvironment>& environment) {
  try {
    static_cast<void>(run_key(file, environment));
  } catch (const InputError& error) {
    return error.what();
  }
  return "";
}

TEST_CASE("ranks that are started here get a key of their own each time", "[executor]") {
  const Variable ignored("another that is for launchers");
  const RunKey one = run_key("", std::nullopt);
  CHECK(one.key.size() == 32);
  CHECK(one.key != run_key("", std::nullopt).key);
  CHECK(one.note.empty());
}

TEST_CASE("a launcher's ranks take the key that they are given", "[executor]") {
  const KeyFile file(kKey + "\n");
  const RunKey of_file = run_key(file.path, slurm());
  CHECK(of_file.key == kKey + " job 7");
  CHECK(of_file.note.empty());
  {
    const Variable variable(kKey);
    CHECK(run_key("", slurm()).key == of_file.key);
    LauncherEnvironment other = slurm();
    other.token = "job 8";
    CHECK(run_key("", other).key != of_file.key);
  }
  const Variable variable("another of 16 letters or more");
  CHECK(failure("", slurm()) ==
        "expected a key of 16 to 1024 letters without spaces in the "
        "environment variable CADASTRE_KEY, found others; `openssl rand "
        "-hex 16` makes a good one");
  CHECK(run_key(file.path, slurm()).key == of_file.key);
}

TEST_CASE("where nobody gave a key, the launcher's secret is one, and else it is said",
          "[executor]") {
  LauncherEnvironment mpirun = slurm();
  mpirun.secret = "0345f35694942f39-59acda48fa360f33";
  CHECK(run_key("", mpirun).key == mpirun.secret + " job 7");
  CHECK(run_key("", mpirun).note.empty());
  CHECK(run_key("", slurm()).note ==
        "Slurm gave the ranks no secret: whoever reaches their ports and knows the job could join "
        "the run; set CADASTRE_KEY or --key-file");
}

TEST_CASE("a key that others can read, or that is none, is refused", "[executor]") {
  SECTION("others can read it") {
    const KeyFile file(kKey, 0644);
    CHECK(failure(file.path, slurm()) ==
          file.path.string() +
              ": expected a key that only its owner can read, found mode 644; "
              "chmod 600 it, and take another key");
  }
  SECTION("too short") {
    const KeyFile file("secret\n");
    CHECK(failure(file.path, std::nullopt) ==
          file.path.string() +
              ": expected a key of 16 to 1024 letters without spaces in the file, "
              "found 6 letters; `openssl rand -hex 16` makes a good one");
  }
  SECTION("missing") {
    CHECK(failure("/no/key", slurm()) == "/no/key: cannot be read: No such file or directory");
  }
}

TEST_CASE("a rank takes its key and leaves none behind", "[executor]") {
  {
    const Variable variable(kKey);
    CHECK(key_from_environment() == kKey);
    CHECK(std::getenv(kKeyVariable) == nullptr);
    CHECK_THROWS_AS(key_from_environment(), InputError);
  }
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  const std::string line = kKey + "\n";
  REQUIRE(::write(ends[1], line.data(), line.size()) == static_cast<ssize_t>(line.size()));
  CHECK(key_from_input(ends[0], std::chrono::seconds(5)) == kKey);
  CHECK_THROWS_AS(key_from_input(ends[0], std::chrono::milliseconds(10)), InputError);
  ::close(ends[1]);
  CHECK_THROWS_AS(key_from_input(ends[0], std::chrono::seconds(5)), InputError);
  ::close(ends[0]);
}

}  // namespace
}  // namespace cadastre
