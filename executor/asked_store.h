#pragma once

#include <torch/csrc/distributed/c10d/Store.hpp>

#include "executor/launch/shared_store.h"

namespace cadastre {

/// Has c10d keep what its ranks tell each other in the run's own shared values, where its TCPStore
/// would listen on all addresses and take anybody's word.
class AskedStore : public c10d::Store {
 public:
  AskedStore(AskStore ask, std::chrono::milliseconds timeout);

  void set(const std::string& key, const std::vector<uint8_t>& value) override;
  std::vector<uint8_t> compareSet(const std::string& key, const std::vector<uint8_t>& expected,
                                  const std::vector<uint8_t>& value) override;
  std::vector<uint8_t> get(const std::string& key) override;
  int64_t add(const std::string& key, int64_t amount) override;
  bool deleteKey(const std::string& key) override;
  bool check(const std::vector<std::string>& keys) override;
  int64_t getNumKeys() override;
  void wait(const std::vector<std::string>& keys) override;
  void wait(const std::vector<std::string>& keys,
            const std::chrono::milliseconds& timeout) override;

 private:
  AskStore ask_;
};

}  // namespace cadastre
