# run(WORDS…): runs a command, ends the test with its output when it fails, leaves its standard output
# in `output`.
macro(run)
  execute_process(COMMAND ${ARGV} RESULT_VARIABLE status OUTPUT_VARIABLE output
                  ERROR_VARIABLE errors)
  if(NOT status EQUAL 0)
    message(FATAL_ERROR "exit status ${status} of: ${ARGV}\n${output}\n${errors}")
  endif()
endmacro()
