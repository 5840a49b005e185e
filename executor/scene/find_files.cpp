#include <algorithm>
#include <set>

#include "executor/scene/scene_guess.h"
#include "executor/scene/stac_item.h"
#include "planner/error.h"

namespace cadastre {

namespace fs = std::filesystem;

namespace {

/// Files that only go with others, or hold no pixels: not worth a line in a report.
bool is_companion(const fs::path& file) {
  static const std::set<std::string> endings = {
      ".xml", ".ovr", ".md",  ".txt", ".csv", ".json", ".html", ".qml", ".dbf", ".shx",
      ".prj", ".cpg", ".sbn", ".sbx", ".tfw", ".jgw",  ".pgw",  ".wld", ".aux", ".hdr",
      ".qpj", ".sh",  ".pdf", ".py",  ".zip", ".gz",   ".pt",   ".log"};
  std::string ending = file.extension().string();
  std::transform(ending.begin(), ending.end(), ending.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return ending.empty() ? !fs::exists(file.string() + ".hdr") : endings.count(ending) > 0;
}

void add_place(const fs::path& place, std::vector<FoundFile>& found) {
  if (is_stac_item(place)) {
    for (FoundFile& asset : stac_assets(place)) found.push_back(std::move(asset));
  } else {
    found.push_back(inspect_file(place));
  }
}

}  // namespace

std::vector<FoundFile> find_files(const std::vector<fs::path>& places) {
  std::vector<FoundFile> found;
  std::error_code ignored;
  for (const fs::path& place : places) {
    if (!fs::exists(place, ignored))
      throw InputError(place.string(), "", "expected a folder or a file, found none");
    if (!fs::is_directory(place, ignored)) {
      add_place(place, found);
      continue;
    }
    std::vector<fs::path> files;
    for (const fs::directory_entry& entry :
         fs::recursive_directory_iterator(place, fs::directory_options::skip_permission_denied))
      if (entry.is_regular_file(ignored) && entry.path().filename().string()[0] != '.')
        files.push_back(entry.path());
    std::sort(files.begin(), files.end());
    // What an item describes is known by it, whatever else lies beside.
    for (const fs::path& file : files)
      if (is_stac_item(file)) add_place(file, found);
    for (const fs::path& file : files) {
      const bool is_known = std::any_of(found.begin(), found.end(), [&](const FoundFile& one) {
        return fs::equivalent(one.file, file, ignored);
      });
      if (is_known || (is_companion(file) || is_stac_item(file))) continue;
      add_place(file, found);
    }
  }
  return found;
}

}  // namespace cadastre
