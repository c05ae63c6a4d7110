# cmake -DSOURCE=... -DOUT=... -P build_info.cmake: writes a header that says what is being built. Runs at every build, writes
# only when something changed. Works without git (a source archive): the commit is then "unknown".

set(commit "unknown")
find_program(GIT git)
if(GIT AND EXISTS "${SOURCE}/.git")
    execute_process(COMMAND ${GIT} -C "${SOURCE}" rev-parse --short=12 HEAD
        OUTPUT_VARIABLE head OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE failed)
    if(NOT failed)
        set(commit "${head}")
        execute_process(COMMAND ${GIT} -C "${SOURCE}" status --porcelain --untracked-files=no
            OUTPUT_VARIABLE changes ERROR_QUIET)
        if(NOT changes STREQUAL "")
            string(APPEND commit "-dirty")
        endif()
    endif()
endif()

# The rooms that a measurement runs through: a changed report or command does not make a measured run stale.
set(patterns)
foreach(folder lab/base lab/data lab/nn lab/comm lab/train lab/store optim)
    list(APPEND patterns "${SOURCE}/${folder}/*.c" "${SOURCE}/${folder}/*.h" "${SOURCE}/${folder}/*.def")
endforeach()
file(GLOB sources RELATIVE "${SOURCE}" ${patterns})
list(SORT sources)
set(hashes "")
foreach(source IN LISTS sources)
    file(SHA256 "${SOURCE}/${source}" hash)
    string(APPEND hashes "${source} ${hash}\n")
endforeach()
string(SHA256 hash "${hashes}${COMPILER}\n${FLAGS}\n")
string(SUBSTRING "${hash}" 0 16 hash)

set(text "/* Written by lab/store/build_info.cmake. */\n#define BUILD_COMMIT \"${commit}\"\n#define BUILD_HASH \"${hash}\"\n")
set(old "")
if(EXISTS "${OUT}")
    file(READ "${OUT}" old)
endif()
if(NOT old STREQUAL text)
    file(WRITE "${OUT}" "${text}")
endif()
