include(${CMAKE_CURRENT_LIST_DIR}/run.cmake)
file(REMOVE_RECURSE ${WORK_DIR})
file(MAKE_DIRECTORY ${WORK_DIR}/project)

# The blocks of the section "Use it from C++".
file(READ ${SOURCE_DIR}/README.md readme)
string(FIND "${readme}" "## Use it from C++" begin)
if(begin EQUAL -1)
  message(FATAL_ERROR "README.md has no section \"Use it from C++\"")
endif()
string(SUBSTRING "${readme}" ${begin} -1 section)
function(extract language file)
  string(FIND "${section}" "```${language}\n" begin)
  if(begin EQUAL -1)
    message(FATAL_ERROR "the section has no block of ${language}")
  endif()
  string(LENGTH "```${language}\n" length)
  math(EXPR begin "${begin} + ${length}")
  string(SUBSTRING "${section}" ${begin} -1 rest)
  string(FIND "${rest}" "```" end)
  string(SUBSTRING "${rest}" 0 ${end} block)
  file(WRITE ${file} "${block}")
endfunction()
extract(cmake ${WORK_DIR}/project/CMakeLists.txt)
extract(cpp ${WORK_DIR}/project/plan.cpp)

run(${CMAKE_COMMAND} --install ${BUILD_DIR} --prefix ${WORK_DIR}/prefix --component planner)
file(COPY ${CMAKE_CURRENT_LIST_DIR}/where.cpp DESTINATION ${WORK_DIR}/project)
file(APPEND ${WORK_DIR}/project/CMakeLists.txt
     "add_executable(where where.cpp)\ntarget_link_libraries(where PRIVATE cadastre::planner)\n")
# No package that only the planner's own sources need may be asked for.
run(${CMAKE_COMMAND} -S ${WORK_DIR}/project -B ${WORK_DIR}/build -G ${GENERATOR}
    -D CMAKE_PREFIX_PATH=${WORK_DIR}/prefix -D CMAKE_CXX_COMPILER=${COMPILER}
    "-D CMAKE_CXX_FLAGS=${FLAGS} -Wall -Wextra"
    -D CMAKE_DISABLE_FIND_PACKAGE_Boost=ON -D CMAKE_DISABLE_FIND_PACKAGE_CLI11=ON
    -D CMAKE_FIND_USE_PACKAGE_REGISTRY=OFF)
run(${CMAKE_COMMAND} --build ${WORK_DIR}/build)

set(node "forward_compute_time=10, backward_compute_time=20, activation_size=4000, parameter_size=0")
file(WRITE ${WORK_DIR}/graph.txt
     "first -- Conv2d -- ${node}\nsecond -- Linear -- ${node}\n\tfirst -- second\n")
run(${PROGRAM} import pipedream ${WORK_DIR}/graph.txt -o ${WORK_DIR}/profile.json)
set(cluster ${SOURCE_DIR}/scenarios/clusters/two-hosts.json)
run(${WORK_DIR}/build/plan ${WORK_DIR}/profile.json ${cluster})
set(printed "${output}")
run(${PROGRAM} plan --profile ${WORK_DIR}/profile.json --cluster ${cluster} --batch-size 64 --json
    --quiet)
string(JSON step_s GET "${output}" step_s)
if(NOT printed MATCHES "^step ([0-9]+)\\.[0-9]+ ms\nfirst to ")
  message(FATAL_ERROR "the program printed:\n${printed}")
endif()
# As many milliseconds as `cadastre plan` finds.
set(printed_ms ${CMAKE_MATCH_1})
string(REGEX MATCH "^([0-9]+)\\.?([0-9]*)$" _ "${step_s}")
string(SUBSTRING "${CMAKE_MATCH_2}000" 0 3 thousandths)
math(EXPR step_ms "${CMAKE_MATCH_1} * 1000 + 1${thousandths} - 1000")
math(EXPR difference_ms "${printed_ms} - ${step_ms}")
if(difference_ms LESS -1 OR difference_ms GREATER 1)
  message(FATAL_ERROR "the program's step is ${printed_ms} ms, cadastre plan's ${step_ms}")
endif()

# A bad request: one line, as in cadastre's own programs.
execute_process(COMMAND ${WORK_DIR}/build/plan ${cluster} ${cluster} RESULT_VARIABLE status
                ERROR_VARIABLE errors)
if(NOT status EQUAL 2 OR NOT errors MATCHES "^error: .*two-hosts.json: /format: expected ")
  message(FATAL_ERROR "exit status ${status}: ${errors}")
endif()

# A program finds the scenarios that are installed beside it.
run(${CMAKE_COMMAND} --install ${BUILD_DIR} --prefix ${WORK_DIR}/prefix --component data)
file(COPY ${WORK_DIR}/build/where DESTINATION ${WORK_DIR}/prefix/${BINDIR})
run(${WORK_DIR}/prefix/${BINDIR}/where)
if(NOT output STREQUAL ${WORK_DIR}/prefix/${DATADIR}/cadastre/scenarios)
  message(FATAL_ERROR "scenarios were looked for in ${output}")
endif()
