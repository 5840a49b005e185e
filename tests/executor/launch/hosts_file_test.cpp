#include "executor/launch/hosts_file.h"

#include "planner/files.h"
#include "tests/support/catch.h"
#include "tests/support/documents.h"
#include "tests/support/temporary_directory.h"

namespace cadastre {
namespace {

/// A file of hosts with this content.
class HostsFile {
 public:
  explicit HostsFile(const std::string& text) { write_file(path(), text); }

  [[nodiscard]] std::filesystem::path path() const { return directory_.path() / "hosts"; }

  [[nodiscard]] std::vector<RemoteHost> read() const { return read_hosts(path()); }

  /// Without the directory.
  [[nodiscard]] std::string refusal() const {
    return without_directory(documents::refusal([&] { static_cast<void>(read()); }));
  }

  [[nodiscard]] std::string refusal_for(const std::vector<std::string>& names) const {
    return without_directory(
        documents::refusal([&] { static_cast<void>(hosts_for(read(), names, path())); }));
  }

  [[nodiscard]] std::vector<std::string> destinations(const std::vector<std::string>& names) const {
    std::vector<std::string> found;
    for (const RemoteHost& host : hosts_for(read(), names, path()))
      found.push_back(host.destination);
    return found;
  }

 private:
  [[nodiscard]] std::string without_directory(const std::string& text) const {
    const std::string prefix = directory_.path().string() + "/";
    return text.rfind(prefix, 0) == 0 ? text.substr(prefix.size()) : text;
  }

  TemporaryDirectory directory_;
};

using Names = std::vector<std::string>;

TEST_CASE("a hosts file is a line for each machine", "[executor]") {
  const HostsFile file("# the lab\nlab1\n\n  maria@10.0.0.2  b # under the window\n");
  CHECK(file.read() ==
        std::vector<RemoteHost>{{.destination = "lab1", .host = "", .line = 2},
                                {.destination = "maria@10.0.0.2", .host = "b", .line = 4}});
}

TEST_CASE("machines serve the hosts that they are named for", "[executor]") {
  CHECK(HostsFile("x b\ny a\n").destinations({"a", "b"}) == Names{"y", "x"});
  CHECK(HostsFile("maria@lab2.example.org\nlab1\n").destinations({"lab1", "lab2"}) ==
        Names{"lab1", "maria@lab2.example.org"});
  // More than the plan needs.
  CHECK(HostsFile("lab1\nlab2\nlab3\n").destinations({"lab3"}) == Names{"lab3"});
}

TEST_CASE("machines that no host is named after serve in order", "[executor]") {
  CHECK(HostsFile("10.0.0.1\n10.0.0.2\n").destinations({"a", "b"}) ==
        Names{"10.0.0.1", "10.0.0.2"});
}

TEST_CASE("a bad hosts file is refused with its line", "[executor]") {
  CHECK(HostsFile("# nothing\n\n").refusal() == "hosts: expected a line for each host, found none");
  CHECK(HostsFile("lab1\nlab2 b 3\n").refusal() ==
        "hosts:2: expected a destination of ssh and at most a host's name, found also \"3\"");
  CHECK(HostsFile("lab1\nlab1\n").refusal() ==
        "hosts:2: expected each host once, found lab1 again");
  CHECK(HostsFile("-oProxyCommand=x\n").refusal() ==
        "hosts:1: expected a destination of ssh, found \"-oProxyCommand=x\"");
  CHECK(HostsFile("lab1 a\n").refusal_for({"a", "b"}) ==
        "hosts: expected a line for the plan's host b, found none");
  CHECK(HostsFile("10.0.0.1\n").refusal_for({"a", "b"}) ==
        "hosts: expected 2 hosts, as the plan has, found 1");
}

}  // namespace
}  // namespace cadastre
