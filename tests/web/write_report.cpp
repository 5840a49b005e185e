// `write_report OUT INPUT…`: make_report without the front door, for the browser test.

#include <filesystem>
#include <iostream>
#include <vector>

#include "planner/error.h"
#include "planner/files.h"
#include "planner/report.h"

int main(int argc, char** argv) {
  if (argc < 3) {
    std::cerr << "usage: write_report OUT INPUT...\n";
    return 2;
  }
  try {
    cadastre::write_file(argv[1], cadastre::make_report({argv + 2, argv + argc}));
  } catch (const cadastre::InputError& error) {
    std::cerr << "error: " << error.what() << '\n';
    return 2;
  }
  return 0;
}
