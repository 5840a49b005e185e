#include "planner/onnx/module_path.h"

namespace cadastre::onnx_import {

std::string module_path(const std::string& node_name) {
  if (!node_name.starts_with('/')) return "";
  std::string path;
  std::string last;  // part, whose name the next may begin with
  std::size_t begin = 1;
  for (std::size_t end = node_name.find('/', begin); end != std::string::npos;
       begin = end + 1, end = node_name.find('/', begin)) {
    const std::string part = node_name.substr(begin, end - begin);
    if (!last.empty() && part.starts_with(last + "."))
      path += part.substr(last.size());
    else
      path += (path.empty() ? "" : ".") + part;
    last = part;
  }
  return path;
}

}  // namespace cadastre::onnx_import
