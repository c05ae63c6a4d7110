# cmake -DLIST=... -P json.cmake: names each file of the list (a path a line, from the working directory) that is not a JSON object.
file(STRINGS ${LIST} files)
foreach(file IN LISTS files)
    file(READ ${file} text)
    string(JSON kind ERROR_VARIABLE trouble TYPE "${text}")
    if(NOT kind STREQUAL OBJECT)
        message(NOTICE "${file}: is not a JSON object")
    endif()
endforeach()
