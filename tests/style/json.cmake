# cmake -DFILE=... -P json.cmake: fails when the file is not a JSON object.
file(READ ${FILE} text)
string(JSON kind TYPE "${text}")
if(NOT kind STREQUAL OBJECT)
    message(FATAL_ERROR "${FILE} is not a JSON object")
endif()
