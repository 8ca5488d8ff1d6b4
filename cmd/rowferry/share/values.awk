# What the value of an option can be, for the completions: `files`, `folders`, the words themselves,
# or nothing if only the user can know. Variables: states and retriable, the names of these
# states of jobs.
function values(option, argument) {
    if (option == "format")
        return "csv ndjson"
    if (option == "on-conflict")
        return "park rebase dismiss"
    if (option == "audit")
        return "all none 5%"
    if (option == "state")
        return argument == "S" ? retriable : "rejected jobs all " states
    if (option == "log-format")
        return "text json"
    if (argument == "FOLDER")
        return "folders"
    return argument ~ /FILE/ ? "files" : ""
}

# Whether the arguments of a command are files.
function takes_files(arguments) {
    return arguments ~ /FILE|PATH|INBOX/
}
