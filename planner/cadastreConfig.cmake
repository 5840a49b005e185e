# Found by find_package(cadastre): gives the target cadastre::planner.
include(CMakeFindDependencyMacro)
find_dependency(nlohmann_json 3.11)
find_package(ZLIB QUIET) # where this was built with it
include(${CMAKE_CURRENT_LIST_DIR}/cadastreTargets.cmake)
